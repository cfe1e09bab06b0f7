"""Loops that run as far as data say: of a reduction over all e of what is 0 unless `e < count[n]`, the loop over e runs
to count[n] - 1. The comparison leaves the value and becomes a bound of the loop, when a nest is planned (`plans`): a
program's own statements, and the verifier, have the whole range."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations.bounds import Bounds, conditions
from graphc.equations.expr import Const, Expr, Index, Op, conjuncts, indices_of, make, substitute
from graphc.equations.ops import REDUCTIONS
from graphc.equations.simplify import affine_parts
from graphc.schedule.program import Limit, Nest, Statement

FAR = 2**62  # beyond every axis
_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def with_limits(nest: Nest) -> Nest:
    """The nest with comparisons that bound its statements' own indices as `limits` of these statements."""
    found = tuple(_limited(s, nest) for s in nest.statements)
    return nest if all(a is b for a, b in zip(found, nest.statements, strict=True)) else replace(nest, statements=found)


def _limited(s: Statement, nest: Nest) -> Statement:
    match s.value:
        case Op(name="select", args=(condition, _, Const(value=otherwise))) if s.mode != "set":
            if otherwise != REDUCTIONS[s.mode].identity:
                return s
        case _:
            return s
    order = [*nest.outer, *nest.parallel]
    order += [i for i in s.domain.indices if i not in order]
    inner = set(order) - {*nest.outer, *nest.parallel}
    found = {c: limit for c in conjuncts(condition) if (limit := _limit(c, inner, order))}
    holds = dict.fromkeys(found, Const(True))
    write = tuple(substitute(w, holds) for w in s.write)
    limits = tuple(found.values())
    return replace(s, value=substitute(s.value, holds), write=write, limits=limits) if limits else s


def _limit(c: Expr, inner: set[Index], order: Sequence[Index]) -> Limit | None:
    """What a condition says of one of the indices `inner`, if that is known in the loops before it."""
    for name, index, end in _comparisons(c):
        if index in inner and indices_of(end) <= set(order[: order.index(index)]):
            return name, index, end
    return None


def _comparisons(c: Expr) -> Iterator[Limit]:
    """Comparisons of an index that stands on one side, alone or, below what the other is, added to something."""
    if not (isinstance(c, Op) and c.name in _TURNED and all(a.kind in ("weak", "int") for a in c.args)):
        return
    a, b = c.args
    if isinstance(a, Index):
        yield c.name, a, b
    if isinstance(b, Index):
        yield _TURNED[c.name], b, a
    for leaf, k in affine_parts(a)[0].items():
        if c.name == "lt" and isinstance(leaf, Index) and leaf is not a and k == 1:
            yield "lt", leaf, _difference(b, a - leaf)


def _difference(high: Expr, low: Expr) -> Expr:
    """high - low, at least 1 where high is larger: data may be anything, and their difference not fit 64 bits."""
    found = make("minimum", high, Const(FAR - 1)) - make("maximum", low, Const(-FAR))
    return make("select", make("lt", low, high), make("maximum", found, Const(1)), Const(0))


def bounded(s: Statement, bounds: Sequence[Bounds], context: isl.Set) -> list[Bounds]:
    """Loop bounds of a statement's own indices, with its limits.

    Data are read only where the statement has points at all (loops around may run further), and held to one more than
    the range of the index: loops count with what they are given."""
    return [_with(b, [(name, end) for name, index, end in s.limits if index is b.index], s, context) for b in bounds]


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
    return set().union(*(indices_of(end) for _, _, end in s.limits))
