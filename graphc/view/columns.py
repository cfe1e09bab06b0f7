"""The picture of an unfolded system: a column a step, time from left to right, what is computed first at the bottom.

One step is laid out in layers, and every column is a copy of it. Edges from step to step run between the columns; what
belongs to no step stands above (if it collects from the steps), below, or beside the first or last one (a start value).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from graphc.view.drawing import Arrow, Picture, Shape
from graphc.view.layout import Box, Edge, acyclic, layered, rank, spread
from graphc.view.routes import DOWN, UP, Plan, between, give_lanes, route, within
from graphc.view.steps import Places

ROW = 40.0


def columns(shapes: list[Shape], arrows: list[Arrow], places: Places, max_nodes: int) -> Picture:
    """The picture; of too many steps the first two and the last."""
    every = sorted({step for _, step in places.values()})
    few = len(shapes) <= max_nodes or len(every) <= 3
    plan = Plan(
        places, every if few else [k for k in every if k <= 1 or k == every[-1]], {s.box.name: s for s in shapes}
    )
    gone = {n for n, (_, step) in places.items() if step not in plan.shown}
    arrows = [a for a in arrows if a.edge.source not in gone and a.edge.target not in gone and not _skips(plan, a)]
    shapes = [s for s in shapes if s.box.name not in gone]
    _outside(plan, shapes, arrows)
    _one_step(plan, shapes, arrows)
    _place(plan, shapes, arrows)
    route(plan, arrows)
    marks = []
    if not few:
        x = plan.shift(len(plan.shown) - 2) + (plan.right + plan.pitch + plan.left) / 2
        ys = [s.box.y for s in shapes if s.box.name in places]
        marks.append(((x, (min(ys) + max(ys)) / 2), "⋯"))
    return Picture(shapes, arrows, marks=marks)


def _skips(plan: Plan, a: Arrow) -> bool:
    """Whether what lies between the two steps of an arrow is not shown."""
    if a.edge.source not in plan.places or a.edge.target not in plan.places:
        return False
    steps = abs(plan.places[a.edge.source][1] - plan.places[a.edge.target][1])
    return steps != abs(plan.column(a.edge.source) - plan.column(a.edge.target))


def _outside(plan: Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
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


def _one_step(plan: Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
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
        pair = within(plan, a)
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
    plan.pitch = plan.right - plan.left + give_lanes(plan, [a for a in arrows if between(plan, a)])


def _upside_down(plan: Plan) -> None:
    for b in plan.boxes.values():
        b.y = -b.y
    for edge in plan.edges.values():
        edge.path = [(x, -y) for x, y in edge.path]
        if edge.label:
            edge.label.y = -edge.label.y


def _place(plan: Plan, shapes: list[Shape], arrows: list[Arrow]) -> None:
    for s in shapes:
        if s.box.name in plan.places:
            b = plan.boxes[plan.places[s.box.name][0]]
            s.box.x, s.box.y = b.x + plan.shift(plan.column(s.box.name)), b.y
            s.box.width, s.box.height = b.width, b.height
    ys = [s.box.y + d * s.box.height / 2 for s in shapes if s.box.name in plan.places for d in (-1, 1)]
    ys += [y for e in plan.edges.values() for _, y in e.path]
    _beside(plan, arrows)
    _rows(plan, plan.above, arrows, min(ys) - ROW, -1.0)
    _rows(plan, plan.below, arrows, max(ys) + ROW, 1.0)


def _beside(plan: Plan, arrows: list[Arrow]) -> None:
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


def _rows(plan: Plan, names: list[str], arrows: list[Arrow], start: float, sign: float) -> None:
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


def _joined(plan: Plan, name: str, arrows: list[Arrow]) -> list[float]:
    ends = [
        a.edge.target if a.edge.source == name else a.edge.source
        for a in arrows
        if name in (a.edge.source, a.edge.target)
    ]
    return [plan.shape[e].box.x for e in ends if e in plan.places]


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
