"""What the elementary functions are compared with, where, and how the error is counted.

References: NumPy and SciPy in double for float, C's long double (64 bits) for double, mpmath for both. Errors are in
units in the last place (ULP): of the exact value's binade, and at least the smallest subnormal.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import mpmath
import numpy as np
import scipy.special
from numpy.typing import NDArray

from graphc.codegen import vectormath
from graphc.codegen.target import load

LIMIT = 2.0
EXACT = frozenset(
    ("sqrt", "fabs", "copysign", "sign", "maximum", "minimum", "round", "floor", "ceil", "trunc", "fmod", "mod")
)
INEXACT = sorted(vectormath.SUPPORTED - EXACT)
LONG = np.finfo(np.longdouble).nmant >= 63  # more than a double: C's on x86
PRECISE = mpmath.mp.clone()
PRECISE.prec = 120
# Above what any test here, or the runs over all floats and many doubles, have seen.
BOUNDS = {"acos": 1.3, "asin": 1.3, "atan": 1.5, "atan2": 1.6, "cos": 0.85, "exp": 1.1, "exp2": 1.0, "expm1": 1.4}
BOUNDS |= {"erf": 1.2, "erfc": 1.5, "log": 1.0, "log2": 1.2, "pow": 1.5, "sigmoid": 1.3, "sin": 0.85, "tan": 1.1}
BOUNDS |= {"gamma": 3.0, "loggamma": 1.5, "digamma": 1.7, "sqrt": 0.5}
# Where functions change their formula, over- or underflow, or have a zero: errors hide around these.
CENTRES = (1.0, 0.5, 0.75, 2**-0.5, 2**0.5, 2**0.5 - 1, 2**0.5 + 1, 2.0, 6.0, 10.0, 20.0, 40.0, 2.0**28, 2.0**30)
CENTRES += (math.log(2) / 2, 1.5 * math.log(2), 2.0**-12, 2.0**-13, 2.0**-27, 2.0**-28, 2.0**52, 2.0**53)
CENTRES += (709.782712893384, 708.3964185322641, 745.1332191019411, 1022.0, 1024.0, 1074.0, 26.543, 27.226)
CENTRES += (1.5, 2.5, 3.0, 1.4616321449683623, 171.6243769563027, 177.8, 34.0)
CENTRES += (88.72284, 87.33655, 103.97208, 126.0, 128.0, 149.0, 9.1944, 10.0546)
# Doubles that were the worst of their function at some time: atan2 and sigmoid reached 2 there.
HARD: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("atan", (0.4142135623731114,)),
    ("atan", (-0.50000000009742,)),
    ("atan2", (0.7281630028675002, 1.7579401555282392)),
    ("atan2", (23384212192.607468, 46768424381.90688)),
    ("log2", (1.4142135623728043,)),
    ("sigmoid", (-9.010843448169119,)),
    ("sinh", (0.12460371345281601,)),
    ("softplus", (-0.7071067813557078,)),
)

Array = NDArray[Any]


def numpy_function(name: str, dtype: type[np.floating[Any]] = np.float64) -> Callable[..., Array]:
    """NumPy's or SciPy's function of that meaning, for arguments of that type."""
    if name in ("erf", "erfc"):
        if dtype is np.longdouble:
            return _long_function(name)
        return getattr(scipy.special, name)
    if name == "loggamma":
        return np.vectorize(_loggamma, otypes=[np.float64])
    if name in ("gamma", "digamma"):
        return getattr(scipy.special, name)
    if name == "sigmoid":
        return lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1.0) / (1.0 + np.exp(-np.abs(x)))
    if name == "softplus":
        return lambda x: np.logaddexp(x, 0.0)
    inverse = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
    inverse |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
    return getattr(np, (inverse | {"fabs": "abs", "pow": "power", "round": "rint"}).get(name, name))


def _loggamma(x: float) -> float:
    """C's lgamma: SciPy's is -inf at -inf and infinite of subnormal numbers, Python's is not exact near zeros."""
    pole = math.isinf(x) or (x <= 0 and x == math.floor(x))
    return math.inf if pole else float(PRECISE.re(PRECISE.loggamma(float(x))))


