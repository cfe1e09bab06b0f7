"""Integer sets read back as expressions: for each convex piece, the bounds of every index and what else holds.

The way back from `equations.domain`, for reading only: a bound is an `Expr` that prints like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import islpy as isl

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Size, make, postorder
from graphc.equations.simplify import affine_sum

_KINDS = ("param", "set", "div")


@dataclass
class Piece:
    """A convex piece: `lowers <= index <= uppers` in terms of sizes and earlier indices; an index determined by an
    equality stands in `fixed`; `others` are conditions of no such form."""

    domain: Domain
    fixed: dict[Index, Expr] = field(default_factory=dict)
    lowers: dict[Index, tuple[Expr, ...]] = field(default_factory=dict)
    uppers: dict[Index, tuple[Expr, ...]] = field(default_factory=dict)
    others: tuple[Expr, ...] = ()


def pieces(domain: Domain, context: isl.Set) -> list[Piece]:
    """The disjoint convex pieces of `domain` that are not empty, for the sizes that `context` allows."""
    points = domain.set.intersect_params(context).coalesce()
    if points.n_basic_set() > 1:
        points = points.make_disjoint().coalesce()
    found = [_piece(domain, basic, context) for basic in points.get_basic_sets() if not basic.is_empty()]
    return sorted(found, key=lambda piece: str(piece.domain.set))


def _piece(domain: Domain, basic: isl.BasicSet, context: isl.Set) -> Piece:
    points = isl.Set.from_basic_set(basic.detect_equalities().remove_redundancies()).gist_params(context)
    piece = Piece(domain.with_set(points))
    for part in points.get_basic_sets():
        for constraint in part.get_constraints():
            if not constraint.is_div_constraint():
                _add(piece, constraint)
    return piece


def _add(piece: Piece, constraint: isl.Constraint) -> None:
    """Sort one constraint, `sum of coefficient*leaf + constant >= 0` (or = 0), into the piece."""
    parts, constant, modulus = _parts(piece.domain.indices, constraint)
    involved = [i for i in piece.domain.indices if any(i is n for leaf in parts for n in postorder(leaf))]
    last = involved[-1] if involved else None
    if modulus:
        piece.others += (_congruence(parts, constant, modulus),)
        return
    k = parts.get(last, 0) if last is not None else 0
    rest = affine_sum({leaf: c for leaf, c in parts.items() if leaf is not last}, constant)
    nested = last is not None and any(last in set(postorder(leaf)) for leaf in parts if leaf is not last)
    if last is None or not k or nested or (constraint.is_equality() and abs(k) != 1):
        name = "eq" if constraint.is_equality() else "ge"
        piece.others += (make(name, affine_sum(parts, constant), 0),)
    elif constraint.is_equality():
        piece.fixed[last] = rest if k < 0 else -rest
    elif k > 0:
        piece.lowers[last] = (*piece.lowers.get(last, ()), _ceil(-rest, k))
    else:
        piece.uppers[last] = (*piece.uppers.get(last, ()), make("floordiv", rest, -k) if k < -1 else rest)


def _ceil(e: Expr, k: int) -> Expr:
    return e if k == 1 else make("ceil", make("div", e, k))


def _parts(indices: tuple[Index, ...], c: isl.Constraint) -> tuple[dict[Expr, int], int, int]:
    """({leaf: coefficient}, constant, modulus): a modulus m says the sum is 0 modulo m (no leaf is a floor then)."""
    parts: dict[Expr, int] = {}
    modulus = 0
    for kind in _KINDS:
        dim = getattr(isl.dim_type, kind)
        for k in range(c.dim(dim)):
            value = c.get_coefficient_val(dim, k).to_python()
            if not value:
                continue
            if kind == "param":
                parts[Size(c.get_dim_name(dim, k))] = value
            elif kind == "set":
                parts[indices[k]] = value
            else:
                inner, constant, denominator = _floor(indices, c.get_div(k))
                if c.is_equality() and abs(value) == denominator:
                    modulus = denominator
                else:
                    parts[make("floordiv", affine_sum(inner, constant), denominator)] = value
    return parts, c.get_constant_val().to_python(), modulus


def _floor(indices: tuple[Index, ...], div: isl.Aff) -> tuple[dict[Expr, int], int, int]:
    """The inside of floor((sum of coefficient*leaf + constant) / denominator); one level deep, as coalesced sets are."""
    denominator = div.get_denominator_val().to_python()
    inner: dict[Expr, int] = {}
    for kind, leaf_of in (("param", lambda k: Size(div.get_dim_name(isl.dim_type.param, k))), ("in_", indices.__getitem__)):
        dim = getattr(isl.dim_type, kind)
        for k in range(div.dim(dim)):
            value = (div.get_coefficient_val(dim, k) * denominator).to_python()
            if value:
                inner[leaf_of(k)] = value
    return inner, (div.get_constant_val() * denominator).to_python(), denominator


def _congruence(parts: dict[Expr, int], constant: int, modulus: int) -> Expr:
    """sum + constant = 0 (mod modulus), the sum alone on the left."""
    if sum(1 for k in parts.values() if k < 0) > len(parts) / 2:
        parts, constant = {leaf: -k for leaf, k in parts.items()}, -constant
    return make("eq", make("mod", affine_sum(parts, 0), modulus), -constant % modulus)


def is_whole(piece: Piece, index: Index, dim: Expr) -> bool:
    """Whether the piece's bounds of `index` are those of an axis of `dim` elements."""
    if index in piece.fixed:
        return False
    return piece.lowers.get(index) == (Const(0),) and piece.uppers.get(index) == (dim - 1,)


def union(sets: Iterable[isl.Set], rank_of: isl.Set) -> isl.Set:
    """The union of sets, in the space of `rank_of`."""
    total = rank_of - rank_of
    for s in sets:
        total = total | s
    return total.coalesce()
