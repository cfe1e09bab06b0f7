"""One program for each condition of the front end and the transforms that no other test needed, against NumPy: the
interpreter reads the same equations."""

import numpy as np
import pytest
import sympy as sp
from sympy.codegen.cfunctions import log10

import graphc as gc
from graphc import D, Eq, Mean, Min, Piecewise, Prod, Sum, amax, exp, log, sin, softmax
from tests.compiled import agree, numbers

N, M, T, K = gc.sizes("N M T K")
i, j, k, m, t = gc.indices("i j k m t")
x, a, b, L = gc.Input("x", N), gc.Input("a", N), gc.Input("b", N), gc.Tensor("L")
A, y = gc.Input("A", N, N), gc.Tensor("y", N)
n, w = gc.Input("n", N, dtype="int64"), gc.Tensor("w", N, dtype="int64")
v = gc.Tensor("v", N)


def is_(equations, output, wanted, **arguments):
    system = gc.System(*equations)
    for found in (system.evaluate(output, **arguments), system.compile(output)(**arguments)):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


# -- reductions -------------------------------------------------------------------------------------------------------


def test_a_softmax_longer_than_what_is_kept_of_it():
    short, data = gc.Tensor("short", N - 1), numbers(5)
    is_([Eq(short[k], softmax(x[k], k))], short, (np.exp(data) / np.exp(data).sum())[:4], x=data)


def test_sums_inside_the_signal_of_a_convolution():
    """Its indices are renamed, and so are those in the ends of the sum's range."""
    rows, flat, g, kernel = gc.Input("rows", T, N), gc.Input("flat", N), gc.Input("g", T), gc.Input("kernel", K)
    out, data = gc.Tensor("out", T, N + K - 1), {"g": numbers(3), "kernel": numbers(2, seed=1)}
    some, one = numbers(3, 4, seed=2), numbers(4, seed=3)
    until = np.cumsum(data["g"])
    wanted = [np.convolve(np.exp(some[s]) * until[s], data["kernel"]) for s in range(3)]
    is_([Eq(out[t], gc.conv(exp(rows[t]) * Sum(g[j], (j, 0, t)), kernel))], out, wanted, rows=some, **data)
    wanted = [np.convolve(np.exp(one) * until[s], data["kernel"]) for s in range(3)]
    is_([Eq(out[t], gc.conv(exp(flat) * Sum(g[j], (j, 0, t)), kernel))], out, wanted, flat=one, **data)


def test_factors_of_different_lengths_that_are_numbers():
    three, five = gc.Input("three", 3), gc.Input("five", 5)
    with pytest.raises(gc.ShapeError):
        gc.System(Eq(L, Sum(three[i] * five[i], i)))


def test_what_stands_outside_is_read_through_a_sum():
    edge, data = gc.Input("edge", N, outside="edge"), numbers(4)
    is_([Eq(y[i], Sum(edge[i - m], m))], y, np.full(4, data.sum()), edge=data)


def test_a_start_value_given_for_some_elements_only():
    X, W, s = gc.Input("X", T, N), gc.Input("W", N, N), gc.Tensor("s", T, N)
    step = Eq(s[t, i], X[t, i] + Sum(W[i, j] * s[t - 2, j], j))
    with pytest.raises(gc.DomainError):
        gc.System(step, Eq(s[-1, i], Piecewise((1, i > 0))))


def test_means_do_not_vanish_outside():
    with pytest.raises(gc.DomainError):
        gc.System(Eq(y[i], Mean(x[i + m], (m, 0, 2))))


def test_divisors_do_not_vanish_outside():
    with pytest.raises(gc.DomainError):
        gc.System(Eq(y[i], Sum(gc.Param("kernel", K)[m] / x[i - m], m)))


def test_the_largest_of_negative_numbers_and_a_zero():
    is_([Eq(L, amax(Piecewise((x[i], i > 0), (0, True)), i))], L, 0, x=-np.arange(1.0, 5))


def test_sums_of_rows_and_of_columns_are_two():
    data = numbers(3, 3)
    row, column = (log(Sum(exp(Sum(A[p, q], j)), i)) for p, q in ((i, j), (j, i)))
    wanted = np.log(np.exp(data.sum(1)).sum()) * np.sin(np.log(np.exp(data.sum(0)).sum()))
    is_([Eq(L, row * sin(column))], L, wanted, A=data)


def test_a_sum_and_a_product_of_the_same_are_two():
    data = numbers(4)
    wanted = np.exp(data.sum()) * np.sin(data.prod())
    is_([Eq(L, exp(Sum(x[i], i)) * sin(Prod(x[i], i)))], L, wanted, x=data)


# -- index sets -------------------------------------------------------------------------------------------------------


