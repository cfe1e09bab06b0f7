"""A left side that steps, `dx[s*y + d*p]`, becomes one plain left side for each remainder of division by s.

    dx[2*y + p] += do[y]*K[p]     becomes     dx[2*u]     += do[u - q]*K[2*q]         (p = 2*q,     y = u - q)
                                              dx[2*u + 1] += do[u - q]*K[2*q + 1]     (p = 2*q + 1, y = u - q)

What is scattered one by one becomes sums over boxes, each with elements of its own: what a stride of 1 has from
`gather`. The longest index y gives way to the quotient u; of the others, the kernel's, each runs over its values of one
remainder, which move the element by a multiple of s. Points stay the same in number. A kernel that is read with a step,
`o[u] += x[y]*K[u - 2*y]` (a transposed convolution), is first summed over its own subscript.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from math import gcd, inf, prod

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, fix_sizes, integer, size_name
from graphc.equations.expr import Const, Expr, Index, Read, Size, indices_of, make, reads, substitute
from graphc.equations.lengths import length
from graphc.equations.simplify import affine_parts, affine_sum
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import Names, extents
from graphc.transforms.gather import change, longest
from graphc.transforms.unfold import cycles

MOST = 16  # terms that one may become: two axes of stride 4
FEW = 8  # points of a sum
PARAM = isl.dim_type.param


def residues(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with left sides that step split by remainders, outside of recurrences: there an axis may be time, whose
    steps come in one order."""
    cycle_of = {t: part for part in cycles(system) for t in part}
    names, copies, equations = Names(system), list[Equation](), []
    for eq in system.equations:
        cycle = cycle_of.get(eq.tensor, ())
        terms: list[Term] = []
        for term in eq.terms:
            parts = [term] if any(r.tensor in cycle for r in term.reads) else _term(term, system.fixed)
            terms += parts if parts == [term] else [_dense(system, part, names, copies) for part in parts]
        equations.append(eq if terms == list(eq.terms) else replace(eq, terms=tuple(terms)))
    return system.with_equations([*copies, *equations])


def _term(term: Term, fixed: dict[str, int]) -> list[Term]:
    """The term, or its parts for each remainder on each axis."""
    term = _without_points(term, {i for w in term.write if len(indices_of(w)) > 1 for i in indices_of(w)})
    found = [whole := _scattered(_baked(term, fixed))]
    steps = [step for axis in range(len(term.write)) if (step := _step(whole, axis)) is not None]
    if not steps or prod(step.parts for step in steps) > MOST:
        return [term]
    for step in steps:
        found = [part for one in found for part in _split(one, step)]
    if whole.reduced:
        return found
    found = [_without_points(part, set(part.domain.indices)) for part in found]
    return [term] if len(term.write) > 1 and any(map(_sums_few, found)) else found


def _sums_few(term: Term) -> bool:
    """Whether only a few points are summed, as of windows that overlap (pooling, convolutions channel by channel): row
    by row, such sums take longer to start than the points take to be added one by one. They stay scatters."""
    counts = [_length(term, i) for i in term.reduced]
    return bool(counts) and not any(stretched for stretched, _ in counts) and prod(n for _, n in counts) < FEW


def _baked(term: Term, fixed: dict[str, int]) -> Term:
    """The term with the sizes put in that are baked in and bound the shorter indices of a subscript it writes."""
    known = dict[str, int]()
    for w in term.write if fixed else ():
        indices = [leaf for leaf in affine_parts(w)[0] if isinstance(leaf, Index)]
        lines = {i: term.domain.project((i,)).set.drop_unused_params() for i in indices}
        spans = [sets.span(fix_sizes(line, fixed), 0) for line in lines.values()]
        extents = {i: inf if span is None else span[1] - span[0] for i, span in zip(indices, spans, strict=True)}
        for i in indices:
            if extents[i] < max(extents.values()):
                names = (size_name(lines[i].get_dim_name(PARAM, k)) for k in range(lines[i].dim(PARAM)))
                known |= {name: fixed[name] for name in names if name in fixed}
    values = (make("eq", Size(name), Const(value)) for name, value in sorted(known.items()))
    return replace(term, domain=term.domain.restrict(*values)) if known else term


def _dense(system: System, term: Term, names: Names, copies: list[Equation]) -> Term:
    """The term reading copies, element beside element, of kernels of which it reads every so many: each element is used
    for many of those written."""
    moved: dict[Expr, Expr] = {}
    for read in reads(term.value):
        used, summed = indices_of(read), set(term.reduced)
        reused = any(w for w in term.write if indices_of(w) and not indices_of(w) & used)
        steps = [sub for sub in read.subs if not isinstance(sub, Index)]
        if not (reused and steps and summed & set(read.subs)) or any(indices_of(sub) - summed for sub in steps):
            continue
        order = sorted((i for i in term.domain.indices if i in used), key=lambda i: i in summed)
        own = tuple(Index(i.name) for i in order)
        domain = Domain(own, term.domain.image(order))
        tensor = Tensor(names.fresh(f"{read.tensor.name}_r"), extents(system, domain, own), "tensor", read.kind)
        value = substitute(read, dict(zip(order, own, strict=True)))
        copies.append(Equation(tensor, "assign", domain.set, (Term(domain, own, value, term.origin),), term.origin))
        moved[read] = Read(tensor, tuple(order))
    return replace(term, value=substitute(term.value, moved)) if moved else term


