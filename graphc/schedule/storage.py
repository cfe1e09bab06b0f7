"""Where a tensor's elements live: the bounding box of what is defined, row-major, in an argument or the workspace."""

from __future__ import annotations

from collections.abc import Iterable

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import ranges
from graphc.equations.domain import assume
from graphc.equations.expr import Const, Expr, make
from graphc.equations.simplify import never_negative
from graphc.equations.system import System, Tensor
from graphc.schedule.program import Buffer


def buffers(system: System, outputs: Iterable[Tensor], updated: Iterable[Tensor]) -> dict[Tensor, Buffer]:
    """One buffer per tensor that is read, updated or computed."""
    wanted = set(outputs)
    used = {r.tensor for eq in system.equations for _, r in eq.reads()}.union(updated)
    found: dict[Tensor, Buffer] = {}
    for t in system.inputs:
        if t in used:
            found[t] = Buffer(t, (Const(0),) * len(t.dims), t.dims, "input")
    for eq in system.equations:
        lower, extent = hull(eq.tensor, eq.defined, system)
        found[eq.tensor] = Buffer(eq.tensor, lower, extent, "output" if eq.tensor in wanted else "workspace")
    return found


def hull(tensor: Tensor, defined: isl.Set, system: System) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """(lowest coordinate, number of coordinates) on each axis; an axis with nothing on it has extent 0."""
    if defined.is_equal(tensor.box):
        return (Const(0),) * len(tensor.dims), tensor.dims
    context = assume(system.sizes, (), least=0)
    lowers, extents = [], []
    for lower, upper in ranges(sets.union(defined, tensor.box), context):
        length = upper - lower + 1
        lowers.append(lower)
        extents.append(length if never_negative(length) else make("maximum", length, Const(0)))
    return tuple(lowers), tuple(extents)
