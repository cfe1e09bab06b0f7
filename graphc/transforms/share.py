"""What is computed twice is computed once: equal equations, and equal expensive subexpressions.

Two equations are equal if renaming their indices makes them so; readers of the one read the other. A subexpression that
occurs in several terms (in a forward equation and in an adjoint, say) gets a tensor over the points where it is needed,
or is read from the elementwise equation that computes just this.

A piece of a cycle with a name of its own may want another order of steps than the cycle (one piece for sweeps in both
directions). Where no loop orders the system that comes out, `compiler` leaves this transform out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Op, Read, cached, postorder, substitute, transform
from graphc.equations.graphs import Graph
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import Names, extents
from graphc.transforms.cost import expensive, flops, value_nodes
from graphc.transforms.gather import upright

WORTH = 6  # operations saved per point before an inexpensive subexpression gets a tensor
_CANONICAL = tuple(Index(f"i{k}") for k in range(16))


def share(system: System, outputs: frozenset[Tensor]) -> System:
    """`system` without repeated equations and without repeated expensive subexpressions."""
    return share_values(share_equations(upright(system), outputs))


# -- equations --------------------------------------------------------------------------------------------------------


def share_equations(system: System, outputs: frozenset[Tensor]) -> System:
    """Equal equations become one, until none are left: an output, if one of them is, else the one that comes first."""
    while True:
        same: dict[Tensor, Tensor] = {}
        buckets: dict[tuple[object, ...], list[Equation]] = {}
        shapes = Shapes()
        rank = {eq.tensor: (eq.tensor not in outputs, k) for k, eq in enumerate(system.equations)}
        for eq in _readers_last(system):
            eq = redirect(eq, {t: _stays(t, same) for _, r in eq.reads() if (t := r.tensor) in same})
            form = (
                eq.reduce,
                eq.tensor.kind,
                eq.tensor.dims,
                tuple(shapes.of(e) for tm in eq.terms for e in (*tm.write, tm.value)),
            )
            bucket = buckets.setdefault(form, [])
            for k, other in enumerate(bucket):
                if not outputs >= {eq.tensor, other.tensor} and _equal(other, eq):
                    bucket[k], goes = sorted((other, eq), key=lambda e: rank[e.tensor])
                    same[goes.tensor] = bucket[k].tensor
                    break
            else:
                bucket.append(eq)
        if not same:
            return system
        same = {t: _stays(t, same) for t in same}
        kept = [eq for eq in system.equations if eq.tensor not in same]
        system = system.with_equations(redirect(eq, same) for eq in kept)


def _readers_last(system: System) -> list[Equation]:
    """The equations, each behind those it reads as far as cycles allow: what they share is then known before them."""
    edges = ((eq.tensor, r.tensor) for eq in system.equations for _, r in eq.reads() if not r.tensor.given)
    graph = Graph(edges, (eq.tensor for eq in system.equations))
    position = {eq.tensor: k for k, eq in enumerate(system.equations)}
    parts = (sorted(part, key=position.__getitem__) for part in graph.components())
    return [system.by_tensor[t] for part in parts for t in part]


def _stays(tensor: Tensor, same: dict[Tensor, Tensor]) -> Tensor:
    """What stands for a tensor in the end."""
    while tensor in same:
        tensor = same[tensor]
    return tensor


def redirect(eq: Equation, same: dict[Tensor, Tensor]) -> Equation:
    """The equation reading other tensors in place of some."""

    def visit(node: Expr) -> Expr | None:
        return Read(same[node.tensor], node.subs) if isinstance(node, Read) and node.tensor in same else None

    if not any(read.tensor in same for _, read in eq.reads()):
        return eq
    terms = tuple(
        replace(tm, value=transform(tm.value, visit), write=tuple(transform(w, visit) for w in tm.write))
        for tm in eq.terms
    )
    return replace(eq, terms=terms)


class Shapes:
    """Numbers for expressions, equal for those that differ in the choice of indices only: a quick first test."""

    def __init__(self) -> None:
        self.known: dict[Expr, int] = {}
        self.numbers: dict[tuple[object, ...], int] = {}

    def of(self, root: Expr) -> int:
        for node in () if root in self.known else postorder(root):
            if node not in self.known:
                match node:
                    case Index():
                        head: object = "index"
                    case Op(name=name):
                        head = name
                    case Read(tensor=tensor):
                        head = tensor
                    case _:
                        head = node
                key = (head, *(self.known[a] for a in node.args))
                self.known[node] = self.numbers.setdefault(key, len(self.numbers))
        return self.known[root]


@cached
def _renamed(term: Term) -> tuple[Expr, ...]:
    names: dict[Expr, Expr] = dict(zip(term.domain.indices, _CANONICAL, strict=False))
    return tuple(substitute(e, names) for e in (*term.write, term.value))


def _equal(a: Equation, b: Equation) -> bool:
    return bool(a.defined.is_equal(b.defined)) and all(
        _renamed(s) == _renamed(t) and bool(s.domain.set.is_equal(t.domain.set))
        for s, t in zip(a.terms, b.terms, strict=True)
    )


# -- subexpressions ---------------------------------------------------------------------------------------------------


@dataclass
class _Place:
    """One occurrence: in term `term` of equation `equation`, the subexpression `node` of these indices."""

    equation: int
    term: int
    node: Expr
    indices: tuple[Index, ...]


def share_values(system: System) -> System:
    """Name subexpressions that occur in several terms where that saves enough."""
    equations = list(system.equations)
    names = Names(system)
    groups = _groups(equations)
    values: dict[tuple[int, int], _Value] = {}
    for p in (p for places in groups.values() for p in places):
        if (p.equation, p.term) not in values:
            values[p.equation, p.term] = _Value(equations[p.equation].terms[p.term].value)
    # Larger ones first: what is inside them is gone when its turn comes.
    for key in sorted(groups, key=lambda k: -len(value_nodes(k))):
        places = [p for p in groups[key] if values[p.equation, p.term].uses[p.node]]
        if len(places) < 2 or not (expensive(key) or (len(places) - 1) * flops(key) >= WORTH):
            continue
        owner = _owner(equations, places)
        if owner is None:
            named = _named(system, equations, key, places, names)
            equations.append(named)
            tensor = named.tensor
        else:
            tensor, places = equations[owner.equation].tensor, [p for p in places if p is not owner]
        for p in places:
            values[p.equation, p.term].replace(p.node, Read(tensor, p.indices))
    changed: dict[int, dict[int, Expr]] = {}
    for (e, t), value in values.items():
        if value.replaced:
            changed.setdefault(e, {})[t] = substitute(equations[e].terms[t].value, value.replaced)
    for e, new in changed.items():
        terms = (replace(tm, value=new[t]) if t in new else tm for t, tm in enumerate(equations[e].terms))
        equations[e] = replace(equations[e], terms=tuple(terms))
    return system.with_equations(equations)


class _Value:
    """A term's value while parts of it are replaced: how often each node above its reads is used in what is left."""

    def __init__(self, value: Expr) -> None:
        self.uses = Counter([value])
        for node in value_nodes(value):
            if not isinstance(node, Read):
                self.uses.update(node.args)
        self.replaced: dict[Expr, Expr] = {}

    def replace(self, node: Expr, by: Expr) -> None:
        self.replaced[node] = by
        self.uses[node] = 0
        gone = [node]
        while gone:
            node = gone.pop()
            for child in () if isinstance(node, Read) else node.args:
                self.uses[child] -= 1
                if not self.uses[child]:
                    gone.append(child)


