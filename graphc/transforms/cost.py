"""What evaluating an expression once costs, in floating-point operations; integer arithmetic is free."""

from __future__ import annotations

from graphc.equations.expr import Expr, Index, Op, Read, above_reads, cached, postorder
from graphc.equations.ops import OPS

EXPENSIVE = 4  # operations that cost as much as a division are worth a tensor of their own


@cached
def flops(e: Expr) -> int:
    """Operations on reals in the DAG of `e`, each counted once; those in subscripts do not count."""
    return sum(_costs(e))


@cached
def expensive(e: Expr) -> bool:
    """Whether `e` contains a division, a root or a transcendental function."""
    return max(_costs(e), default=0) >= EXPENSIVE


def _costs(e: Expr) -> list[int]:
    """The cost of each operation; one on numbers and sizes alone (1/T) is made once, before all loops."""
    found, varies = [], set[Expr]()
    for node in reversed(value_nodes(e)):
        if isinstance(node, Read | Index) or any(child in varies for child in node.args):
            varies.add(node)
            if isinstance(node, Op) and node.kind == "real":
                found.append(OPS[node.name].flops)
    return found


@cached
def value_nodes(e: Expr) -> tuple[Expr, ...]:
    """The nodes of `e` outside subscripts, parents before children."""
    return tuple(reversed(above_reads(e)))


@cached
def size(e: Expr) -> int:
    """Number of nodes."""
    return sum(1 for _ in postorder(e))
