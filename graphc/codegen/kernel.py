"""Program → one LLVM module: `kernel` runs the program once, `kernel_loop` many times, `workspace` says what it needs.

    kernel(ptr arguments, ptr sizes, ptr workspace, ptr bad)             bad: {check number or 0, offending index}
    kernel_loop(ptr arguments, ptr sizes, ptr workspace, ptr bad, i64 n)
    workspace(ptr sizes) -> bytes

A body gets every buffer it touches as a pointer of its own, known not to alias, and every size as a 64-bit integer.
Scalars of the workspace, its *cells*, are one such buffer. A long program is cut into several bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.entry import CELL, Body, Memory, entry_points, memory_of, size_values, strides_of
from graphc.codegen.nest import emit_nest
from graphc.codegen.target import Target, lanes
from graphc.codegen.values import FUSED, I64, PTR
from graphc.equations.expr import Expr, Read
from graphc.equations.system import Tensor
from graphc.schedule.program import Loop, Nest, Node, Program, statement_reads
from graphc.schedule.registers import lagged


@dataclass(frozen=True)
class Kernel:
    """The module, and what the run-time side must know: order of arguments and sizes, checks of data indices."""

    module: ir.Module
    arguments: tuple[Tensor, ...]
    sizes: tuple[str, ...]
    checks: tuple[tuple[Read, int], ...]


def emit_kernel(program: Program, dtype: str, target: Target) -> Kernel:
    """LLVM IR for a program in one element type."""
    memory = memory_of(program)
    module = ir.Module("graphc")
    width = lanes(target, 32 if dtype == "float32" else 64)
    how = program.how
    assert how is not None, "a program is planned for a machine before code is emitted"
    emitters: list[Emitter] = []
    bodies: list[Body] = []
    for k, nodes in enumerate(how.pieces):
        e = Emitter(program.system, dtype, width)
        e.plans, e.lags, e.windows = how.plans, how.lags, how.windows
        e.flags = FUSED if how.fused else ()
        e.errors = program.errors if dtype != "int64" else {}
        if emitters:
            e.checks = emitters[0].checks
        emitters.append(e)
        bodies.append(_body(module, f"body{k}", e, program, memory, nodes, last=k == len(how.pieces) - 1))
    entry_points(module, bodies, emitters[0], program, memory)
    return Kernel(module, tuple(memory.given), memory.sizes, tuple(emitters[0].checks))


def _body(
    module: ir.Module, name: str, e: Emitter, program: Program, memory: Memory, nodes: Sequence[Node], last: bool
) -> Body:
    """One part of the program as a function."""
    statements = [s for node in nodes for nest in _nests(node) for s in nest.statements]
    touched = dict.fromkeys(t for s in statements for t in (s.tensor, *(r.tensor for r in statement_reads(s))))
    touched.update(dict.fromkeys(error for t, error in program.errors.items() if t in touched))
    if last:
        touched.update(dict.fromkeys([*program.update, *program.update.values()]))
    arrays = tuple(t for t in touched if t not in memory.cells)
    count = len(arrays) + 2  # and the cells, and where a bad index is noted
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [PTR] * count + [I64] * len(memory.sizes)), name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    for arg in function.args[:count]:
        arg.add_attribute("noalias")
    e.builder = ir.IRBuilder(function.append_basic_block("entry"))
    start = e.builder.append_basic_block("start")
    e.builder.branch(start)
    e.builder.position_at_end(start)
    *pointers, cells, e.bad = function.args[:count]
    e.sizes = size_values(memory.sizes, function.args[count:], program.system.fixed)
    for tensor in touched:
        if tensor in memory.cells:
            e.refs[tensor] = Ref(
                e.pointer(cells, ir.Constant(I64, CELL * memory.cells[tensor]), ir.IntType(8)), (), (), ()
            )
    for tensor, pointer in zip(arrays, pointers, strict=True):
        e.refs[tensor] = _ref(e, program, tensor, pointer)
    for node in nodes:
        _node(e, node)
    if last:
        _update(e, program)
    e.builder.ret_void()
    return Body(function, arrays)


def _ref(e: Emitter, program: Program, tensor: Tensor, pointer: ir.Value) -> Ref:
    buffer = program.buffers[tensor]
    strides, total = strides_of(e, buffer)
    extents = tuple(e.value(x) for x in buffer.extent)

    return Ref(pointer, strides, buffer.lower, extents, buffer.ring, buffer.extent, total=total)


# Nodes ----------------------------------------


def _node(e: Emitter, node: Node) -> None:
    if isinstance(node, Nest):
        emit_nest(e, e.plans[node])
    else:
        _loop(e, node)


def _loop(e: Emitter, loop: Loop) -> None:
    for nest in _nests(loop):
        for s in nest.statements:
            e.forget(s.tensor)
    low, high = e.scalar(loop.lower), e.scalar(loop.upper)
    first, last = (low, high) if loop.step > 0 else (high, low)
    with e.only_if(e.builder.icmp_signed("<=", low, high)):
        lags = e.lags.get(loop, {})
        cells = {t: [e.alloca(e.type_of(t.kind), f"{t.name}.lag") for _ in range(k)] for t, (_, k) in lags.items()}
        e.env[loop.var] = first
        with e.scope():
            for tensor, (write, _) in lags.items():
                _prime(e, tensor, write, loop, cells[tensor])
        before = dict(e.carried)
        for tensor, (write, depth) in lags.items():
            for k in range(1, depth + 1):
                e.carried[lagged(tensor, write, loop, k)] = cells[tensor][k - 1]
        with e.loop(first, last, step=loop.step, name=loop.var.name) as i:
            e.env[loop.var] = i
            outside = dict(e.order)
            for tensor, (axis, ahead) in loop.along.items():
                e.order[tensor] = (*e.order.get(tensor, ()), (axis, loop.var + ahead, loop.step))
            for node in loop.body:
                _node(e, node)
            e.order = outside
            for tensor, (write, depth) in lags.items():
                now = e.known((Read(tensor, write), -1, -1))
                assert now is not None
                for k in range(depth - 1, 0, -1):
                    e.builder.store(e.builder.load(cells[tensor][k - 1], typ=e.type_of(tensor.kind)), cells[tensor][k])
                e.builder.store(now, cells[tensor][0])
        e.carried = before
        del e.env[loop.var]


def _nests(node: Node) -> list[Nest]:
    return [node] if isinstance(node, Nest) else [n for child in node.body for n in _nests(child)]


def _prime(e: Emitter, tensor: Tensor, write: tuple[Expr, ...], loop: Loop, cells: list[ir.Value]) -> None:
    """Load what the first iteration will see as its past, where the tensor has elements there."""
    from graphc.codegen.memory import access

    ref, ty = e.refs[tensor], e.type_of(tensor.kind)
    for k, cell in enumerate(cells, start=1):
        subs = lagged(tensor, write, loop, k).subs
        inside: ir.Value = ir.Constant(ir.IntType(1), 1)
        for sub, lower, extent in zip(subs, ref.lowers, ref.extents, strict=True):
            position = e.scalar(sub - lower)
            inside = e.builder.and_(inside, e.builder.icmp_unsigned("<", position, extent))
        found = access(e, tensor, subs)
        assert found is not None
        offset = e.builder.select(inside, found.offset, ir.Constant(I64, 0))
        e.builder.store(e.builder.load(e.pointer(ref.pointer, offset, ty), typ=ty), cell)


# Updates ----------------------------------------


def _update(e: Emitter, program: Program) -> None:
    """Copy each updated argument's new value into it, unless an index was bad."""
    if not program.update:
        return
    assert e.bad is not None
    assert program.how is not None
    code = e.builder.load(e.bad, typ=I64)
    with e.only_if(e.builder.icmp_signed("==", code, ir.Constant(I64, 0))):
        for copy in program.how.copies:
            emit_nest(e, copy)
