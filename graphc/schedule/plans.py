"""How each nest of a program runs on a machine: its conditions, its loops, what runs along vectors and in registers.

Chosen once, from shapes and the number of vector registers; code generation only reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import islpy as isl

from graphc.equations.bounds import Bounds
from graphc.equations.domain import Domain, assume
from graphc.equations.expr import Expr, Index, Read
from graphc.equations.system import System, Tensor
from graphc.schedule.guards import nest_guards
from graphc.schedule.limits import with_limits
from graphc.schedule.program import Loop, Nest, Node, Program, Statement
from graphc.schedule.registers import carried_lags
from graphc.schedule.tiles import Plan, inner_indices, order_reduction, ordered_bounds, plan, reduction_axis


@dataclass(frozen=True, eq=False)
class NestPlan:
    """`nest`, with limits that data give taken from its values; the conditions (`guards`) on sizes and outer loops
    under which it runs; `tile`, its parallel loops; `along`: the loops of reductions that have no parallel vector
    axis, the innermost along vectors, where one can be."""

    nest: Nest
    guards: tuple[Expr, ...]
    tile: Plan
    along: dict[Statement, tuple[Bounds, ...]]

    def __str__(self) -> str:
        """`j in vectors x 2, i in 14 rows`."""
        t = self.tile
        parts = []
        if t.vec is not None:
            parts.append(f"{t.vec.name} in vectors" + (f" x {t.chunks}" if t.chunks > 1 else ""))
        if t.row is not None:
            parts.append(f"{t.row.name} in {t.rows} rows")
        summed = dict.fromkeys(bounds[-1].index.name for bounds in self.along.values())
        parts += [f"{name} in vectors, then added up" for name in summed]
        return ", ".join(parts)


def planned(program: Program, registers: int) -> Program:
    """The program with a plan for each of its nests, for a machine of so many vector registers."""
    context = assume(program.system.sizes, (), least=0)
    plans: dict[Nest, NestPlan] = {}

    def walk(nodes: Sequence[Node], around: tuple[Loop, ...]) -> None:
        for node in nodes:
            if isinstance(node, Nest):
                plans[node] = _nest_plan(node, around, registers, program.system, context)
            else:
                walk(node.body, (*around, node))

    walk(program.body, ())
    lags = {loop: carried_lags(loop, plans) for loop in program.loops}
    copies = (_updated(old, new) for old, new in program.update.items())
    updates = tuple(_nest_plan(copy, (), registers, program.system, context, guards=()) for copy in copies)
    return replace(program, plans=plans, lags=lags, copies=updates)


def _updated(old: Tensor, new: Tensor) -> Nest:
    """An argument that is given its new value."""
    indices = tuple(Index(f"i{k}") for k in range(len(old.dims)))
    return Nest((), indices, (Statement(old, "set", Domain.box(indices, old.dims), indices, Read(new, indices)),))


def _nest_plan(
    nest: Nest,
    around: tuple[Loop, ...],
    registers: int,
    system: System,
    context: isl.Set,
    guards: Sequence[Expr] | None = None,
) -> NestPlan:
    guards = nest_guards(nest, around, context, system) if guards is None else guards
    nest = with_limits(nest)
    tile = plan(nest, context, registers, system)
    along = {s: found for s in nest.statements if tile.vec is None and (found := _along(s, nest, context))}
    return NestPlan(nest, tuple(guards), tile, along)


def _along(s: Statement, nest: Nest, context: isl.Set) -> tuple[Bounds, ...] | None:
    """The loops of a reduction with one along vectors innermost; None if none can be."""
    axis = reduction_axis(s, nest) if inner_indices(s, nest) and s.mode != "set" else None
    if axis is None:
        return None
    bounds = ordered_bounds(s, nest, order_reduction(s, nest, axis), context)
    return None if bounds[-1].guards else tuple(bounds)
