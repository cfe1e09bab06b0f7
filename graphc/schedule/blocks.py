"""Time in blocks: what is computed for all steps ahead of a loop, only to be used up by it, is computed a block ahead.

    a[t,i] = sum(U[i,k]*x[t,k], k)   for all t            for each block of 64 steps:
    for t: s[t] = tanh(a[t] + W s[t-1])          →            a[t,i] = ..   for the block, still one large product
                                                              for t in the block: ..

The large products stay large, but their results need memory for one block, not for all of time, and stay in cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Index, make
from graphc.equations.system import Tensor
from graphc.schedule.program import Buffer, Loop, Nest, Node, Statement, statement_reads

BLOCK = 64  # steps


def in_blocks(
    body: tuple[Node, ...], buffers: dict[Tensor, Buffer], keep: frozenset[Tensor]
) -> tuple[tuple[Node, ...], dict[Tensor, Buffer]]:
    """The program with such loops cut into blocks, and the buffers that thereby shrink."""
    nodes, found = list(body), dict(buffers)
    for loop in [n for n in body if isinstance(n, Loop)]:
        if sum(1 for n in body if isinstance(n, Loop) and set(n.along) & set(loop.along)) > 1:
            continue
        if not is_affine(loop.lower if loop.step > 0 else loop.upper):
            continue  # where a block starts could not be said of the points in it
        used_up = _used_up(nodes, loop, found, keep)
        moved = [n for n in nodes if isinstance(n, Nest) and n.statements[0].tensor in used_up]
        if not moved:
            continue
        blocked, start = _blocked(loop, moved, used_up)
        nodes = [blocked if n is loop else n for n in nodes if not any(n is m for m in moved)]
        for tensor, (axis, ahead) in used_up.items():
            b = found[tensor]
            lower = (*b.lower[:axis], start + ahead, *b.lower[axis + 1 :])
            found[tensor] = replace(b, lower=lower, extent=(*b.extent[:axis], Const(BLOCK), *b.extent[axis + 1 :]))
    return tuple(nodes), found


def _used_up(
    nodes: Sequence[Node], loop: Loop, buffers: dict[Tensor, Buffer], keep: frozenset[Tensor]
) -> dict[Tensor, tuple[int, int]]:
    """Tensors that nests before the loop compute step by step and only those nests and the loop use, each at its own
    step: {tensor: (axis, how far its coordinate is ahead of the loop's variable)}."""
    before = nodes[: next(k for k, n in enumerate(nodes) if n is loop)]
    nests = [n for n in before if isinstance(n, Nest) and n.parallel]
    found: dict[Tensor, tuple[int, int]] = {}
    for tensor in {s.tensor for n in nests for s in n.statements}:
        buffer = buffers[tensor]
        if buffer.role != "workspace" or buffer.ring is not None or tensor in keep:
            continue
        place = _place_in_loop(tensor, loop)
        if place is not None:
            found[tensor] = place
    while True:
        good = {t: p for t, p in found.items() if _only_here(t, p, nodes, nests, loop, found)}
        if len(good) == len(found):
            return good
        found = good


def _place_in_loop(tensor: Tensor, loop: Loop) -> tuple[int, int] | None:
    """The axis on which every access in the loop is at one constant distance from the loop's variable."""
    accesses = _accesses(loop, tensor)
    for axis in range(len(tensor.dims)) if accesses else ():
        ahead = {_number(subs[axis] - loop.var) for subs in accesses}
        if len(ahead) == 1 and (only := next(iter(ahead))) is not None:
            return axis, only
    return None


def _number(e: Expr) -> int | None:
    return int(e.value) if isinstance(e, Const) else None


def _only_here(
    tensor: Tensor,
    place: tuple[int, int],
    nodes: Sequence[Node],
    nests: Sequence[Nest],
    loop: Loop,
    found: dict[Tensor, tuple[int, int]],
) -> bool:
    for node in nodes:
        if node is loop or not _accesses(node, tensor):
            continue
        if not isinstance(node, Nest) or not any(node is n for n in nests):
            return False
        if not all(s.tensor in found for s in node.statements) or _step_index(node, found) is None:
            return False
        step = _step_index(node, found)
        if any(subs[place[0]] - place[1] is not step for subs in _accesses(node, tensor)):
            return False
    return True


def _step_index(nest: Nest, found: dict[Tensor, tuple[int, int]]) -> Expr | None:
    """The nest's parallel index that is the loop's step (less a constant), if all its statements agree."""
    steps = {s.write[found[s.tensor][0]] - found[s.tensor][1] for s in nest.statements}
    (step,) = steps if len(steps) == 1 else (None,)
    return step if isinstance(step, Index) and step in nest.parallel else None


def _accesses(node: Node, tensor: Tensor) -> list[tuple[Expr, ...]]:
    if isinstance(node, Loop):
        return [a for child in node.body for a in _accesses(child, tensor)]
    found = []
    for s in node.statements:
        found += [s.write] if s.tensor is tensor else []
        found += [r.subs for r in statement_reads(s) if r.tensor is tensor]
    return found


def _blocked(loop: Loop, moved: Sequence[Nest], used_up: dict[Tensor, tuple[int, int]]) -> tuple[Loop, Expr]:
    """for each block: the moved nests for its steps, then the loop over its steps; and the first step of a block."""
    block = Index(loop.var.name + "_block")
    if loop.step > 0:
        low, high = loop.lower + Const(BLOCK) * block, loop.lower + Const(BLOCK) * block + (BLOCK - 1)
        lower, upper = low, make("minimum", high, loop.upper)
    else:
        low, high = loop.upper - Const(BLOCK) * block - (BLOCK - 1), loop.upper - Const(BLOCK) * block
        lower, upper = make("maximum", low, loop.lower), high
    nests = []
    for nest in moved:
        step = _step_index(nest, used_up)
        assert step is not None
        statements = tuple(_within(s, block, make("ge", step, low), make("le", step, high)) for s in nest.statements)
        nests.append(Nest((block,), nest.parallel, statements))
    inside = replace(loop, lower=lower, upper=upper, body=tuple(_deeper(n, block) for n in loop.body))
    last = make("floordiv", loop.upper - loop.lower, Const(BLOCK))
    return Loop(block, Const(0), last, 1, (*nests, inside)), low


def _within(s: Statement, block: Index, *conditions: Expr) -> Statement:
    """The statement for the steps of a block only, the block's index put in front."""
    extended = s.domain.extend([block])
    order = (block, *s.domain.indices)
    domain = Domain(order, sets.preimage(extended.set, Domain.where(order).access(list(extended.indices))))
    return replace(s, domain=domain.restrict(*conditions) if conditions else domain)


def _deeper(node: Node, block: Index) -> Node:
    if isinstance(node, Loop):
        return replace(node, body=tuple(_deeper(n, block) for n in node.body))
    statements = tuple(_within(s, block) for s in node.statements)
    return Nest((block, *node.outer), node.parallel, statements)
