"""Sums, means and extremes that look alike: over other ranges, at other points, over nothing."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Mean, Min, Piecewise, Sum, amax, argmax, exp, tanh
from tests.compiled import agree, both, numbers

M, R, T, N = gc.sizes("M R T N")
j, t, m, n, i = gc.indices("j t m n i")
E, L, w, s, x = gc.Input("E", M), gc.Tensor("L"), gc.Input("w", R), gc.Tensor("s", T), gc.Input("x", T)
X, y, z, A = gc.Input("X", T, N), gc.Tensor("y", N), gc.Tensor("z", N), gc.Input("A", N, N)


@pytest.mark.parametrize("limits", [(0, Min(R, M) - 1), (Max(M - R, 0), M - 1), (0, Min(R, M, 2) - 1)])
def test_a_mean_over_a_clamped_range(limits):
    """Its length is not affine: a ValueError of Python's."""
    agree([Eq(L, Mean(E[j], (j, *limits)) + Sum(w[j], j))], [L], {"E": numbers(3), "w": numbers(2)})


def test_a_mean_over_a_range_that_grows_to_a_limit():
    agree([Eq(s[t], Mean(x[j], (j, 0, Min(t, T - 2))) + Piecewise((x[t], t > 0), (0, True)))], [s], {"x": numbers(5)})


def test_sums_over_other_ranges_are_other_sums():
    data, v = numbers(5), gc.Input("v", gc.sizes("N", min=3))
    wanted = np.exp(data[:2].sum()) + np.exp(data[:3].sum())
    agree([Eq(L, exp(Sum(v[j], (j, 0, 1))) + exp(Sum(v[j], (j, 0, 2))))], ["L"], {"v": data}, [wanted])


def test_the_largest_of_negatives_of_the_largest():
    data = numbers(5, 4)
    agree([Eq(L, amax(-amax(X[n, m], m), n))], ["L"], {"X": data}, [(-data.max(1)).max()])


def test_a_sum_needed_at_more_points_than_before_is_computed_there_too():
    G, u = gc.Input("G", N, N), gc.Tensor("u", N)
    value = Piecewise((exp(Sum(G[n, j], j)), n < 2), (tanh(Sum(G[n, j], j)), True))
    agree([Eq(u[n], value)], ["u"], {"G": numbers(5, 5)})


def test_the_mean_over_a_triangle_counts_its_points():
    G, data = gc.Input("G", N, N), numbers(5, 5)
    agree([Eq(L, gc.Mean(G[n, m], (m, 0, n), (n, 0, N - 1)))], ["L"], {"G": data}, [data[np.tril_indices(5)].mean()])


def test_one_sum_that_begins_at_two_places():
    A = gc.Input("A", N, M)
    whole = exp(Sum(A[i, j], j))
    a = numbers(5, 3)
    e = np.exp(a.sum(1))
    agree([Eq(y[i], whole), Eq(z[i - 1], Piecewise((whole, i < N), (0, True)))], [y, z], {"A": a}, [e, [*e[1:], 0]])


def test_the_mean_of_nothing_is_nan_however_empty():
    x = gc.Input("x", N)
    found = both(Eq(y[i], gc.Mean(x[j], (j, 0, i - 3))), x=np.arange(6.0))
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 0, 0.5, 1])
    nothing = both(Eq(L, gc.Mean(A[i, j], (i, 2, N - 1), (j, 2, N - 1))), A=np.ones((1, 1)))
    assert np.isnan(nothing)


def test_a_flat_position_among_dependent_ranges_is_refused():
    with pytest.raises(gc.UnsupportedError, match="no flat position: its ranges depend on each other"):
        gc.System(Eq(L, argmax(A[i, j], (i, 0, N - 1), (j, 0, i))))
