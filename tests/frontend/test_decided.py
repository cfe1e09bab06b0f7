"""Conditions on NaN and infinity, which the rules of the reals would decide: they are asked when the program runs."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Piecewise, Sum
from tests import oracle

N, i = gc.sizes("N"), gc.index("i")
x, w = gc.Input("x", N), gc.Param("w", N)
n = gc.Input("n", N, dtype="int64")
y, L, count = gc.Tensor("y", N), gc.Tensor("L"), gc.Tensor("count", dtype="int64")
VALUES = np.array([1.5, np.nan, np.inf, -np.inf, -2, 0, 1e200, -0.0, 3])


def found(system, *outputs, dtype="float64", **arguments):
    """What the interpreter gives, and native code of that type."""
    with np.errstate(over="ignore"):
        given = {k: a.astype(dtype) if a.dtype.kind == "f" else a for k, a in arguments.items()}
    return system.evaluate(*outputs, **given), system.compile(*outputs, dtype=dtype)(**given)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nan_and_infinity_are_told(dtype):
    system = gc.System(Eq(y[i], Piecewise((-1, gc.isnan(x[i])), (w[i] * x[i], gc.isfinite(x[i])), (7, True))))
    values = np.where(np.abs(VALUES) > 1e100, np.inf, VALUES)
    wanted = np.where(np.isnan(VALUES), -1, np.where(np.isfinite(values), 2 * values, 7))
    for got in found(system, y, dtype=dtype, x=values, w=np.full(9, 2.0)):
        np.testing.assert_array_equal(got, wanted)


def test_what_is_computed_is_asked_too():
    """x*x overflows, x - x is NaN of infinities: no rule of arithmetic stands before the question."""
    system = gc.System(Eq(y[i], Piecewise((1, gc.isfinite(x[i] * x[i]) & ~gc.isnan(w[i] - x[i])), (0, True))))
    wanted = np.isfinite(VALUES) & (np.abs(VALUES) < 1e154)
    for got in found(system, y, x=VALUES, w=VALUES):
        np.testing.assert_array_equal(got, wanted)


def test_integers_are_finite():
    system = gc.System(Eq(count, Sum(Piecewise((n[i], gc.isfinite(n[i]) & ~gc.isnan(n[i])), (0, True)), i)))
    for dtype in ("float64", "int64"):
        assert [int(v) for v in found(system, count, dtype=dtype, n=np.arange(5))] == [10, 10]


def test_masked_values_have_no_gradient():
    loss = Sum(Piecewise((w[i] * x[i] ** 2, gc.isfinite(x[i])), (0, True)), i)
    for got in found(gc.System(Eq(L, loss)), D(L, x), x=VALUES[:6], w=np.ones(6)):
        np.testing.assert_array_equal(got, [3, 0, 0, 0, -4, 0])


def test_everything_derived_from_it():
    system = gc.System(Eq(y, Piecewise((x * w, gc.isfinite(x / w)), (w, True))), Eq(L, Sum(y**2)))
    oracle.check(system, L)


def test_nan_is_neither_positive_nor_not():
    """SymPy takes x <= 0 for the rest of x > 0."""
    three = gc.System(Eq(y[i], Piecewise((1, x[i] > 0), (2, x[i] <= 0), (3, True))))
    for got in found(three, y, x=VALUES):
        np.testing.assert_array_equal(got, np.where(np.isnan(VALUES), 3, np.where(VALUES > 0, 1, 2)))
    two = gc.System(Eq(y[i], Piecewise((1, x[i] > 0), (2, x[i] <= 0))))
    assert np.isnan(found(two, y, x=VALUES)[1][1])
