"""Loop bounds of convex domains: what loops over a domain's points look like, as expressions.

For indices scanned in a given order, `loop_bounds` returns per index the lower bounds (the largest counts) and the
upper bounds (inclusive; the smallest counts) in the sizes and the indices before it. With `domain`, this is where
isl's answers turn back into expressions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, integer, size_of_param
from graphc.equations.expr import Const, Expr, Index, make
from graphc.equations.simplify import never_negative

SET, PARAM, DIV = isl.dim_type.set, isl.dim_type.param, isl.dim_type.div


@dataclass(frozen=True)
class Bounds:
    """lower/upper bounds (inclusive) of one index, and conditions that bounds cannot say (strides).

    Bounds that are read from data may be asked for where the conditions `before` hold."""

    index: Index
    lowers: tuple[Expr, ...]
    uppers: tuple[Expr, ...]
    guards: tuple[Expr, ...] = ()
    before: tuple[Expr, ...] = ()

    @property
    def lower(self) -> Expr:
        return extreme("maximum", self.lowers)

    @property
    def upper(self) -> Expr:
        return extreme("minimum", self.uppers)


def extreme(op: str, values: Sequence[Expr]) -> Expr:
    """The largest or smallest ("maximum", "minimum") of some integer expressions, sizes being at least 0."""
    kept: list[Expr] = []
    for v in dict.fromkeys(values):
        if any(_beats(op, k, v) for k in kept):
            continue
        kept = [k for k in kept if not _beats(op, v, k)] + [v]
    total = kept[0]
    for v in kept[1:]:
        total = make(op, total, v)
    return total


def _beats(op: str, a: Expr, b: Expr) -> bool:
    """Whether `a` is plainly at least as extreme as `b` at all sizes."""
    return never_negative(a - b if op == "maximum" else b - a)


def _linear(constraint: isl.Constraint, names: dict[tuple[isl.dim_type, int], Expr], skip: int | None) -> Expr:
    """The constraint's left side (>= 0 or = 0) as an expression, without the set dimension `skip`."""
    total: Expr = Const(integer(constraint.get_constant_val()))
    for (kind, pos), leaf in names.items():
        if kind == SET and pos == skip:
            continue
        k = integer(constraint.get_coefficient_val(kind, pos))
        if k:
            total = total + Const(k) * leaf
    return total


def _names(basic: isl.BasicSet, indices: Sequence[Index]) -> dict[tuple[isl.dim_type, int], Expr]:
    names: dict[tuple[isl.dim_type, int], Expr] = {}
    for k in range(basic.dim(PARAM)):
        names[PARAM, k] = size_of_param(basic.get_dim_name(PARAM, k))
    for k, index in enumerate(indices):
        names[SET, k] = index
    return names


def loop_bounds(domain: Domain, known: Sequence[Index], order: Sequence[Index], context: isl.Set) -> list[Bounds]:
    """Bounds of the indices `order`, outermost first, where `known` are fixed outside; the domain must be convex.

    Conditions on known indices alone are not repeated; see `conditions`.
    """
    points = sets.remove_redundancies(sets.gist_params(domain.set, context))
    result = []
    for level, index in enumerate(order):
        inner = set(order[level + 1 :])
        shadow = Domain(domain.indices, points)
        kept = [i for i in domain.indices if i not in inner]
        shadow = shadow.project(kept)
        result.append(_bounds_of(shadow, index, last=level == len(order) - 1))
    return result


def ranges(elements: isl.Set, context: isl.Set) -> list[tuple[Expr, Expr]]:
    """(lowest, highest) coordinate on each axis of a set that is not empty at all sizes the context allows."""
    indices = tuple(Index(f"c{k}") for k in range(elements.dim(SET)))
    whole = Domain(indices, sets.intersect_params(elements, context))
    found = []
    for index in indices:
        shadow = whole.project([index])
        pieces = [
            shadow.with_set(isl.Set.from_basic_set(b))
            for b in sets.coalesce(shadow.set.compute_divs()).get_basic_sets()
        ]
        bounds = [loop_bounds(p, (), [index], context)[0] for p in pieces]
        lower = extreme("minimum", list(dict.fromkeys(b.lower for b in bounds)))
        upper = extreme("maximum", list(dict.fromkeys(b.upper for b in bounds)))
        found.append((lower, upper))
    return found


