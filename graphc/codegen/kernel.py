"""Program → one LLVM module: `kernel` runs the program once, `kernel_loop` many times, `workspace` says what it needs.

    kernel(ptr arguments, ptr sizes, ptr workspace, ptr bad)             bad: {check number or 0, offending index}
    kernel_loop(ptr arguments, ptr sizes, ptr workspace, ptr bad, i64 n)
    workspace(ptr sizes) -> bytes

The body gets every buffer as a pointer of its own, known not to alias, and every size as a 64-bit integer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from llvmlite import ir

from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.nest import emit_nest
from graphc.codegen.target import Target, lanes
from graphc.codegen.values import I64, PTR
from graphc.equations.bounds import conditions
from graphc.equations.domain import Domain, assume, is_affine
from graphc.equations.expr import Expr, Index, Op, Read, above_reads, make, substitute
from graphc.equations.ops import OPS
from graphc.equations.system import Tensor
from graphc.schedule.program import Loop, Nest, Node, Program, Statement, statement_reads

ALIGN = 64
MAX_LAG = 8
INLINED = 16  # long functions in scalar code up to which each is copied in place; more are called, to compile fast


@dataclass(frozen=True)
class Kernel:
    """The module, and what the run-time side must know: order of arguments and sizes, checks of data indices."""

    module: ir.Module
    arguments: tuple[Tensor, ...]
    sizes: tuple[str, ...]
    checks: tuple[tuple[Read, int], ...]


def emit_kernel(program: Program, dtype: str, target: Target) -> Kernel:
    """LLVM IR for a program in one element type."""
    fixed = program.system.fixed
    sizes = tuple(n for n in program.system.sizes if n not in fixed)
    given = [b.tensor for b in program.buffers.values() if b.role != "workspace"]
    scratch = [b.tensor for b in program.buffers.values() if b.role == "workspace"]
    module = ir.Module("graphc")
    body_type = ir.FunctionType(ir.VoidType(), [PTR] * (len(given) + len(scratch) + 1) + [I64] * len(sizes))
    body = ir.Function(module, body_type, "body")
    body.linkage = "internal"
    body.attributes.add("noinline")
    for arg in body.args[: len(given) + len(scratch) + 1]:
        arg.add_attribute("noalias")
    e = Emitter(dtype, lanes(target, 32 if dtype == "float32" else 64), target.registers)
    e.builder = ir.IRBuilder(body.append_basic_block("entry"))
    start = e.builder.append_basic_block("start")
    e.builder.branch(start)
    e.builder.position_at_end(start)
    e.bad = body.args[len(given) + len(scratch)]
    e.sizes = _size_values(sizes, list(body.args[len(given) + len(scratch) + 1 :]), fixed)
    for tensor, pointer in zip([*given, *scratch], body.args, strict=False):
        e.refs[tensor] = _ref(e, program, tensor, pointer)
    context = assume(program.system.sizes, (), least=0)
    e.many_calls = _scalar_functions(program) > INLINED
    for node in program.body:
        _node(e, node, (), context)
    _update(e, program)
    e.builder.ret_void()
    _entry_points(module, body, e, program, given, scratch, sizes)
    return Kernel(module, tuple(given), sizes, tuple(e.checks))


def _scalar_functions(program: Program) -> int:
    """How many long functions (exp, tanh, ..) stand in straight-line scalar code."""
    nodes = (n for nest in program.nests if not nest.parallel for s in nest.statements for n in above_reads(s.value))
    return sum(1 for n in nodes if isinstance(n, Op) and OPS[n.name].flops >= 20)


def _size_values(names: Sequence[str], values: list[ir.Value], fixed: dict[str, int]) -> dict[str, ir.Value]:
    known: dict[str, ir.Value] = {n: ir.Constant(I64, v) for n, v in fixed.items()}
    known.update(zip(names, values, strict=True))
    return known


def _ref(e: Emitter, program: Program, tensor: Tensor, pointer: ir.Value) -> Ref:
    buffer = program.buffers[tensor]
    extents = [e.value(x) for x in buffer.extent]
    if buffer.ring is not None:
        extents[buffer.ring[0]] = ir.Constant(I64, buffer.ring[1])
    strides: list[ir.Value] = []
    stride: ir.Value = ir.Constant(I64, 1)
    for extent in reversed(extents):
        strides.insert(0, stride)
        stride = e.product(extent, stride)
    real_extents = tuple(e.value(x) for x in buffer.extent)
    return Ref(pointer, tuple(strides), buffer.lower, real_extents, buffer.ring, buffer.extent)


# Nodes ----------------------------------------


def _node(e: Emitter, node: Node, around: tuple[Loop, ...], context: isl.Set) -> None:
    if isinstance(node, Nest):
        emit_nest(e, node, nest_guards(node, around, context), context)
    else:
        _loop(e, node, around, context)


def nest_guards(nest: Nest, around: Sequence[Loop], context: isl.Set) -> list[Expr]:
    """The conditions under which a nest runs that the loops around it do not already ensure."""
    domain = min((s.domain for s in nest.statements), key=lambda d: len(d.indices))  # all have the same shadow
    known = [c for loop in around for c in _range_of(loop)]
    if known:
        domain = domain.with_set(domain.set.gist(Domain.where(domain.indices, *known).set))
    return conditions(domain, nest.outer, context)


def _range_of(loop: Loop) -> list[Expr]:
    found = []
    for op, bound in (("ge", loop.lower), ("le", loop.upper)):
        joined = "maximum" if op == "ge" else "minimum"
        parts = [bound]
        while parts:
            part = parts.pop()
            if isinstance(part, Op) and part.name == joined:
                parts.extend(part.args)  # at least the larger of two is at least each of them
            elif is_affine(part):
                found.append(make(op, loop.var, part))
    return found


def _loop(e: Emitter, loop: Loop, around: tuple[Loop, ...], context: isl.Set) -> None:
    for nest in _nests(loop):
        for s in nest.statements:
            e.forget(s.tensor)
    low, high = e.scalar(loop.lower), e.scalar(loop.upper)
    first, last = (low, high) if loop.step > 0 else (high, low)
    with e.only_if(e.builder.icmp_signed("<=", low, high)):
        lags = carried_lags(loop, (*around, loop), context)
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
                e.order[tensor] = axis, e.scalar(loop.var + ahead)
            for node in loop.body:
                _node(e, node, (*around, loop), context)
            e.order = outside
            for tensor, (write, depth) in lags.items():
                now = e.known((Read(tensor, write), -1, -1))
                assert now is not None
                for k in range(depth - 1, 0, -1):
                    e.builder.store(e.builder.load(cells[tensor][k - 1], typ=e.type_of(tensor.kind)), cells[tensor][k])
                e.builder.store(now, cells[tensor][0])
        e.carried = before
        del e.env[loop.var]


def lagged(tensor: Tensor, write: tuple[Expr, ...], loop: Loop, k: int) -> Read:
    """The element written k iterations ago."""
    return Read(tensor, tuple(substitute(w, {loop.var: loop.var - k * loop.step}) for w in write))


def carried_lags(loop: Loop, around: Sequence[Loop], context: isl.Set) -> dict[Tensor, tuple[tuple[Expr, ...], int]]:
    """Scalars that the loop hands from step to step: {tensor: (what is written, longest lag read)}.

    Their last values stay in registers; memory would put a store and a load on the critical path of every step.
    """
    written: dict[Tensor, set[tuple[Expr, ...]]] = {}
    barred: set[Tensor] = set()
    statements: list[Statement] = []
    for node in loop.body:
        for nest in [node] if isinstance(node, Nest) else _nests(node):
            direct = isinstance(node, Nest) and not nest.parallel and not nest_guards(nest, around, context)
            for s in nest.statements:
                statements.append(s)
                written.setdefault(s.tensor, set()).add(s.write)
                inner = len(s.domain.indices) > len(nest.outer)
                if not direct or (inner and s.written - set(nest.outer)):
                    barred.add(s.tensor)
    reads = [r for s in statements for r in statement_reads(s)]
    found: dict[Tensor, tuple[tuple[Expr, ...], int]] = {}
    for tensor, writes in written.items():
        if tensor in barred or len(writes) != 1:
            continue
        (write,) = writes
        depth = max((k for r in reads if r.tensor is tensor for k in [_lag(r, write, loop)] if k), default=0)
        if 0 < depth <= MAX_LAG:
            found[tensor] = (write, depth)
    return found


def _lag(read: Read, write: tuple[Expr, ...], loop: Loop) -> int:
    """How many iterations ago the element read was written; 0 if not by a constant."""
    for k in range(1, MAX_LAG + 1):
        if lagged(read.tensor, write, loop, k) is read:
            return k
    return 0


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


# Updates and entry points ----------------------------------------


def _update(e: Emitter, program: Program) -> None:
    """Copy each updated argument's new value into it, unless an index was bad."""
    if not program.update:
        return
    assert e.bad is not None
    code = e.builder.load(e.bad, typ=I64)
    with e.only_if(e.builder.icmp_signed("==", code, ir.Constant(I64, 0))):
        for old, new in program.update.items():
            indices = tuple(Index(f"i{k}") for k in range(len(old.dims)))
            domain = Domain.box(indices, old.dims)
            s = Statement(old, "set", domain, indices, Read(new, indices))
            context = assume(program.system.sizes, (), least=0)
            emit_nest(e, Nest((), indices, (s,)), [], context)


