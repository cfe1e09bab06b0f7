"""What a call needs beside its arguments: memory of its thread's own, and what follows from the arguments' shapes."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
ALIGN = 64
LARGE = 1 << 18  # bytes from which an output's memory is worth keeping
SIZES, WORKSPACE, REPEAT, BAD = 0, 1, 2, 3  # places in a frame's `call`
_USABLE = 0x101  # NumPy's flags C_CONTIGUOUS and ALIGNED


@dataclass(frozen=True)
class Output:
    """An array to be filled, and the part of it to return if not all, in the shape that is declared."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    part: tuple[slice, ...] | None
    declared: tuple[int, ...]

    @property
    def large(self) -> bool:
        return math.prod(self.shape) * self.dtype.itemsize >= LARGE


@dataclass(frozen=True)
class Shapes:
    """What follows from the shapes of one call's arguments."""

    sizes: Array
    address: int
    values: dict[str, int]
    outputs: tuple[Output, ...]
    workspace: int

    @cached_property
    def parts(self) -> bool:
        """Whether some output is returned in part only."""
        return any(out.part is not None for out in self.outputs)

    @cached_property
    def small(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]] | None:
        """Shapes and dtypes of the outputs; None if some of them is large."""
        return None if any(out.large for out in self.outputs) else [(out.shape, out.dtype) for out in self.outputs]


@dataclass(frozen=True)
class Kind:
    """What a call looked like that was checked in full: a later one that looks the same needs no other check.

    `expected`: dtype and shape by name, those the kernel reads first and in its order.
    """

    expected: tuple[tuple[str, np.dtype[Any], tuple[int, ...]], ...]
    given: tuple[tuple[str, int], ...]
    shapes: Shapes

    def match(self, arguments: Mapping[str, Any], cells: Mapping[str, Array]) -> list[Array] | None:
        """The arrays, in order; None if the call looks different. Numbers are put into this thread's `cells`."""
        if len(arguments) != len(self.expected) + len(self.given):
            return None
        found = []
        for name, dtype, shape in self.expected:
            value = arguments.get(name)
            if type(value) is np.ndarray:
                if value.dtype is not dtype or value.shape != shape or value.flags.num & _USABLE != _USABLE:
                    return None
                found.append(value)
            elif type(value) is float and name in cells:
                cell = cells[name]
                cell[()] = value
                found.append(cell)
            else:
                return None
        for name, size in self.given:
            value = arguments.get(name)
            if type(value) is not int or value != size:
                return None
        return found


def _holders(spare: list[Array], k: int) -> int:
    """How many hold an array of the list, as this interpreter counts: views and exports of it count too."""
    held = spare[k]
    return sys.getrefcount(held)


_ALONE = _holders([np.empty(0)], 0)


class Frame:
    """What one thread's calls use: the workspace, large outputs that may be used again, and what native code reads
    and writes beside arrays (`call`: see `objects_function`)."""

    def __init__(self, size: int) -> None:
        self.block = np.empty(size + ALIGN, np.uint8)
        self.call = np.array([0, -(-self.block.ctypes.data // ALIGN) * ALIGN, 1, 0, 0], np.int64)
        self.size = size
        self.spare: dict[int, list[Array]] = {}
        self.cells: dict[str, Array] = {}
        self.last: Kind | None = None
        self.busy = True  # from the start of a call to its end

    def outputs(self, shapes: Shapes) -> list[Array]:
        """Arrays for the outputs."""
        if shapes.small is not None:
            return [np.empty(shape, dtype) for shape, dtype in shapes.small]
        return [
            self._large(k, out) if out.large else np.empty(out.shape, out.dtype) for k, out in enumerate(shapes.outputs)
        ]

    def _large(self, k: int, out: Output) -> Array:
        """A large array that an earlier call returned and nobody holds any more is used again: fresh pages from the
        operating system cost more than many a kernel that fills them. Two are kept, since `y = f(x)` in a loop holds
        the last result while the next is computed."""
        spare = self.spare.setdefault(k, [])
        for n in range(len(spare)):
            if _holders(spare, n) == _ALONE and spare[n].shape == out.shape and spare[n].dtype == out.dtype:
                flags = spare[n].flags  # whoever held it may have changed what can be changed in place
                if flags.writeable and flags.c_contiguous:
                    return spare[n]
        array = np.empty(out.shape, out.dtype)
        self.spare[k] = [array, *spare[:1]]
        return array
