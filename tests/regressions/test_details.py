"""One condition each, somewhere in the compiler, that no other program needs: found by taking it out.

Products that differ in one detail only, tails, buffers of integers beside floats of 32 bits, values that are both kept
and updated, elements with values of their own in the middle of recurrences, sums that lowering must keep apart. What
the interpreter shares with the compiler is held against NumPy.
"""

from itertools import pairwise

import numpy as np
import pytest

import graphc as gc
from graphc import And, D, Eq, Mod, Not, Piecewise, Sum, amax, exp, floor, log, relu, sin, tanh
from tests.regressions.compiled import agree, numbers, whole

T, N, K, M = gc.sizes("T N K M")
t, i, j, k, m, n = gc.indices("t i j k m n")
A, B, x, L = gc.Input("A", T, K), gc.Input("B", K, N), gc.Input("x", N), gc.Tensor("L")
y, z = gc.Tensor("y", T, N), gc.Tensor("z", T, N)
p = gc.Input("p", M, dtype="int64")

# -- products of one shape -------------------------------------------------------------------------------------------

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


# -- tails and strides -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", range(8))
def test_sums_over_all_lengths_baked_in(rest):
    for length in range(1 + rest, 100, 8):
        agree([Eq(L, Sum(x[n] * x[n], n))], ["L"], {"x": numbers(length)}, sizes={"N": length})


def test_sums_over_every_third_element():
    agree([Eq(L, Sum(Piecewise((x[n], Eq(Mod(n, 3), 1)), (0, True)), n))], ["L"], {"x": numbers(19)})


@pytest.mark.parametrize("large", [1.5e308, 1.1e-308])
def test_sums_of_logarithms_of_the_largest_and_the_smallest(large):
    data = np.random.default_rng(0).uniform(0.5, 1.1, 80) * large
    agree([Eq(L, Sum(log(x[n]), n))], ["L"], {"x": data}, [np.log(data).sum()])


# -- integers --------------------------------------------------------------------------------------------------------


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


BEYOND = {
    "data": (Mod(p[m], 7), {"p": np.full(9, 6)}),
    "a size": (Mod(m, K), {"K": 9, "M": 9}),
    "11": (Mod(m * m, 11), {"M": 9}),
}


@pytest.mark.parametrize("which", BEYOND)
def test_remainders_that_leave_the_axis_are_refused(which):
    """Mod(.., n) stays inside an axis of n elements, not inside any other."""
    o, (subscript, data) = gc.Tensor("o", M), BEYOND[which]
    for output in ("o", D(L, x)):
        run = gc.System(Eq(o[m], x[subscript]), Eq(L, Sum(o[m] ** 2, m))).compile(output)
        with pytest.raises(gc.ArgumentError, match="outside axis 0 of x"):
            run(x=np.arange(5.0), **data)


def test_a_data_index_just_outside_is_zero_where_the_rule_says_so():
    u, o = gc.Input("u", N, outside="zero"), gc.Tensor("o", M)
    data = {"u": np.arange(1.0, 6), "p": np.array([-1, 0, 4, 5, 6])}
    agree([Eq(o[m], u[p[m]])], ["o"], data, [np.array([0.0, 1, 5, 0, 0])])


# -- memory ----------------------------------------------------------------------------------------------------------

X, U, V = gc.Input("X", T, N), gc.Input("U", N, N), gc.Input("V", N, N)
a, b, s, r = gc.Tensor("a", T, N), gc.Tensor("b", T, N), gc.Tensor("s", T, N), gc.Tensor("r", T)
g, h, c = gc.Input("g", T), gc.Input("h", T), gc.Tensor("c", T)


def test_a_recurrent_state_that_updates_an_argument_keeps_all_steps():
    system = gc.System(Eq(r[t], tanh(r[t - 1] + g[t] * h[t])), Eq(r[-1], 0), Eq(L, r[T - 1]))
    moved, given = np.ones(9), numbers(9)
    wanted = system.evaluate("r", g=given, h=moved)
    system.compile("L", update={h: r})(g=given, h=moved)
    np.testing.assert_allclose(moved, wanted, rtol=1e-12)


def test_what_is_computed_in_blocks_may_update_an_argument():
    recurrence = [Eq(s[t, i], tanh(s[t - 1, i] + a[t, i])), Eq(s[-1, i], 0), Eq(L, Sum(s[T - 1, i], i))]
    system = gc.System(Eq(a[t, i], Sum(U[i, k] * X[t, k], (k, 0, N - 1))), *recurrence)
    moved, weights = numbers(130, 5), numbers(5, 5)
    wanted = system.evaluate("a", X=moved, U=weights)
    system.compile("L", update={X: a})(X=moved, U=weights)
    np.testing.assert_allclose(moved, wanted, rtol=1e-10)