def test_zero_outside_along_each_axis():
    X, out = gc.Input("X", N, M, outside=0), gc.Tensor("out", K)
    p, q = gc.Input("p", K, dtype="int64"), gc.Input("q", K, dtype="int64")
    data, P, Q = numbers(3, 4), np.array([0, -1, 5, 1, 2, -2]), np.array([0, 1, 2, -1, 9, -3])
    wanted = [data[r, s] if 0 <= r < 3 and 0 <= s < 4 else 0 for r, s in zip(P, Q, strict=True)]
    is_([Eq(out[k], X[p[k], q[k]])], out, wanted, X=data, p=P, q=Q)


def test_a_particular_element_beyond_short_series():
    with pytest.raises(gc.DomainError):
        gc.System(Eq(y[1], x[5]), Eq(y[i], x[i]))


def test_left_sides_that_are_sums_of_indices():
    Y, z, data = gc.Tensor("Y", N, M), gc.Input("z", M), numbers(3)
    wanted = data * (np.arange(4)[:, None] - np.arange(3) + 1)
    is_([Eq(Y[i + j, j], z[j] * (i + 1))], Y, wanted, z=data, N=4)


def test_a_lag_that_stops_at_the_far_end():
    s, data = gc.Tensor("s", T), numbers(9)
    wanted = np.empty(9)
    wanted[8] = 1
    for step in range(7, -1, -1):
        wanted[step] = data[step] + wanted[min(step + 3, 8)] / 2
    X = gc.Input("X", T)
    is_([Eq(s[T - 1], 1), Eq(s[t], X[t] + s[Min(t + 3, T - 1)] / 2)], s, wanted, X=data)


def test_conditions_of_index_or_value():
    data = numbers(12)
    value = Piecewise((1, (i < 3) | (x[i] > 0)), (0, True))
    is_([Eq(y[i], value)], y, (np.arange(12) < 3) | (data > 0), x=data)


def test_a_size_in_values_alone_and_sizes_of_nothing():
    is_([Eq(y[i], K * x[i])], y, [3, 3], x=np.ones(2), K=3)
    is_([Eq(L, Piecewise((Sum(x) / N, N > 0), (7, True)))], L, 7, x=np.ones(0))


def test_no_indices_from_data():
    picked, X = gc.Input("picked", N, dtype="int64"), gc.Input("X", M)
    is_([Eq(L, Sum(X[picked[i]], i))], L, 0, X=np.ones(3), picked=[])


# -- integers ---------------------------------------------------------------------------------------------------------


def test_products_beyond_64_bits_inside_choices():
    count = 60_000
    P, wanted = N * (N + 1) * (N + 2) * (N + 3), 1.0 * count * (count + 1) * (count + 2) * (count + 3)
    is_([Eq(y[i], x[i] * gc.Max(P, i))], y, np.full(count, wanted), x=np.ones(count))
    is_([Eq(y[i], x[i] * Piecewise((P, x[i] > 0), (i, True)))], y, np.full(count, wanted), x=np.ones(count))


def test_quotients_of_integers_rounded_up():
    p, q = gc.Input("p", N, dtype="int64"), gc.Input("q", N, dtype="int64")
    P, Q = np.array([7, -7, 6, 5, 0]), np.array([2, 2, 3, -3, 4])
    is_([Eq(w[i], sp.ceiling(p[i] / q[i]))], w, np.ceil(P / Q), p=P, q=Q)


def test_real_numbers_among_integers():
    is_([Eq(y[i], n[i] + 2.0**70)], y, np.full(3, 2.0**70), n=np.arange(3))
    is_([Eq(L, Mean(n[i], i))], L, 1.5, n=np.arange(4))
    is_([Eq(L, sp.floor(n @ x))], L, 1, n=np.array([1, 2]), x=np.array([0.3, 0.4]))


@pytest.mark.parametrize("value", [Piecewise((sp.floor(x[i]), x[i] > 0), (x[i], True)), sp.floor(x[i]) * x[i]])
def test_integers_are_not_made_of_what_is_whole_in_part(value):
    with pytest.raises(gc.DefinitionError):
        gc.System(Eq(w[i], value))


# -- transforms -------------------------------------------------------------------------------------------------------


def test_a_loss_that_is_called_as_a_gradient_would_be():
    weights, loss, g = gc.Param("W", N), gc.Tensor("loss"), gc.Tensor("g", N)
    system = [Eq(loss, Sum(x)), Eq(g, D(Sum(x * weights) ** 2, weights))]
    is_(system, g, [22, 44], x=np.array([1.0, 2]), W=np.array([3.0, 4]))


def test_a_tensor_with_a_start_value_is_no_part_of_another():
    z, data = gc.Tensor("z", N), numbers(5)
    system = gc.System(Eq(y[i], exp(x[i])), Eq(y[0], 5), Eq(z[i], 1 / (1 + exp(x[i]))))
    found = system.compile(y, z)(x=data)
    np.testing.assert_allclose(found[0], np.append(5, np.exp(data[1:])), rtol=1e-12)
    np.testing.assert_allclose(found[1], 1 / (1 + np.exp(data)), rtol=1e-12)


