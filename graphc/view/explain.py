"""What is found in a system: its recurrences and their loops, what runs in parallel and why, work and memory.

Which loops there are is asked of the scheduler, with all that nobody reads for outputs. The compiler's own program, if
there is one, is shown behind it as it prints itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import sympy as sp

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Op, indices_of, reads
from graphc.equations.printing import show
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.view import count
from graphc.view.recurrence import Lag, Level, Recurrence, carries, recurrences
from graphc.view.sets import nonempty


@dataclass(frozen=True)
class Section:
    """A title, a head (may be empty) and rows of text."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Explanation:
    """Prints as text; in a notebook or by rich, as tables. `found` are the recurrences, for programs to look at."""

    sections: tuple[Section, ...]
    found: tuple[Recurrence, ...]
    work: Any
    more: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        parts = [_plain(s) for s in self.sections]
        parts += [f"{title}\n" + "\n".join("  " + line for line in text.splitlines()) for title, text in self.more]
        return "\n\n".join(parts)

    __repr__ = __str__

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        parts: list[Any] = []
        for s in self.sections:
            table = Table(title=s.title, title_justify="left", title_style="bold", box=None, show_header=bool(s.head))
            for k in range(max(map(len, s.rows))):
                table.add_column(s.head[k] if k < len(s.head) else "", style="" if k else "cyan", header_style="dim")
            for row in s.rows:
                table.add_row(*(Text(cell) for cell in row))
            parts += [table, ""]
        for title, text in self.more:
            parts += [Text(title, style="bold"), Text(text), ""]
        return Group(*parts)

    def _repr_html_(self) -> str:
        parts = []
        for s in self.sections:
            head = "".join(f"<th>{escape(h)}</th>" for h in s.head)
            rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in s.rows)
            parts.append(f"<h4>{escape(s.title)}</h4><table>{f'<tr>{head}</tr>' if head else ''}{rows}</table>")
        parts += [f"<h4>{escape(title)}</h4><pre>{escape(text)}</pre>" for title, text in self.more]
        return "\n".join(parts)


def explain(system: Any, program: object = None, plan: object = None) -> Explanation:
    """What is found in a system (the user's or the representation's); `plan` and `program` are put behind it."""
    ir: System = getattr(system, "ir", system)
    found = recurrences(ir)
    work, work_rows = _work(ir, found)
    sections = [Section("Sizes", (), tuple((n, f"at least {low}") for n, low in sorted(ir.least.items())))]
    sections.append(Section("Tensors", ("name", "dims", "role"), tuple(_tensors(ir))))
    rows = [row for r in found for row in _recurrence(ir, r)] or [("none: every element can be computed at once",)]
    sections.append(Section("Recurrences", (), tuple(rows)))
    parallel = tuple(_parallel(ir, found))
    if parallel:
        sections.append(Section("Parallel", (), parallel))
    sections.append(Section("Work", ("equation", "operations", "where"), tuple(work_rows)))
    sections.append(
        Section("Memory, besides what a call returns", ("tensor", "elements", "needed"), tuple(_memory(ir, found)))
    )
    more = [(title, str(thing)) for title, thing in (("Plan", plan), ("Program", program)) if thing is not None]
    return Explanation(tuple(s for s in sections if s.rows), tuple(found), work, tuple(more))


def _plain(s: Section) -> str:
    rows = [s.head, *s.rows] if s.head else list(s.rows)
    widths = [max(len(row[k]) for row in rows if k < len(row)) for k in range(max(map(len, rows)))]
    lines = ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=False)).rstrip() for row in rows]
    return "\n".join([s.title, *lines])


def _tensors(ir: System) -> list[tuple[str, str, str]]:
    return [(t.name, " × ".join(map(_dim, t.dims)) or "scalar", t.role) for t in ir.tensors]


def _dim(e: Expr) -> str:
    return f"({show(e)})" if isinstance(e, Op) and e.name in ("add", "sub") else show(e)


def _recurrence(ir: System, r: Recurrence) -> list[tuple[str, ...]]:
    names = ", ".join(t.name for t in r.tensors)
    rows: list[tuple[str, ...]] = []
    for depth, level in enumerate(r.levels):
        way = "forwards" if level.direction > 0 else "backwards"
        inner = "inside it, " if depth else ""
        one = f"one diagonal {level.index}" if level.is_wavefront else f"one step of {level.index}"
        rows.append((names, f"{inner}{one} after another, {way}"))
        rows += [("", f"  {lag.read}: {_lag(lag)}") for lag in level.lags]
    if r.readers:
        also = ", ".join(t.name for t in r.readers)
        rows.append(("", f"  in the same loop, since they read its last steps only: {also}"))
    for t in r.tensors:
        for term in ir.by_tensor[t].terms:
            along = [term.write[axis] for axis in r.levels[0].axes[t]]
            if reads(term.value) and not carries(r, term) and any(map(indices_of, along)):
                rows.append(
                    ("", f"  leaves the loop: {show(term.value)} (all {r.levels[0].index} of {t.name} at once)")
                )
    return rows