@pytest.mark.parametrize("other", [Piecewise((a[t - 1, k], t > 0), (0, True)), a[T - 1 - t, k]])
def test_blocks_hold_only_what_their_own_step_reads(other):
    equations = [
        Eq(a[t, i], Sum(U[i, k] * X[t, k], (k, 0, N - 1))), Eq(b[t, i], Sum(V[i, k] * other, (k, 0, N - 1))),
        Eq(s[t, i], tanh(s[t - 1, i] / 2 + a[t, i] * b[t, i])), Eq(s[-1, i], 0),
    ]  # fmt: skip
    for steps in (3, 64, 65, 130):
        agree(equations, ["s"], {"X": numbers(steps, 4), "U": numbers(4, 4), "V": numbers(4, 4, seed=1)})


PARTICULAR = {
    "far ahead, all steps read": [Eq(r[t], tanh(2 * r[t - 1] + g[t])), Eq(r[5], 0.25), Eq(L, Sum(g[t] * r[t], t))],
    "far ahead": [Eq(r[t], tanh(2 * r[t - 1] + g[t])), Eq(r[5], 0.25), Eq(L, r[T - 1])],
    "one ahead": [Eq(r[t], tanh(2 * r[t - 1] + g[t])), Eq(r[1], 0.25), Eq(L, r[T - 1])],
    "two ahead, two behind": [
        Eq(r[t], tanh(2 * r[t - 2] + r[t - 1] / 3 + g[t])), Eq(r[2], 0.3), Eq(r[-2], 0.75), Eq(L, r[T - 1])
    ],
    "beside a state without": [
        Eq(r[t], tanh(2 * r[t - 2] + c[t - 1] + g[t])), Eq(r[2], 0.3), Eq(r[-2], 0.75), Eq(c[-1], 0.1), Eq(c[-2], 0.2),
        Eq(c[t], sin(r[t] + r[t - 1]) + c[t - 2]), Eq(L, r[T - 1] * c[T - 1])
    ],
    "far ahead beside a state without": [
        Eq(r[t], tanh(2 * r[t - 1] + c[t - 1] + g[t])), Eq(r[4], 0.3), Eq(c[-1], 0.1),
        Eq(c[t], sin(r[t] + r[t - 1])), Eq(L, r[T - 1] * c[T - 1])
    ],
}  # fmt: skip


@pytest.mark.parametrize("which", PARTICULAR)
def test_elements_with_values_of_their_own_inside_recurrences(which):
    """A ring of the last steps has no room for what is written long before its step."""
    for steps in (6, 7, 20):
        for outputs in (["L"], ["L", D(L, g)]):  # the gradient needs all steps
            agree([*PARTICULAR[which], Eq(r[-1], 0.25)], outputs, {"g": numbers(steps)})


def test_two_loops_over_one_tensor_need_all_steps_between():
    """Its first columns recur without the others, which read them: two loops over all of time, not one in two parts."""
    v = gc.Tensor("v", T, N)
    equations = [
        Eq(s[t, n], Piecewise((tanh(v[t - 1, n] + X[t, n]), n < 2), (tanh(v[t - 1, n] + s[t, 0]), True))),
        Eq(v[t, n], Piecewise((exp(-s[t, n] ** 2), n < 2), (exp(-s[t, n]), True))), Eq(v[-1, n], 0),
        Eq(L, Sum(s[T - 1, n] + v[T - 1, n], n)),
    ]  # fmt: skip
    for steps in (1, 6, 70):
        for outputs in (["L"], ["L", D(L, X)]):
            agree(equations, outputs, {"X": numbers(steps, 4)})


def test_large_results_of_another_shape_are_other_arrays():
    Y = gc.Tensor("Y", T, N)
    run = gc.System(Eq(Y[t, n], 2 * X[t, n])).compile("Y")
    for shape in ((400, 200), (200, 400), (400, 200)):
        assert run(X=np.ones(shape)).shape == shape


def test_an_alias_of_what_is_updated_is_refused_at_every_call():
    w = gc.Tensor("w", N)
    u = gc.Input("u", N)
    run = gc.System(Eq(w[n], x[n] + u[n])).compile("w", update={x: w})
    moved = np.ones(4)
    run(x=moved, u=np.ones(4))
    with pytest.raises(gc.ArgumentError):
        run(x=moved, u=moved)


