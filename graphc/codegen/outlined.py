"""Functions of a module that nests call: what is long, runs seldom, and would be most of a kernel's code in line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llvmlite import ir

from graphc.codegen.emitter import Emitter
from graphc.codegen.values import I32, I64, PTR


def suffix(ty: ir.Type, lanes: int) -> str:
    return f"v{lanes}" + {"double": "f64", "float": "f32", "i64": "i64"}[str(ty)]


def masked_gather(e: Emitter, lanes: int, ty: ir.Type) -> ir.Function:
    """masked_gather(base, offsets, mask): lanes outside the mask are not touched and come as 0."""
    vec, bits = ir.VectorType(ty, lanes), ir.VectorType(ir.IntType(1), lanes)

    def body(b: ir.IRBuilder, base: ir.Value, offsets: ir.Value, mask: ir.Value) -> None:
        def filled(total: ir.Value, at: ir.Constant) -> ir.Value:
            place = b.gep(base, [b.extract_element(offsets, at)], inbounds=True, source_etype=ty)
            return b.insert_element(total, b.load(place, typ=ty), at)

        whole: ir.Value = ir.Constant(vec, None)
        with _whole(b, mask):
            for k in range(lanes):
                whole = filled(whole, ir.Constant(I32, k))
            b.ret(whole)
        total: ir.Value = ir.Constant(vec, None)
        for k in range(lanes):
            at, before = ir.Constant(I32, k), b.block
            with b.if_then(b.extract_element(mask, at)):
                more, inside = filled(total, at), b.block
            merged = b.phi(vec)
            merged.add_incoming(total, before)
            merged.add_incoming(more, inside)
            total = merged
        b.ret(total)

    return out_of_line(e, f"masked_gather.{suffix(ty, lanes)}", vec, [PTR, ir.VectorType(I64, lanes), bits], body)


def masked_scatter(e: Emitter, lanes: int, ty: ir.Type) -> ir.Function:
    """masked_scatter(base, offsets, values, mask)."""
    vec, bits = ir.VectorType(ty, lanes), ir.VectorType(ir.IntType(1), lanes)

    def body(b: ir.IRBuilder, base: ir.Value, offsets: ir.Value, value: ir.Value, mask: ir.Value) -> None:
        def put(at: ir.Constant) -> None:
            place = b.gep(base, [b.extract_element(offsets, at)], inbounds=True, source_etype=ty)
            b.store(b.extract_element(value, at), place)

        with _whole(b, mask):
            for k in range(lanes):
                put(ir.Constant(I32, k))
            b.ret_void()
        for k in range(lanes):
            at = ir.Constant(I32, k)
            with b.if_then(b.extract_element(mask, at)):
                put(at)
        b.ret_void()

    arguments = [PTR, ir.VectorType(I64, lanes), vec, bits]
    return out_of_line(e, f"masked_scatter.{suffix(ty, lanes)}", ir.VoidType(), arguments, body)


@contextmanager
def _whole(b: ir.IRBuilder, mask: ir.Value) -> Iterator[None]:
    """Inside where no lane is masked out, as in most tails, without a branch for each lane; it has to return."""
    bits = ir.IntType(mask.type.count)
    inside, after = b.append_basic_block("whole"), b.append_basic_block("part")
    b.cbranch(b.icmp_unsigned("==", b.bitcast(mask, bits), ir.Constant(bits, -1)), inside, after)
    b.position_at_end(inside)
    yield
    b.position_at_end(after)


def clear_function(e: Emitter) -> ir.Function:
    """clear(pointer, count of 4-byte words): not memset, since code that calls nothing can be placed anywhere."""

    def body(b: ir.IRBuilder, pointer: ir.Value, words: ir.Value) -> None:
        start: ir.Value = ir.Constant(I64, 0)
        for width in (16, 1):
            zero = ir.Constant(ir.VectorType(I32, width), None)
            before, head, step, done = b.block, *(b.append_basic_block() for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            i = b.phi(I64)
            i.add_incoming(start, before)
            after = b.add(i, ir.Constant(I64, width), flags=("nsw",))
            b.cbranch(b.icmp_signed("<=", after, words), step, done)
            b.position_at_end(step)
            b.store(zero, b.gep(pointer, [i], inbounds=True, source_etype=I32), align=4)
            i.add_incoming(after, step)
            b.branch(head)
            b.position_at_end(done)
            start = i
        b.ret_void()

    return out_of_line(e, "clear", ir.VoidType(), [PTR, I64], body)


def out_of_line(
    e: Emitter, name: str, result: ir.Type, arguments: list[ir.Type], body: Callable[..., None]
) -> ir.Function:
    """The module's function of that name, made where it is first wanted."""
    module = e.builder.module
    found = module.globals.get(name)
    if found is None:
        found = ir.Function(module, ir.FunctionType(result, arguments), name)
        found.linkage = "internal"
        found.attributes.add("noinline")
        body(ir.IRBuilder(found.append_basic_block("entry")), *found.args)
    return found
