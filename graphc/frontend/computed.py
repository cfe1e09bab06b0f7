"""Limits that are computed and not affine: `Mean(x[k], (k, floor(i*N/M), ceiling((i + 1)*N/M) - 1))`.

The index runs over the axis at which it stands, and what lies beyond the limits counts as nothing, under a condition.
So the limits must stay inside the axis: that is proved here, for sizes of at least 1, by putting the ends of its range
in the place of each index. Where it cannot be, `Max(.., 0)` and `Min(.., N - 1)` say that they do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import sympy as sp

from graphc.equations.composed import Composed, Polynomial, of_sizes, polynomial, product
from graphc.equations.domain import has_reads, is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Size, all_of, make, substitute
from graphc.equations.simplify import affine_sum
from graphc.errors import DefinitionError, UnsupportedError
from graphc.frontend.names import Written
from graphc.frontend.ranges import arms
from graphc.frontend.reduce import Bound, Reduce, plain_dim

if TYPE_CHECKING:
    from graphc.frontend.lift import Lifter

Ends = Mapping[Index, tuple[Expr, Expr]]
ZERO, ONE = Const(0), Const(1)
_NOTHING = {"Sum": (0, 0), "Mean": (0, 0), "Prod": (1, 1), "amax": (-math.inf, -(2**63)), "amin": (math.inf, 2**63 - 1),
            "logsumexp": (-math.inf, -math.inf)}  # fmt: skip


def nothing(name: str, body: Expr) -> Expr | None:
    """What a reduction takes where there is nothing to reduce; None if it takes no such limits."""
    found = _NOTHING.get(name)
    return None if found is None else Const(found[body.kind != "real"])


def is_computed(end: Expr) -> bool:
    """Whether a limit is computed from indices and sizes, and not affine."""
    return not is_affine(end) and not has_reads(end)


def are_computed(b: Bound) -> bool:
    """Whether some limit of an index is; the largest and the smallest of several are so many limits."""
    lows = [] if b.low is None else arms(b.low, "maximum")
    highs = [] if b.high is None else arms(b.high, "minimum")
    return any(map(is_computed, (*lows, *highs)))


def bind(lifter: Lifter, e: sp.Basic, bound: tuple[Bound, ...], value: Expr) -> tuple[tuple[Bound, ...], Expr]:
    """The indices of a reduction over computed limits, and its value under the condition that they hold."""
    empty = nothing({"Product": "Prod"}.get(type(e).__name__, type(e).__name__), value)
    if empty is None:
        raise lifter.written.error(
            UnsupportedError, f"the limits of {e} are computed, and not affine",
            "Sum, Prod, Mean, amax, amin and logsumexp take such limits; here give a whole axis, and conditions",
        )  # fmt: skip
    found, conditions = [], list[Expr]()
    for b, limit in zip(bound, e.args[1:], strict=True):
        if are_computed(b):
            b, more = bounded(b, limit, value, lifter.bounds, lifter.names.composed, lifter.written)
            conditions += more
        found.append(b)
    lifter.limited[tuple(found)] = within = all_of(conditions)
    return tuple(found), make("select", within, value, empty)


def mean(
    value: Expr, bound: tuple[Bound, ...], again: tuple[Bound, ...], limited: Mapping[tuple[Bound, ...], Expr]
) -> Expr:
    """The sum over the number of points within computed limits; `again` are fresh indices to count them."""
    number = Reduce("sum", again, make("select", limited[again], ONE, ZERO))
    return make("div", Reduce("total", bound, value if value.kind == "real" else make("toreal", value)), number)


def bounded(
    b: Bound, limit: sp.Tuple, body: Expr, ends: Ends, composed: Composed, written: Written
) -> tuple[Bound, list[Expr]]:
    """An index with affine limits, and the conditions that hold within those that were computed.

    Raises DefinitionError where nothing says how far the index runs, UnsupportedError where it might leave the axis."""
    lows = [] if b.low is None else arms(b.low, "maximum")
    highs = [] if b.high is None else arms(b.high, "minimum")
    conditions = [make("ge", b.index, e) for e in lows if is_computed(e)]
    conditions += [make("lt", b.index, e) for e in highs if is_computed(e)]
    low = [e for e in lows if not is_computed(e)]
    high = [e for e in highs if not is_computed(e)]
    if not low or not high:
        dim = plain_dim(b.index, body)
        if dim is None:
            what = f"the limits of {b.index!r} are computed, and it stands alone at no axis that says how far it runs"
            raise written.error(DefinitionError, what, _mend(limit, "n"))
        prove = _Proof(ends, composed)
        for missing, given, e in ((low, lows, ZERO), (high, highs, dim)):
            if not missing:
                inside = [prove.below(e, x) if given is lows else prove.below(x, e) for x in given]
                if not any(inside):
                    what = f"nothing shows that {limit[0]} stays inside its axis of {dim!r} elements"
                    raise written.error(UnsupportedError, what, _mend(limit, repr(dim)))
                missing.append(e)
    return Bound(b.index, _fold("maximum", low), _fold("minimum", high)), conditions


def _mend(limit: sp.Tuple, dim: str) -> str:
    return f"Write ({limit[0]}, Max({limit[1]}, 0), Min({limit[2]}, {dim} - 1))"


def _fold(op: str, found: Sequence[Expr]) -> Expr:
    total = found[0]
    for e in found[1:]:
        total = make(op, total, e)
    return total


class _Proof:
    """That one expression is never above another, for indices within their ends and sizes of at least 1."""

    def __init__(self, ends: Ends, composed: Composed) -> None:
        self.ends, self.composed = ends, composed

    def below(self, a: Expr, b: Expr) -> bool:
        """Whether a <= b is certain."""
        most = self.most(a - b)
        return most is not None and _never_positive(most)

    def most(self, e: Expr) -> Expr | None:
        """Something of sizes that `e` never is above."""
        parts = self._opened(e)
        return None if parts is None else self._without_quotients(self._at_ends(parts))

    def _opened(self, e: Expr) -> Polynomial | None:
        """`e` or more, with quotients of indices replaced by what they are at most."""
        total: Expr = ZERO
        for factors, k in polynomial(e, self.composed.known).items():
            opened = [f for f in factors if isinstance(f, Op) and not of_sizes(f)]
            if not opened:
                total = total + k * product(factors)
                continue
            found = self._quotient(factors[0], k) if len(factors) == 1 else None
            if found is None:
                return None
            total = total + found
        return polynomial(total, self.composed.known)

    def _quotient(self, e: Expr, k: int) -> Expr | None:
        """k * (a // b) or more, b being made of sizes."""
        match e:
            case Op(name="floordiv", args=(a, b)) if of_sizes(b) and _never_positive(1 - b):
                # a // b <= (most of a) // b, and -(a // b) <= -((least of a) // b) = ceiling of (most of -a) / b.
                most = self.most(a if k > 0 else -a)
                return None if most is None else abs(k) * self._divided(most, b, k < 0)
        return None

    def _divided(self, a: Expr, b: Expr, up: bool) -> Expr:
        """A bound from above of a / b, rounded down or up, with what b divides taken out."""
        divisor = polynomial(b, self.composed.known)
        ((factors, n),) = divisor.items() if len(divisor) == 1 else [((b,), 1)]
        whole: Expr = ZERO
        rest: Expr = ZERO
        for m, k in polynomial(a, self.composed.known).items():
            left = list(m)
            if k % n == 0 and all(f in left and not left.remove(f) for f in factors):  # type: ignore[func-returns-value]
                whole = whole + k // n * product(tuple(left))
            else:
                rest = rest + k * product(m)
        if rest is ZERO:
            return whole
        if _never_positive(rest):
            return whole - (0 if up or not _never_positive(rest + 1) else 1)
        return whole + (-make("floordiv", -rest, b) if up else make("floordiv", rest, b))

    def _at_ends(self, parts: Polynomial | None) -> Expr | None:
        """The largest value, each index at the end of its range that makes it so."""
        if parts is None:
            return None
        indices = sorted({f for m in parts for f in m if isinstance(f, Index)}, key=lambda i: i.uid)
        total = sum((k * product(m) for m, k in parts.items()), start=ZERO)
        for index in indices:
            slope = {tuple(f for f in m if f is not index): k for m, k in parts.items() if index in m}
            if index not in self.ends or any(m.count(index) > 1 for m in parts):
                return None
            factor = sum((k * product(m) for m, k in slope.items()), start=ZERO)
            low, high = self.ends[index]
            rest = {m: k for m, k in parts.items() if index not in m}
            if _never_positive(-factor):
                at = high - 1
            elif _never_positive(factor):
                at = low
            else:
                return None
            total = sum((k * product(m) for m, k in rest.items()), start=factor * at)
            parts = polynomial(total, self.composed.known)
        return total

    def _without_quotients(self, e: Expr | None) -> Expr | None:
        """b * (a // b) is a at most."""
        if e is None:
            return None
        total: Expr = ZERO
        for m, k in polynomial(e, self.composed.known).items():
            total = total + k * self._cleared(m, k)
        return total

    def _cleared(self, m: tuple[Expr, ...], k: int) -> Expr:
        for f in m if k > 0 else ():
            match self.composed.known.get(f.name) if isinstance(f, Size) else f:
                case Op(name="floordiv", args=(a, b)) if b in m:
                    rest = list(m)
                    rest.remove(f)
                    rest.remove(b)
                    return a * product(tuple(rest))
        return product(m)


def _never_positive(e: Expr) -> bool:
    """Whether a polynomial of sizes is plainly at most 0 where all sizes are at least 1."""
    parts = polynomial(e, {})
    sizes = {f for m in parts for f in m}
    if not all(isinstance(f, Size) for f in sizes):
        return False
    shifted = polynomial(substitute(affine_sum({product(m): k for m, k in parts.items() if m}, parts.get((), 0)),
                                    {f: f + 1 for f in sizes}), {})  # fmt: skip
    return all(k <= 0 for k in shifted.values())
