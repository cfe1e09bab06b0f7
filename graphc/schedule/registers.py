"""Scalar replacement: what a loop hands from step to step without going through memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from graphc.equations.expr import Expr, Read, substitute
from graphc.equations.system import Tensor
from graphc.schedule.costs import MAX_LAG
from graphc.schedule.program import Loop, Nest, Statement, nodes_of, statement_reads

if TYPE_CHECKING:
    from graphc.schedule.plans import NestPlan

Lags = dict[Tensor, tuple[tuple[Expr, ...], int]]


def lagged(tensor: Tensor, write: tuple[Expr, ...], loop: Loop, k: int) -> Read:
    """The element written k iterations ago."""
    return Read(tensor, tuple(substitute(w, {loop.var: loop.var - k * loop.step}) for w in write))


def carried_lags(loop: Loop, plans: Mapping[Nest, NestPlan]) -> Lags:
    """Scalars that the loop hands from step to step: {tensor: (what is written, longest lag read)}.

    Their last values stay in registers; memory would put a store and a load on the critical path of every step.
    """
    written: dict[Tensor, set[tuple[Expr, ...]]] = {}
    barred: set[Tensor] = set()
    statements: list[Statement] = []
    for node in loop.body:
        for nest in [node] if isinstance(node, Nest) else [n for n in nodes_of(node.body) if isinstance(n, Nest)]:
            direct = isinstance(node, Nest) and not nest.parallel and not plans[nest].guards
            for s in nest.statements:
                statements.append(s)
                written.setdefault(s.tensor, set()).add(s.write)
                inner = len(s.domain.indices) > len(nest.outer)
                if not direct or (inner and s.written - set(nest.outer)):
                    barred.add(s.tensor)
    reads = [r for s in statements for r in statement_reads(s)]
    found: dict[Tensor, tuple[tuple[Expr, ...], int]] = {}
    for tensor, writes in written.items():
        if tensor in barred or len(writes) != 1:
            continue
        (write,) = writes
        depth = max((k for r in reads if r.tensor is tensor for k in [_lag(r, write, loop)] if k), default=0)
        if 0 < depth <= MAX_LAG:
            found[tensor] = (write, depth)
    return found


def _lag(read: Read, write: tuple[Expr, ...], loop: Loop) -> int:
    """How many iterations ago the element read was written; 0 if not by a constant."""
    for k in range(1, MAX_LAG + 1):
        if lagged(read.tensor, write, loop, k) is read:
            return k
    return 0
