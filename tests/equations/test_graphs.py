"""Graphs, against networkx."""

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphc.equations.graphs import Graph, reached

edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(edges)
def test_components_and_what_is_reached(pairs):
    graph, other = Graph(pairs, range(8)), nx.DiGraph(pairs)
    other.add_nodes_from(range(8))
    parts = graph.components()
    assert {frozenset(p) for p in parts} == {frozenset(p) for p in nx.strongly_connected_components(other)}
    place = {node: k for k, part in enumerate(parts) for node in part}
    assert all(place[b] <= place[a] for a, b in pairs)
    for node in range(8):
        assert graph.descendants(node) == nx.descendants(other, node)
        assert graph.ancestors(node) == nx.ancestors(other, node)
    assert {frozenset(p) for p in graph.cyclic()} == {
        frozenset(p) for p in nx.strongly_connected_components(other) if len(p) > 1 or other.has_edge(*[*p] * 2)
    }


@given(edges)
def test_order(pairs):
    graph, other = Graph(pairs, range(8)), nx.DiGraph(pairs)
    other.add_nodes_from(range(8))
    condensed = nx.condensation(other)
    wanted = nx.lexicographical_topological_sort(condensed, key=lambda c: min(condensed.nodes[c]["members"]))
    assert graph.ordered() == [sorted(condensed.nodes[c]["members"]) for c in wanted]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_cycles(pairs):
    def turned(cycle):
        k = cycle.index(min(cycle))
        return (*cycle[k:], *cycle[:k])

    found = [turned(c) for c in Graph(pairs, range(5)).cycles()]
    assert sorted(found) == sorted(turned(c) for c in nx.simple_cycles(nx.DiGraph(pairs)))


@pytest.mark.parametrize("n", [10_000])
def test_long_chains_need_no_recursion(n):
    graph = Graph((k, k + 1) for k in range(n))
    assert len(graph.components()) == n + 1 == len(reached(graph.after, [0]))
    assert Graph([*((k, k + 1) for k in range(n)), (n, 0)]).is_cyclic(range(n))
