"""Which step of an unfolded system each tensor belongs to, and its graph made ready to be drawn step by step.

Tensors `s_0, s_1, ...` are the steps of one `s`; `s` itself, put together from them, is left out. A tensor that does
not recur stays whole when a system is unfolded; if it has one place a step, it is drawn as one node a place (`x[0]`,
`x[1]`), as the books draw x at every step.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import islpy as isl

from graphc.view.graph import Edge, Graph, Node
from graphc.view.names import split_step

Places = dict[str, tuple[str, int]]  # {node: (family, step)}
MOST = 64  # steps up to which whole tensors are taken apart


def by_steps(graph: Graph) -> tuple[Graph, Places]:
    """The graph of an unfolded system by steps, and the place of each node that has one (none: not unfolded)."""
    places = families([n.name for n in graph.nodes if n.role == "tensor"]) if graph.is_dag else {}
    if not places:
        return graph, {}
    graph = graph.without(sorted({base for base, _ in places.values()} & set(graph.by_name)))
    steps = sorted({step for _, step in places.values() if step >= 0})
    for n in graph.nodes:
        axis = _step_axis(graph, n, steps) if n.name not in places else None
        if axis is not None:
            graph = _split(graph, n, axis, steps, places)
    edges = []
    for e in graph.edges:
        bare = re.fullmatch(r"\[[-\d, ]*\]", e.access) is not None
        edges.append(replace(e, kind="plain" if e.kind == "start" else e.kind, access="" if bare else e.access))
    return replace(graph, edges=tuple(dict.fromkeys(edges))), places


def families(names: Sequence[str]) -> Places:
    """The tensors that are numbered members of a family with at least the members 0 and 1."""
    found = {n: place for n in names if (place := split_step(n))}
    numbers: dict[str, set[int]] = {}
    for base, step in found.values():
        numbers.setdefault(base, set()).add(step)
    return {n: (base, step) for n, (base, step) in found.items() if {0, 1} <= numbers[base]}


def _step_axis(graph: Graph, node: Node, steps: Sequence[int]) -> int | None:
    """An axis of a tensor with one place a step, at one of which some edge reads or writes it."""
    for axis, dim in enumerate(node.dims):
        if dim == str(len(steps)) and 1 < len(steps) <= MOST:
            for e in graph.edges:
                kind = _end(e, node.name)
                if kind is not None and e.relation is not None and _fixed(e.relation, kind, axis):
                    return axis
    return None


def _end(e: Edge, name: str) -> isl.dim_type | None:
    """On which side of an edge's relation a node's elements are."""
    return isl.dim_type.in_ if e.source == name else isl.dim_type.out if e.target == name else None


def _fixed(relation: isl.Map, kind: isl.dim_type, axis: int) -> bool:
    return bool(relation.plain_get_val_if_fixed(kind, axis).is_int())


def _split(graph: Graph, node: Node, axis: int, steps: Sequence[int], places: Places) -> Graph:
    """The graph with a node for each place of a tensor along an axis."""
    dims = node.dims[:axis] + node.dims[axis + 1 :]
    made = {k: replace(node, name=f"{node.name}[{k}]", dims=dims) for k in steps}
    edges = []
    for e in graph.edges:
        kind = _end(e, node.name)
        if kind is None or e.relation is None:
            edges.append(e)
            continue
        for k, n in made.items():
            part = e.relation.fix_val(kind, axis, isl.Val(k))
            if not part.is_empty():
                here = e.source == node.name
                source, target = (n.name, e.target) if here else (e.source, n.name)
                edges.append(replace(e, relation=part, source=source, target=target))
    places.update({n.name: (node.name, k) for k, n in made.items()})
    nodes = [m for n in graph.nodes for m in (made.values() if n is node else [n])]
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))
