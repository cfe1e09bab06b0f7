"""Which statement needs which, and by how much along a candidate loop.

A dependence runs from a statement that contributes to an element to one that reads it. Its *distance* along chosen
tensor axes is (coordinate written by the reader) - (coordinate read): an expression on the reader's domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product

import islpy as isl
import networkx as nx

from graphc.equations.domain import Domain, affine_text
from graphc.equations.expr import Const, Expr, Index, Op, Read, above_reads, indices_of, make, reads
from graphc.equations.ops import OPS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System, Tensor
from graphc.schedule.program import Statement, statement_reads

Axes = dict[Tensor, tuple[int, ...]]
RATES = (1, 2, 3, 4)
WAYS = 200  # to choose axes, tried before a system is refused
COSTLY = 4  # flops of one operation from which a wavefront is worth its strided accesses


@dataclass(frozen=True, eq=False)
class Dependence:
    """`target` needs what `source` wrote: through `read`, or (read is None) as the next contribution to an element."""

    source: Statement
    target: Statement
    read: Read | None


def dependences(statements: Sequence[Statement], system: System) -> list[Dependence]:
    """All dependences between statements that can be real (their elements overlap for some sizes)."""
    writers: dict[Tensor, list[Statement]] = {}
    for s in statements:
        writers.setdefault(s.tensor, []).append(s)
    images = {s: s.domain.image(s.write, s.tensor.dims) for ss in writers.values() if len(ss) > 1 for s in ss}
    found: list[Dependence] = []
    for target in statements:
        for read in statement_reads(target):
            sources = writers.get(read.tensor, [])
            if len(sources) > 1:
                touched = target.domain.image(read.subs, read.tensor.dims)
                sources = [s for s in sources if not images[s].is_disjoint(touched)]
            found.extend(Dependence(s, target, read) for s in sources)
        if target.mode != "set":
            found.extend(
                Dependence(s, target, None)
                for s in writers[target.tensor]
                if s.mode == "set" and not images[s].is_disjoint(images[target])
            )
    return found


def components(statements: Sequence[Statement], deps: Sequence[Dependence]) -> list[list[Statement]]:
    """Strongly connected components, in an order that respects the dependences and otherwise the given one."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(statements)
    graph.add_edges_from((d.source, d.target) for d in deps)
    position = {s: k for k, s in enumerate(statements)}
    condensed = nx.condensation(graph)
    members = {c: sorted(data["members"], key=position.__getitem__) for c, data in condensed.nodes(data=True)}
    order = nx.lexicographical_topological_sort(condensed, key=lambda c: position[members[c][0]])
    return [members[c] for c in order]


def within(parts: Sequence[Sequence[Statement]], deps: Sequence[Dependence]) -> list[list[Dependence]]:
    """For each of some disjoint sets of statements: the dependences between two of it."""
    part_of = {s: k for k, part in enumerate(parts) for s in part}
    found: list[list[Dependence]] = [[] for _ in parts]
    for d in deps:
        k = part_of.get(d.source)
        if k is not None and part_of.get(d.target) == k:
            found[k].append(d)
    return found


def is_cyclic(component: Sequence[Statement], deps: Sequence[Dependence]) -> bool:
    """Whether a component needs a sequential loop: more than one statement, or one that needs itself."""
    return len(component) > 1 or any(d.source is d.target for d in deps if d.source is component[0])


@dataclass(frozen=True)
class LoopChoice:
    """One axis per tensor of a component (or several, whose sum is time: two for a wavefront, one of them twice for a
    tensor that has an element at every second step), a shift per tensor, and the direction in which time runs."""

    axes: Axes
    shifts: dict[Tensor, int]
    step: int
    complete: bool
    carried: frozenset[Dependence]
    broken: isl.Set | None  # the sizes of 0 at which the loop would not run in a right order, if there are any

    def time(self, s: Statement) -> Expr:
        """The iteration of the loop in which a point of the statement runs."""
        return coordinate(s, self.axes) - self.shifts[s.tensor]


