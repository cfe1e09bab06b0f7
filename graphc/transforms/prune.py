"""What nobody reads goes: equations the outputs do not depend on, and elements outside what is read of a tensor.

Readers come before what they read, so one pass settles everything outside cycles. On a cycle the elements read from
outside are closed under the cycle's own reads; if a few rounds do not settle that, all its elements stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import islpy as isl
import networkx as nx

from graphc.equations.domain import is_affine
from graphc.equations.system import Equation, System, Tensor, dependencies

ROUNDS = 3


def prune(system: System, outputs: frozenset[Tensor]) -> System:
    """`system` without what `outputs` do not need."""
    needed = dependencies(system, outputs)
    kept = {eq.tensor: eq for eq in system.equations if eq.tensor in needed}
    graph = nx.DiGraph((eq.tensor, r.tensor) for eq in kept.values() for _, r in eq.reads() if r.tensor in kept)
    graph.add_nodes_from(kept)
    read: dict[Tensor, isl.Set] = {}
    for t in outputs & kept.keys():
        _add(read, t, t.box)
    order = list(nx.strongly_connected_components(graph))
    for part in reversed(order):
        cyclic = len(part) > 1 or any(graph.has_edge(t, t) for t in part)
        for eq in _settle([kept[t] for t in part], read, system.context) if cyclic else _restrict(kept, part, read, system):
            kept[eq.tensor] = eq
        for t in part:
            _demand(kept[t], read, part)
    return system.with_equations(kept[eq.tensor] for eq in system.equations if eq.tensor in kept)


def _restrict(kept: dict[Tensor, Equation], part: Iterable[Tensor], read: dict[Tensor, isl.Set], system: System) -> list[Equation]:
    return [_to(kept[t], read.get(t), system.context) for t in part]


def _settle(part: list[Equation], read: dict[Tensor, isl.Set], context: isl.Set) -> list[Equation]:
    """A cycle restricted to what is read of it, if that settles in a few rounds."""
    tensors = {eq.tensor for eq in part}
    found = {t: read[t] for t in tensors if t in read}
    if all(eq.tensor in found and _covers(found[eq.tensor], eq.defined, context) for eq in part):
        return []
    for _ in range(ROUNDS):
        smaller = [_to(eq, found.get(eq.tensor), context) for eq in part]
        grown = dict(found)
        for eq in smaller:
            _demand(eq, grown, (), only=tensors)
        if all(t in found and _covers(found[t], grown[t], context) for t in grown):
            return smaller
        found = grown
    return []


def _demand(eq: Equation, read: dict[Tensor, isl.Set], skip: Iterable[Tensor], only: set[Tensor] | None = None) -> None:
    """Add what this equation reads of other tensors."""
    for term, access in eq.reads():
        t = access.tensor
        if not t.given and t not in skip and (only is None or t in only):
            _add(read, t, term.domain.image(access.subs, t.dims))


def _add(read: dict[Tensor, isl.Set], tensor: Tensor, elements: isl.Set) -> None:
    if tensor in read:
        elements = read[tensor] | elements
    # Bounds without strides or holes: a superset, and as simple as a domain the user writes.
    read[tensor] = isl.Set.from_basic_set(elements.remove_divs().simple_hull())


def _covers(a: isl.Set, b: isl.Set, context: isl.Set) -> bool:
    return bool(b.intersect_params(context).is_subset(a))


def _to(eq: Equation, elements: isl.Set | None, context: isl.Set) -> Equation:
    """The equation for these elements only."""
    opaque = any(not is_affine(w) for term in eq.terms for w in term.write)
    if opaque or (elements is not None and _covers(elements, eq.defined, context)):
        return eq
    if elements is None:
        elements = eq.defined - eq.defined
    terms = [replace(term, domain=term.domain.inside(term.write, elements)) for term in eq.terms]
    alive = tuple(
        new if not _covers(new.domain.set, old.domain.set, context) else old
        for old, new in zip(eq.terms, terms, strict=True)
        if not new.domain.set.intersect_params(context).is_empty()
    )
    return replace(eq, defined=(eq.defined & elements).coalesce(), terms=alive)
