"""The Program: what runs, in which order, and where values live.

Program   = system, outputs, buffers, body: Node..., broken, errors, how
Node      = Loop | Nest
Loop      = var, lower, upper, step, body           sequential; carries a recurrence
Nest      = parallel, statements                    all points of `parallel` are independent of each other
Statement = tensor, mode, domain, write, value      one term, or the initialisation of a reduction
Buffer    = tensor, lower, extent, ring, role       where a tensor's elements live
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import islpy as isl

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, indices_of, postorder, reads
from graphc.equations.ops import SIGNS
from graphc.equations.printing import show
from graphc.equations.system import Origin, System, Tensor
from graphc.schedule.costs import ALIASED, LINE

if TYPE_CHECKING:
    from graphc.schedule.plans import How

Limit = tuple[str, Index, Expr]  # a comparison, with an index on its left


@dataclass(frozen=True, eq=False)
class Statement:
    """tensor[write] = value (mode "set") or tensor[write] (+)= value (one of `ops.REDUCTIONS`), over `domain`.

    The leading indices of the domain are the variables of the loops around it. A nest's plan has comparisons of an
    index with data taken out of a reduction's value: outside these `limits` there is nothing to reduce.
    """

    tensor: Tensor
    mode: str
    domain: Domain
    write: tuple[Expr, ...]
    value: Expr
    origin: Origin | None = None
    limits: tuple[Limit, ...] = ()
    carried: bool = False  # a sum of which every step of the loop around adds some terms, over all of time

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        """Every distinct read, those in write subscripts too."""
        found = dict.fromkeys(reads(self.value))
        for w in self.write:
            found.update(dict.fromkeys(reads(w)))
        return tuple(found)

    @cached_property
    def written(self) -> set[Index]:
        """The indices that occur in the subscripts written."""
        return set().union(*(indices_of(w) for w in self.write)) if self.write else set()

    @cached_property
    def size(self) -> int:
        """The number of nodes of the value."""
        return sum(1 for _ in postorder(self.value))

    @cached_property
    def is_sum(self) -> bool:
        """Whether it only adds up, over loops of its own, into one element that no loop around moves."""
        fixed = not self.written and not any(reads(w) for w in self.write)
        return fixed and self.mode != "set" and bool(self.domain.indices)

    def __repr__(self) -> str:
        subs = f"[{', '.join(map(show, self.write))}]" if self.write else ""
        return f"{self.tensor.name}{subs} {SIGNS[self.mode]} {show(self.value)}"


@dataclass(frozen=True, eq=False)
class Loop:
    """for var = lower..upper (step 1), or upper..lower (step -1), one after the other. Bounds are inclusive.

    `along`: the tensors of the cycle, each with the axis that moves with the loop and how far it is ahead of `var`.
    """

    var: Index
    lower: Expr
    upper: Expr
    step: int
    body: tuple[Node, ...]
    along: dict[Tensor, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Nest:
    """Statements that share their parallel indices, run point by point; `outer` are the loop variables around."""

    outer: tuple[Index, ...]
    parallel: tuple[Index, ...]
    statements: tuple[Statement, ...]

    @cached_property
    def sums(self) -> bool:
        """Sums outside all loops share a nest without sharing points: each runs under conditions of its own."""
        return not self.outer and not self.parallel and all(s.is_sum for s in self.statements)


Node = Loop | Nest


@dataclass(frozen=True, eq=False)
class Buffer:
    """A tensor's memory: element c lives at sum((c[a] - lower[a]) * stride[a]), row-major over `extent`.

    `ring`: (axis, slots): only that many last steps are kept, coordinate c at slot c mod slots.
    """

    tensor: Tensor
    lower: tuple[Expr, ...]
    extent: tuple[Expr, ...]
    role: str  # "input" | "output" | "workspace"
    ring: tuple[int, int] | None = None

    def is_spaced(self, axis: int) -> bool:
        """Whether the axis is one of rows that may lie further apart than they are long."""
        return self.role == "workspace" and 0 < axis == len(self.extent) - 1

    @staticmethod
    def aliased(width: int) -> tuple[int, int]:
        """Rows whose length is a multiple of the first lie further apart by the second, elements of so many bytes."""
        return ALIASED // width, LINE // width

    def spaced(self, length: int, width: int) -> int:
        """How far apart rows of that many elements lie, of so many bytes each."""
        multiple, more = self.aliased(width)
        return length + (more if length % multiple == 0 else 0)


def nodes_of(body: Iterable[Node]) -> Iterator[Node]:
    """The nodes of a body and all inside them, in order."""
    stack = list(body)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Loop):
            stack.extend(reversed(node.body))


@dataclass(frozen=True, eq=False)
class Broken:
    """Sizes of 0 at which some elements of a cycle would be read before they are computed: `s[t - P]` at P = 0."""

    sizes: isl.Set
    cycle: tuple[Statement, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """Everything code generation needs."""

    system: System
    outputs: tuple[Tensor, ...]
    buffers: dict[Tensor, Buffer]
    body: tuple[Node, ...]
    update: dict[Tensor, Tensor] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    errors: dict[Tensor, Tensor] = field(default_factory=dict)  # of sums that a loop carries: what rounding left out
    how: How | None = None  # it runs on a machine, see `plans`

    def nodes(self) -> Iterator[Node]:
        return nodes_of(self.body)

    @property
    def loops(self) -> list[Loop]:
        return [n for n in self.nodes() if isinstance(n, Loop)]

    @property
    def nests(self) -> list[Nest]:
        return [n for n in self.nodes() if isinstance(n, Nest)]

    def fingerprint(self) -> str:
        """The shape of the program: `t(z,h) | ij` is a loop over t with two nests inside, then a nest over i and j.

        Once planned, how each runs: `h<v1>` in vectors, `z<shape0 v2 r6>` by shared code, six rows at once."""

        def of(nodes: tuple[Node, ...]) -> str:
            parts = []
            for n in nodes:
                if isinstance(n, Loop):
                    parts.append(f"{n.var.name}{'-' if n.step < 0 else ''}({of(n.body)})")
                else:
                    names = "+".join(dict.fromkeys(s.tensor.name for s in n.statements))
                    parts.append(names + (self.how.plans[n].tag() if self.how is not None else ""))
            return " | ".join(parts)

        return of(self.body)

    def __str__(self) -> str:
        lines: list[str] = []
        for b in self.buffers.values():
            if b.role == "workspace":
                dims = " x ".join(show(e) for e in b.extent) or "1"
                kept = f", the last {b.ring[1]} along axis {b.ring[0]}" if b.ring else ""
                lines.append(f"buffer {b.tensor.name}: {dims}{kept}")
        if self.how is not None:
            lines += self.how.routine_lines()
        self._show(self.body, 0, lines)
        return "\n".join(lines)

    def _show(self, nodes: tuple[Node, ...], depth: int, lines: list[str]) -> None:
        pad = "    " * depth
        for n in nodes:
            if isinstance(n, Loop):
                first, last = (n.lower, n.upper) if n.step > 0 else (n.upper, n.lower)
                kept = self.how.lags.get(n) if self.how is not None else None
                lines.append(
                    f"{pad}for {n.var.name} = {show(first)} .. {show(last)}{'' if n.step > 0 else ' backwards'}:"
                    + (f"    # in registers: {', '.join(t.name for t in kept)}" if kept else "")
                )
                self._show(n.body, depth + 1, lines)
                continue
            names = ", ".join(i.name for i in n.parallel)
            how = str(self.how.plans[n]) if self.how is not None else ""
            lines.append((f"{pad}parallel {names}:" if names else f"{pad}once:") + (f"    # {how}" if how else ""))
            if self.how is not None:
                lines += [f"{pad}    {line}" for line in self.how.plans[n].lines()]
                continue
            for s in n.statements:
                inner = [i.name for i in s.domain.indices if i not in n.parallel and i not in n.outer]
                lines.append(f"{pad}    {s!r}" + (f"    over {', '.join(inner)}" if inner else ""))


def statement_reads(statement: Statement) -> tuple[Read, ...]:
    """Every distinct read of a statement, those in write subscripts too."""
    return statement.reads
