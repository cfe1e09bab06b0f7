"""Equations that look the same and are not: other points, another reduction, another kind, one index for another."""

import itertools

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Prod, Sum, amax, amin, exp, tanh
from tests.compiled import agree, numbers

N = gc.sizes("N")
i, j, k, n = gc.indices("i j k n")
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
y, z = gc.Tensor("y", N), gc.Tensor("z", N)


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


def test_two_outputs_that_are_equal_are_two():
    u, v = gc.tensors("u v", N)
    agree([Eq(u[n], exp(x[n])), Eq(v[n], exp(x[n]))], ["u", "v"], {"x": np.ones(3)})


def test_one_value_as_an_integer_and_as_a_real_number():
    a, b = gc.Tensor("a", N, dtype="int64"), gc.Tensor("b", N)
    large = 10**7 * (i + 1)
    equations = [Eq(a[i], large), Eq(b[i], large), Eq(y[i], a[i] % 7 + 0.5), Eq(z[i], b[i] * b[i] * b[i])]
    agree(equations, [z, y, a], {"N": 5})


def test_a_part_that_two_need_where_one_of_them_is_not_defined():
    """exp(r[i]) for N elements serves no N + 40."""
    r, a, b = gc.Input("r", N + 40), gc.Tensor("a", N), gc.Tensor("b", N + 40)
    agree([Eq(a[i], exp(r[i])), Eq(b[i], 1 / (1 + exp(r[i])))], [a, b], {"r": numbers(47)})