def _groups(equations: list[Equation]) -> dict[Expr, list[_Place]]:
    """Subexpressions with reads, by what they are up to the names of their indices."""
    shapes = Shapes()
    alike: dict[int, list[tuple[int, int, Expr]]] = {}
    for e, eq in enumerate(equations):
        for t, term in enumerate(eq.terms):
            for node in value_nodes(term.value):
                if isinstance(node, Op):
                    alike.setdefault(shapes.of(node), []).append((e, t, node))
    found: dict[Expr, list[_Place]] = {}
    for e, t, node in (place for places in alike.values() if len(places) > 1 for place in places):
        canonical = _canonical(node)
        if canonical is not None:
            key, indices = canonical
            found.setdefault(key, []).append(_Place(e, t, node, indices))
    return {key: places for key, places in found.items() if len(places) > 1}


@cached
def _canonical(node: Expr) -> tuple[Expr, tuple[Index, ...]] | None:
    """A node worth sharing with its indices renamed, and what they were."""
    if not isinstance(node, Op) or node.kind != "real" or not (expensive(node) or flops(node) > 1):
        return None
    indices = ordered_indices(node)
    if len(indices) > len(_CANONICAL) or not _has_read(node):
        return None
    return substitute(node, dict(zip(indices, _CANONICAL, strict=False))), indices


def ordered_indices(node: Expr) -> tuple[Index, ...]:
    """The indices of an expression in the order in which they occur."""
    return tuple(n for n in postorder(node) if isinstance(n, Index))


def _has_read(node: Expr) -> bool:
    return any(isinstance(n, Read) for n in value_nodes(node))


def _owner(equations: list[Equation], places: Iterable[_Place]) -> _Place | None:
    """An occurrence that is all of an elementwise equation whose elements include all the others' points."""
    for p in places:
        eq = equations[p.equation]
        term = eq.terms[p.term]
        if eq.reduce == "assign" and len(eq.terms) == 1 and term.value is p.node and term.write == p.indices:
            needed = [shadow(equations[q.equation].terms[q.term].domain, q.indices) for q in places]
            if all(points.is_subset(eq.defined) for points in needed):
                return p
    return None


def shadow(domain: Domain, indices: tuple[Index, ...]) -> isl.Set:
    """The values these indices take, in their order."""
    return domain.image(indices)


def _named(system: System, equations: list[Equation], value: Expr, places: list[_Place], names: Names) -> Equation:
    """A tensor for a subexpression, over all points at which it occurs."""
    first = equations[places[0].equation]
    indices = tuple(Index(i.name) for i in places[0].indices)
    points = shadow(first.terms[places[0].term].domain, places[0].indices)
    for p in places[1:]:
        points = points | shadow(equations[p.equation].terms[p.term].domain, p.indices)
    domain = Domain(indices, sets.coalesce(points))
    renaming: dict[Expr, Expr] = dict(zip(_CANONICAL, indices, strict=False))
    return name_value(system, domain, substitute(value, renaming), names, first)


def name_value(system: System, domain: Domain, value: Expr, names: Names, origin: Equation) -> Equation:
    """An equation for `value` at every point of `domain`, named after its outermost operation."""
    assert isinstance(value, Op)
    tensor = Tensor(names.fresh(f"{origin.tensor.name}_{value.name}"), extents(system, domain, domain.indices))
    term = Term(domain, domain.indices, value, origin.origin)
    return Equation(tensor, "assign", domain.set, (term,), origin.origin)
