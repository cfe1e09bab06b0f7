"""What equations mean, by the interpreter, against NumPy; both notations."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Mean, Piecewise, Prod, Sum, amax, amin, argmax, argmin, exp, log, logsumexp, softmax, tanh

T, N, H, M = gc.sizes("T N H M")
t, u, i, j, k, n = gc.indices("t u i j k n")
A, B = gc.Input("A", N, M), gc.Input("B", M, H)
v = gc.Input("v", M)
p = gc.Param("p")


def array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


a, b, w = array(3, 4), array(4, 5, seed=1), array(4, seed=2)


def value(left, right, **arguments):
    return gc.System(Eq(left, right)).evaluate(left.args[0] if left.args else left, **arguments)


R1, R2, R0 = gc.Tensor("R1", N), gc.Tensor("R2", N, H), gc.Tensor("R0")
RM, RNM, RMN = gc.Tensor("RM", M), gc.Tensor("RNM", N, M), gc.Tensor("RMN", M, N)
AB, Av, Aall = {"A": a, "B": b}, {"A": a, "v": w}, {"A": a}


@pytest.mark.parametrize(
    "left, right, arguments, meaning",
    [
        (R2, A @ B, AB, a @ b),
        (R2[n], A[n] @ B, AB, a @ b),
        (R2[n, i], Sum(A[n, k] * B[k, i], k), AB, a @ b),
        (R2[n, i], (A @ B)[n, i], AB, a @ b),
        (RMN, A.T, Aall, a.T),
        (RMN[k], A.T[k], Aall, a.T),
        (R1, A @ v, Av, a @ w),
        (R1, (2 * A) @ v, Av, 2 * a @ w),
        (R1, A @ (v + 1), Av, a @ (w + 1)),
        (R0, v @ v, {"v": w}, w @ w),
        (RM, A.T @ (A @ v), Av, a.T @ (a @ w)),
        (RNM[n], A[n] * v, Av, a * w),
        (R0, Sum(A), Aall, a.sum()),
        (R0, Sum(A[n, k], n, k), Aall, a.sum()),
        (R1[n], Sum(A[n]), Aall, a.sum(1)),
        (R1[n], Prod(A[n]), Aall, a.prod(1)),
        (R1[n], Mean(A[n]), Aall, a.mean(1)),
        (R1[n], Mean(A[n, k], k), Aall, a.mean(1)),
        (R0, Mean(A), Aall, a.mean()),
        (R1[n], amax(A[n]), Aall, a.max(1)),
        (R1[n], amin(A[n, k], k), Aall, a.min(1)),
        (RM[k], amax(A[n, k], n), Aall, a.max(0)),
        (R1[n], logsumexp(A[n]), Aall, np.log(np.exp(a).sum(1))),
        (RM[k], logsumexp(A[n, k], n), Aall, np.log(np.exp(a).sum(0))),
        (RNM[n], softmax(A[n]), Aall, np.exp(a) / np.exp(a).sum(1, keepdims=True)),
        (RNM[n, k], softmax(A[n, k], k), Aall, np.exp(a) / np.exp(a).sum(1, keepdims=True)),
        (RNM[n, k], softmax(A[n, k], n), Aall, np.exp(a) / np.exp(a).sum(0)),
        (RNM, softmax(A), Aall, np.exp(a) / np.exp(a).sum(1, keepdims=True)),
        (RNM[n, k], softmax(A[n, k], n, k), Aall, np.exp(a) / np.exp(a).sum()),
        (R1[n], argmax(A[n]), Aall, a.argmax(1)),
        (RM[k], argmin(A[n, k], n), Aall, a.argmin(0)),
        (R0, argmax(A), Aall, a.argmax()),
        (R0, argmin(A[n, k], n, k), Aall, a.argmin()),
        (R1[n], tanh(Sum(A[n, k] * v[k], k)) + exp(Sum(A[n, k], k)) * p, Av | {"p": 2.0},
         np.tanh(a @ w) + 2 * np.exp(a.sum(1))),
        (R1[n], Sum(A[n, k] ** 2, k) / (N + 1) - 3 * A[n, 0], Aall, (a**2).sum(1) / 4 - 3 * a[:, 0]),
        (R0, Sum(A[n, k] * Sum(B[k, i], i), n, k), AB, (a * b.sum(1)).sum()),
        (R0, Sum(Sum(A[n, k] * v[k], k) ** 2, n), Av, ((a @ w) ** 2).sum()),
        (R0, log(Sum(exp(v[k] - amax(v)), k)), {"v": w}, np.log(np.exp(w - w.max()).sum())),
        (RM[k], Sum(v[u], (u, 0, k)), {"v": w}, w.cumsum()),
        (RM[k], Mean(v[u], (u, 0, k)), {"v": w}, w.cumsum() / np.arange(1, 5)),
        (RM[k], Sum(Piecewise((v[j] * v[k - j], j <= k), (0, True)), j), {"v": w}, np.convolve(w, w)[:4]),
        (RM[k], amax(v[u], (u, 0, k)), {"v": w}, np.maximum.accumulate(w)),
        (RM[k], amax(v[u], (u, 0, k)) + Sum(v[u], (u, k, M - 1)), {"v": w},
         np.maximum.accumulate(w) + w[::-1].cumsum()[::-1]),
        (R0, Sum(k * v[k], k) + M, {"v": w}, np.arange(4) @ w + 4),
        (RM[k], v[M - 1 - k], {"v": w}, w[::-1]),
        (RM[k], v[k // 2] + (k % 2), {"v": w}, w[[0, 0, 1, 1]] + [0, 1, 0, 1]),
        (RM[k], gc.Max(v[k], 0, -v[k] / 2), {"v": w}, np.maximum(np.maximum(w, 0), -w / 2)),
        (RM[k], gc.sigmoid(v[k]) + gc.relu(v[k]) + gc.softplus(v[k]), {"v": w},
         1 / (1 + np.exp(-w)) + np.maximum(w, 0) + np.logaddexp(0, w)),
        (RM[k], Piecewise((v[k], v[k] > 0), (-1, True)), {"v": w}, np.where(w > 0, w, -1)),
        (RM[k], Piecewise((v[k - 1], k > 0), (0, True)), {"v": w}, np.r_[0, w[:-1]]),
        (RM[k], tanh(Piecewise((v[k - 1], k > 0), (0, True)) + 1), {"v": w}, np.tanh(np.r_[0, w[:-1]] + 1)),
        (RM[k], Piecewise((v[k - 1], (k > 0) & (v[k] > 0)), (0, True)), {"v": w},
         np.where(w > 0, np.r_[0, w[:-1]], 0) * [0, 1, 1, 1]),
        (RNM[n, k], Piecewise((1, Eq(n, k)), (0, True)), {"N": 3, "M": 4}, np.eye(3, 4)),
        # SymPy makes M > n/2 - k/2 of this condition, which keeps the read inside all the same.
        (RNM[n, k], Piecewise((v[(n - k) // 2], (n >= k) & (n - k < 2 * M)), (0, True)), {"v": w, "N": 9},
         [[w[(p - q) // 2] if 0 <= p - q < 8 else 0 for q in range(4)] for p in range(9)]),
    ],
)  # fmt: skip
def test_an_equation_means_what_numpy_computes(left, right, arguments, meaning):
    np.testing.assert_allclose(value(left, right, **arguments), meaning, rtol=1e-12, atol=1e-14)


def rnn_equations(long):
    C = gc.sizes("C")
    x, W, U, bias = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("b", H)
    V, c, target = gc.Param("V", C, H), gc.Param("c", C), gc.Input("target", T, C)
    a_, s, o, y, L = (
        gc.Tensor("a", T, H),
        gc.Tensor("s", T, H),
        gc.Tensor("o", T, C),
        gc.Tensor("y", T, C),
        gc.Tensor("L"),
    )
    loss = Eq(L, -Sum(target[t, k] * log(y[t, k]), t, k) / T)
    if long:
        return [
            Eq(a_[t, i], bias[i] + Sum(W[i, j] * s[t - 1, j], j) + Sum(U[i, k] * x[t, k], k)),
            Eq(s[t, i], tanh(a_[t, i])), Eq(s[-1, i], 0), Eq(o[t, k], c[k] + Sum(V[k, i] * s[t, i], i)),
            Eq(y[t, k], softmax(o[t, k], k)), loss,
        ]  # fmt: skip
    return [
        Eq(a_[t], bias + W @ s[t - 1] + U @ x[t]), Eq(s[t], tanh(a_[t])), Eq(s[-1], 0), Eq(o[t], c + V @ s[t]),
        Eq(y[t], softmax(o[t])), loss,
    ]  # fmt: skip


@pytest.mark.parametrize("long", [False, True])
def test_the_slides_network(long):
    args = {"x": array(6, 3), "W": array(4, 4, seed=1), "U": array(4, 3, seed=2), "b": array(4, seed=3),
            "V": array(2, 4, seed=4),
            "c": array(2, seed=5), "target": np.eye(2)[[0, 1, 1, 0, 1, 0]]}  # fmt: skip
    state, rows = np.zeros(4), []
    for row in args["x"]:
        state = np.tanh(args["b"] + args["W"] @ state + args["U"] @ row)
        o = args["c"] + args["V"] @ state
        rows.append(np.exp(o) / np.exp(o).sum())
    loss, y = gc.System(*rnn_equations(long)).evaluate("L", "y", **args)
    np.testing.assert_allclose(y, rows, rtol=1e-12)
    np.testing.assert_allclose(loss, -(args["target"] * np.log(rows)).sum() / 6, rtol=1e-12)


def test_the_order_of_equations_does_not_matter():
    forward, backward = gc.System(*rnn_equations(True)), gc.System(*reversed(rnn_equations(True)))
    assert {e.tensor.name for e in forward.ir.equations} == {e.tensor.name for e in backward.ir.equations}


def test_integers_stay_integers():
    f = gc.Tensor("f", T, dtype="int64")
    fibonacci = gc.System(Eq(f[0], 0), Eq(f[1], 1), Eq(f[t], f[t - 1] + f[t - 2]))
    assert fibonacci.evaluate("f", T=70)[-1] == 117669030460994
    assert fibonacci.evaluate("f", T=1).tolist() == [0]


def test_edit_distance_has_two_recurrence_axes():
    P, Q = gc.sizes("P Q")
    x, y = gc.Input("x", P, dtype="int64"), gc.Input("y", Q, dtype="int64")
    d = gc.Tensor("d", P + 1, Q + 1, dtype="int64")
    change = Piecewise((0, Eq(x[i - 1], y[j - 1])), (1, True))
    distance = gc.System(
        Eq(d[i, 0], i), Eq(d[0, j], j), Eq(d[0, 0], 0),
        Eq(d[i, j], gc.Min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + change)),
    )  # fmt: skip
    words = [[ord(c) for c in word] for word in ("kitten", "sitting")]
    table = distance.evaluate(d, x=np.array(words[0]), y=np.array(words[1]))
    assert table.dtype == np.int64 and table[-1, -1] == 3


def test_an_index_may_be_read_from_data():
    V, D = gc.sizes("V D")
    E, word = gc.Param("E", V, D), gc.Input("word", T, dtype="int64")
    e = gc.Tensor("e", T, D)
    table = array(5, 3)
    for system in (gc.System(Eq(e[t], E[word[t]])), gc.System(Eq(e[t, i], E[word[t], i]))):
        np.testing.assert_array_equal(system.evaluate(e, E=table, word=np.array([4, 0, 4])), table[[4, 0, 4]])


def test_a_tree_by_its_children():
    leaf, left, right = gc.Input("leaf", M), gc.Input("left", N, dtype="int64"), gc.Input("right", N, dtype="int64")
    h = gc.Tensor("h", M + N)  # M leaves, then N inner nodes
    tree = gc.System(Eq(h[n], Piecewise((leaf[n], n < M), (h[left[n - M]] + 2 * h[right[n - M]], True))))
    found = tree.evaluate(h, leaf=np.array([1.0, 2, 3]), left=np.array([0, 2]), right=np.array([1, 3]))
    np.testing.assert_array_equal(found, [1, 2, 3, 5, 13])


def test_shifted_and_strided_left_sides():
    x, h = gc.Input("x", T), gc.Tensor("h", T + 1)
    shifted = gc.System(Eq(h[0], 1), Eq(h[t + 1], h[t] / 2 + x[t]))
    assert shifted.evaluate(h, x=np.array([1.0, 2, 3])).tolist() == [1, 1.5, 2.75, 4.375]
    z = gc.Tensor("z", 2 * T)
    woven = gc.System(Eq(z[2 * t], x[t]), Eq(z[2 * t + 1], -x[t]))
    assert woven.evaluate(z, x=np.array([1.0, 2])).tolist() == [1, -1, 2, -2]


def test_backward_recurrences_start_at_the_far_end():
    x, b_ = gc.Input("x", T), gc.Tensor("b", T)
    assert gc.System(Eq(b_[T], 0), Eq(b_[t], b_[t + 1] + x[t])).evaluate(b_, x=np.arange(4.0)).tolist() == [6, 6, 5, 3]


def test_the_more_particular_left_side_wins():
    G = gc.Tensor("G", N, N)
    system = gc.System(Eq(G[i, j], i - j), Eq(G[i, i], 7), Eq(G[0, 0], 9))
    assert system.evaluate(G, N=3).tolist() == [[9, -1, -2], [1, 7, -1], [2, 1, 7]]


def test_a_left_side_is_more_particular_whatever_the_conditions_on_the_other_right():
    """Without a default: the rows after the first, inside."""
    first, table, total = gc.Input("first", N), gc.Tensor("table", N, N), gc.Tensor("total")
    system = gc.System(
        Eq(table[0, j], first[j]),
        Eq(table[i, j], Piecewise((table[i - 1, j] + table[0, j - 1], (j > 0) & (j < N - 1)))),
        Eq(total, Sum(table[i, j], (i, 0, N - 1), (j, 1, N - 2))),
    )
    a = np.arange(1.0, 6)
    rows = a[1:-1] + np.arange(5)[:, None] * a[:-2]
    np.testing.assert_allclose(system.evaluate(total, first=a), rows.sum())


def test_boundary_lines_may_coincide_at_degenerate_sizes_only():
    x = gc.Input("x", N)
    g = gc.Tensor("g", N)
    rod = gc.System(Eq(g[0], 1), Eq(g[N - 1], 2), Eq(g[i], x[i - 1] + x[i + 1]))
    assert rod.evaluate(g, x=np.arange(4.0)).tolist() == [1, 2, 4, 2]
    assert rod.evaluate(g, x=np.arange(1.0)).tolist() == [1]


def test_triangular_recurrences():
    """Cholesky's decomposition, as the books write it."""
    K, G = gc.Input("K", N, N), gc.Tensor("G", N, N)
    cholesky = gc.System(
        Eq(G[i, j], Piecewise(((K[i, j] - Sum(G[i, k] * G[j, k], (k, 0, j - 1))) / G[j, j], j < i), (0, True))),
        Eq(G[i, i], gc.sqrt(K[i, i] - Sum(G[i, k] ** 2, (k, 0, i - 1)))),
    )
    q = array(5, 5)
    np.testing.assert_allclose(cholesky.evaluate(G, K=q @ q.T), np.linalg.cholesky(q @ q.T), rtol=1e-9)


