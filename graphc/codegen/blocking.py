"""A contraction in cache blocks: what is read along the vectors is packed into a panel that stays in the first cache.

    for each block of vectors                      along `vec`, as wide as the tile
      for each block of the summed indices         at most `depth` points
        panel[k][v] = operand at (k, v)            once, contiguous
        for each block of rows
          tile of accumulators += row operand * panel; then added to the target

Summed indices that the row operand walks as one (channel, row and column of a kernel) are one loop over the panel.
Of more than `fan` blocks the results go through a cascade (`cascade`), for at most `most_rows` rows.

Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), the block of rows left in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

from llvmlite import ir

from graphc.codegen.cascade import Levels, Values
from graphc.codegen.elements import write_element
from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.loops import bound, row_loop, tiled, vector_loop
from graphc.codegen.memory import access, store
from graphc.codegen.values import I64, PTR
from graphc.equations.bounds import Bounds
from graphc.equations.expr import Const, Expr, Index, Read, reads, substitute
from graphc.equations.system import Tensor
from graphc.schedule.program import Statement
from graphc.schedule.tree import Packed


@dataclass(frozen=True)
class Block:
    """One summed index cut into blocks of `step`: `start` is the variable that holds where the block begins."""

    bounds: Bounds
    start: Index
    step: ir.Value


@dataclass(frozen=True)
class Panel:
    """A packed operand: what is packed, its element as it is written, and as it is read along a run."""

    source: Read
    written: Read
    read: Read


def emit_packed(e: Emitter, packed: Packed) -> None:
    """The loops of a contraction over (vec, row) with summed indices that run from 0 to a size."""
    ((s, value),) = packed.keep.terms
    vec, row = packed.vec, packed.row
    blocks = _blocks(e, packed)
    origin, step = Index("v0"), Index("run")
    panels = [_panel(e, r, packed, blocks, (origin, step), k) for k, r in enumerate(packed.panels)]
    joined = _joined(e, blocks, packed.panels, [r for r in reads(value) if r not in packed.panels])
    value = substitute(value, {p.source: p.read for p in panels})
    innermost = blocks[-1]
    value = substitute(value, {innermost.bounds.index: innermost.start + step})
    handed = _Handed(e, s, packed, blocks) if packed.fan else None

    def along_vectors() -> None:
        with ExitStack() as stack:
            stack.enter_context(bound(e, origin, e.env[vec.index]))
            if handed is not None:
                handed.start()
                stack.callback(handed.close)
            ends = stack.enter_context(_outer(e, blocks))
            with _inside(e, blocks, ends):
                for c in range(e.tile.chunks):
                    for p in panels:
                        store(e, p.written.tensor, p.written.subs, e.value(p.source, 0, c), 0, c)
            around, length = _run(e, blocks, ends, joined)
            tile = (blocks[:-1], around), (step, length)
            row_loop(e, row.bounds, row.sizes, lambda: _sum_tile(e, s, value, *tile))
            if handed is not None:
                handed.block_done()

    vector_loop(e, vec.bounds, vec.sizes[0], along_vectors)


def _joined(e: Emitter, blocks: Sequence[Block], packed: Sequence[Read], others: Sequence[Read]) -> list[ir.Value]:
    """Per index but the innermost: whether one step of it takes every operand as far as all steps of those inside.

    Compared at run time, on strides and extents: one function serves the inside of a convolution and its edges.
    """
    b = e.builder
    found: list[ir.Value] = []
    so_far: ir.Value = ir.Constant(ir.IntType(1), 1)
    for outer, inner in reversed(list(pairwise(blocks))):
        extent = b.add(e.scalar(inner.bounds.upper), ir.Constant(I64, 1))
        for r in others:
            far = e.product(_stride(e, r, inner), extent)
            so_far = b.and_(so_far, b.icmp_signed("==", _stride(e, r, outer), far))
        if any(e.mentions(r, outer.bounds.index) != e.mentions(r, inner.bounds.index) for r in packed):
            so_far = ir.Constant(ir.IntType(1), 0)
        found.insert(0, so_far)
    return found


def _stride(e: Emitter, r: Read, block: Block) -> ir.Value:
    return next(
        (n for sub, n in zip(r.subs, e.refs[r.tensor].strides, strict=True) if sub is block.bounds.index),
        ir.Constant(I64, 0),
    )


def _run(
    e: Emitter, blocks: Sequence[Block], ends: Sequence[ir.Value], joined: Sequence[ir.Value]
) -> tuple[list[ir.Value], ir.Value]:
    """Where the loops around end, and how many points the innermost then has. A block is whole in its inner indices,
    so that what is joined follows one another in the panels too."""
    b, one = e.builder, ir.Constant(I64, 1)
    lengths = [b.add(b.sub(end, e.env[block.start]), one) for block, end in zip(blocks, ends, strict=True)]
    around: list[ir.Value] = []
    total = lengths[-1]
    for block, end, length, join in zip(blocks, ends, lengths, joined, strict=False):
        around.append(b.select(join, e.env[block.start], end))
        total = b.mul(total, b.select(join, length, one))
    return around, total


def _blocks(e: Emitter, packed: Packed) -> list[Block]:
    """Block sizes from the innermost index out, so that a block holds at most `depth` points: whole extents, then part
    of one, then single points."""
    b = e.builder
    one = ir.Constant(I64, 1)
    budget: ir.Value = ir.Constant(I64, packed.depth)
    blocks: list[Block] = []
    for bounds in reversed(packed.keep.loops):
        extent = b.add(e.scalar(bounds.upper), one)
        least = b.select(b.icmp_signed("<", extent, one), one, extent)
        step = b.select(b.icmp_signed("<", least, budget), least, budget)
        blocks.insert(0, Block(bounds, Index(bounds.index.name + "0"), step))
        budget = b.udiv(budget, step)
    return blocks


@contextmanager
def groups_of_rows(
    e: Emitter, rows: ir.Value, summed: Sequence[ir.Value], most: int, least: int
) -> Iterator[tuple[ir.Value, ir.Value]]:
    """Loops over groups of rows for which a contraction is called, the first of each and their number: `most` where
    more than `least` terms are summed, whose partial sums must have room, else all the rows."""
    b = e.builder
    terms = ir.Constant(I64, 1)
    for extent in summed:
        terms = e.product(terms, extent)
    known = [int(n.constant) if isinstance(n, ir.Constant) else None for n in (rows, terms)]
    if (known[0] is not None and known[0] <= most) or (known[1] is not None and known[1] <= least):
        yield ir.Constant(I64, 0), rows
        return
    step = b.select(b.icmp_signed(">", terms, ir.Constant(I64, least)), ir.Constant(I64, most), rows)
    with e.loop(ir.Constant(I64, 0), b.sub(rows, ir.Constant(I64, 1)), step, "rows") as start:
        left = b.sub(rows, start)
        yield start, b.select(b.icmp_signed("<", left, step), left, step)


def _is_long(e: Emitter, blocks: Sequence[Block], fan: int) -> ir.Value:
    """Whether there are more blocks than partial sums may be added one after the other."""
    b, one = e.builder, ir.Constant(I64, 1)
    count: ir.Value = one
    for block in blocks:
        count = b.mul(count, b.sdiv(b.add(e.scalar(block.bounds.upper), block.step), block.step))
    return b.icmp_signed(">", count, ir.Constant(I64, fan))


class _Handed:
    """The cascade of a long sum in memory: after `fan` blocks the target's elements, as a level below, hand over."""

    def __init__(self, e: Emitter, s: Statement, packed: Packed, blocks: Sequence[Block]) -> None:
        self.e, self.s, self.packed = e, s, packed
        rows, most = e.scalar(packed.row.bounds.upper), packed.most_rows
        few = e.builder.icmp_signed("<", rows, ir.Constant(I64, most))  # of long sums, see groups_of_rows
        self.long = e.builder.and_(_is_long(e, blocks, packed.fan), few)
        self.levels = Levels(e, e.type_of(s.tensor.kind), most * packed.vec.sizes[0] * e.lanes, packed.fan)
        self.blocks = e.alloca(I64, "blocks")

    def start(self) -> None:
        """Nothing is summed yet in the tile."""
        self.levels.clear()
        self.e.builder.store(ir.Constant(I64, 0), self.blocks)

    def block_done(self) -> None:
        """One more block is in the target."""
        e, b = self.e, self.e.builder
        done = b.add(b.load(self.blocks, typ=I64), ir.Constant(I64, 1))
        b.store(done, self.blocks)
        full = b.icmp_signed("==", b.and_(done, ir.Constant(I64, self.packed.fan - 1)), ir.Constant(I64, 0))
        with e.only_if(b.and_(full, self.long), likely=False):
            self.levels.take(self._target())

    def close(self) -> None:
        """What was handed over comes back."""
        with self.levels.if_used():
            self.levels.give(self._target())

    def _target(self) -> Values:
        """The target's elements in the tile."""
        e, b, t = self.e, self.e.builder, self.e.tile
        vec, row = self.packed.vec.bounds, self.packed.row.bounds
        one, width = ir.Constant(I64, 1), ir.Constant(I64, t.chunks * t.lanes)
        left = b.add(b.sub(e.scalar(vec.upper), e.env[vec.index]), one)
        with bound(e, row.index, ir.Constant(I64, 0)), tiled(e, replace(t, row=row.index)):
            place = access(e, self.s.tensor, self.s.write)
        assert place is not None
        values = e.pointer(e.refs[self.s.tensor].pointer, place.offset, self.levels.shape)
        columns = b.select(b.icmp_signed("<", left, width), left, width)
        return values, place.row, b.add(e.scalar(row.upper), one), place.lane, columns


