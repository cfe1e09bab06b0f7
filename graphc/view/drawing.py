"""Shapes and arrows as SVG text. Nothing outside is needed to show it, and its own light ground keeps it readable on
a dark page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from graphc.view.layout import Box, Edge, Point
from graphc.view.names import Run

SIZE, SMALL = 17.0, 11.0
MARGIN, LINE = 18.0, 15.0
_SERIF = "'STIX Two Text','Latin Modern Roman','Cambria','Times New Roman','DejaVu Serif',serif"
_SANS = "'Helvetica Neue',Arial,'DejaVu Sans',sans-serif"
_COLOURS = {  # role: (ground, line)
    "input": ("#e6f0fa", "#3572a8"),
    "param": ("#fdf0da", "#b3771a"),
    "tensor": ("#ffffff", "#4a4f57"),
    "result": ("#e7f5e8", "#38853c"),
    "group": ("#f0ecf7", "#6b569c"),
}
_LINES = {
    "plain": ("#5b6069", ""),
    "delay": ("#b0342c", "6 3"),
    "data": ("#6b569c", "2 3"),
    "start": ("#8a8f98", "3 3"),
}


@dataclass
class Shape:
    """A box with a title and a smaller line below it; `hint` shows when it is pointed at."""

    box: Box
    title: list[Run]
    below: str = ""
    role: str = "tensor"
    hint: str = ""


@dataclass
class Arrow:
    """An edge with the lines of its label, behind a square if it is a delay."""

    edge: Edge
    label: list[list[Run]] = field(default_factory=list)
    kind: str = "plain"
    hint: str = ""


@dataclass
class Picture:
    """What is drawn. `notes`: lines of text below it; `marks`: text at points."""

    shapes: list[Shape]
    arrows: list[Arrow]
    notes: list[str] = field(default_factory=list)
    marks: list[tuple[Point, str]] = field(default_factory=list)

    def svg(self) -> str:
        """A document of its own."""
        left, top, right, bottom = self._frame()
        width, height = right - left, bottom - top
        body = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
            f'viewBox="{_n(left)} {_n(top)} {_n(width)} {_n(height)}" role="img" font-family="{_SERIF}">',
            f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(width)}" height="{_n(height)}" rx="8" fill="#fcfcfb"/>',
        ]
        body += [_arrow(a) for a in self.arrows]
        body += [_shape(s) for s in self.shapes]
        body += [_label(a) for a in self.arrows if a.edge.label]
        body += [_text([(text, "upright")], x, y, SIZE) for (x, y), text in self.marks]
        y = bottom - MARGIN - (len(self.notes) - 1) * 1.5 * SMALL
        for k, note in enumerate(self.notes):
            body.append(
                _text([(note, "upright")], left + MARGIN, y + k * 1.5 * SMALL, SMALL, anchor="start", font=_SANS)
            )
        return "\n".join(body) + "\n</svg>\n"

    def _frame(self) -> tuple[float, float, float, float]:
        boxes = [s.box for s in self.shapes] + [a.edge.label for a in self.arrows if a.edge.label]
        xs = [b.x + d * b.width / 2 for b in boxes for d in (-1, 1)] + [x for a in self.arrows for x, _ in a.edge.path]
        ys = [b.y + d * b.height / 2 for b in boxes for d in (-1, 1)] + [y for a in self.arrows for _, y in a.edge.path]
        left, top = min(xs, default=0.0) - MARGIN, min(ys, default=0.0) - MARGIN
        wide = max((measure([(note, "upright")], SMALL) for note in self.notes), default=0.0)
        right = max(max(xs, default=0.0) + MARGIN, left + wide + 2 * MARGIN)
        bottom = max(ys, default=0.0) + MARGIN + (len(self.notes) * 1.5 * SMALL + 8 if self.notes else 0)
        return left, top, right, bottom


def title_box(name: str, title: Sequence[Run], below: str) -> Box:
    """A box large enough for its text."""
    width = max(measure(title, SIZE), measure([(below, "upright")], SMALL)) + 20
    return Box(name, max(width, 40.0), 46.0 if below else 34.0)


def label_size(label: Sequence[Sequence[Run]], kind: str) -> tuple[float, float]:
    """The size of an arrow's label (none: nothing)."""
    if not label and kind != "delay":
        return 0.0, 0.0
    wide = max((measure(line, SMALL + 1) for line in label), default=0.0)
    return wide + (14 if kind == "delay" else 0) + 6, 3 + LINE * max(len(label), 1)


def measure(text: Iterable[Run], size: float) -> float:
    """About how wide text is, rather more than less: no font is asked."""
    total = 0.0
    for part, style in text:
        scale = 0.7 if style == "super" else 1.0
        total += scale * sum(_advance(c) for c in part)
    return total * size


