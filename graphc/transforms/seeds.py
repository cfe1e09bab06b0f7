"""The derivative of every element of a loss at once: which adjoints of different elements may share a tensor.

The adjoint of X for the element U[u] of a loss has, in general, the axes of both: dU[u]/dX[x]. Mostly one axis of X
goes with one of U: U[u] depends on X[x] at x = u - shift, and else only at earlier steps (or only at later ones). Then
the adjoints at the nearest step, x = u - shift, need nothing from those at others, since a path that falls behind stays
behind; they fit into a tensor of X's own shape, and all else is left out. `align` finds such axes, as progress along a
recurrence is found (`checks.progress`); where there is none, the adjoint gets the loss's axis in front.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import islpy as isl

from graphc.checks.progress import Edge, least, partner
from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Read, make
from graphc.equations.graphs import reached
from graphc.equations.system import Equation, System, Tensor, Term, dependencies
from graphc.transforms.build import derived
from graphc.transforms.pullback import TRUE, differentiable_reads


@dataclass(frozen=True)
class Place:
    """The axis of a tensor that goes with one of the loss: u = x[axis] + shift."""

    axis: int
    shift: int


Places = tuple[Place | None, ...]  # one for each axis of the loss; None: the adjoint has that axis in front


@dataclass(frozen=True, eq=False)
class Mixed:
    """Why the elements of a loss cannot be told apart: `edge` leads to another step, and from there to `end`."""

    edge: Edge
    end: Tensor


@dataclass(frozen=True, eq=False)
class Seeds:
    """How the adjoints for the elements of `loss` are laid out; `live` are the tensors that have one."""

    loss: Tensor
    elements: isl.Set
    places: Mapping[Tensor, Places]
    live: frozenset[Tensor]
    way: Paths
    slack: tuple[tuple[Edge, ...], ...]  # for each axis of the loss the reads that are at another step somewhere

    def front(self, t: Tensor) -> tuple[int, ...]:
        """The axes of the loss that stand in front of a tensor's adjoint."""
        return tuple(k for k, place in enumerate(self.places[t]) if place is None)

    def adjoint(self, t: Tensor, name: str) -> Tensor:
        """What holds a tensor's adjoint."""
        front = tuple(self.loss.dims[k] for k in self.front(t))
        joined = tuple(k + len(front) for k in t.joined)
        return replace(derived(t, name), dims=(*front, *t.dims), joined=joined)

    def defined(self, t: Tensor, own: isl.Set) -> isl.Set:
        """The elements of an adjoint, `own` being those of the tensor."""
        front = self.front(t)
        return self._shadow(front).flat_product(own) if front else own

    def _shadow(self, axes: Sequence[int]) -> isl.Set:
        return sets.project_out(self.elements, tuple(k for k in range(len(self.loss.dims)) if k not in axes))

    def enter(self, t: Tensor, term: Term) -> tuple[Domain, tuple[Expr, ...]]:
        """A term of t's over the elements of the loss, too, and which of them each of its points is for."""
        of = tuple(
            Index(f"u{k}") if place is None else term.write[place.axis] + place.shift
            for k, place in enumerate(self.places[t])
        )
        front = self.front(t)
        if not front:
            return term.domain, of
        fresh = tuple(u for k, u in enumerate(of) if k in front and isinstance(u, Index))
        return term.domain.extend(fresh).inside(fresh, self._shadow(front)), of

    def element(self, t: Tensor, of: Sequence[Expr], subs: Sequence[Expr]) -> tuple[Expr, ...]:
        """The subscripts of the adjoint of t[subs] for the element `of` of the loss."""
        return (*(of[k] for k in self.front(t)), *subs)

    def nearest(self, t: Tensor, of: Sequence[Expr], subs: Sequence[Expr], domain: Domain) -> Domain | None:
        """The points at which t[subs] has an adjoint for the element `of` of the loss: not at other steps."""
        for u, place in zip(of, self.places[t], strict=True):
            if place is not None:
                off = u - subs[place.axis] - place.shift
                if off is not ZERO and isinstance(off, Const):
                    return None
                if off is not ZERO:
                    domain = domain.restrict(make("eq", off, ZERO))
        return domain

    def where(self, t: Tensor, of: Sequence[Expr], subs: Sequence[Expr]) -> Expr | None:
        """The condition under which the adjoint of t[subs] for the element `of` is not 0; None where it is unknown,
        because other steps were left out."""
        found: Expr = TRUE
        for u, place, slack in zip(of, self.places[t], self.slack, strict=True):
            if place is not None and (off := u - subs[place.axis] - place.shift) is not ZERO:
                if slack:
                    return None
                found = make("and", found, make("eq", off, ZERO))
        return found

    def state_between(self, wrt: Tensor) -> Tensor | None:
        """A state of the recurrence that `wrt` is part of, through which the loss depends on it, beside a way that
        leads through none: it is not clear then whether the state is to be held fixed."""
        before = [e for e in self.way.edges if e.target is not wrt]
        near = reach([self.loss], before)
        behind = [e.target for edges in self.slack for e in edges if e.target in self.live & near]
        states = set(behind) - {self.loss, wrt}
        states &= dependencies(self.way.system, [wrt]) if states else set()
        if not states:
            return None
        past = [e for e in before if not {e.target, e.source} & states]
        return next(t for t in behind if t in states) if wrt in reach([self.loss], past) else None