def _panel(
    e: Emitter, source: Read, packed: Packed, blocks: Sequence[Block], names: tuple[Index, Index], number: int
) -> Panel:
    """A small array on the stack, indexed from the starts of the blocks; read by the step of a run in the innermost."""
    origin, step = names
    width = packed.vec.sizes[0] * e.lanes
    memory = e.alloca(ir.ArrayType(e.type_of(source.kind), packed.depth * width), f"panel{number}")
    memory.type = PTR
    moving = [block for block in blocks if e.mentions(source, block.bounds.index)]
    strides: list[ir.Value] = [ir.Constant(I64, 1)]
    stride: ir.Value = ir.Constant(I64, width)
    for block in reversed(moving):
        strides.insert(0, stride)
        stride = e.builder.mul(stride, block.step)
    written = (*(block.bounds.index for block in moving), packed.vec.index)
    tensor = Tensor(f"panel{number}", (Const(0),) * len(written), "tensor", source.kind)
    e.refs[tensor] = Ref(memory, tuple(strides), (*(block.start for block in moving), origin), (), padded=True)
    inside = blocks[-1]
    read = tuple(inside.start + step if sub is inside.bounds.index else sub for sub in written)
    return Panel(source, Read(tensor, written), Read(tensor, read))


@contextmanager
def _outer(e: Emitter, blocks: Sequence[Block]) -> Iterator[list[ir.Value]]:
    """Loops over the blocks; yields the last point of each in the current block."""
    b = e.builder
    with ExitStack() as stack:
        ends = []
        for block in blocks:
            last = e.scalar(block.bounds.upper)
            start = stack.enter_context(e.loop(ir.Constant(I64, 0), last, block.step, block.start.name))
            stack.enter_context(bound(e, block.start, start))
            end = b.sub(b.add(start, block.step), ir.Constant(I64, 1))
            ends.append(b.select(b.icmp_signed("<", end, last), end, last))
        yield ends


