"""Each elementary function over every one of the 2**32 floats, and over millions of doubles.

    python -m tests.codegen.exhaustive exp tanh      these; without names, all

Float: a compiled loop measures the error against graphc's own double function, and that one is compared with NumPy and
SciPy at every 4099th float. Double: screened against C's long double; the worst points found, and random ones, against
mpmath. Prints the rows of docs/functions.md; leaves with status 1 if an error is above its bound.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir

from graphc.codegen import vectormath
from graphc.codegen.target import Loaded, Target, host, lanes, load
from graphc.codegen.vectormath.lanes import Kit, V
from tests.codegen.references import (
    BOUNDS,
    EXACT,
    LIMIT,
    LONG,
    Array,
    encoded,
    error,
    error_in_ulp,
    exact,
    numpy_function,
    points,
)

DOUBLES = 10 << 20  # screened per function; as many pairs of floats
CHUNK = 1 << 25


@cache
def compiled(dtype: str, lanes: int | None, inline: bool = True, target: Target | None = None) -> Loaded:
    """A module with every function as a loop over arrays: f(count, argument, ..., result)."""
    element: ir.Type = ir.DoubleType() if dtype == "float64" else ir.FloatType()
    value = element if lanes is None else ir.VectorType(element, lanes)
    module = ir.Module()
    for name in sorted(vectormath.SUPPORTED):
        _emit_loop(module, name, value, inline, target)
    return load(module, target)


def _emit_loop(module: ir.Module, name: str, value: ir.Type, inline: bool, target: Target | None) -> None:
    index = ir.IntType(64)
    pointers = [value.as_pointer()] * (vectormath.arity(name) + 1)
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [index, *pointers]), f"loop_{name}")
    entry, loop, done = (function.append_basic_block(block) for block in ("entry", "loop", "done"))
    builder = ir.IRBuilder(entry)
    builder.branch(loop)
    builder.position_at_end(loop)
    i = builder.phi(index)
    i.add_incoming(index(0), entry)
    count, *inputs, output = function.args
    values = [builder.load(builder.gep(pointer, [i]), align=4) for pointer in inputs]
    result = vectormath.emit(builder, name, values, inline, target)
    builder.store(result, builder.gep(output, [i]), align=4)
    following = builder.add(i, index(1))
    i.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    builder.ret_void()


def _function(loaded: Loaded, name: str, arguments: int) -> Callable[..., None]:
    """A compiled function of that many integers and addresses; other threads run while it does."""
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)(loaded.address(name))


def run(loaded: Loaded, name: str, lanes: int | None, *arguments: Array) -> Array:
    """The function of that name of every element; `lanes`, a power of two, need not divide their number."""
    width = lanes or 1
    size = arguments[0].size
    padded = [np.concatenate([a, np.ones(-size % width, a.dtype)]) for a in arguments]
    result = np.empty_like(padded[0])
    addresses = [a.ctypes.data for a in (*padded, result)]
    _function(loaded, f"loop_{name}", 1 + len(addresses))(result.size // width, *addresses)
    return result[:size]


def width(dtype: str) -> int:
    return lanes(host(), 64 if dtype == "float64" else 32)


def evaluate(name: str, *arguments: Array, lanes: int | None = 0) -> Array:
    """The function as compiled for this machine's vectors, or for another number of lanes; None: scalars."""
    dtype = arguments[0].dtype.name
    count = width(dtype) if lanes == 0 else lanes
    return run(compiled(dtype, count), name, count, *arguments)


