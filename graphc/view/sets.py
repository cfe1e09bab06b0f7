"""Integer sets read back as expressions: for each convex piece, the bounds of every index and what else holds.

The way back from `equations.domain`, for reading only: a bound is an `Expr` that prints like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import islpy as isl

from graphc.equations.domain import Domain, integer, size_name
from graphc.equations.expr import Const, Expr, Index, Size, indices_of, make, postorder
from graphc.equations.simplify import affine_parts, affine_sum
from graphc.equations.system import System

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
    found = [_piece(domain, basic, context) for basic in points.compute_divs().get_basic_sets() if not basic.is_empty()]
    return sorted(found, key=lambda piece: str(piece.domain.set))


def _piece(domain: Domain, basic: isl.BasicSet, context: isl.Set) -> Piece:
    points = isl.Set.from_basic_set(basic.detect_equalities().remove_redundancies()).gist_params(context)
    piece = Piece(domain.with_set(points))
    for part in points.get_basic_sets():
        for constraint in part.get_constraints():
            if not constraint.is_div_constraint():
                _add(piece, constraint)
    return piece


def bounds(piece: Piece, index: Index, context: isl.Set) -> tuple[tuple[Expr, ...], tuple[Expr, ...]]:
    """(lowers, uppers) of an index in terms of those before it, what other bounds imply included."""
    lowers, uppers = piece.lowers.get(index, ()), piece.uppers.get(index, ())
    if not (lowers and uppers):
        here = piece.domain.indices.index(index)
        shadows = pieces(piece.domain.project(piece.domain.indices[: here + 1]), context)
        if len(shadows) == 1:
            lowers, uppers = lowers or shadows[0].lowers.get(index, ()), uppers or shadows[0].uppers.get(index, ())
    return lowers, uppers


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
        piece.others += (_compare("eq" if constraint.is_equality() else "ge", parts, constant),)
    elif constraint.is_equality():
        piece.fixed[last] = rest if k < 0 else -rest
    elif k > 0:
        piece.lowers[last] = (*piece.lowers.get(last, ()), _ceil(-rest, k))
    else:
        piece.uppers[last] = (*piece.uppers.get(last, ()), _floor_of(rest, -k))


def _compare(name: str, parts: dict[Expr, int], constant: int) -> Expr:
    """sum + constant >= 0 (or = 0), with what is subtracted on the other side."""
    left = {leaf: k for leaf, k in parts.items() if k > 0}
    right = {leaf: -k for leaf, k in parts.items() if k < 0}
    return make(name, affine_sum(left, max(constant, 0)), affine_sum(right, max(-constant, 0)))


def _floor_of(e: Expr, k: int) -> Expr:
    """floor(e / k), whole multiples of k in front."""
    parts, constant = affine_parts(e)
    if k == 1 or constant % k:
        return make("floordiv", e, k) if k > 1 else e
    return make("floordiv", affine_sum(parts, 0), k) + constant // k


def _ceil(e: Expr, k: int) -> Expr:
    return e if k == 1 else make("ceil", make("div", e, k))


def _parts(indices: tuple[Index, ...], c: isl.Constraint) -> tuple[dict[Expr, int], int, int]:
    """({leaf: coefficient}, constant, modulus): a modulus m says the sum is 0 modulo m (no leaf is a floor then)."""
    parts: dict[Expr, int] = {}
    modulus = 0
    for kind in _KINDS:
        dim = getattr(isl.dim_type, kind)
        for k in range(c.dim(dim)):
            value = integer(c.get_coefficient_val(dim, k))
            if not value:
                continue
            if kind == "param":
                parts[Size(size_name(c.get_dim_name(dim, k)))] = value
            elif kind == "set":
                parts[indices[k]] = value
            else:
                inner, constant, denominator = _floor(indices, c.get_div(k))
                if c.is_equality() and abs(value) == denominator:
                    modulus = denominator
                else:
                    parts[make("floordiv", affine_sum(inner, constant), denominator)] = value
    return parts, integer(c.get_constant_val()), modulus


def _floor(indices: tuple[Index, ...], div: isl.Aff) -> tuple[dict[Expr, int], int, int]:
    """The inside of floor((sum of coefficient*leaf + constant) / denominator)."""
    denominator = integer(div.get_denominator_val())
    inner: dict[Expr, int] = {}
    for kind in ("param", "in_"):
        dim = getattr(isl.dim_type, kind)
        for k in range(div.dim(dim)):
            value = integer(div.get_coefficient_val(dim, k) * denominator)
            if value:
                inner[Size(size_name(div.get_dim_name(dim, k))) if kind == "param" else indices[k]] = value
    return inner, integer(div.get_constant_val() * denominator), denominator


def _congruence(parts: dict[Expr, int], constant: int, modulus: int) -> Expr:
    """sum + constant = 0 (mod modulus), the sum alone on the left."""
    if sum(1 for k in parts.values() if k < 0) > len(parts) / 2:
        parts, constant = {leaf: -k for leaf, k in parts.items()}, -constant
    return make("eq", make("mod", affine_sum(parts, 0), modulus), -constant % modulus)


def is_whole(piece: Piece, index: Index, dim: Expr, context: isl.Set) -> bool:
    """Whether the bounds of `index` say no more than that it lies on an axis of `dim` elements."""
    lowers, uppers = piece.lowers.get(index, ()), piece.uppers.get(index, ())
    return all(b is Const(0) for b in lowers) and all(_equal(b, dim - 1, context) for b in uppers)


def _equal(a: Expr, b: Expr, context: isl.Set) -> bool:
    """Whether two expressions in sizes are equal in all of `context`."""
    differ = make("ne", a, b)
    return not indices_of(a) and (differ is Const(False) or bool(_holds(differ, context).is_empty()))


def _holds(condition: Expr, context: isl.Set) -> isl.Set:
    """The sizes in `context` at which a condition on sizes alone holds."""
    return context.intersect(Domain.where((), condition).set.params())


@lru_cache(maxsize=8)
def nonempty(system: System) -> isl.Set:
    """The sizes at which every tensor has elements: what is said of a system is said for these, if there are any."""
    found = system.context
    for dim in dict.fromkeys(d for t in system.tensors for d in t.dims):
        some = _holds(make("ge", dim, 1), found)
        found = found if some.is_empty() else some
    return found