def from_data(sub: Expr) -> bool:
    """Whether a subscript is read from data, so that only the run can tell where it points."""
    return bool(reads(sub))


def along(subs: Sequence[Expr], axes: tuple[int, ...]) -> Expr:
    """The sum of the subscripts on these axes."""
    total: Expr = Const(0)
    for a in axes:
        total = total + subs[a]
    return total


def coordinate(s: Statement, axes: Axes) -> Expr:
    """Where a statement stands along the axes: at what it writes; where that comes from data (an adjoint's scatter),
    at what it reads of the cycle."""
    written = along(s.write, axes[s.tensor])
    if not from_data(written):
        return written
    for r in statement_reads(s):
        if r.tensor in axes and not from_data(along(r.subs, axes[r.tensor])):
            return along(r.subs, axes[r.tensor])
    return s.domain.indices[0]


def distance(d: Dependence, axes: Axes) -> Expr:
    """Reader's coordinate minus the coordinate read, along the axes.

    An index read from data is taken to point back, which the run checks: what it reads lies at least one step before
    (+1), what an adjoint scatters to lies at least one step on in its own, reversed, direction (-1).
    """
    if d.read is None:  # what data point at lies further on than what is added there: it must be set before
        return Const(int(from_data(along(d.target.write, axes[d.target.tensor]))))
    sub = along(d.read.subs, axes[d.read.tensor])
    if from_data(sub):
        return Const(1)
    here = coordinate(d.target, axes) - sub
    return here - 1 if from_data(along(d.source.write, axes[d.source.tensor])) else here


def _by_data(d: Dependence, axes: Axes) -> bool:
    """Whether the distance is what data are asked to keep to."""
    places = [along(d.source.write, axes[d.source.tensor]), along(d.target.write, axes[d.target.tensor])]
    return any(map(from_data, places if d.read is None else [along(d.read.subs, axes[d.read.tensor]), places[0]]))


def _exceptions(e: Expr, d: Dependence, op: str, context: isl.Set) -> isl.Set | None:
    """The sizes outside the context at which `e op 0` holds somewhere where the dependence is real; None if it holds
    at some inside it."""
    nowhere = isl.Set.empty(context.get_space())
    if isinstance(e, Const):
        holds = make(op, e, Const(0))
        return None if isinstance(holds, Const) and holds.value else nowhere
    names = {i: f"i{k}" for k, i in enumerate(d.target.domain.indices)}
    if affine_text(e, names) is None:
        return None
    found = _meeting(d).restrict(make(op, e, Const(0))).set
    if found.is_empty():
        return nowhere
    return found.params() if found.intersect_params(context).is_empty() else None


def _meeting(d: Dependence) -> Domain:
    """The points of the reader at which a dependence is real."""
    domain = d.target.domain
    if d.read is None:
        return domain
    return domain.inside(d.read.subs, d.source.domain.image(d.source.write, d.source.tensor.dims))


def sizes_where_real(d: Dependence) -> isl.Set:
    """The sizes at which the elements written and those read have some in common."""
    return _meeting(d).set.params()


def choose_loop(
    component: Sequence[Statement], deps: Sequence[Dependence], system: System, outer: Sequence[Index] = ()
) -> LoopChoice | None:
    """The best loop that makes progress on a cycle, inside loops over `outer`: one axis that carries all of it if there
    is one; else, where the work is worth it, a wavefront; else the first axis on which there is progress. An axis on
    which data must point back only where there is no other: what another axis carries may point anywhere on this."""
    tensors = list(dict.fromkeys(s.tensor for s in component))
    best: LoopChoice | None = None
    trusting: LoopChoice | None = None
    for axes in _along_one_axis(tensors, deps, (1,)):
        choice = _judge(axes, component, deps, system)
        if choice is not None and any(_by_data(d, axes) for d in choice.carried):
            if trusting is None or (choice.complete and not trusting.complete):
                trusting = choice
            continue
        if choice is not None and choice.complete:
            return choice
        best = best or choice
    if best is None and trusting is not None:
        return trusting
    if best is None or _is_costly(component):
        best = _wavefront(tensors, component, deps, system, outer) or best
    if best is None:
        found = (_judge(axes, component, deps, system) for axes in _along_one_axis(tensors, deps, RATES))
        best = next((choice for choice in found if choice is not None), None)
    if best is None:
        found = (_judge(axes, component, deps, system) for axes in islice(_every_way(tensors), WAYS))
        best = next((choice for choice in found if choice is not None and choice.complete), None)
    return best


