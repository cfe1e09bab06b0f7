"""A module's entry points: where arguments and the workspace lie, and the functions that a call goes through.

The workspace holds its cells (the scalars) first, eight bytes each, then its arrays, each at a multiple of 64 bytes.
Arrays are row-major; rows whose length is a multiple of 1024 bytes lie 64 bytes further apart than that. Arguments and
results are dense.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from graphc.codegen.emitter import Emitter
from graphc.codegen.objects import argument_places, objects_function
from graphc.codegen.values import I64, PTR
from graphc.equations.system import Tensor
from graphc.schedule.program import Buffer, Program

ALIGN = 64  # bytes; a line of a cache
CELL = 8  # bytes of a scalar in the workspace, of whichever type


@dataclass(frozen=True)
class Memory:
    """What lives where: in arguments, in arrays of the workspace, in its cells. `sizes` are those given at a call."""

    given: dict[Tensor, int]
    scratch: tuple[Tensor, ...]
    cells: dict[Tensor, int]
    sizes: tuple[str, ...]


@dataclass(frozen=True)
class Body:
    """A function that runs a part of the program, and the buffers it takes."""

    function: ir.Function
    buffers: tuple[Tensor, ...]


def memory_of(program: Program) -> Memory:
    """The places of a program's buffers."""
    buffers = program.buffers.values()
    given = [b.tensor for b in buffers if b.role != "workspace"]
    cells = [b.tensor for b in buffers if b.role == "workspace" and not b.extent]
    scratch = tuple(b.tensor for b in buffers if b.role == "workspace" and b.extent)
    sizes = tuple(n for n in program.system.sizes if n not in program.system.fixed)
    return Memory({t: k for k, t in enumerate(given)}, scratch, {t: k for k, t in enumerate(cells)}, sizes)


def strides_of(e: Emitter, buffer: Buffer) -> tuple[tuple[ir.Value, ...], ir.Value]:
    """How far apart, in elements, neighbours on each axis lie; and how many elements the buffer takes."""
    strides: list[ir.Value] = []
    total: ir.Value = ir.Constant(I64, 1)
    for axis, extent in reversed(list(enumerate(buffer.extent))):
        ring = buffer.ring is not None and buffer.ring[0] == axis
        length = ir.Constant(I64, buffer.ring[1]) if ring and buffer.ring else e.value(extent)
        strides.insert(0, total)
        if buffer.is_spaced(axis):
            key = ("row", length.get_reference(), buffer.tensor.kind)
            length = e.known(key) or e.remember(key, _row(e, buffer, length))
        total = e.product(length, total)
    return tuple(strides), total


def _row(e: Emitter, buffer: Buffer, length: ir.Value) -> ir.Value:
    """How far apart rows of that length lie."""
    b, width = e.builder, 8 if buffer.tensor.kind == "int" or e.bits == 64 else 4
    if isinstance(length, ir.Constant):
        return ir.Constant(I64, buffer.spaced(length.constant, width))
    aliased, apart = buffer.aliased(width)
    rest = b.and_(length, ir.Constant(I64, aliased - 1))
    more = b.select(b.icmp_signed("==", rest, ir.Constant(I64, 0)), ir.Constant(I64, apart), ir.Constant(I64, 0))
    return b.add(length, more)


def size_values(names: Sequence[str], values: Sequence[ir.Value], fixed: dict[str, int]) -> dict[str, ir.Value]:
    """Sizes by name: those baked in, and those given at the call."""
    known: dict[str, ir.Value] = {n: ir.Constant(I64, v) for n, v in fixed.items()}
    known.update(zip(names, values, strict=True))
    return known


def entry_points(module: ir.Module, bodies: Sequence[Body], e: Emitter, program: Program, memory: Memory) -> None:
    """`kernel`, which runs the bodies one after the other, `kernel_loop`, `kernel_objects` and `workspace`."""
    kernel = ir.Function(module, ir.FunctionType(ir.VoidType(), [PTR] * 4), "kernel")
    b = ir.IRBuilder(kernel.append_basic_block("entry"))
    arguments, size_array, workspace, bad = kernel.args
    values = _load_sizes(b, size_array, memory.sizes)
    offsets, _ = _layout(e, program, memory, b, values)

    def pointer(t: Tensor) -> ir.Value:
        if t in memory.given:
            place = b.gep(arguments, [ir.Constant(I64, memory.given[t])], source_etype=PTR)
            return b.load(place, typ=PTR)
        return b.gep(workspace, [offsets[t]], source_etype=ir.IntType(8))

    for body in bodies:
        b.call(body.function, [*map(pointer, body.buffers), workspace, bad, *values])
    b.ret_void()
    _workspace_function(module, e, program, memory)
    objects_function(module, _loop_function(module, kernel), argument_places(program, list(memory.given)))


def _load_sizes(b: ir.IRBuilder, array: ir.Value, sizes: tuple[str, ...]) -> list[ir.Value]:
    return [b.load(b.gep(array, [ir.Constant(I64, k)], source_etype=I64), typ=I64) for k in range(len(sizes))]


def _layout(
    e: Emitter, program: Program, memory: Memory, b: ir.IRBuilder, values: list[ir.Value]
) -> tuple[dict[Tensor, ir.Value], ir.Value]:
    """Offsets of the workspace's arrays in bytes, behind its cells, and the total."""
    own = Emitter(e.system, e.dtype, e.lanes)
    own.builder = b
    own.sizes = size_values(memory.sizes, values, program.system.fixed)
    offsets: dict[Tensor, ir.Value] = {}
    total: ir.Value = ir.Constant(I64, -(-CELL * len(memory.cells) // ALIGN) * ALIGN)
    for tensor in memory.scratch:
        offsets[tensor] = total
        _, count = strides_of(own, program.buffers[tensor])
        width = 8 if tensor.kind == "int" or e.bits == 64 else 4
        key = ("bytes", count.get_reference(), width)
        size = own.known(key)
        if size is None:
            size = b.add(own.product(ir.Constant(I64, width), count), ir.Constant(I64, ALIGN - 1))
            size = own.remember(key, b.and_(size, ir.Constant(I64, -ALIGN)))
        total = b.add(total, size)
    return offsets, total


def _workspace_function(module: ir.Module, e: Emitter, program: Program, memory: Memory) -> None:
    function = ir.Function(module, ir.FunctionType(I64, [PTR]), "workspace")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    _, total = _layout(e, program, memory, b, _load_sizes(b, function.args[0], memory.sizes))
    b.ret(total)


def _loop_function(module: ir.Module, kernel: ir.Function) -> ir.Function:
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [PTR, PTR, PTR, PTR, I64]), "kernel_loop")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    head, run, done = (b.append_basic_block(n) for n in ("head", "run", "done"))
    b.branch(head)
    entry = b.block
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(ir.Constant(I64, 0), entry)
    good = b.icmp_signed("==", b.load(function.args[3], typ=I64), ir.Constant(I64, 0))
    b.cbranch(b.and_(good, b.icmp_signed("<", i, function.args[4])), run, done)
    b.position_at_end(run)
    b.call(kernel, list(function.args[:4]))
    i.add_incoming(b.add(i, ir.Constant(I64, 1)), run)
    b.branch(head)
    b.position_at_end(done)
    b.ret_void()
    return function
