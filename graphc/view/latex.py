r"""A system as LaTeX, as a book would write it: one line a case of each equation.

    \begin{aligned}
    a_{t,i} &= \sum_{j=0}^{H - 1} W_{i,j}\, s_{t-1,j} + b_{i} \\
    s_{-1,i} &= 0
    \end{aligned}

Each term is rewritten over the coordinates of the element it contributes to (`ds[t-1,j] += ..` becomes
`ds_{t,j} = .. t+1 ..`), so that all contributions to the same elements stand in one right side. Where a line holds
for less than the declared elements, a condition stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import islpy as isl

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Op, indices_of, substitute
from graphc.equations.ops import REDUCTIONS, SELECTIONS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Equation, System, Term
from graphc.view import sets
from graphc.view.formula import COMPARE, PRODUCT, SUM, Formula, bracket, compact, join_product, join_sum, number

MAX, MIN, LE = r"\max", r"\min", r"\le"


@dataclass
class Line:
    """left = right, under each of the conditions (none: everywhere)."""

    left: str
    right: str
    conditions: list[str] = field(default_factory=list)
    sign: str = "="

    def __str__(self) -> str:
        beside = r" \;\text{or}\; ".join(self.conditions)
        return f"{self.left} &{self.sign} {self.right}" + (rf" && {beside}" if beside else "")


@dataclass(frozen=True)
class Part:
    """A term over the coordinates of what it writes: `value` summed over `reduced`, at `points`.

    `points` runs over the coordinates, then the reduced indices; `target` over the coordinates alone.
    """

    points: Domain
    target: isl.Set
    reduced: tuple[Index, ...]
    value: Expr


def latex(system: Any) -> str:
    """All equations of a system (the user's or the representation's) in one `aligned` block."""
    ir: System = getattr(system, "ir", system)
    lines = [str(line) for eq in ir.equations for line in equation_lines(ir, eq)]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def repr_latex(system: Any) -> str:
    """The same for a notebook's `_repr_latex_`."""
    return rf"$\displaystyle {latex(system)}$"


def equation_lines(system: System, eq: Equation) -> list[Line]:
    """The lines of one equation, those with the same two sides put together."""
    return _Writer(system, eq).lines()


