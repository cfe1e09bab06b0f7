"""Reductions while equations are being lowered: the one node the representation does not have.

A `Reduce` is a leaf to `postorder` and `substitute`; who wants to look inside asks for its `body`. `op` is "sum",
"prod", "max", "min", "mean", or "let": no reduction, only a tensor of its own for the body. Here, too, is what the
compound reductions stand for: softmax, logsumexp and argmax with the largest value taken out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from graphc.equations.expr import Const, Expr, Index, Op, Read, indices_of, make, postorder, substitute
from graphc.equations.ops import REDUCTIONS
from graphc.equations.system import Tensor


@dataclass(frozen=True, eq=False)
class Bound:
    """An index a reduction runs over: low <= index < high where the range is explicit; `closed` where the user wrote
    both limits out, which says that all of these points are meant."""

    index: Index
    low: Expr | None = None
    high: Expr | None = None
    closed: bool = False


class Reduce(Expr):
    """op over `bound` of `body`; each construction is a node of its own."""

    __slots__ = ("body", "bound", "op")
    op: str
    bound: tuple[Bound, ...]
    body: Expr

    def __init__(self, op: str, bound: tuple[Bound, ...], body: Expr) -> None:
        self.op, self.bound, self.body, self.args = op, bound, body, ()
        self.kind = "real" if op == "mean" else body.kind

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(b.index for b in self.bound)

    @property
    def beside(self) -> set[Index]:
        """The indices that it depends on beside those of its body and limits."""
        return set()

    def rebuilt(self, bound: tuple[Bound, ...], body: Expr, visit: Callable[[Expr], Expr] = lambda e: e) -> Expr:
        """The same of another body; `visit` does to what else it holds what was done to the body."""
        return Reduce(self.op, bound, body)


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor for an expression that a convolution reads at shifted places, or that is differentiated: tensor[axes] =
    value, over these ranges."""

    tensor: Tensor
    axes: tuple[Index, ...]
    ranges: tuple[tuple[Expr, Expr], ...]
    value: Expr


def merged(op: str, bound: tuple[Bound, ...], body: Expr) -> Expr:
    """The reduction, with one of the same kind directly inside joined to it: a sum of sums is one sum."""
    match body:
        case Reduce() if body.op == op and op in REDUCTIONS:
            return merged(op, bound + body.bound, body.body)
        case Op(name="neg", args=(Reduce() as r,)) if op == r.op == "sum":
            return merged(op, bound + r.bound, -r.body)
        case Op(name="mul", args=(Const() as c, Reduce() as r)) if op == r.op == "sum":
            return merged(op, bound + r.bound, c * r.body)
    return Reduce(op, bound, body)


def reduces(e: Expr) -> list[Reduce]:
    """The reductions in `e`, not those inside their bodies."""
    return [n for n in postorder(e) if isinstance(n, Reduce)]


def all_reads(e: Expr) -> Iterator[Read]:
    """Every read in `e`, inside reductions too."""
    for n in postorder(e):
        if isinstance(n, Read):
            yield n
        elif isinstance(n, Reduce):
            yield from all_reads(n.body)


def all_indices(e: Expr) -> set[Index]:
    """Every index in `e`, inside reductions and their limits too, bound ones excluded."""
    found = indices_of(e)
    for r in reduces(e):
        inner = all_indices(r.body)
        for b in r.bound:
            for end in (b.low, b.high):
                if end is not None:
                    inner |= indices_of(end)
        found |= (inner - set(r.indices)) | r.beside
    return found


def renamed(e: Expr, new: Mapping[Index, Expr]) -> Expr:
    """`e` with other indices, inside reductions too."""
    mapping: dict[Expr, Expr] = dict(new.items())
    for r in reduces(e):
        bound = tuple(
            Bound(
                b.index,
                None if b.low is None else renamed(b.low, new),
                None if b.high is None else renamed(b.high, new),
                b.closed,
            )
            for b in r.bound
        )
        mapping[r] = r.rebuilt(bound, renamed(r.body, new), lambda e: renamed(e, new))
    return substitute(e, mapping)


def plain_dim(index: Index, body: Expr) -> Expr | None:
    """The size of an axis at which `index` stands alone."""
    for read in all_reads(body):
        for sub, dim in zip(read.subs, read.tensor.dims, strict=True):
            if sub is index:
                return dim
    return None


# What builds the body for fresh indices: gives the bound indices and the body at them.
Fresh = Callable[[], tuple[tuple[Bound, ...], Expr]]


def _largest(fresh: Fresh) -> Expr:
    """The largest element, 0 where it is not finite; a constant to the derivative."""
    m = Reduce("max", *fresh())
    return make("stop", make("select", make("isfinite", m), m, Const(0)))


def _exponential(e: Expr, m: Expr) -> Expr:
    return Reduce("let", (), make("exp", e - m))


def logsumexp(fresh: Fresh) -> Expr:
    """m + log(Sum(exp(e - m))) with m the largest e; where all e are -oo so is this, and its slope is 0, not 0/0."""
    m = _largest(fresh)
    bound, e = fresh()
    total = Reduce("sum", bound, make("exp", e - m))
    nothing = make("eq", total, Const(0))
    return m + make("select", nothing, Const(-math.inf), make("log", make("select", nothing, Const(1), total)))


def softmax(here: Expr, fresh: Fresh) -> Expr:
    """exp(e - m) / Sum(exp(e - m)); the exponentials are a tensor of their own, used twice."""
    m = _largest(fresh)
    bound, e = fresh()
    return make("div", _exponential(here, m), Reduce("sum", bound, _exponential(e, m)))


def argmax(op: str, position: Callable[[tuple[Bound, ...], Expr], tuple[Expr, Expr]], fresh: Fresh) -> Expr:
    """The smallest position whose element equals the extreme one or is NaN; `position` gives it and its bound."""
    m = Reduce(op, *fresh())
    bound, e = fresh()
    place, beyond = position(bound, e)
    hit = make("or", make("eq", e, m), make("isnan", e)) if e.kind == "real" else make("eq", e, m)
    return Reduce("min", bound, make("toint", make("select", hit, place, beyond)))
