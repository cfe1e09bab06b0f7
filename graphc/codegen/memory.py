"""Loads and stores: an element of a tensor at a point of the tile, as a scalar, a vector, or a gather.

An access is affine in the tile (one base offset, a stride along the rows and one along the vector axis) or general
(each subscript computed). A subscript that comes from data, or is computed and not affine, is checked: out of range, it
is noted, replaced by 0 and reported after the call, so nothing outside the buffer is ever touched. Where it moves along
the tile (`x[i + n]`, n from data), each point is checked and gathered by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from llvmlite import ir

from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.outlined import clear_function, masked_gather, masked_scatter, suffix
from graphc.codegen.values import I32, I64, PTR
from graphc.equations.domain import bent_inside, has_reads, is_affine, is_plain
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, place_of, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor


@dataclass(frozen=True)
class Access:
    """Offset of the tile's first point, and strides of rows and lanes, in elements."""

    offset: ir.Value
    row: ir.Value
    lane: ir.Value


def _is_const(v: ir.Value, number: int) -> bool:
    return isinstance(v, ir.Constant) and v.constant == number


def _coefficient(e: Emitter, sub: Expr, index: Index | None) -> int | None:
    """How far `sub` moves with the index; None if not by a constant step."""
    if index is None or not e.mentions(sub, index):
        return 0
    parts, _ = affine_parts(sub)
    rest = [leaf for leaf in parts if leaf is not index]
    if any(e.mentions(leaf, index) for leaf in rest):
        return None
    return parts.get(index, 0)


def _is_proved(sub: Expr) -> bool:
    """Whether isl has shown, before compiling, that a subscript stays inside."""
    return is_plain(sub) or is_affine(sub)


def access(e: Emitter, tensor: Tensor, subs: tuple[Expr, ...]) -> Access | None:
    """The access as affine in the tile, or None."""
    steps = []
    for sub in subs:
        row, lane = _coefficient(e, sub, e.tile.row), _coefficient(e, sub, e.tile.vec)
        if row is None or lane is None or ((row or lane) and not _is_proved(sub)):
            return None  # not affine, or each point has to be checked by itself
        steps.append((row, lane))
    ref = e.refs[tensor]
    key = ("offset", tensor, subs)
    offset = e.known(key)
    if offset is None:
        offset = e.remember(key, _offset(e, tensor, ref, subs))
    strides = []
    for which in (0, 1):
        parts = [
            e.product(ir.Constant(I64, step[which]), stride)
            for step, stride in zip(steps, ref.strides, strict=True)
            if step[which]
        ]
        strides.append(e.sum_of(parts))
    return Access(offset, strides[0], strides[1])


def _offset(e: Emitter, tensor: Tensor, ref: Ref, subs: tuple[Expr, ...]) -> ir.Value:
    parts = []
    for axis, sub in enumerate(subs):
        if _is_proved(sub):
            position = e.scalar(sub - ref.lowers[axis])
        else:
            position = checked(e, tensor, axis, subs, e.scalar)
        parts.append(e.product(_wrap(e, ref, axis, position), ref.strides[axis]))
    return e.sum_of(parts)


def _wrap(e: Emitter, ref: Ref, axis: int, position: ir.Value) -> ir.Value:
    if ref.ring is None or ref.ring[0] != axis:
        return position
    return e.builder.and_(position, ir.Constant(I64, ref.ring[1] - 1))


def checked(
    e: Emitter, tensor: Tensor, axis: int, subs: tuple[Expr, ...], value: Callable[[Expr], ir.Value]
) -> ir.Value:
    """A subscript minus the axis' lowest coordinate (`value` emits an expression here); noted as bad and replaced by 0
    where it leaves the buffer, or, coming from data, its axis: start values are not for data to point at."""
    b, ref, sub = e.builder, e.refs[tensor], subs[axis]
    index = value(sub)
    lower = e.scalar(ref.lowers[axis])
    extent = ref.extents[axis]
    if isinstance(index.type, ir.VectorType):
        lower, extent = e.splat(lower, index.type.count), e.splat(extent, index.type.count)
    position = b.sub(index, lower)
    good = b.icmp_unsigned("<", position, extent)
    if bent_inside(_at_fixed_sizes(e, sub), _at_fixed_sizes(e, tensor.dims[axis])):  # whose length the call has checked
        if not (e.order.get(tensor) and has_reads(sub)):
            return position
    elif has_reads(place_of(sub)) or is_affine(place_of(sub)):  # an affine place is only asked for outside
        length = e.scalar(_at_fixed_sizes(e, tensor.dims[axis]))
        good = b.and_(good, b.icmp_unsigned("<", *e.align([index, length])))
    zero = ir.Constant(position.type, None) if isinstance(position.type, ir.VectorType) else ir.Constant(I64, 0)
    good = _points_back(e, tensor, axis, subs, good, index)
    held = good
    if isinstance(sub, Op) and sub.name == "only" and sub.args[0] != Const(True):
        good, wanted = e.align([good, value(sub.args[0])])
        held = b.or_(good, b.not_(wanted))  # where it is none, it may be anything
    _note(e, tensor, axis, sub, held, index)
    return b.select(good, position, zero)


