"""Calls of routines, and the routines: functions of pointers, strides and extents, each emitted once."""

from __future__ import annotations

from llvmlite import ir

from graphc.codegen.blocking import groups_of_rows
from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.memory import access
from graphc.codegen.values import FUSED, I64, PTR
from graphc.equations.bounds import Bounds
from graphc.equations.expr import Const, Index, Read
from graphc.equations.simplify import affine_parts, never_negative
from graphc.schedule.tree import Call, Routine


def emit_call(e: Emitter, call: Call) -> None:
    """The call, with where its operands begin, how far each loop moves them, and how long the loops are."""
    b = e.builder
    bounds = [bound for group in call.groups for bound in group]
    for bound in bounds:
        e.env[bound.index] = e.scalar(bound.lower)
    with e.scope():
        pointers = [_pointer(e, r) for r in call.reads]
        extents = [b.add(b.sub(e.scalar(bound.upper), e.env[bound.index]), ir.Constant(I64, 1)) for bound in bounds]
        strides = [_stride(e, call.reads[k], call.groups[n][-1].index) for k, n in call.strides]
    for bound in bounds:
        del e.env[bound.index]
    integers = [e.scalar(x) for x in call.integers]
    counts = iter(_folded(e, x, bound) for x, bound in zip(extents, bounds, strict=True))
    lengths = []
    for group in call.groups:
        total: ir.Value = ir.Constant(I64, 1)
        for _ in group:
            total = e.product(total, next(counts))
        lengths.append(total)
    function = routine(e, call.routine)
    if call.rows is None:
        b.call(function, [*pointers, *strides, *(lengths[k] for k in call.extents), *integers])
        return
    row, most, least = call.rows
    with groups_of_rows(e, lengths[row], [lengths[k] for k in call.summed], most, least) as (first, number):
        moved = []
        for r, pointer in zip(call.reads, pointers, strict=True):
            offset = e.product(first, _stride(e, r, call.groups[row][-1].index))
            moved.append(e.pointer(pointer, offset, e.type_of(r.kind)))
        lengths[row] = number
        b.call(function, [*moved, *strides, *(lengths[k] for k in call.extents), *integers])


def _pointer(e: Emitter, read: Read) -> ir.Value:
    found = access(e, read.tensor, read.subs)
    assert found is not None
    return e.pointer(e.refs[read.tensor].pointer, found.offset, e.type_of(read.kind))


def _stride(e: Emitter, read: Read, index: Index) -> ir.Value:
    """By how many elements an access moves with the index."""
    parts = [
        e.product(ir.Constant(I64, affine_parts(sub)[0].get(index, 0)), stride)
        for sub, stride in zip(read.subs, e.refs[read.tensor].strides, strict=True)
    ]
    return e.sum_of(parts)


def _folded(e: Emitter, extent: ir.Value, b: Bounds) -> ir.Value:
    """The number of points, at least 0: two indices made one would have the product of two negative lengths."""
    length = b.upper - b.lower + 1
    if isinstance(length, Const):
        return ir.Constant(I64, max(0, int(length.value)))
    if never_negative(length):
        return extent
    zero = ir.Constant(I64, 0)
    return e.builder.select(e.builder.icmp_signed("<", extent, zero), zero, extent)


def routine(e: Emitter, r: Routine) -> ir.Function:
    """The function of a routine: pointers, then strides, then extents and other integers."""
    from graphc.codegen.nest import emit_tree

    function = e.builder.module.globals.get(r.name)
    if function is not None:
        return function
    names = list(dict.fromkeys(s for row in r.strides for s in row if isinstance(s, str)))
    types = [PTR] * len(r.tensors) + [I64] * (len(names) + len(r.sizes))
    function = ir.Function(e.builder.module, ir.FunctionType(ir.VoidType(), types), r.name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    inner = Emitter(e.system, e.dtype, e.lanes)
    inner.windows, inner.flags = e.windows, FUSED if r.fused else ()
    inner.builder = ir.IRBuilder(function.append_basic_block("entry"))
    start = inner.builder.append_basic_block("start")
    inner.builder.branch(start)
    inner.builder.position_at_end(start)
    pointers, integers = function.args[: len(r.tensors)], function.args[len(r.tensors) :]
    stride = dict(zip(names, integers, strict=False))
    inner.sizes = dict(zip(r.sizes, integers[len(names) :], strict=True))
    for tensor, pointer, strides in zip(r.tensors, pointers, r.strides, strict=True):
        if tensor in r.apart:
            pointer.add_attribute("noalias")
        values = tuple(stride[s] if isinstance(s, str) else ir.Constant(I64, s) for s in strides)
        inner.refs[tensor] = Ref(pointer, values, tuple(Const(0) for _ in values), ())
    emit_tree(inner, r.tree)
    inner.builder.ret_void()
    return function