ZERO = Const(0)


@dataclass(frozen=True, eq=False)
class Paths:
    """The smooth reads on the way from a loss back to the tensors it is differentiated in."""

    system: System
    loss: Tensor
    edges: tuple[Edge, ...]

    @cached_property
    def by_target(self) -> dict[Tensor, list[Edge]]:
        found: dict[Tensor, list[Edge]] = {}
        for e in self.edges:
            found.setdefault(e.target, []).append(e)
        return found


def paths(system: System, loss: Tensor, active: Collection[Tensor]) -> Paths:
    edges = [
        Edge(eq.tensor, term, read)
        for eq in system.equations
        if eq.tensor in active
        for term in eq.terms
        for read in differentiable_reads(term.value)
        if read.tensor in active
    ]
    return Paths(system, loss, tuple(edges))


def align(
    system: System, loss: Tensor, wrt: Iterable[Tensor], active: Collection[Tensor], apart: bool = False
) -> Seeds | Mixed:
    """The layout of the adjoints of `active` for each element of `loss`; `apart`: all have its axes in front, and no
    step is left out."""
    way = paths(system, loss, active)
    wrt = [t for t in dict.fromkeys(wrt) if t in active]
    columns: dict[int, Column] = {}
    live = set(active)
    while len(columns) < len(loss.dims):
        # An axis on which all falls behind first: what it leaves out need not go along with the others.
        tried = {k: _either(way, k, wrt, apart) for k in range(len(loss.dims)) if k not in columns}
        axis = next((k for k, c in tried.items() if isinstance(c, Column) and c.holds(wrt)), min(tried))
        found = tried[axis]
        if isinstance(found, Mixed):
            return found
        columns[axis] = found
        kept = [e for e in way.edges if not _behind(e, found.places, system)]
        live = reach([loss], kept) & reach(wrt, kept, back=True)
        way = replace(way, edges=tuple(e for e in kept if e.target in live and e.source in live))
    places = {t: tuple(c.places.get(t) for _, c in sorted(columns.items())) for t in {*active, loss}}
    slack = tuple(c.slack for _, c in sorted(columns.items()))
    return Seeds(loss, system.defined(loss), places, frozenset(live), way, slack)


@dataclass(frozen=True, eq=False)
class Column:
    """For one axis of the loss, the axes that go with it, and the reads that are at another step somewhere."""

    places: Mapping[Tensor, Place]
    slack: tuple[Edge, ...]

    def holds(self, tensors: Iterable[Tensor]) -> bool:
        return all(t in self.places for t in tensors)


def _either(way: Paths, axis: int, wrt: Sequence[Tensor], apart: bool) -> Column | Mixed:
    """The column of an axis, other steps being earlier ones, or later ones where that goes along to `wrt`."""
    found = [_column(way, axis, sign, apart) for sign in (1, -1)]
    columns = [c for c in found if isinstance(c, Column)]
    return next((c for c in columns if c.holds(wrt)), columns[0] if columns else found[0])


def _behind(e: Edge, column: Mapping[Tensor, Place], system: System) -> bool:
    """Whether a read is at another step throughout."""
    here, there = column.get(e.target), column.get(e.source)
    if here is None or there is None:
        return False
    off = e.term.write[here.axis] + here.shift - e.read.subs[there.axis] - there.shift
    if isinstance(off, Const):
        return off is not ZERO
    return sets.intersect_params(e.term.domain.restrict(make("eq", off, ZERO)).set, system.context).is_empty()