def _at_fixed_sizes(e: Emitter, dim: Expr) -> Expr:
    return substitute(dim, {Size(n): Const(v) for n, v in e.system.fixed.items()})


def _points_back(
    e: Emitter, tensor: Tensor, axis: int, subs: tuple[Expr, ...], good: ir.Value, index: ir.Value
) -> ir.Value:
    """Inside the loop that computes the tensor, an index from data must lie before the current step, unless a loop
    further out has left the step of the element behind."""
    for along, now, step in e.order.get(tensor, ()):
        if along == axis:
            index, here = e.align([index, e.scalar(now)])
            return e.builder.and_(good, e.builder.icmp_signed("<", index, here))
        behind = now - place_of(subs[along])
        if isinstance(behind, Const) and behind.value * step > 0:
            return good
    return good


def _note(e: Emitter, tensor: Tensor, axis: int, sub: Expr, good: ir.Value, index: ir.Value) -> None:
    """Keep the first bad index: its check's number (from 1) and its value."""
    assert e.bad is not None
    b = e.builder
    e.checks.append((Read(tensor, tuple([place_of(sub)] * len(tensor.dims))), axis))
    number = len(e.checks)
    lanes = [(good, index)]
    if isinstance(good.type, ir.VectorType):
        mask = e.tile.mask
        lanes = []
        for k in range(good.type.count):
            at = ir.Constant(I32, k)
            ok = b.extract_element(good, at)
            if mask is not None:
                ok = b.or_(ok, b.not_(b.extract_element(mask, at)))
            lanes.append((ok, b.extract_element(index, at)))
    for ok, value in lanes:
        code_at = e.pointer(e.bad, ir.Constant(I64, 0), I64)
        value_at = e.pointer(e.bad, ir.Constant(I64, 1), I64)
        before = b.load(code_at, typ=I64)
        first = b.and_(b.not_(ok), b.icmp_signed("==", before, ir.Constant(I64, 0)))
        b.store(b.select(first, ir.Constant(I64, number), before), code_at)
        b.store(b.select(first, value, b.load(value_at, typ=I64)), value_at)


def general_offset(e: Emitter, tensor: Tensor, subs: tuple[Expr, ...], row: int, chunk: int) -> ir.Value:
    """The offset of each lane, every subscript computed by itself."""
    ref = e.refs[tensor]
    parts: list[ir.Value] = []
    for axis, sub in enumerate(subs):
        if _is_proved(sub):
            index = e.value(sub, row, chunk)
            lower = e.scalar(ref.lowers[axis])
            index, lower = e.align([index, lower])
            position = index if _is_zero_like(lower) else e.builder.sub(index, lower)
        else:
            position = checked(e, tensor, axis, subs, lambda x: e.value(x, row, chunk))
        position, stride = e.align([_wrap(e, ref, axis, position), ref.strides[axis]])
        parts.append(position if _is_const(ref.strides[axis], 1) else e.builder.mul(position, stride))
    total = parts[0]
    for p in parts[1:]:
        total = e.builder.add(*e.align([total, p]))
    return total


def _is_zero_like(v: ir.Value) -> bool:
    return isinstance(v, ir.Constant) and (v.constant == 0 or (isinstance(v.constant, list) and not any(v.constant)))


