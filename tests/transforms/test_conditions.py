"""One program for each condition of a transform that no other test needed: errors planted there had not been found."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, exp, log
from tests.compiled import agree, numbers

M, N = gc.sizes("M N")
m, n, i, j = gc.indices("m n i j")
L, x = gc.Tensor("L"), gc.Input("x", N)
p = gc.Input("p", M, dtype="int64")


def test_scatters_at_computed_places():
    """The place is the tensor's own value: it must not be replaced by what it was computed from, nor left behind."""
    q, r, w = gc.Tensor("q", M, dtype="int64"), gc.Tensor("r", M, dtype="int64"), gc.Input("w", N)
    given, places = np.array([0, 3, 3, 1]), np.array([1, 7, 7, 3])
    slope = np.zeros(9)
    np.add.at(slope, places, places)
    agree([Eq(q[m], 2 * p[m] + 1), Eq(L, Sum(x[q[m]] * q[m], m))], [D(L, x)], {"x": numbers(9), "p": given}, [slope])
    data, places = {"x": numbers(9), "w": numbers(9, seed=1), "p": given}, np.maximum(given, 2) * 2
    first, second = np.zeros(9), np.zeros(9)
    np.add.at(first, places, 2 * data["x"][places])
    np.add.at(second, places, 3 * data["w"][places] ** 2)
    place = gc.Max(p[m], 2) * 2
    loss = Eq(L, Sum(x[q[m]] ** 2 + w[r[m]] ** 3, m))
    agree([Eq(q[m], place), Eq(r[m], place), loss], [D(L, x), D(L, w)], data, [first, second])


@pytest.mark.parametrize("first", [0, 4])
def test_the_logarithm_of_what_is_an_exponential_almost_everywhere(first):
    q, o = gc.Tensor("q", N), gc.Tensor("o", N)
    agree([Eq(q[n], exp(x[n])), Eq(q[first], 2), Eq(o[n], log(q[n]))], ["q", "o"], {"x": numbers(5)})


def test_an_exponential_and_that_of_the_transpose():
    G, u, v = gc.Input("G", N, N), gc.Tensor("u", N, N), gc.Tensor("v", N, N)
    agree([Eq(u[i, j], exp(2 * G[j, i])), Eq(v[i, j], exp(2 * G[i, j]) + 1)], ["u", "v"], {"G": numbers(5, 5)})


def test_both_triangles_of_one_matrix():
    """Two contributions to one adjoint, one of them transposed."""
    A, B, C = gc.Param("A", N, N), gc.Input("B", N, N), gc.Input("C", N, N)
    data = {"A": numbers(4, 4), "B": numbers(4, 4, seed=1), "C": numbers(4, 4, seed=2)}
    total = Sum(A[i, j] * B[i, j], i, (j, 0, i)) + Sum(A[j, i] * C[i, j], i, (j, 0, i))
    agree([Eq(L, total)], [D(L, A)], data, [np.tril(data["B"]) + np.tril(data["C"]).T])


def test_a_logarithm_of_what_has_two_definitions():
    a, b, p = gc.Param("a", N), gc.Param("b", N), gc.Tensor("p", N)
    equations = [Eq(p[i], Piecewise((exp(a[i]), i < 3), (b[i] ** 2, True))), Eq(L, Sum(log(p[i]), i))]
    A, B = np.linspace(-1, 1, 6), np.linspace(1, 2, 6)
    wanted = [A[:3].sum() + np.log(B[3:] ** 2).sum(), [1, 1, 1, 0, 0, 0], [0, 0, 0, *2 / B[3:]]]
    agree(equations, [L, D(L, a), D(L, b)], {"a": A, "b": B}, wanted)
