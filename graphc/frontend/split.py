"""Conditions that are affine in indices and sizes divide an index set; the others stay, as choices of a value.

`split(value)` gives the parts: (where each holds, its value) where the first match of a Piecewise has won.
"""

from __future__ import annotations

from typing import TypeGuard

from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Read, cached, make, postorder, substitute
from graphc.frontend.ranges import Inside
from graphc.frontend.reduce import Reduce
from graphc.frontend.scalars import NAN, UNDEFINED

Part = tuple[tuple[Inside, ...], Expr]
MANY = 32  # parts that are not too many, however few choices make them
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
    """The parts of a value: where each holds, and the value there. UNDEFINED parts are left out."""
    return list(_parts(value, None) or ())


def multiplies(value: Expr) -> bool:
    """Whether choices that do not depend on each other make many more parts than there are choices."""
    names = [n.name for n in postorder(value) if isinstance(n, Op)]
    choices = names.count("select")
    cost = 2 if "mod" in names or "floordiv" in names else 1  # isl takes longer over sets with strides
    return choices > 3 and _parts(value, max(MANY, 4 * choices) // cost) is None


def choices_apart(value: Expr) -> Expr:
    """`value`, with choices that would multiply as tensors of their own: a sum of six choices has not 64 parts but six
    times two. (In the body of a sum over an index, each addend becomes a term of its own instead: see `terms`.)"""
    if not multiplies(value):
        return value
    level = _choices(value)
    while len(level) == 1:
        level = [c for a in level[0].args[1:] for c in _choices(a)]
    return substitute(value, {c: Reduce("let", (), choices_apart(c)) for c in level if c.kind in ("real", "int")})


def _choices(value: Expr) -> list[Op]:
    """The choices that divide, not those inside others."""
    found: dict[Op, None] = {}
    seen: set[Expr] = set()
    todo = [value]
    while todo:
        n = todo.pop()
        if n in seen or isinstance(n, Read):
            continue
        seen.add(n)
        if isinstance(n, Op) and n.name == "select" and _divides(n.args[0]):
            found[n] = None
        else:
            todo.extend(reversed(n.args))
    return list(found)


@cached
def _parts(value: Expr, most: int | None) -> tuple[Part, ...] | None:
    """The parts, or None if there are more than so many.

    Outer choices are made first, so that of n branches in a row each is met once; and what earlier conditions leave is
    kept as a set, which stays small where a text of them would grow: after i == 0, .., i == 9 it is i < 0 or i > 9."""
    indices = tuple(n for n in postorder(value) if isinstance(n, Index))
    done: list[Part] = []
    todo: list[tuple[Domain | None, Expr]] = [(None, value)]
    while todo:
        points, e = todo.pop()
        chosen = _outermost(e)
        if chosen is None:
            rest = _without_gaps(e)
            if rest is not None:
                done.append(((), rest) if points is None else (((points.indices, points.set),), rest))
            continue
        c, yes, no = chosen.args
        test = _affine_part(c)
        assert test is not None
        condition, when_true, when_false = test
        holds, fails = Domain.where(indices, condition), Domain.where(indices, negate(condition))
        for more, then in ((fails, when_false), (holds, when_true)):
            here = more if points is None else points & more
            if points is None or not here.is_empty():
                here = here.with_set(sets.coalesce(here.set))
                left = _choose(then, yes, no)
                todo.append((here, left if e is chosen else substitute(e, {chosen: left})))
        if most is not None and len(done) + len(todo) > most:
            return None
    return tuple(done)


def _outermost(e: Expr) -> Op | None:
    """The first choice, from the outside, that divides."""
    seen: set[Expr] = set()
    todo = [e]
    while todo:
        n = todo.pop()
        if n in seen:
            continue
        seen.add(n)
        if isinstance(n, Op) and n.name == "select" and _divides(n.args[0]):
            return n
        todo.extend(reversed(n.args))
    return None


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
