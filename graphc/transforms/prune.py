"""What nobody reads goes: equations the outputs do not depend on, and elements outside what is read of a tensor.

Readers come before what they read, so one pass settles everything outside cycles. On a cycle the elements read from
outside are closed under the cycle's own reads; if a few rounds do not settle that, all its elements stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import assume, is_affine
from graphc.equations.graphs import Graph
from graphc.equations.system import Equation, System, Tensor, dependencies

ROUNDS = 3


def prune(system: System, outputs: frozenset[Tensor]) -> System:
    """`system` without what `outputs` do not need."""
    needed = dependencies(system, outputs)
    kept = {eq.tensor: eq for eq in system.equations if eq.tensor in needed}
    graph = Graph(((eq.tensor, r.tensor) for eq in kept.values() for _, r in eq.reads() if r.tensor in kept), kept)
    read: dict[Tensor, isl.Set] = {}
    for t in outputs & kept.keys():
        _add(read, t, t.box, system.context)
    for part in reversed(graph.components()):
        equations = [kept[t] for t in part]
        for eq in (
            _settle(equations, read, system)
            if graph.is_cyclic(part)
            else [_to(e, read.get(e.tensor), system) for e in equations]
        ):
            kept[eq.tensor] = eq
        for t in part:
            _demand(kept[t], read, system.context, skip=part)
    found = system.with_equations(kept[eq.tensor] for eq in system.equations if eq.tensor in kept)
    needed = dependencies(found, outputs)  # fewer, where all points of a term are gone
    return found.with_equations(eq for eq in found.equations if eq.tensor in needed)


def _settle(part: list[Equation], read: dict[Tensor, isl.Set], system: System) -> list[Equation]:
    """A cycle restricted to what is read of it, if that settles in a few rounds."""
    tensors = {eq.tensor for eq in part}
    found = {t: read[t] for t in tensors if t in read}
    if all(eq.tensor in found and _covers(found[eq.tensor], eq.defined) for eq in part):
        return []
    for _ in range(ROUNDS):
        smaller = [_to(eq, found.get(eq.tensor), system) for eq in part]
        grown = dict(found)
        for eq in smaller:
            _demand(eq, grown, system.context, only=tensors)
        if all(t in found and _covers(found[t], grown[t]) for t in grown):
            return smaller
        found = grown
    return []


def _demand(
    eq: Equation,
    read: dict[Tensor, isl.Set],
    context: isl.Set,
    skip: Iterable[Tensor] = (),
    only: Iterable[Tensor] | None = None,
) -> None:
    """Add what this equation reads of other tensors."""
    for term, access in eq.reads():
        t = access.tensor
        if not t.given and t not in skip and (only is None or t in only):
            _add(read, t, term.domain.reach(access.subs, t.dims), context)


def _add(read: dict[Tensor, isl.Set], tensor: Tensor, elements: isl.Set, context: isl.Set) -> None:
    if tensor not in read:
        read[tensor] = _hull(elements, context)
    elif not _covers(read[tensor], elements):
        read[tensor] = _hull(sets.union(read[tensor], elements), context)


def _hull(elements: isl.Set, context: isl.Set) -> isl.Set:
    """Bounds without strides, holes or conditions on sizes: a superset, as simple as a domain the user writes."""
    return sets.simple_hull(elements, context)


def _covers(a: isl.Set, b: isl.Set) -> bool:
    return bool(b.is_subset(a))


def _to(eq: Equation, elements: isl.Set | None, system: System) -> Equation:
    """The equation for these elements only."""
    if any(not is_affine(w) for term in eq.terms for w in term.write):
        return eq
    if elements is None:
        elements = sets.subtract(eq.defined, eq.defined)
    elif _covers(elements, eq.defined):
        return eq
    alive, sizes = [], assume(system.sizes, least=0)
    for term in eq.terms:
        domain = term.domain.inside(term.write, elements)
        if not domain.is_empty():
            same = _covers(domain.set, sets.intersect_params(term.domain.set, sizes))
            alive.append(term if same else replace(term, domain=domain))
    return replace(eq, defined=sets.coalesce(sets.intersect(eq.defined, elements)), terms=tuple(alive))
