"""What the interpreter keeps of a tensor: its elements and their values, the points of a term, elements waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.equations.expr import Expr, Index, Read
from graphc.equations.points import Rows
from graphc.equations.system import Tensor, Term

Array = npt.NDArray[Any]
NOT_STARTED, IN_PROGRESS, DONE = 0, 1, 2


class Values:
    """The elements of one tensor: those that exist, their values, and how far each is."""

    def __init__(self, rank: int, rows: Rows, dtype: Any) -> None:
        self.low = rows.min(axis=0) if len(rows) else np.zeros(rank, np.int64)
        self.shape = tuple(rows.max(axis=0) - self.low + 1) if len(rows) else (0,) * rank
        count = int(np.prod(self.shape)) if len(rows) else 0
        self.exists = np.zeros(count, bool)
        self.data = np.zeros(count, dtype)
        self.state = np.zeros(count, np.int8)
        if count:
            self.exists[np.ravel_multi_index(tuple((rows - self.low).T), self.shape) if rank else 0] = True

    @staticmethod
    def of(array: Array) -> Values:
        """The values of an argument: all there."""
        values = Values(array.ndim, np.zeros((0, array.ndim), np.int64), array.dtype)
        values.shape, values.data = array.shape, array.ravel()
        values.exists, values.state = np.ones(array.size, bool), np.full(array.size, DONE, np.int8)
        return values

    def flat(self, coords: Rows) -> npt.NDArray[np.int64]:
        """Positions of these coordinates (rows); -1 where no element is."""
        place, inside = np.zeros(len(coords), np.int64), np.full(len(coords), len(self.exists) > 0)
        for k, extent in enumerate(self.shape):
            c = coords[:, k] - self.low[k]
            inside &= (c >= 0) & (c < extent)
            place = place * extent + c
        place[~inside] = -1
        place[inside] = np.where(self.exists[place[inside]], place[inside], -1)
        return place

    def coordinates(self, flat: int) -> tuple[int, ...]:
        return tuple(int(c + low) for c, low in zip(np.unravel_index(flat, self.shape), self.low, strict=True))


@dataclass
class Points:
    """One term at concrete sizes. Contributions to element e are the rows order[starts[e]:starts[e + 1]]."""

    term: Term
    rows: Rows
    columns: dict[Index, Array]
    nodes: tuple[Expr, ...]
    places: dict[Read, Array] = field(default_factory=dict)
    order: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    starts: Array = field(default_factory=lambda: np.zeros(1, np.int64))

    def contributions(self, elements: Array) -> tuple[Array, Array]:
        """Rows that write these elements, and for each row which of `elements` it writes."""
        if len(elements) == 1:
            ids = self.order[self.starts[elements[0]] : self.starts[elements[0] + 1]]
            return ids, np.zeros(len(ids), np.int64)
        first = self.starts[elements]
        counts = self.starts[elements + 1] - first
        owner = np.repeat(np.arange(len(elements)), counts)
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self.order[np.repeat(first, counts) + offset], owner


@dataclass
class Frame:
    """Some elements of one tensor that somebody waits for."""

    tensor: Tensor
    elements: Array
    opened: bool = False


def element_name(tensor: Tensor, coords: Sequence[Any] | Array) -> str:
    return f"{tensor.name}[{', '.join(str(int(c)) for c in coords)}]" if len(coords) else tensor.name
