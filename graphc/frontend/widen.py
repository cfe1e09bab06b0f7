"""Integers made of indices and sizes, where a real number is wanted: real before they are multiplied.

`x[i] * N*(N + 1)` means real numbers, and 64 bits do not hold what sizes multiply to. Sums of indices stay integers,
which is exact; what tensors of integers hold is of 64 bits, as NumPy's arrays are.
"""

from __future__ import annotations

from graphc.equations.expr import Const, Expr, Op, above_reads, make, rebuild
from graphc.equations.simplify import affine_parts
from graphc.frontend.reduce import Reduce

LARGE = 2**31  # a literal factor from which on a product with an index may not fit
_THROUGH = ("add", "sub", "mul", "neg", "maximum", "minimum", "abs")
_COMPARED = ("eq", "ne", "lt", "le", "gt", "ge")


def widened(e: Expr, real: bool) -> Expr:
    """`e`, which stands where a real number is wanted if `real`."""
    done: dict[Expr, Expr] = {}
    for node in above_reads(e):
        if isinstance(node, Reduce):
            done[node] = _reduction(node)
        elif isinstance(node, Op):
            args = [done[a] for a in node.args]
            done[node] = rebuild(node, tuple(_as_real(a) if w else a for a, w in zip(args, _wanted(node), strict=True)))
        else:
            done[node] = node
    return _as_real(done[e]) if real else done[e]


def _reduction(r: Reduce) -> Expr:
    body = widened(r.body, False)
    if r.op == "mean" and body.kind in ("weak", "int"):
        body = make("toreal", body)  # as NumPy's mean of integers
    return r if body is r.body else r.rebuilt(r.bound, body)


def _wanted(node: Op) -> list[bool]:
    """For each argument, whether it is used as a real number."""
    if node.kind == "real":
        return [not (node.name == "select" and k == 0) for k in range(len(node.args))]
    return [node.name in _COMPARED and any(a.kind == "real" for a in node.args)] * len(node.args)


def _as_real(e: Expr) -> Expr:
    return _converted(e) if e.kind == "weak" and _may_not_fit(e) else e


def _may_not_fit(e: Expr) -> bool:
    """Whether indices, sizes or large literals are multiplied in an integer expression."""
    todo, seen = [e], set[Expr]()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, Reduce):
            todo.append(node.body)
        elif isinstance(node, Op) and node.kind == "weak":
            factors = [a for a in node.args if not (isinstance(a, Const) and abs(affine_parts(a)[1]) < LARGE)]
            if node.name == "mul" and len(factors) > 1:
                return True
            todo += node.args
    return False


def _converted(e: Expr) -> Expr:
    match e:
        case Const():
            return e
        case Reduce():
            return e.rebuilt(e.bound, _converted(e.body))
        case Op(name="select", args=(c, yes, no)):
            return make("select", c, _converted(yes), _converted(no))
        case Op(name=name, args=args) if name in _THROUGH:
            return make(name, *map(_converted, args))
    return make("toreal", e)
