"""Conditions that are affine in indices and sizes divide an index set; the others stay, as choices of a value.

`split(value)` gives the parts: (conditions, value) where the first match of a Piecewise has won.
"""

from __future__ import annotations

from typing import TypeGuard

from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Read, make, postorder, substitute
from graphc.equations.scalars import NAN, UNDEFINED

Part = tuple[tuple[Expr, ...], Expr]
_OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}


def negate(c: Expr) -> Expr:
    """not c, pushed down to the comparisons."""
    match c:
        case Const(value=bool(v)):
            return Const(not v)
        case Op(name="not", args=(a,)):
            return a
        case Op(name="and" | "or", args=(a, b)):
            return make("or" if c.name == "and" else "and", negate(a), negate(b))
        case Op(name=name, args=(a, b)) if name in _OPPOSITE and a.kind != "real" and b.kind != "real":
            return make(_OPPOSITE[name], a, b)
    return make("not", c)


def split(value: Expr) -> list[Part]:
    """The parts of a value: disjoint conditions, and the value under each. UNDEFINED parts are left out."""
    done: list[Part] = []
    todo: list[Part] = [((), value)]
    while todo:
        conditions, e = todo.pop()
        chosen = next(
            (n for n in postorder(e) if isinstance(n, Op) and n.name == "select" and _divides(n.args[0])), None
        )
        if chosen is None:
            rest = _without_gaps(e)
            if rest is not None:
                done.append((conditions, rest))
            continue
        c, yes, no = chosen.args
        test = _affine_part(c)
        assert test is not None
        condition, when_true, when_false = test
        for more, then in ((negate(condition), when_false), (condition, when_true)):
            if _possible((*conditions, more)):
                todo.append(((*conditions, more), substitute(e, {chosen: _choose(then, yes, no)})))
    return done


def nearest_chosen(read: Read) -> Expr:
    """A read at Max or Min of affine subscripts as a choice between reads with a lag of their own each."""
    found = next((n for sub in read.subs for n in postorder(sub) if _is_nearest(n)), None)
    if found is None:
        return read
    a, b = found.args
    at_a, at_b = (Read(read.tensor, tuple(substitute(sub, {found: side}) for sub in read.subs)) for side in (a, b))
    first = make("ge" if found.name == "maximum" else "le", a, b)
    return make("select", first, nearest_chosen(at_a), nearest_chosen(at_b))


def _is_nearest(n: Expr) -> TypeGuard[Op]:
    return isinstance(n, Op) and n.name in ("maximum", "minimum") and all(map(is_affine, n.args))


def _possible(conditions: tuple[Expr, ...]) -> bool:
    """Whether some point satisfies all: of n choices along one index few of the 2^n combinations are."""
    indices = tuple(dict.fromkeys(n for n in postorder(*conditions) if isinstance(n, Index)))
    return len(conditions) < 2 or not Domain.where(indices, *conditions).is_empty()


def _divides(c: Expr) -> bool:
    return _affine_part(c) is not None


def _affine_part(c: Expr) -> tuple[Expr, Expr, Expr] | None:
    """(an affine condition to divide by, what is left of c where it holds, what is left where it does not)."""
    if is_affine(c):
        return c, Const(True), Const(False)
    match c:
        case Op(name="and" | "or" as name, args=(a, b)):
            for p, q in ((a, b), (b, a)):
                found = _affine_part(p)
                if found is not None:
                    return found[0], make(name, found[1], q), make(name, found[2], q)
        case Op(name="not", args=(a,)):
            found = _affine_part(a)
            if found is not None:
                return found[0], negate(found[1]), negate(found[2])
    return None


def _choose(c: Expr, yes: Expr, no: Expr) -> Expr:
    return make("select", c, yes, no)


def _without_gaps(e: Expr) -> Expr | None:
    """A choice by data without a default is NaN where nothing is chosen; a gap anywhere else has no value."""
    if not any(n is UNDEFINED for n in postorder(e)):
        return e
    filled = {
        n: Op("select", tuple(NAN if a is UNDEFINED else a for a in n.args))
        for n in postorder(e)
        if isinstance(n, Op) and n.name == "select" and UNDEFINED in n.args
    }
    e = substitute(e, filled)
    return None if any(n is UNDEFINED for n in postorder(e)) else e