def test_pooling_by_strides():
    F, P = gc.Input("F", N, M), gc.Tensor("P", N // 2, M // 2)
    m2, n2 = gc.index("m", 2), gc.index("n", 2)
    image = array(5, 6)
    pooled = gc.System(Eq(P[i, j], amax(F[2 * i + m2, 2 * j + n2], m2, n2))).evaluate(P, F=image)
    np.testing.assert_array_equal(pooled, image[:4].reshape(2, 2, 3, 2).max((1, 3)))


def test_exact_values_are_rational():
    from fractions import Fraction

    h = gc.Tensor("h", T)
    harmonic = gc.System(Eq(h[0], 1), Eq(h[t], h[t - 1] + 1 / (t + 1)))
    assert harmonic.evaluate(h, T=4, exact=True)[-1] == Fraction(25, 12)


def test_infinity_is_a_start_value():
    x, best = gc.Input("x", T), gc.Tensor("best", T)
    system = gc.System(Eq(best[-1], -gc.oo), Eq(best[t], gc.Max(best[t - 1], x[t])))
    np.testing.assert_array_equal(system.evaluate(best, x=w), np.maximum.accumulate(w))


def test_nan_passes_through_as_in_numpy():
    bad = np.array([1.0, np.nan, 3.0, 2.0])
    assert np.isnan(value(R0, amax(v), v=bad))
    assert value(R0, argmax(v), v=bad) == bad.argmax()
    assert np.isnan(value(RM, softmax(v), v=bad)).all()


def test_equal_reductions_share_a_tensor():
    system = gc.System(Eq(RM[k], v[k] / Sum(v[j], j) + tanh(Sum(v[i], i))))
    assert [e.tensor.name for e in system.ir.equations] == ["RM", "RM_sum"]


def test_a_sum_inside_a_function_is_one_equation_with_all_its_addends():
    x, W, s = gc.Input("x", T, H), gc.Param("W", H, H), gc.Tensor("s", T, H)
    system = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0))
    (state, total) = system.ir.equations
    assert (total.tensor.name, total.reduce, len(total.terms)) == ("s_sum", "sum", 2)
    assert (state.reduce, len(state.terms)) == ("assign", 2)


