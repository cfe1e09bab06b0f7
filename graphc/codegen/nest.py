"""One nest: loops over its parallel points in tiles, and its statements at each tile.

Vectors run along the plan's vector axis: whole tiles first, then single, masked vectors; rows likewise.
Sums are kept in registers over the loops that sum and combined with the element once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import islpy as isl
from llvmlite import ir

from graphc.codegen.cascade import cascade, is_rounded
from graphc.codegen.contraction import emit_contraction
from graphc.codegen.emitter import Emitter
from graphc.codegen.loops import guarded, plain_loops, row_loop, vector_loop
from graphc.codegen.memory import clear, store
from graphc.codegen.reduction import Sum, along_vector, positive_logs, sum_with_logs
from graphc.equations.expr import Const, Expr, Index, Read, reads, substitute
from graphc.schedule.fuse import is_scatter
from graphc.schedule.guards import sum_guards
from graphc.schedule.plans import NestPlan
from graphc.schedule.program import Nest, Statement
from graphc.schedule.tiles import (
    Plan,
    inner_bounds,
    inner_indices,
)


def emit_nest(e: Emitter, planned: NestPlan, context: isl.Set) -> None:
    """The whole nest at the current place."""
    nest, guards, chosen = planned.nest, planned.guards, planned.tile
    for s in nest.statements:
        if guards or nest.parallel or inner_indices(s, nest):
            e.forget(s.tensor)
    with ExitStack() as stack:
        for g in guards:
            stack.enter_context(e.only_if(e.value(g)))
        if not guards and nest.parallel:
            stack.enter_context(e.scope())
        if all(_clears(e, s, chosen) for s in nest.statements):
            for s in nest.statements:
                clear(e, s.tensor)
                if s.tensor in e.errors:
                    clear(e, e.errors[s.tensor])
            return
        e.in_line = not (e.many_calls and not nest.parallel)
        e.along = planned.along
        run_plan(e, nest, chosen, context, share=True)
        e.in_line = True


def _clears(e: Emitter, s: Statement, chosen: Plan) -> bool:
    """Whether a statement sets every element of a buffer to zero."""
    ref = e.refs[s.tensor]
    if s.mode != "set" or s.value != Const(0) or ref.ring is not None or not s.write or not ref.dims:
        return False
    bounds = {b.index: b for b in chosen.order}
    for sub, lower, extent in zip(s.write, ref.lowers, ref.dims, strict=True):
        b = bounds.get(sub) if isinstance(sub, Index) else None
        if b is None or b.guards or b.lower != lower or b.upper != lower + extent - 1:
            return False
    return len(bounds) == len(s.write)


def run_plan(e: Emitter, nest: Nest, chosen: Plan, context: isl.Set, share: bool = False) -> None:
    """The nest's loops as planned."""
    _loops(e, nest, chosen, 0, context, share)


def _loops(e: Emitter, nest: Nest, chosen: Plan, level: int, context: isl.Set, share: bool) -> None:
    """The loops over the plan's order from `level` inwards; `share` lets a contraction be a function of its own."""
    if share and emit_contraction(e, nest, chosen, level, context):
        return
    if level == len(chosen.order):
        _body(e, nest, chosen, context)
        return
    bounds = chosen.order[level]

    def inside() -> None:
        with guarded(e, bounds):
            _loops(e, nest, chosen, level + 1, context, share)

    if bounds.index is chosen.vec:
        vector_loop(e, bounds, chosen, inside)
    elif bounds.index is chosen.row:
        row_loop(e, bounds, chosen, inside)
    else:
        with plain_loops(e, [bounds]):
            _loops(e, nest, chosen, level + 1, context, share)


def _body(e: Emitter, nest: Nest, chosen: Plan, context: isl.Set) -> None:
    done: set[Statement] = set()
    for s in nest.statements:
        inner = inner_indices(s, nest)
        if s in done:
            continue
        if nest.sums:
            together = _together(s, nest)
            done.update(other for other, _ in together)
            guards = sum_guards([other for other, _ in together], context, e.system)
            with ExitStack() as stack:
                for g in guards:
                    stack.enter_context(e.only_if(e.value(g)))
                _reduce_together(e, together, nest, context)
            for other, _ in together if guards else ():
                e.forget(other.tensor)  # what is at hand outside the branch is from before it
        elif is_scatter(s, nest.parallel, nest.outer) or (inner and s.mode == "set"):
            _accumulate_in_memory(e, s, nest, context)
        elif not inner:
            for r, c in e.tile.points():
                write_element(e, s, r, c, e.convert(e.value(s.value, r, c), s.value.kind, s.tensor.kind))
        elif chosen.vec is None:
            _reduce_together(e, [(s, s.value)], nest, context)
        else:
            _reduce(e, s, nest, context)