def test_parts_of_a_sum_are_no_parts_of_others():
    data = numbers(5)
    equations = [Eq(y[i], 1 / (1 + exp(x[i]))), Eq(L, Sum(exp(x[i]), (i, 1, N - 1)))]
    system = gc.System(*equations)
    found = system.compile(y, D(L, x))(x=data)
    np.testing.assert_allclose(found[0], 1 / (1 + np.exp(data)), rtol=1e-12)
    np.testing.assert_allclose(found[1], np.append(0, np.exp(data[1:])), rtol=1e-12)


def test_slopes_at_every_second_element():
    long, p, q = gc.Input("long", 2 * N), *numbers(2, 3)
    value = Sum(long[2 * i] * a[i] * long[2 * i + 1] * b[i], i)
    is_([Eq(L, value)], D(L, long), np.repeat(p * q, 2), long=np.ones(6), a=p, b=q)


def test_a_transposed_convolution_with_stride():
    kernel, up = gc.Input("kernel", 4), gc.Tensor("up", 2 * N + 2)
    data, K4 = numbers(5), numbers(4, seed=1)
    spread = np.zeros(9)
    spread[::2] = data
    is_([Eq(up[i], Sum(x[j] * kernel[i - 2 * j], j))], up, np.convolve(spread, K4), x=data, kernel=K4)


def test_elements_outside_are_not_in_shared_parts():
    """a + b is needed at different elements by a sum over all of them and by one that leaves the first away."""
    X, Y, z, p, q = gc.Input("X", T), gc.Input("Y", T), gc.Input("z"), *gc.tensors("p q", T)
    total = Sum((p[t] + q[t]) ** 2, t) + Sum(exp(p[t] + q[t]), (t, 1, T - 1))
    system = gc.System(Eq(p[t], X[t] ** 2), Eq(q[t], Y[t] ** 3), Eq(q[-1], z), Eq(L, total))
    one, other = numbers(2, 5)
    found = system.compile(*(D(L, v) for v in (X, Y, z, p, q)))(X=one, Y=other, z=2.0)
    slope = 2 * (one**2 + other**3) + np.append(0, np.exp(one[1:] ** 2 + other[1:] ** 3))
    for got, wanted in zip(found, (slope * 2 * one, slope * 3 * other**2, 0, slope, slope), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-10)


def test_what_resembles_a_stable_form():
    """log(1 + exp(x)), 1 - sigmoid(x), log(1 - sigmoid(x)) and log(1 - x) have forms of their own, these have not."""
    data = np.linspace(0.1, 0.9, 7)
    share, sigmoid = gc.Tensor("share", N), 1 / (1 + np.exp(-data))
    is_([Eq(y[i], log(exp(x[i]) + 2))], y, np.log(np.exp(data) + 2), x=data)
    is_([Eq(y[i], 2 - gc.sigmoid(x[i]))], y, 2 - sigmoid, x=data)
    is_([Eq(share[i], gc.sigmoid(x[i])), Eq(y[i], log(2 - share[i]))], y, np.log(2 - sigmoid), x=data)
    is_([Eq(y[i], log(3 - x[i]))], y, np.log(3 - data), x=data)


def test_equations_for_other_elements_are_not_the_same():
    assert not gc.equivalent(Eq(y[i], 0), Eq(y[i], Piecewise((0, i > 2))))


@pytest.mark.parametrize("late", ["x[1] + s[0]", "s[0] * x[1]", "x[1] + x[0]", "s[0] + sin(x[1])"])
@pytest.mark.parametrize("count", [1, 4])
def test_a_second_start_value_that_short_series_do_not_have(late, count):
    s, X, one = gc.Tensor("s", T), gc.Input("X", T), gc.Input("one")
    start = Eq(s[1], eval(late, {"x": X, "s": s, "sin": sin}))
    rest = Eq(s[t], s[t - 1] + s[t - 2] + X[t] + one)
    agree([Eq(s[0], X[0]), start, rest], [s], {"X": numbers(count), "one": 1.0})


def test_decimal_logarithms():
    agree([Eq(v[i], log10(x[i]))], [v], {"x": np.array([1.0, 10, 1000])}, [[0, 1, 3]])


def test_a_condition_chosen_by_a_condition():
    w = gc.Input("w", N)
    data = {"x": numbers(40), "w": numbers(40, seed=1), "u": numbers(40, seed=2)}
    u = gc.Input("u", N)
    wanted = np.where(data["x"] > 0, data["w"] > 0, data["u"] > 0)
    agree([Eq(v[i], Piecewise((1, sp.ITE(x[i] > 0, w[i] > 0, u[i] > 0)), (0, True)))], [v], data, [wanted])
