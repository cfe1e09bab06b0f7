"""Equations that look the same and are not: other points, another reduction, another kind, one index for another."""

import itertools

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Prod, Sum, amax, amin, exp, tanh

N = gc.sizes("N")
i, j, k = gc.indices("i j k")
x, W = gc.Input("x", N), gc.Input("W", N, N)
a, b, L = gc.Tensor("a", N), gc.Tensor("b", N), gc.Tensor("L")
ALIKE = {
    "to the present": Sum(exp(W[i, k]) * x[k], (k, 0, i)),
    "from the present": Sum(exp(W[i, k]) * x[k], (k, i, N - 1)),
    "before the present": Sum(exp(W[i, k]) * x[k], (k, 0, i - 1)),
    "all": Sum(exp(W[i, k]) * x[k], k),
    "product": Prod(exp(W[i, k]) * x[k], k),
    "largest": amax(exp(W[i, k]) * x[k], k),
    "smallest": amin(exp(W[i, k]) * x[k], k),
    "transposed": Sum(exp(W[k, i]) * x[k], k),
    "own factor": Sum(exp(W[i, k]) * x[i], k),
    "the other way round": Sum(exp(W[i, N - 1 - k]) * x[k], k),
    "diagonal": Sum(exp(W[k, k]) * x[k], k),
}


@pytest.mark.parametrize("pair", list(itertools.combinations(ALIKE, 2)), ids=" and ".join)
def test_two_equations_that_are_not_the_same_stay_two(pair):
    first, second = (ALIKE[name] for name in pair)
    system = gc.System(Eq(a[i], first), Eq(b[i], tanh(second)), Eq(L, Sum(a[i] * (i + 1) + b[i] ** 2, i)))
    outputs = (L, a, b, D(L, x), D(L, W))
    rng = np.random.default_rng(0)
    data = {"x": 1 + rng.random(5), "W": rng.normal(size=(5, 5)) / 3}
    wanted = system.evaluate(*outputs, **data)
    for asked in (outputs, (L,), (D(L, W),)):
        found = system.compile(*asked)(**data)
        for t, value in zip(asked, found if len(asked) > 1 else (found,), strict=True):
            np.testing.assert_allclose(value, wanted[outputs.index(t)], rtol=1e-10, atol=1e-12)