def _along_one_axis(tensors: Sequence[Tensor], deps: Sequence[Dependence], rates: Sequence[int]) -> Iterator[Axes]:
    """Ways to give every tensor one axis, each counted as often as its tensor is slower than the fastest."""
    for rate in rates:
        for axis in range(len(tensors[0].dims)):
            axes = _propagate(tensors[0], (axis,) * rate, tensors, deps, rates)
            if axes is not None:
                yield axes


def _every_way(tensors: Sequence[Tensor]) -> Iterator[Axes]:
    """All ways to give every tensor one axis: the nearest one is not time where a table of pairs (t, m) reads s[m]."""
    for chosen in product(*(range(len(t.dims)) for t in tensors)):
        yield {t: (axis,) for t, axis in zip(tensors, chosen, strict=True)}


def _wavefront(
    tensors: Sequence[Tensor],
    component: Sequence[Statement],
    deps: Sequence[Dependence],
    system: System,
    outer: Sequence[Index],
) -> LoopChoice | None:
    """The sum of two axes as time, if it carries the whole cycle: all points of a diagonal are independent."""
    rank = min(len(t.dims) for t in tensors)
    still = [a for a in range(rank) if not any(indices_of(s.write[a]) & set(outer) for s in component)]
    for pair in combinations(still, 2):
        choice = _judge(dict.fromkeys(tensors, pair), component, deps, system)
        if choice is not None and choice.complete:
            return choice
    return None


def _is_costly(component: Sequence[Statement]) -> bool:
    nodes = (n for s in component for n in above_reads(s.value))
    return any(isinstance(n, Op) and OPS[n.name].flops >= COSTLY for n in nodes)


def _propagate(
    seed: Tensor, first: tuple[int, ...], tensors: Sequence[Tensor], deps: Sequence[Dependence], rates: Sequence[int]
) -> Axes | None:
    """Give every tensor of the component an axis, each the one on which most of its reads are a constant way off, and
    the nearest of those; first the tensors of which that leaves the least doubt."""
    between: dict[Tensor, list[Dependence]] = {}
    for d in deps:
        if d.read is not None and d.target.tensor is not d.read.tensor:
            between.setdefault(d.target.tensor, []).append(d)
            between.setdefault(d.read.tensor, []).append(d)
    axes: Axes = {seed: first}
    todo, doubtful = [seed], dict[Tensor, None]()
    while todo or doubtful:
        sure = bool(todo)
        for new in _beside(todo.pop(0), between) if sure else list(doubtful)[:1]:
            if new in axes or not new.dims:
                continue
            near = [e for e in between[new] if all(t is new or t in axes for t in _ends(e))]
            choices = [(a,) * rate for rate in rates for a in range(len(new.dims))]
            beside = {axes[t] for e in near for t in _ends(e) if t in axes}
            spread, _, _, choice = min(
                (_spread(near, {**axes, new: c}), c not in beside, k, c) for k, c in enumerate(choices)
            )
            if sure and spread[0]:  # some distance is not constant: others may tell more
                doubtful[new] = None
                continue
            axes[new] = choice
            doubtful.pop(new, None)
            todo.append(new)
    return axes if len(axes) == len(tensors) else None


def _beside(known: Tensor, between: dict[Tensor, list[Dependence]]) -> dict[Tensor, None]:
    return dict.fromkeys(t for d in between.get(known, ()) for t in _ends(d))


