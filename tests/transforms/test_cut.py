"""Deep values differentiate in pieces."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, amax
from graphc.transforms.cut import DEEP
from tests.growth import exponent

N, T = gc.sizes("N T")
i, t = gc.indices("i t")
L = gc.Tensor("L")


def least_of(n):
    rows = [gc.Input(f"a{k}", N) for k in range(n)]
    return rows, gc.System(Eq(L, Sum(sp.Min(*(row[i] for row in rows), evaluate=False), i)))


@pytest.mark.parametrize("n", [18, pytest.param(36, marks=pytest.mark.nightly)])
def test_the_gradient_of_the_least_of_n_takes_time_in_proportion(n):
    systems = {n: least_of(n) for n in (n // 2, n, 2 * n)}

    def make(n):
        rows, system = systems[n]
        data = np.random.default_rng(n).normal(size=(n, 7))
        value, *slopes = system.compile(L, *(D(L, row) for row in rows))(**{f"a{k}": d for k, d in enumerate(data)})
        np.testing.assert_allclose(value, data.min(0).sum(), rtol=1e-13)
        np.testing.assert_array_equal(slopes, data == data.min(0))

    assert exponent(make, [n, 2 * n]) < 1.3


def deep(e, n):
    for k in range(n):
        e = sp.log(sp.exp(e, evaluate=False) + 0.05, evaluate=False) - k % 3 / 20
    return e


def test_of_functions_inside_functions():
    x, a = gc.Input("x", N), gc.Param("a")
    system = gc.System(Eq(L, Sum(deep(x[i] * a, DEEP + 8), i), evaluate=False))
    assert len(system.grad(L, [x, a]).ir.equations) > 6
    assert gc.verify(system, L, x=np.linspace(-1, 1, 5), a=0.7)


def test_in_a_recurrence_and_under_a_maximum():
    s, x, top = gc.Tensor("s", T), gc.Input("x", T), gc.Tensor("top")
    system = gc.System(Eq(s[t], deep(s[t - 1] + x[t], 40)), Eq(s[-1], 0), Eq(top, amax(deep(s[t] * x[t], 40), t)))
    x_, e = np.random.default_rng(3).normal(size=6), np.random.default_rng(4).normal(size=6)
    e *= 1e-6
    run = system.compile(top)
    slope = system.compile(D(top, x))(x=x_)
    np.testing.assert_allclose(slope @ e, (run(x=x_ + e) - run(x=x_ - e)) / 2, rtol=1e-6)


def test_beside_what_is_not_read_under_its_condition():
    """A piece is computed at every point: where reads are made under conditions on data, a value stays whole."""
    x, c = gc.Input("x", N), gc.Input("c", N, dtype="int64")
    inner = Piecewise((x[i - c[i]], i >= c[i]), (1.0, True))
    system = gc.System(Eq(L, Sum(deep(inner, 40), i)))
    data = {"x": np.random.default_rng(5).normal(size=6), "c": np.array([0, 3, 1, 9, -2 + 2, 2])}
    value, slope = system.compile(L, D(L, x))(**data)
    np.testing.assert_allclose(value, system.evaluate(L, **data), rtol=1e-12)
    np.testing.assert_allclose(slope, system.evaluate(D(L, x), **data), rtol=1e-10)
