"""The slopes of products: over more and more factors, and with one left out."""

import numpy as np

import graphc as gc
from graphc import D, Eq, Ne, Piecewise, Prod, Sum
from tests.compiled import numbers
from tests.differences import slopes

N = gc.sizes("N")
i, j = gc.indices("i j")
L, v, x = gc.Tensor("L"), gc.Tensor("v", N), gc.Input("x", N)


def test_products_that_leave_one_factor_out():
    """Lagrange's interpolation: the slope of a product in which j = i is left out."""
    p, f, u, w = gc.Param("p", N), gc.Input("f", N), gc.Param("u"), gc.Tensor("w", N)
    factor = Piecewise(((u - p[j]) / (p[i] - p[j]), Ne(i, j)), (1, True))
    system = gc.System(Eq(w[i], Prod(factor, j)), Eq(L, Sum(w[i] * f[i], i)))
    data = {"p": np.array([0.0, 1, 2.5, 4]), "f": np.array([1, -2, 0.5, 3]), "u": 1.7}
    cubic = np.polynomial.Polynomial.fit(data["p"], data["f"], 3)
    wanted = [cubic(1.7), cubic.deriv()(1.7)]
    np.testing.assert_allclose(system.evaluate(L, D(L, u), **data), wanted)
    np.testing.assert_allclose(system.compile(L, D(L, u))(**data), wanted)


def test_the_slope_of_products_over_more_and_more():
    """The first of them has no factor and is 1."""
    data = numbers(6)
    system = gc.System(Eq(v[i], Prod(x[j], (j, 0, i - 1))), Eq(L, Sum(v[i] * x[i], i)))

    def value(x):
        return sum(np.prod(x[:n]) * x[n] for n in range(len(x)))

    np.testing.assert_allclose(system.compile(L)(x=data), value(data), rtol=1e-12)
    np.testing.assert_allclose(system.compile(D(L, x))(x=data), slopes(value, data), rtol=1e-8, atol=1e-9)
