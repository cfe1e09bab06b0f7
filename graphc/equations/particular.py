"""Several equations for one tensor: the more particular left side wins. Nothing is defined twice, unless alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import is_affine, sample
from graphc.equations.errors import DefinitionError
from graphc.equations.names import Written, complain
from graphc.equations.reduce import all_indices, reduces
from graphc.equations.system import Tensor

if TYPE_CHECKING:
    from graphc.equations.lower import Piece

# Sizes below this are degenerate: where two boundary lines coincide only there (`u[0]` and `u[X-1]` at X = 1), the
# equation written first holds.
DEGENERATE = 16


def resolve(pieces: Sequence[Piece]) -> list[Piece]:
    """Take from each piece the elements that a more particular equation defines."""
    groups: dict[Tensor, dict[Written, list[Piece]]] = {}
    for p in pieces:
        groups.setdefault(p.tensor, {}).setdefault(p.written, []).append(p)
    taken: dict[Written, list[isl.Set]] = {}
    for tensor, group in groups.items():
        if len(group) > 1:
            images = {w: _image(ps) for w, ps in group.items()}
            for a, b in combinations(group, 2):
                _prefer(a, images[a], b, images[b], taken)
            for a, b in combinations(group, 2):
                both = sets.intersect(_rest(images[a], taken.get(a)), _rest(images[b], taken.get(b)))
                if not both.is_empty():
                    if not (_degenerate(both) or _agree(group[a], group[b], both)):
                        raise _twice(tensor, a, b, both)
                    taken.setdefault(b, []).append(both)
    return [_without(p, taken[p.written]) if p.written in taken else p for p in pieces]


def _without(p: Piece, taken: Sequence[isl.Set]) -> Piece:
    return replace(p, scope=replace(p.scope, minus=tuple(taken)))


def _rest(image: isl.Set, taken: Sequence[isl.Set] | None) -> isl.Set:
    for t in taken or ():
        image = sets.subtract(image, t)
    return image


def _image(pieces: Sequence[Piece]) -> isl.Set:
    image = pieces[0].scope.domain.image(pieces[0].write)
    for p in pieces[1:]:
        image = sets.union(image, p.scope.domain.image(p.write))
    return sets.coalesce(image) if len(pieces) > 1 else image


def _prefer(a: Written, left: isl.Set, b: Written, right: isl.Set, taken: dict[Written, list[isl.Set]]) -> None:
    """Where one image lies strictly in the other, it is the more particular."""
    both = sets.intersect(left, right)
    if both.is_empty():
        return
    where = sets.params(both)
    here, there = sets.intersect_params(left, where), sets.intersect_params(right, where)
    a_in_b, b_in_a = bool(here.is_subset(there)), bool(there.is_subset(here))
    if a_in_b and not b_in_a:
        taken.setdefault(b, []).append(left)
    elif b_in_a and not a_in_b:
        taken.setdefault(a, []).append(right)


def _agree(left: Sequence[Piece], right: Sequence[Piece], both: isl.Set) -> bool:
    """Whether two equations certainly say the same of the elements in `both`: one value without indices, or values
    affine in indices, and equal."""
    same = {p.value for p in (*left, *right)}
    if len(same) == 1 and not all_indices(*same):
        return True
    one, other = _values(left, both), _values(right, both)
    return one is not None and other is not None and bool(one.is_equal(other))


def _values(pieces: Sequence[Piece], where: isl.Set) -> isl.Map | None:
    """The map from element to value, None where values are not affine."""
    total: isl.Map | None = None
    for p in pieces:
        if p.value.kind == "real" or reduces(p.value) or not is_affine(p.value):
            return None
        domain = p.scope.domain
        back = domain.access(p.write).intersect_domain(domain.set).reverse().intersect_domain(where)
        values = back.apply_range(domain.access((p.value,)))
        total = values if total is None else total | values
    return total


def _twice(tensor: Tensor, a: Written, b: Written, both: isl.Set) -> DefinitionError:
    sizes, point = sample(both) or ({}, ())
    element = f"{tensor.name}[{', '.join(map(str, point))}]" if point else tensor.name
    example = f", for example with {', '.join(f'{k} = {v}' for k, v in sorted(sizes.items()))}" if sizes else ""
    mend = f"Say which holds there, Eq({element}, ..), or divide the indices with a Piecewise"
    return DefinitionError(complain(f"{element} is defined twice{example}", f"{a.origin}\n  and {b.origin}", mend))


def _degenerate(both: isl.Set) -> bool:
    n = both.dim(isl.dim_type.param)
    large = both
    for k in range(n):
        large = large.lower_bound_val(isl.dim_type.param, k, isl.Val(DEGENERATE))
    return n > 0 and bool(large.is_empty())


def supports(pieces: Sequence[Piece]) -> dict[Tensor, isl.Set]:
    """What is defined of each tensor, where that is not just its declared box."""
    groups: dict[Tensor, list[Piece]] = {}
    for p in pieces:
        groups.setdefault(p.tensor, []).append(p)
    found: dict[Tensor, isl.Set] = {}
    for tensor, group in groups.items():
        if len(group) > 1 or group[0].scope.conditions:
            image = _image(group)
            if not image.is_equal(tensor.box):
                found[tensor] = sets.coalesce(image)
    return found
