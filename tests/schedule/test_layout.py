"""Transposed copies: one for each order of axes, start values included."""

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, tanh
from tests.compiled import agree, numbers

H, T, N = gc.sizes("H T N")
i, j, t, k, m = gc.indices("i j t k m")
L, W, y, z = gc.Tensor("L"), gc.Param("W", H, H), gc.Tensor("y", N, N), gc.Tensor("z", N, N)


def test_time_behind_units_and_a_start_value():
    """The copy of s that the gradient of W reads in another order has its start value, too."""
    b, u, V = gc.Param("b", H), gc.Tensor("u", H, T), gc.Input("V", H, T)
    equations = [
        Eq(u[i, t], tanh(V[i, t] + Sum(W[i, j] * u[j, t - 1], j))), Eq(u[i, -1], b[i]), Eq(L, Sum(u[i, t] ** 2, i, t)),
    ]  # fmt: skip
    agree(equations, [D(L, W)], {"V": numbers(5, 9), "W": numbers(5, 5, seed=1) / 3, "b": numbers(5)})


def test_one_tensor_contracted_over_different_axes():
    """Each way needs a transposed copy of its own."""
    P, Q = gc.Input("P", N, N, N), gc.Input("Q", N, N, N)
    data = {"P": numbers(5, 5, 5), "Q": numbers(5, 5, 5, seed=1)}
    wanted = [np.einsum(f"{p},ikl->ij", data["P"], data["Q"]) for p in ("jkl", "kjl", "klj")]
    u = gc.Tensor("u", N, N)
    agree([
        Eq(y[i, j], Sum(P[j, k, m] * Q[i, k, m], k, m)), Eq(z[i, j], Sum(P[k, j, m] * Q[i, k, m], k, m)),
        Eq(u[i, j], Sum(P[k, m, j] * Q[i, k, m], k, m)),
    ], [y, z, u], data, wanted)  # fmt: skip
