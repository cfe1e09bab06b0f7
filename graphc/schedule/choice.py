"""The loop that a cycle of statements runs in: which axis of each tensor is time, its pace, shift and direction.

Time may be a multiple of a coordinate: in a cycle of several rates (`q[t]` and `s[2*t]`) each tensor counts its axis as
often as it is slower than the fastest (`RATES`). Distances that vary within bounds (`s[t//2 - 1]`) take part in the
search for shifts with their least value; that the choice is right is asked of isl afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice, product

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import affine_text, integer
from graphc.equations.expr import Const, Expr, Index, Op, above_reads, indices_of, make
from graphc.equations.ops import OPS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System, Tensor
from graphc.schedule.dependence import (
    Axes,
    Dependence,
    by_data,
    components,
    coordinate,
    distance,
    is_cyclic,
    is_nowhere,
    meeting,
    within,
)
from graphc.schedule.program import Statement

RATES, MORE_RATES = (1, 2, 3, 4), (1, 2, 3, 4, 6, 8)
WAYS = 200  # to choose axes, tried before a system is refused
COSTLY = 4  # flops of one operation from which a wavefront is worth its strided accesses


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
    times: Mapping[Statement, Expr] = field(default_factory=dict)  # of what is not on the cycle itself

    def time(self, s: Statement) -> Expr:
        """The iteration of the loop in which a point of the statement runs."""
        if s in self.times:
            return self.times[s]
        return coordinate(s, self.axes) - self.shifts[s.tensor]


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
        if choice is not None and any(by_data(d, axes) for d in choice.carried):
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
    if best is None:  # last, since each bound is a question to isl
        ways = _along_one_axis(tensors, deps, MORE_RATES, system.context)
        found = (_judge(axes, component, deps, system, within_bounds=True) for axes in ways)
        best = next((choice for choice in found if choice is not None), None)
    return best


def _along_one_axis(
    tensors: Sequence[Tensor], deps: Sequence[Dependence], rates: Sequence[int], context: isl.Set | None = None
) -> Iterator[Axes]:
    """Ways to give every tensor one axis, each counted as often as its tensor is slower than the fastest; with a
    context, so that distances stay within bounds."""
    for rate in rates:
        for axis in range(len(tensors[0].dims)):
            axes = _propagate(tensors[0], (axis,) * rate, tensors, deps, rates, context)
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
    """The sum of two axes as time, if it carries the whole cycle: all points of a diagonal are independent. Asked for
    only where cells cost more than strided accesses do (`COSTLY`): an edit distance runs by rows."""
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
    seed: Tensor,
    first: tuple[int, ...],
    tensors: Sequence[Tensor],
    deps: Sequence[Dependence],
    rates: Sequence[int],
    context: isl.Set | None,
) -> Axes | None:
    """Give every tensor of the component an axis, each the one on which most of its reads are a constant way off, and
    the nearest of those; first the tensors of which that leaves the least doubt. With a context, reads within bounds
    come before."""
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
                (_spread(near, {**axes, new: c}, context), c not in beside, k, c) for k, c in enumerate(choices)
            )
            if sure and spread[1]:  # some distance is not constant: others may tell more
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


def _spread(deps: Sequence[Dependence], axes: Axes, context: isl.Set | None) -> tuple[int, int, int]:
    """How many distances have no bounds (asked where there is a context), how many are not constant, and how far the
    others reach."""
    found = {d: distance(d, axes) for d in deps}
    constant = [abs(int(e.value)) for e in found.values() if isinstance(e, Const)]
    loose = 0
    if context is not None:
        loose = sum(None in (_least(d, e, 1, context), _least(d, e, -1, context)) for d, e in found.items())
    return loose, len(found) - len(constant), sum(constant)


def _judge(
    axes: Axes, component: Sequence[Statement], deps: Sequence[Dependence], system: System, within_bounds: bool = False
) -> LoopChoice | None:
    """The loop along these axes, in one direction or the other, with shifts where distances are constant; where they
    vary, only if `within_bounds`, with shifts for the least that they are."""
    if any(len(a) > 1 for a in axes.values()) and any(by_data(d, axes) for d in deps):
        return None  # the run checks data along single axes only
    if any(is_nowhere(s, axes) for s in component):
        return None
    distances = {d: distance(d, axes) for d in deps}
    still = dict.fromkeys(axes, 0)
    varies = not all(isinstance(e, Const) for e in distances.values())
    for step in (1, -1):
        shifts: dict[Tensor, int] | None = still
        if within_bounds or not varies:
            least = {d: _least(d, e, step, system.context) for d, e in distances.items() if d.read is not None}
            shifts = _shifts(axes, least, step)
        if shifts is not None:
            shifted = {d: _shifted(d, distances[d], shifts) for d in deps}
            choice = _direction(axes, shifts, shifted, component, system, step)
            if choice is not None:
                return choice
    return None


def _least(d: Dependence, e: Expr, step: int, context: isl.Set) -> int | None:
    """The least that `step` times a distance is where the dependence is real; None if that has no bound."""
    if isinstance(e, Const):
        return step * int(e.value)
    if affine_text(e, dict.fromkeys(d.target.domain.indices, "i")) is None:
        return None
    image = sets.intersect_params(meeting(d).image((step * e,)), context)
    if image.is_empty():
        return 1
    least = image.dim_min_val(0)
    return integer(least) if least.is_int() else None


def _shifted(d: Dependence, e: Expr, shifts: dict[Tensor, int]) -> Expr:
    by = 0 if d.read is None else shifts[d.read.tensor] - shifts[d.target.tensor]
    return e + by if by else e


def _shifts(axes: Axes, least: dict[Dependence, int | None], step: int) -> dict[Tensor, int] | None:
    """Shifts under which every distance has the sign of `step` or is zero (Bellman-Ford); None if there are none."""
    # Want step*(distance - shift[target] + shift[source]) >= 0.
    shift = dict.fromkeys(axes, 0)
    edges = [(d.read.tensor, d.target.tensor, length) for d, length in least.items() if d.read is not None]
    for _ in range(len(axes) + 1):
        changed = False
        for source, target, length in edges:
            if length is None:
                return None
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
    context, broken = system.context, sets.nowhere(system.context)
    carried = set()
    against, none = ("lt", "le") if step > 0 else ("gt", "ge")
    for d, e in distances.items():
        backwards = _exceptions(e, d, against, context)
        if backwards is None:
            return None
        standing = _exceptions(e, d, none, context)
        if standing is not None:
            carried.add(d)
        broken = sets.union(broken, backwards if standing is None else standing)
    if not carried:
        return None
    rest = [d for d in distances if d not in carried]
    parts = components(component, rest)
    complete = not any(map(is_cyclic, parts, within(parts, rest)))
    return LoopChoice(axes, shifts, step, complete, frozenset(carried), None if broken.is_empty() else broken)


def _exceptions(e: Expr, d: Dependence, op: str, context: isl.Set) -> isl.Set | None:
    """The sizes outside the context at which `e op 0` holds somewhere where the dependence is real; None if it holds
    at some inside it."""
    nowhere = sets.nowhere(context)
    if isinstance(e, Const):
        holds = make(op, e, Const(0))
        return None if isinstance(holds, Const) and holds.value else nowhere
    names = {i: f"i{k}" for k, i in enumerate(d.target.domain.indices)}
    if affine_text(e, names) is None:
        return None
    found = meeting(d).restrict(make(op, e, Const(0))).set
    if found.is_empty():
        return nowhere
    return sets.params(found) if sets.intersect_params(found, context).is_empty() else None


def index_in(time: Expr, s: Statement, outer: Sequence[Index]) -> tuple[Index, int] | None:
    """(index, sign) for an index of the statement that moves with `time` by one, so that it can be given up for it."""
    parts, _ = affine_parts(time)
    free = [i for i in s.domain.indices if i not in outer]
    own = [(leaf, k) for leaf, k in parts.items() if leaf in free and isinstance(leaf, Index)]
    if any(indices_of(leaf) for leaf in parts if not isinstance(leaf, Index)):
        return None
    steps = [(i, k) for i, k in own if abs(k) == 1]
    return steps[-1] if steps and len(steps) == len(own) else None
