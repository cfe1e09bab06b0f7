"""Special values as C99's Annex F lists them, each in both formats, in vectors and as scalars.

A line of a table reads `function: argument -> result, ...`; a result is compared to the bit, and so is a zero's sign.
NaN gives NaN unless the table says otherwise.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from graphc.codegen import vectormath
from tests.codegen.exhaustive import evaluate
from tests.codegen.references import EXACT, encoded, numpy_function

DTYPES = ("float32", "float64")
EDGES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 0.75, 1e-30, 1e30, math.inf, math.nan)
CONSTANTS = {"pi": math.pi, "pi/2": math.pi / 2, "pi/4": math.pi / 4, "3pi/4": 3 * math.pi / 4, "ln2": math.log(2)}

# F.9.1 to F.9.10 of C99; sigmoid, softplus, sign and digamma by their limits.
ONE_ARGUMENT = """
acos:     1 -> 0, -1 -> pi, 0 -> pi/2, 1.5 -> nan, -1.5 -> nan, inf -> nan, -inf -> nan
asin:     0 -> 0, -0 -> -0, 1 -> pi/2, -1 -> -pi/2, 1.5 -> nan, -1.5 -> nan, inf -> nan, -inf -> nan
atan:     0 -> 0, -0 -> -0, inf -> pi/2, -inf -> -pi/2, 1 -> pi/4, -1 -> -pi/4
cos:      0 -> 1, -0 -> 1, inf -> nan, -inf -> nan
sin:      0 -> 0, -0 -> -0, inf -> nan, -inf -> nan
tan:      0 -> 0, -0 -> -0, inf -> nan, -inf -> nan
acosh:    1 -> 0, 0.5 -> nan, 0 -> nan, -1 -> nan, -inf -> nan, inf -> inf
asinh:    0 -> 0, -0 -> -0, inf -> inf, -inf -> -inf
atanh:    0 -> 0, -0 -> -0, 1 -> inf, -1 -> -inf, 1.5 -> nan, -1.5 -> nan, inf -> nan, -inf -> nan
cosh:     0 -> 1, -0 -> 1, inf -> inf, -inf -> inf
sinh:     0 -> 0, -0 -> -0, inf -> inf, -inf -> -inf
tanh:     0 -> 0, -0 -> -0, inf -> 1, -inf -> -1
exp:      0 -> 1, -0 -> 1, -inf -> 0, inf -> inf
exp2:     0 -> 1, -0 -> 1, -inf -> 0, inf -> inf, 1 -> 2, -1 -> 0.5
expm1:    0 -> 0, -0 -> -0, -inf -> -1, inf -> inf
log:      0 -> -inf, -0 -> -inf, 1 -> 0, -1 -> nan, -inf -> nan, inf -> inf
log1p:    0 -> 0, -0 -> -0, -1 -> -inf, -2 -> nan, -inf -> nan, inf -> inf
log2:     0 -> -inf, -0 -> -inf, 1 -> 0, 8 -> 3, -1 -> nan, -inf -> nan, inf -> inf
fabs:     0 -> 0, -0 -> 0, inf -> inf, -inf -> inf
sqrt:     0 -> 0, -0 -> -0, inf -> inf, -1 -> nan, -inf -> nan
erf:      0 -> 0, -0 -> -0, inf -> 1, -inf -> -1
erfc:     0 -> 1, -0 -> 1, -inf -> 2, inf -> 0
gamma:    0 -> inf, -0 -> -inf, 1 -> 1, 2 -> 1, 3 -> 2, -1 -> nan, -2 -> nan, -inf -> nan, inf -> inf
loggamma: 0 -> inf, -0 -> inf, 1 -> 0, 2 -> 0, -1 -> inf, -2 -> inf, -inf -> inf, inf -> inf
digamma:  0 -> -inf, -0 -> inf, -1 -> nan, -2 -> nan, -inf -> nan, inf -> inf
ceil:     0 -> 0, -0 -> -0, -0.5 -> -0, 0.5 -> 1, inf -> inf, -inf -> -inf
floor:    0 -> 0, -0 -> -0, -0.5 -> -1, 0.5 -> 0, inf -> inf, -inf -> -inf
round:    0 -> 0, -0 -> -0, -0.5 -> -0, 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, inf -> inf, -inf -> -inf
trunc:    0 -> 0, -0 -> -0, -0.5 -> -0, 0.5 -> 0, inf -> inf, -inf -> -inf
sign:     0 -> 0, -0 -> 0, inf -> 1, -inf -> -1
sigmoid:  0 -> 0.5, -0 -> 0.5, inf -> 1, -inf -> 0
softplus: 0 -> ln2, -0 -> ln2, inf -> inf, -inf -> 0
"""

# F.9.1.4, F.9.4.4, F.9.7.1, F.9.8.1; `p` is any positive finite number, `any` any number whatever, NaN among them.
TWO_ARGUMENTS = """
atan2: 0 -0 -> pi, -0 -0 -> -pi, 0 0 -> 0, -0 0 -> -0, 0 -p -> pi, -0 -p -> -pi, 0 p -> 0, -0 p -> -0
atan2: -p 0 -> -pi/2, -p -0 -> -pi/2, p 0 -> pi/2, p -0 -> pi/2, p -inf -> pi, -p -inf -> -pi, p inf -> 0
atan2: -p inf -> -0, inf p -> pi/2, inf -p -> pi/2, -inf p -> -pi/2, -inf -p -> -pi/2, inf 0 -> pi/2
atan2: inf -inf -> 3pi/4, -inf -inf -> -3pi/4, inf inf -> pi/4, -inf inf -> -pi/4, 0 inf -> 0, -0 -inf -> -pi
atan2: nan any -> nan, any nan -> nan
pow: 0 -odd -> inf, -0 -odd -> -inf, 0 -other -> inf, -0 -other -> inf, 0 -inf -> inf, -0 -inf -> inf
pow: 0 odd -> 0, -0 odd -> -0, 0 other -> 0, -0 other -> 0, 0 inf -> 0, -0 inf -> 0
pow: -1 inf -> 1, -1 -inf -> 1, 1 any -> 1, any 0 -> 1, any -0 -> 1, -p fraction -> nan, -p -fraction -> nan
pow: below -inf -> inf, -below -inf -> inf, above -inf -> 0, -above -inf -> 0
pow: below inf -> 0, -below inf -> 0, above inf -> inf, -above inf -> inf
pow: -inf -odd -> -0, -inf -other -> 0, -inf odd -> -inf, -inf other -> inf, -inf inf -> inf, -inf -inf -> 0
pow: inf -odd -> 0, inf -other -> 0, inf -inf -> 0, inf odd -> inf, inf other -> inf, inf inf -> inf
pow: nan p -> nan, nan -p -> nan, nan inf -> nan, p_not_1 nan -> nan, -p nan -> nan, inf nan -> nan, 0 nan -> nan
fmod: 0 p -> 0, -0 p -> -0, 0 -p -> 0, -0 inf -> -0, inf p -> nan, -inf p -> nan, inf inf -> nan, p 0 -> nan
fmod: -p -0 -> nan, 0 0 -> nan, 1.5 inf -> 1.5, 1.5 -inf -> 1.5, -1.5 inf -> -1.5, nan any -> nan, any nan -> nan
mod: 0 p -> 0, -0 p -> 0, 0 -p -> -0, -0 inf -> 0, inf p -> nan, -inf p -> nan, inf inf -> nan, p 0 -> nan
mod: 1.5 inf -> 1.5, 1.5 -inf -> -inf, -1.5 inf -> inf, -1.5 -inf -> -1.5, nan any -> nan, any nan -> nan
copysign: inf -1 -> -inf, 0 -1 -> -0, -0 1 -> 0, 2 -0 -> -2, -2 0 -> 2, -2 inf -> 2, 2 -inf -> -2
maximum: inf 1 -> inf, -inf 1 -> 1, nan any -> nan, any nan -> nan, -inf inf -> inf, inf inf -> inf
minimum: inf 1 -> 1, -inf 1 -> -inf, nan any -> nan, any nan -> nan, -inf inf -> -inf, -inf -inf -> -inf
"""
GROUPS = {
    "p": (1e-30, 0.75, 1.0, 3.0, 1e30),
    "p_not_1": (1e-30, 0.75, 3.0, 1e30),
    "any": (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3e30, math.inf, -math.inf, math.nan),
    "odd": (1.0, 3.0, 101.0),
    "other": (2.0, 0.5, 2.5, 100.0, 1e30, 2.0**24),
    "fraction": (0.5, 1 / 3, 2.5),
    "below": (1e-30, 0.5, 0.99999),
    "above": (1.00001, 2.0, 1e30),
}


def numbers(word: str) -> tuple[float, ...]:
    """What a word of the tables stands for."""
    sign, name = (-1.0, word[1:]) if word.startswith("-") else (1.0, word)
    return tuple(sign * value for value in GROUPS.get(name) or (CONSTANTS.get(name) or float(name),))


def cases(name: str) -> list[tuple[tuple[float, ...], float]]:
    """Arguments and results of that function in the tables."""
    found = []
    for line in (ONE_ARGUMENT + TWO_ARGUMENTS).strip().splitlines():
        function, _, entries = line.partition(":")
        for entry in entries.split(",") if function == name else ():
            arguments, _, result = entry.partition("->")
            for values in product(*map(numbers, arguments.split())):
                found.append((values, numbers(result.strip())[0]))
    if vectormath.arity(name) == 1:
        found.append(((math.nan,), math.nan))
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_annex_f(name: str, dtype: str) -> None:
    listed = cases(name)
    assert len(listed) > 3
    arguments = [np.array(column, dtype) for column in zip(*(values for values, _ in listed), strict=True)]
    wanted = np.array([result for _, result in listed], dtype)
    for lanes in (0, None):
        found = evaluate(name, *arguments, lanes=lanes)
        wrong = np.flatnonzero(encoded(found) != encoded(wanted))
        assert not wrong.size, [(listed[k], float(found[k])) for k in wrong]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", sorted(vectormath.SUPPORTED))
def test_special_values_are_numpys(name: str, dtype: str) -> None:
    """NaN where NumPy has NaN, infinities, and the signs of zeros, for every pair of edges."""
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
@pytest.mark.parametrize("name", ["asin", "asinh", "atan", "atanh", "expm1", "log1p", "sin", "sinh", "tan", "tanh"])
def test_the_smallest_numbers_are_their_own_function(name: str, dtype: str) -> None:
    """f(x) = x to the last bit where f'(0) = 1 and x^2 is nothing beside 1: no subnormal is lost."""
    info = np.finfo(dtype)
    x = np.array([info.smallest_subnormal, 3 * info.smallest_subnormal, info.tiny / 2, info.tiny, info.eps**2], dtype)
    np.testing.assert_array_equal(evaluate(name, np.append(x, -x)), np.append(x, -x))


