"""Each elementary function: its error against mpmath, every width alike, nothing outside called."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from llvmlite import ir

from graphc.codegen import vectormath
from graphc.codegen.target import Target, host, lanes, load, load_object
from tests.codegen.exhaustive import bound, compiled, evaluate, row, run, width, worst_of
from tests.codegen.references import HARD, INEXACT, Array, error, exact, numpy_function, points

DTYPES = ("float32", "float64")


def some(name: str, dtype: str, count: int, seed: int = 0) -> tuple[Array, ...]:
    return points(name, dtype, np.random.default_rng(seed), count)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", INEXACT)
def test_error(name: str, dtype: str) -> None:
    assert worst_of(name, dtype, *some(name, dtype, 600))[0] <= bound(name)


@pytest.mark.parametrize(("name", "place"), HARD)
def test_error_at_the_worst_points_known(name: str, place: tuple[float, ...]) -> None:
    assert worst_of(name, "float64", *(np.array([a]) for a in place))[0] <= bound(name)


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_error_where_the_reduction_is_hardest(name: str) -> None:
    """6381956970095103 * 2**797 is the double that is nearest to a multiple of pi/2 (Kahan)."""
    x = np.array([6381956970095103 * 2.0**797, np.pi, 1e300, 2.0**30, np.nextafter(2.0**30, 4e9), 1e22])
    assert worst_of(name, "float64", x)[0] <= bound(name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["fmod", "mod"])
def test_remainders_are_exact(name: str, dtype: str) -> None:
    """Whatever the quotient; `mod` rounds once, where it adds the divisor."""
    x, y = some(name, dtype, 6000)
    x, y = np.append(x, np.finfo(dtype).max), np.append(y, np.finfo(dtype).smallest_subnormal * 3)
    np.testing.assert_array_equal(evaluate(name, x, y), numpy_function(name)(x, y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_vectors_are_scalars_to_the_bit(name: str, dtype: str) -> None:
    edges = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    arguments = [np.append(a, np.roll(edges, k)) for k, a in enumerate(some(name, dtype, 180))]
    scalar = evaluate(name, *arguments, lanes=None)
    for count in (width(dtype), 2 * width(dtype), 2):
        np.testing.assert_array_equal(evaluate(name, *arguments, lanes=count), scalar, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_called_functions_give_what_inlined_ones_do(dtype: str) -> None:
    (x,) = some("exp", dtype, 180)
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
    """Nothing is called there either, and the errors stay below the same bounds."""
    count = lanes(oldest(), 64 if dtype == "float64" else 32)
    loaded = compiled(dtype, count, True, oldest())
    assert not calls(loaded.assembly)
    for name in INEXACT:
        arguments = some(name, dtype, 90)
        places = zip(*(a.tolist() for a in arguments), strict=True)
        found = run(loaded, name, count, *arguments).tolist()
        errors = [error(f, exact(name, *p), dtype) for f, p in zip(found, places, strict=True)]
        assert max(errors) <= bound(name), name


def test_no_overflow_too_early() -> None:
    x = np.array([710.4, -710.4])
    assert np.isfinite(evaluate("sinh", x)).all()
    assert np.isfinite(evaluate("cosh", x)).all()
    assert evaluate("sigmoid", np.array([-740.0]))[0] > 0


def test_misuse_is_named() -> None:
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.FloatType()]), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    with pytest.raises(ValueError, match="no function 'beta'"):
        vectormath.emit(builder, "beta", function.args[:1])
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
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_every_float_and_ten_million_doubles(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    line, within = row(name)
    with capsys.disabled():
        print(f"\n{line}", end=" ", flush=True)
    assert within
