"""The recurrences of a system: which tensors depend on each other, and the loops in which they run.

The loops are those that the scheduler chooses (`schedule/loops.arrange`), asked of the system as it stands: a cycle
runs along the axis on which it makes progress, or two axes at once (a wavefront), and whatever cycles its loop does not
carry run along another axis inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphc.equations.expr import Const, Index, indices_of
from graphc.equations.printing import show
from graphc.equations.system import System, Tensor, Term, reads_of
from graphc.schedule.choice import LoopChoice
from graphc.schedule.dependence import Dependence, by_data, dependences, distance, is_cyclic
from graphc.schedule.loops import arrange, inside
from graphc.schedule.program import Statement
from graphc.schedule.statements import statements


@dataclass(frozen=True)
class Lag:
    """A read that a loop carries: how many steps it goes back, None where that varies; `data`: where it points is read
    from data."""

    read: str
    steps: int | None
    data: bool = False


@dataclass(frozen=True)
class Level:
    """One loop of a recurrence: its index (the sum of two for a wavefront), the axes of each tensor it runs along, its
    direction (+1, -1), and the reads it carries."""

    index: str
    axes: dict[Tensor, tuple[int, ...]]
    direction: int
    lags: tuple[Lag, ...]

    @property
    def is_wavefront(self) -> bool:
        return any(len(set(axes)) > 1 for axes in self.axes.values())


@dataclass(frozen=True)
class Recurrence:
    """Tensors that depend on each other, the loops that order them, outermost first, and the tensors on no cycle with
    them that run in the outermost loop, for it to keep its last steps only."""

    tensors: tuple[Tensor, ...]
    levels: tuple[Level, ...]
    readers: tuple[Tensor, ...] = ()

    @property
    def data(self) -> bool:
        """Whether some order is read from data, which the run checks."""
        return any(lag.data for level in self.levels for lag in level.lags)


def recurrences(system: System) -> list[Recurrence]:
    """All recurrences that need a loop, in the order in which they run."""
    found = statements(system)
    read = {r.tensor for eq in system.equations for _, r in eq.reads() if r.tensor is not eq.tensor}
    kept = frozenset(eq.tensor for eq in system.equations if eq.tensor not in read)
    return list(_recurrences(found, dependences(found, system), system, kept))


def _recurrences(
    found: Sequence[Statement], deps: Sequence[Dependence], system: System, kept: frozenset[Tensor]
) -> Iterator[Recurrence]:
    for component, own, choice in arrange(found, deps, system, kept):
        if choice is None:
            continue
        levels: list[Level] = []
        _descend(component, own, choice, system, (), levels)
        cycle = {s.tensor for s in component if s not in choice.times}
        others = {s.tensor for s in choice.times} - cycle
        order = [eq.tensor for eq in system.equations]
        yield Recurrence(tuple(t for t in order if t in cycle), tuple(levels), tuple(t for t in order if t in others))


def _descend(
    component: Sequence[Statement],
    deps: Sequence[Dependence],
    choice: LoopChoice,
    system: System,
    outer: tuple[Index, ...],
    levels: list[Level],
) -> None:
    """Append this loop and those inside it."""
    level = _level(component, choice)
    levels.append(level)
    var = Index(level.index)
    moved, left = inside(component, deps, choice, var, outer)
    body = [moved[s] for s in component if s not in choice.times]
    known = [d for d in left.values() if d.source in body and d.target in body]
    for part, own, inner in arrange(body, known, system, frozenset(), (*outer, var)):
        if inner is not None and is_cyclic(part, own):
            _descend(part, own, inner, system, (*outer, var), levels)


def _level(component: Sequence[Statement], choice: LoopChoice) -> Level:
    lags: dict[Lag, None] = {}
    for d in choice.carried:
        if d.read is not None and d.target not in choice.times:
            e = distance(d, choice.axes)
            steps = choice.step * int(e.value) if isinstance(e, Const) else None
            data = by_data(d, choice.axes)
            lags[Lag(f"{show(d.read)} in {d.target.tensor.name}", None if data else steps, data)] = None
    ordered = sorted(lags, key=lambda lag: lag.read)
    own = [s for s in component if s not in choice.times]
    return Level(_index_name(own, choice), choice.axes, choice.step, tuple(ordered))


def _index_name(component: Sequence[Statement], choice: LoopChoice) -> str:
    """The names of the indices that write along the axes."""
    for s in component:
        along = [s.write[a] for a in dict.fromkeys(choice.axes[s.tensor])]
        names = [min(indices_of(w), key=lambda i: i.uid).name for w in along if indices_of(w)]
        if len(names) == len(along):
            return " + ".join(names)
    return "?"


def carries(recurrence: Recurrence, term: Term) -> bool:
    """Whether a term reads anything on the recurrence."""
    return any(read.tensor in recurrence.tensors for read in reads_of(term))
