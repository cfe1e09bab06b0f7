"""The dependence graph of a system: a node a tensor, an edge a read, with the delay from what is read to the write.

An edge of `s[t] = f(s[t-1])` has delay 1 in t: of the folded graph such edges close the cycles. An unfolded system has
none, and its graph is a DAG. The picture is drawn by `picture`; `to_networkx` gives the graph itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import islpy as isl

from graphc.equations.expr import Expr, Index, Read, indices_of, postorder
from graphc.equations.graphs import Graph as Components
from graphc.equations.printing import show, show_equation
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System, Tensor, Term, reads_of


@dataclass(frozen=True)
class Node:
    """One tensor. `auxiliary`: named by the compiler, not by the user."""

    name: str
    role: str
    dims: tuple[str, ...]
    equation: str
    auxiliary: bool = False


@dataclass(frozen=True)
class Edge:
    """`target` reads `source`. kind: "plain", "delay" (at another step), "data" (where data says), "start" (for a start
    value). `delay`: (index, steps) for each index by which the read lags behind the write. `access`: the subscripts
    that are no plain index, as text. `through`: the parameters in the same term. `relation`: from the
    elements read to those written."""

    source: str
    target: str
    kind: str = "plain"
    delay: tuple[tuple[str, int], ...] = ()
    access: str = ""
    through: tuple[str, ...] = ()
    relation: isl.Map | None = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        text = None if self.relation is None else _written_out(self.relation)
        return _again, (self.source, self.target, self.kind, self.delay, self.access, self.through, text)


def _written_out(relation: isl.Map) -> str:
    """The text of a relation. isl reads it again only if all its dimensions have names of their own."""
    for kind, letter in ((isl.dim_type.in_, "a"), (isl.dim_type.out, "b")):
        for k in range(relation.dim(kind)):
            relation = relation.set_dim_name(kind, k, f"{letter}_{k}")
    return str(relation)


def _again(
    source: str, target: str, kind: str, delay: Any, access: str, through: tuple[str, ...], relation: str | None
) -> Edge:
    return Edge(source, target, kind, delay, access, through, None if relation is None else isl.Map(relation))


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges, in the system's order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    system: System

    @cached_property
    def by_name(self) -> dict[str, Node]:
        return {n.name: n for n in self.nodes}

    def to_networkx(self) -> Any:
        """A `networkx.MultiDiGraph`: node attributes role, dims, equation, latex; edge attributes kind, delay (a
        dictionary), access, through."""
        import networkx as nx

        from graphc.view.latex import equation_lines

        found = nx.MultiDiGraph()
        equations = {eq.tensor.name: eq for eq in self.system.equations}
        for n in self.nodes:
            lines = equation_lines(self.system, equations[n.name]) if n.name in equations else []
            text = r" \\ ".join(str(line).replace("&", "") for line in lines)
            found.add_node(n.name, role=n.role, dims=n.dims, equation=n.equation, latex=text, auxiliary=n.auxiliary)
        for e in self.edges:
            found.add_edge(e.source, e.target, kind=e.kind, delay=dict(e.delay), access=e.access, through=e.through)
        return found

    @cached_property
    def cycles(self) -> list[list[str]]:
        """The groups of tensors that depend on each other (strongly connected components), in order of computation."""
        plain = Components(((e.source, e.target) for e in self.edges), (n.name for n in self.nodes))
        position = {n.name: k for k, n in enumerate(self.nodes)}
        found = [sorted(part, key=position.__getitem__) for part in plain.cyclic()]
        return sorted(found, key=lambda part: position[part[0]])

    @property
    def is_dag(self) -> bool:
        """Whether no tensor depends on itself, at whatever step."""
        return not self.cycles

    def without_auxiliary(self) -> Graph:
        """The graph of the tensors the user named: what went through another one goes directly."""
        return self.without([n.name for n in self.nodes if n.auxiliary])

    def without(self, names: Collection[str]) -> Graph:
        """The graph without some nodes, each path through them an edge of its own with the delays added up."""
        edges = list(self.edges)
        for name in names:
            before = [e for e in edges if e.target == name != e.source]
            after = [e for e in edges if e.source == name != e.target]
            edges = [e for e in edges if name not in (e.source, e.target)]
            edges += [e for a in before for b in after if (e := _through(a, b))]
        nodes = tuple(n for n in self.nodes if n.name not in set(names))
        merged: dict[Edge, Edge] = {}
        for e in edges:
            merged[e] = _together(merged[e], e) if e in merged else e
        return replace(self, nodes=nodes, edges=tuple(merged.values()))

    def to_dot(self) -> str:
        """Graphviz's text."""
        from graphc.view.page import to_dot

        return to_dot(self)

    def svg(self, rankdir: str | None = None, *, max_nodes: int = 80, auxiliary: bool = False) -> str:
        """A picture. rankdir: "LR", "RL", "TB" or "BT", the direction the computation runs in (none: left to right, and
        upwards within each step of an unfolded system). More than `max_nodes` boxes are summed up instead."""
        from graphc.view.picture import picture

        return picture(self if auxiliary else self.without_auxiliary(), rankdir, max_nodes).svg()

    def html(self, rankdir: str | None = None, *, max_nodes: int = 300, auxiliary: bool = False) -> str:
        """A page of its own with the picture, to be moved and magnified; pointing at a box shows its equation."""
        from graphc.view.page import page

        return page(self, self.svg(rankdir, max_nodes=max_nodes, auxiliary=auxiliary))

    def _repr_svg_(self) -> str:
        return self.svg()

    def __repr__(self) -> str:
        shape = "a DAG" if self.is_dag else f"cycles: {'; '.join(', '.join(c) for c in self.cycles)}"
        return f"<Graph: {len(self.nodes)} tensors, {len(self.edges)} reads, {shape}>"