def _lag(lag: Lag) -> str:
    if lag.data:
        return "read from data, which must point at what is computed before"
    return f"lag {lag.steps}" if lag.steps else "lag varies"


def _parallel(ir: System, found: Sequence[Recurrence]) -> list[tuple[str, str]]:
    """Which tensors have all elements along a recurrence's index computed at once, and what is free inside its loop."""
    indices = list(dict.fromkeys(r.levels[0].index for r in found))
    inside = {t for r in found for t in (*r.tensors, *r.readers)}
    rows = []
    for name in indices:
        free = [eq.tensor.name for eq in ir.equations if eq.tensor not in inside and name in _written(eq)]
        if free:
            rows.append((f"over {name}", f"{', '.join(free)}: on no cycle, so every {name} at once"))
    for r in found:
        looped = {name for level in r.levels for name in (() if level.is_wavefront else level.index.split(" + "))}
        within = list(dict.fromkeys(i for t in r.tensors for i in _written(ir.by_tensor[t]) if i not in looped))
        if within:
            names = ", ".join(t.name for t in r.tensors)
            rows.append((f"over {', '.join(within)}", f"{names}: within {_step(r.levels[0])}, nothing on the cycle"))
    return rows


def _step(level: Level) -> str:
    return f"a diagonal {level.index}" if level.is_wavefront else f"a step of {level.index}"


def _written(eq: Equation) -> list[str]:
    return list(dict.fromkeys(i.name for term in eq.terms for w in term.write for i in _by_age(indices_of(w))))


def _by_age(indices: set[Index]) -> list[Index]:
    return sorted(indices, key=lambda i: i.uid)


def _work(ir: System, found: Sequence[Recurrence]) -> tuple[Any, list[tuple[str, str, str]]]:
    """The operations of each equation, inside its loop and outside, and in all."""
    context = nonempty(ir)
    total, looped, exact = sp.Integer(0), sp.Integer(0), True
    rows: list[tuple[str, str, str]] = []
    for eq in ir.equations:
        r = next((r for r in found if eq.tensor in (*r.tensors, *r.readers)), None)
        sums: dict[str, Any] = {}
        for term in eq.terms:
            points, sure = count.points(term.domain, context)
            exact &= sure
            where = _where(r, term)
            sums[where] = sums.get(where, 0) + points * _per_point(eq, term)
        for where, formula in sums.items():
            if formula != 0:
                rows.append((eq.tensor.name, count.text(sp.factor_terms(formula)), where))
                total += formula
                looped += formula if where != "parallel" else 0
    total = sp.expand(total)
    if rows:
        rows.append(("in all", ("" if exact else "at most ") + count.text(total), ""))
    if looped != 0:
        rows.append(("of it in loops", count.text(sp.expand(looped)), ""))
    return total, rows


def _where(r: Recurrence | None, term: Term) -> str:
    if r is None or not carries(r, term):
        return "parallel"
    return f"loop over {r.levels[0].index}"


def _per_point(eq: Equation, term: Term) -> int:
    reduces = eq.reduce != "assign" and (len(eq.terms) > 1 or len(term.reduced) > 0)
    return count.operations(term.value) + int(reduces)


def _memory(ir: System, found: Sequence[Recurrence]) -> list[tuple[str, str, str]]:
    context = nonempty(ir)
    rows = []
    for eq in ir.equations:
        indices = tuple(Index(f"i{k}") for k in range(len(eq.tensor.dims)))
        elements, exact = count.points(Domain(indices, eq.defined), context)
        rows.append(
            (eq.tensor.name, ("" if exact else "at most ") + count.text(elements), _needed(ir, eq.tensor, found))
        )
    return rows


def _needed(ir: System, tensor: Tensor, found: Sequence[Recurrence]) -> str:
    """How much of a tensor must be kept for those who read it."""
    readers = [(eq.tensor, read) for eq in ir.equations for _, read in eq.reads() if read.tensor is tensor]
    if not readers:
        return "a result"
    r = next((r for r in found if tensor in r.tensors), None)
    if r is None:
        return "read by " + ", ".join(dict.fromkeys(t.name for t, _ in readers))
    outside = dict.fromkeys(t.name for t, _ in readers if t not in (*r.tensors, *r.readers))
    if outside:
        return f"every {r.levels[0].index}, for {', '.join(outside)}"
    if any(t in r.readers for t, _ in readers):
        return f"the last steps of {r.levels[0].index}"
    return _window(r.levels[0], tensor)


def _window(level: Level, tensor: Tensor) -> str:
    """What the loop itself reads again of a tensor."""
    own = [lag.steps for lag in level.lags if lag.read.startswith(f"{tensor.name}[")]
    if None in own:
        return f"every {level.index} before"
    steps = max((abs(lag) for lag in own if lag), default=0)
    if not steps:
        return f"within a step of {level.index}"
    return f"the last {steps} steps of {level.index}" if steps > 1 else f"the last step of {level.index}"
