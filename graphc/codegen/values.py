"""Scalar and vector values: types by kind, conversions, and the instruction for each operation of the table `ops`.

A value is an llvmlite value, a scalar or a vector of the lanes in use; operands of mixed shape are broadcast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from graphc.codegen import vectormath
from graphc.equations.expr import Const, as_float, join
from graphc.equations.ops import REDUCTIONS
from graphc.errors import UnsupportedError
from graphc.language.boundaries import BENT, Boundary, Kit

I1, I32, I64 = ir.IntType(1), ir.IntType(32), ir.IntType(64)
PTR = ir.PointerType()
_FLOATS = {"float64": ir.DoubleType(), "float32": ir.FloatType()}
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
FUSED = ("contract",)  # products and sums may become one multiply-add, which rounds once


class Values:
    """Emits operations into `builder` for one element type ("float64", "float32" or an integer dtype)."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.real: ir.Type = _FLOATS.get(dtype, I64)
        self.flags: tuple[str, ...] = FUSED
        self.in_line = True  # whether long functions are copied to where they are used, or called
        self.builder: ir.IRBuilder = ir.IRBuilder()

    def type_of(self, kind: str) -> ir.Type:
        return {"real": self.real, "bool": I1}.get(kind, I64)

    @property
    def bits(self) -> int:
        return 32 if self.dtype == "float32" else 64

    # Constants and shapes ------------------------------------------------------------------------------------------

    def const(self, value: object, kind: str) -> ir.Value:
        ty = self.type_of(kind)
        if kind == "bool":
            return ir.Constant(ty, int(bool(value)))
        if ty is I64:
            return ir.Constant(ty, _saturate(value))
        return ir.Constant(ty, _as_float(value, self.dtype))

    def splat(self, value: ir.Value, lanes: int) -> ir.Value:
        if isinstance(value.type, ir.VectorType):
            return value
        vec = ir.VectorType(value.type, lanes)
        if isinstance(value, ir.Constant):
            return ir.Constant(vec, [value.constant] * lanes)
        one = self.builder.insert_element(ir.Constant(vec, ir.Undefined), value, ir.Constant(I32, 0))
        zeros = ir.Constant(ir.VectorType(I32, lanes), [0] * lanes)
        return self.builder.shuffle_vector(one, ir.Constant(vec, ir.Undefined), zeros)

    def align(self, values: Sequence[ir.Value]) -> list[ir.Value]:
        """Broadcast scalars if any operand is a vector."""
        lanes = next((v.type.count for v in values if isinstance(v.type, ir.VectorType)), None)
        return list(values) if lanes is None else [self.splat(v, lanes) for v in values]

    def convert(self, value: ir.Value, kind: str, to: str) -> ir.Value:
        """A value of one kind as another ("weak" and "int" are 64-bit integers)."""
        source, target = self.type_of(kind), self.type_of(to)
        if source is target:
            return value
        lanes = value.type.count if isinstance(value.type, ir.VectorType) else None
        literal = number_of(value)
        if literal is not None and target not in (I1, I64):  # it stays a literal: operations look at these
            return self.splat(self.const(literal, to), lanes) if lanes else self.const(literal, to)
        ty = target if lanes is None else ir.VectorType(target, lanes)
        if target is I1:
            zero = ir.Constant(value.type, None) if lanes else ir.Constant(value.type, 0)
            compare = self.builder.icmp_signed if source is I64 else self.builder.fcmp_unordered
            return compare("!=", value, zero)
        if source is I1:
            return self.builder.zext(value, ty) if target is I64 else self.builder.uitofp(value, ty)
        if source is I64:
            return self.builder.sitofp(value, ty)
        return self.builder.fptosi(value, ty)

    # Operations ----------------------------------------------------------------------------------------------------

    def op(self, name: str, args: Sequence[ir.Value], kinds: Sequence[str], kind: str) -> ir.Value:
        """The value of operation `name`, of the given result kind."""
        b = self.builder
        if name == "select":
            cond = self.convert(args[0], kinds[0], "bool")
            yes, no = self.align([self.convert(a, k, kind) for a, k in zip(args[1:], kinds[1:], strict=True)])
            if isinstance(cond.type, ir.VectorType):
                yes, no = self.splat(yes, cond.type.count), self.splat(no, cond.type.count)
            return b.select(cond, yes, no)
        if name in ("and", "or", "not"):
            bools = self.align([self.convert(a, k, "bool") for a, k in zip(args, kinds, strict=True)])
            return b.not_(bools[0]) if name == "not" else getattr(b, name + "_")(*bools)
        if name == "only":
            yes, place = self.align([self.convert(args[0], kinds[0], "bool"), args[1]])
            return b.select(yes, place, self._like(place, 0))
        if name == "stop":
            return args[0]
        if name == "toreal":
            return self.convert(args[0], kinds[0], "real")
        if name == "toint":
            return self.convert(args[0], kinds[0], "int")
        common = "real" if kind == "real" else join(*kinds)
        if common == "bool":
            common = "weak"
        values = self.align([self.convert(a, k, common) for a, k in zip(args, kinds, strict=True)])
        if self.type_of(common) is I64:
            return self._integer(name, values)
        return self._float(name, values)

    def _integer(self, name: str, v: list[ir.Value]) -> ir.Value:
        b = self.builder
        if name in _COMPARE:
            return b.icmp_signed(_COMPARE[name], *v)
        match name:
            case "add":
                return b.add(*v)
            case "sub":
                return b.sub(*v)
            case "mul":
                return b.mul(*v)
            case "neg":
                return b.neg(v[0])
            case "floor" | "ceil":
                return v[0]
            case "maximum" | "minimum":
                return b.select(b.icmp_signed(">" if name == "maximum" else "<", *v), *v)
            case "relu":
                zero = self._like(v[0], 0)
                return b.select(b.icmp_signed(">", v[0], zero), v[0], zero)
            case "abs":
                return b.select(b.icmp_signed("<", v[0], self._like(v[0], 0)), b.neg(v[0]), v[0])
            case "sign":
                zero = self._like(v[0], 0)
                up, down = b.icmp_signed(">", v[0], zero), b.icmp_signed("<", v[0], zero)
                return b.sub(b.zext(up, v[0].type), b.zext(down, v[0].type))
            case "floordiv":
                return self._floor_divide(*v)[0]
            case "mod":
                return self._floor_divide(*v)[1]
            case bent if bent in BENT:
                return self._bent(BENT[bent], *v)
            case "pow":
                return self._integer_power(*v)
            case "isnan":
                return b.icmp_signed("!=", v[0], v[0])
            case "isfinite":
                return b.icmp_signed("==", v[0], v[0])
        what = "a quotient" if name == "div" else name
        raise UnsupportedError(f"{what} has no value among the integers\n  Compile with dtype='float64'")

    def _like(self, value: ir.Value, number: int) -> ir.Value:
        if isinstance(value.type, ir.VectorType):
            return ir.Constant(value.type, [number] * value.type.count)
        return ir.Constant(value.type, number)

    def _floor_divide(self, a: ir.Value, n: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Quotient and remainder, rounded down; a zero divisor gives 0 and 0, as NumPy's integers do."""
        b = self.builder
        zero, one = self._like(a, 0), self._like(a, 1)
        bad = b.icmp_signed("==", n, zero)
        divisor = b.select(bad, one, n)
        # -2**63 // -1 traps in hardware: divide by 1 instead and negate.
        minus = b.icmp_signed("==", divisor, self._like(a, -1))
        safe = b.select(minus, one, divisor)
        numerator = b.select(minus, b.neg(a), a)
        quotient, rest = b.sdiv(numerator, safe), b.srem(numerator, safe)
        wrong = b.and_(b.icmp_signed("!=", rest, zero), b.icmp_signed("<", b.xor(rest, safe), zero))
        quotient = b.select(wrong, b.sub(quotient, one), quotient)
        rest = b.select(wrong, b.add(rest, safe), rest)
        return b.select(bad, zero, quotient), b.select(bad, zero, rest)

    def _bent(self, rule: Boundary, i: ir.Value, n: ir.Value) -> ir.Value:
        def whole(v: Any) -> ir.Value:
            return v if isinstance(v, ir.Value) else self._like(i, v)

        def by(name: str) -> Callable[[Any, Any], ir.Value]:
            return lambda a, b: self._integer(name, [whole(a), whole(b)])

        return rule.bent(Kit(*map(by, ("minimum", "maximum", "mod", "add", "sub"))), i, n)

    def _integer_power(self, a: ir.Value, n: ir.Value) -> ir.Value:
        exponent = number_of(n)
        if exponent is None:
            raise UnsupportedError("a power of integers needs a literal exponent\n  Compile with dtype='float64'")
        if exponent < 0:
            raise UnsupportedError("a quotient has no value among the integers\n  Compile with dtype='float64'")
        total, left = self._like(a, 1), int(exponent)
        while left:
            if left % 2:
                total = self.builder.mul(total, a)
            a, left = self.builder.mul(a, a), left // 2
        return total

    def _float(self, name: str, v: list[ir.Value]) -> ir.Value:
        b = self.builder
        if name in _COMPARE:
            if name == "ne":
                return b.fcmp_unordered("!=", *v)
            return b.fcmp_ordered(_COMPARE[name], *v)
        match name:
            case "add":
                return b.fadd(*v, flags=self.flags)
            case "sub":
                return b.fsub(*v, flags=self.flags)
            case "mul":
                return b.fmul(*v, flags=self.flags)
            case "div":
                return b.fdiv(*v)
            case "neg":
                return b.fneg(v[0])
            case "isnan":
                return b.fcmp_unordered("uno", v[0], v[0])
            case "isfinite":
                return b.fcmp_ordered("==", b.fsub(v[0], v[0]), self._number(v[0], 0.0))
            case "relu":
                return b.select(b.fcmp_ordered("<", v[0], self._number(v[0], 0.0)), self._number(v[0], 0.0), v[0])
            case "heaviside":
                return self._heaviside(*v)
            case "floordiv":
                return vectormath.emit(b, "floor", [b.fdiv(*v)])
            case "abs":
                return vectormath.emit(b, "fabs", v)
            case "pow":
                return self._power(*v)
            case "polygamma":
                return vectormath.emit_polygamma(b, int(number_of(v[0]) or 0), v[1], inline=self.in_line)
        return vectormath.emit(b, name, v, inline=self.in_line)

    def _number(self, value: ir.Value, number: float) -> ir.Value:
        if isinstance(value.type, ir.VectorType):
            return ir.Constant(value.type, [number] * value.type.count)
        return ir.Constant(value.type, number)

    def _heaviside(self, x: ir.Value, at_zero: ir.Value) -> ir.Value:
        b, zero, one = self.builder, self._number(x, 0.0), self._number(x, 1.0)
        step = b.select(b.fcmp_ordered(">", x, zero), one, zero)
        step = b.select(b.fcmp_ordered("==", x, zero), at_zero, step)
        return b.select(b.fcmp_unordered("uno", x, x), x, step)

    def _power(self, base: ir.Value, exponent: ir.Value) -> ir.Value:
        """A power with a literal exponent of few bits by products and roots, 2**x by `exp2`, else by `pow`."""
        number, whole = number_of(exponent), number_of(base)
        if number is not None and vectormath.has_products(number):
            return vectormath.emit_power(self.builder, base, float(number))
        if whole == 2:
            return vectormath.emit(self.builder, "exp2", [exponent], inline=self.in_line)
        return vectormath.emit(self.builder, "pow", [base, exponent], inline=self.in_line)

    def combine(self, mode: str, a: ir.Value, b: ir.Value, kind: str) -> ir.Value:
        """The reduction's operation on two partial results."""
        return self.op(REDUCTIONS[mode].op, [a, b], [kind, kind], kind)

    def identity(self, mode: str, kind: str) -> ir.Value:
        return self.const(REDUCTIONS[mode].identity, kind)

    def literal(self, e: Const) -> ir.Value:
        if e.kind == "real" and self.type_of("real") is I64 and not _is_integer(e.value):
            raise UnsupportedError(f"{e.value} has no value among the integers\n  Compile with dtype='float64'")
        return self.const(e.value, e.kind)


def number_of(value: ir.Value) -> int | float | None:
    """The number that a literal is, or that each lane of a vector is; None for what is no literal."""
    if not isinstance(value, ir.Constant):
        return None
    lanes = value.constant if isinstance(value.constant, list) else [value.constant]
    numbers = [lane.constant if isinstance(lane, ir.Constant) else lane for lane in lanes]
    first = numbers[0]
    return first if isinstance(first, int | float) and all(n is first or n == first for n in numbers) else None


def _is_integer(value: Any) -> bool:
    """Whether an integer of 64 bits has this value, or stands for it: infinities are the largest and the smallest."""
    return math.isinf(value) or (value == value // 1 and -(2**63) <= value < 2**63)


def _saturate(value: object) -> int:
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return 2**63 - 1 if value > 0 else -(2**63)
    return int(value)  # type: ignore[call-overload]


def _as_float(value: object, dtype: str) -> float:
    number = as_float(value)
    if dtype == "float32":
        import numpy as np

        with np.errstate(over="ignore"):
            return float(np.float32(number))
    return number