def _ends(d: Dependence) -> tuple[Tensor, ...]:
    return (d.target.tensor,) if d.read is None else (d.target.tensor, d.read.tensor)


def _spread(deps: Sequence[Dependence], axes: Axes) -> tuple[int, int]:
    """How many distances are not constant, and how far the others reach."""
    found = [distance(d, axes) for d in deps]
    constant = [abs(int(e.value)) for e in found if isinstance(e, Const)]
    return len(found) - len(constant), sum(constant)


def _judge(axes: Axes, component: Sequence[Statement], deps: Sequence[Dependence], system: System) -> LoopChoice | None:
    if any(len(a) > 1 for a in axes.values()) and any(_by_data(d, axes) for d in deps):
        return None  # the run checks data along single axes only
    distances = {d: distance(d, axes) for d in deps}
    shifts = dict.fromkeys(axes, 0)
    if all(isinstance(e, Const) for e in distances.values()):
        for step in (1, -1):
            found = _shifts(axes, deps, {d: int(e.value) for d, e in distances.items() if isinstance(e, Const)}, step)
            if found is None:
                continue
            shifted = {d: _shifted(d, distances[d], found) for d in deps}
            choice = _direction(axes, found, shifted, component, system, step)
            if choice is not None:
                return choice
        return None
    for step in (1, -1):
        choice = _direction(axes, shifts, distances, component, system, step)
        if choice is not None:
            return choice
    return None


def _shifted(d: Dependence, e: Expr, shifts: dict[Tensor, int]) -> Expr:
    return e if d.read is None else e - shifts[d.target.tensor] + shifts[d.read.tensor]


def _shifts(
    axes: Axes, deps: Sequence[Dependence], distances: dict[Dependence, int], step: int
) -> dict[Tensor, int] | None:
    """Shifts under which every distance has the sign of `step` or is zero (Bellman-Ford); None if there are none."""
    # Want step*(distance - shift[target] + shift[source]) >= 0.
    shift = dict.fromkeys(axes, 0)
    edges = [(d.read.tensor, d.target.tensor, step * distances[d]) for d in deps if d.read is not None]
    for _ in range(len(axes) + 1):
        changed = False
        for source, target, length in edges:
            if shift[target] * step > shift[source] * step + length:
                shift[target] = step * (shift[source] * step + length)
                changed = True
        if not changed:
            return shift
    return None


def _direction(
    axes: Axes,
    shifts: dict[Tensor, int],
    distances: dict[Dependence, Expr],
    component: Sequence[Statement],
    system: System,
    step: int,
) -> LoopChoice | None:
    context, broken = system.context, isl.Set.empty(system.context.get_space())
    carried = set()
    against, none = ("lt", "le") if step > 0 else ("gt", "ge")
    for d, e in distances.items():
        backwards = _exceptions(e, d, against, context)
        if backwards is None:
            return None
        standing = _exceptions(e, d, none, context)
        if standing is not None:
            carried.add(d)
        broken = broken | (backwards if standing is None else standing)
    if not carried:
        return None
    rest = [d for d in distances if d not in carried]
    parts = components(component, rest)
    complete = not any(map(is_cyclic, parts, within(parts, rest)))
    return LoopChoice(axes, shifts, step, complete, frozenset(carried), None if broken.is_empty() else broken)


def index_in(time: Expr, s: Statement, outer: Sequence[Index]) -> tuple[Index, int] | None:
    """(index, sign) for an index of the statement that moves with `time` by one, so that it can be given up for it."""
    parts, _ = affine_parts(time)
    free = [i for i in s.domain.indices if i not in outer]
    own = [(leaf, k) for leaf, k in parts.items() if leaf in free and isinstance(leaf, Index)]
    if any(indices_of(leaf) for leaf in parts if not isinstance(leaf, Index)):
        return None
    steps = [(i, k) for i, k in own if abs(k) == 1]
    return steps[-1] if steps and len(steps) == len(own) else None