class _Writer:
    """Writes one equation; holds the coordinates all its terms are rewritten to."""

    def __init__(self, system: System, eq: Equation) -> None:
        self.system, self.eq = system, eq
        self.context = sets.nonempty(system)
        self.known = {t.name for t in system.tensors}
        self.coordinates = tuple(Index(name) for name in _coordinate_names(eq))
        self.found: dict[tuple[str, str, str], Line] = {}

    def lines(self) -> list[Line]:
        parts, raw = [], []
        for term in self.eq.terms:
            part = self._rewritten(term)
            raw.append(term) if part is None else parts.append(part)
        if raw and self.eq.reduce != "assign":
            raw, parts = list(self.eq.terms), []
        for target, members in self._cases(parts):
            self._case(Domain(self.coordinates, target), members)
        for term in raw:
            self._raw(term)
        if not raw and self.eq.reduce != "assign":
            empty = reduce(isl.Set.subtract, (p.target for p in parts), self.eq.defined)
            self._case(Domain(self.coordinates, empty), [])
        return list(self.found.values())

    def _rewritten(self, term: Term) -> Part | None:
        """The term over its target's coordinates, or None where these do not determine its indices simply."""
        inverse: dict[Any, Expr] = {}
        for coordinate, w in zip(self.coordinates, term.write, strict=True):
            parts, _ = affine_parts(w)
            here = [leaf for leaf in parts if isinstance(leaf, Index)]
            if len(here) > 1 or any(abs(parts[i]) != 1 or i in inverse for i in here):
                return None
            if any(isinstance(leaf, Op) or leaf.kind == "int" for leaf in parts):
                return None
            for i in here:
                inverse[i] = i + (coordinate - w) if parts[i] == 1 else i - (coordinate - w)
        reduced = tuple(i for i in term.domain.indices if i not in inverse)
        image = term.domain.image((*term.write, *reduced))
        points = Domain((*self.coordinates, *reduced), image)
        return Part(points, points.project(self.coordinates).set, reduced, substitute(term.value, inverse))

    def _cases(self, parts: list[Part]) -> list[tuple[isl.Set, list[Part]]]:
        """Disjoint sets of elements and the parts that contribute to each, in the parts' order."""
        cases: list[tuple[isl.Set, list[Part]]] = []
        for part in parts:
            rest = part.target.intersect_params(self.context)
            split: list[tuple[isl.Set, list[Part]]] = []
            for target, members in cases:
                split += [(target & rest, [*members, part]), (target - rest, members)]
                rest = rest - target
            cases = [(s, members) for s, members in (*split, (rest, [part])) if not s.is_empty()]
        return cases

    def _case(self, target: Domain, members: list[Part]) -> None:
        for piece in sets.pieces(target, self.context):
            at: dict[Any, Expr] = dict(piece.fixed)
            addends: list[tuple[str, str]] = []
            for member in members:
                inside = member.points & piece.domain.extend(member.reduced)
                names = self._names(member.reduced, at)
                for p in sets.pieces(inside, self.context):
                    addends.append(self._contribution(p, member, Formula(names, self.known)))
            show = Formula(self._names((), at), self.known)
            left = show.element(self.eq.tensor.name, [show(at.get(c, c)) for c in self.coordinates])[0]
            right = self._joined(addends) if addends else number(REDUCTIONS[self.eq.reduce].identity)[0]
            axes = dict(zip(self.coordinates, self.eq.tensor.dims, strict=True))
            self._add(left, right, self._condition(piece, show, axes))

    def _contribution(self, piece: sets.Piece, part: Part, show: Formula) -> tuple[str, str]:
        """The sign and the text of one addend (factor, ...), its sums before it."""
        value = substitute(part.value, dict(piece.fixed)) if piece.fixed else part.value
        free = [i for i in part.reduced if i not in piece.fixed]
        for i in free:
            piece.lowers[i], piece.uppers[i] = sets.bounds(piece, i, self.context)
        bounds = _bounds(self.eq.reduce, piece, free, show)
        additive = self.eq.reduce in ("sum", "assign")
        sign, text = show.signed(value) if additive else ("", show.text(value))
        loose = SUM if additive and not bounds and not sign else PRODUCT
        return sign, bounds + (" " if bounds else "") + bracket(text, loose)

    def _joined(self, addends: list[tuple[str, str]]) -> str:
        match self.eq.reduce:
            case "sum" | "assign":
                return join_sum(addends)
            case "prod":
                return join_product([text for _, text in addends])
            case big if len(addends) == 1:
                return addends[0][1]
            case big:
                return rf"{REDUCTIONS[big].big}\left({', '.join(text for _, text in addends)}\right)"

    def _raw(self, term: Term) -> None:
        """A term whose left side is no plain element: as it is, with += where several points write one element."""
        reduced = term.reduced
        for piece in sets.pieces(term.domain, self.context):
            show = Formula(known=self.known)
            left = show.element(self.eq.tensor.name, [show(w) for w in term.write])[0]
            sign, right = self._contribution(piece, Part(term.domain, term.domain.set, reduced, term.value), show)
            axes = {w: d for w, d in zip(term.write, self.eq.tensor.dims, strict=True) if isinstance(w, Index)}
            written = {i: axes.get(i) for i in term.domain.indices if i not in reduced}
            into = "=" if self.eq.reduce == "assign" else rf"\mathrel{{{REDUCTIONS[self.eq.reduce].assigns}}}"
            self._add(left, sign + right, self._condition(piece, show, written), into)

    def _names(self, reduced: Iterable[Index], fixed: dict[Any, Expr]) -> dict[Index, str]:
        """How each index is shown: every one differently, a reduced one by a name that no coordinate has."""
        names = {c: c.name for c in self.coordinates}
        taken = {c.name for c in self.coordinates if c not in fixed}
        spare = [i.name for term in self.eq.terms for i in term.domain.indices if i.name not in names.values()]
        for index in reduced:
            name = next((n for n in (index.name, *spare) if n not in taken), index.name)
            while name in taken:
                name += "'"
            names[index] = name
            taken.add(name)
        return names

    def _condition(self, piece: sets.Piece, show: Formula, axes: dict[Index, Any]) -> str:
        """What must hold of the indices in `axes`, those left out that run over their whole axis."""
        found = []
        for index, dim in axes.items():
            if index not in piece.fixed and (dim is None or not sets.is_whole(piece, index, dim, self.context)):
                found.append(_chain(piece, index, show))
        inner = set(piece.domain.indices) - set(axes)
        found += [show(c) for c in piece.others if not indices_of(c) & inner]
        return ",\\; ".join(f for f in found if f)

    def _add(self, left: str, right: str, condition: str, sign: str = "=") -> None:
        line = self.found.setdefault((left, right, sign), Line(left, right, sign=sign))
        if condition:
            line.conditions.append(condition)


