"""One program for each condition of a rewrite that no other test needed: errors planted there had not been found."""

import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import log10

import graphc as gc
from graphc import D, Eq, Mod, Piecewise, Prod, Sum, amax, exp, floor, log, sin, tanh
from tests.regressions.compiled import agree, numbers
from tests.regressions.differences import slopes

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


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_row_written_apart_and_read_last(count):
    """With one row the last one is the first: only for two and more are they apart."""
    row, rows, u, last = gc.Input("row", H), gc.Input("rows", N, H), gc.Tensor("u", N, H), gc.Tensor("last", N, H)
    agree([
        Eq(u[k, i], exp(rows[k, i])), Eq(u[0, i], exp(row[i])), Eq(last[k, i], rows[k, i]),
        Eq(last[0, i], u[N - 1, H - 1 - i] * 2),
    ], [u, last], {"row": numbers(40), "rows": numbers(count, 40, seed=1)})  # fmt: skip


def test_the_largest_logarithm_and_their_product():
    """Logarithms are taken together where they are added."""
    data = 2 + numbers(21) / 9
    agree([Eq(L, amax(log(x[k]), k))], [L], {"x": data}, [np.log(data).max()])
    agree([Eq(L, Prod(log(x[k]), k))], [L], {"x": data}, [np.log(data).prod()])


@pytest.mark.parametrize("count", [1, 8, 21])
def test_zeros_at_every_second_place(count):
    """They clear no more than their places."""
    data = numbers(count)
    wanted = np.where(np.arange(count) % 2, np.exp(data), 0)
    agree([Eq(v[i], Piecewise((exp(x[i]), Eq(Mod(i, 2), 1)), (0, True)))], [v], {"x": data}, [wanted])


def test_neighbours_by_data_in_a_recurrence_that_runs_backwards():
    q, X, up = gc.Tensor("q", T, N), gc.Input("X", T, N), gc.Input("up", N, dtype="int64")
    equation = Eq(q[t, i], X[t, i] + q[t + 1, up[i]] / 2 + q[t, i - 1] / 3)
    agree([equation, Eq(q[T, i], 1), Eq(q[t, -1], 0)], [q], {"X": numbers(4, 5), "up": [4, 0, 3, 1, 2]})


def test_data_that_point_ahead_in_a_wavefront():
    """Elements across both axes: each step of one needs the other's, wherever the data say."""
    q, X, up = gc.Tensor("q", N, T), gc.Input("X", N, T), gc.Input("up", N, dtype="int64")
    equation = Eq(q[i, j], tanh(X[i, j] + q[up[i], j - 1] + q[i - 1, j]))
    agree([equation, Eq(q[i, -1], 1), Eq(q[-1, j], 0)], [q], {"X": numbers(6, 5), "up": [5, 3, 4, 2, 1, 0]})


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


def test_the_slope_of_products_over_more_and_more():
    """The first of them has no factor and is 1."""
    data = numbers(6)
    system = gc.System(Eq(v[i], Prod(x[j], (j, 0, i - 1))), Eq(L, Sum(v[i] * x[i], i)))

    def value(x):
        return sum(np.prod(x[:n]) * x[n] for n in range(len(x)))

    np.testing.assert_allclose(system.compile(L)(x=data), value(data), rtol=1e-12)
    np.testing.assert_allclose(system.compile(D(L, x))(x=data), slopes(value, data), rtol=1e-8, atol=1e-9)


def test_a_part_that_two_need_where_one_of_them_is_not_defined():
    """exp(r[i]) for N elements serves no N + 40."""
    r, a, b = gc.Input("r", N + 40), gc.Tensor("a", N), gc.Tensor("b", N + 40)
    agree([Eq(a[i], exp(r[i])), Eq(b[i], 1 / (1 + exp(r[i])))], [a, b], {"r": numbers(47)})