def _bounds_of(domain: Domain, index: Index, last: bool) -> Bounds:
    lowers: dict[Expr, None] = {}
    uppers: dict[Expr, None] = {}
    guards: list[Expr] = []
    position = domain.indices.index(index)
    basic = sets.basic(domain.set)
    if last and (basic.dim(DIV) or domain.set.n_basic_set() > 1):
        guards = _guards(domain.set, domain.indices)
    outline = sets.outline(domain.set)
    names = _names(outline, domain.indices)
    for c in outline.get_constraints():
        k = integer(c.get_coefficient_val(SET, position))
        if not k:
            continue
        rest = _linear(c, names, position)
        if k > 0 or c.is_equality():  # k*i + rest >= 0  ->  i >= ceil(-rest/k)
            a, r = (k, rest) if k > 0 else (-k, -rest)
            lowers[-rest_div(r, a)] = None
        if k < 0 or c.is_equality():  # -k*i <= rest
            a, r = (-k, rest) if k < 0 else (k, -rest)
            uppers[rest_div(r, a)] = None
            if k != -1 and k != 1 and c.is_equality():
                guards.append(make("eq", make("mod", r, Const(a)), Const(0)))
    assert lowers and uppers, f"{index!r} is not bounded in {domain!r}"
    return Bounds(index, _in_order(lowers), _in_order(uppers), _in_order(guards))


def _in_order(found: Iterable[Expr]) -> tuple[Expr, ...]:
    """In an order that isl, which keeps constraints as it came by them, has no part in."""
    return tuple(sorted(found, key=repr))


def rest_div(rest: Expr, k: int) -> Expr:
    """floor(rest / k)."""
    return rest if k == 1 else make("floordiv", rest, Const(k))


def _guards(points: isl.Set, indices: Sequence[Index]) -> list[Expr]:
    """What bounds cannot say of a set: its constraints that involve integer divisions; where it is several convex
    pieces, that a point lies in one of them."""
    parts = [_constraints(b, indices) for b in sets.coalesce(points).compute_divs().get_basic_sets()]
    if len(parts) == 1:
        return [c for c, divides in parts[0] if divides]
    inside = [_joined("and", _in_order(c for c, _ in part), True) for part in parts]
    return [_joined("or", _in_order(inside), False)]


def _joined(op: str, values: Sequence[Expr], empty: bool) -> Expr:
    total = values[0] if values else Const(empty)
    for v in values[1:]:
        total = make(op, total, v)
    return total


def _constraints(basic: isl.BasicSet, indices: Sequence[Index]) -> list[tuple[Expr, bool]]:
    """Each constraint as a condition, and whether an integer division occurs in it."""
    names = _names(basic, indices)
    for d in range(basic.dim(DIV)):
        div = basic.get_div(d)
        denominator = integer(div.get_denominator_val())
        total: Expr = Const(integer(div.get_constant_val() * div.get_denominator_val()))
        for (kind, pos), leaf in names.items():
            kind_in = isl.dim_type.in_ if kind == SET else kind
            k = integer(div.get_coefficient_val(kind_in, pos) * div.get_denominator_val())
            if k:
                total = total + Const(k) * leaf
        names[DIV, d] = make("floordiv", total, Const(denominator))
    found = []
    for c in basic.get_constraints():
        divides = any(integer(c.get_coefficient_val(DIV, d)) for d in range(basic.dim(DIV)))
        found.append((make("eq" if c.is_equality() else "ge", _linear(c, names, None), Const(0)), divides))
    return found


def conditions(domain: Domain, known: Sequence[Index], context: isl.Set) -> list[Expr]:
    """The constraints of a convex domain on sizes and `known` indices alone: what no loop over the others checks."""
    points = sets.remove_redundancies(sets.gist_params(domain.set, context))
    basic = sets.basic(points)
    flat = sets.flat(points)
    names = _names(flat, domain.indices)
    inner = [k for k, i in enumerate(domain.indices) if i not in known]
    found = []
    for c in flat.get_constraints():
        if not any(integer(c.get_coefficient_val(SET, k)) for k in inner):
            found.append(make("eq" if c.is_equality() else "ge", _linear(c, names, None), Const(0)))
    if not inner and (basic.dim(DIV) or domain.set.n_basic_set() > 1):
        found.extend(_guards(domain.set, domain.indices))
    return list(_in_order(found))
