"""Layered drawing of a directed graph (Sugiyama, Tagawa and Toda 1981): ranks, few crossings, straight edges.

Takes boxes with sizes and edges between them, gives every box a place and every edge a path. Ranks run down; `drawing`
turns the result for other directions. An edge's label is a box of its own half-way between two ranks, so no label
covers anything. Deterministic: ties are broken by the order of what is given.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from graphc.view.coordinates import Layers, across

Point = tuple[float, float]
ROUNDS = 12


@dataclass(eq=False)
class Box:
    """Something with a size; `x`, `y`: its centre, once laid out; `face`: the width that edges end on, if less;
    `pin`: -1 in a first rank of its own, 1 in a last one."""

    name: str
    width: float
    height: float
    x: float = 0.0
    y: float = 0.0
    rank: int = 0
    face: float = 0.0
    pin: int = 0


@dataclass
class Edge:
    """`back`: drawn against the direction of the ranks. `width`, `height`: of its label; `label`: where that stands.
    `path`: the points of cubic Bezier curves, start, then two controls and an end for each."""

    source: str
    target: str
    width: float = 0.0
    height: float = 0.0
    back: bool = False
    path: list[Point] = field(default_factory=list)
    label: Box | None = None


@dataclass(frozen=True)
class Spacing:
    """Least distances: between neighbours of one rank (boxes, bends of edges) and between ranks."""

    boxes: float = 26.0
    bends: float = 14.0
    ranks: float = 27.0


def layered(boxes: Sequence[Box], edges: Sequence[Edge], spacing: Spacing | None = None) -> None:
    """Place `boxes` and route `edges` (self-loops excepted), in place."""
    if boxes:
        _Layout(boxes, [e for e in edges if e.source != e.target], spacing or Spacing()).run()


class _Layout:
    def __init__(self, boxes: Sequence[Box], edges: Sequence[Edge], spacing: Spacing) -> None:
        self.boxes, self.edges, self.spacing = boxes, edges, spacing
        self.by_name = {b.name: b for b in boxes}
        self.chains: list[list[Box]] = []  # for each edge: source, bends, target (in the direction of the ranks)
        self.ranks: list[list[Box]] = []
        self.weights: dict[tuple[Box, Box], float] = {}
        self.up: dict[Box, list[Box]] = {}
        self.down: dict[Box, list[Box]] = {}

    def run(self) -> None:
        arcs = acyclic([b.name for b in self.boxes], self.edges)
        ranks = rank([b.name for b in self.boxes], arcs)
        ends = {-1: min(ranks.values()) - 1, 1: max(ranks.values()) + 1}
        shift = any(b.pin < 0 for b in self.boxes)
        for b in self.boxes:
            b.rank = 2 * (ends.get(b.pin, ranks[b.name]) + shift)  # odd ranks hold labels
        self._add_bends(arcs)
        self._order()
        self._place_across()
        self._place_along()
        self._route()

    def _add_bends(self, arcs: list[tuple[str, str]]) -> None:
        height = max(b.rank for b in self.boxes) + 1
        self.ranks = [[] for _ in range(height)]
        for b in self.boxes:
            self.ranks[b.rank].append(b)
        for edge, (top, bottom) in zip(self.edges, arcs, strict=True):
            first, last = self.by_name[top], self.by_name[bottom]
            middle = (first.rank + last.rank) // 2 | 1
            chain = [first]
            for r in range(first.rank + 1, last.rank):
                bend = Box("", 1.0, 1.0, rank=r)
                if r == middle and edge.width:
                    bend.width, bend.height = edge.width, edge.height
                    edge.label = bend
                self.ranks[r].append(bend)
                chain.append(bend)
            chain.append(last)
            self.chains.append(chain)
            for a, b in pairwise(chain):
                stiff = 8.0 if not a.name and not b.name else 2.0
                self.weights[a, b] = stiff * (0.3 if edge.back else 1.0)
                self.down.setdefault(a, []).append(b)
                self.up.setdefault(b, []).append(a)

    # Order within ranks: barycentres down and up, neighbours exchanged where that helps, the best order kept.

    def _order(self) -> None:
        self._start_order()
        best, fewest = [list(r) for r in self.ranks], self._crossings()
        for round_ in range(ROUNDS):
            downwards = round_ % 2 == 0
            for r in range(1, len(self.ranks)) if downwards else range(len(self.ranks) - 2, -1, -1):
                self._sort_rank(r, downwards)
            self._exchange()
            found = self._crossings()
            if found < fewest:
                best, fewest = [list(r) for r in self.ranks], found
        self.ranks = best

    def _start_order(self) -> None:
        """Depth first from the sources, so that what belongs together starts together."""
        seen: dict[Box, int] = {}
        stack = [b for b in reversed(self.boxes) if b not in self.up]
        while stack:
            b = stack.pop()
            if b not in seen:
                seen[b] = len(seen)
                stack.extend(reversed(self.down.get(b, [])))
        for r in self.ranks:
            r.sort(key=lambda b: seen[b])

    def _sort_rank(self, r: int, downwards: bool) -> None:
        other = {b: k for k, b in enumerate(self.ranks[r - 1 if downwards else r + 1])}
        here = self.up if downwards else self.down
        keys: dict[Box, float] = {}
        for k, b in enumerate(self.ranks[r]):
            near = [other[n] for n in here.get(b, [])]
            keys[b] = sum(near) / len(near) if near else k
        self.ranks[r].sort(key=lambda b: keys[b])

    def _exchange(self) -> None:
        """Exchange neighbours where that saves crossings."""
        at = {b: k for row in self.ranks for k, b in enumerate(row)}
        for row in self.ranks:
            for k in range(len(row) - 1):
                a, b = row[k], row[k + 1]
                saved = 0
                for side in (self.up, self.down):
                    left, right = ([at[n] for n in side.get(c, [])] for c in (a, b))
                    saved += sum((p > q) - (p < q) for p in left for q in right)
                if saved > 0:
                    row[k], row[k + 1] = b, a
                    at[a], at[b] = k + 1, k

    def _crossings(self) -> int:
        return sum(self._crossings_between(k) for k in range(len(self.ranks) - 1))

    def _crossings_between(self, r: int) -> int:
        below = {b: k for k, b in enumerate(self.ranks[r + 1])}
        ends: list[int] = []
        count = 0
        for b in self.ranks[r]:
            targets = sorted(below[n] for n in self.down.get(b, []))
            count += sum(len(ends) - bisect_right(ends, t) for t in targets)
            for t in targets:
                insort(ends, t)
        return count

    # Coordinates: every box wants to stand where its neighbours are; the order and the distances are kept.

    def _place_across(self) -> None:
        every = [b for row in self.ranks for b in row]
        number = {b: k for k, b in enumerate(every)}

        def links(side: dict[Box, list[Box]]) -> dict[int, list[int]]:
            """The neighbours of the heaviest kind: an edge that runs back bends no other."""
            found = {}
            for b in every:
                near = [(self.weights.get((n, b)) or self.weights[b, n], n) for n in side.get(b, [])]
                most = max((w for w, _ in near), default=0.0)
                found[number[b]] = [number[n] for w, n in near if w >= min(most, 2.0)]
            return found

        layers = Layers(
            [[number[b] for b in row] for row in self.ranks],
            links(self.up),
            links(self.down),
            frozenset(number[b] for b in every if not b.name),
            {number[b]: b.width / 2 for b in every},
            self.spacing.boxes,
            self.spacing.bends,
        )
        for k, x in across(layers).items():
            every[k].x = x
        for _ in range(2):
            for chain in self.chains:
                self._relax(chain)

    def _relax(self, chain: list[Box]) -> None:
        """Bring the bends of an edge between its ends, as far as their neighbours leave room."""
        low, high = -1e9, 1e9
        for bend in chain[1:-1]:
            row = self.ranks[bend.rank]
            k = next(k for k, b in enumerate(row) if b is bend)
            low = max(low, row[k - 1].x + self._apart(row[k - 1], bend)) if k else low
            high = min(high, row[k + 1].x - self._apart(bend, row[k + 1])) if k + 1 < len(row) else high
        first, last = sorted((chain[0].x, chain[-1].x))
        x = chain[1].x
        if low <= high and not first <= x <= last:
            for bend in chain[1:-1]:
                bend.x = min(max(first if x < first else last, low), high)

    def _apart(self, a: Box, b: Box) -> float:
        return (a.width + b.width) / 2 + (self.spacing.boxes if a.name and b.name else self.spacing.bends)

    def _place_along(self) -> None:
        y = 0.0
        for row in self.ranks:
            tallest = max((b.height for b in row), default=0.0)
            for b in row:
                b.y = y + tallest / 2
            y += tallest + self.spacing.ranks

    def _route(self) -> None:
        ports = self._ports()
        for k, (edge, chain) in enumerate(zip(self.edges, self.chains, strict=True)):
            first, last = chain[0], chain[-1]
            path = [(ports[k, 0], first.y + first.height / 2)] * 2
            for bend in chain[1:-1]:
                tallest = max(b.height for b in self.ranks[bend.rank]) / 2
                path += [(bend.x, bend.y - tallest), (bend.x, bend.y + tallest)]
            path += [(ports[k, 1], last.y - last.height / 2)] * 2
            edge.path = curve(path if chain[0].name == edge.source else path[::-1])

    def _ports(self) -> dict[tuple[int, int], float]:
        """Where each edge leaves (0) and enters (1) its boxes: near where it is going, apart from the others."""
        found: dict[tuple[int, int], float] = {}
        for b in self.boxes:
            for end in (0, 1):
                here = [(c[1 - 3 * end].x, k) for k, c in enumerate(self.chains) if c[-end] is b]
                here.sort()
                room = max((b.face or b.width) / 2 - 8, 0.0)
                gap = min(14.0, 2 * room / max(len(here) - 1, 1))
                wanted = [(min(max(x, b.x - room), b.x + room), 1.0) for x, _ in here]
                places = spread(wanted, [gap] * (len(here) - 1))
                if here:  # back inside the box, should the gaps have pushed some out
                    shift = max(0.0, b.x - room - places[0]) - max(0.0, places[-1] - b.x - room)
                    found.update({(k, end): x + shift for (_, k), x in zip(here, places, strict=True)})
        return found


def curve(points: Sequence[Point]) -> list[Point]:
    """Bezier curves through points: straight between 2k and 2k+1, from there on to the next upright at both ends."""
    path = [points[0]]
    for k, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        if k % 2:
            middle = (y0 + y1) / 2
            path += [(x0, middle), (x1, middle), (x1, y1)]
        elif (x0, y0) != (x1, y1):
            path += [(x0, y0), (x1, y1), (x1, y1)]
    return path


def acyclic(names: Sequence[str], edges: Sequence[Edge]) -> list[tuple[str, str]]:
    """Each edge as (upper, lower): turned round where it is marked `back` or closes a cycle (then marked)."""
    follow: dict[str, list[Edge]] = {n: [] for n in names}
    for e in edges:
        if not e.back:
            follow[e.source].append(e)
    done = Edge("", "")
    state: dict[str, int] = {}  # 1: on the path from the root, 2: done
    for root in names:
        stack = [(root, iter(follow[root]))] if root not in state else []
        state.setdefault(root, 1)
        while stack:
            name, rest = stack[-1]
            e = next(rest, done)
            if e is done:
                state[name] = 2
                stack.pop()
            elif state.get(e.target) == 1:
                e.back = True
            elif e.target not in state:
                state[e.target] = 1
                stack.append((e.target, iter(follow[e.target])))
    return _without_cycles([(e.target, e.source) if e.back else (e.source, e.target) for e in edges], edges)


def _without_cycles(arcs: list[tuple[str, str]], edges: Sequence[Edge]) -> list[tuple[str, str]]:
    """A back edge turned round may itself close a cycle (with no forward path between its ends it should not have
    been turned): keep the forward edges and those turned ones that agree with them."""
    below: dict[str, set[str]] = {}
    for (a, b), e in zip(arcs, edges, strict=True):
        if not e.back:
            below.setdefault(a, set()).add(b)

    def reaches(start: str, goal: str) -> bool:
        seen, todo = {start}, [start]
        while todo:
            n = todo.pop()
            if n == goal:
                return True
            todo += [m for m in sorted(below.get(n, ())) if m not in seen]
            seen |= below.get(n, set())
        return False

    found = []
    for (a, b), e in zip(arcs, edges, strict=True):
        if e.back and reaches(b, a):
            a, b = b, a
        if e.back:
            below.setdefault(a, set()).add(b)
        found.append((a, b))
    return found


def rank(names: Sequence[str], arcs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Ranks by longest path, then every box moved within its slack to where its edges are shortest."""
    above: dict[str, list[str]] = {n: [] for n in names}
    below: dict[str, list[str]] = {n: [] for n in names}
    for a, b in arcs:
        above[b].append(a)
        below[a].append(b)
    ranks = {n: 0 for n in names if not above[n]}
    todo, waiting = list(ranks), {n: len(above[n]) for n in names}
    order = []
    while todo:
        n = todo.pop(0)
        order.append(n)
        for m in below[n]:
            ranks[m] = max(ranks.get(m, 0), ranks[n] + 1)
            waiting[m] -= 1
            if not waiting[m]:
                todo.append(m)
    for _ in range(4):
        for n in reversed(order):
            low = max((ranks[m] + 1 for m in above[n]), default=0)
            high = min((ranks[m] - 1 for m in below[n]), default=ranks[n])
            if len(below[n]) != len(above[n]):
                ranks[n] = high if len(below[n]) > len(above[n]) else low if above[n] else ranks[n]
    least = min(ranks.values())
    return {n: r - least for n, r in ranks.items()}


def spread(wanted: Sequence[tuple[float, float]], gaps: Sequence[float]) -> list[float]:
    """The places nearest to those wanted, (place, weight) each, that keep order and gaps: isotonic regression by
    pooling adjacent violators."""
    offset, offsets = 0.0, [0.0]
    for g in gaps:
        offset += g
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # (mean, weight, members)
    for (x, w), o in zip(wanted, offsets, strict=False):
        pools.append((x - o, w, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (x2, w2, n2), (x1, w1, n1) = pools.pop(), pools.pop()
            pools.append(((x1 * w1 + x2 * w2) / (w1 + w2), w1 + w2, n1 + n2))
    flat = [x for x, _, n in pools for _ in range(n)]
    return [x + o for x, o in zip(flat, offsets, strict=False)]
