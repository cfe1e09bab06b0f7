"""One sum (product, maximum) run along vectors: several vectors in flight, their lanes combined at the end.

A sum of logarithms is the logarithm of a product: its factors are multiplied, exponents kept apart as integers, and one
logarithm a lane is taken at the end. That costs a multiplication a term, and errs by half an ULP a factor, as a sum
of logarithms does. Factors that are not positive normal numbers are rare; then the sum is made again, term by term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from llvmlite import ir

from graphc.codegen.cascade import Cascade
from graphc.codegen.emitter import Emitter
from graphc.codegen.loops import allowed, plain_loops, vector_loop
from graphc.codegen.values import I1, I32, I64
from graphc.equations.expr import Const, Expr, make
from graphc.schedule.lowering import addends, is_log, positive_logs
from graphc.schedule.tree import Keep

MANTISSA, BIAS = 52, 1023  # of a 64-bit float


@dataclass(frozen=True)
class Sum:
    """One of the reductions that run together: how terms are combined, their kind, the term."""

    mode: str
    kind: str
    value: Expr


def along_vector(e: Emitter, keep: Keep) -> list[ir.Value]:
    """Reductions over loops, the last of them in vectors; together they read what they share once."""
    sums = [Sum(s.mode, s.tensor.kind, value) for s, value in keep.terms]
    shapes = [ir.VectorType(e.type_of(s.kind), e.lanes) for s in sums]
    identities = [e.splat(e.identity(s.mode, s.kind), e.lanes) for s in sums]
    cells = [_cells(e, shape, start, keep.along) for shape, start in zip(shapes, identities, strict=True)]

    def inside() -> None:
        for c in range(e.tile.chunks):
            for s, shape, start, own in zip(sums, shapes, identities, cells, strict=True):
                term = _masked(e, e.splat(e.convert(e.value(s.value, 0, c), s.value.kind, s.kind), e.lanes), start)
                e.builder.store(e.combine(s.mode, e.builder.load(own[c], typ=shape), term, s.kind), own[c])

    rounded = [k for k, s in enumerate(sums) if s.mode == "sum" and e.type_of(s.kind) is e.real]
    _loops(e, keep, inside, [cells[k] for k in rounded])
    return [
        across(e, s.mode, _joined(e, shape, own, partial(_combine, e, s)), s.kind)
        for s, shape, own in zip(sums, shapes, cells, strict=True)
    ]


def _combine(e: Emitter, s: Sum, a: ir.Value, b: ir.Value) -> ir.Value:
    return e.combine(s.mode, a, b, s.kind)


def _cells(e: Emitter, vec: ir.Type, start: ir.Value, count: int) -> list[ir.Value]:
    cells = [e.alloca(vec, "acc") for _ in range(count)]
    for cell in cells:
        e.builder.store(start, cell)
    return cells


def _loops(e: Emitter, keep: Keep, inside: Callable[[], None], sums: Sequence[Sequence[ir.Value]]) -> None:
    """The loops, the last of them in vectors; `sums` are the cells of those sums whose terms are rounded."""
    handed = Cascade(e, ir.VectorType(e.real, e.lanes), sums, keep.cut) if keep.cut is not None else None
    *outer, last = keep.loops
    with plain_loops(e, outer, handed), allowed(e, last):
        vector_loop(e, last, keep.along, inside, handed)
    if handed is not None:
        handed.close()


def _masked(e: Emitter, value: ir.Value, otherwise: ir.Value) -> ir.Value:
    return value if e.tile.mask is None else e.builder.select(e.tile.mask, value, otherwise)


def _joined(
    e: Emitter, vec: ir.Type, cells: list[ir.Value], join: Callable[[ir.Value, ir.Value], ir.Value]
) -> ir.Value:
    total = e.builder.load(cells[0], typ=vec)
    for cell in cells[1:]:
        total = join(total, e.builder.load(cell, typ=vec))
    return total


def across(e: Emitter, mode: str, vector: ir.Value, kind: str) -> ir.Value:
    """All lanes of a vector combined into one, pairwise."""
    lanes = vector.type.count
    while lanes > 1:
        lanes //= 2
        low = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes)))
        high = ir.Constant(ir.VectorType(I32, lanes), list(range(lanes, 2 * lanes)))
        nothing = ir.Constant(vector.type, ir.Undefined)
        halves = [e.builder.shuffle_vector(vector, nothing, which) for which in (low, high)]
        vector = e.combine(mode, halves[0], halves[1], kind)
    return e.builder.extract_element(vector, ir.Constant(I32, 0))


# Sums of logarithms ----------------------------------------


def sum_with_logs(e: Emitter, keep: Keep) -> ir.Value:
    """The sum of a value, its logarithms through products; term by term if a factor is no positive normal number."""
    ((_, value),) = keep.terms
    rest: Expr = Const(0)
    for sign, a in addends(value):
        if not (sign and is_log(a)):
            rest = make("add" if sign else "sub", rest, a)
    factors = list(positive_logs(value))
    product = _Product(e, keep.along)
    vec = ir.VectorType(e.real, e.lanes)
    zero = e.splat(e.const(0, "real"), e.lanes)
    sums = _cells(e, vec, zero, keep.along)

    def inside() -> None:
        for c in range(e.tile.chunks):
            term = _masked(e, e.splat(e.convert(e.value(rest, 0, c), rest.kind, "real"), e.lanes), zero)
            e.builder.store(e.combine("sum", e.builder.load(sums[c], typ=vec), term, "real"), sums[c])
            for x in factors:
                product.take(e.splat(e.convert(e.value(x, 0, c), x.kind, "real"), e.lanes), c)

    _loops(e, keep, inside, [sums])
    plain = _joined(e, vec, sums, lambda a, b: e.combine("sum", a, b, "real"))
    result = e.alloca(e.real, "total")
    total = e.combine("sum", across(e, "sum", plain, "real"), product.log(), "real")
    e.builder.store(total, result)
    with e.only_if(product.failed()):
        before, e.in_line = e.in_line, False
        (again,) = along_vector(e, keep)
        e.builder.store(again, result)
        e.in_line = before
    return e.builder.load(result, typ=e.real)


class _Product:
    """A product of many positive numbers: mantissas in [1, 2) and a sum of exponents, per lane."""

    def __init__(self, e: Emitter, count: int) -> None:
        self.e = e
        self.vec = ir.VectorType(e.real, e.lanes)
        self.ints = ir.VectorType(I64, e.lanes)
        self.flags = ir.VectorType(I1, e.lanes)
        self.mantissas = _cells(e, self.vec, self._number(1.0), count)
        self.exponents = _cells(e, self.ints, self._integer(0), count)
        self.bad = _cells(e, self.flags, ir.Constant(self.flags, None), count)

    def _number(self, x: float) -> ir.Value:
        return ir.Constant(self.vec, [x] * self.e.lanes)

    def _integer(self, n: int) -> ir.Value:
        return ir.Constant(self.ints, [n] * self.e.lanes)

    def take(self, x: ir.Value, c: int) -> None:
        """One more factor in each lane of chunk `c`."""
        b = self.e.builder
        x = _masked(self.e, x, self._number(1.0))
        least, most = self._number(2.0**-1022), self._number(2.0**1022)
        good = b.and_(b.fcmp_ordered(">=", x, least), b.fcmp_ordered("<=", x, most))
        b.store(b.or_(b.load(self.bad[c], typ=self.flags), b.not_(good)), self.bad[c])
        bits = b.bitcast(b.fmul(b.load(self.mantissas[c], typ=self.vec), x), self.ints)
        shifted = b.sub(b.lshr(bits, self._integer(MANTISSA)), self._integer(BIAS))
        b.store(b.add(b.load(self.exponents[c], typ=self.ints), shifted), self.exponents[c])
        fraction = b.and_(bits, self._integer((1 << MANTISSA) - 1))
        b.store(b.bitcast(b.or_(fraction, self._integer(BIAS << MANTISSA)), self.vec), self.mantissas[c])

    def log(self) -> ir.Value:
        """The logarithm of the whole product."""
        e, b = self.e, self.e.builder
        logs = [e.op("log", [b.load(m, typ=self.vec)], ["real"], "real") for m in self.mantissas]
        total = logs[0]
        for x in logs[1:]:
            total = b.fadd(total, x)
        power = across(e, "sum", _joined(e, self.ints, self.exponents, b.add), "int")
        scaled = b.fmul(e.convert(power, "int", "real"), e.const(math.log(2), "real"))
        return b.fadd(across(e, "sum", total, "real"), scaled)

    def failed(self) -> ir.Value:
        """Whether some factor was not a positive normal number."""
        bad = self.e.builder.zext(_joined(self.e, self.flags, self.bad, self.e.builder.or_), self.ints)
        return self.e.builder.icmp_signed("!=", across(self.e, "sum", bad, "int"), ir.Constant(I64, 0))
