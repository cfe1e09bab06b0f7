"""Loops that run as far as data say: of a reduction over all e of what is 0 unless `e < count[n]`, the loop over e runs
to count[n] - 1. The comparison leaves the value and becomes a bound of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations.bounds import Bounds, conditions
from graphc.equations.expr import Const, Expr, Index, Op, conjuncts, indices_of, make, substitute
from graphc.equations.ops import REDUCTIONS
from graphc.schedule.program import Nest, Statement

_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def with_limits(nest: Nest) -> Nest:
    """The nest with comparisons that bound its statements' own indices as `limits` of these statements."""
    found = tuple(_limited(s, nest) for s in nest.statements)
    return nest if all(a is b for a, b in zip(found, nest.statements, strict=True)) else replace(nest, statements=found)


def _limited(s: Statement, nest: Nest) -> Statement:
    match s.value:
        case Op(name="select", args=(condition, _, Const(value=otherwise))) if s.mode != "set":
            if otherwise != REDUCTIONS[s.mode][0]:
                return s
        case _:
            return s
    order = [*nest.outer, *nest.parallel]
    order += [i for i in s.domain.indices if i not in order]
    inner = set(order) - {*nest.outer, *nest.parallel}
    limits = tuple(c for c in conjuncts(condition) if _bounds(c, inner, order))
    holds = dict.fromkeys(limits, Const(True))
    write = tuple(substitute(w, holds) for w in s.write)
    return replace(s, value=substitute(s.value, holds), write=write, limits=limits) if limits else s


def _bounds(c: Expr, inner: set[Index], order: Sequence[Index]) -> bool:
    """Whether a condition bounds one of the indices `inner` by what is known in the loops before it."""
    found = _comparison(c)
    return found is not None and found[1] in inner and indices_of(found[2]) <= set(order[: order.index(found[1])])


def _comparison(c: Expr) -> tuple[str, Index, Expr] | None:
    """(operation, index, bound) of a comparison with an index that stands alone on one side."""
    match c:
        case Op(name=name, args=(Index() as i, other)) if name in _TURNED and other.kind in ("weak", "int"):
            return name, i, other
        case Op(name=name, args=(other, Index() as i)) if name in _TURNED and other.kind in ("weak", "int"):
            return _TURNED[name], i, other
    return None


def bounded(s: Statement, bounds: Sequence[Bounds], context: isl.Set) -> list[Bounds]:
    """Loop bounds of a statement's own indices, with its limits.

    Data are read only where the statement has points at all (loops around may run further), and held to one more than
    the range of the index: loops count with what they are given."""
    limits = [found for c in s.limits if (found := _comparison(c))]
    return [_with(b, [(name, end) for name, index, end in limits if index is b.index], s, context) for b in bounds]


def _with(b: Bounds, limits: Sequence[tuple[str, Expr]], s: Statement, context: isl.Set) -> Bounds:
    if not limits:
        return b
    lowers, uppers = list(b.lowers), list(b.uppers)
    for name, end in limits:
        held = make("maximum", make("minimum", end, b.upper + 1), b.lower - 1)
        if name in ("lt", "le"):
            uppers.append(held - 1 if name == "lt" else held)
        else:
            lowers.append(held + 1 if name == "gt" else held)
    around = tuple(i for i in s.domain.indices if any(i in indices_of(end) for _, end in limits))
    before = tuple(conditions(s.domain.project(around), around, context))
    return replace(b, lowers=tuple(lowers), uppers=tuple(uppers), before=before)


def bound_others(s: Statement) -> set[Index]:
    """The indices on which limits of other ones depend: their loops come first."""
    return set().union(*(indices_of(c[2]) for c in filter(None, map(_comparison, s.limits))))
