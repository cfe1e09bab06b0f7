"""Contributions that meet become one: terms of a sum over equal domains are added in one expression, and a sum all of
whose terms are elementwise becomes an assignment, one term for each piece on which the same ones contribute.

    ds[t] += 2*s[t]           for 0 <= t < T             ds[t] = 2*s[t] + p*da[t+1]   for 0 <= t < T - 1
    ds[t] += p*da[t+1]        for 0 <= t < T - 1         ds[t] = 2*s[t]               for t = T - 1

A contraction stays a term of its own: its body must stay a product, and what of it does not recur must leave the loop.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, indices_of, reads, substitute
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import total
from graphc.transforms.cost import size
from graphc.transforms.inline import LARGEST
from graphc.transforms.unfold import cycles

PIECES = 4


def merge(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with fewer terms."""
    recurrent = set().union(*cycles(system)) if any(len(eq.terms) > 1 for eq in system.equations) else set()
    return system.with_equations(_merged(eq, eq.tensor in recurrent) for eq in system.equations)


def _merged(eq: Equation, recurrent: bool) -> Equation:
    if eq.reduce != "sum" or len(eq.terms) < 2:
        return eq
    terms = _same_domain(eq, recurrent)
    if all(_elementwise(term) for term in terms):
        pieces = _overlay(eq, terms)
        if pieces is not None:
            return replace(eq, reduce="assign", terms=tuple(pieces))
    return eq if len(terms) == len(eq.terms) else replace(eq, terms=tuple(terms))


def _elementwise(term: Term) -> bool:
    """Whether a term writes plain indices, all it has."""
    return len(set(term.write)) == len(term.write) == len(term.domain.indices) and set(term.write) == set(
        term.domain.indices
    )


def _same_domain(eq: Equation, recurrent: bool) -> list[Term]:
    """Terms that write the same elements from the same points, added; no contraction among them."""
    found: list[Term] = []
    growing: dict[object, list[int]] = {}  # places in `found` of what may still grow, by what renaming leaves as it is
    smallest = min(size(term.value) for term in eq.terms)
    for term in eq.terms:
        whole = _elementwise(term) if recurrent else _reads_once(term)
        places = growing.setdefault(tuple(w if isinstance(w, Const) else None for w in term.write), []) if whole else []
        for k in places:
            moved = _onto(term, found[k])
            if moved is not None:
                found[k] = replace(found[k], value=total(found[k].value, moved))
                if size(found[k].value) + smallest > LARGEST:
                    places.remove(k)
                break
        else:
            found.append(term)
            places.append(len(found) - 1)
    return found


def _reads_once(term: Term) -> bool:
    """Whether no element of a tensor is read at two points, scalars and coefficients with constant subscripts aside."""
    whole = set(term.domain.indices)
    return all(
        not (used := set().union(*(indices_of(s) for s in r.subs), set())) or used == whole for r in reads(term.value)
    )


def _onto(term: Term, other: Term) -> Expr | None:
    """The value of `term` in the indices of `other`, if renaming makes their points and left sides equal."""
    if len(term.domain.indices) != len(other.domain.indices) or size(term.value) + size(other.value) > LARGEST:
        return None
    if _elementwise(term) and _elementwise(other):
        renaming: dict[Expr, Expr] = dict(zip(term.write, other.write, strict=True))
    else:
        renaming = dict(zip(term.domain.indices, other.domain.indices, strict=True))
    if tuple(substitute(w, renaming) for w in term.write) != other.write:
        return None
    coordinates = tuple(i for j in other.domain.indices for i in term.domain.indices if renaming[i] is j)
    points = term.domain.set if coordinates == term.domain.indices else term.domain.image(coordinates)
    if points is not other.domain.set and not points.is_equal(other.domain.set):
        return None
    return substitute(term.value, renaming)


def _overlay(eq: Equation, terms: list[Term]) -> list[Term] | None:
    """Elementwise terms as an assignment on disjoint pieces; None if they are many."""
    indices = tuple(w for w in terms[0].write if isinstance(w, Index))
    pieces: list[tuple[isl.Set, Expr | None]] = [(eq.defined, None)]
    for term in terms:
        written = term.domain.image(term.write)
        value = substitute(term.value, dict(zip(term.write, indices, strict=True)))
        split: list[tuple[isl.Set, Expr | None]] = []
        for region, so_far in pieces:
            inside, outside = sets.intersect(region, written), sets.subtract(region, written)
            if not inside.is_empty():
                split.append((sets.coalesce(inside), value if so_far is None else total(so_far, value)))
            if not outside.is_empty():
                split.append((sets.coalesce(outside), so_far))
        pieces = split
        if len(pieces) > PIECES or any(v is not None and size(v) > LARGEST for _, v in pieces):
            return None
    return [Term(Domain(indices, region), indices, Const(0) if v is None else v, eq.origin) for region, v in pieces]
