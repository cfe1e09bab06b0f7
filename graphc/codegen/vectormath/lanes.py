"""The notation the functions of this package are written in: `V`, a value of every lane, and `Kit`, its instructions.

One text serves float and double, scalars and vectors of any length; each lane is computed alike, so a vector's result
is to the bit its scalars' results. No instruction carries a fast-math flag: where a product and a sum are to be fused,
or must not be, the text says so.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import cache
from typing import Any

from llvmlite import ir

from graphc.codegen.target import Target


class V:
    """One value in every lane: real, integer or truth value, by its LLVM type. Operators emit one instruction each."""

    __slots__ = ("kit", "real", "value")

    def __init__(self, kit: Kit, value: Any, real: bool) -> None:
        self.kit = kit
        self.value = value
        self.real = real

    def _with(self, other: V | float) -> Any:
        if isinstance(other, V):
            return other.value
        return self.kit.const(other).value if self.real else self.kit.word(int(other)).value

    def _emit(self, opcode: str, other: V | float) -> V:
        return V(self.kit, getattr(self.kit.builder, opcode)(self.value, self._with(other)), self.real)

    def _compare(self, sign: str, other: V | float) -> V:
        return V(self.kit, self.kit.builder.fcmp_ordered(sign, self.value, self._with(other)), False)

    def __add__(self, other: V | float) -> V:
        return self._emit("fadd" if self.real else "add", other)

    def __sub__(self, other: V | float) -> V:
        return self._emit("fsub" if self.real else "sub", other)

    def __rsub__(self, other: float) -> V:
        return (self.kit.const(other) if self.real else self.kit.word(int(other))) - self

    def __mul__(self, other: V | float) -> V:
        return self._emit("fmul" if self.real else "mul", other)

    def __truediv__(self, other: V | float) -> V:
        return self._emit("fdiv", other)

    def __rtruediv__(self, other: float) -> V:
        return self.kit.const(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> V:
        return V(self.kit, self.kit.builder.fneg(self.value), True)

    def __lt__(self, other: V | float) -> V:
        return self._compare("<", other)

    def __le__(self, other: V | float) -> V:
        return self._compare("<=", other)

    def __gt__(self, other: V | float) -> V:
        return self._compare(">", other)

    def __ge__(self, other: V | float) -> V:
        return self._compare(">=", other)

    def equals(self, other: V | float) -> V:
        """True where equal; for integers too. False where either is NaN."""
        if self.real:
            return self._compare("==", other)
        return V(self.kit, self.kit.builder.icmp_unsigned("==", self.value, self._with(other)), False)

    def is_nan(self) -> V:
        return V(self.kit, self.kit.builder.fcmp_unordered("uno", self.value, self.value), False)

    def __and__(self, other: V | float) -> V:
        return self._emit("and_", other)

    def __or__(self, other: V | float) -> V:
        return self._emit("or_", other)

    def __xor__(self, other: V | float) -> V:
        return self._emit("xor", other)

    def __lshift__(self, count: int) -> V:
        return self._emit("shl", count)

    def __rshift__(self, count: int) -> V:
        return self._emit("lshr", count)

    def inverted(self) -> V:
        return V(self.kit, self.kit.builder.not_(self.value), False)

    def positive_part(self) -> V:
        """max(self, 0) of a signed integer."""
        zero = self.kit.word(0).value
        builder = self.kit.builder
        return V(self.kit, builder.select(builder.icmp_signed(">", self.value, zero), self.value, zero), False)

    def choose(self, yes: V | float, no: V | float) -> V:
        """`yes` where this truth value holds, `no` elsewhere."""
        if not isinstance(yes, V):
            yes = self.kit.const(yes)
        return V(yes.kit, yes.kit.builder.select(self.value, yes.value, yes._with(no)), yes.real)

    def bits(self) -> V:
        """The IEEE 754 encoding of a real."""
        return V(self.kit, self.kit.builder.bitcast(self.value, self.kit.int_type), False)

    def as_real(self) -> V:
        """The real whose IEEE 754 encoding this integer is."""
        return V(self.kit, self.kit.builder.bitcast(self.value, self.kit.real_type), True)


class Kit:
    """The instructions and constants of one element type (float or double) at one width."""

    def __init__(self, builder: ir.IRBuilder, real_type: ir.Type, target: Target) -> None:
        self.builder = builder
        self.real_type = real_type
        self.target = target
        vector = isinstance(real_type, ir.VectorType)
        self.lanes: int | None = real_type.count if vector else None
        element = real_type.element if vector else real_type
        self.double = isinstance(element, ir.DoubleType)
        self.size = 64 if self.double else 32
        self.fraction = 52 if self.double else 23
        self.bias = 1023 if self.double else 127
        self.int_type = _wide(ir.IntType(self.size), self.lanes)
        self.suffix = type_suffix(real_type)

    def real(self, value: Any) -> V:
        return V(self, value, True)

    def const(self, value: float) -> V:
        return V(self, _real_constant(self.real_type, self.double, float(value)), True)

    def word(self, value: int) -> V:
        """An integer constant as wide as the reals, taken modulo 2**size."""
        value &= (1 << self.size) - 1
        return V(self, _int_constant(self.int_type, value - ((value >> (self.size - 1)) << self.size)), False)

    def power(self, exponent: int) -> float:
        return float(2.0**exponent)

    def pick(self, double: float, single: float) -> float:
        """The constant for this element type."""
        return double if self.double else single

    def call(self, name: str, *args: V) -> V:
        """LLVM's intrinsic of that name: only such as the machine has instructions for."""
        full = f"llvm.{name}.{self.suffix}"
        function = self.builder.module.globals.get(full)
        if function is None:
            signature = ir.FunctionType(self.real_type, [self.real_type] * len(args))
            function = ir.Function(self.builder.module, signature, full)
        return V(self, self.builder.call(function, [a.value for a in args]), True)

    def fma(self, a: V, b: V | float, c: V | float) -> V:
        """a*b + c, fused where the machine can: for sums that are only more exact when fused."""
        b, c = (value if isinstance(value, V) else self.const(value) for value in (b, c))
        return self.call("fma" if self.target.fused else "fmuladd", a, b, c)

    def exact_fma(self, a: V, b: V | float, c: V) -> V:
        """a*b + c where the result has no rounding error if fused. Without the instruction: by Dekker's product."""
        b = b if isinstance(b, V) else self.const(b)
        if self.target.fused:
            return self.call("fma", a, b, c)
        high, low = self.product(a, b)
        return (c + high) + low

    def product(self, a: V, b: V) -> tuple[V, V]:
        """a*b as a rounded product and its error (Dekker 1971; one fma where the machine has it)."""
        high = a * b
        if self.target.fused:
            return high, self.call("fma", a, b, -high)
        (a1, a2), (b1, b2) = self._split(a), self._split(b)
        return high, a2 * b2 - (((high - a1 * b1) - a2 * b1) - a1 * b2)

    def _split(self, a: V) -> tuple[V, V]:
        scaled = a * (self.power((self.fraction + 2) // 2) + 1.0)
        high = scaled - (scaled - a)
        return high, a - high

    def two_sum(self, a: V, b: V) -> tuple[V, V]:
        """a + b as a rounded sum and its error, whichever is larger (Knuth, TAOCP 2, 4.2.2, theorem B)."""
        total = a + b
        shadow = total - a
        return total, (a - (total - shadow)) + (b - shadow)

    def fast_two_sum(self, a: V, b: V) -> tuple[V, V]:
        """The same where |a| >= |b| (Dekker 1971)."""
        total = a + b
        return total, b - (total - a)

    def polynomial(self, x: V, coefficients: Sequence[float]) -> V:
        """sum of c[k] x**k: by fours side by side for short latency, then Horner's rule in x**4."""
        x2 = x * x if len(coefficients) > 2 else None
        x4 = x2 * x2 if x2 is not None and len(coefficients) > 4 else None
        total: V | None = None
        for start in reversed(range(0, len(coefficients), 4)):
            part = self._four(x, x2, coefficients[start : start + 4])
            total = part if total is None or x4 is None else self.fma(total, x4, part)
        assert total is not None
        return total

    def _four(self, x: V, x2: V | None, c: Sequence[float]) -> V:
        low = self.fma(x, c[1], c[0]) if len(c) > 1 else self.const(c[0])
        if len(c) < 3 or x2 is None:
            return low
        return self.fma(self.fma(x, c[3], c[2]) if len(c) > 3 else self.const(c[2]), x2, low)

    def any(self, condition: V) -> ir.Value:
        """Whether a truth value holds in any lane: for a branch."""
        if self.lanes is None:
            return condition.value
        packed = self.builder.bitcast(condition.value, ir.IntType(self.lanes))
        return self.builder.icmp_unsigned("!=", packed, ir.Constant(packed.type, 0))

    def fabs(self, x: V) -> V:
        return self.call("fabs", x)

    def sqrt(self, x: V) -> V:
        return self.call("sqrt", x)

    def copysign(self, magnitude: V, sign: V) -> V:
        return self.call("copysign", magnitude, sign)

    def widened(self, x: V) -> V:
        """Float to double, exactly."""
        kit = Kit(self.builder, _wide(ir.DoubleType(), self.lanes), self.target)
        return kit.real(self.builder.fpext(x.value, kit.real_type))

    def narrowed(self, x: V) -> V:
        """Double to this kit's float, rounded."""
        return self.real(self.builder.fptrunc(x.value, self.real_type))


def type_suffix(real_type: ir.Type) -> str:
    """LLVM's name for a type in the name of an intrinsic: f64, v4f64."""
    if isinstance(real_type, ir.VectorType):
        return f"v{real_type.count}{type_suffix(real_type.element)}"
    return "f64" if isinstance(real_type, ir.DoubleType) else "f32"


def _wide(element: ir.Type, lanes: int | None) -> ir.Type:
    return element if lanes is None else ir.VectorType(element, lanes)


@cache
def _real_constant(real_type: ir.Type, double: bool, value: float) -> ir.Constant:
    """LLVM writes a float, too, as the sixteen hexadecimal digits of the double that equals it."""
    if not double:
        value = struct.unpack("f", struct.pack("f", value))[0]
    digits = struct.pack(">d", value).hex()
    return _spread(real_type, f"0x{digits}")


@cache
def _int_constant(int_type: ir.Type, value: int) -> ir.Constant:
    return _spread(int_type, str(value))


class _Text(ir.Constant):
    """A constant given as LLVM writes it: a vector of one repeated value is short and quickly parsed."""

    def _get_reference(self) -> str:
        return str(self.constant)


def _spread(value_type: ir.Type, text: str) -> ir.Constant:
    constant = _Text(value_type, None)
    constant.constant = f"splat ({value_type.element} {text})" if isinstance(value_type, ir.VectorType) else text
    return constant
