"""The float functions over every one of the 2**32 floats, against NumPy and SciPy in double.

    python -m tests.codegen.exhaustive exp tanh      these; without names, all of one argument

Prints the largest error in units in the last place (ULP) and where it is; leaves with status 1 if one is above 2.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import scipy.special
from llvmlite import ir
from numpy.typing import NDArray

from graphc.codegen import vectormath
from graphc.codegen.target import Loaded, Target, load

LIMIT = 2.0
CHUNK = 1 << 20
NAMED_OTHERWISE = {"fabs": "abs", "pow": "power", "round": "rint"}
EXACT = frozenset(
    ("sqrt", "fabs", "copysign", "sign", "maximum", "minimum", "round", "floor", "ceil", "trunc", "fmod", "mod")
)

Array = NDArray[Any]


def numpy_function(name: str) -> Callable[..., Array]:
    """NumPy's or SciPy's function of that meaning."""
    if name in ("erf", "erfc"):
        return getattr(scipy.special, name)
    if name == "sigmoid":
        return lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1.0) / (1.0 + np.exp(-np.abs(x)))
    if name == "softplus":
        return lambda x: np.logaddexp(x, 0.0)
    inverse = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
    inverse |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
    return getattr(np, (inverse | NAMED_OTHERWISE).get(name, name))


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


def run(loaded: Loaded, name: str, lanes: int | None, *arguments: Array) -> Array:
    """The function of that name of every element; `lanes`, a power of two, need not divide their number."""
    width = lanes or 1
    size = arguments[0].size
    padded = [np.concatenate([a, np.ones(-size % width, a.dtype)]) for a in arguments]
    result = np.empty_like(padded[0])
    pointers = [a.ctypes.data for a in (*padded, result)]
    signature = ctypes.CFUNCTYPE(None, ctypes.c_int64, *[ctypes.c_void_p] * len(pointers))
    signature(loaded.address(f"loop_{name}"))(result.size // width, *pointers)
    return result[:size]


def error_in_ulp(found: Array, wanted: Array) -> Array:
    """|found - wanted| in ULP of a float; infinite where one is NaN and the other not, or a zero has the wrong sign."""
    with np.errstate(all="ignore"):
        exponent = (wanted.view(np.int64) & (2047 << 52)).view(np.float64)
        error = np.abs(found - wanted) / np.maximum(exponent * 2.0**-23, 2.0**-149)
        rounded = wanted.astype(np.float32)
    same = (found.view(np.int32) == rounded.view(np.int32)) | (np.isnan(found) & np.isnan(wanted))
    wrong_zero = (found == 0) & (wanted == 0)
    return np.where(
        same, np.where(np.isfinite(wanted) & np.isfinite(found), error, 0.0), np.where(wrong_zero, np.inf, error)
    )


def worst(name: str, report: Callable[[str], None] = lambda line: None) -> tuple[float, float]:
    """The largest error over all floats, and the argument that has it."""
    lanes = 8
    loaded, reference = compiled("float32", lanes), numpy_function(name)
    largest, where = -1.0, 0.0
    start = time.monotonic()
    for first in range(0, 1 << 32, CHUNK):
        x = np.arange(first, first + CHUNK, dtype=np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            wanted = reference(x.astype(np.float64))
        error = error_in_ulp(run(loaded, name, lanes, x), wanted)
        error[np.isnan(error)] = np.inf
        at = int(np.argmax(error))
        if error[at] > largest:
            largest, where = float(error[at]), float(x[at])
        if (first // CHUNK) % 64 == 63:
            done = (first + CHUNK) / (1 << 32)
            report(f"{name}: {done:4.0%}, {largest:.3f} ULP at {where!r}, {time.monotonic() - start:.0f} s")
    return largest, where


def main(names: Sequence[str]) -> int:
    names = names or sorted(n for n in vectormath.SUPPORTED - EXACT if vectormath.arity(n) == 1)
    failed = False
    for name in names:
        largest, where = worst(name, lambda line: print(f"\r{line:70}", end="", file=sys.stderr, flush=True))
        print(f"\r{name:9} {largest:.3f} ULP at {where!r} ({where.hex()}){'':30}", flush=True)
        failed = failed or not largest <= LIMIT
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
