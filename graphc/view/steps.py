"""Which step of an unfolded system each box of its picture belongs to.

Tensors `s_0, s_1, ...` are the steps of one `s`. An input read only at constant places of its first axis is drawn as
one box a place, in the columns of the steps that read it, as the books draw x.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphc.view.drawing import Arrow, Shape, title_box
from graphc.view.graph import Graph
from graphc.view.layout import Edge
from graphc.view.names import split_step

Place = tuple[str, int]  # (family, step)


@dataclass
class Steps:
    """Boxes and arrows, and where the boxes that belong to a step do: {box: (family, step)}."""

    shapes: list[Shape]
    arrows: list[Arrow]
    places: dict[str, Place]


def at_steps(graph: Graph, shapes: Sequence[Shape], arrows: Sequence[Arrow]) -> Steps | None:
    """The steps of an unfolded system; None for any other."""
    if not graph.is_dag:
        return None
    places = families([n.name for n in graph.nodes if n.role == "tensor"])
    if not places:
        return None
    steps = Steps(list(shapes), list(arrows), places)
    for n in graph.nodes:
        if n.role == "input" and n.dims:
            _split_input(steps, n.name)
    return steps


def families(names: Sequence[str]) -> dict[str, Place]:
    """The tensors that are numbered members of a family with at least the members 0 and 1."""
    found = {n: place for n in names if (place := split_step(n))}
    numbers: dict[str, set[int]] = {}
    for base, step in found.values():
        numbers.setdefault(base, set()).add(step)
    return {n: (base, step) for n, (base, step) in found.items() if {0, 1} <= numbers[base]}


def _split_input(steps: Steps, name: str) -> None:
    """A box for each constant place at which an input is read, if that is how all its readers read it."""
    out = [a for a in steps.arrows if a.edge.source == name]
    at = [re.search(rf"{re.escape(name)} → .* \[(\d+)\]", a.hint) for a in out]
    whole = next((s for s in steps.shapes if s.box.name == name), None)
    if whole is None or not out or not all(at):
        return
    made: dict[int, Shape] = {}
    for a, found in zip(out, at, strict=True):
        assert found is not None
        step = int(found.group(1))
        if step not in made:
            title = [*whole.title, (f"({step})", "super")]
            below = "×".join(whole.below.split("×")[1:])
            made[step] = replace(whole, box=title_box(f"{name}[{step}]", title, below), title=title, below=below)
        a.edge = Edge(f"{name}[{step}]", a.edge.target, a.edge.width, a.edge.height)
        a.label = [run for run in a.label if f"[{step}]" not in run[0]]
    steps.shapes = [s for s in steps.shapes if s is not whole] + [made[k] for k in sorted(made)]
    steps.places.update({f"{name}[{step}]": (name, step) for step in made})
