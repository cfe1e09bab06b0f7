"""Powers with literal exponents: made of products and roots, as exact and as special as `pow`."""

import numpy as np
import pytest
from sympy import Rational

import graphc as gc
from graphc import D, Eq, Sum
from tests.codegen.references import error_in_ulp

N, K = gc.sizes("N K")
i = gc.index("i")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
WHOLE = [1, 2, 3, 4, 5, 6, 7, 12, 13, 64]
EXPONENTS = [s * k for k in (*WHOLE, 0.25, 0.5, 0.75, 1.25, 1.5, 2.5, 3.75, 7.75) for s in (1, -1)]
SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1, -1, -2, 5e-324, -5e-324, 1e-310, 1.7e308, -1.7e308, 1e103])


def powers(dtype):
    """x**k for each exponent, of one x."""
    found = {k: gc.Tensor(f"y{n}", N) for n, k in enumerate(EXPONENTS)}
    return gc.System(*(Eq(t[i], x[i] ** k) for k, t in found.items())).compile(*found.values(), dtype=dtype)


@pytest.mark.parametrize(
    ("system", "output", "options"),
    [
        (gc.System(Eq(y[i], x[i] ** 3)), y, {}),
        (gc.System(Eq(y[i], x[i] ** 3)), y, {"dtype": "float32"}),
        (gc.System(Eq(y[i], 2 * x[i] ** -5 + x[i] ** 12)), y, {}),
        (gc.System(Eq(y[i], x[i] ** K)), y, {"sizes": {"K": 3}}),
        (gc.System(Eq(L, Sum(x[i] ** 4, i))), D(L, x), {}),
        (gc.System(Eq(L, Sum(x[i] ** 2.5, i))), D(L, x), {}),
        (gc.System(Eq(L, Sum(x[i] ** Rational(-3, 2), i))), D(L, x), {"dtype": "float32"}),
    ],
)
def test_literals_stay_literals(system, output, options):
    """In sums, baked sizes and gradients: the general power costs ten times as much."""
    assert "graphc.pow" not in str(system.compile(output, **options).kernel.module)


def test_powers_of_two_are_exp2():
    assert "graphc.exp2" in str(gc.System(Eq(y[i], 2 ** x[i])).compile(y).kernel.module)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_errors(dtype):
    rng, span = np.random.default_rng(0), np.log2(np.finfo(dtype).max)
    size = np.exp2(np.concatenate([rng.uniform(-2, 2, 1600), rng.uniform(-1, 1, 400) * span / 4])).astype(dtype)
    v = size * rng.choice([-1, 1], 2000).astype(dtype)
    for k, found in zip(EXPONENTS, powers(dtype)(x=v), strict=True):
        number = (np.isfinite(found) & (found != 0)) if k % 1 == 0 else v > 0
        wanted = v.astype(np.longdouble)[number] ** np.longdouble(k)
        assert error_in_ulp(found[number], wanted).max() <= 1.8, k


def test_special_values():
    for k, found in zip(EXPONENTS, powers("float64")(x=SPECIAL), strict=True):
        with np.errstate(all="ignore"):
            wanted = np.float_power(SPECIAL, k)
        np.testing.assert_array_max_ulp(found, wanted, 2)
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(wanted[number]))
