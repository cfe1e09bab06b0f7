"""Equations that look the same and are not: other points, another reduction, another kind, one index for another."""

import itertools

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Prod, Sum, amax, amin, exp, tanh
from graphc.transforms import optimise
from tests.compiled import agree, listed, numbers
from tests.oracle import values

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


DATA = {"x": 1 + np.random.default_rng(0).random(5), "W": np.random.default_rng(1).normal(size=(5, 5)) / 3}


@pytest.mark.parametrize("pair", list(itertools.combinations(ALIKE, 2)), ids=" and ".join)
def test_two_equations_that_are_not_the_same_stay_two(pair):
    """After the transforms, whatever is asked for: what is not may be shared more freely."""
    first, second = (ALIKE[name] for name in pair)
    system = gc.System(Eq(a[i], first), Eq(b[i], tanh(second)), Eq(L, Sum(a[i] * (i + 1) + b[i] ** 2, i)))
    graded = system.grad(L, [x, W])
    outputs = [graded.tensor(t) for t in (L, a, b, D(L, x), D(L, W))]
    wanted = dict(zip(outputs, values(graded.ir, outputs, DATA), strict=True))
    for asked in (outputs, outputs[:1], outputs[-1:]):
        for t, value in zip(asked, values(optimise(graded.ir, frozenset(asked)), asked, DATA), strict=True):
            np.testing.assert_allclose(value, wanted[t], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("asked", ["all", "loss", "slope"])
def test_all_of_them_compiled_together_stay_apart(asked):
    """Each stands there bare and in a function, beside all others."""
    bare, inside = (gc.tensors(" ".join(f"{s}{k}" for k in range(len(ALIKE))), N) for s in "ab")
    equations = [Eq(a[i], value) for a, value in zip(bare, ALIKE.values(), strict=True)]
    equations += [Eq(b[i], tanh(value)) for b, value in zip(inside, ALIKE.values(), strict=True)]
    terms = (k * (a[i] * (i + 1) + b[i] ** 2) for k, (a, b) in enumerate(zip(bare, inside, strict=True), start=1))
    system = gc.System(*equations, Eq(L, Sum(sum(terms), i)))
    outputs = {"all": [L, *bare, *inside, D(L, x), D(L, W)], "loss": [L], "slope": [D(L, W)]}[asked]
    found, wanted = system.compile(*outputs)(**DATA), system.evaluate(*outputs, **DATA)
    for ours, theirs in zip(listed(found, len(outputs)), listed(wanted, len(outputs)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


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
