"""Loops over one index: in blocks of vectors with a masked tail, in blocks of rows, or one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from llvmlite import ir

from graphc.codegen.cascade import Cascade
from graphc.codegen.emitter import Emitter, Tile
from graphc.codegen.values import I64
from graphc.equations.bounds import Bounds
from graphc.equations.expr import Index

Body = Callable[[], None]


@contextmanager
def bound(e: Emitter, index: Index, value: ir.Value) -> Iterator[None]:
    """The index has this value inside."""
    e.env[index] = value
    yield
    del e.env[index]


@contextmanager
def tiled(e: Emitter, tile: Tile) -> Iterator[None]:
    """Values are asked for on this tile inside."""
    before, e.tile = e.tile, tile
    yield
    e.tile = before


@contextmanager
def guarded(e: Emitter, bounds: Bounds) -> Iterator[None]:
    """Inside only where the conditions that bounds cannot say (strides) hold."""
    with ExitStack() as stack:
        for g in bounds.guards:
            condition = e.value(g)
            assert not isinstance(condition.type, ir.VectorType), "a stride condition along the vector axis"
            stack.enter_context(e.only_if(condition))
        yield


@contextmanager
def allowed(e: Emitter, bounds: Bounds) -> Iterator[None]:
    """Inside only where the bounds may be asked for."""
    with ExitStack() as stack:
        for c in bounds.before:
            stack.enter_context(e.only_if(e.value(c)))
        yield


@contextmanager
def plain_loops(e: Emitter, bounds: Sequence[Bounds], cascade: Cascade | None = None) -> Iterator[None]:
    """One loop inside the other, in the order given; what they sum goes through the cascade."""
    with ExitStack() as stack:
        for b in bounds:
            stack.enter_context(allowed(e, b))
            first, last = e.scalar(b.lower), e.scalar(b.upper)
            if cascade is not None:
                first, last = stack.enter_context(cascade.pieces(b, first, last))
            i = stack.enter_context(e.loop(first, last, name=b.index.name))
            stack.enter_context(bound(e, b.index, i))
            stack.enter_context(guarded(e, b))
        yield


def vector_loop(e: Emitter, bounds: Bounds, chunks: int, inside: Body, cascade: Cascade | None = None) -> None:
    """Blocks of `chunks` vectors, then vectors one at a time, each of them masked; what they sum goes through the
    cascade."""
    b, lanes, index = e.builder, e.lanes, bounds.index
    first, last = e.scalar(bounds.lower), e.scalar(bounds.upper)
    block = chunks * lanes
    whole = b.sub(last, ir.Constant(I64, block - 1))
    next_at = e.alloca(I64, "next")
    b.store(first, next_at)
    extent = _known_extent(first, last)
    if extent is None or extent >= block:
        with ExitStack() as stack:
            start, end = first, whole
            if cascade is not None:
                start, end = stack.enter_context(cascade.pieces(bounds, first, whole, block, chunks))
            i = stack.enter_context(e.loop(start, end, block, index.name))
            stack.enter_context(bound(e, index, i))
            with tiled(e, Tile(None, 1, index, lanes, chunks)):
                inside()
            b.store(b.add(i, ir.Constant(I64, block)), next_at)
    if extent is not None and extent % block == 0:
        return
    start = b.load(next_at, typ=I64)
    with e.loop(start, last, lanes, index.name + ".tail") as i, bound(e, index, i):
        left = b.sub(last, i)
        iota = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
        whole_vectors = extent is not None and extent % lanes == 0
        mask = None if whole_vectors else b.icmp_signed("<=", iota, e.splat(left, lanes))
        with tiled(e, Tile(None, 1, index, lanes, 1, mask)):
            before, e.in_line = e.in_line, False  # runs at most a few times: no second copy of long functions
            inside()
            e.in_line = before


def _known_extent(first: ir.Value, last: ir.Value) -> int | None:
    """How many points a loop has, if that is known now."""
    if isinstance(first, ir.Constant) and isinstance(last, ir.Constant):
        return max(0, int(last.constant) - int(first.constant) + 1)
    return None


def row_loop(e: Emitter, bounds: Bounds, sizes: Sequence[int], inside: Body) -> None:
    """Blocks of so many values at once, of each size in turn."""
    b, t, index = e.builder, e.tile, bounds.index
    first, last = e.scalar(bounds.lower), e.scalar(bounds.upper)
    next_at = e.alloca(I64, "next")
    b.store(first, next_at)
    extent = _known_extent(first, last)
    for rows in sizes:
        if extent is not None:
            if extent < rows:
                continue
            extent %= rows
        limit = b.sub(last, ir.Constant(I64, rows - 1))
        start = b.load(next_at, typ=I64)
        with e.loop(start, limit, rows, index.name) as i, bound(e, index, i):
            with tiled(e, Tile(index, rows, t.vec, t.lanes, t.chunks, t.mask)):
                inside()
            b.store(b.add(i, ir.Constant(I64, rows)), next_at)
