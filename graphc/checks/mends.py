"""What to write instead where a read leaves what is defined: the last lines of a DomainError."""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import ranges
from graphc.equations.domain import Domain, box_set, integer, is_affine, size_name
from graphc.equations.expr import Const, Expr, Index, Read, factors, indices_of
from graphc.equations.system import System, Tensor, Term
from graphc.language.boundaries import NAMED

SET = isl.dim_type.set
FEW = 4  # elements that a message names one by one


def of(written: Tensor, term: Term, read: Read, outside: Domain, missing: isl.Set, element: str, shown: int) -> str:
    """What to define: where the left side is shifted, the elements that it would read for; else those read."""
    if any(indices_of(w) and not isinstance(w, Index) for w in term.write):
        starts = _elements(written, outside.image(term.write), term.write, len(term.write))
        if starts:
            return f"Say where it starts: {starts}"
    if read.tensor.given:
        return _inside(term, read)
    return f"Define it: {_elements(read.tensor, missing, read.subs, shown) or f'Eq({element}, ..)'}"


def _elements(t: Tensor, points: isl.Set, subs: Sequence[Expr], shown: int) -> str | None:
    """`Eq(s[T], ..)` for each of a few elements, named by sizes; None if that cannot be said."""
    texts: list[list[str]] = [[]]
    sizes = sets.params(points)
    for n in range(sizes.dim(isl.dim_type.param)):  # where none is cut short
        larger = sizes.lower_bound_val(isl.dim_type.param, n, isl.Val(2 * FEW))
        sizes = sizes if larger.is_empty() else larger
    if not all(points.dim_has_lower_bound(SET, k) and points.dim_has_upper_bound(SET, k) for k in range(len(subs))):
        return None  # an index from data may be anything
    for k, (low, high) in enumerate(ranges(sets.intersect_params(points, sizes), sizes)[:shown]):
        sub, count = subs[k], high - low
        if isinstance(sub, Index) and low is Const(0) and high is t.dims[k] - 1:
            here = [sub.name]
        elif isinstance(count, Const) and 0 <= count.value < FEW and is_affine(low):
            here = [repr(low + c).replace(" ", "") for c in range(int(count.value) + 1)]
        else:
            return None
        texts = [[*text, c] for text in texts for c in here]
    return ", ".join(f"Eq({t.name}[{', '.join(text)}], ..)" for text in texts) if shown and len(texts) <= FEW else None


def larger(bad: isl.Set, system: System) -> str:
    """The mend that a size is never so small, where that is all that is wrong."""
    points = sets.intersect_params(bad, system.context).params()
    for k in range(points.dim(isl.dim_type.param)):
        others = points.dim(isl.dim_type.param) - k - 1
        line = points.project_out(isl.dim_type.param, k + 1, others).project_out(isl.dim_type.param, 0, k)
        values = isl.Set.from_params(line).move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, 1)
        if values.is_bounded():
            name, most = size_name(points.get_dim_name(isl.dim_type.param, k)), integer(values.dim_max_val(0))
            return f'\n  Or, if {name} is never below {most + 1}, say so: gc.sizes("{name}", min={most + 1})'
    return ""


def _inside(term: Term, read: Read) -> str:
    """For what is given: limits within the axis, none, or a rule for what stands outside."""
    t = read.tensor
    bound = set(term.domain.indices) - set().union(*map(indices_of, term.write))
    for sub, dim in zip(read.subs, t.dims, strict=True):
        if isinstance(sub, Index) and sub in bound and not term.domain.image((sub,)).is_subset(box_set((dim,))):
            return f"{t.name} has {sub!r} = 0 .. {dim - 1!r}: write ({sub!r}, 0, {dim - 1!r}), or leave the limits away"
    summed = sorted({i.name for sub in read.subs for i in indices_of(sub) & bound})
    if summed and read in set(factors(term.value)):  # which would vanish outside, had the limits not been written
        names = " and ".join(summed)
        return f"Leave the limits of {names} away: the sum runs where {t.name} is; or say what is outside: outside=0"
    return f"Say what stands outside: outside=0, {NAMED} for {t.name}; or keep the index inside"
