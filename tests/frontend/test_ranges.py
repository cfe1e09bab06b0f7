"""Which values an index takes: the rounds of docs/language.md, worked by hand."""

import numpy as np
import pytest
from sympy import oo

import graphc as gc
from graphc import Eq, Max, Mean, Min, Prod, Sum, amax
from tests.compiled import both

N, M, K = gc.sizes("N M K")
i, j, k, m = gc.indices("i j k m")
v, w, A = gc.Input("v", N), gc.Input("w", K), gc.Input("A", N, M)
L, y = gc.Tensor("L"), gc.Tensor("y", N)
REAL, x = np.array([1.0, 2.5, -3.0]), gc.Input("x", N)


def domain(left, right):
    """The index set of the only term of this equation, as isl writes it."""
    term = gc.System(Eq(left, right)).ir.equations[-1].terms[0]
    return str(term.domain)


@pytest.mark.parametrize(
    "left, right, points",
    [
        (y[i], v[i], "[N] -> { [i] : 0 <= i < N }"),
        (y[N - 1 - i], v[i], "[N] -> { [i] : 0 <= i < N }"),
        (y[2 * i], 0, "[N] -> { [i] : i >= 0 and 2i < N }"),
        (y[i + 3], 0, "[N] -> { [i] : -3 <= i <= -4 + N }"),
        (y[gc.index("i", 5)], 0, "[N] -> { [i] : 0 <= i <= 4 and i < N }"),
        (L, Sum(v[i], i), "[N] -> { [i] : 0 <= i < N }"),
        (L, Sum(v[i], (i, 2, N - 2)), "[N] -> { [i] : 2 <= i <= -2 + N }"),
        (L, Sum(v[i] ** 2 / 2, (i, -oo, oo)), "[N] -> { [i] : 0 <= i < N }"),
        (L, Sum(v[i], (i, 2, oo)), "[N] -> { [i] : 2 <= i < N }"),
        (L, Mean(v[i], (i, -oo, 3)), "[N] -> { [i] : 0 <= i < N and i <= 3 }"),
        (y[i], Sum(v[j] * w[i - j], (j, -oo, oo)), "[N, K] -> { [i, j] : 0 <= i < N and 0 <= j <= i and j > i - K }"),
        (L, Sum(v[2 * i + 1], i), "[N] -> { [i] : i >= 0 and 2i <= -2 + N }"),
        (L, amax(v[2 * i + 1], i), "[N] -> { [i] : i >= 0 and 2i <= -2 + N }"),
        (L, Sum(A[i, j] * v[i - j], i, j), "[N, M] -> { [i, j] : 0 <= i < N and 0 <= j <= i and j < M }"),
        (y[i], Sum(v[j] * v[i - j], j), "[N] -> { [i, j] : 0 <= i < N and 0 <= j <= i }"),
        (y[i], amax(v[j], (j, 0, i)), "[N] -> { [i, j] : 0 <= i < N and 0 <= j <= i }"),
        (y[i], Sum(w[m] * v[i - 2 * m], m), "[K, N] -> { [i, m] : 0 <= i < N and m >= 0 and m < K and 2m <= i }"),
    ],
)
def test_index_sets(left, right, points):
    import islpy as isl

    assert isl.Set(domain(left, right)).is_equal(isl.Set(points))


def test_sizes_that_differ_by_a_constant_may_meet_under_a_sum():
    h = gc.Input("h", N + 1)
    assert domain(L, Sum(v[i] * h[i], i)) == "[N] -> { [i] : 0 <= i < N }"
    with pytest.raises(gc.ShapeError):
        gc.System(Eq(L, amax(v[i] * h[i], i)))


def test_an_index_may_be_bound_again():
    names = [index.name for index in gc.System(Eq(y[i], v[i] * Sum(v[i], i))).ir.equations[1].terms[0].domain.indices]
    assert names == ["i"]


@pytest.mark.parametrize("reduction", [Sum, Mean, amax, Prod])
def test_a_window_cut_off_at_the_border_as_its_error_says(reduction):
    window, x, y = (k, i - 2, i + 1), gc.Input("x", N), gc.Tensor("y", N)
    with pytest.raises(gc.DomainError) as caught:
        gc.System(Eq(y[i], reduction(x[k], window)))
    assert "(k, Max(0, i - 2), Min(i + 1, N - 1))" in str(caught.value)
    values = np.array([3.0, 1.0, 4.0, 1.5, 5.0])
    numpys = {Sum: np.sum, Mean: np.mean, amax: np.max, Prod: np.prod}[reduction]
    wanted = [numpys(values[max(0, p - 2) : p + 2]) for p in range(5)]
    cut = gc.System(Eq(y[i], reduction(x[k], (k, Max(0, i - 2), Min(i + 1, N - 1)))))
    assert np.allclose(cut.evaluate(y, x=values), wanted)


def test_quotients_of_indices_are_subscripts():
    found = both(Eq(y[i], Sum(x[i // (j + 1)], (j, 0, 2))), x=REAL)
    np.testing.assert_array_equal(found, [sum(REAL[p // (q + 1)] for q in range(3)) for p in range(3)])