def _together(s: Statement, nest: Nest) -> list[tuple[Statement, Expr]]:
    """The sums of the nest over the points of `s`, with their terms in its indices: they run in one loop."""
    found = [(s, s.value)]
    if any(positive_logs(s.value)):
        return found
    written = {other.tensor for other in nest.statements}
    if any(r.tensor in written for r in reads(s.value)):
        return found
    own = inner_indices(s, nest)
    for other in nest.statements[nest.statements.index(s) + 1 :]:
        theirs = inner_indices(other, nest)
        if len(theirs) != len(own) or any(positive_logs(other.value)):
            continue
        if any(r.tensor in written for r in reads(other.value)):
            continue
        names = dict(zip(theirs, own, strict=True))
        domain = other.domain.rename(names)
        limits = tuple((op, names.get(i, i), substitute(end, dict(names))) for op, i, end in other.limits)
        if domain.indices == s.domain.indices and domain.set.is_equal(s.domain.set) and limits == s.limits:
            found.append((other, substitute(other.value, dict(names))))
    return found


def write_element(e: Emitter, s: Statement, r: int, c: int, value: ir.Value) -> None:
    """Store a contribution (combined with what is there unless it is the start), and keep it at hand for readers."""
    element = Read(s.tensor, s.write)
    if s.tensor in e.errors:
        value = _compensated(e, s, r, c, value)
    elif s.mode != "set":
        value = e.combine(s.mode, e.value(element, r, c), value, s.tensor.kind)
    if e.mentions(element, e.tile.vec):
        value = e.splat(value, e.tile.lanes)
    store(e, s.tensor, s.write, value, r, c)
    e.remember((element, *e.place(element, r, c)), value)


def _compensated(e: Emitter, s: Statement, r: int, c: int, value: ir.Value) -> ir.Value:
    """The sum with one more contribution, and what rounding leaves out of it kept for the next.

    Kahan, "Further remarks on reducing truncation errors" (1965). Where the sum is infinite or NaN nothing is kept.
    """
    b, error = e.builder, Read(e.errors[s.tensor], s.write)
    e.forget(error.tensor)
    zero = e.const(0, "real")
    left: ir.Value = zero
    if s.mode != "set":
        before, known = e.value(Read(s.tensor, s.write), r, c), e.value(error, r, c)
        if any(isinstance(v.type, ir.VectorType) for v in (before, value)):
            before, known, value = (e.splat(v, e.tile.lanes) for v in (before, known, value))
            zero = e.splat(zero, e.tile.lanes)
        term = b.fsub(value, known)
        value = b.fadd(before, term)
        left = b.fsub(b.fsub(value, before), term)
        left = b.select(b.fcmp_ordered("==", b.fsub(left, left), zero), left, zero)
    if e.mentions(error, e.tile.vec):
        left = e.splat(left, e.tile.lanes)
    store(e, error.tensor, s.write, left, r, c)
    e.forget(error.tensor)
    return value


def _reduce(e: Emitter, s: Statement, nest: Nest, context: isl.Set) -> None:
    """A reduction over loops inside, one accumulator per point of the tile."""
    kind = s.tensor.kind
    moving = e.mentions(Read(s.tensor, s.write), e.tile.vec) or e.mentions(s.value, e.tile.vec)
    ty = e.type_of(kind)
    shape = ir.VectorType(ty, e.tile.lanes) if moving else ty
    start = e.identity(s.mode, kind)
    if moving:
        start = e.splat(start, e.tile.lanes)
    cells = {p: e.alloca(shape, "acc") for p in e.tile.points()}
    for cell in cells.values():
        e.builder.store(start, cell)
    bounds = inner_bounds(s, nest, context)
    sums = [[cell] for cell in cells.values()] if is_rounded(e, s.mode, kind) else []
    handed = cascade(e, shape, sums, bounds)
    with plain_loops(e, bounds, handed):
        for (r, c), cell in cells.items():
            value = e.convert(e.value(s.value, r, c), s.value.kind, kind)
            if moving:
                value = e.splat(value, e.tile.lanes)
            e.builder.store(e.combine(s.mode, e.builder.load(cell, typ=shape), value, kind), cell)
    if handed is not None:
        handed.close()
    for (r, c), cell in cells.items():
        write_element(e, s, r, c, e.builder.load(cell, typ=shape))


def _reduce_together(e: Emitter, together: Sequence[tuple[Statement, Expr]], nest: Nest, context: isl.Set) -> None:
    """Reductions over the same points whose innermost loop runs along vectors; the lanes are combined at the end."""
    s = together[0][0]
    bounds = e.along.get(s)
    if bounds is None:
        for other, _ in together:
            _reduce(e, other, nest, context)
        return
    if s.mode == "sum" and e.dtype == "float64" and any(positive_logs(s.value)):
        totals = [sum_with_logs(e, s.value, bounds)]
    else:
        totals = along_vector(e, [Sum(other.mode, other.tensor.kind, value) for other, value in together], bounds)
    for (other, _), total in zip(together, totals, strict=True):
        write_element(e, other, 0, 0, total)


def _accumulate_in_memory(e: Emitter, s: Statement, nest: Nest, context: isl.Set) -> None:
    """A scatter: each contribution goes to the element it falls on, one after the other."""
    bounds = [b for b in inner_bounds(s, nest, context) if b.index not in e.env]
    with plain_loops(e, bounds), e.scope():
        for r, c in e.tile.points():
            value = e.convert(e.value(s.value, r, c), s.value.kind, s.tensor.kind)
            write_element(e, s, r, c, value)