def test_two_left_sides_may_meet_where_they_say_the_same():
    C = gc.Tensor("C", N, N, dtype="int64")
    rest = Piecewise((C[n - 1, k - 1] + C[n - 1, k], k < n), (0, True))
    pascal = gc.System(Eq(C[n, 0], 1), Eq(C[n, n], 1), Eq(C[n, k], rest))
    assert pascal.evaluate(C, N=5)[-1].tolist() == [1, 4, 6, 4, 1]
    gc.System(Eq(C[n, 0], n), Eq(C[0, k], k), Eq(C[n, k], C[n - 1, k] + C[n, k - 1]))
    with pytest.raises(gc.DefinitionError, match="defined twice"):
        gc.System(Eq(C[n, 0], n + 1), Eq(C[0, k], k), Eq(C[n, k], C[n - 1, k] + C[n, k - 1]))


def test_two_indices_may_share_an_axis_where_one_has_a_range():
    z, e = gc.Tensor("z", 2 * M), gc.index("e", 2)
    assert gc.System(Eq(z[2 * k + e], v[k] + e)).evaluate(z, v=np.array([1.0, 5])).tolist() == [1, 2, 5, 6]


def test_floor_makes_integers():
    c = gc.Tensor("c", M, dtype="int64")
    found = gc.System(Eq(c[k], gc.floor(10 * v[k]))).evaluate(c, v=w)
    assert found.dtype == np.int64 and found.tolist() == np.floor(10 * w).tolist()


def test_ranges_may_end_at_the_smaller_of_two():
    window = gc.System(Eq(RM[k], Sum(v[j], (j, gc.Max(0, k - 1), gc.Min(k + 1, M - 1)))))
    np.testing.assert_allclose(window.evaluate(RM, v=w), np.convolve(w, np.ones(3), "same"), rtol=1e-12)


def test_a_mean_of_nothing_is_not_a_number():
    assert np.isnan(value(R0, Mean(v), v=np.zeros(0)))
    assert np.isnan(value(R0, -Sum(v[k] ** 2, k) / M, v=np.zeros(0)))
    assert value(R0, Sum(v) + 1, v=np.zeros(0)) == 1
