"""What to write instead where a read leaves what is defined: the last lines of a DomainError."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import islpy as isl
import sympy as sp

from graphc.equations import sets
from graphc.equations.bounds import ranges
from graphc.equations.domain import Domain, box_set, integer, is_affine, size_name
from graphc.equations.expr import Const, Expr, Index, Read, factors, indices_of, make
from graphc.equations.simplify import never_negative
from graphc.equations.system import System, Tensor, Term
from graphc.language import symbols as sy
from graphc.language.boundaries import NAMED
from graphc.language.reductions import Reduction, Sum

SET = isl.dim_type.set
FEW = 4  # elements that a message names one by one


def of(
    written: Tensor, term: Term, read: Read, outside: Domain, missing: isl.Set, element: str, form: object, shown: int
) -> str:
    """What to define: where the left side is shifted, the elements that it would read for; else those read."""
    taken = {str(e) for e in sp.preorder_traversal(_equation(term)) if isinstance(e, sp.Symbol | sy.Tensor)}
    if any(indices_of(w) and not isinstance(w, Index) for w in term.write):
        starts = _elements(written, outside.image(term.write), term.write, len(term.write), taken)
        if starts:
            return f"Say where it starts: {starts}"
    if read.tensor.given:
        return _inside(term, read, form)
    return f"Define it: {_elements(read.tensor, missing, read.subs, shown, taken) or f'Eq({element}, ..)'}"


def _elements(t: Tensor, points: isl.Set, subs: Sequence[Expr], shown: int, taken: Collection[str]) -> str | None:
    """`Eq(s[T], ..)` for each of a few elements, named by sizes, or for a block of them beyond the dimensions; None if
    that cannot be said."""
    texts: list[list[str]] = [[]]
    blocks: list[str] = []
    sizes = sets.params(points)
    for n in range(sizes.dim(isl.dim_type.param)):  # where none is cut short
        larger = sizes.lower_bound_val(isl.dim_type.param, n, isl.Val(2 * FEW))
        sizes = sizes if larger.is_empty() else larger
    if not all(points.dim_has_lower_bound(SET, k) and points.dim_has_upper_bound(SET, k) for k in range(len(subs))):
        return None  # an index from data may be anything
    points = sets.intersect_params(points, sizes)
    for k, (low, high) in enumerate(ranges(points, sizes)[:shown]):
        sub, count = subs[k], high - low
        if isinstance(sub, Index) and low is Const(0) and high is t.dims[k] - 1:
            here = [sub.name]
        elif isinstance(count, Const) and 0 <= count.value < FEW and is_affine(low):
            here = [_compact(low + c) for c in range(int(count.value) + 1)]
        elif (block := _block(low, high, t.dims[k])) is not None and not blocks:
            name = next(n for n in ("m", "n", "k", "j", "m_") if n not in taken)
            blocks = [f'{name} = gc.index("{name}", {block[1]!r}), ']
            first = _compact(block[0])
            here = [f"{name}{first}" if first.startswith("-") else f"{first}+{name}"]
        else:
            return None
        texts = [[*text, c] for text in texts for c in here]
    if not shown or len(texts) > FEW:
        return None
    return "".join(blocks) + ", ".join(f"Eq({t.name}[{', '.join(text)}], ..)" for text in texts)


def _block(low: Expr, high: Expr, dim: Expr) -> tuple[Expr, Expr] | None:
    """The first of the elements beyond one end of an axis that are missing, and their number; None if that is not
    clear. Where the axis is shorter than they reach, those are missing that would be if it were not."""
    if is_affine(low) and low is not Const(0) and never_negative(-low):
        return low, (high if is_affine(high) and never_negative(-high - 1) else Const(-1)) - low + 1
    first = low if is_affine(low) and never_negative(low - dim) else dim
    beyond = high - dim + 1
    return (first, high - first + 1) if is_affine(high) and beyond is not Const(0) and never_negative(beyond) else None


def _compact(e: Expr) -> str:
    return repr(e).replace(" ", "")


def larger(bad: isl.Set, system: System) -> str:
    """The mend that sizes are never so small, where that is all that is wrong."""
    points = sets.intersect_params(bad, system.context).params()
    least: dict[str, int] = {}
    for part in sets.coalesce(isl.Set.from_params(points)).params().get_basic_sets():
        found = dict(_most(isl.Set.from_basic_set(part)))
        if not found:
            return ""
        name = next((n for n in found if n in least), next(iter(found)))
        least[name] = max(least.get(name, 0), found[name] + 1)
    alike: dict[int, list[str]] = {}
    for name, low in sorted(least.items()):
        alike.setdefault(low, []).append(name)
    said = " and ".join(
        f"{' and '.join(n)} {'is' if len(n) == 1 else 'are'} never below {low}" for low, n in alike.items()
    )
    declared = ", ".join(f'gc.sizes("{" ".join(n)}", min={low})' for low, n in alike.items())
    return f"\n  Or, if {said}, say so: {declared}" if alike else ""


def _most(points: isl.Set) -> Iterator[tuple[str, int]]:
    """The sizes that are bounded among these, with the largest value of each."""
    for k in range(points.dim(isl.dim_type.param)):
        others = points.dim(isl.dim_type.param) - k - 1
        line = points.project_out(isl.dim_type.param, k + 1, others).project_out(isl.dim_type.param, 0, k)
        values = isl.Set.from_params(line).move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, 1)
        if values.is_bounded():
            yield size_name(points.get_dim_name(isl.dim_type.param, k)), integer(values.dim_max_val(0))


def _inside(term: Term, read: Read, form: object) -> str:
    """For what is given: limits that stay within the axis, none where the same is meant, or a rule for what stands
    outside."""
    rule = f"outside=0, {NAMED} for {read.tensor.name}"
    for sub, dim, s, d in _leaving(term, read, form):
        limits = _limits(term, s)
        if len(limits) == 1:
            ((reduction, index, low, high),) = limits
            range_ = _cut(term, (sub, dim), (s, d), (index, low, high))
            if range_ is None:
                continue
            if s == index and range_ == (index, 0, d - 1):
                return f"{read.tensor.name} has {index} = 0 .. {d - 1}: write {range_}, or leave the limits away"
            if read in set(factors(term.value)) and _given_by_another(reduction, index, low, high):
                # The factor would vanish outside, had the limits not been written.
                away = f"Leave the limits of {index} away: the sum runs where {read.tensor.name} is"
                return f"{away}; or say what is outside: outside=0"
            return f"Cut the range off at the border: {range_}\n  Or say what stands outside: {rule}"
    return f"Say what stands outside: {rule}; or keep the index inside"


def _equation(term: Term) -> sp.Basic:
    """The user's equation that a term is from, if it is from one."""
    source = None if term.origin is None else term.origin.source
    return source if isinstance(source, sp.Basic) else sp.true


