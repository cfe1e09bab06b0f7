"""The recurrences of a system: which tensors depend on each other, and along which index such a cycle makes progress.

A cycle progresses along an axis if no read on it goes the other way; the reads that always go at least one step are
carried by that loop, and whatever cycles remain without them progress along another axis inside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx

from graphc.equations.domain import has_reads, integer
from graphc.equations.expr import Read, indices_of
from graphc.equations.printing import show
from graphc.equations.system import System, Tensor, Term, reads_of


@dataclass(frozen=True)
class Link:
    """`target` reads `source` by `read` in `term`, both on one cycle."""

    target: Tensor
    source: Tensor
    term: Term
    read: Read


@dataclass(frozen=True)
class Level:
    """One loop of a recurrence: the axis of each tensor it runs along, its index, its direction (+1, -1), and the lags
    (in steps; none where they vary) of the reads it carries."""

    index: str
    axes: dict[Tensor, int]
    direction: int
    lags: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Recurrence:
    """Tensors that depend on each other, and the loops that order them, outermost first; `data`: the order of what
    remains is read from data."""

    tensors: tuple[Tensor, ...]
    levels: tuple[Level, ...]
    data: bool = False

    def axis(self, tensor: Tensor) -> int | None:
        """The axis of the outermost loop."""
        return self.levels[0].axes.get(tensor) if self.levels else None


def recurrences(system: System) -> list[Recurrence]:
    """All recurrences, in the system's order."""
    found = []
    for members in _components(system, list(_links(system, {eq.tensor for eq in system.equations}))):
        levels: list[Level] = []
        data = not _order(system, members, list(_links(system, set(members))), levels)
        found.append(Recurrence(tuple(members), tuple(levels), data))
    return found


def _links(system: System, members: set[Tensor]) -> Iterator[Link]:
    for eq in system.equations:
        if eq.tensor in members:
            for term in eq.terms:
                for read in reads_of(term):
                    if read.tensor in members:
                        yield Link(eq.tensor, read.tensor, term, read)


def _components(system: System, links: Sequence[Link]) -> list[list[Tensor]]:
    graph = nx.DiGraph((link.source, link.target) for link in links)
    position = {eq.tensor: k for k, eq in enumerate(system.equations)}
    found = [sorted(c, key=position.__getitem__) for c in nx.strongly_connected_components(graph)]
    return sorted((c for c in found if len(c) > 1 or graph.has_edge(c[0], c[0])), key=lambda c: position[c[0]])


def _order(system: System, members: Sequence[Tensor], links: list[Link], levels: list[Level]) -> bool:
    """Append the loops that order `members`; False if there are none that do."""
    best: tuple[Level, list[Link]] | None = None
    for axis in range(len(members[0].dims)):
        axes = _follow(members, axis, links)
        if axes is None:
            continue
        tried = _level(axes, links)
        if tried is not None and (best is None or len(tried[1]) < len(best[1])):
            best = tried
    if best is None:
        return False
    levels.append(best[0])
    inner = _components(system, best[1])
    return all(
        _order(system, part, [x for x in best[1] if x.target in part and x.source in part], levels) for part in inner
    )


def _follow(members: Sequence[Tensor], axis: int, links: Sequence[Link]) -> dict[Tensor, int] | None:
    """The axis of every member that runs along with `axis` of the first, by the indices they share."""
    axes = {members[0]: axis}
    progress = True
    while progress:
        progress = False
        for link in links:
            ends = ((link.target, link.term.write), (link.source, link.read.subs))
            for (known, subs), (other, others) in (ends, ends[::-1]):
                if known in axes and other not in axes:
                    along = indices_of(subs[axes[known]])
                    match = next((k for k, s in enumerate(others) if along & indices_of(s)), None)
                    if match is not None:
                        axes[other], progress = match, True
    return axes if len(axes) == len(members) else None


def _level(axes: dict[Tensor, int], links: Sequence[Link]) -> tuple[Level, list[Link]] | None:
    """The loop along these axes and the links it does not carry, if all links go the same way or stay."""
    steps = [_steps(link, axes) for link in links]
    for direction in (1, -1):
        ways = [None if s is None else (direction * s[0], direction * s[1]) for s in steps]
        low = [None if w is None else min(w) for w in ways]
        if any(w is None or w < 0 for w in low):
            continue
        carried = [link for link, w in zip(links, low, strict=True) if w]
        if not carried:
            continue
        lags: dict[tuple[str, int | None], None] = {}
        for link, w in zip(links, ways, strict=True):
            if w is not None and min(w) > 0:
                lags[f"{show(link.read)} in {link.target.name}", w[0] if w[0] == w[1] else None] = None
        rest = [link for link, w in zip(links, low, strict=True) if not w]
        return Level(_index_name(axes, carried), axes, direction, tuple(lags)), rest
    return None


_FAR = 1 << 20


def _steps(link: Link, axes: dict[Tensor, int]) -> tuple[int, int] | None:
    """The least and the greatest step from what is read to what is written; None if it is read from data."""
    write, read = link.term.write[axes[link.target]], link.read.subs[axes[link.source]]
    if has_reads(write) or has_reads(read):
        return None
    found = link.term.domain.image((write - read,))
    if found.is_empty():
        return 0, 0
    low, high = found.dim_min_val(0), found.dim_max_val(0)
    return (integer(low) if low.is_int() else -_FAR), (integer(high) if high.is_int() else _FAR)


def _index_name(axes: dict[Tensor, int], links: Sequence[Link]) -> str:
    for link in links:
        w = link.term.write[axes[link.target]]
        for i in sorted(indices_of(w), key=lambda i: i.uid):
            return i.name
    return "?"


def carries(recurrence: Recurrence, term: Term) -> bool:
    """Whether a term reads anything on the recurrence."""
    return any(read.tensor in recurrence.tensors for read in reads_of(term))
