"""Directed graphs of anything: what depends on each other, in which order, what is reached. The only ones.

A node stands before those it has edges to in `ordered`, after them in `components`. Orders are those in which nodes
and edges came, so that what is built of them is the same each time.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)
STEPS = 10_000  # that a search for cycles makes at most: there may be exponentially many


class Graph(Generic[T]):
    """Nodes, and edges from one to another, each at most once."""

    def __init__(self, edges: Iterable[tuple[T, T]] = (), nodes: Iterable[T] = ()) -> None:
        self.after: dict[T, dict[T, None]] = {}
        self.before: dict[T, dict[T, None]] = {}
        for node in nodes:
            self._add(node)
        self.add(edges)

    def add(self, edges: Iterable[tuple[T, T]]) -> None:
        for a, b in edges:
            self._add(a)
            self._add(b)
            self.after[a][b] = None
            self.before[b][a] = None

    def _add(self, node: T) -> None:
        self.after.setdefault(node, {})
        self.before.setdefault(node, {})

    # What is reached -------------------------------------------------------------------------------------------------

    def descendants(self, start: T) -> set[T]:
        """What is reached from a node, without it."""
        return reached(self.after, [start]) - {start}

    def ancestors(self, goal: T) -> set[T]:
        """What reaches a node, without it."""
        return reached(self.before, [goal]) - {goal}

    # Cycles ----------------------------------------------------------------------------------------------------------

    def components(self) -> list[list[T]]:
        """The strongly connected components, each behind those it has edges to (Tarjan 1972, without recursion)."""
        found: list[list[T]] = []
        number: dict[T, int] = {}
        lowest: dict[T, int] = {}  # of the nodes whose component is not known yet
        waiting: list[T] = []
        for root in self.after:
            if root in number:
                continue
            path = [(root, iter(self.after[root]))]
            number[root] = lowest[root] = len(number)
            while path:
                node, others = path[-1]
                other = next((o for o in others if o not in number), None)
                if other is not None:
                    number[other] = lowest[other] = len(number)
                    path.append((other, iter(self.after[other])))
                    continue
                path.pop()
                lowest[node] = min([lowest[node], *(lowest[o] for o in self.after[node] if o in lowest)])
                waiting.append(node)
                if lowest[node] == number[node]:
                    part = [node]
                    waiting.pop()
                    while waiting and number[waiting[-1]] > number[node]:
                        part.append(waiting.pop())
                    for member in part:
                        del lowest[member]
                    found.append(part)
        return found

    def is_cyclic(self, component: Iterable[T]) -> bool:
        """Whether a component has a cycle: several nodes, or one with an edge to itself."""
        part = list(component)
        return len(part) > 1 or any(node in self.after[node] for node in part)

    def cyclic(self) -> list[list[T]]:
        """The components with a cycle."""
        return [part for part in self.components() if self.is_cyclic(part)]

    def ordered(self) -> list[list[T]]:
        """The components, each before those it has edges to, and otherwise in the order of the nodes."""
        position = {node: k for k, node in enumerate(self.after)}
        parts = [sorted(part, key=position.__getitem__) for part in self.components()]
        part_of = {node: k for k, part in enumerate(parts) for node in part}
        links = Graph(((part_of[a], part_of[b]) for a, bs in self.after.items() for b in bs), range(len(parts)))
        missing = {k: len(before.keys() - {k}) for k, before in links.before.items()}
        ready = [(position[parts[k][0]], k) for k, count in missing.items() if not count]
        heapq.heapify(ready)
        found: list[list[T]] = []
        while ready:
            _, k = heapq.heappop(ready)
            found.append(parts[k])
            for other in links.after[k].keys() - {k}:
                missing[other] -= 1
                if not missing[other]:
                    heapq.heappush(ready, (position[parts[other][0]], other))
        return found

    def cycles(self) -> Iterator[list[T]]:
        """Cycles that come to no node twice, each from its first node on; at most as many as `STEPS` steps find."""
        steps = 0
        for k, root in enumerate(self.after):
            allowed = set(list(self.after)[k:]) & (reached(self.before, [root]) | {root})
            path, ways = [root], [iter(self.after[root])]
            while path and steps < STEPS:
                steps += 1
                other = next((o for o in ways[-1] if o in allowed and (o == root or o not in path)), None)
                if other is None:
                    path.pop()
                    ways.pop()
                elif other == root:
                    yield list(path)
                else:
                    path.append(other)
                    ways.append(iter(self.after[other]))


def reached(edges: Mapping[T, Iterable[T]], start: Iterable[T]) -> set[T]:
    """These nodes and all that are reached from them."""
    found: set[T] = set()
    todo = list(start)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(edges.get(node, ()))
    return found
