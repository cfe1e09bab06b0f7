"""x modulo pi/2 for huge doubles (Payne and Hanek, Radian reduction for trigonometric functions, SIGNUM 18, 1983).

x = M 2**E with an integer M of 53 bits. Of 2/pi only the bits matter whose product with x is below 4 and above the
accuracy wanted: 192 of them, found by E in a table; M times these, modulo 2**192, is x 2/pi modulo 4.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from llvmlite import ir

from graphc.codegen.vectormath.lanes import Kit, V

_I64, _I128, _F64 = ir.IntType(64), ir.IntType(128), ir.DoubleType()
_RESULT = ir.LiteralStructType([_F64, _F64, _I64])
_LEADING = 64  # zero bits before the table's first: for E down to -64
# 2/pi in words of 64 bits, from the binary point on
_TWO_OVER_PI = (
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
)


def reduce_large(kit: Kit, x: V) -> tuple[V, V, V]:
    """Remainder, its tail, and the quarter turns, lane by lane, of doubles of at least 2**30; NaN for infinities."""
    builder = kit.builder
    function = _function(builder.module, kit)
    if kit.lanes is None:
        parts = builder.call(function, [x.value])
        rest, tail, turns = (builder.extract_value(parts, k) for k in range(3))
    else:
        rest = tail = ir.Constant(kit.real_type, ir.Undefined)
        turns = ir.Constant(kit.int_type, ir.Undefined)
        for lane in range(kit.lanes):
            at = ir.Constant(ir.IntType(32), lane)
            parts = builder.call(function, [builder.extract_element(x.value, at)])
            rest = builder.insert_element(rest, builder.extract_value(parts, 0), at)
            tail = builder.insert_element(tail, builder.extract_value(parts, 1), at)
            turns = builder.insert_element(turns, builder.extract_value(parts, 2), at)
    return V(kit, rest, True), V(kit, tail, True), V(kit, turns, False)


def _function(module: ir.Module, kit: Kit) -> ir.Function:
    name = "graphc.reduce_large.f64"
    found = module.globals.get(name)
    if found is not None:
        return found
    function = ir.Function(module, ir.FunctionType(_RESULT, [_F64]), name)
    function.linkage = "internal"
    for attribute in ("nounwind", "noinline", "cold"):
        function.attributes.add(attribute)
    builder = ir.IRBuilder(function.append_basic_block())
    x = function.args[0]
    scalar = Kit(builder, _F64, kit.target)
    bits = builder.and_(builder.bitcast(x, _I64), _I64((1 << 63) - 1))
    product = _product(builder, bits, _window(builder, module, bits))
    turns, pieces = _turns_and_pieces(builder, product)
    rest, tail = _times_half_pi(scalar, [scalar.real(piece) for piece in pieces])
    sign = scalar.copysign(scalar.const(1.0), scalar.real(x))
    rest = scalar.fma(scalar.real(x), 0.0, rest * sign)  # NaN if x is infinite
    turns = builder.select(_sign_bit(builder, x), builder.neg(turns), turns)
    result: Any = ir.Constant(_RESULT, ir.Undefined)
    for k, part in enumerate((rest.value, (tail * sign).value, turns)):
        result = builder.insert_value(result, part, k)
    builder.ret(result)
    return function


def _sign_bit(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    return builder.icmp_signed("<", builder.bitcast(x, _I64), _I64(0))


def _window(builder: ir.IRBuilder, module: ir.Module, bits: ir.Value) -> list[ir.Value]:
    """The 192 bits of 2/pi from that of weight 2**(1-E) on, highest word first."""
    words = (0,) * (_LEADING // 64) + _TWO_OVER_PI
    table_type = ir.ArrayType(_I64, len(words))
    table = ir.GlobalVariable(module, table_type, "graphc.two_over_pi")
    table.linkage, table.global_constant, table.initializer = "internal", True, ir.Constant(table_type, list(words))
    # The bit of weight 2**-k stands at k - 1 + leading; k = E - 1; E = exponent - 1075.
    position = builder.add(builder.lshr(bits, _I64(52)), _I64(_LEADING - 1075 - 2))
    first, offset = builder.lshr(position, _I64(6)), builder.and_(position, _I64(63))
    loaded = [builder.load(builder.gep(table, [_I64(0), builder.add(first, _I64(k))], inbounds=True)) for k in range(4)]
    name = "llvm.fshl.i64"
    shift = module.globals.get(name) or ir.Function(module, ir.FunctionType(_I64, [_I64] * 3), name)
    return [builder.call(shift, [high, low, offset]) for high, low in pairwise(loaded)]


def _product(builder: ir.IRBuilder, bits: ir.Value, window: list[ir.Value]) -> list[ir.Value]:
    """M times the window modulo 2**192, highest word first."""
    m = builder.zext(builder.or_(builder.and_(bits, _I64((1 << 52) - 1)), _I64(1 << 52)), _I128)
    carry: Any = ir.Constant(_I128, 0)
    words: list[ir.Value] = []
    for word in reversed(window):
        total = builder.add(builder.mul(m, builder.zext(word, _I128)), carry)
        words.insert(0, builder.trunc(total, _I64))
        carry = builder.lshr(total, ir.Constant(_I128, 64))
    return words


def _turns_and_pieces(builder: ir.IRBuilder, words: list[ir.Value]) -> tuple[ir.Value, list[ir.Value]]:
    """x 2/pi to the nearest integer, modulo 4, and what is left as three doubles that do not overlap, largest first."""
    high, middle, low = words
    turns = builder.lshr(builder.add(high, _I64(1 << 61)), _I64(62))
    high = builder.sub(high, builder.shl(turns, _I64(62)))
    first = builder.sitofp(builder.ashr(high, _I64(11)), _F64)
    second = builder.or_(builder.shl(builder.and_(high, _I64(2047)), _I64(42)), builder.lshr(middle, _I64(22)))
    third = builder.or_(builder.shl(builder.and_(middle, _I64((1 << 22) - 1)), _I64(31)), builder.lshr(low, _I64(33)))
    pieces = [first, builder.uitofp(second, _F64), builder.uitofp(third, _F64)]
    weights = [2.0**-51, 2.0**-104, 2.0**-157]
    return turns, [builder.fmul(piece, _F64(weight)) for piece, weight in zip(pieces, weights, strict=True)]


def _times_half_pi(kit: Kit, pieces: list[V]) -> tuple[V, V]:
    high, low = kit.fast_two_sum(pieces[0], pieces[1])
    high, low = kit.fast_two_sum(high, low + pieces[2])
    half_pi, half_pi_2 = float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54")
    product, error = kit.product(high, kit.const(half_pi))
    return product, kit.fma(low, half_pi, kit.fma(high, half_pi_2, error))
