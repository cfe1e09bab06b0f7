"""Every element gathers what is added to it: a change of index makes the left side plain.

    ds[t - 1, j] += da[t, i]*W[i, j]     becomes     ds[t, j] += da[t + 1, i]*W[i, j]
    dI[i + m] += dS[i]*K[m]              becomes     dI[n] += dS[n - m]*K[m]

A subscript ±i + k*j.. + c of the left side becomes the index n in place of its longest, i = ±(n - rest): unimodular, so
the points stay the same in number. Where the longest has a coefficient (2*i + m) and where data say the place, left
sides stay as they are (see `residues`). Likewise a summed index gives way to the subscript i - m of a convolution where
that runs over a fixed range (the kernel's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations.domain import Domain, is_plain
from graphc.equations.expr import Const, Expr, Index, reads, substitute
from graphc.equations.lengths import length
from graphc.equations.simplify import affine_parts, affine_sum
from graphc.equations.system import Equation, System, Tensor, Term


def gather(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with plain left sides wherever a unimodular change of index gives them."""
    return system.with_equations(_equation(eq) for eq in system.equations)


def upright(system: System) -> System:
    """`system` with left sides that run backwards, `s[T - 1 - t]`, over their own coordinates: what is named along
    with such an element then has the same order of steps."""

    def turned(eq: Equation) -> Equation:
        terms = tuple(plain_write(t) if any(map(_runs_backwards, t.write)) else t for t in eq.terms)
        return eq if terms == eq.terms else replace(eq, terms=terms)

    return system.with_equations(map(turned, system.equations))


def _runs_backwards(sub: Expr) -> bool:
    return -1 in affine_parts(sub)[0].values()


def _equation(eq: Equation) -> Equation:
    terms = tuple(_kernel_indices(plain_write(term)) for term in eq.terms)
    return eq if all(a is b for a, b in zip(terms, eq.terms, strict=True)) else replace(eq, terms=terms)


def plain_write(term: Term) -> Term:
    """The term with each subscript of its left side an index of its own, where that can be."""
    for axis in range(len(term.write)):
        e = term.write[axis]
        used = set(term.write[:axis]) | {w for w in term.write[axis + 1 :] if isinstance(w, Index)}
        if isinstance(e, Index | Const):
            continue
        pivot = _pivot(term, e, used)
        if pivot is not None:
            term = change(term, pivot, e)
    return term


def _pivot(term: Term, e: Expr, used: set[Expr]) -> Index | None:
    """The index that gives way to the subscript `e`: the longest, if it has the coefficient 1 or -1."""
    if not is_plain(e):
        return None
    parts, _ = affine_parts(e)
    found = longest(term, [leaf for leaf in parts if isinstance(leaf, Index) and leaf not in used], parts)
    return found if found is not None and abs(parts[found]) == 1 else None


def longest(term: Term, indices: Sequence[Index], parts: Mapping[Expr, int]) -> Index | None:
    """The index that is summed over the longest range; of several that may be, one with the largest coefficient."""
    return max(indices, key=lambda i: (length(term.domain, term.value, i), abs(parts[i])), default=None)


def change(term: Term, old: Index, e: Expr) -> Term:
    """The term over a new index n = e in place of `old`, which occurs in e with coefficient 1 or -1."""
    parts, constant = affine_parts(e)
    sign = parts[old]
    new = Index(old.name)
    rest = {leaf: -k for leaf, k in parts.items() if leaf is not old}
    inverse = affine_sum({**rest, new: 1}, -constant)  # n - rest
    if sign < 0:
        inverse = -inverse
    domain = term.domain
    coordinates = [e if i is old else i for i in domain.indices]
    moved = Domain(tuple(new if i is old else i for i in domain.indices), domain.image(coordinates))
    write = tuple(substitute(w, {old: inverse}) for w in term.write)
    return Term(moved, write, substitute(term.value, {old: inverse}), term.origin)


def _fixed_range(domain: Domain, index: Index) -> bool:
    """Whether the index runs over a range that no size stretches."""
    return _bounded(domain.project((index,)).set)


def _bounded(line: isl.Set) -> bool:
    return bool(line.project_out(isl.dim_type.param, 0, line.dim(isl.dim_type.param)).is_bounded())


def _kernel_indices(term: Term) -> Term:
    """Sum over a kernel's own subscripts: S[i] += I[m]*K[i - m] becomes S[i] += I[i - a]*K[a]."""
    sums = [s for r in reads(term.value) for s in r.subs if len(affine_parts(s)[0]) > 1]
    for index in term.reduced if sums else ():
        if _fixed_range(term.domain, index):
            continue
        for sub in dict.fromkeys(s for r in reads(term.value) for s in r.subs):
            parts, _ = affine_parts(sub)
            if abs(parts.get(index, 0)) != 1 or len(parts) < 2 or not is_plain(sub):
                continue
            if _bounded(term.domain.image((sub,))):
                term = change(term, index, sub)
                break
    return term