def graph(system: Any) -> Graph:
    """The dependence graph of a system (the user's or the representation's)."""
    ir: System = getattr(system, "ir", system)
    named = any(t.origin for t in ir.tensors)
    equations = {eq.tensor: show_equation(eq) for eq in ir.equations}
    nodes = [
        Node(t.name, t.role, tuple(map(show, t.dims)), equations.get(t, ""), named and t.auxiliary) for t in ir.tensors
    ]
    edges: dict[Edge, Edge] = {}
    for eq in ir.equations:
        for term in eq.terms:
            for edge in _term_edges(eq.tensor, term):
                key = replace(edge, through=())
                edges[key] = _together(edges[key], edge) if key in edges else edge
    return Graph(tuple(nodes), tuple(edges.values()), ir)


def _term_edges(target: Tensor, term: Term) -> Iterator[Edge]:
    found = reads_of(term)
    through = tuple(dict.fromkeys(r.tensor.name for r in found if r.tensor.role == "param"))
    for read in found:
        delay, access = lag(term.write, read)
        kind = "plain"
        if delay:
            kind = "delay"
        elif any(isinstance(n, Read) for s in read.subs for n in postorder(s)):
            kind = "data"
        elif any(not indices_of(w) for w in term.write):
            kind = "start"
        relation = term.domain.access(read.subs).intersect_domain(term.domain.set).reverse()
        relation = relation.apply_range(term.domain.access(term.write))
        about = () if read.tensor.role == "param" else through
        yield Edge(read.tensor.name, target.name, kind, delay, access, about, relation)


def lag(write: Sequence[Expr], read: Read) -> tuple[tuple[tuple[str, int], ...], str]:
    """By how much each index of a read lags behind that of the write, and the subscripts that are no plain index."""
    offsets: dict[Index, int] = {}
    for w in write:
        parts, constant = affine_parts(w)
        if len(parts) == 1:
            ((leaf, k),) = parts.items()
            if isinstance(leaf, Index) and k == 1:
                offsets[leaf] = constant
    delay: list[tuple[str, int]] = []
    odd = False
    for s in read.subs:
        parts, constant = affine_parts(s)
        leaf, k = next(iter(parts.items())) if len(parts) == 1 else (s, 0)
        if isinstance(leaf, Index) and k == 1 and leaf in offsets:
            if offsets[leaf] != constant:
                delay.append((leaf.name, offsets[leaf] - constant))
        elif not (isinstance(leaf, Index) and k == 1 and not constant):
            odd = True
    plain = [s for s in read.subs if not isinstance(s, Index)]
    return tuple(delay), f"[{', '.join(show(s) for s in plain)}]" if odd else ""


def _together(a: Edge, b: Edge) -> Edge:
    """Two reads of the same kind as one edge."""
    relation = a.relation | b.relation if a.relation is not None and b.relation is not None else None
    return replace(a, through=tuple(dict.fromkeys((*a.through, *b.through))), relation=relation)


def _through(a: Edge, b: Edge) -> Edge | None:
    """The edge from a's source to b's target; None if b reads nothing that a writes."""
    relation = None
    if a.relation is not None and b.relation is not None:
        relation = a.relation.apply_range(b.relation)
        if relation.is_empty():
            return None
    total = dict(a.delay)
    for name, steps in b.delay:
        total[name] = total.get(name, 0) + steps
    delay = tuple((name, steps) for name, steps in total.items() if steps)
    kind = "delay" if delay else next((k for k in ("data", "start") if k in (a.kind, b.kind)), "plain")
    through = tuple(dict.fromkeys((*a.through, *b.through)))
    return Edge(a.source, b.target, kind, delay, a.access or b.access, through, relation)


def delay_text(edge: Edge) -> str:
    """`t-1` for a lag of one step in t, `t+1` for what is read ahead."""
    return ", ".join(f"{name}{'-' if steps > 0 else '+'}{abs(steps)}" for name, steps in edge.delay)
