"""Several equations for one tensor: the more particular left side wins. Nothing is defined twice, unless alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import is_affine, sample
from graphc.equations.expr import Const, Expr, Index, indices_of, make
from graphc.equations.simplify import never_negative
from graphc.equations.system import Tensor
from graphc.errors import DefinitionError, complain
from graphc.frontend.names import Written
from graphc.frontend.reduce import all_indices, all_reads, reduces
from graphc.language import symbols as sy

if TYPE_CHECKING:
    from graphc.frontend.lower import Piece

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
            lefts = {w: _left_image(ps) for w, ps in group.items()}
            for a, b in combinations(group, 2):
                pairs = ((images[a], images[b]), (lefts[a], lefts[b]))
                won = next((k for k in (_particular(*pair) for pair in pairs) if k is not None), None)
                if won is not None:
                    taken.setdefault((b, a)[won], []).append((images[a], images[b])[won])
            for a, b in combinations(group, 2):
                both = sets.intersect(_rest(images[a], taken.get(a)), _rest(images[b], taken.get(b)))
                if not both.is_empty():
                    if not (_degenerate(both) or _agree(group[a], group[b], both)):
                        raise _twice(tensor, group[a], group[b], both)
                    taken.setdefault(b, []).append(both)
    return [_without(p, taken[p.written]) if p.written in taken else p for p in pieces]


def _without(p: Piece, taken: Sequence[isl.Set]) -> Piece:
    return replace(p, scope=replace(p.scope, minus=tuple(taken)))


def _rest(image: isl.Set, taken: Sequence[isl.Set] | None) -> isl.Set:
    for t in taken or ():
        image = sets.subtract(image, t)
    return image


def meet(a: Piece, b: Piece) -> bool:
    """Whether two pieces may write one element; at a place from data any of its axis."""
    return not sets.intersect(_image([a]), _image([b])).is_empty()


def _image(pieces: Sequence[Piece]) -> isl.Set:
    image = pieces[0].scope.domain.image(pieces[0].write)
    for p in pieces[1:]:
        image = sets.union(image, p.scope.domain.image(p.write))
    return sets.coalesce(image) if len(pieces) > 1 else image


def _left_image(pieces: Sequence[Piece]) -> isl.Set:
    """What the left side alone says, whatever the conditions on the right leave of it."""
    return pieces[0].left.domain.image(pieces[0].write)


def _particular(left: isl.Set, right: isl.Set) -> int | None:
    """Which of two images lies strictly in the other, and is the more particular: 0 or 1; None if neither does."""
    both = sets.intersect(left, right)
    if both.is_empty():
        return None
    where = sets.params(both)
    here, there = sets.intersect_params(left, where), sets.intersect_params(right, where)
    a_in_b, b_in_a = bool(here.is_subset(there)), bool(there.is_subset(here))
    return None if a_in_b == b_in_a else 0 if a_in_b else 1


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


def _twice(tensor: Tensor, first: Sequence[Piece], second: Sequence[Piece], both: isl.Set) -> DefinitionError:
    sizes, point = sample(both) or ({}, ())
    element = f"{tensor.name}[{', '.join(map(str, point))}]" if point else tensor.name
    example = f", for example with {', '.join(f'{k} = {v}' for k, v in sorted(sizes.items()))}" if sizes else ""
    where = f"{first[0].written.origin}\n  and {second[0].written.origin}"
    mend = f"Say which holds there, Eq({element}, ..), or divide the indices with a Piecewise"
    pairs = ((first, second), (second, first))
    found = [r for pair in pairs if (r := _block(*pair))] or [r for pair in pairs if (r := _shorter(*pair))]
    if found:
        i, extent = found[0]
        mend = f'Say where {i.name} ends, {i.name} = gc.index("{i.name}", {extent!r})'
    return DefinitionError(complain(f"{element} is defined twice{example}", where, mend))


def _shifted(pieces: Sequence[Piece]) -> list[tuple[int, Index, Expr]]:
    """The axes on which a left side has an index without a range of its own plus something, the index, and this."""
    p = pieces[0]
    ranged = {str(s) for s in p.written.eq.lhs.atoms(sy.Index) if s.extent is not None}
    found = []
    for axis, sub in enumerate(p.write):
        indices = indices_of(sub)
        index = next(iter(indices)) if len(indices) == 1 else None
        if index is not None and index.name not in ranged and is_affine(sub) and not indices_of(sub - index):
            found.append((axis, index, sub - index))
    return found


def _block(pieces: Sequence[Piece], others: Sequence[Piece]) -> tuple[Index, Expr] | None:
    """An index that is meant to run over a block beyond the dimensions, and how long this is: what is before the
    start, `r[k-P]`, or what the other equation reads beyond the end, `r[T+k]` where that has `r[t+P]`."""
    for axis, index, start in _shifted(pieces):
        if start is not Const(0) and never_negative(-start):
            return index, -start
        for read in all_reads(others[0].value) if never_negative(start - others[0].tensor.dims[axis]) else ():
            for sub in read.subs if read.tensor is others[0].tensor else ():
                lag = sub - next(iter(indices_of(sub)), Const(0))
                if is_affine(sub) and not indices_of(lag) and lag is not Const(0) and never_negative(lag):
                    return index, lag
    return None


def _shorter(pieces: Sequence[Piece], others: Sequence[Piece]) -> tuple[Index, Expr] | None:
    """An index of the left side, and a number of values with which this were the more particular, as in a
    concatenation: the length of an axis at which the index stands alone on the right, or as many as there are up to
    where the other equation begins, or to the end."""
    begins = _shifted(others)
    for axis, index, start in _shifted(pieces):
        ends = *(begin for k, _, begin in begins if k == axis), pieces[0].tensor.dims[axis]
        lengths = {
            d: None
            for read in all_reads(pieces[0].value)
            for sub, d in zip(read.subs, read.tensor.dims, strict=True)
            if sub is index
        }
        for length in (*lengths, *(end - start for end in ends)):
            if length is not Const(0) and never_negative(length):
                within = make("ge", index, Const(0)), make("lt", index, length)
                shorter = [replace(p, scope=p.scope.with_(within)) for p in pieces]
                if _particular(_image(shorter), _image(others)) == 0:
                    return index, length
    return None


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
        if len(group) > 1 or group[0].scope.conditions or group[0].scope.inside:
            image = _image(group)
            if not image.is_equal(tensor.box):
                found[tensor] = sets.coalesce(image)
    return found
