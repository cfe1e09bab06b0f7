"""Places across the ranks, for a layered drawing: long edges straight, everything near its neighbours.

Brandes and Köpf, Fast and simple horizontal coordinate assignment (2001), compacted as in dagre: boxes are aligned with
their median neighbours, from above and from below, to the left and to the right; each of the four alignments is packed
tight, and the middle of the four is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Rows = list[list[int]]
Links = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Layers:
    """Vertices in ordered rows; `up` and `down` their neighbours that count; `bends` those that stand for long edges;
    `apart(a, b)` as a table: the least distance between neighbours of a row."""

    rows: Rows
    up: Links
    down: Links
    bends: frozenset[int]
    half: Mapping[int, float]
    gap: float
    narrow: float

    def apart(self, a: int, b: int) -> float:
        space = self.narrow if a in self.bends or b in self.bends else self.gap
        return self.half[a] + self.half[b] + space


def across(layers: Layers) -> dict[int, float]:
    """A place for every vertex."""
    crossed = conflicts(layers)
    found: list[dict[int, float]] = []
    for from_above in (True, False):
        for leftwards in (True, False):
            rows = layers.rows if from_above else layers.rows[::-1]
            rows = rows if leftwards else [row[::-1] for row in rows]
            root = align(rows, layers.up if from_above else layers.down, crossed)
            places = compact(rows, root, layers)
            found.append(places if leftwards else {v: -x for v, x in places.items()})
    return _balanced(found, layers.half)


def conflicts(layers: Layers) -> set[tuple[int, int]]:
    """The links that cross a piece of a long edge, which is to stay straight."""
    found: set[tuple[int, int]] = set()
    for above, below in pairwise(layers.rows):
        at = {v: k for k, v in enumerate(above)}
        links = [(at[u], k, u, v) for k, v in enumerate(below) for u in layers.up.get(v, ())]
        inner = [link for link in links if link[2] in layers.bends and link[3] in layers.bends]
        for a, b, u, v in links:
            if u in layers.bends and v in layers.bends:
                continue
            if any((a - c) * (b - d) < 0 for c, d, _, _ in inner):
                found |= {(u, v), (v, u)}
    return found


def align(rows: Rows, near: Links, crossed: set[tuple[int, int]]) -> dict[int, int]:
    """The block of each vertex, named by its first member: as far as possible each one under its median neighbour."""
    root = {v: v for row in rows for v in row}
    for before, row in pairwise(rows):
        at = {v: k for k, v in enumerate(before)}
        last = -1
        for v in row:
            neighbours = sorted((u for u in near.get(v, ())), key=at.__getitem__)
            n = len(neighbours)
            for u in dict.fromkeys(neighbours[(n - 1) // 2 : n // 2 + 1]):
                if root[v] == v and last < at[u] and (u, v) not in crossed:
                    root[v], last = root[u], at[u]
    return root


def compact(rows: Rows, root: Mapping[int, int], layers: Layers) -> dict[int, float]:
    """Blocks as far left as they go, then each back to the right as far as it may, so that none strays."""
    after: dict[int, dict[int, float]] = {r: {} for r in root.values()}
    before: dict[int, dict[int, float]] = {r: {} for r in root.values()}
    for row in rows:
        for a, b in pairwise(row):
            p, q = root[a], root[b]
            after[p][q] = before[q][p] = max(after[p].get(q, 0.0), layers.apart(a, b))
    order, waiting = [r for r in after if not before[r]], {r: len(before[r]) for r in before}
    for r in order:
        for q in after[r]:
            waiting[q] -= 1
            if not waiting[q]:
                order.append(q)
    place: dict[int, float] = {}
    for r in order:
        place[r] = max((place[p] + gap for p, gap in before[r].items()), default=0.0)
    for r in reversed(order):
        if after[r]:
            place[r] = max(place[r], min(place[q] - gap for q, gap in after[r].items()))
    return {v: place[r] for v, r in root.items()}


def _balanced(found: list[dict[int, float]], half: Mapping[int, float]) -> dict[int, float]:
    """The mean of the two middle ones of the four places, each alignment shifted to lie on the narrowest."""

    def extent(places: dict[int, float]) -> tuple[float, float]:
        return min(x - half[v] for v, x in places.items()), max(x + half[v] for v, x in places.items())

    extents = [extent(p) for p in found]
    low, high = min(extents, key=lambda e: e[1] - e[0])
    shifted = []
    for k, (places, (a, b)) in enumerate(zip(found, extents, strict=True)):
        move = low - a if k % 2 == 0 else high - b
        shifted.append({v: x + move for v, x in places.items()})
    return {v: sum(sorted(p[v] for p in shifted)[1:3]) / 2 for v in found[0]}
