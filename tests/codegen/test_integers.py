"""Integers beside real numbers: their width, their quotients, and what is refused among them."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Mod, Piecewise, Sum, floor
from tests.compiled import agree, numbers, whole

K, N, M = gc.sizes("K N M")
k, m, n, i, j = gc.indices("k m n i j")
z, x, y = gc.Tensor("z", N), gc.Input("x", N), gc.Tensor("y", N)


def test_integers_between_floats_of_32_bits():
    q, X = gc.Input("q", N, K, dtype="int64"), gc.Input("X", N, K)
    a, b = gc.Tensor("a", N, dtype="int64"), gc.Tensor("b", N)
    u, v, zero = gc.Tensor("u", N), gc.Tensor("v", N, dtype="int64"), gc.Tensor("zero", N, dtype="int64")
    equations = [
        Eq(a[n], Sum(q[n, k] * q[n, k], k)), Eq(b[n], Sum(X[n, k], k)), Eq(zero[n], 0),
        Eq(u[n], Sum(b[m] * b[n], (m, 0, N - 1))), Eq(v[n], Sum(a[m] * a[n], (m, 0, N - 1))),
    ]  # fmt: skip
    data = {"q": whole(300, 3), "X": numbers(300, 3).astype(np.float32)}
    agree(equations, ["v", "zero"], data, dtype="float32")
    exact, found = (
        gc.System(*equations).evaluate("u", **data),
        gc.System(*equations).compile("u", dtype="float32")(**data),
    )
    np.testing.assert_allclose(found, exact, rtol=1e-2, atol=1e-2)


def test_quotients_and_remainders_of_all_signs():
    a, b = gc.inputs("a b", N, dtype="int64")
    u, v = gc.tensors("u v", N)
    data = {"a": np.array([7, -7, 7, -7, 6, -6]), "b": np.array([2, 2, -2, -2, -3, -3])}
    wanted = [data["a"] // data["b"], data["a"] % data["b"]]
    agree([Eq(u[n], floor(a[n] / b[n])), Eq(v[n], Mod(a[n], b[n]))], ["u", "v"], data, wanted)


def test_integer_products_beside_floats_of_32_bits():
    P, Q = gc.Input("P", N, K, dtype="int64"), gc.Input("Q", K, M, dtype="int64")
    R, w = gc.Tensor("R", N, M), gc.Input("w", M)
    run = gc.System(Eq(R[i, j], Sum(P[i, k] * Q[k, j], k)), Eq(z[i], Sum(R[i, j] * w[j], j))).compile(
        R, z, dtype="float32"
    )
    for size in (5, 40, 200):
        p, q = np.random.default_rng(0).integers(0, 9, (2, size, size))
        weights = numbers(size).astype(np.float32)
        found = run(P=p[:, :7], Q=q[:7], w=weights)
        np.testing.assert_array_equal(found.R, p[:, :7] @ q[:7])
        np.testing.assert_allclose(found.z, found.R @ weights, rtol=1e-3, atol=0.01)


@pytest.mark.parametrize("value", [0.5 * x[i], Piecewise((1, x[i] >= 6.5), (0, True)), x[i] / 2, gc.ceiling(x[i] / 2)])
def test_integers_only_refuses_what_is_no_integer(value):
    with pytest.raises(gc.UnsupportedError, match="has no value among the integers"):
        gc.System(Eq(y[i], value)).compile("y", dtype="int64")
