"""Runs the trees of a planned program at small sizes, without numbers: each statement must run at each of its points,
once; what is packed must not depend on the rows that read it; and a routine must find each of its operands where the
nest it stands for would.

This walks what code generation follows, and shares nothing with the planner but the tree.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphc.equations.bounds import Bounds
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder
from graphc.equations.ops import OPS
from graphc.schedule.program import Nest, Program, Statement
from graphc.schedule.tree import Call, Clear, Do, For, Guard, Keep, Packed, Tree, nodes_of

Point = tuple[int, ...]
Env = dict[Expr, int]


class VerifyError(AssertionError):
    """An internal error: the scheduler made a program that does not compute its system."""


class FromData(Exception):
    """A bound or a place comes from data, which are not looked at."""


def number(e: Expr, env: Mapping[Expr, int]) -> int:
    """The value of an integer expression."""
    done: dict[Expr, Any] = {}
    for node in postorder(e):
        match node:
            case Const(value=value):
                done[node] = value
            case Size() | Index() if node in env:
                done[node] = env[node]
            case Index():
                raise VerifyError(f"{e!r} is asked for outside the loop over {node.name}")
            case Op(name=name, args=args) if OPS[name].exact is not None:
                exact: Any = OPS[name].exact
                done[node] = exact(*(done[a] for a in args))
            case _:
                raise FromData
    return int(done[e])


class TreeRun:
    """Where the statements of a tree run; `env` has sizes and the variables of loops around it."""

    def __init__(self, program: Program, env: Env) -> None:
        assert program.how is not None
        self.program, self.machine, self.env = program, program.how.machine, dict(env)
        self.ran: Counter[tuple[Statement, Point]] = Counter()

    def run(self, tree: Tree) -> Counter[tuple[Statement, Point]]:
        self._tree(tree)
        return self.ran

    def _tree(self, tree: Tree) -> None:
        for node in tree:
            match node:
                case For(body=body):
                    for _ in self._values(node):
                        self._tree(body)
                case Guard(conditions=conditions, body=body):
                    if all(number(c, self.env) for c in conditions):
                        self._tree(body)
                case Do(statement=s):
                    self._note(s, s)
                case Keep():
                    self._keep(node)
                case Packed():
                    self._packed(node)
                case Call():
                    self._call(node)
                case Clear():
                    pass

    def _note(self, s: Statement, like: Statement) -> None:
        self.ran[s, tuple(self.env[i] for i in like.domain.indices)] += 1

    def _range(self, b: Bounds) -> tuple[int, int]:
        return number(b.lower, self.env), number(b.upper, self.env)

    def _values(self, loop: For) -> Iterator[int]:
        """The values of the index, as blocks of the loop's sizes reach them."""
        low, high = self._range(loop.bounds)
        for block in self._blocks(loop, low, high):
            for value in block:
                self.env[loop.index] = value
                yield value
        self.env.pop(loop.index, None)

    def _blocks(self, loop: For, low: int, high: int) -> Iterator[range]:
        if loop.kind == "points":
            yield range(low, high + 1)
            return
        for size in loop.sizes:
            wide = size * (self.machine.lanes if loop.kind == "vectors" else 1)
            last = loop.kind == "vectors" and size == loop.sizes[-1]  # masked
            while low + wide - 1 <= high or (last and low <= high):
                yield range(low, min(low + wide, high + 1))
                low += wide
        if low <= high:
            raise VerifyError(f"{loop.index.name} in {loop.kind} of {loop.sizes} never has the values {low} .. {high}")

    def _keep(self, keep: Keep) -> None:
        first, _ = keep.terms[0]
        if keep.cut is not None and (keep.cut.length < 1 or all(b.index is not keep.cut.index for b in keep.loops)):
            raise VerifyError(f"the sum of {first!r} is cut where it has no loop")
        for _ in self._points(keep.loops):
            for s, _ in keep.terms:
                self._note(s, first)

    def _points(self, loops: Sequence[Bounds]) -> Iterator[None]:
        """All values of some loops, one inside the other."""
        if not loops:
            yield
            return
        b, *inner = loops
        if not all(number(c, self.env) for c in b.before):
            return
        low, high = self._range(b)
        for value in range(low, high + 1):
            self.env[b.index] = value
            if all(number(g, self.env) for g in b.guards):
                yield from self._points(inner)
        self.env.pop(b.index, None)

    def _packed(self, p: Packed) -> None:
        ((s, _),) = p.keep.terms
        ranges = [self._range(b) for b in p.keep.loops]
        if any(low for low, _ in ranges) or p.depth < 1:
            raise VerifyError(f"the blocks of {s!r} do not begin at 0")
        for _ in self._values(p.vec):
            held: dict[Read, dict[Point, Point]] = {r: {} for r in p.panels}
            for _ in self._points(p.keep.loops):
                for r in p.panels:
                    held[r][self._here(p)] = tuple(number(x, self.env) for x in r.subs)
            for _ in self._values(p.row):
                for _ in self._points(p.keep.loops):
                    for r in p.panels:
                        if held[r][self._here(p)] != tuple(number(x, self.env) for x in r.subs):
                            raise VerifyError(f"what is packed of {r!r} is not what {s!r} reads")
                    self._note(s, s)

    def _here(self, p: Packed) -> Point:
        return tuple(self.env[b.index] for b in p.keep.loops)

    # Calls -----------------------------------------------------------------------------------------------------------

    def _call(self, call: Call) -> None:
        routine = call.routine
        lengths = [[self._length(b) for b in group] for group in call.groups]
        totals = [math.prod(length) for length in lengths]
        given = [*(totals[k] for k in call.extents), *(number(x, self.env) for x in call.integers)]
        env: Env = {Size(n): v for n, v in zip(routine.sizes, given, strict=True)}
        inner = TreeRun(self.program, env)
        inner.run(routine.tree)
        names = dict.fromkeys(x for row in routine.strides for x in row if isinstance(x, str))
        strides = {
            name: self._stride(call.reads[k], call.groups[n]) for name, (k, n) in zip(names, call.strides, strict=True)
        }
        place: dict[Statement, Statement] = dict(zip(_in_order(routine.tree), call.statements, strict=True))
        operands = dict(zip(routine.tensors, zip(call.reads, routine.strides, strict=True), strict=True))
        corner = self._at(call, [0] * len(totals), lengths)
        for (s, point), count in inner.ran.items():
            values: Env = dict(zip(s.domain.indices, point, strict=True))
            here = self._at(call, [values.get(i, 0) for i in routine.indices], lengths)
            for r in (Read(s.tensor, s.write), *s.reads):
                read, own = operands[r.tensor]
                steps = [strides[k] if isinstance(k, str) else k for k in own]
                far = sum(number(x, values) * k for x, k in zip(r.subs, steps, strict=True))
                if self._address(read, here) - self._address(read, corner) != far:
                    raise VerifyError(f"{routine.name} for {place[s]!r} looks for {read!r} in another place")
            original = place[s]
            self.ran[original, tuple(here[i] for i in original.domain.indices)] += count

    def _length(self, b: Bounds) -> int:
        low, high = self._range(b)
        return max(0, high - low + 1)

    def _at(self, call: Call, values: Sequence[int], lengths: Sequence[Sequence[int]]) -> Env:
        """The nest's own indices where a routine's have these values."""
        env = dict(self.env)
        for group, value, length in zip(call.groups, values, lengths, strict=True):
            for b, n in zip(reversed(group), reversed(length), strict=True):
                value, here = divmod(value, n or 1)
                env[b.index] = number(b.lower, self.env) + here
        return env

    def _stride(self, read: Read, group: Sequence[Bounds]) -> int:
        """By how much one step of a group moves an access."""
        zero: Env = {i: 0 for x in read.subs for i in postorder(x) if isinstance(i, Index)}
        env = {**zero, **self.env}
        there = {**env, group[-1].index: env[group[-1].index] + 1}
        return self._address(read, there) - self._address(read, env)

    def _address(self, read: Read, env: Mapping[Expr, int]) -> int:
        buffer = self.program.buffers[read.tensor]
        total, stride = 0, 1
        for axis in reversed(range(len(read.subs))):
            x, lower, extent = read.subs[axis], buffer.lower[axis], buffer.extent[axis]
            position, length = number(x, env) - number(lower, env), number(extent, env)
            if buffer.ring is not None and buffer.ring[0] == axis:
                position, length = position % buffer.ring[1], buffer.ring[1]
            total += position * stride
            if buffer.is_spaced(axis):
                length = buffer.spaced(length, self.machine.bits // 8 if buffer.tensor.kind == "real" else 8)
            stride *= length
        return total


def _in_order(tree: Tree) -> Iterator[Statement]:
    for node in tree:
        match node:
            case For(body=body) | Guard(body=body):
                yield from _in_order(body)
            case Do(statement=s):
                yield s
            case Keep(terms=terms) | Packed(keep=Keep(terms=terms)):
                yield from (s for s, _ in terms)


def check_plan(program: Program, nest: Nest, env: Env, wanted: Sequence[set[Point]]) -> None:
    """VerifyError unless the tree of a nest runs each statement at the points `wanted` of it, each of them once."""
    assert program.how is not None
    plan = program.how.plans[nest]
    try:
        ran = TreeRun(program, env).run(plan.tree)
    except FromData:
        return
    cleared = {n.tensor for n in nodes_of(plan.tree) if isinstance(n, Clear)}
    for s, original, expected in zip(plan.nest.statements, nest.statements, wanted, strict=True):
        found = {point: n for (statement, point), n in ran.items() if statement is s}
        if s.tensor in cleared or s.limits:  # data say how far loops with limits run
            continue
        twice = next((p for p, n in found.items() if n > 1), None)
        if twice is not None:
            raise VerifyError(f"the loops of {original!r} run it at {twice} more than once")
        if found.keys() != expected:
            odd = next(iter(found.keys() ^ expected))
            raise VerifyError(f"the loops of {original!r} {'miss' if odd in expected else 'also reach'} {odd}")
