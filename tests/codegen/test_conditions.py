"""One program for each condition of the code generator and the scheduler that no other test needed."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Mod, Ne, Piecewise, Prod, Sum, amax, amin, exp, log, tanh
from tests.compiled import agree, numbers

N, M, T, R, J, K = gc.sizes("N M T R J K")
i, j, k, m, t = gc.indices("i j k m t")
x, z, v, L = gc.Input("x", N), gc.Input("z", N), gc.Tensor("v", N), gc.Tensor("L")
A, B, y = gc.Input("A", R, K), gc.Input("B", K, J), gc.Tensor("y", R, J)


# -- contractions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_the_last_of_a_baked_number_of_rows(rows):
    data = {"A": numbers(rows, 5), "B": numbers(5, 11, seed=1)}
    agree([Eq(y[i, j], Sum(A[i, k] * B[k, j] * (k + 1), k))], [y], data, sizes={"R": rows})


def test_an_inner_sum_that_begins_at_the_outer_index():
    P, Q = gc.Input("P", R, K, M), gc.Input("Q", K, M, J)
    data = {"P": numbers(5, 3, 6), "Q": numbers(3, 6, 9, seed=1)}
    agree([Eq(y[i, j], Sum(P[i, k, m] * Q[k, m, j], k, (m, k, M - 1)))], [y], data)


def test_a_size_inside_the_terms():
    agree([Eq(y[i, j], Sum(tanh(A[i, k] * B[k, j] * J), k))], [y], {"A": numbers(5, 3), "B": numbers(3, 9, seed=1)})


def test_the_sum_the_largest_the_smallest_and_the_product_of_the_same():
    largest, smallest, product = gc.tensors("largest smallest product", R, J)
    p = A[i, k] * B[k, j]
    agree([Eq(y[i, j], Sum(p, k)), Eq(largest[i, j], amax(p, k)), Eq(smallest[i, j], amin(p, k)),
           Eq(product[i, j], Prod(p, k))], [y, largest, smallest, product],
          {"A": numbers(5, 3), "B": numbers(3, 9, seed=1)})  # fmt: skip


def test_each_largest_of_products_has_one_place():
    """Its gradient compares with what was rounded: the largest may not round otherwise."""
    C = gc.Input("C", K)
    system = gc.System(Eq(y[i, j], amax(A[i, k] * B[k, j] + C[k], k)), Eq(L, Sum(y)))
    data = {"A": numbers(7, 9), "B": numbers(9, 13, seed=1), "C": numbers(9, seed=2)}
    assert system.compile(D(L, C))(**data).sum() == 7 * 13


@pytest.mark.parametrize("first", [i, j, 0])
def test_terms_from_the_row_or_the_column_on(first):
    square, other = gc.Input("square", N, N), gc.Input("other", N, M)
    Y = gc.Tensor("Y", N, M)
    value = Sum(square[i, k] * other[k, j], (k, first, N - 1))
    agree([Eq(Y[i, j], value)], [Y], {"square": numbers(17, 17), "other": numbers(17, 17, seed=1)})


# -- nests ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [
    Piecewise((exp(x[i]), i >= 3), (0, True)), Piecewise((0, i < 3), (exp(x[i]), True)),
    Piecewise((exp(x[i]), i < N - 3), (0, True)), Piecewise((0, i < N - 3), (exp(x[i]), True)),
    Piecewise((exp(x[i]), Eq(Mod(i, 2), 1)), (tanh(x[i]), True)),
])  # fmt: skip
def test_parts_of_which_one_is_zero_or_strided(value):
    for count in (4, 9, 21):
        agree([Eq(v[i], value)], [v], {"x": numbers(count)})


def test_a_sum_that_needs_another_over_the_same_points():
    mean, spread = gc.tensors("mean spread")
    agree([Eq(mean, Sum(x[i], i)), Eq(spread, Sum((x[i] - mean) ** 2, i))], [mean, spread], {"x": numbers(21)})


def test_differences_of_logarithms():
    data = {"x": 2 + numbers(21) / 9, "z": 2 + numbers(21, seed=1) / 9}
    agree([Eq(L, Sum(log(x[i]) - log(z[i]), i))], [L], data, [np.log(data["x"] / data["z"]).sum()])


def test_zeros_to_the_last_word():
    for count in (1, 7, 8, 9, 63, 64, 65):
        run = gc.System(Eq(v[i], 0 * i)).compile(v)
        for _ in range(3):
            lost = np.full(count, np.nan)
            del lost
            assert not run(N=count).any()


def test_an_addend_far_beyond_the_end():
    """There is no such element, and none of its gradient."""
    system = gc.System(Eq(L, Sum(Piecewise((z[j] * x[10**9], j >= 10**9), (z[j], True)), j)))
    assert system.compile(D(L, x))(x=np.ones(3), z=np.ones(3)).tolist() == [0, 0, 0]


def test_plain_addends_that_meet():
    both = gc.Tensor("both", N + 2)
    X, Z = gc.Input("X", N + 2), gc.Input("Z", N + 2)
    data = {"X": numbers(5), "Z": numbers(5, seed=1)}
    wanted = 2 * np.append(data["Z"][:3], [0, 0]) + np.append(data["X"][:3], [0, 0])
    wanted += [2, 0, 0, 0, 0]
    wanted[1] += np.exp(data["Z"][1])
    equations = [Eq(L, Sum(X[i] * Z[i], (i, 0, N - 1)) + X[0] + exp(Z[1]))]
    agree([*equations, Eq(both[i], 2 * D(L, X)[i] + D(L, Z)[i])], [both], data, [wanted])


# -- loops ------------------------------------------------------------------------------------------------------------


def test_a_loop_that_one_of_two_states_leaves_early():
    X, a, b = gc.Input("X", T + 2), gc.Tensor("a", T), gc.Tensor("b", T + 2)
    late = tanh(b[t - 1]) + Piecewise((a[t - 1], t < T), (0, True))
    agree([Eq(a[-1], 1), Eq(b[-1], 1), Eq(a[t], b[t - 1] / 2 + X[t]), Eq(b[t], late)], [a, b], {"X": numbers(8)})


def test_wavefronts_of_three_axes_and_as_updates():
    X, q = gc.Input("X", R, J, K), gc.Tensor("q", R, J, K)
    cell = tanh(X[i, j, k] + q[i - 1, j, k] + q[i, j - 1, k] / 2)
    agree([Eq(q[i, j, k], cell), Eq(q[-1, j, k], 0), Eq(q[i, -1, k], 1)], [q], {"X": numbers(3, 4, 5)})

    flat, weights, p = gc.Input("flat", R, J), gc.Input("weights", R, J), gc.Tensor("p", R, J)
    cell = tanh(flat[i, j] * weights[i, j] + p[i - 1, j] + p[i, j - 1] / 2)
    system = gc.System(Eq(p[i, j], cell), Eq(p[-1, j], 0), Eq(p[i, -1], 1), Eq(L, Sum(flat * weights)))
    data = {"flat": numbers(3, 4), "weights": numbers(3, 4, seed=1)}
    wanted = system.evaluate(p, **data)
    system.compile(L, update={weights: p})(**data)
    np.testing.assert_allclose(data["weights"], wanted, rtol=1e-12)


# -- values -----------------------------------------------------------------------------------------------------------


def test_integers_divided_by_nothing_and_by_minus_one():
    a, n, whole = gc.Input("a", N, dtype="int64"), gc.Input("n", N, dtype="int64"), gc.Tensor("w", N, dtype="int64")
    equation = Eq(whole[i], sp.floor(a[i] / n[i]))
    agree([equation], [whole], {"a": np.arange(-9, 9), "n": np.arange(18) % 5 - 2})
    least = np.array([-(2**63), -(2**63), 7])
    agree([equation], [whole], {"a": least, "n": np.array([-1, 0, -1])})


def test_nan_is_unlike_all_and_has_no_side():
    data = {"x": np.array([1, np.nan, 2]), "z": np.array([1, 2, np.nan])}
    agree([Eq(v[i], Piecewise((1, Ne(x[i], z[i])), (0, True)))], [v], data, [[0, 1, 1]])
    agree([Eq(v[i], sp.Heaviside(x[i]))], [v], {"x": np.array([1, np.nan, -2, 0])}, [[1, np.nan, 0, 0.5]])


def test_a_power_of_minus_infinity():
    agree([Eq(v[i], x[i] ** sp.Rational(3, 2))], [v], {"x": np.array([1, -np.inf, 2, 0])}, [[1, np.inf, 2**1.5, 0]])


def test_literals_that_no_integer_is():
    with pytest.raises(gc.UnsupportedError):
        gc.System(Eq(v[i], x[i] + 2.0**70)).compile(v, dtype="int64")


def test_a_diagonal_of_zeros():
    y = gc.Tensor("y", N)
    A = gc.Tensor("A", N, N)
    equations = [Eq(A[i, j], x[i] - 2 * x[j]), Eq(A[i, i], 0)]
    agree(equations, [A], {"x": numbers(7)})
    agree([*equations, Eq(y[i], amax(A[i, j], j))], [A, y], {"x": numbers(7)})


@pytest.mark.parametrize("count", [1, 8, 21])
def test_zeros_at_every_second_place(count):
    """They clear no more than their places."""
    data = numbers(count)
    wanted = np.where(np.arange(count) % 2, np.exp(data), 0)
    agree([Eq(v[i], Piecewise((exp(x[i]), Eq(Mod(i, 2), 1)), (0, True)))], [v], {"x": data}, [wanted])