def _entry_points(
    module: ir.Module,
    body: ir.Function,
    e: Emitter,
    program: Program,
    given: list[Tensor],
    scratch: list[Tensor],
    sizes: tuple[str, ...],
) -> None:
    kernel = ir.Function(module, ir.FunctionType(ir.VoidType(), [PTR] * 4), "kernel")
    b = ir.IRBuilder(kernel.append_basic_block("entry"))
    arguments, size_array, workspace, bad = kernel.args
    pointers = [b.load(b.gep(arguments, [ir.Constant(I64, k)], source_etype=PTR), typ=PTR) for k in range(len(given))]
    values = _load_sizes(b, size_array, sizes)
    offsets, _ = _layout(e, program, scratch, b, values)
    places = [b.gep(workspace, [offset], source_etype=ir.IntType(8)) for offset in offsets]
    b.call(body, [*pointers, *places, bad, *values])
    b.ret_void()
    _workspace_function(module, e, program, scratch, sizes)
    _loop_function(module, kernel)


def _load_sizes(b: ir.IRBuilder, array: ir.Value, sizes: tuple[str, ...]) -> list[ir.Value]:
    return [b.load(b.gep(array, [ir.Constant(I64, k)], source_etype=I64), typ=I64) for k in range(len(sizes))]


def _layout(
    e: Emitter, program: Program, scratch: list[Tensor], b: ir.IRBuilder, values: list[ir.Value]
) -> tuple[list[ir.Value], ir.Value]:
    """Offsets of the workspace buffers in bytes, and their total."""
    names = [n for n in program.system.sizes if n not in program.system.fixed]
    own = Emitter(e.dtype, e.lanes, e.registers)
    own.builder = b
    own.sizes = _size_values(names, values, program.system.fixed)
    offsets: list[ir.Value] = []
    total: ir.Value = ir.Constant(I64, 0)
    for tensor in scratch:
        offsets.append(total)
        buffer = program.buffers[tensor]
        count: ir.Value = ir.Constant(I64, 1)
        for axis, extent in enumerate(buffer.extent):
            ring = buffer.ring is not None and buffer.ring[0] == axis
            count = own.product(ir.Constant(I64, buffer.ring[1]) if ring and buffer.ring else own.value(extent), count)
        width = 8 if tensor.kind == "int" or e.bits == 64 else 4
        size = b.add(own.product(ir.Constant(I64, width), count), ir.Constant(I64, ALIGN - 1))
        total = b.add(total, b.and_(size, ir.Constant(I64, -ALIGN)))
    return offsets, total


def _workspace_function(
    module: ir.Module, e: Emitter, program: Program, scratch: list[Tensor], sizes: tuple[str, ...]
) -> None:
    function = ir.Function(module, ir.FunctionType(I64, [PTR]), "workspace")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    _, total = _layout(e, program, scratch, b, _load_sizes(b, function.args[0], sizes))
    b.ret(total)


def _loop_function(module: ir.Module, kernel: ir.Function) -> None:
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