@cache
def _search(name: str, count: int) -> Loaded:
    """search(first, n, errors, floats): the largest error in each lane over n vectors of floats, encoded as consecutive
    integers from `first` on, against the double function."""
    index, integers = ir.IntType(64), ir.VectorType(ir.IntType(32), count)
    narrow, wide = (ir.VectorType(element, count) for element in (ir.FloatType(), ir.DoubleType()))
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), [index] * 4), "search")
    entry, loop, closer, latch, done = (function.append_basic_block() for _ in range(5))
    builder = ir.IRBuilder(entry)
    first, n, *pointers = function.args
    scalar = builder.insert_element(ir.Constant(integers, ir.Undefined), builder.trunc(first, ir.IntType(32)), index(0))
    start = builder.shuffle_vector(scalar, scalar, ir.Constant(integers, [0] * count))
    start = builder.add(start, ir.Constant(integers, list(range(count))))
    builder.branch(loop)
    builder.position_at_end(loop)
    i, bits, largest, where = (builder.phi(t) for t in (index, integers, wide, integers))
    for phi, value in ((i, index(0)), (bits, start), (largest, ir.Constant(wide, [0.0] * count)), (where, start)):
        phi.add_incoming(value, entry)
    single, double = Kit(builder, narrow, host()), Kit(builder, wide, host())
    x = builder.bitcast(bits, narrow)
    found = double.real(builder.fpext(vectormath.emit(builder, name, [x]), wide))
    wanted = double.real(vectormath.emit(builder, name, [builder.fpext(x, wide)]))
    unit = (wanted.bits() & (2047 << 52)).as_real() * 2.0**-23
    unit = (unit < 2.0**-149).choose(2.0**-149, unit)
    known = (double.fabs(found - wanted) <= double.real(largest) * unit) & (double.fabs(found) > 0.0)
    before = builder.block
    builder.cbranch(double.any(known.inverted()), closer, latch)
    builder.position_at_end(closer)
    size = _error(double, found, wanted, unit)
    more = size > double.real(largest)
    place = more.choose(V(single, bits, False), V(single, where, False))
    raised = more.choose(size, double.real(largest)).value, place.value
    builder.branch(latch)
    builder.position_at_end(latch)
    results = [builder.phi(t) for t in (wide, integers)]
    for phi, result, new, pointer in zip((largest, where), results, raised, pointers, strict=True):
        result.add_incoming(phi, before)
        result.add_incoming(new, closer)
        phi.add_incoming(result, latch)
        builder.store(result, builder.inttoptr(pointer, result.type.as_pointer()), align=4)
    i.add_incoming(builder.add(i, index(1)), latch)
    bits.add_incoming(builder.add(bits, ir.Constant(integers, [count] * count)), latch)
    builder.cbranch(builder.icmp_signed("<", i.incomings[1][0], n), loop, done)
    builder.position_at_end(done)
    builder.ret_void()
    return load(function.module)


def _error(kit: Kit, found: V, wanted: V, unit: V) -> V:
    """`error_in_ulp` of a float, in double."""
    infinite, beyond = kit.fabs(found).equals(math.inf), kit.const(2.0**128)
    limited = (infinite & (kit.fabs(wanted) > beyond)).choose(kit.copysign(beyond, wanted), wanted)
    size = kit.fabs(infinite.choose(kit.copysign(beyond, found), found) - limited) / unit
    size = size.is_nan().choose((found.is_nan() & wanted.is_nan()).choose(kit.const(0.0), math.inf), size)
    differ = kit.copysign(kit.const(1.0), found).equals(kit.copysign(kit.const(1.0), wanted)).inverted()
    return (found.equals(0.0) & differ).choose(math.inf, size)


Worst = tuple[float, tuple[float, ...]]


