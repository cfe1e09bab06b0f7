"""One nest: loops over its parallel points in tiles, and its statements at each tile.

Vectors run along the plan's vector axis: whole tiles first, then single, masked vectors; rows likewise.
Sums are kept in registers over the loops that sum and combined with the element once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from llvmlite import ir

from graphc.codegen.blocking import emit_packed
from graphc.codegen.calls import emit_call
from graphc.codegen.cascade import Cascade
from graphc.codegen.elements import write_element
from graphc.codegen.emitter import Emitter
from graphc.codegen.loops import plain_loops, row_loop, vector_loop
from graphc.codegen.memory import clear
from graphc.codegen.reduction import along_vector, sum_with_logs
from graphc.equations.expr import Expr, Read
from graphc.schedule.outline import statements_of
from graphc.schedule.plans import NestPlan
from graphc.schedule.tree import Call, Clear, Do, For, Guard, Keep, Packed, Tree


def emit_nest(e: Emitter, planned: NestPlan) -> None:
    """The whole nest at the current place."""
    nest, guards = planned.nest, planned.guards
    for s in nest.statements:
        if guards or nest.parallel or len(s.domain.indices) > len(nest.outer):
            e.forget(s.tensor)
    with ExitStack() as stack:
        if not guards and nest.parallel:
            stack.enter_context(e.scope())
        e.in_line = planned.copies
        emit_tree(e, planned.tree)
        e.in_line = True


def emit_tree(e: Emitter, tree: Tree) -> None:
    """The nodes of a tree, one after the other."""
    for node in tree:
        match node:
            case For():
                _loop(e, node)
            case Guard(conditions=conditions, body=body):
                _guard(e, conditions, body)
            case Do(statement=s):
                for r, c in e.tile.points():
                    write_element(e, s, r, c, e.convert(e.value(s.value, r, c), s.value.kind, s.tensor.kind))
            case Keep(along=0):
                _reduce(e, node)
            case Keep():
                _reduce_along(e, node)
            case Clear(tensor=tensor):
                clear(e, tensor)
            case Packed():
                emit_packed(e, node)
            case Call():
                emit_call(e, node)


def _loop(e: Emitter, node: For) -> None:
    def inside() -> None:
        emit_tree(e, node.body)

    match node.kind:
        case "vectors":
            vector_loop(e, node.bounds, node.sizes[0], inside)
        case "rows":
            row_loop(e, node.bounds, node.sizes, inside)
        case _:
            with plain_loops(e, [node.bounds]):
                inside()


def _guard(e: Emitter, conditions: Sequence[Expr], body: Tree) -> None:
    with ExitStack() as stack:
        for condition in conditions:
            value = e.value(condition)
            assert not isinstance(value.type, ir.VectorType), "a condition along the vector axis"
            stack.enter_context(e.only_if(value))
        emit_tree(e, body)
    for s in statements_of(body):
        e.forget(s.tensor)  # what is at hand outside the branch is from before it


def _reduce(e: Emitter, keep: Keep) -> None:
    """A reduction over loops inside, one accumulator per point of the tile."""
    ((s, term),) = keep.terms
    kind = s.tensor.kind
    moving = e.mentions(Read(s.tensor, s.write), e.tile.vec) or e.mentions(term, e.tile.vec)
    ty = e.type_of(kind)
    shape = ir.VectorType(ty, e.tile.lanes) if moving else ty
    start = e.identity(s.mode, kind)
    if moving:
        start = e.splat(start, e.tile.lanes)
    cells = {p: e.alloca(shape, "acc") for p in e.tile.points()}
    for cell in cells.values():
        e.builder.store(start, cell)
    handed = Cascade(e, shape, [[cell] for cell in cells.values()], keep.cut) if keep.cut is not None else None
    with plain_loops(e, keep.loops, handed):
        for (r, c), cell in cells.items():
            value = e.convert(e.value(term, r, c), term.kind, kind)
            if moving:
                value = e.splat(value, e.tile.lanes)
            e.builder.store(e.combine(s.mode, e.builder.load(cell, typ=shape), value, kind), cell)
    if handed is not None:
        handed.close()
    for (r, c), cell in cells.items():
        write_element(e, s, r, c, e.builder.load(cell, typ=shape))


def _reduce_along(e: Emitter, keep: Keep) -> None:
    """Reductions over the same points whose innermost loop runs along vectors; the lanes are combined at the end."""
    if keep.logs:
        totals = [sum_with_logs(e, keep)]
    else:
        totals = along_vector(e, keep)
    for (s, _), total in zip(keep.terms, totals, strict=True):
        write_element(e, s, 0, 0, total)
