"""The derivative of one scalar expression in what it reads: a reverse sweep over its DAG, of cost linear in its size.

The adjoint of a node is kept as (guard, value): it is `value` where `guard` holds and 0 elsewhere. Partials multiply
the value only, so that an infinite or undefined partial of a branch not taken (sqrt at 0) never meets the 0 it would
turn into NaN. A partial `select(c, p, 0)` adds `c` to the guard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from graphc.equations.expr import Const, Expr, Op, Read, make, postorder
from graphc.equations.ops import OPS
from graphc.transforms.build import total

ZERO, ONE, TRUE = Const(0), Const(1), Const(True)
Adjoint = tuple[Expr, Expr]


def guarded(guard: Expr, value: Expr) -> Expr:
    """`value` where `guard` holds, else 0."""
    match guard:
        case Op(name="not", args=(c,)):
            return make("select", c, ZERO, value)
        case _:
            return make("select", guard, value, ZERO)


def slots(node: Expr) -> Iterable[tuple[int, Expr]]:
    """The arguments of a node through which a derivative can pass, with their positions."""
    if isinstance(node, Op):
        for k, partial in enumerate(OPS[node.name].partials):
            if partial is not None and node.args[k].kind == "real":
                yield k, node.args[k]


def differentiable_reads(value: Expr) -> list[Read]:
    """The reads on which `value` depends smoothly: not those in conditions, subscripts or under `stop`."""
    found: dict[Expr, None] = {value: None}
    stack = [value]
    while stack:
        for _, child in slots(stack.pop()):
            if child not in found:
                found[child] = None
                stack.append(child)
    return [node for node in found if isinstance(node, Read) and node.kind == "real"]


def pullback(
    value: Expr, seed: Expr, active: Callable[[Read], bool], own: Expr | None = None, guard: Expr = TRUE
) -> dict[Read, Expr]:
    """For every active read r of `value`: seed * (d value / d r), 0 where `guard` does not hold.

    `own` is an expression that already holds the value of the whole (an element of the tensor it defines)."""
    order = [n for n in postorder(value) if n.kind == "real"]
    live: set[Expr] = set()
    for node in order:
        if (isinstance(node, Read) and active(node)) or any(child in live for _, child in slots(node)):
            live.add(node)
    pending: dict[Expr, list[Adjoint]] = {value: [(guard, seed)]}
    found: dict[Read, Expr] = {}
    for node in reversed(order):
        if node not in live or node not in pending:
            continue
        adjoint = _total(pending.pop(node))
        if isinstance(node, Read):
            found[node] = guarded(*adjoint)
            continue
        assert isinstance(node, Op)
        y = own if node is value and own is not None else node
        for k, child in slots(node):
            if child in live:
                pending.setdefault(child, []).append(_times(adjoint, _partial(node, k, y)))
    return {read: e for read, e in found.items() if e is not ZERO}


def _partial(node: Op, k: int, y: Expr) -> Expr:
    rule = OPS[node.name].partials[k]
    assert rule is not None
    return rule(*node.args, y)


def _times(adjoint: Adjoint, partial: Expr) -> Adjoint:
    guard, value = adjoint
    match partial:
        case Op(name="select", args=(c, p, no)) if no is ZERO:
            return make("and", guard, c), value * p
        case Op(name="select", args=(c, yes, p)) if yes is ZERO:
            return make("and", guard, make("not", c)), value * p
        case Op(name="div", args=(a, b)) if a is ONE:
            return guard, value / b  # g * (1/b) -> g/b
        case _:
            return guard, value * partial


def _total(parts: list[Adjoint]) -> Adjoint:
    """The sum of several adjoints; equal ones are counted, those under one guard are added under it."""
    counts: dict[Adjoint, int] = {}
    for part in parts:
        counts[part] = counts.get(part, 0) + 1
    scaled = [(guard, value * n) for (guard, value), n in counts.items()]
    guards = list(dict.fromkeys(guard for guard, _ in scaled))
    if len(guards) == 1:
        return guards[0], _sum(v for _, v in scaled)
    union = guards[0]
    for guard in guards[1:]:
        union = make("or", union, guard)
    return union, _sum(guarded(g, v) for g, v in scaled)


def _sum(values: Iterable[Expr]) -> Expr:
    found: Expr = ZERO
    for v in values:
        found = total(found, v)
    return found