def _scattered(term: Term) -> Term:
    """Kernels that are read with a step summed over their own subscripts: K[u - 2*y] as K[p] with u = 2*y + p."""
    for axis, w in enumerate(term.write):
        if not isinstance(w, Index) or sum(w in indices_of(other) for other in term.write) > 1:
            continue
        for sub in dict.fromkeys(s for r in reads(term.value) for s in r.subs if w in indices_of(s) and s is not w):
            if not _is_sum(sub) or abs(affine_parts(sub)[0][w]) != 1:
                continue
            moved = change(term, w, sub)
            step = _step(moved, axis)
            (new,) = set(moved.domain.indices) - set(term.domain.indices)
            if step is not None and _length(moved, new) < min(_length(term, w), _length(moved, step.long)):
                term = moved
                break
    return term


def _length(term: Term, index: Index) -> tuple[int, int]:
    return length(term.domain, term.value, index)


def _is_sum(sub: Expr) -> bool:
    """Whether a subscript is a sum of multiples of indices and of what no index moves."""
    return all(isinstance(leaf, Index) or not (indices_of(leaf) or reads(leaf)) for leaf in affine_parts(sub)[0])


@dataclass(frozen=True)
class _Step:
    """A subscript of the left side that moves by more than 1 with its longest index."""

    axis: int
    long: Index
    by: int
    moduli: dict[Index, int]  # for each other index: after how many of its values it has moved by a multiple of `by`
    parts: int  # how many combinations of remainders there are at most


def _step(term: Term, axis: int) -> _Step | None:
    """An axis of the left side as a step; None if it is plain, is none, or shares an index with another axis."""
    parts, _ = affine_parts(term.write[axis])
    indices = [leaf for leaf in parts if isinstance(leaf, Index)]
    others = [w for k, w in enumerate(term.write) if k != axis]
    if len(indices) < 2 or not _is_sum(term.write[axis]) or any(i in indices_of(w) for i in indices for w in others):
        return None
    long = longest(term, indices, parts)
    assert long is not None
    by = abs(parts[long])
    if by == 1:
        return None
    moduli = {i: by // gcd(by, parts[i]) for i in indices if i is not long}
    extents = {i: _length(term, i) for i in moduli}
    if any(stretched for stretched, _ in extents.values()):
        return None  # a border for each remainder and each of the factors that may be the short one: too many
    return _Step(axis, long, by, moduli, prod(min(m, extents[i][1]) for i, m in moduli.items()))


def _split(term: Term, step: _Step) -> list[Term]:
    """The term's parts for the remainders of the step's other indices; those without points are left out."""
    found = []
    for remainders in product(*(range(m) for m in step.moduli.values())):
        part = _part(term, step, dict(zip(step.moduli, remainders, strict=True)))
        if not part.domain.is_empty():
            found.append(part)
    return found or [term]


def _part(term: Term, step: _Step, remainders: dict[Index, int]) -> Term:
    """The points at which the others have these remainders, over the quotients: with p = m*q + r for each of them,
    s*y + d*p = s*u + c where u = y + (d*m/s)*q.., and y = u - (d*m/s)*q..."""
    parts, constant = affine_parts(term.write[step.axis])
    u = Index(step.long.name)
    back: dict[Expr, Expr] = {}
    moved: dict[Expr, int] = {}  # by how much more u counts than the long index
    for p, remainder in remainders.items():
        m = step.moduli[p]
        q = p if m == 1 else Index(p.name)
        back[p] = m * q + remainder
        moved[q] = parts[p] * m // step.by
        constant += parts[p] * remainder
    still = {leaf: k for leaf, k in parts.items() if not isinstance(leaf, Index)}
    moved |= {leaf: k // step.by for leaf, k in still.items() if k % step.by == 0}
    quotient, rest = divmod(constant, step.by)
    y = u - affine_sum(moved, quotient)
    back[step.long] = y if parts[step.long] > 0 else -y
    write = affine_sum({u: step.by, **{leaf: k for leaf, k in still.items() if k % step.by}}, rest)
    old = [back.get(i, i) for i in term.domain.indices]
    new = tuple(
        u if i is step.long else next(iter(indices_of(e))) for i, e in zip(term.domain.indices, old, strict=True)
    )
    points = sets.preimage(term.domain.set, Domain.where(new).access(old))
    left = tuple(write if k == step.axis else w for k, w in enumerate(term.write))
    return replace(term, domain=Domain(new, points), write=left, value=substitute(term.value, back))


def _without_points(term: Term, indices: set[Index]) -> Term:
    """The term without those of these indices that have one value only."""
    domain, known = term.domain, dict[Expr, Expr]()
    for k, index in enumerate(domain.indices):
        value = domain.set.plain_get_val_if_fixed(isl.dim_type.set, k)
        if index in indices and value.is_int():
            known[index] = Const(integer(value))
    if not known:
        return term
    write = tuple(substitute(w, known) for w in term.write)
    kept = domain.project([i for i in domain.indices if i not in known])
    return replace(term, domain=kept, write=write, value=substitute(term.value, known))