def _coordinate_names(eq: Equation) -> list[str]:
    """A name for each axis: that of the first index written to it alone, no name twice."""
    found: list[str] = []
    for axis in range(len(eq.tensor.dims)):
        here = [i.name for t in eq.terms for i in affine_parts(t.write[axis])[0] if isinstance(i, Index)]
        name = next((n for n in here if n not in found), here[0] if here else f"i_{axis}")
        while name in found:
            name += "'"
        found.append(name)
    return found


def _bounds(kind: str, piece: sets.Piece, free: list[Index], show: Formula) -> str:
    """The sum signs of the reduced indices with their ranges."""
    sign = REDUCTIONS[kind].big if kind in REDUCTIONS else REDUCTIONS["sum"].big
    others = {i: [show(c) for c in piece.others if i in indices_of(c)] for i in free}
    if kind in SELECTIONS:
        conditions = [c for i in free for c in (_chain(piece, i, show), *others[i])]
        return rf"{sign}_{{{', '.join(conditions)}}}" if free else ""
    return "".join(_range(sign, piece, i, others[i], show) for i in free)


def _range(sign: str, piece: sets.Piece, index: Index, others: list[str], show: Formula) -> str:
    lowers, uppers = piece.lowers.get(index, ()), piece.uppers.get(index, ())
    if others or not lowers or not uppers:
        return rf"{sign}_{{{', '.join([_chain(piece, index, show), *others])}}}"
    low, high = _extreme(MAX, lowers, show), _extreme(MIN, uppers, show)
    return rf"{sign}_{{{show(index)}={compact(low)}}}^{{{compact(high)}}}"


def _extreme(function: str, bounds: tuple[Expr, ...], show: Formula) -> str:
    if len(bounds) == 1:
        return show(bounds[0])
    return rf"{function}({', '.join(show(b) for b in bounds)})"


def _chain(piece: sets.Piece, index: Index, show: Formula) -> str:
    r"""`0 \le t < T`."""
    lowers, uppers = piece.lowers.get(index, ()), piece.uppers.get(index, ())
    text = show(index, COMPARE)
    # t <= T - 1 reads better as t < T, and i + 1 <= j as i < j; t <= 2 is best as it is.
    if lowers:
        strict = all(affine_parts(b)[1] > 0 and not isinstance(b, Const) for b in lowers)
        shown = tuple(b - 1 for b in lowers) if strict else lowers
        text = f"{_extreme(MAX, shown, show)} {'<' if strict else LE} {text}"
    if uppers:
        strict = all(affine_parts(b)[1] < 0 and not isinstance(b, Const) for b in uppers)
        shown = tuple(b + 1 for b in uppers) if strict else uppers
        text += f" {'<' if strict else LE} {_extreme(MIN, shown, show)}"
    return text if lowers or uppers else ""