def _leaving(term: Term, read: Read, form: object) -> Iterator[tuple[Expr, Expr, sp.Expr, sp.Expr]]:
    """The subscripts that leave their axes, with the dimensions of these, here and as the user wrote them."""
    if isinstance(form, sy.Access) and not read.tensor.joined:
        for sub, dim, s, d in zip(read.subs, read.tensor.dims, form.subs_, form.base.dims, strict=False):
            if is_affine(sub) and not term.domain.image((sub,)).is_subset(box_set((dim,))):
                yield sub, dim, s, d


def _limits(term: Term, sub: sp.Expr) -> list[tuple[Reduction, sy.Index, sp.Expr, sp.Expr]]:
    """The reductions that bind an index of this subscript, the index, and what it runs from and to."""
    found = []
    for e in sp.preorder_traversal(_equation(term)):
        for index, *ends in e.limits if isinstance(e, Reduction) else ():
            if index in sub.free_symbols and (ends or index.extent is not None):
                found.append((e, index, *(ends or (sp.Integer(0), index.extent - 1))))
    return list(dict.fromkeys(found))


def _cut(
    term: Term, axis: tuple[Expr, Expr], written: tuple[sp.Expr, sp.Expr], limit: tuple[sy.Index, sp.Expr, sp.Expr]
) -> sp.Tuple | None:
    """These limits, cut off where the subscript leaves the axis; None if it does not move with the index by ones."""
    (sub, dim), (s, d), (index, low, high) = axis, written, limit
    step = sp.expand(s).coeff(index)
    rest = sp.expand(s - step * index)
    if abs(step) != 1 or rest.has(index):
        return None
    below = not term.domain.restrict(make("lt", sub, Const(0))).is_empty()
    above = not term.domain.restrict(make("ge", sub, dim)).is_empty()
    first, last = (-rest, d - 1 - rest) if step == 1 else (rest - d + 1, rest)
    below, above = (below, above) if step == 1 else (above, below)
    return sp.Tuple(index, sp.Max(low, first) if below else low, sp.Min(high, last) if above else high)


def _given_by_another(reduction: Reduction, index: sy.Index, low: sp.Expr, high: sp.Expr) -> bool:
    """Whether the index has these limits without their being written, from an axis at which it stands alone."""
    ends = {
        d - 1
        for access in reduction.body.atoms(sy.Access)
        for s, d in zip(access.subs_, getattr(access.base, "dims", ()), strict=False)
        if s == index
    }
    return isinstance(reduction, Sum) and low == 0 and ends == {high}
