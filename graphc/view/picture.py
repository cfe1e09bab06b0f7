"""What of a dependence graph is drawn, and where.

Parameters stand at the edges they act on (`W` on the way from s to a), as in the books' figures; several reads of one
tensor by another are one arrow. A folded graph is drawn in layers, its delayed edges running back; the steps of an
unfolded one are columns, time running from left to right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphc.view.columns import columns
from graphc.view.drawing import Arrow, Picture, Shape, label_size, title_box
from graphc.view.graph import Edge as GraphEdge
from graphc.view.graph import Graph, Node, delay_text
from graphc.view.layout import Box, Edge, Point, layered
from graphc.view.names import Run, runs
from graphc.view.steps import by_steps

LONGEST, MOST = 26, 4  # letters and lines of a label; the whole of it is in the hint


def picture(graph: Graph, rankdir: str | None = None, max_nodes: int = 80) -> Picture:
    """The picture of a graph; of one with too many boxes: its cycles as one box each, or else some lines of text."""
    if rankdir not in (None, "LR", "RL", "TB", "BT"):
        raise ValueError(f'rankdir is "LR", "RL", "TB" or "BT", not {rankdir!r}')
    stepped, places = by_steps(graph) if rankdir is None else (graph, {})
    if places:
        found = columns(*parts(stepped), places, max_nodes)
        if len(found.shapes) <= max_nodes:
            return found
    shapes, arrows = parts(graph)
    if len(shapes) > max_nodes and graph.cycles:
        graph = condensed(graph)
        shapes, arrows = parts(graph)
    if len(shapes) > max_nodes:
        return Picture([], [], summary(graph, max_nodes))
    return arranged(shapes, arrows, rankdir or "LR")


def parts(graph: Graph) -> tuple[list[Shape], list[Arrow]]:
    """The boxes and arrows of a graph, not yet placed."""
    known = set(graph.by_name)
    drawn = _drawn(graph)
    inside = {name: k for k, cycle in enumerate(graph.cycles) for name in cycle}
    read = {e.source for e in graph.edges if e.target != e.source}
    alone: dict[str, list[str]] = {}
    groups: dict[tuple[str, str, str], list[GraphEdge]] = {}
    for e in graph.edges:
        if e.source in drawn:
            groups.setdefault((e.source, e.target, e.kind), []).append(e)
        elif not any(e.source in other.through for other in graph.edges if other.target == e.target):
            alone.setdefault(e.target, []).append(e.source)
    shapes = [_shape(n, known, alone.get(n.name, []), n.name in read) for n in graph.nodes if n.name in drawn]
    arrows = []
    for (source, target, kind), edges in groups.items():
        back = kind == "delay" and source in inside and inside.get(source) == inside.get(target)
        label = _label(edges, known)
        width, height = label_size(label, kind)
        hint = "; ".join(_hint(e) for e in edges)
        arrows.append(Arrow(Edge(source, target, width, height, back), label, kind, hint))
    return shapes, arrows


def _drawn(graph: Graph) -> set[str]:
    """The nodes that get a box: all but parameters, and of these the ones that anything else is about."""
    plain = {n.name for n in graph.nodes if n.role != "param"}
    only = {e.target for e in graph.edges} - {e.target for e in graph.edges if e.source in plain}
    return plain | {e.source for e in graph.edges if e.target in only} | (set() if plain else set(graph.by_name))


def _shape(node: Node, known: set[str], alone: list[str], read: bool) -> Shape:
    name, _, step = node.name.rstrip("]").partition("[")
    title = [*runs(name, known), *([(f"({step})", "super")] if step else [])]
    below = "×".join(_size(d) for d in node.dims)
    if alone:
        below = ", ".join(filter(None, (below, "with " + ", ".join(alone))))
    role = node.role if node.role != "tensor" or read else "result"
    hint = node.equation or f"{node.role} {node.name}" + (f"[{', '.join(node.dims)}]" if node.dims else "")
    return Shape(title_box(node.name, title, below), title, below, role, hint)


def _label(edges: Sequence[GraphEdge], known: set[str]) -> list[list[Run]]:
    """The parameters and the first access, then a line for each other access."""
    names = list(dict.fromkeys(p for e in edges for p in e.through))
    first: list[Run] = []
    for k, name in enumerate(names[:3]):
        first += [(", ", "upright")] if k else []
        first += runs(name, known)
    if len(names) > 3:
        first.append((" …", "upright"))
    texts = [t for t in dict.fromkeys(_compact(delay_text(e) or e.access) for e in edges) if t]
    if len(texts) > MOST:
        texts = [*texts[: MOST - 1], "…"]
    if texts:
        first.append((("\u2002" if first else "") + _shortened(texts[0]), "upright"))
    return [first, *([(_shortened(t), "upright")] for t in texts[1:])] if first else []


def _size(text: str) -> str:
    short = _compact(text)
    return short if short.isalnum() else f"({short})"


def _compact(text: str) -> str:
    """`2 * i + m` as `2i+m`."""
    return re.sub(r" ?([-+/]+) ?", r"\1", text).replace(" * ", "").replace("-", "−")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _hint(e: GraphEdge) -> str:
    how = {"delay": f", {delay_text(e)}", "data": ", where data says", "start": ", start value"}.get(e.kind, "")
    times = f" by {', '.join(e.through)}" if e.through else ""
    return f"{e.source} → {e.target}{times}{how}{' ' + e.access if e.access else ''}"


def arranged(shapes: list[Shape], arrows: list[Arrow], rankdir: str) -> Picture:
    """The layered drawing, in a direction."""
    across = rankdir in ("LR", "RL")
    sign = -1.0 if rankdir in ("RL", "BT") else 1.0
    loops = {a.edge.source: a for a in arrows if a.edge.source == a.edge.target}
    boxes = []
    for s in shapes:
        if across and s.box.name in loops:  # its label stands above it
            s.box.width = max(s.box.width, loops[s.box.name].edge.width)
        room = 2 * _loop_room(loops[s.box.name], across) if s.box.name in loops else 0.0
        size = (s.box.height + room, s.box.width) if across else (s.box.width + room, s.box.height)
        boxes.append(Box(s.box.name, *size, face=size[0] - room))
    for a in arrows:
        if across:
            a.edge.width, a.edge.height = a.edge.height, a.edge.width
    layered(boxes, [a.edge for a in arrows])

    def turned(p: Point) -> Point:
        return (sign * p[1], p[0]) if across else (p[0], sign * p[1])

    for s, b in zip(shapes, boxes, strict=True):
        s.box.x, s.box.y = turned((b.x, b.y))
    placed = {s.box.name: s.box for s in shapes}
    for a in arrows:
        if a.edge.source == a.edge.target:
            _loop(a, placed[a.edge.source], across)
            continue
        a.edge.path = [turned(p) for p in a.edge.path]
        if a.edge.label:
            width, height = label_size(a.label, a.kind)
            x, y = turned((a.edge.label.x, a.edge.label.y))
            a.edge.label = Box("", width, height, x, y)
    return Picture(shapes, arrows)


def _loop_room(a: Arrow, across: bool) -> float:
    width, height = label_size(a.label, a.kind)
    return 24.0 + (height if across else width)


def _loop(a: Arrow, b: Box, above: bool) -> None:
    """A self-loop: above the box (where ranks run across), else at its right."""
    width, height = label_size(a.label, a.kind)
    out = 30.0
    if above:
        x, y = b.x, b.y - b.height / 2
        a.edge.path = [(x + 9, y), (x + 22, y - out), (x - 22, y - out), (x - 9, y)]
        place = (x, y - 0.75 * out - height / 2)
    else:
        x, y = b.x + b.width / 2, b.y
        a.edge.path = [(x, y - 8), (x + out, y - 20), (x + out, y + 20), (x, y + 8)]
        place = (x + 0.75 * out + width / 2, y)
    a.edge.label = Box("", width, height, *place) if width else None


def condensed(graph: Graph) -> Graph:
    """The graph with each cycle as one box."""
    member = {name: cycle for cycle in graph.cycles for name in cycle}
    title = {name: f"{c[0]} … {c[-1]}" if len(c) > 1 else c[0] for name, c in member.items()}
    nodes: dict[str, Node] = {}
    for n in graph.nodes:
        name = title.get(n.name, n.name)
        if n.name in member and len(member[n.name]) > 1:
            cycle = member[n.name]
            nodes.setdefault(name, Node(name, "group", (f"{len(cycle)} tensors in a cycle",), ", ".join(cycle)))
        else:
            nodes[name] = n
    edges = []
    for e in graph.edges:
        source, target = title.get(e.source, e.source), title.get(e.target, e.target)
        if source != target:
            edges.append(GraphEdge(source, target, "plain", (), "", e.through))
    return Graph(tuple(nodes.values()), tuple(dict.fromkeys(edges)), graph.system)


def summary(graph: Graph, max_nodes: int) -> list[str]:
    """Some lines about a graph too large to draw."""
    given = [n.name for n in graph.nodes if n.role != "tensor"]
    read = {e.source for e in graph.edges}
    results = [n.name for n in graph.nodes if n.role == "tensor" and n.name not in read]
    few = lambda names: ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return [
        f"{len(graph.nodes)} tensors, {len(graph.edges)} reads: more than max_nodes={max_nodes} boxes, so not drawn.",
        f"given: {few(given)}",
        f"results: {few(results)}",
        f"cycles: {few([' → '.join(c[:6]) for c in graph.cycles]) or 'none'}",
    ]
