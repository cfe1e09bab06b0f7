"""Readers that keep step with a recurrence: run inside its loop, they let it keep its last steps instead of all.

    u[t,i,j] = 2*u[t-1,i,j] - u[t-2,i,j] + ..         for t: u[t] = ..;  o[t] = u[t,3,3]
    o[t] = u[t,3,3]                             →     three fields in memory instead of T

A statement on no cycle with the recurrence may join its loop where all it reads of it lies at one step, or at constant
distances before. It does where that frees memory: all other readers of some state join too (or read its very last
steps), nobody asks for the whole of it, and the work of a step is no larger than the state. A product of matrices over
all of time, `y[t] = V @ s[t]`, is more work than the state has elements and stays one large product outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import ranges
from graphc.equations.expr import Const, Expr, Index, indices_of
from graphc.equations.graphs import Graph
from graphc.equations.system import System, Tensor
from graphc.schedule.choice import LoopChoice, choose_loop, index_in
from graphc.schedule.dependence import Dependence, components, from_data, is_cyclic, within
from graphc.schedule.program import Loop, Statement
from graphc.schedule.rings import Access, slots_needed

DELAYS = 3  # steps by which a reader may wait so that it runs when the loop runs


@dataclass(frozen=True)
class Joined:
    """A cycle, what else runs in its loop, what reads its start values before, and that loop."""

    cycle: tuple[Statement, ...]
    readers: tuple[Statement, ...]
    before: tuple[Statement, ...]
    choice: LoopChoice

    def order(self) -> list[Dependence]:
        """What makes one component of the cycle and its readers, and keeps others before it."""
        leader = self.cycle[0]
        both = [(leader, r) for r in self.readers] + [(r, leader) for r in self.readers]
        return [Dependence(a, b, None) for a, b in (*both, *((s, leader) for s in self.before))]


def join_readers(
    statements: Sequence[Statement],
    tied: Sequence[Dependence],
    deps: Sequence[Dependence],
    system: System,
    kept: frozenset[Tensor],
) -> list[Joined]:
    """The cycles (with what is `tied` to them) that readers join. `kept`: tensors asked for whole."""
    graph = Graph(((d.source, d.target) for d in tied), statements)
    parts = components(statements, tied)
    owns = within(parts, deps)
    read_by: dict[Tensor, set[Statement]] = {}
    for s in statements:
        for r in s.reads:
            read_by.setdefault(r.tensor, set()).add(s)
    found: list[Joined] = []
    taken: set[Statement] = set()
    for k, (cycle, own) in enumerate(zip(parts, owns, strict=True)):
        if not is_cyclic(cycle, own) or not taken.isdisjoint(cycle) or not _states(cycle, read_by, kept):
            continue
        choice = choose_loop(cycle, own, system)
        if choice is None or not _is_plain(choice, cycle, statements):
            continue
        group = _Group(cycle, choice, deps, graph, system, kept)
        for part, inner in zip(parts[k + 1 :], owns[k + 1 :], strict=True):
            if taken.isdisjoint(part):
                group.try_to_add(part, inner)
        group.add_starts(statements)
        group.prune(statements)
        if group.readers:
            found.append(Joined(tuple(cycle), tuple(group.readers), tuple(group.before(statements)), group.loop()))
            taken.update(group.members)
            graph.add((d.source, d.target) for d in found[-1].order())
    return found


def _states(
    cycle: Sequence[Statement], read_by: Mapping[Tensor, set[Statement]], kept: frozenset[Tensor]
) -> set[Tensor]:
    """The tensors of a cycle with more than one element a step that others read too, and nobody asks for. A vector
    only where a step is no more work than it has elements: beside W @ s[t-1], keeping s costs next to nothing."""
    inside = set(cycle)
    light = all(len(s.domain.indices) <= 2 for s in cycle)
    own = {s.tensor for s in cycle if len(s.tensor.dims) > (1 if light else 2)} - kept
    return {t for t in own if not read_by.get(t, inside) <= inside}


def _is_plain(choice: LoopChoice, cycle: Sequence[Statement], statements: Sequence[Statement]) -> bool:
    """Whether each tensor moves along one axis at the loop's pace, and all its elements' places are known."""
    writes = [s.write[choice.axes[s.tensor][0]] for s in statements if s.tensor in choice.axes]
    return all(len(axes) == 1 for axes in choice.axes.values()) and not any(map(from_data, writes))


class _Group:
    """A cycle and the readers that have joined its loop so far."""

    def __init__(
        self,
        cycle: Sequence[Statement],
        choice: LoopChoice,
        deps: Sequence[Dependence],
        graph: Graph[Statement],
        system: System,
        kept: frozenset[Tensor],
    ) -> None:
        self.choice, self.graph, self.system, self.kept = choice, graph, system, kept
        self.cycle = set(cycle)
        self.axes = {t: axes[0] for t, axes in choice.axes.items()}
        self.shifts = dict(choice.shifts)
        self.carried = set(choice.carried)
        self.times = {s: choice.time(s) for s in cycle}
        self.readers: dict[Statement, None] = {}
        self.behind = graph.descendants(cycle[0]) - self.cycle
        self.deps = deps
        self.rank = max(len(s.tensor.dims) for s in cycle) - 1
        self.context = system.context
        self.span = self._when(cycle)
        self.first, self.last = self._ends(self.span)

    @property
    def members(self) -> set[Statement]:
        return self.cycle | self.readers.keys()

    def loop(self) -> LoopChoice:
        """The loop that runs them all."""
        crossing = {d for d in self.deps if d.source in self.times and d.target in self.readers}
        carried = self.carried | {d for d in crossing if (lag := self._lag(d)) is not None and lag > 0}
        return replace(
            self.choice,
            axes={t: (axis,) for t, axis in self.axes.items()},
            shifts=dict(self.shifts),
            carried=frozenset(carried),
            times={s: self.times[s] for s in self.readers},
        )

    def before(self, statements: Sequence[Statement]) -> list[Statement]:
        """What reads the group's tensors, and must do so before the loop writes over start values."""
        outside = [s for s in statements if s not in self.times and s not in self.behind]
        return [s for s in outside if any(r.tensor in self.axes for r in s.reads)]

    # Joining ---------------------------------------------------------------------------------------------------------

    def try_to_add(self, part: Sequence[Statement], inner: Sequence[Dependence]) -> None:
        """Let a statement, or a further cycle, run in the loop if it can and is no more work than the state."""
        if not any(s in self.behind for s in part) or any(len(s.domain.indices) - 1 > self.rank for s in part):
            return
        if any(s in self.behind and s not in self.readers and s not in part for s in self._sources(part)):
            return
        if is_cyclic(part, inner):
            self._add_cycle(part, inner)
        else:
            self._add_statement(part[0])

    def _sources(self, part: Sequence[Statement]) -> set[Statement]:
        return {source for s in part for source in self.graph.before[s]}

    def _places(self, s: Statement) -> list[Expr] | None:
        """The iterations that compute what a statement reads of the group; None if only data or a sum tells them."""
        if any(q in self.times and q.tensor not in self.axes for q in self.graph.before[s]):
            return None
        found = [r.subs[self.axes[r.tensor]] - self.shifts[r.tensor] for r in s.reads if r.tensor in self.axes]
        return None if not found or any(map(from_data, found)) else found

    def _add_statement(self, s: Statement) -> None:
        places = self._places(s)
        if places is None:
            return
        latest = _latest(places, self.choice.step)
        if latest is None or (not indices_of(latest) and all(_number(self.last - p) is not None for p in places)):
            return  # what reads the very last steps can do so behind the loop
        if s.tensor in self.axes:
            time = s.write[self.axes[s.tensor]] - self.shifts[s.tensor]
            waits = _number(time - latest)
            if waits is None or waits * self.choice.step < 0:
                return
        else:
            time = self._in_time([s], [latest])
            axis = next((a for a, w in enumerate(s.write) if _number(w - time) is not None), None)
            alone = all(q.tensor is not s.tensor for q in self.readers)
            if axis is not None and alone and index_in(time, s, ()):
                self.axes[s.tensor], self.shifts[s.tensor] = axis, _number(s.write[axis] - time) or 0
        self.times[s] = time
        self.readers[s] = None

    def _add_cycle(self, part: Sequence[Statement], inner: Sequence[Dependence]) -> None:
        choice = choose_loop(part, inner, self.system)
        if choice is None or choice.step != self.choice.step or choice.broken is not None:
            return
        if not _is_plain(choice, part, part) or any(s.tensor in self.axes for s in part):
            return
        waits = []
        for s in part:
            places = self._places(s) or []
            distances = [_number(p - choice.time(s)) for p in places]
            if None in distances or (any(q in self.times for q in self.graph.before[s]) and not places):
                return
            waits += [d * choice.step for d in distances if d is not None]
        late = max(waits) * choice.step
        times = [choice.time(s) + late for s in part]
        moved = self._in_time(part, times)
        late += _number(moved - times[0]) or 0
        self.axes.update({t: axes[0] for t, axes in choice.axes.items()})
        self.shifts.update({t: shift - late for t, shift in choice.shifts.items()})
        self.carried |= choice.carried
        self.times.update({s: choice.time(s) + late for s in part})
        self.readers.update(dict.fromkeys(part))

    def _in_time(self, part: Sequence[Statement], times: Sequence[Expr]) -> Expr:
        """The first of these times, all of them delayed until the loop runs when the statements do, if that helps."""
        for wait in range(DELAYS):
            moved = [time + wait * self.choice.step for time in times]
            if all(self._when([s], time).is_subset(self.span) for s, time in zip(part, moved, strict=True)):
                return moved[0]
        return times[0]

    def _ends(self, iterations: isl.Set) -> tuple[Expr, Expr]:
        ((first, last),) = ranges(iterations, self.context)
        return first, last

    def _when(self, statements: Sequence[Statement], time: Expr | None = None) -> isl.Set:
        """The iterations at which some statements run."""
        found: isl.Set | None = None
        for s in statements:
            image = sets.intersect_params(s.domain.image((self.times[s] if time is None else time,)), self.context)
            found = image if found is None else sets.union(found, image)
        assert found is not None
        return sets.coalesce(found)

    def add_starts(self, statements: Sequence[Statement]) -> None:
        """What initialises, step by step, the tensors of readers joins with them, if nobody else needs it before."""
        tensors = {s.tensor for s in self.readers if s.tensor in self.axes}
        for s in statements:
            if s.tensor not in tensors or s.mode != "set" or s in self.times or s in self.behind:
                continue
            time = s.write[self.axes[s.tensor]] - self.shifts[s.tensor]
            if all(q in self.readers for q in self.graph.after[s]) and index_in(time, s, ()):
                self.times[s] = time
                self.readers[s] = None

    # Whether it is worth it ------------------------------------------------------------------------------------------

    def prune(self, statements: Sequence[Statement]) -> None:
        """Keep only the readers that free memory: those which read something of which then the last steps are enough
        (or are read by such a reader) and hold less of each step themselves."""
        moving = [s for s in self.times if index_in(self.times[s], s, ())]
        self.first, self.last = self._ends(self._when(moving)) if moving else (self.first, self.last)
        while True:
            freed = {t for t in self.axes if self._is_freed(t, statements)}
            large = [s for s in self.readers if not self._is_smaller(s, freed)]
            gone = set(large).union(*(self.graph.descendants(s) for s in large))
            using = [s for s in self.readers if s not in gone and any(r.tensor in freed for r in s.reads)]
            useful = set(using).union(*(self.graph.ancestors(s) for s in using))
            useless = [s for s in self.readers if s in gone or s not in useful]
            if not useless:
                break
            for s in useless:
                del self.readers[s], self.times[s]
            left = {s.tensor for s in self.times}
            for t in [t for t in self.axes if t not in left]:
                del self.axes[t], self.shifts[t]

    def _is_smaller(self, s: Statement, freed: set[Tensor]) -> bool:
        """Whether a reader's own tensor has less elements a step than the state, or needs no more steps than it."""
        return s.tensor not in self.axes or s.tensor in freed or len(s.tensor.dims) - 1 < self.rank

    def _is_freed(self, tensor: Tensor, statements: Sequence[Statement]) -> bool:
        """Whether a few last steps of a tensor are enough for all that touches it."""
        if tensor in self.kept or len(tensor.dims) < 2:
            return False
        axis, ahead = self.axes[tensor], self.shifts[tensor]
        var = Index("t")
        loop = Loop(var, self.first, self.last, self.choice.step, ())
        accesses = []
        for s in statements:
            touched = [(s.write[axis], True)] if s.tensor is tensor else []
            touched += [(r.subs[axis], False) for r in s.reads if r.tensor is tensor]
            for sub, writes in touched:
                if s in self.times:
                    accesses.append(Access(var + (sub - self.times[s]), writes, loop, True))
                else:
                    accesses.append(Access(sub, writes, None, s in self.behind))
        return slots_needed(ahead, [loop], accesses) is not None

    def _lag(self, d: Dependence) -> int | None:
        """Iterations, in the loop's direction, between what a dependence within the group writes and reads."""
        if d.read is None or d.source.tensor not in self.axes:
            return None
        place = d.read.subs[self.axes[d.read.tensor]] - self.shifts[d.read.tensor]
        lag = _number(self.times[d.target] - place)
        return None if lag is None else lag * self.choice.step


def _latest(places: Sequence[Expr], step: int) -> Expr | None:
    """The last of some iterations, if they are at constant distances."""
    latest = places[0]
    for p in places[1:]:
        distance = _number(p - latest)
        if distance is None:
            return None
        latest = p if distance * step > 0 else latest
    return latest


def _number(e: Expr) -> int | None:
    return int(e.value) if isinstance(e, Const) else None
