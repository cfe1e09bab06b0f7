"""A contribution joins its element."""

from __future__ import annotations

from llvmlite import ir

from graphc.codegen.emitter import Emitter
from graphc.codegen.memory import store
from graphc.equations.expr import Read
from graphc.schedule.program import Statement


def write_element(e: Emitter, s: Statement, r: int, c: int, value: ir.Value) -> None:
    """Store a contribution (combined with what is there unless it is the start), and keep it at hand for readers."""
    element = Read(s.tensor, s.write)
    if s.tensor in e.errors:
        value = _compensated(e, s, r, c, value)
    elif s.mode != "set":
        value = e.combine(s.mode, e.value(element, r, c), value, s.tensor.kind)
    if e.mentions(element, e.tile.vec):
        value = e.splat(value, e.tile.lanes)
    store(e, s.tensor, s.write, value, r, c)
    e.remember((element, *e.place(element, r, c)), value)


def _compensated(e: Emitter, s: Statement, r: int, c: int, value: ir.Value) -> ir.Value:
    """The sum with one more contribution, and what rounding leaves out of it kept for the next.

    Kahan, "Further remarks on reducing truncation errors" (1965). Where the sum is infinite or NaN nothing is kept.
    """
    b, error = e.builder, Read(e.errors[s.tensor], s.write)
    e.forget(error.tensor)
    zero = e.const(0, "real")
    left: ir.Value = zero
    if s.mode != "set":
        before, known = e.value(Read(s.tensor, s.write), r, c), e.value(error, r, c)
        if any(isinstance(v.type, ir.VectorType) for v in (before, value)):
            before, known, value = (e.splat(v, e.tile.lanes) for v in (before, known, value))
            zero = e.splat(zero, e.tile.lanes)
        term = b.fsub(value, known)
        value = b.fadd(before, term)
        left = b.fsub(b.fsub(value, before), term)
        left = b.select(b.fcmp_ordered("==", b.fsub(left, left), zero), left, zero)
    if e.mentions(error, e.tile.vec):
        left = e.splat(left, e.tile.lanes)
    store(e, error.tensor, s.write, left, r, c)
    e.forget(error.tensor)
    return value