@cache
def _long_function(name: str) -> Callable[[Array], Array]:
    """C's erfl or erfcl over an array: NumPy and SciPy have none, and ctypes would round to double."""
    loaded = load(_LONG_LOOP)  # by address: loaded code has no room for jumps to symbols of other libraries
    function = ctypes.cast(getattr(ctypes.CDLL(ctypes.util.find_library("m")), f"{name}l"), ctypes.c_void_p)

    def apply(x: Array) -> Array:
        result = np.empty_like(x)
        signature = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
        signature(loaded.address("loop"))(function, x.size, x.ctypes.data, result.ctypes.data)
        return result

    return apply


_LONG_LOOP = """
define void @loop(ptr %function, i64 %n, ptr %x, ptr %y) {
entry:
  br label %loop
loop:
  %i = phi i64 [0, %entry], [%next, %loop]
  %from = getelementptr x86_fp80, ptr %x, i64 %i
  %value = load x86_fp80, ptr %from
  %result = call x86_fp80 %function(x86_fp80 %value)
  %to = getelementptr x86_fp80, ptr %y, i64 %i
  store x86_fp80 %result, ptr %to
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}
"""


def exact(name: str, *arguments: float) -> Any:
    """The value to 120 bits."""
    x, *others = (PRECISE.mpf(a) for a in arguments)
    match name:
        case "sigmoid":
            return 1 / (1 + PRECISE.exp(-x))
        case "softplus":
            return PRECISE.log1p(PRECISE.exp(x))
        case "exp2":
            return PRECISE.mpf(2) ** x
        case "log2":
            return PRECISE.log(x, 2)
        case "pow":
            return x ** others[0]
        case "loggamma":
            return PRECISE.re(PRECISE.loggamma(x))
        case "gamma" if abs(x) > 200:  # mpmath does not end
            return PRECISE.mpf(2) ** (9999 if x > 0 else -9999) * (PRECISE.sin(PRECISE.pi * x) if x < 0 else 1)
        case "erf" if abs(x) > 100:  # mpmath does not get there
            return PRECISE.sign(x)
        case "erfc" if abs(x) > 100:
            return PRECISE.mpf(2) if x < 0 else PRECISE.mpf(2) ** -9999
    return getattr(PRECISE, name)(x, *others)


def error(found: float, wanted: Any, dtype: str) -> float:
    """In ULP. Infinity counts as the power of 2 beyond the largest number; a wrong zero is infinitely far."""
    info, number = np.finfo(dtype), PRECISE.mpf(found)
    if wanted == 0:
        return 0.0 if found == 0 else math.inf
    if math.isinf(found):
        number = math.copysign(1.0, found) * PRECISE.mpf(2) ** info.maxexp
        wanted = PRECISE.sign(wanted) * min(abs(wanted), abs(number))
    if math.isnan(found) or (found == 0 and math.copysign(1.0, found) != PRECISE.sign(wanted)):
        return math.inf
    _, exponent = PRECISE.frexp(wanted)
    return float(abs(number - wanted) / PRECISE.mpf(2) ** max(int(exponent) - 1 - info.nmant, info.minexp - info.nmant))


def encoded(values: Array) -> Array:
    """The bits, those of one NaN for all NaNs."""
    return np.where(np.isnan(values), np.array(np.nan, values.dtype), values).view(f"i{values.itemsize}")