def test_bad_indices_are_named_in_long_programs():
    """Programs of thousands of operations are several functions, which number their checks together."""
    q, o, w = gc.Input("q", M, dtype="int64"), gc.Tensor("o", M), gc.Tensor("w", M)
    chain = [gc.Tensor(f"c{step}") for step in range(900)]
    steps = [Eq(b, tanh(a * 1.5 + step) + a / 3) for step, (a, b) in enumerate(pairwise(chain))]
    run = gc.System(Eq(o[m], x[p[m]]), Eq(chain[0], o[0]), *steps, Eq(w[m], x[q[m]] * chain[-1])).compile("o", "w")
    with pytest.raises(gc.ArgumentError, match=r"(?s)index 9 .*q\[m\]"):
        run(x=np.arange(5.0), p=np.array([1, 2]), q=np.array([1, 9]))


# -- lowering and transforms -----------------------------------------------------------------------------------------


def test_sums_over_other_ranges_are_other_sums():
    data, v = numbers(5), gc.Input("v", gc.sizes("N", min=3))
    wanted = np.exp(data[:2].sum()) + np.exp(data[:3].sum())
    agree([Eq(L, exp(Sum(v[j], (j, 0, 1))) + exp(Sum(v[j], (j, 0, 2))))], ["L"], {"v": data}, [wanted])


def test_the_largest_of_negatives_of_the_largest():
    data = numbers(5, 4)
    agree([Eq(L, amax(-amax(X[n, m], m), n))], ["L"], {"X": data}, [(-data.max(1)).max()])


def test_what_is_not_smaller_may_be_no_number():
    o, data = gc.Tensor("o", N), np.array([1, np.nan, 3, np.nan, 1])
    condition = Not(And(n < 3, x[n] < 2, evaluate=False), evaluate=False)
    wanted = [~((np.arange(5) < 3) & (data < 2))]
    agree([Eq(o[n], Piecewise((1, condition), (0, True)))], ["o"], {"x": data}, wanted)


@pytest.mark.parametrize("first", [0, 4])
def test_the_logarithm_of_what_is_an_exponential_almost_everywhere(first):
    q, o = gc.Tensor("q", N), gc.Tensor("o", N)
    agree([Eq(q[n], exp(x[n])), Eq(q[first], 2), Eq(o[n], log(q[n]))], ["q", "o"], {"x": numbers(5)})


def test_an_exponential_and_that_of_the_transpose():
    G, u, v = gc.Input("G", N, N), gc.Tensor("u", N, N), gc.Tensor("v", N, N)
    agree([Eq(u[i, j], exp(2 * G[j, i])), Eq(v[i, j], exp(2 * G[i, j]) + 1)], ["u", "v"], {"G": numbers(5, 5)})


def test_a_sum_needed_at_more_points_than_before_is_computed_there_too():
    G, u = gc.Input("G", N, N), gc.Tensor("u", N)
    value = Piecewise((exp(Sum(G[n, j], j)), n < 2), (tanh(Sum(G[n, j], j)), True))
    agree([Eq(u[n], value)], ["u"], {"G": numbers(5, 5)})


def test_reads_many_mirrors_away():
    u, w, o = gc.Input("u", N, outside="reflect"), gc.Input("w", K), gc.Tensor("o", N)
    data, weights = np.arange(1.0, 4), numbers(9)
    wanted = [np.convolve(np.pad(data, 8, "reflect"), weights, "valid")[:3]]
    agree([Eq(o[n], Sum(w[k] * u[n - k], k))], ["o"], {"u": data, "w": weights}, wanted)


@pytest.mark.parametrize("length", [3, 9, 17, 31])
def test_backwards_to_the_end_of_an_array(length):
    o, data = gc.Tensor("o", N), numbers(length)
    agree([Eq(o[n], exp(x[N - 1 - n]))], ["o"], {"x": data}, [np.exp(data[::-1])])


def test_two_tensors_that_need_each_other_at_one_step_are_refused():
    v = gc.Tensor("v", T)
    with pytest.raises(gc.CausalityError):
        gc.System(Eq(r[t], v[t] + g[t]), Eq(v[t], r[t] / 2))


def test_two_outputs_that_are_equal_are_two():
    u, v = gc.tensors("u v", N)
    agree([Eq(u[n], exp(x[n])), Eq(v[n], exp(x[n]))], ["u", "v"], {"x": np.ones(3)})


def test_the_mean_over_a_triangle_counts_its_points():
    G, data = gc.Input("G", N, N), numbers(5, 5)
    agree([Eq(L, gc.Mean(G[n, m], (m, 0, n), (n, 0, N - 1)))], ["L"], {"G": data}, [data[np.tril_indices(5)].mean()])
