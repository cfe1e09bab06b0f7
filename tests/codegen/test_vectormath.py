"""Each elementary function: its error against mpmath, its special values against C99 and NumPy, every width alike."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pytest
from llvmlite import ir

from graphc.codegen import vectormath
from graphc.codegen.target import Target, host, lanes, load, load_object
from tests.codegen.exhaustive import EXACT, LIMIT, Array, compiled, numpy_function, run, worst

DTYPES = ("float32", "float64")
INEXACT = sorted(vectormath.SUPPORTED - EXACT)
PRECISE = mpmath.mp.clone()
PRECISE.prec = 120
# An upper bound on the error in ULP that any of these tests, or the run over all floats, has seen.
BOUNDS = {"exp": 1.1, "log": 1.0, "sin": 0.8, "cos": 0.8}
EDGES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 0.75, 1e-30, 1e30, math.inf, math.nan)


def width(dtype: str) -> int:
    return lanes(host(), 64 if dtype == "float64" else 32)


def evaluate(name: str, *arguments: Array, width_: int | None = 0) -> Array:
    dtype = arguments[0].dtype.name
    count = width(dtype) if width_ == 0 else width_
    return run(compiled(dtype, count), name, count, *arguments)


def everywhere(dtype: str, count: int, seed: int = 0) -> Array:
    """Reals over the whole range of exponents, and as many where most functions do something."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    exponents = rng.uniform(info.minexp - info.nmant, info.maxexp - 1, count).astype(int)
    whole_range = np.ldexp(rng.uniform(1, 2, count) * rng.choice([-1, 1], count), exponents)
    spans = np.array([0.01, 0.5, 1, 3, 10, 100, 800])
    near = rng.uniform(-1, 1, count) * rng.choice(spans, count)
    near_one = 1 + rng.choice([-1, 1], count) * 2.0 ** rng.uniform(-info.nmant, -1, count)
    return np.concatenate([whole_range, near, near_one]).astype(dtype)


def within_domain(name: str, x: Array) -> Array:
    match name:
        case "log" | "log2":
            return np.abs(x)
        case "log1p":
            return x[x > -1]
        case "acosh":
            return np.abs(x)[np.abs(x) >= 1]
        case "asin" | "acos" | "atanh":
            return x[np.abs(x) < 1]
    return x


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
        case "erf" | "erfc" if abs(x) > 100:  # mpmath does not get there
            return PRECISE.sign(x) if name == "erf" else PRECISE.mpf(1) - PRECISE.sign(x)
    return getattr(PRECISE, name)(x, *others)


def error(found: float, wanted: Any, dtype: str) -> float:
    """In ULP of the format; a result beyond the largest number must be infinite."""
    info = np.finfo(dtype)
    overflow = PRECISE.mpf(2) ** info.maxexp - PRECISE.mpf(2) ** (info.maxexp - info.nmant - 2)
    if abs(wanted) >= overflow:
        return 0.0 if found == math.copysign(math.inf, wanted) else math.inf
    if not math.isfinite(found):
        return math.inf
    _, exponent = PRECISE.frexp(wanted)
    ulp = PRECISE.mpf(2) ** max(int(exponent) - 1 - info.nmant, info.minexp - info.nmant)
    return float(abs(PRECISE.mpf(found) - wanted) / ulp)


def worst_of(name: str, dtype: str, *arguments: Array) -> tuple[float, tuple[float, ...]]:
    found = evaluate(name, *arguments)
    points = [tuple(float(a) for a in point) for point in zip(*arguments, strict=True)]
    errors = [error(float(f), exact(name, *p), dtype) for f, p in zip(found, points, strict=True)]
    at = int(np.argmax(errors))
    return errors[at], points[at]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in INEXACT if vectormath.arity(n) == 1])
def test_error(name: str, dtype: str) -> None:
    x = within_domain(name, everywhere(dtype, 100 if name.startswith("erf") else 400))
    assert worst_of(name, dtype, x[x != 0])[0] <= BOUNDS.get(name, LIMIT)


@pytest.mark.parametrize("dtype", DTYPES)
def test_error_of_pow(dtype: str) -> None:
    """Over the whole range of results, from subnormal to overflow."""
    x = np.abs(everywhere(dtype, 200))
    span = np.log(np.finfo(dtype).max.astype(float))
    powers = np.random.default_rng(1).uniform(-1.05 * span, span, x.size)
    y = (powers / np.log(x.astype(float))).astype(dtype)
    usable = np.isfinite(y) & (x != 0)
    assert worst_of("pow", dtype, x[usable], y[usable])[0] <= LIMIT


@pytest.mark.parametrize("dtype", DTYPES)
def test_error_of_atan2(dtype: str) -> None:
    y, x = everywhere(dtype, 300), np.random.default_rng(2).permutation(everywhere(dtype, 300))
    assert worst_of("atan2", dtype, y[x != 0], x[x != 0])[0] <= LIMIT


def test_sine_and_cosine_where_the_reduction_is_hardest() -> None:
    """6381956970095103 * 2**797 is the double that is nearest to a multiple of pi/2 (Kahan)."""
    x = np.array([6381956970095103 * 2.0**797, np.pi, 1e300, 2.0**30, np.nextafter(2.0**30, 4e9), 1e22])
    for name in ("sin", "cos", "tan"):
        assert worst_of(name, "float64", x)[0] <= LIMIT


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_special_values(name: str, dtype: str) -> None:
    """NaN where NumPy has NaN, infinities, and the signs of zeros."""
    info = np.finfo(dtype)
    positive = [*EDGES, info.max, info.tiny, info.smallest_subnormal]
    edges = np.array([s * e for e in positive for s in (1, -1)], dtype)
    arguments = [edges]
    if vectormath.arity(name) == 2:
        arguments = [np.repeat(edges, edges.size), np.tile(edges, edges.size)]
    found = evaluate(name, *arguments)
    with np.errstate(all="ignore"):
        wanted = numpy_function(name)(*(a.astype(np.longdouble) if name == "softplus" else a for a in arguments))
        wanted = wanted.astype(dtype)
    if name in EXACT - {"maximum", "minimum", "mod"}:
        np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(found, wanted, rtol=8 * info.eps, atol=4 * float(info.smallest_subnormal))
    signed = ~np.isnan(wanted) & ~((name in ("maximum", "minimum")) & (wanted == 0))
    np.testing.assert_array_equal(np.signbit(found)[signed], np.signbit(wanted)[signed])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["fmod", "mod"])
