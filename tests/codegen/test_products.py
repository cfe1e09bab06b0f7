"""Sums of products that differ from each other in one detail: each has code of its own, and walks its own axes."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mod, Piecewise, Sum, relu
from tests.compiled import agree, numbers, whole

K, T, N, M, H = gc.sizes("K T N M H")
i, j, k, m, n, t = gc.indices("i j k m n t")
A, B, y, z, L = gc.Input("A", T, K), gc.Input("B", K, N), gc.Tensor("y", T, N), gc.Tensor("z", T, N), gc.Tensor("L")
AB = {"A": numbers(9, 5), "B": numbers(5, 17, seed=1)}


def test_of_reals_and_of_integers():
    C, E = gc.Input("C", T, K, dtype="int64"), gc.Input("E", K, N, dtype="int64")
    data = AB | {"C": whole(9, 5), "E": whole(5, 17)}
    agree([Eq(y[i, j], Sum(A[i, k] * B[k, j], k)), Eq(z[i, j], Sum(C[i, k] * E[k, j], k))], ["y", "z"], data)


def test_of_a_difference_and_its_negative():
    pair = Sum(relu(A[i, k] - B[k, j]), k), Sum(relu(B[k, j] - A[i, k]), k)
    agree([Eq(y[i, j], pair[0]), Eq(z[i, j], pair[1])], ["y", "z"], AB)


def test_with_other_constants():
    pair = Sum(relu(A[i, k] * B[k, j] - 2), k), Sum(relu(A[i, k] * B[k, j] - 1), k)
    agree([Eq(y[i, j], pair[0]), Eq(z[i, j], pair[1])], ["y", "z"], AB)


def test_over_every_second_index():
    agree([Eq(y[i, j], Sum(Piecewise((A[i, k] * B[k, j], Eq(Mod(k, 2), 0)), (0, True)), k))], ["y"], AB)


def test_of_operands_on_a_diagonal():
    P, Q, R = gc.Input("P", T, K, K), gc.Input("Q", K, K, N), gc.Input("R", K, K, K)
    data = {"P": numbers(7, 5, 5), "Q": numbers(5, 5, 17), "R": numbers(5, 5, 5)}
    agree([Eq(y[i, j], Sum(P[i, m, k] * Q[m, k, j] * R[m, k, k], m, k))], ["y"], data)


def test_over_two_indices_of_which_one_operand_has_one():
    P = gc.Input("P", T, M, K)
    agree([Eq(y[i, j], Sum(P[i, m, k] * B[k, j], m, k))], ["y"], {"P": numbers(9, 3, 5), "B": AB["B"]})


@pytest.mark.parametrize(("more", "less"), [(5, 3), (3, 3), (3, 4), (3, 5)])
def test_over_ranges_of_less_than_nothing(more, less):
    """The product of two negative lengths is positive."""
    H, G = gc.sizes("H G")
    u, v = (m, 0, H - G - 1), (n, 0, H - G - 1)
    for order in ((k, u, v), (u, v, k)):
        wanted = AB["A"] @ AB["B"] * max(0, more - less) ** 2
        agree([Eq(y[i, j], Sum(A[i, k] * B[k, j], *order))], ["y"], AB | {"H": more, "G": less}, [wanted])


def test_a_sum_over_all_but_the_first():
    A, B, r = gc.Input("A", T, N), gc.Input("B", T, N, M), gc.Tensor("r", M)
    a, b = numbers(6, 5), numbers(6, 5, 9)
    wanted = np.einsum("tj,tji->i", a[:, 1:], b[:, 1:])
    agree([Eq(r[i], Sum(A[t, j] * B[t, j, i], t, (j, 1, N - 1)))], [r], {"A": a, "B": b}, [wanted])


def test_a_product_over_every_second_step():
    """Time and batch do not make one index where time jumps."""
    X, G, W = gc.Input("X", 2 * T, M, H), gc.Input("G", T, M, K), gc.Param("W", H, K)
    g, o = gc.Tensor("g", H, K), gc.Tensor("o", T, M, K)
    data = {"X": numbers(10, 4, 6), "G": numbers(5, 4, 7, seed=1)}
    wanted = np.einsum("tbi,tbj->ij", data["X"][::2], data["G"])
    agree([Eq(g[i, j], Sum(X[2 * t, m, i] * G[t, m, j], t, m))], [g], data, [wanted])
    layer = [Eq(o[t, m, j], Sum(X[2 * t, m, i] * W[i, j], i)), Eq(L, Sum((o[t, m, j] - G[t, m, j]) ** 2, t, m, j))]
    agree(layer, [L, D(L, W), D(L, X)], {**data, "W": numbers(6, 7, seed=2)})


@pytest.mark.parametrize("count", [(3, 4, 5), (3, 2, 4), (1, 2, 7)])
def test_contractions_whose_axes_stand_in_other_orders(count):
    """Two summed indices are one only where each factor walks them by one stride."""
    p, q, r = count
    c, n = gc.indices("c n")
    C, J = gc.sizes("C J")
    P, Q, R = gc.Input("P", K, C, M, N), gc.Input("Q", M, C, N, J), gc.Tensor("R", K, J)
    data = {"P": numbers(9, p, q, r), "Q": numbers(q, p, r, 19, seed=1)}
    wanted = np.einsum("icmn,mcnj->ij", data["P"][..., : r - 1], data["Q"][:, :, : r - 1])
    agree([Eq(R[i, j], Sum(P[i, c, m, n] * Q[m, c, n, j], c, m, (n, 0, N - 2)))], [R], data, [wanted])
    F, E, G = gc.Input("F", K, C, M), gc.Input("E", K, M, C), gc.Input("G", C, M, J)
    three = {"F": numbers(9, p, q), "E": numbers(9, q, p, seed=1), "G": numbers(p, q, 19, seed=2)}
    wanted = np.einsum("icm,imc,cmj->ij", three["F"], three["E"], three["G"])
    agree([Eq(R[i, j], Sum(F[i, c, m] * E[i, m, c] * G[c, m, j], c, m))], [R], three, [wanted])