@contextmanager
def _inside(e: Emitter, blocks: Sequence[Block], ends: Sequence[ir.Value]) -> Iterator[None]:
    """Loops over the points of the current block."""
    with ExitStack() as stack:
        for block, end in zip(blocks, ends, strict=False):
            i = stack.enter_context(e.loop(e.env[block.start], end, name=block.bounds.index.name))
            stack.enter_context(bound(e, block.bounds.index, i))
        yield


def _sum_tile(
    e: Emitter,
    s: Statement,
    value: Expr,
    outer: tuple[Sequence[Block], Sequence[ir.Value]],
    run: tuple[Index, ir.Value],
) -> None:
    """One tile of accumulators over one block, then combined with the target."""
    kind = s.tensor.kind
    shape = ir.VectorType(e.type_of(kind), e.tile.lanes)
    start = e.splat(e.identity(s.mode, kind), e.tile.lanes)
    cells = {p: e.alloca(shape, "acc") for p in e.tile.points()}
    for cell in cells.values():
        e.builder.store(start, cell)
    step, length = run
    around, ends = outer
    last = e.builder.sub(length, ir.Constant(I64, 1))
    with _inside(e, around, ends), e.loop(ir.Constant(I64, 0), last, name="run") as i, bound(e, step, i):
        for (r, c), cell in cells.items():
            term = e.splat(e.convert(e.value(value, r, c), value.kind, kind), e.tile.lanes)
            e.builder.store(e.combine(s.mode, e.builder.load(cell, typ=shape), term, kind), cell)
    for (r, c), cell in cells.items():
        write_element(e, s, r, c, e.builder.load(cell, typ=shape))