def _advance(c: str) -> float:
    if "\u0300" <= c <= "\u036f":
        return 0.0
    if c in "iljtfI.,:;'|![]() ":
        return 0.42
    if c in "mwMW—⋯×":
        return 0.98
    return 0.74 if c.isupper() else 0.64


def _n(x: float) -> str:
    return (
        f"{x:.1f}".rstrip("0").rstrip(".").replace("-0", "0") if abs(x) < 0.05 else f"{x:.1f}".rstrip("0").rstrip(".")
    )


def _text(
    text: Sequence[Run],
    x: float,
    y: float,
    size: float,
    anchor: str = "middle",
    font: str = "",
    colour: str = "#1f2329",
) -> str:
    """Text on a base line."""
    parts, raised = [], False
    for part, style in text:
        attributes = ' font-style="italic"' if style == "italic" else ""
        if style == "super":
            attributes = f' font-size="{_n(size * 0.7)}" dy="{_n(-0.38 * size)}"'
        elif raised:
            attributes += f' dy="{_n(0.38 * size)}"'
        raised = style == "super"
        parts.append(f"<tspan{attributes}>{escape(part)}</tspan>")
    family = f' font-family="{font}"' if font else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}" fill="{colour}"{family}>'
        f"{''.join(parts)}</text>"
    )


def _shape(s: Shape) -> str:
    b = s.box
    ground, line = _COLOURS[s.role]
    body = (
        f'<rect x="{_n(b.x - b.width / 2)}" y="{_n(b.y - b.height / 2)}" width="{_n(b.width)}" height="{_n(b.height)}" '
        f'rx="{_n(min(b.height, b.width) * 0.3)}" fill="{ground}" stroke="{line}" stroke-width="1.4"/>'
    )
    body += _text(s.title, b.x, b.y + (-1 if s.below else 6), SIZE)
    if s.below:
        body += _text([(s.below, "upright")], b.x, b.y + 15, SMALL, font=_SANS, colour="#666c76")
    return f'<g class="node" data-name="{escape(b.name)}"><title>{escape(s.hint)}</title>{body}</g>'


def _arrow(a: Arrow) -> str:
    path = _shortened(a.edge.path)
    colour, dashes = _LINES[a.kind]
    head, *rest = [f"{_n(x)} {_n(y)}" for x, y in path]
    curves = " ".join(f"C{rest[k]} {rest[k + 1]} {rest[k + 2]}" for k in range(0, len(rest), 3))
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<g class="edge" data-from="{escape(a.edge.source)}" data-to="{escape(a.edge.target)}">'
        f"<title>{escape(a.hint)}</title>"
        f'<path d="M{head} {curves}" fill="none" stroke="{colour}" stroke-width="1.3"{dashed}/>'
        f'<polygon points="{_head(a.edge.path)}" fill="{colour}"/></g>'
    )


def _direction(path: Sequence[Point]) -> Point:
    """The unit vector in which a path arrives."""
    (x1, y1) = path[-1]
    for x0, y0 in reversed(path[:-1]):
        length = math.hypot(x1 - x0, y1 - y0)
        if length > 0.5:
            return (x1 - x0) / length, (y1 - y0) / length
    return 0.0, 1.0


def _shortened(path: Sequence[Point]) -> list[Point]:
    """The path up to the base of its arrow head."""
    dx, dy = _direction(path)
    x, y = path[-1]
    end = (x - 5 * dx, y - 5 * dy)
    return [*path[:-1], end]


def _head(path: Sequence[Point]) -> str:
    dx, dy = _direction(path)
    x, y = path[-1]
    points = [(x, y), (x - 8 * dx - 3.4 * dy, y - 8 * dy + 3.4 * dx), (x - 8 * dx + 3.4 * dy, y - 8 * dy - 3.4 * dx)]
    return " ".join(f"{_n(px)},{_n(py)}" for px, py in points)


def _label(a: Arrow) -> str:
    b = a.edge.label
    assert b is not None
    width, height = label_size(a.label, a.kind)
    left = b.x - width / 2
    colour = _LINES[a.kind][0]
    body = (
        f'<rect x="{_n(left)}" y="{_n(b.y - height / 2)}" width="{_n(width)}" height="{_n(height)}" rx="4" '
        'fill="#fcfcfb"/>'
    )
    if a.kind == "delay":
        body += f'<rect x="{_n(left + 3)}" y="{_n(b.y - 4.5)}" width="9" height="9" fill="{colour}"/>'
        left += 14
    middle = (left + b.x + width / 2) / 2
    y = b.y + 4 - LINE * (len(a.label) - 1) / 2
    for k, line in enumerate(a.label):
        body += _text(line, middle, y + k * LINE, SMALL + 1, colour=colour if a.kind == "delay" else "#3a3f47")
    return f'<g class="label"><title>{escape(a.hint)}</title>{body}</g>'
