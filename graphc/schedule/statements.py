"""System → statements: one per term and convex piece of its domain, and what initialises each reduction.

A reduction whose element also has a plain contribution (`a[t,i] += b[i]`) starts from that one; only elements without
any start from the identity, and all do where those would be many pieces.
"""

from __future__ import annotations

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Index, indices_of, reads
from graphc.equations.graphs import Graph
from graphc.equations.ops import REDUCTIONS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Equation, System, Tensor, Term, reads_of
from graphc.schedule.program import Statement

MOST_PIECES = 8  # of what starts from the identity beside what starts from a contribution


def statements(system: System) -> list[Statement]:
    """All statements of a system, in the order of its equations."""
    recurrent = _reachability(system)
    found: list[Statement] = []
    for eq in system.equations:
        if eq.reduce == "assign":
            for term in eq.terms:
                found.extend(_pieces(eq.tensor, "set", term, system))
        else:
            found.extend(_reduction(eq, system, recurrent))
    return found


def _pieces(tensor: Tensor, mode: str, term: Term, system: System) -> list[Statement]:
    context = _real_context(system)
    domain = term.domain.with_set(sets.coalesce(sets.gist_params(term.domain.set, context)))
    parts = domain.pieces if len(domain.set.get_basic_sets()) > 1 else (domain,)
    parts = tuple(p for p in parts if not sets.intersect_params(p.set, context).is_empty())
    return [Statement(tensor, mode, p, term.write, term.value, term.origin) for p in parts]


def _real_context(system: System) -> isl.Set:
    from graphc.equations.domain import assume

    return assume(system.sizes, (), least=0)


def _reduction(eq: Equation, system: System, recurrent: dict[Tensor, set[Tensor]]) -> list[Statement]:
    first: list[Term] = []
    recurs = {t: any(eq.tensor in recurrent.get(r.tensor, ()) for r in reads_of(t)) for t in eq.terms}
    leaves_loop = any(not recurs[t] and not _is_plain(t) for t in eq.terms)
    whole = all(map(_is_plain, eq.terms))  # else every so many elements would start otherwise than those between
    # Nor may it come step by step where others add to elements that data point at, steps ahead of their own.
    leaves_loop = leaves_loop or any(reads(w) for t in eq.terms for w in t.write)
    covered = None
    kept = []
    terms = sorted(eq.terms, key=recurs.__getitem__)
    for term in terms:
        # A recurrent start would keep in the time loop the sums that could be made before it.
        if _is_plain(term) and (whole or not _steps(term)) and not (recurs[term] and leaves_loop):
            image = term.domain.image(term.write)
            if covered is None or covered.is_disjoint(image):
                covered = image if covered is None else sets.union(covered, image)
                first.append(term)
                continue
        kept.append(term)
    bare = eq.defined if covered is None else sets.subtract(eq.defined, covered)
    bare = sets.coalesce(sets.intersect_params(bare, _real_context(system)))
    if len(bare.get_basic_sets()) > MOST_PIECES:
        first, kept = [], terms
        bare = sets.coalesce(sets.intersect_params(eq.defined, _real_context(system)))
    found = [s for t in first for s in _pieces(eq.tensor, "set", t, system)]
    if not bare.is_empty():
        identity = REDUCTIONS[eq.reduce].identity
        if identity in (0, 1):
            value = Const(int(identity))
        elif eq.tensor.kind == "int":
            value = Const(2**63 - 1 if identity > 0 else -(2**63))
        else:
            value = Const(identity)
        indices = tuple(Index(f"i{k}") for k in range(len(eq.tensor.dims)))
        found += _pieces(eq.tensor, "set", Term(Domain(indices, bare), indices, value, eq.origin), system)
    return found + [s for t in kept for s in _pieces(eq.tensor, eq.reduce, t, system)]


def _is_plain(term: Term) -> bool:
    """Whether every point writes an element of its own, each subscript one index or none."""
    plain = [w for w in term.write if isinstance(w, Index)]
    others = [w for w in term.write if not isinstance(w, Index)]
    return (
        len(set(plain)) == len(plain)
        and set(plain) == set(term.domain.indices)
        and all(isinstance(w, Const) for w in others)
    ) or _is_moved(term)


def _is_moved(term: Term) -> bool:
    seen: list[Index] = []
    for w in term.write:
        if not is_affine(w):
            return False  # at a place from data, or at Min(2, N), its image is more than its elements
        if not indices_of(w):
            continue
        parts, _ = affine_parts(w)
        own = [i for i in parts if isinstance(i, Index)]
        if len(own) != 1 or any(not isinstance(p, Index) and indices_of(p) for p in parts):
            return False
        seen.append(own[0])
    return len(set(seen)) == len(seen) and set(seen) == set(term.domain.indices)


def _steps(term: Term) -> bool:
    """Whether a subscript written moves by more than 1 with its index."""
    return any(abs(k) != 1 for w in term.write for leaf, k in affine_parts(w)[0].items() if isinstance(leaf, Index))


def _reachability(system: System) -> dict[Tensor, set[Tensor]]:
    """For each tensor the tensors of its cycle (itself included), empty where it is on none."""
    graph = Graph((r.tensor, eq.tensor) for eq in system.equations for _, r in eq.reads())
    return {t: set(part) for part in graph.cyclic() for t in part}