def _column(way: Paths, axis: int, sign: int, apart: bool) -> Column | Mixed:
    """For one axis of the loss, the axes that go with it; `sign` says whether other steps are earlier or later."""
    chosen = {way.loss: axis} if apart else _spread(way, axis, sign)
    steps = {
        e: _step(e, chosen[e.target], chosen[e.source], sign, way.system)
        for e in way.edges
        if e.target in chosen and e.source in chosen
    }
    again = _narrow(way, chosen, steps)
    if again is not None:
        return Mixed(again, way.loss)
    steps = {e: s for e, s in steps.items() if e.target in chosen and e.source in chosen}
    far = _distances(way.loss, steps)
    if isinstance(far, Edge):
        return Mixed(far, far.source)
    column = {t: Place(k, sign * far[t]) for t, k in chosen.items() if t in far}
    slack = tuple(e for e in way.edges if not _exact(e, column))
    in_front = {t for e in way.edges for t in (e.target, e.source)} - column.keys()
    for e in slack:
        reached = reach([e.source], way.edges) & in_front
        if reached:
            return Mixed(e, next(other.source for other in way.edges if other.source in reached))
    return Column(column, slack)


def _exact(e: Edge, column: Mapping[Tensor, Place]) -> bool:
    """Whether a read is at the nearest step throughout, or of what has no steps."""
    here, there = column.get(e.target), column.get(e.source)
    if here is None or there is None:
        return True
    return e.term.write[here.axis] + here.shift - e.read.subs[there.axis] - there.shift is ZERO


def _spread(way: Paths, axis: int, sign: int) -> dict[Tensor, int]:
    """Carry an axis of the loss along the reads: the axis of what is read that moves with it."""
    chosen = {way.loss: axis}
    todo = [way.loss]
    while todo:
        t = todo.pop()
        for e in way.by_target.get(t, ()):
            if e.source not in chosen:
                k = partner(e.term.write[chosen[t]], e.read.subs, chosen[t])
                if k is None:
                    bounded = (_step(e, chosen[t], k, sign, way.system) for k in range(len(e.read.subs)))
                    k = next((k for k, step in enumerate(bounded) if step is not None), None)
                if k is not None:
                    chosen[e.source] = k
                    todo.append(e.source)
    return chosen


def _step(e: Edge, here: int, there: int, sign: int, system: System) -> int | None:
    """How many steps back the read goes at least; None if that has no bound."""
    return least(sign * (e.term.write[here] - e.read.subs[there]), e.term, system)


def _narrow(way: Paths, chosen: dict[Tensor, int], steps: Mapping[Edge, int | None]) -> Edge | None:
    """Leave out what some read reaches from no bounded distance, and all that is read from there; a read of the loss
    that would have to be left out."""
    while True:
        lost = {
            e.source: e for e in way.edges if e.source in chosen and (e.target not in chosen or steps.get(e) is None)
        }
        if way.loss in lost:
            return lost[way.loss]
        if not lost:
            return None
        for t in lost:
            del chosen[t]


def _distances(loss: Tensor, steps: Mapping[Edge, int | None]) -> dict[Tensor, int] | Edge:
    """How many steps back each tensor is read at least (Bellman and Ford); a read that gets nearer for ever."""
    far = {loss: 0}
    changed: Edge | None = None
    for _ in range(len({e.source for e in steps}) + 2):
        changed = None
        for e, step in steps.items():
            if e.target in far:
                assert step is not None
                d = far[e.target] + step
                if d < far.get(e.source, d + 1):
                    far[e.source], changed = d, e
        if changed is None:
            return far
    assert changed is not None
    return changed


def reach(start: Iterable[Tensor], edges: Iterable[Edge], back: bool = False) -> set[Tensor]:
    """What these tensors read along the edges, and so on; with `back`, what reads them."""
    step: dict[Tensor, list[Tensor]] = {}
    for e in edges:
        a, b = (e.source, e.target) if back else (e.target, e.source)
        step.setdefault(a, []).append(b)
    return reached(step, start)


def stand_ins(system: System, pending: Mapping[Tensor, Tensor]) -> System:
    """`system` in which each gradient still to come, {placeholder: loss}, is an equation that depends on its loss: for
    questions about what depends on what."""
    made = []
    for placeholder, loss in pending.items():
        at = tuple(Index(f"i{k}") for k in range(len(placeholder.dims)))
        domain = Domain(at, placeholder.box)
        term = Term(domain, at, Read(loss, at[: len(loss.dims)]))
        made.append(Equation(placeholder, "assign", placeholder.box, (term,)))
    inputs = tuple(t for t in system.inputs if t not in pending)
    return replace(system, inputs=inputs, equations=system.equations + tuple(made))