def test_remainders_are_exact(name: str, dtype: str) -> None:
    """Whatever the quotient; `mod` rounds once, where it adds the divisor."""
    x, y = everywhere(dtype, 2000), np.random.default_rng(3).permutation(everywhere(dtype, 2000))
    x, y = np.append(x, np.finfo(dtype).max), np.append(y, np.finfo(dtype).smallest_subnormal * 3)
    np.testing.assert_array_equal(evaluate(name, x, y), numpy_function(name)(x, y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_vectors_are_scalars_to_the_bit(name: str, dtype: str) -> None:
    x = np.append(everywhere(dtype, 60), [np.inf, -np.inf, np.nan, 0.0, -0.0]).astype(dtype)
    arguments = [x, np.roll(x, 7)][: vectormath.arity(name)]
    scalar = evaluate(name, *arguments, width_=None)
    for count in (width(dtype), 2 * width(dtype), 2):
        np.testing.assert_array_equal(evaluate(name, *arguments, width_=count), scalar, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_called_functions_give_what_inlined_ones_do(dtype: str) -> None:
    x = everywhere(dtype, 60)
    apart = compiled(dtype, width(dtype), inline=False)
    for name in ("exp", "sin", "tanh"):
        np.testing.assert_array_equal(run(apart, name, width(dtype), x), evaluate(name, x))
    assert "@graphc.exp." in apart.llvm_ir
    assert "@graphc.exp." not in compiled(dtype, width(dtype)).llvm_ir


def calls(assembly: str) -> set[str]:
    """What is called or jumped to that is not of the module's own."""
    targets = re.findall(r"^\s+(?:callq?|jmpq?|bl|b)\s+(\S+)$", assembly, re.MULTILINE)
    return {t for t in targets if not t.lstrip('"_').startswith((".L", "LBB", "graphc.", "L"))}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("inline", [True, False])
def test_nothing_outside_is_called(dtype: str, inline: bool) -> None:
    assert not calls(compiled(dtype, width(dtype), inline).assembly)


def oldest() -> Target:
    """The first 64-bit x86 machines: no fused multiply-add, no instruction that rounds."""
    return replace(host(), cpu="x86-64", features="", vector_bits=128, registers=16)


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="compiles for an older x86")
@pytest.mark.parametrize("dtype", DTYPES)
def test_machines_without_fused_multiply_add(dtype: str) -> None:
    """Nothing is called there either, and the error stays small."""
    count = lanes(oldest(), 64 if dtype == "float64" else 32)
    loaded = compiled(dtype, count, True, oldest())
    assert not calls(loaded.assembly)
    for name in (n for n in INEXACT if vectormath.arity(n) == 1 and not n.startswith("erf")):
        x = within_domain(name, everywhere(dtype, 30))
        x = x[x != 0]
        found = run(loaded, name, count, x)
        worst_error = max(error(float(f), exact(name, float(a)), dtype) for f, a in zip(found, x, strict=True))
        assert worst_error <= 4, name


def test_pow_of_negative_numbers_and_its_special_values() -> None:
    """C99, F.9.4.4, by way of C's own pow."""
    x = np.array([-2.0, -2.0, -2.0, -0.0, -0.0, -math.inf, -math.inf, -math.inf, -1.0, 1.0, math.nan, -8.0, -0.5])
    y = np.array([3.0, -2.0, 0.5, -3.0, 2.0, 3.0, 2.5, -3.0, math.inf, math.nan, 0.0, 1 / 3, 1e300])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(evaluate("pow", x, y), np.power(x, y))


def test_no_overflow_too_early() -> None:
    x = np.array([710.4, -710.4])
    assert np.isfinite(evaluate("sinh", x)).all()
    assert np.isfinite(evaluate("cosh", x)).all()
    assert evaluate("sigmoid", np.array([-740.0]))[0] > 0


def test_misuse_is_named() -> None:
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.FloatType()]), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    with pytest.raises(ValueError, match="no function 'gamma'"):
        vectormath.emit(builder, "gamma", function.args[:1])
    with pytest.raises(TypeError, match="exp takes 1 argument"):
        vectormath.emit(builder, "exp", function.args)
    with pytest.raises(TypeError, match="one type"):
        vectormath.emit(builder, "pow", function.args)


def resident() -> int:
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * 4096


@pytest.mark.skipif(not host().triple.endswith("linux-gnu"), reason="reads Linux's /proc")
def test_dropped_modules_are_freed() -> None:
    text = "define i64 @f(i64 %x) {\n %y = add i64 %x, 5\n ret i64 %y\n}\n"
    object_code = load(text).object_code
    for _ in range(40):
        load(text)
    before = resident()
    for _ in range(120):
        load(text)
        load_object(object_code)
    assert resident() - before < 1 << 20


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [n for n in INEXACT if vectormath.arity(n) == 1])
def test_every_float(name: str) -> None:
    largest, where = worst(name)
    assert largest <= LIMIT, where
