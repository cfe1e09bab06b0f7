"""Long sums in short chains: a partial sum of some terms leaves its register for a cascade of levels in memory.

    a level adds up `fan` partial sums, one after the other, and hands the result on to the next level

A sum of n terms thereby goes through block + fan*log(n)/log(fan) additions, one after the other (twice as many where
loops are short), and not through n: its rounding error grows with log n at most. Blocked summation, as in Castaldo,
Whaley and Chronopoulos, "Reducing floating point error in dot product using the superblock family of algorithms"
(2008), and in Higham, "Accuracy and Stability of Numerical Algorithms" (2002), section 4.2. Sums of integers are exact
and need none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from llvmlite import ir

from graphc.codegen.emitter import Emitter
from graphc.codegen.outlined import out_of_line, suffix
from graphc.codegen.values import I1, I64, PTR
from graphc.equations.bounds import Bounds
from graphc.schedule.tree import Cut

LEVELS = 3  # the last takes what comes: one partial sum for `fan`**2 blocks

Values = tuple[ir.Value, ...]  # in memory: address, stride and number of rows, stride and number within a row


class Levels:
    """The levels of so many sums of one type, a scalar or a vector, on the stack."""

    def __init__(self, e: Emitter, shape: ir.Type, sums: int, fan: int) -> None:
        self.e, self.shape, self.fan = e, shape, fan
        self.memory = e.alloca(ir.ArrayType(shape, LEVELS * sums), "levels")
        self.memory.type = PTR
        self.count = e.alloca(I64, "count")  # of partial sums that each sum has handed over
        self.clear()

    def clear(self) -> None:
        self.e.builder.store(ir.Constant(I64, 0), self.count)

    def take(self, values: Values) -> None:
        """A partial sum for each sum, in memory, which is zero afterwards."""
        self._call(partial(_take_function, fan=self.fan), values)
        b = self.e.builder
        b.store(b.add(b.load(self.count, typ=I64), ir.Constant(I64, 1)), self.count)

    def give(self, values: Values) -> None:
        """To values in memory is added what the levels hold."""
        self._call(_give_function, values)

    def _call(self, function: Callable[[Emitter, ir.Type], ir.Function], values: Values) -> None:
        count = self.e.builder.load(self.count, typ=I64)
        self.e.builder.call(function(self.e, self.shape), [*values, self.memory, count])

    @contextmanager
    def if_used(self) -> Iterator[None]:
        b = self.e.builder
        with self.e.only_if(b.icmp_signed(">", b.load(self.count, typ=I64), ir.Constant(I64, 0)), likely=False):
            yield


class Cascade:
    """The cascade of sums in registers: `loop` is cut into pieces of `length` steps, after which they hand over.

    Each sum is what its cells hold together.
    """

    def __init__(self, e: Emitter, shape: ir.Type, sums: Sequence[Sequence[ir.Value]], cut: Cut) -> None:
        self.e, self.shape, self.sums, self.loop, self.length = e, shape, sums, cut.index, cut.length
        self.levels = Levels(e, shape, len(sums), cut.fan)
        self.room = e.alloca(ir.ArrayType(shape, len(sums)), "partial")
        self.room.type = PTR
        self.steps = e.alloca(I64, "steps")  # since the last handing over
        e.builder.store(ir.Constant(I64, 0), self.steps)

    @contextmanager
    def pieces(
        self, bounds: Bounds, first: ir.Value, last: ir.Value, step: int = 1, rest: int = 0
    ) -> Iterator[tuple[ir.Value, ir.Value]]:
        """The first and last point of each piece, if this is the loop to cut, else of all of it. `rest`: the most
        steps that are made after these, and not in pieces."""
        if bounds.index is not self.loop:
            yield first, last
            return
        e, b = self.e, self.e.builder
        names = (bounds.index.name + part for part in (".piece", ".full", ".rest", ".hand", ".done"))
        before, piece, full, ended, hand, done = b.block, *map(b.append_basic_block, names)
        b.cbranch(b.icmp_signed("<=", first, last), piece, ended)
        b.position_at_end(piece)
        start = b.phi(I64)
        start.add_incoming(first, before)
        end = b.add(start, ir.Constant(I64, step * (self.length - 1)))
        whole = b.icmp_signed("<=", end, last)
        with e.scope():
            yield start, b.select(whole, end, last)
        b.cbranch(whole, full, ended).set_weights([1, 99])
        b.position_at_end(full)
        following = b.add(end, ir.Constant(I64, step))
        b.branch(hand)
        b.position_at_end(ended)
        steps = b.ashr(b.add(b.sub(last, first), ir.Constant(I64, step)), ir.Constant(I64, step.bit_length() - 1))
        steps = b.add(b.and_(steps, ir.Constant(I64, self.length - 1)), ir.Constant(I64, rest))
        total = b.add(b.load(self.steps, typ=I64), steps)
        b.store(total, self.steps)
        b.cbranch(b.icmp_signed(">=", total, ir.Constant(I64, self.length)), hand, done).set_weights([1, 99])
        b.position_at_end(hand)
        more, at = b.phi(I1), b.phi(I64)
        for block, is_more, place in ((full, 1, following), (ended, 0, last)):
            more.add_incoming(ir.Constant(I1, is_more), block)
            at.add_incoming(place, block)
        self._hand_over()
        start.add_incoming(at, b.block)
        b.cbranch(more, piece, done)
        b.position_at_end(done)

    def _hand_over(self) -> None:
        self._through_memory(self.levels.take)
        self.e.builder.store(ir.Constant(I64, 0), self.steps)

    def close(self) -> None:
        """What was handed over comes back."""
        with self.levels.if_used():
            self._through_memory(self.levels.give)

    def _through_memory(self, do: Callable[[Values], None]) -> None:
        """The sums are put into memory, where something is done to them, and come back; the first cell holds each."""
        b, number = self.e.builder, len(self.sums)
        places = [self.e.pointer(self.room, ir.Constant(I64, k), self.shape) for k in range(number)]
        for place, (first, *rest) in zip(places, self.sums, strict=True):
            total = b.load(first, typ=self.shape)
            for cell in rest:
                total = b.fadd(total, b.load(cell, typ=self.shape))
                b.store(ir.Constant(self.shape, None), cell)
            b.store(total, place)
        do((self.room, *(ir.Constant(I64, n) for n in (1, number, 0, 1))))
        for place, (first, *_) in zip(places, self.sums, strict=True):
            b.store(b.load(place, typ=self.shape), first)


def _take_function(e: Emitter, shape: ir.Type, fan: int) -> ir.Function:
    """take(values, levels, count): each sum takes a partial sum, after `count` earlier ones."""

    def one(own: Emitter, value: ir.Value, levels: Sequence[ir.Value], count: ir.Value) -> None:
        b, zero, partial = own.builder, ir.Constant(shape, None), own.builder.load(value, typ=shape)
        b.store(zero, value)
        with own.only_if(b.icmp_signed("==", count, ir.Constant(I64, 0))):
            for level in levels:
                b.store(zero, level)
        taken = b.add(count, ir.Constant(I64, 1))
        with ExitStack() as stack:
            for k, level in enumerate(levels):
                if k:
                    rest = b.and_(taken, ir.Constant(I64, fan**k - 1))
                    stack.enter_context(own.only_if(b.icmp_signed("==", rest, ir.Constant(I64, 0))))
                    b.store(zero, levels[k - 1])
                partial = b.fadd(b.load(level, typ=shape), partial)
                b.store(partial, level)

    return _for_each(e, "take", shape, one)


def _give_function(e: Emitter, shape: ir.Type) -> ir.Function:
    """give(values, levels, count): to each value is added what its levels hold."""

    def one(own: Emitter, value: ir.Value, levels: Sequence[ir.Value], count: ir.Value) -> None:
        total = own.builder.load(value, typ=shape)
        for level in levels:
            total = own.builder.fadd(total, own.builder.load(level, typ=shape))
        own.builder.store(total, value)

    return _for_each(e, "give", shape, one)


def _for_each(e: Emitter, name: str, shape: ir.Type, one: Callable[..., None]) -> ir.Function:
    """A function that does the same to each value and its levels."""

    def body(b: ir.IRBuilder, *given: ir.Value) -> None:
        values, down, rows, along, columns, levels, count = given
        own = Emitter(e.system, e.dtype, e.lanes)
        own.builder, least = b, ir.Constant(I64, 1)
        with (
            own.loop(ir.Constant(I64, 0), b.sub(rows, least)) as r,
            own.loop(ir.Constant(I64, 0), b.sub(columns, least)) as c,
        ):
            first = b.mul(b.add(b.mul(r, columns), c), ir.Constant(I64, LEVELS))
            places = [own.pointer(levels, b.add(first, ir.Constant(I64, k)), shape) for k in range(LEVELS)]
            one(own, own.pointer(values, b.add(b.mul(r, down), b.mul(c, along)), shape), places, count)
        b.ret_void()

    ty, lanes = (shape.element, shape.count) if isinstance(shape, ir.VectorType) else (shape, 1)
    arguments = [PTR, I64, I64, I64, I64, PTR, I64]
    return out_of_line(e, f"{name}.{suffix(ty, lanes)}", ir.VoidType(), arguments, body)