def worst_float(name: str) -> Worst:
    """The largest error over all floats (of two arguments: over random pairs), and the arguments that have it.

    AssertionError where the double function is not what NumPy and SciPy give, or scalars not what vectors give.
    """
    if vectormath.arity(name) == 2:
        return max(_in_threads(lambda seed: _worst_of_chunk(name, "float32", seed)[0], range(DOUBLES >> 20)))
    sample = np.arange(0, 1 << 32, 4099, dtype=np.uint32).view(np.float32)
    vectors = evaluate(name, sample)
    np.testing.assert_array_equal(encoded(evaluate(name, sample, lanes=None)), encoded(vectors))
    with np.errstate(all="ignore"):
        wide = sample.astype(np.float64)
        np.testing.assert_allclose(evaluate(name, wide), numpy_function(name)(wide), rtol=2.0**-48, atol=1e-300)
    count = width("float32")
    loaded = _search(name, count)

    def search(first: int) -> Worst:
        errors, floats = np.empty(count), np.empty(count, np.float32)
        _function(loaded, "search", 4)(first, CHUNK // count, errors.ctypes.data, floats.ctypes.data)
        at = int(np.argmax(errors))
        return float(errors[at]), (float(floats[at]),)

    return max(_in_threads(search, range(0, 1 << 32, CHUNK)))


def worst_double(name: str, screened: int = DOUBLES, confirmed: int = 2000) -> Worst:
    """The largest error over so many doubles and so many more by mpmath, and the arguments that have it."""
    exactly = name in EXACT - {"sqrt"}
    candidates: list[Worst] = []
    if LONG or exactly:
        for found in _in_threads(lambda seed: _worst_of_chunk(name, "float64", seed), range(max(screened >> 20, 1))):
            candidates += found
    if exactly:
        return max(candidates)
    arguments = [p for _, p in sorted(candidates, reverse=True)[:50]]
    arguments += zip(*(a.tolist() for a in points(name, "float64", np.random.default_rng(0), confirmed)), strict=True)
    return worst_of(name, "float64", *(np.array(a) for a in zip(*arguments, strict=True)))


def worst_of(name: str, dtype: str, *arguments: Array) -> Worst:
    """The largest error at these arguments, by mpmath."""
    found = evaluate(name, *arguments)
    places = [tuple(float(a) for a in place) for place in zip(*arguments, strict=True)]
    return max((error(float(f), exact(name, *p), dtype), p) for f, p in zip(found, places, strict=True))


def _worst_of_chunk(name: str, dtype: str, seed: int) -> list[Worst]:
    """The 50 largest errors of a million random points, by NumPy in the next wider format."""
    arguments = points(name, dtype, np.random.default_rng(seed), 1 << 20)
    wider = np.float64 if dtype == "float32" else np.longdouble
    function = numpy_function(name, wider)
    with np.errstate(all="ignore"):
        if name in EXACT - {"sqrt"}:
            wanted = function(*arguments).astype(wider)
        else:
            wanted = function(*(a.astype(wider) for a in arguments))
    errors = error_in_ulp(evaluate(name, *arguments), wanted)
    return [(float(errors[at]), tuple(float(a[at]) for a in arguments)) for at in np.argsort(errors)[:-51:-1]]


def _in_threads(task: Callable[[int], Any], inputs: Iterable[int]) -> list[Any]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(task, inputs))


def nanoseconds(name: str, dtype: str) -> float:
    """Per element, of 4096 between 0.1 and 0.9 (`acosh`: one more) in the nearest caches: the least of 50 times."""
    arguments = [np.random.default_rng(k).uniform(0.1, 0.9, 4096) for k in range(vectormath.arity(name))]
    arguments = [(a + (name == "acosh")).astype(dtype) for a in arguments]
    result, count, times = np.empty(4096, dtype), width(dtype), []
    addresses = [a.ctypes.data for a in (*arguments, result)]
    function = _function(compiled(dtype, count), f"loop_{name}", 1 + len(addresses))
    for _ in range(50):
        start = time.thread_time()
        for _ in range(20):
            function(4096 // count, *addresses)
        times.append(time.thread_time() - start)
    return min(times) / 20 / 4096 * 1e9


def bound(name: str) -> float:
    """In ULP: what every test asserts."""
    return 0.0 if name in EXACT - {"sqrt"} else BOUNDS.get(name, LIMIT)


def row(name: str) -> tuple[str, bool]:
    """One line of the table in docs/functions.md, and whether the errors are within the bound."""
    single, double = worst_float(name), worst_double(name)
    speeds = " / ".join(f"{nanoseconds(name, dtype):.1f}" for dtype in ("float32", "float64"))
    places = "; ".join(", ".join(a.hex() for a in place) for size, place in (single, double) if size)
    line = f"| `{name}` | {single[0]:.3f} | {double[0]:.3f} | {speeds} | {places} |"
    return line, max(single[0], double[0]) <= bound(name)


def main(names: Sequence[str]) -> int:
    results = []
    for name in names or sorted(vectormath.SUPPORTED):
        line, within = row(name)
        print(line, flush=True)
        results.append(within)
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
