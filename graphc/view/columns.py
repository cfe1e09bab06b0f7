"""The picture of an unfolded system: a column a step, time from left to right, what is computed first at the bottom.

One step is laid out in layers, and every column is a copy of it. Edges from step to step run between the columns; what
belongs to no step stands above (if it collects from the steps), below, or beside the first or last one (a start value).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from graphc.view.drawing import Arrow, Picture, Shape, label_size
from graphc.view.layout import Box, Edge, Point, acyclic, layered, rank, spread
from graphc.view.steps import Places

GUTTER, ROW = 44.0, 40.0
UP, DOWN = "^", "_"  # the ends, in the layout of one step, of edges to what stands above and below it


@dataclass
class _Plan:
    """Where things are: the layout of one step, the column of each step, and what is outside the columns."""

    places: Places
    shown: list[int]
    shape: dict[str, Shape]
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    beside: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    pitch: float = 0.0
    left: float = 0.0
    right: float = 0.0

    def column(self, name: str) -> int:
        return self.shown.index(self.places[name][1])

    def inner(self, name: str, column: int) -> str:
        """What a box is in the layout of one step."""
        if name in self.places:
            return self.places[name][0]
        return (UP if name in self.above else DOWN) + name

    def shift(self, column: int) -> float:
        return column * self.pitch


def columns(shapes: list[Shape], arrows: list[Arrow], places: Places, max_nodes: int) -> Picture:
    """The picture; of too many steps the first two and the last."""
    every = sorted({step for _, step in places.values()})
    few = len(shapes) <= max_nodes or len(every) <= 3
    plan = _Plan(
        places, every if few else [k for k in every if k <= 1 or k == every[-1]], {s.box.name: s for s in shapes}
    )
    gone = {n for n, (_, step) in places.items() if step not in plan.shown}
    arrows = [a for a in arrows if a.edge.source not in gone and a.edge.target not in gone and not _skips(plan, a)]
    shapes = [s for s in shapes if s.box.name not in gone]
    _outside(plan, shapes, arrows)
    _one_step(plan, shapes, arrows)
    _place(plan, shapes, arrows)
    _route(plan, arrows)
    marks = []
    if not few:
        x = plan.shift(len(plan.shown) - 2) + (plan.right + plan.pitch + plan.left) / 2
        ys = [s.box.y for s in shapes if s.box.name in places]
        marks.append(((x, (min(ys) + max(ys)) / 2), "⋯"))
    return Picture(shapes, arrows, marks=marks)


def _skips(plan: _Plan, a: Arrow) -> bool:
    """Whether what lies between the two steps of an arrow is not shown."""
    if a.edge.source not in plan.places or a.edge.target not in plan.places:
        return False
    steps = abs(plan.places[a.edge.source][1] - plan.places[a.edge.target][1])
    return steps != abs(plan.column(a.edge.source) - plan.column(a.edge.target))


def _outside(plan: _Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
    """Sort what belongs to no step: above, below, beside."""
    places = plan.places
    others = [s.box.name for s in shapes if s.box.name not in places]
    fed = {n for n in others if any(a.edge.target == n for a in arrows)}
    for name in others:
        goes = [a.edge.target for a in arrows if a.edge.source == name]
        at = {plan.column(t) for t in goes if t in places}
        if name in fed or not at:
            plan.above.append(name)
        elif len(at) == 1 and len(plan.shown) > 1 and at & {0, len(plan.shown) - 1} and all(t in places for t in goes):
            plan.beside[name] = -1 if at == {0} else len(plan.shown)
        else:
            plan.below.append(name)


def _one_step(plan: _Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
    """Lay out the quotient: every family once, with the edges that stay within a step or leave upwards or downwards."""
    sizes: dict[str, tuple[float, float]] = {}
    for s in shapes:
        if s.box.name in plan.places:
            family = plan.places[s.box.name][0]
            w, h = sizes.get(family, (0.0, 0.0))
            sizes[family] = (max(w, s.box.width), max(h, s.box.height))
    boxes = [Box(family, *size) for family, size in sizes.items()]
    ends: dict[str, Box] = {}
    for a in arrows:
        pair = _within(plan, a)
        if pair is None:
            continue
        for name in pair:
            if name not in sizes and name not in ends:
                ends[name] = Box(name, 2.0, 2.0, pin=1 if name.startswith(UP) else -1)
        edge = plan.edges.setdefault(pair, Edge(*pair, back=pair[0].startswith(UP)))
        if not pair[0].startswith((UP, DOWN)) and not pair[1].startswith((UP, DOWN)):
            edge.width, edge.height = max(edge.width, a.edge.width), max(edge.height, a.edge.height)
    boxes += ends.values()
    layered(boxes, list(plan.edges.values()))
    plan.boxes = {b.name: b for b in boxes}
    _upside_down(plan)
    plan.left = min(b.x - b.width / 2 for b in boxes)
    plan.right = max(b.x + b.width / 2 for b in boxes)
    crossing = [a for a in arrows if _within(plan, a) is None]
    wide = max((a.edge.width for a in crossing), default=0.0)
    plan.pitch = plan.right - plan.left + GUTTER + (wide + 14 if crossing else 0)


def _upside_down(plan: _Plan) -> None:
    for b in plan.boxes.values():
        b.y = -b.y
    for edge in plan.edges.values():
        edge.path = [(x, -y) for x, y in edge.path]
        if edge.label:
            edge.label.y = -edge.label.y


def _within(plan: _Plan, a: Arrow) -> tuple[str, str] | None:
    """The edge of the one-step layout that an arrow follows, if any."""
    source, target = a.edge.source, a.edge.target
    in_source, in_target = source in plan.places, target in plan.places
    if in_source and in_target and plan.column(source) == plan.column(target):
        return plan.inner(source, 0), plan.inner(target, 0)
    if in_source and target in plan.above:
        return plan.inner(source, 0), UP + target
    if in_target and source in (*plan.above, *plan.below):
        return (UP if source in plan.above else DOWN) + source, plan.inner(target, 0)
    return None


def _place(plan: _Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
    for s in shapes:
        if s.box.name in plan.places:
            b = plan.boxes[plan.places[s.box.name][0]]
            s.box.x, s.box.y = b.x + plan.shift(plan.column(s.box.name)), b.y
    ys = [s.box.y + d * s.box.height / 2 for s in shapes if s.box.name in plan.places for d in (-1, 1)]
    ys += [y for e in plan.edges.values() for _, y in e.path]
    _beside(plan, arrows)
    _rows(plan, plan.above, arrows, min(ys) - ROW, -1.0)
    _rows(plan, plan.below, arrows, max(ys) + ROW, 1.0)


def _beside(plan: _Plan, arrows: list[Arrow]) -> None:
    """A start value stands where the box whose part it takes would stand one step earlier."""
    taken: dict[int, list[float]] = {}
    for name, column in plan.beside.items():
        targets = [a.edge.target for a in arrows if a.edge.source == name]
        families = {plan.places[t][0] for t in targets}
        before = [
            plan.boxes[plan.places[a.edge.source][0]].y
            for a in arrows
            if a.edge.source in plan.places
            and a.edge.target in plan.places
            and plan.places[a.edge.target][0] in families
            and plan.column(a.edge.source) != plan.column(a.edge.target)
        ]
        b = plan.shape[name].box
        y = min(before) if before else plan.boxes[sorted(families)[0]].y
        while any(abs(y - other) < b.height + 12 for other in taken.get(column, [])):
            y += b.height + 14
        taken.setdefault(column, []).append(y)
        side = plan.right - b.width / 2 if column < 0 else plan.left + b.width / 2
        b.x, b.y = plan.shift(column) + side, y


def _rows(plan: _Plan, names: list[str], arrows: list[Arrow], start: float, sign: float) -> None:
    """Place what is outside in rows, away from the columns in the order of computation, each near what it joins."""
    inner = [a.edge for a in arrows if a.edge.source in names and a.edge.target in names]
    arcs = acyclic(names, inner)
    ranks = rank(names, arcs) if names else {}
    y = start
    for r in sorted(set(ranks.values()), reverse=sign > 0):
        row = [plan.shape[n] for n in names if ranks[n] == r]
        wanted = [(_mean(_joined(plan, s.box.name, arrows)), s) for s in row]
        wanted.sort(key=lambda pair: pair[0])
        widths = [s.box.width for _, s in wanted]
        gaps = [(a + b) / 2 + 26 for a, b in pairwise(widths)]
        for (_, s), x in zip(wanted, spread([(x, 1.0) for x, _ in wanted], gaps), strict=True):
            s.box.x, s.box.y = x, y + sign * s.box.height / 2
        y += sign * (max(s.box.height for s in row) + ROW)


def _joined(plan: _Plan, name: str, arrows: list[Arrow]) -> list[float]:
    ends = [
        a.edge.target if a.edge.source == name else a.edge.source
        for a in arrows
        if name in (a.edge.source, a.edge.target)
    ]
    return [plan.shape[e].box.x for e in ends if e in plan.places]


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def _route(plan: _Plan, arrows: list[Arrow]) -> None:
    tracks: dict[tuple[str, str], int] = {}
    for a in arrows:
        pair = _within(plan, a)
        if pair is not None:
            _follow(plan, a, pair)
        elif a.edge.source in plan.above + plan.below and a.edge.target in plan.above + plan.below:
            b, c = plan.shape[a.edge.source].box, plan.shape[a.edge.target].box
            a.edge.path = _upright((b.x, b.y - b.height / 2), (c.x, c.y + c.height / 2))
        else:
            key = (_family(plan, a.edge.source), _family(plan, a.edge.target))
            _across(plan, a, tracks.setdefault(key, len(tracks)))


def _family(plan: _Plan, name: str) -> str:
    return plan.places[name][0] if name in plan.places else name


def _follow(plan: _Plan, a: Arrow, pair: tuple[str, str]) -> None:
    """Copy the edge of the one-step layout, and run on to what is outside."""
    inside = a.edge.source if a.edge.source in plan.places else a.edge.target
    dx = plan.shift(plan.column(inside))
    template = plan.edges[pair]
    path = [(x + dx, y) for x, y in template.path]
    if a.edge.target not in plan.places:
        b = plan.shape[a.edge.target].box
        end = (min(max(path[-1][0], b.x - b.width / 3), b.x + b.width / 3), b.y + b.height / 2)
        path += _upright(path[-1], end)[1:]
    elif a.edge.source not in plan.places:
        b = plan.shape[a.edge.source].box
        side = b.height / 2 if a.edge.source in plan.above else -b.height / 2
        start = (min(max(path[0][0], b.x - b.width / 3), b.x + b.width / 3), b.y + side)
        path = [*_upright(start, path[0]), *path[1:]]
    a.edge.path = path
    if template.label and a.edge.width:
        a.edge.label = Box("", *label_size(a.label, a.kind), template.label.x + dx, template.label.y)


def _upright(start: Point, end: Point) -> list[Point]:
    middle = (start[1] + end[1]) / 2
    return [start, (start[0], middle), (end[0], middle), end]


def _across(plan: _Plan, a: Arrow, track: int) -> None:
    """From one column to another: sideways where nothing is in the way, else through the gaps between rows."""
    b, c = plan.shape[a.edge.source].box, plan.shape[a.edge.target].box
    sign = 1.0 if c.x > b.x else -1.0
    start, end = (b.x + sign * b.width / 2, b.y), (c.x - sign * c.width / 2, c.y)
    near = abs(c.x - b.x) < 1.5 * plan.pitch
    if near and _clear(plan, b, sign) and _clear(plan, c, -sign):
        first, last = _edge_of(plan, a.edge.source, sign), _edge_of(plan, a.edge.target, -sign)
        middle = (first + last) / 2
        a.edge.path = [start, (first, b.y), (first, b.y), (first, b.y)]
        a.edge.path += [(middle, b.y), (middle, c.y), (last, c.y), (last, c.y), end, end]
        place = (middle, (b.y + c.y) / 2)
    else:
        offset = 5.0 * (track % 4) - 7.5
        gutter = _edge_of(plan, a.edge.target, -sign) - sign * (GUTTER / 2 + offset)
        top, bottom = b.y - b.height / 2 - 14 + offset / 2, c.y + c.height / 2 + 14 + offset / 2
        corners = [(b.x + 6 * sign, b.y - b.height / 2), (b.x + 6 * sign, top), (gutter, top), (gutter, bottom)]
        corners += [(c.x - 6 * sign, bottom), (c.x - 6 * sign, c.y + c.height / 2)]
        a.edge.path = rounded(corners, 9.0)
        place = (gutter, (top + bottom) / 2)
    width, height = label_size(a.label, a.kind)
    a.edge.label = Box("", width, height, *place) if width else None


def _clear(plan: _Plan, b: Box, sign: float) -> bool:
    """Whether nothing of a box's own column stands beside it on that side."""
    family = plan.places.get(b.name)
    if family is None:
        return True
    own = plan.boxes[family[0]]
    return not any(
        (o.x - own.x) * sign > 0 and abs(o.y - own.y) < (o.height + own.height) / 2
        for o in plan.boxes.values()
        if o is not own
    )


def _edge_of(plan: _Plan, name: str, sign: float) -> float:
    """The border of a box's column on that side."""
    if name not in plan.places:
        b = plan.shape[name].box
        return b.x + sign * b.width / 2
    return plan.shift(plan.column(name)) + (plan.right if sign > 0 else plan.left)


def rounded(corners: list[Point], radius: float) -> list[Point]:
    """A path along corners, each turn a quarter round."""
    path = [corners[0]]
    for (x0, y0), (x1, y1), (x2, y2) in zip(corners, corners[1:], corners[2:], strict=False):
        before, after = abs(x1 - x0) + abs(y1 - y0), abs(x2 - x1) + abs(y2 - y1)
        r = min(radius, before / 2, after / 2)
        a = (x1 - r * _sign(x1 - x0), y1 - r * _sign(y1 - y0))
        b = (x1 + r * _sign(x2 - x1), y1 + r * _sign(y2 - y1))
        path += [path[-1], a, a, (x1, y1), (x1, y1), b]
    return [*path, path[-1], corners[-1], corners[-1]]


def _sign(x: float) -> float:
    return (x > 0) - (x < 0)
