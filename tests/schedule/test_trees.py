"""Trees whose elements are read in several ways: gradients were added to elements that were set afterwards.

An adjoint adds to the element that data point at, steps ahead of its own. Where such a tensor also has a plain
contribution, that must not be the start: it comes at the element's own step, over what was added before.
"""

from functools import cache

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mean, Piecewise, Sum, cos, log, sigmoid, tanh
from tests import oracle
from tests.differences import slopes

T, N = gc.sizes("T N")
t, i, j, k = gc.indices("t i j k")
x, X, W, L = gc.Input("x", T, N), gc.Input("X", N, T), gc.Param("W", N, N), gc.Tensor("L")
left, right, up = (*gc.inputs("left right", T, dtype="int64"), gc.Input("up", N, dtype="int64"))
h, c, m, q, g = (
    gc.Tensor("h", T, N),
    gc.Tensor("c", T, N),
    gc.Tensor("m", T),
    gc.Tensor("q", T, N),
    gc.Tensor("g", N, T),
)
parents, p = gc.Input("parents", T, 2, dtype="int64"), gc.index("p", 2)


def rooted(e, at=x[t, i], root=x[0, i]):
    return Piecewise((e + at, t > 0), (root, True))


SYSTEMS = {
    "elements and their means": gc.System(
        Eq(m[t], Mean(h[t, i], i)), Eq(h[t, i], rooted(tanh(h[left[t], i] + m[right[t]]))), Eq(L, Sum(h**2))
    ),
    "cells with two states": gc.System(
        Eq(c[t, i], rooted(sigmoid(h[left[t], i]) * c[left[t], i] + sigmoid(h[right[t], i]) * c[right[t], i])),
        Eq(h[t, i], tanh(c[t, i])), Eq(L, Sum(h**2)),
    ),
    "along the second axis": gc.System(
        Eq(g[i, t], rooted(tanh(Sum(W[i, j] * g[j, left[t]], j) - g[i, right[t]] * 0.7), X[i, t], X[i, 0])),
        Eq(L, Sum(g**2)),
    ),
    "a chain at each element": gc.System(
        Eq(g[i, t], tanh(
            X[i, t] + Piecewise((g[i - 1, t], i > 0), (0, True)) + Piecewise((g[i, left[t]], t > 0), (0, True))
        )),
        Eq(L, Sum(g**2)),
    ),
    "reaches of a river, day by day": gc.System(
        Eq(q[t, i], Piecewise((tanh(x[t, i] + q[t, up[i]]), i > 0), (x[t, 0], True))
           + Piecewise((q[t - 1, i] / 2, t > 0), (0, True))),
        Eq(L, Sum(q**2)),
    ),
    "a graph, by the logarithm of a sum": gc.System(
        Eq(h[t, i], rooted(log(2 + Sum(cos(h[parents[t, p], i]), p) / 2))), Eq(L, Sum(h**2))
    ),
}  # fmt: skip


@pytest.mark.parametrize("transforms", oracle.WAYS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_all_laws(name, transforms):
    oracle.check(SYSTEMS[name], "L", second=False, seed=2, transforms=transforms)


@cache
def means():
    return SYSTEMS["elements and their means"].compile("L", D(L, x))


@pytest.mark.parametrize("rows", [1, 2, 9, 65, 130])
def test_the_gradient_of_elements_and_their_means(rows):
    rng = np.random.default_rng(rows)
    data, before = rng.normal(size=(rows, 3)), np.maximum(np.arange(rows), 1)
    trees = {"left": rng.integers(0, before), "right": rng.integers(0, before)}

    def loss(a):
        s = np.zeros_like(a)
        for n in range(rows):
            s[n] = a[n] + (np.tanh(s[trees["left"][n]] + s[trees["right"][n]].mean()) if n else 0)
        return np.sum(s**2)

    found = means()(x=data, **trees)
    np.testing.assert_allclose(found[0], loss(data), rtol=1e-12)
    np.testing.assert_allclose(found[1], slopes(loss, data), rtol=1e-6, atol=1e-6)
