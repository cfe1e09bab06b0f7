"""The points of an integer set at concrete sizes, as rows of an array.

Index by index: the bounds of index k follow from the constraints of the set's shadow on the first k + 1 indices, for
all prefixes at once. Strides (isl's "divs") only over-approximate there and are tested on the finished rows.
"""

from __future__ import annotations

from collections.abc import Callable

import islpy as isl
import numpy as np
import numpy.typing as npt

from graphc.equations import sets
from graphc.equations.domain import integer

Rows = npt.NDArray[np.int64]
_SET, _DIV = isl.dim_type.set, isl.dim_type.div


def points(fixed: isl.Set) -> Rows:
    """All points of a bounded set without parameters: one row each, lexicographic within each convex piece."""
    found = [_piece(b) for b in sets.coalesce(fixed).make_disjoint().compute_divs().get_basic_sets()]
    return np.concatenate([np.zeros((0, fixed.dim(_SET)), np.int64), *found])


def _piece(piece: isl.BasicSet) -> Rows:
    n = piece.dim(_SET)
    if piece.is_empty():
        return np.zeros((0, n), np.int64)
    rows: Rows = np.zeros((1, 0), np.int64)
    hull = piece.remove_divs()
    for k in range(n):
        shadow = hull.project_out(_SET, k + 1, n - k - 1).remove_divs()
        low, high = _bounds(shadow, k, rows)
        counts = np.maximum(high - low + 1, 0)
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.column_stack([np.repeat(rows, counts, axis=0), np.repeat(low, counts) + offsets])
    return rows if n == 0 else rows[_holds(piece, rows)]


def _row(get: Callable[[isl.dim_type, int], isl.Val], kind: isl.dim_type, n: int) -> Rows:
    return np.array([integer(get(kind, k)) for k in range(n)], np.int64)


def _bounds(shadow: isl.BasicSet, k: int, rows: Rows) -> tuple[Rows, Rows]:
    """Least and largest value of index k for each prefix."""
    lows, highs = [], []
    for c in shadow.get_constraints():
        coefficients = _row(c.get_coefficient_val, _SET, k + 1)
        a = int(coefficients[k])
        if a == 0:
            continue
        rest = rows @ coefficients[:k] + integer(c.get_constant_val())
        if a > 0 or c.is_equality():
            lows.append(-(rest // a) if a > 0 else -(-rest // -a))
        if a < 0 or c.is_equality():
            highs.append(rest // -a if a < 0 else -rest // a)
    assert lows and highs, f"unbounded: {shadow}"
    return np.max(lows, axis=0), np.min(highs, axis=0)


def _holds(piece: isl.BasicSet, rows: Rows) -> npt.NDArray[np.bool_]:
    """Which rows satisfy every constraint; a div is the floor of an affine expression in those before it."""
    n, m = piece.dim(_SET), piece.dim(_DIV)
    columns = rows
    for k in range(m):
        div = piece.get_div(k)
        scale = div.get_denominator_val()
        value = np.full(len(rows), integer(div.get_constant_val().mul(scale)), np.int64)
        for kind, count, start in ((isl.dim_type.in_, n, 0), (_DIV, k, n)):
            for p in range(count):
                value += integer(div.get_coefficient_val(kind, p).mul(scale)) * columns[:, start + p]
        columns = np.column_stack([columns, value // integer(scale)])
    held = np.ones(len(rows), bool)
    for c in piece.get_constraints():
        coefficients = np.concatenate([_row(c.get_coefficient_val, _SET, n), _row(c.get_coefficient_val, _DIV, m)])
        left = columns @ coefficients + integer(c.get_constant_val())
        held &= (left == 0) if c.is_equality() else (left >= 0)
    return held
