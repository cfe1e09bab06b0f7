"""What evaluating an expression once costs, in floating-point operations; integer arithmetic is free."""

from __future__ import annotations

from graphc.equations.expr import Expr, Op, Read, postorder
from graphc.equations.ops import OPS

EXPENSIVE = 4  # operations that cost as much as a division are worth a tensor of their own


def flops(e: Expr) -> int:
    """Operations on reals in the DAG of `e`, each counted once; those in subscripts do not count."""
    return sum(OPS[node.name].flops for node in value_nodes(e) if isinstance(node, Op) and node.kind == "real")


def expensive(e: Expr) -> bool:
    """Whether `e` contains a division, a root or a transcendental function."""
    return any(
        isinstance(node, Op) and node.kind == "real" and OPS[node.name].flops >= EXPENSIVE for node in value_nodes(e)
    )


def value_nodes(e: Expr) -> list[Expr]:
    """The nodes of `e` outside subscripts, parents before children."""
    found = {e: None}
    stack = [e]
    while stack:
        node = stack.pop()
        for child in () if isinstance(node, Read) else node.args:
            if child not in found:
                found[child] = None
                stack.append(child)
    return list(found)


def size(e: Expr) -> int:
    """Number of nodes."""
    return sum(1 for _ in postorder(e))