def error_in_ulp(found: Array, wanted: Array) -> Array:
    """The same of arrays, `wanted` in a wider format; where it is NaN or 0, `found` must be too, of the same sign."""
    info = np.finfo(found.dtype)
    value, beyond = found.astype(wanted.dtype), np.ldexp(wanted.dtype.type(1), info.maxexp)
    infinite = np.isinf(value)
    with np.errstate(all="ignore"):
        limited = np.where(infinite, np.clip(wanted, -beyond, beyond), wanted)
        unit = np.maximum(np.frexp(wanted)[1] - 1 - info.nmant, info.minexp - info.nmant)
        size = np.ldexp(np.abs(np.clip(value, -beyond, beyond) - limited), -unit)
    size = np.where(np.isnan(size), np.where(np.isnan(value) & np.isnan(wanted), 0.0, np.inf), size)
    return np.where((value == 0) & (np.signbit(value) != np.signbit(wanted)), np.inf, size).astype(float)


def spread(dtype: str, rng: np.random.Generator, count: int) -> Array:
    """Reals of both signs in six kinds: of any exponent, of the usual ones, of the usual spans, around CENTRES, next
    to multiples of pi/2, subnormal."""
    info, part = np.finfo(dtype), -(-count // 6)
    about = 1 + rng.choice([-1.0, 1.0], part) * 2.0 ** rng.uniform(-info.nmant - 1, -1, part)
    kinds = [
        np.ldexp(rng.uniform(1, 2, part), rng.integers(info.minexp, info.maxexp, part)),
        np.ldexp(rng.uniform(1, 2, part), rng.integers(-30, 12, part)),
        rng.uniform(0, 1, part) * rng.choice([1.0, 3.0, 10.0, 30.0, 100.0, 800.0], part),
        rng.choice(CENTRES, part) * about,
        np.floor(2.0 ** rng.uniform(0, 53, part)) * (math.pi / 2),
        np.ldexp(rng.uniform(0, 1, part), info.minexp),
    ]
    return (np.concatenate(kinds) * rng.choice([-1.0, 1.0], 6 * part)).astype(dtype)


def points(name: str, dtype: str, rng: np.random.Generator, count: int) -> tuple[Array, ...]:
    """About `count` arguments, none 0 and all within the function's domain."""
    with np.errstate(all="ignore"):
        x = spread(dtype, rng, count)
        match name:
            case "log" | "log2" | "sqrt" | "loggamma" | "digamma":
                arguments = (np.abs(x),)
            case "gamma":
                arguments = (np.where((x > 0) | (x != np.floor(x)), x, -x),)
            case "log1p":
                arguments = (np.where(x > -1, x, -1 / x - 1),)
            case "acosh":
                arguments = (np.where(np.abs(x) >= 1, np.abs(x), np.abs(1 / x)),)
            case "asin" | "acos" | "atanh":
                arguments = (np.where(np.abs(x) <= 1, x, 1 / x),)
            case "pow":
                arguments = _bases_and_exponents(x, rng)
            case _ if vectormath.arity(name) == 2:
                other = rng.permutation(x)
                ratio = rng.choice(CENTRES, x.size) * (1 + 2.0 ** rng.uniform(-np.finfo(dtype).nmant, -1, x.size))
                related = other * rng.permuted([ratio, 1 / ratio, np.rint(x)], axis=0)
                arguments = (np.where(rng.integers(0, 2, x.size) == 0, x, related[0]).astype(dtype), other)
            case _:
                arguments = (x,)
        inside = np.logical_and.reduce([np.isfinite(a) & (a != 0) for a in arguments])
        if name == "atanh":
            inside &= np.abs(arguments[0]) < 1
    return tuple(a[inside] for a in arguments)


def _bases_and_exponents(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Powers over the whole range, from subnormal to overflow; every third of an integer, every other one negative."""
    span = 1.05 * math.log(np.finfo(x.dtype).max)
    y = rng.uniform(-span, span, x.size) / np.log(np.abs(x.astype(float)))
    whole = rng.integers(0, 3, x.size) == 0
    return np.where(whole, x, np.abs(x)), np.where(whole, np.rint(y), y).astype(x.dtype)