def load(e: Emitter, read: Read, row: int, chunk: int) -> ir.Value:
    """The element(s) read at a point of the tile."""
    carried = e.carried.get(read)
    if carried is not None:
        return e.builder.load(carried, typ=e.type_of(read.kind))
    ty = e.type_of(read.kind)
    base = e.refs[read.tensor].pointer
    found = access(e, read.tensor, read.subs)
    some = _has_elements(e, read)
    if found is None:
        base, offset = _or_stack(e, some, base, general_offset(e, read.tensor, read.subs, row, chunk))
        if isinstance(offset.type, ir.VectorType):
            return gather(e, base, offset, ty)
        return e.builder.load(e.pointer(base, offset, ty), typ=ty)
    start = e.sum_of([found.offset, e.product(ir.Constant(I64, row), found.row)])
    if not e.mentions(read, e.tile.vec):
        return e.builder.load(e.pointer(*_or_stack(e, some, base, start), ty), typ=ty)
    lanes = e.tile.lanes
    start = e.sum_of([start, e.product(ir.Constant(I64, chunk * lanes), found.lane)])
    if some is not None and not _is_const(found.lane, 1):
        return gather(e, *_or_stack(e, some, base, _lane_offsets(e, start, found.lane)), ty)
    base, start = _or_stack(e, some, base, start)
    if _is_const(found.lane, 1):
        mask = None if e.refs[read.tensor].padded else e.tile.mask
        return vector_load(e, e.pointer(base, start, ty), ty, mask)
    if _is_const(found.lane, -1):
        start = e.builder.sub(start, ir.Constant(I64, lanes - 1))
        mask = None if e.tile.mask is None else _reverse(e, e.tile.mask)
        return _reverse(e, vector_load(e, e.pointer(base, start, ty), ty, mask))
    if _is_const(found.lane, 0):
        return e.splat(e.builder.load(e.pointer(base, start, ty), typ=ty), lanes)
    if e.tile.mask is not None:
        return gather(e, base, _lane_offsets(e, start, found.lane), ty)
    if isinstance(found.lane, ir.Constant) and 1 < found.lane.constant <= e.windows:
        return _windows(e, e.pointer(base, start, ty), found.lane.constant, ty)
    return _strided_load(e, e.pointer(base, start, ty), found.lane, ty)


