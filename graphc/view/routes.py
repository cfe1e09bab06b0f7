"""Edges in the picture of an unfolded system: within a step as in the layout of one step, between steps sideways or
through the gaps between rows, and from the columns to what stands outside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphc.view.drawing import Arrow, Shape, label_size
from graphc.view.layout import Box, Edge, Point
from graphc.view.steps import Places

GUTTER = 44.0
UP, DOWN = "^", "_"  # the ends, in the layout of one step, of edges to what stands above and below it


@dataclass
class Plan:
    """Where things are: the layout of one step, the column of each step, and what is outside the columns."""

    places: Places
    shown: list[int]
    shape: dict[str, Shape]
    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    beside: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    lanes: dict[tuple[str, str], float] = field(default_factory=dict)
    arcs: list[tuple[str, str]] = field(default_factory=list)
    lane_room: dict[int, float] = field(default_factory=lambda: {1: 0.0, -1: 0.0})
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


def within(plan: Plan, a: Arrow) -> tuple[str, str] | None:
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


def route(plan: Plan, arrows: list[Arrow]) -> None:
    for a in arrows:
        pair = within(plan, a)
        if pair is not None:
            _follow(plan, a, pair)
        elif not between(plan, a):
            _outside(plan, a)
        else:
            _across(plan, a)


def family(plan: Plan, name: str) -> str:
    return plan.places[name][0] if name in plan.places else name


def _follow(plan: Plan, a: Arrow, pair: tuple[str, str]) -> None:
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


def _outside(plan: Plan, a: Arrow) -> None:
    """Between two boxes outside the columns; from below to above round all of them."""
    b, c = plan.shape[a.edge.source].box, plan.shape[a.edge.target].box
    if (a.edge.source in plan.above) == (a.edge.target in plan.above):
        a.edge.path = _upright((b.x, b.y - b.height / 2), (c.x, c.y + c.height / 2))
        return
    x = min(s.box.x - s.box.width / 2 for s in plan.shape.values()) - 16
    a.edge.path = rounded([(b.x - b.width / 2, b.y), (x, b.y), (x, c.y), (c.x - c.width / 2, c.y)], 9.0)


def _upright(start: Point, end: Point) -> list[Point]:
    middle = (start[1] + end[1]) / 2
    return [start, (start[0], middle), (end[0], middle), end]


def between(plan: Plan, a: Arrow) -> bool:
    """Whether an arrow goes from one column to another, those beside the steps included."""
    ends = (a.edge.source, a.edge.target)
    return within(plan, a) is None and all(n in plan.places or n in plan.beside for n in ends)


def _pair(plan: Plan, a: Arrow) -> tuple[str, str]:
    return family(plan, a.edge.source), family(plan, a.edge.target)


def _way(plan: Plan, a: Arrow) -> int:
    """1 for an arrow to a later column, -1 for one to an earlier."""
    ends = [plan.beside[n] if n in plan.beside else plan.column(n) for n in (a.edge.source, a.edge.target)]
    return 1 if ends[1] > ends[0] else -1


def give_lanes(plan: Plan, crossing: Iterable[Arrow]) -> float:
    """Give every kind of edge between columns that has to go round something a lane of its own, as wide as its label,
    in front of the columns it goes to. Returns how wide the space between columns has to be."""
    wide = 0.0
    for a in crossing:
        width = a.edge.width + 8
        if _sideways(plan, a):
            wide = max(wide, width + 6)
        elif _pair(plan, a) not in plan.lanes:
            way = _way(plan, a)
            plan.lanes[_pair(plan, a)] = plan.lane_room[way] + width / 2 + 6
            plan.lane_room[way] += width
    return GUTTER + wide + sum(plan.lane_room.values())


def _sideways(plan: Plan, a: Arrow) -> bool:
    """Whether an arrow goes to the next column with nothing in its way."""
    ends = [plan.beside[n] if n in plan.beside else plan.column(n) for n in (a.edge.source, a.edge.target)]
    way = _way(plan, a)
    return abs(ends[1] - ends[0]) == 1 and is_clear(plan, a.edge.source, way) and is_clear(plan, a.edge.target, -way)


def _across(plan: Plan, a: Arrow) -> None:
    """From one column to another: sideways where nothing is in the way, else through the gaps between rows."""
    b, c, way = plan.shape[a.edge.source].box, plan.shape[a.edge.target].box, _way(plan, a)
    if _sideways(plan, a):
        first = border(plan, a.edge.source, way) + way * plan.lane_room[-way]
        last = border(plan, a.edge.target, -way) - way * plan.lane_room[way]
        middle = (first + last) / 2
        a.edge.path = [(b.x + way * b.width / 2, b.y), (first, b.y), (first, b.y), (first, b.y)]
        a.edge.path += [(middle, b.y), (middle, c.y), (last, c.y)]
        a.edge.path += [(last, c.y), (c.x - way * c.width / 2, c.y), (c.x - way * c.width / 2, c.y)]
        between = any(min(b.y, c.y) < o.y < max(b.y, c.y) for o in plan.boxes.values())
        s = 0.7 if between else 0.5  # along the curve, past the rows between
        place = (first + (last - first) * (1.5 * s - 1.5 * s * s + s**3), b.y + (c.y - b.y) * (3 * s * s - 2 * s**3))
    elif b.y == c.y:  # over the boxes between, and down again
        if _pair(plan, a) not in plan.arcs:
            plan.arcs.append(_pair(plan, a))
        level = plan.arcs.index(_pair(plan, a)) % 3
        lag = max(round(abs(c.x - b.x) / plan.pitch), 1)
        top = b.y - b.height / 2 - 12 - 6 * (round(b.x / plan.pitch) % lag) - 8 * level
        corners = [(b.x + 7 * way, b.y - b.height / 2), (b.x + 7 * way, top)]
        corners += [(c.x - 7 * way, top), (c.x - 7 * way, c.y - c.height / 2)]
        a.edge.path, place = rounded(corners, 9.0), (b.x + (c.x - b.x) * (0.5 + 0.17 * (level - 1)), top)
    else:
        number = list(plan.lanes).index(_pair(plan, a)) % 4
        lane = border(plan, a.edge.target, -way) - way * plan.lanes[_pair(plan, a)]
        top, bottom = b.y - b.height / 2 - 10 - 3 * number, c.y + c.height / 2 + 10 + 3 * number
        corners = [(b.x + 7 * way, b.y - b.height / 2), (b.x + 7 * way, top), (lane, top), (lane, bottom)]
        corners += [(c.x - 7 * way, bottom), (c.x - 7 * way, c.y + c.height / 2)]
        a.edge.path, place = rounded(corners, 9.0), (lane, c.y - c.height / 2 - 16)
    width, height = label_size(a.label, a.kind)
    a.edge.label = Box("", width, height, *place) if width else None


def is_clear(plan: Plan, name: str, sign: float) -> bool:
    """Whether nothing of a box's own column stands beside it on that side."""
    if name not in plan.places:
        return True
    own = plan.boxes[plan.places[name][0]]
    return not any(
        (o.x - own.x) * sign > 0 and abs(o.y - own.y) < (o.height + own.height) / 2
        for o in plan.boxes.values()
        if o is not own
    )


def border(plan: Plan, name: str, sign: float) -> float:
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