@pytest.mark.parametrize("late", ["x[1] + s[0]", "s[0] * x[1]", "x[1] + x[0]", "s[0] + sin(x[1])"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_second_start_value_that_short_series_do_not_have(late, count):
    s, X, one = gc.Tensor("s", T), gc.Input("X", T), gc.Input("one")
    start = Eq(s[1], eval(late, {"x": X, "s": s, "sin": sin}))
    rest = Eq(s[t], s[t - 1] + s[t - 2] + X[t] + one)
    agree([Eq(s[0], X[0]), start, rest], [s], {"X": numbers(count), "one": 1.0})


def test_a_lag_from_a_size_is_refused_where_it_is_none():
    s, X = gc.Tensor("s", T), gc.Input("X", T)
    run = gc.System(Eq(s[t], X[t] + Piecewise((s[t - K], t >= K), (0, True)))).compile(s)
    np.testing.assert_allclose(run(X=np.ones(4), K=2), [1, 1, 2, 2])
    with pytest.raises(gc.CausalityError):
        run(X=np.ones(4), K=0)


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_products_of_sizes_are_compared_with_real_numbers_as_such():
    """60000**4 is beyond 64 bits."""
    agree([Eq(v[i], Piecewise((1, x[i] < N * (N + 1) * (N + 2) * (N + 3)), (0, True)))], [v],
          {"x": np.full(60_000, 5.0)}, [np.ones(60_000)])  # fmt: skip


def test_a_sum_of_large_multiples_of_an_index():
    count = 2**23 + 100
    found = gc.System(Eq(L, Sum(2**40 * i, (i, 0, N - 1)))).compile(L)(N=count)
    assert abs(float(found) / (2.0**40 * (count * (count - 1) // 2)) - 1) < 1e-12


def test_a_sum_of_two_exponentials_of_which_one_is_nan():
    one, other = np.array([1, np.nan, 2, np.inf, -np.inf, 3]), np.array([np.nan, 1, 2, np.inf, -np.inf, 4])
    with np.errstate(all="ignore"):
        wanted = np.log(np.exp(one) + np.exp(other))
    agree([Eq(v[i], log(exp(x[i]) + exp(w[i])))], [v], {"x": one, "w": other}, [wanted])


def test_decimal_logarithms():
    agree([Eq(v[i], log10(x[i]))], [v], {"x": np.array([1.0, 10, 1000])}, [[0, 1, 3]])


def test_a_condition_chosen_by_a_condition():
    data = {"x": numbers(40), "w": numbers(40, seed=1), "u": numbers(40, seed=2)}
    u = gc.Input("u", N)
    wanted = np.where(data["x"] > 0, data["w"] > 0, data["u"] > 0)
    agree([Eq(v[i], Piecewise((1, sp.ITE(x[i] > 0, w[i] > 0, u[i] > 0)), (0, True)))], [v], data, [wanted])


def test_the_slope_of_a_loss_along_itself():
    assert gc.System(Eq(L, Sum(x**2))).compile(D(L, L))(x=np.ones(3)) == 1


def test_tangents_of_what_is_computed():
    """A tangent given for a computed tensor replaces what would follow from its equation."""
    along, other = gc.inputs("along other", N)
    system = gc.jvp(gc.System(Eq(v[i], x[i] ** 2), Eq(L, Sum(v**3))), L, {v: along, x: other})
    data, way = numbers(4), numbers(4, seed=1)
    np.testing.assert_allclose(system.compile("L_dot")(x=data, along=way), (3 * data**4 * way).sum(), rtol=1e-12)


# -- calls ------------------------------------------------------------------------------------------------------------


def test_sizes_that_stand_in_shapes_with_a_factor():
    long = gc.Input("long", T + 2 * K)
    few, s = gc.Input("few", K), gc.Tensor("s", T)
    data = {"few": numbers(3), "long": numbers(11, seed=1)}
    agree([Eq(s[t], long[t] * Sum(few))], [s], data, [data["long"][:5] * data["few"].sum()])


@pytest.mark.parametrize("wrong", [-1e300, 1e300, 2.0**63, -(2.0**63) * 1.001, np.nan])
def test_numbers_that_no_integer_of_64_bits_is(wrong):
    run = gc.System(Eq(v[i], 2 * x[i])).compile(v, dtype="int64")
    assert run(x=[1.0, -(2.0**61)]).tolist() == [2, -(2**62)]
    with pytest.raises(gc.ArgumentError):
        run(x=[1.0, wrong])


def test_left_sides_that_are_no_place():
    with pytest.raises(gc.DefinitionError):
        gc.System(Eq(v[sp.floor(i / 2)], x[0] + i))


def test_a_direction_of_integers():
    with pytest.raises(gc.ShapeError):
        gc.jvp(gc.System(Eq(L, Sum(x**2))), L, {x: gc.Input("way", N, dtype="int64")})