def _windows(e: Emitter, pointer: ir.Value, stride: int, ty: ir.Type) -> ir.Value:
    """Every `stride`-th of the elements from here on: contiguous vectors, of which the lanes are chosen. Each begins
    where the one before ends, so that the last ends with the last element wanted."""
    lanes = e.tile.lanes
    total: ir.Value = ir.Constant(ir.VectorType(ty, lanes), ir.Undefined)
    for window in range(stride):
        first = window * (lanes - 1)
        places = {k: stride * k - first for k in range(lanes) if max(stride * k - 1, 0) // (lanes - 1) == window}
        part = vector_load(e, e.pointer(pointer, ir.Constant(I64, first), ty), ty, None)
        which = [lanes + places[k] if k in places else k for k in range(lanes)]
        total = e.builder.shuffle_vector(total, part, _lanes(which))
    return total


def _lanes(which: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(I32, len(which)), which)


def _has_elements(e: Emitter, access: Read) -> ir.Value | None:
    """Whether the tensor of an access that may be to no element has any at all; None where that is no question."""
    if not any(isinstance(s, Op) and s.name == "only" for s in access.subs):
        return None
    count: ir.Value = ir.Constant(I64, 1)
    for extent in e.refs[access.tensor].extents:
        count = e.product(count, extent)
    known = isinstance(count, ir.Constant) and count.constant > 0
    return None if known else e.builder.icmp_signed("!=", count, ir.Constant(I64, 0))


def _or_stack(e: Emitter, some: ir.Value | None, base: ir.Value, offset: ir.Value) -> tuple[ir.Value, ir.Value]:
    """Where an access goes: to the stack where its tensor has no elements."""
    if some is None:
        return base, offset
    stack = e.alloca(ir.ArrayType(I64, e.lanes), "none")
    none = ir.Constant(offset.type, None) if isinstance(offset.type, ir.VectorType) else ir.Constant(I64, 0)
    return e.builder.select(some, base, stack), e.builder.select(some, offset, none)


def _strided_load(e: Emitter, pointer: ir.Value, stride: ir.Value, ty: ir.Type) -> ir.Value:
    total: ir.Value = ir.Constant(ir.VectorType(ty, e.tile.lanes), ir.Undefined)
    for k in range(e.tile.lanes):
        one = e.builder.load(e.pointer(pointer, e.product(ir.Constant(I64, k), stride), ty), typ=ty)
        total = e.builder.insert_element(total, one, ir.Constant(I32, k))
    return total


def _lane_offsets(e: Emitter, start: ir.Value, stride: ir.Value) -> ir.Value:
    lanes = e.tile.lanes
    iota = ir.Constant(ir.VectorType(I64, lanes), list(range(lanes)))
    return e.builder.add(e.splat(start, lanes), e.builder.mul(iota, e.splat(stride, lanes)))


def _reverse(e: Emitter, v: ir.Value) -> ir.Value:
    return e.builder.shuffle_vector(v, ir.Constant(v.type, ir.Undefined), _lanes(list(range(v.type.count))[::-1]))


def _intrinsic(e: Emitter, name: str, result: ir.Type, args: list[ir.Type]) -> ir.Function:
    module = e.builder.module
    found = module.globals.get(name)
    return found if found is not None else ir.Function(module, ir.FunctionType(result, args), name)


def vector_load(e: Emitter, pointer: ir.Value, ty: ir.Type, mask: ir.Value | None) -> ir.Value:
    """Contiguous lanes; lanes outside the mask are not touched and come as 0."""
    lanes = e.tile.lanes
    vec = ir.VectorType(ty, lanes)
    align = e.bits // 8 if ty is e.real else 8
    if mask is None:
        return e.builder.load(pointer, typ=vec, align=align)
    name = f"llvm.masked.load.{suffix(ty, lanes)}.p0"
    fn = _intrinsic(e, name, vec, [PTR, mask.type, vec])
    pointer_arg = pointer
    return e.builder.call(fn, [pointer_arg, mask, ir.Constant(vec, None)])


def gather(e: Emitter, base: ir.Value, offsets: ir.Value, ty: ir.Type) -> ir.Value:
    """Lanes at offsets of their own; lanes outside the tile's mask are not touched and come as 0."""
    mask = e.tile.mask
    if mask is not None:
        return e.builder.call(masked_gather(e, offsets.type.count, ty), [base, offsets, mask])
    total: ir.Value = ir.Constant(ir.VectorType(ty, offsets.type.count), ir.Undefined)
    for k in range(offsets.type.count):
        at = e.builder.extract_element(offsets, ir.Constant(I32, k))
        one = e.builder.load(e.pointer(base, at, ty), typ=ty)
        total = e.builder.insert_element(total, one, ir.Constant(I32, k))
    return total


def store(e: Emitter, tensor: Tensor, write: tuple[Expr, ...], value: ir.Value, row: int, chunk: int) -> None:
    """Put the element(s) written at a point of the tile."""
    ty = e.type_of(tensor.kind)
    base = e.refs[tensor].pointer
    found = access(e, tensor, write)
    moving = any(e.mentions(w, e.tile.vec) for w in write)
    if moving:
        value = e.splat(value, e.tile.lanes)
    some = _has_elements(e, Read(tensor, write))
    if found is None:
        base, offset = _or_stack(e, some, base, general_offset(e, tensor, write, row, chunk))
        if isinstance(offset.type, ir.VectorType):
            scatter(e, base, offset, value, ty)
        else:
            e.builder.store(value, e.pointer(base, offset, ty))
        return
    start = e.sum_of([found.offset, e.product(ir.Constant(I64, row), found.row)])
    if not moving:
        e.builder.store(value, e.pointer(*_or_stack(e, some, base, start), ty))
        return
    lanes = e.tile.lanes
    start = e.sum_of([start, e.product(ir.Constant(I64, chunk * lanes), found.lane)])
    if _is_const(found.lane, 1):
        mask = None if e.refs[tensor].padded else e.tile.mask
        vector_store(e, e.pointer(*_or_stack(e, some, base, start), ty), value, ty, mask)
    else:
        scatter(e, *_or_stack(e, some, base, _lane_offsets(e, start, found.lane)), value, ty)


def clear(e: Emitter, tensor: Tensor) -> None:
    """Every element of the tensor's buffer becomes zero."""
    ref = e.refs[tensor]
    words = ir.Constant(I64, 2 if tensor.kind == "int" or e.bits == 64 else 1)
    assert ref.total is not None
    e.builder.call(clear_function(e), [ref.pointer, e.product(words, ref.total)])


def vector_store(e: Emitter, pointer: ir.Value, value: ir.Value, ty: ir.Type, mask: ir.Value | None) -> None:
    if mask is None:
        e.builder.store(value, pointer, align=e.bits // 8 if ty is e.real else 8)
        return
    name = f"llvm.masked.store.{suffix(ty, value.type.count)}.p0"
    fn = _intrinsic(e, name, ir.VoidType(), [value.type, PTR, mask.type])
    e.builder.call(fn, [value, pointer, mask])


def scatter(e: Emitter, base: ir.Value, offsets: ir.Value, value: ir.Value, ty: ir.Type) -> None:
    """Lanes to offsets of their own, in order."""
    mask = e.tile.mask
    if mask is not None:
        e.builder.call(masked_scatter(e, offsets.type.count, ty), [base, offsets, value, mask])
        return
    for k in range(offsets.type.count):
        at = ir.Constant(I32, k)
        one, where = e.builder.extract_element(value, at), e.builder.extract_element(offsets, at)
        e.builder.store(one, e.pointer(base, where, ty))