@pytest.mark.parametrize("dtype", DTYPES)
def test_powers_of_two_are_exact(dtype: str) -> None:
    info = np.finfo(dtype)
    exponents = np.arange(info.minexp - info.nmant, info.maxexp).astype(dtype)
    powers = np.ldexp(np.ones_like(exponents), exponents.astype(int))
    np.testing.assert_array_equal(evaluate("exp2", exponents), powers)
    np.testing.assert_array_equal(evaluate("log2", powers), exponents)
    np.testing.assert_array_equal(evaluate("pow", np.full_like(exponents, 2), exponents), powers)


@pytest.mark.parametrize("dtype", DTYPES)
def test_over_and_underflow_are_where_they_belong(dtype: str) -> None:
    """The last argument with a finite result and the first without, the last above 0 and the first that gives 0."""
    info = np.finfo(dtype)
    top, bottom = math.log(2) * info.maxexp, math.log(2) * (info.minexp - info.nmant - 1)
    for name, largest, smallest in (
        ("exp", top, bottom),
        ("exp2", info.maxexp, info.minexp - info.nmant - 1),
        ("expm1", top, None),
        ("sinh", top + math.log(2), None),
        ("cosh", top + math.log(2), None),
        ("sigmoid", None, bottom),
        ("softplus", None, bottom),
    ):
        if largest is not None:
            x = np.array([largest * (1 - 2 * info.eps), largest * (1 + 2 * info.eps)], dtype)
            assert list(np.isinf(evaluate(name, x))) == [False, True], name
        if smallest is not None:
            x = np.array([smallest * (1 - 2 * info.eps), smallest * (1 + 2 * info.eps)], dtype)
            assert list(evaluate(name, x) > 0) == [True, False], name
