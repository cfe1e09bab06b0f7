"""One program for each condition of a rewrite that no other test needed: errors planted there had not been found."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mod, Piecewise, Sum, exp, floor
from tests.regressions.compiled import agree, numbers

N, T, M, H, K = gc.sizes("N T M H K")
i, j, k, m, t = gc.indices("i j k m t")
x, w, v, L = gc.Input("x", N), gc.Input("w", N), gc.Tensor("v", N), gc.Tensor("L")
A, B, y, z = gc.Input("A", N, N), gc.Input("B", N, N), gc.Tensor("y", N, N), gc.Tensor("z", N, N)


@pytest.mark.parametrize("place", [i - Mod(i, 3), i - floor(i / 2), floor(i / 3) + Mod(i, 3)])
def test_an_index_beside_a_remainder_of_itself(place):
    """It moves by no constant step, neither as a read nor as the write of the adjoint, where elements meet."""
    data = {"x": numbers(20), "w": numbers(20, seed=1)}
    agree([Eq(v[i], x[i] - exp(x[place]))], [v], {"x": data["x"]})
    agree([Eq(v[i], x[i] - exp(x[place])), Eq(L, Sum(w[i] * v[i] ** 2, i))], [L, D(L, x)], data)
    agree([Eq(L, Sum(w[i] * x[place] ** 2, i))], [D(L, x)], data)


def test_an_element_of_the_diagonal_beside_each_of_its_row():
    """y[i, i] is read where y[i, j] is, at other points of the same loop."""
    agree([Eq(y[i, j], exp(A[i, j])), Eq(z[i, j], y[i, j] / y[i, i])], [y, z], {"A": numbers(9, 9)})
    agree([Eq(y[i, j], exp(A[i, j])), Eq(z[i, j], y[i, j] / y[j, j])], [y, z], {"A": numbers(9, 9)})


def test_a_product_under_a_condition_on_row_and_summed_index():
    """The condition differs from row to row of a tile."""
    term = Piecewise((A[i, k] * B[k, j], Eq(Mod(i + k, 2), 0)), (0, True))
    agree([Eq(y[i, j], Sum(term, k))], [y], {"A": numbers(9, 9), "B": numbers(9, 9, seed=1)})


def test_a_product_over_every_second_step():
    """Time and batch do not make one index where time jumps."""
    X, G, W = gc.Input("X", 2 * T, M, H), gc.Input("G", T, M, K), gc.Param("W", H, K)
    g, o = gc.Tensor("g", H, K), gc.Tensor("o", T, M, K)
    data = {"X": numbers(10, 4, 6), "G": numbers(5, 4, 7, seed=1)}
    wanted = np.einsum("tbi,tbj->ij", data["X"][::2], data["G"])
    agree([Eq(g[i, j], Sum(X[2 * t, m, i] * G[t, m, j], t, m))], [g], data, [wanted])
    layer = [Eq(o[t, m, j], Sum(X[2 * t, m, i] * W[i, j], i)), Eq(L, Sum((o[t, m, j] - G[t, m, j]) ** 2, t, m, j))]
    agree(layer, [L, D(L, W), D(L, X)], {**data, "W": numbers(6, 7, seed=2)})


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
