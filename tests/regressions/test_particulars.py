"""More single conditions that only particular programs need, found like those of `test_details`: by planting errors
without a look at the tests. Pieces that are told apart by kind, orientation, bounds or the point where they begin; ends
of loops and rings; calls that differ from the first.
"""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Ne, Piecewise, Prod, Sum, amax, exp, log, tanh
from graphc.library import adam
from tests.regressions.compiled import agree, numbers

T, H, N, K, M = gc.sizes("T H N K M")
t, i, j, k, n = gc.indices("t i j k n")
x, W, L = gc.Input("x", N), gc.Param("W", H, H), gc.Tensor("L")
X, s = gc.Input("X", T, H), gc.Tensor("s", T, H)
y, z = gc.Tensor("y", N), gc.Tensor("z", N)


# -- told apart ------------------------------------------------------------------------------------------------------


def test_both_triangles_of_one_matrix():
    """Two contributions to one adjoint, one of them transposed."""
    A, B, C = gc.Param("A", N, N), gc.Input("B", N, N), gc.Input("C", N, N)
    data = {"A": numbers(4, 4), "B": numbers(4, 4, seed=1), "C": numbers(4, 4, seed=2)}
    total = Sum(A[i, j] * B[i, j], i, (j, 0, i)) + Sum(A[j, i] * C[i, j], i, (j, 0, i))
    agree([Eq(L, total)], [D(L, A)], data, [np.tril(data["B"]) + np.tril(data["C"]).T])


def test_one_value_as_an_integer_and_as_a_real_number():
    a, b = gc.Tensor("a", N, dtype="int64"), gc.Tensor("b", N)
    large = 10**7 * (i + 1)
    equations = [Eq(a[i], large), Eq(b[i], large), Eq(y[i], a[i] % 7 + 0.5), Eq(z[i], b[i] * b[i] * b[i])]
    agree(equations, [z, y, a], {"N": 5})


def test_one_sum_that_begins_at_two_places():
    A = gc.Input("A", N, M)
    whole = exp(Sum(A[i, j], j))
    a = numbers(5, 3)
    e = np.exp(a.sum(1))
    agree([Eq(y[i], whole), Eq(z[i - 1], Piecewise((whole, i < N), (0, True)))], [y, z], {"A": a}, [e, [*e[1:], 0]])


def test_a_logarithm_of_what_has_two_definitions():
    a, b, p = gc.Param("a", N), gc.Param("b", N), gc.Tensor("p", N)
    equations = [Eq(p[i], Piecewise((exp(a[i]), i < 3), (b[i] ** 2, True))), Eq(L, Sum(log(p[i]), i))]
    A, B = np.linspace(-1, 1, 6), np.linspace(1, 2, 6)
    wanted = [A[:3].sum() + np.log(B[3:] ** 2).sum(), [1, 1, 1, 0, 0, 0], [0, 0, 0, *2 / B[3:]]]
    agree(equations, [L, D(L, a), D(L, b)], {"a": A, "b": B}, wanted)


def test_a_logarithm_subtracted_in_what_is_subtracted():
    h, b, d = *gc.inputs("h b", N), gc.Tensor("d", N)
    equations = [Eq(d[i], b[i] ** 2 / h[i] - log(h[i])), Eq(L, Sum(log(x[i]) - d[i], i))]
    agree(equations, [L], {"x": abs(numbers(37)), "h": abs(numbers(37, seed=1)), "b": numbers(37, seed=2)})


def test_a_diagonal_of_zeros():
    A = gc.Tensor("A", N, N)
    equations = [Eq(A[i, j], x[i] - 2 * x[j]), Eq(A[i, i], 0)]
    agree(equations, [A], {"x": numbers(7)})
    agree([*equations, Eq(y[i], amax(A[i, j], j))], [A, y], {"x": numbers(7)})


@pytest.mark.parametrize("wanted", [np.triu, np.tril])
def test_one_triangle_of_a_product(wanted):
    A, B, C = gc.Input("A", N, K), gc.Input("B", K, N), gc.Tensor("C", N, N)
    product = Piecewise((Sum(A[i, k] * B[k, j], k), i <= j if wanted is np.triu else i >= j), (0, True))
    for size in (5, 11):
        a, b = numbers(size, 4), numbers(4, size, seed=1)
        agree([Eq(C[i, j], product)], [C], {"A": a, "B": b}, [wanted(a @ b)])


def test_a_sum_over_all_but_the_first():
    A, B, r = gc.Input("A", T, N), gc.Input("B", T, N, M), gc.Tensor("r", M)
    a, b = numbers(6, 5), numbers(6, 5, 9)
    wanted = np.einsum("tj,tji->i", a[:, 1:], b[:, 1:])
    agree([Eq(r[i], Sum(A[t, j] * B[t, j, i], t, (j, 1, N - 1)))], [r], {"A": a, "B": b}, [wanted])


def test_addends_by_the_time():
    """Of several plain addends, none is overwritten by the start of the sum."""
    P, b, Y = gc.Input("P", T, H), gc.Param("b", H), gc.Tensor("Y", T, H)
    value = (
        Sum(W[i, j] * P[t, j], j)
        + Piecewise((b[i], Eq(t, 0)), (X[t, i], True))
        + Piecewise((P[t, i], t < 2), (0, True))
    )
    data = {"W": numbers(4, 4), "P": numbers(7, 4), "X": numbers(7, 4, seed=1), "b": numbers(4)}
    agree([Eq(Y[t, i], value)], [Y], data)


# -- derivatives and borders -----------------------------------------------------------------------------------------


def test_products_that_leave_one_factor_out():
    """Lagrange's interpolation: the slope of a product in which j = i is left out."""
    p, f, u, w = gc.Param("p", N), gc.Input("f", N), gc.Param("u"), gc.Tensor("w", N)
    factor = Piecewise(((u - p[j]) / (p[i] - p[j]), Ne(i, j)), (1, True))
    system = gc.System(Eq(w[i], Prod(factor, j)), Eq(L, Sum(w[i] * f[i], i)))
    data = {"p": np.array([0.0, 1, 2.5, 4]), "f": np.array([1, -2, 0.5, 3]), "u": 1.7}
    cubic = np.polynomial.Polynomial.fit(data["p"], data["f"], 3)
    wanted = [cubic(1.7), cubic.deriv()(1.7)]
    np.testing.assert_allclose(system.evaluate(L, D(L, u), **data), wanted)
    np.testing.assert_allclose(system.compile(L, D(L, u))(**data), wanted)


@pytest.mark.parametrize("length", [3, 4])
@pytest.mark.parametrize("dilation", [2, 3])
def test_same_size_under_dilation(length, dilation):
    w = gc.Param("w", K)
    equations = [
        Eq(y, gc.conv(x, w, mode="same", dilation=dilation)), Eq(z, gc.correlate(x, w, mode="same", dilation=dilation)),
    ]  # fmt: skip
    a, b = numbers(15), numbers(length)
    wide = np.zeros((length - 1) * dilation + 1)
    wide[::dilation] = b
    start = (len(wide) - 1) // 2
    wanted = [np.convolve(a, w)[start : start + 15] for w in (wide, wide[::-1])]
    agree(equations, [y, z], {"x": a, "w": b}, wanted)


def test_round_a_ring_with_a_start_value_more_than_once():
    p, first, ring = gc.Param("p", N), gc.Param("first"), gc.Tensor("ring", N, outside="wrap")
    equations = [Eq(ring[-1], first), Eq(ring[i], 2 * p[i]), Eq(z[i], ring[i - 7]), Eq(L, Sum(z[i] * x[i], i))]
    data = {"p": np.array([1.0, 2, 4, 8]), "first": 0.5, "x": np.array([1.0, 3, 5, 7])}
    places = [(n - 6) % 5 for n in range(4)]
    slopes = np.zeros(5)
    np.add.at(slopes, places, data["x"])
    wanted = [np.array([0.5, 2, 4, 8, 16])[places], 2 * slopes[1:], slopes[0]]
    agree(equations, [z, D(L, p), D(L, first)], data, wanted)


def test_a_loss_of_one_unit_written_out():
    net = gc.System(Eq(s[t], tanh(W @ s[t - 1] + X[t])), Eq(s[-1], 0), Eq(L, (s[T - 1, 0] - 0.3) ** 2)).grad(L)
    data = {"X": numbers(4, 3), "W": numbers(3, 3, seed=1)}
    flat = net.unfold(t, 4)
    for found in (flat.evaluate(D(L, W), **data), flat.compile(D(L, W))(**data)):
        np.testing.assert_allclose(found, net.evaluate(D(L, W), **data))


@pytest.mark.parametrize("kernel", [(3, 3), (8, 8), (3, 8), (8, 3), (1, 5), (5, 1)])
def test_kernels_wider_than_the_signal_along_either_axis(kernel):
    a, b = gc.Input("a", N, M), gc.Input("b", K, H)
    c = gc.Tensor("c", N + K - 1, M + H - 1)
    for signal in ((8, 8), (3, 3), (8, 3), (3, 8)):
        agree(
            [Eq(c[i, j], Sum(a[i - n, j - k] * b[n, k], n, k))], [c],
            {"a": numbers(*signal), "b": numbers(*kernel, seed=1)},
        )  # fmt: skip


# -- loops and memory ------------------------------------------------------------------------------------------------


def test_three_steps_read_together_behind_a_loop():
    r = gc.Tensor("r", T + 2, H)
    long, last = gc.Input("long", T + 2, H), gc.Tensor("last", H)
    step = Eq(r[t, i], tanh(long[t, i] + Sum(W[i, j] * r[t - 1, j], j)))
    curve = Eq(last[i], r[T + 1, i] - 2 * r[T, i] + r[T - 1, i])
    agree([step, Eq(r[-1, i], 0), curve], [last], {"long": numbers(9, 5), "W": numbers(5, 5) / 3})


@pytest.mark.parametrize("steps", [5, 64, 150])
def test_blocks_of_a_buffer_whose_first_step_is_read_throughout(steps):
    U, w, a, last = gc.Param("U", H, N), gc.Param("w", H), gc.Tensor("a", T, H), gc.Tensor("last", H)
    V = gc.Input("V", T, N)
    equations = [
        Eq(a[t, i], Sum(U[i, k] * V[t, k], k)), Eq(s[t, i], tanh(a[t, i] * a[0, i] + w[i] * s[t - 1, i])),
        Eq(s[-1, i], 0), Eq(last[i], s[T - 1, i]),
    ]  # fmt: skip
    agree(equations, [last], {"V": numbers(steps, 3), "U": numbers(4, 3), "w": numbers(4)})


def test_differences_in_differences_in_a_loop():
    p, q, f = *gc.inputs("p q", T), gc.Param("f")
    c, r, e, s1 = gc.tensors("c r e s1", T)
    equations = [
        Eq(r[t], f * c[t - 1] + q[t]), Eq(e[t], p[t] - r[t]), Eq(c[t], q[t] / 2 + 0.9 * c[t - 1] + 0.3 * e[t]),
        Eq(s1[t], sp.Add(c[t], sp.Mul(-1, s1[t - 1] + q[t], evaluate=False), evaluate=False)),
        Eq(c[-1], 0), Eq(s1[-1], 0),
    ]  # fmt: skip
    agree(equations, [c, s1], {"p": numbers(20), "q": numbers(20, seed=1), "f": 0.7})


def test_time_behind_units_and_a_start_value():
    """The copy of s that the gradient of W reads in another order has its start value, too."""
    b, u, V = gc.Param("b", H), gc.Tensor("u", H, T), gc.Input("V", H, T)
    equations = [
        Eq(u[i, t], tanh(V[i, t] + Sum(W[i, j] * u[j, t - 1], j))), Eq(u[i, -1], b[i]), Eq(L, Sum(u[i, t] ** 2, i, t)),
    ]  # fmt: skip
    agree(equations, [D(L, W)], {"V": numbers(5, 9), "W": numbers(5, 5, seed=1) / 3, "b": numbers(5)})


def test_equations_of_one_cycle_that_begin_at_five_steps():
    long = gc.Input("long", T + 4)
    a, b, c, d, e = (gc.Tensor(name, T + 4) for name in "abcde")
    starts = [Eq(a[0], 1)] + [Eq(v[m], m) for m_max, v in ((2, b), (3, c), (4, d)) for m in range(m_max)]
    equations = [
        Eq(a[t], a[t - 1] / 2 + e[t - 1] / 9 + long[t]), Eq(b[t], 0.3 * b[t - 1] + 0.2 * b[t - 2] + a[t] / 5),
        Eq(c[t], 0.3 * c[t - 1] - 0.2 * c[t - 3] + b[t] / 5), Eq(d[t], 0.3 * d[t - 1] - 0.2 * d[t - 4] + c[t] / 5),
        Eq(e[t], d[t] + a[t] / 9),
    ]  # fmt: skip
    agree([*starts, *equations], [e], {"long": numbers(12)})


def test_each_and_the_next_of_a_tensor_with_an_end_value():
    w, r = gc.Param("w"), gc.Tensor("r", N)
    equations = [Eq(r[N], 1), Eq(r[i], exp(w * x[i])), Eq(z[i], r[i] - r[i + 1])]
    agree(equations, [r, z], {"w": 0.3, "x": numbers(37)})


def test_data_that_point_both_ways_along_the_first_axis():
    up, q, V = gc.Input("up", N, dtype="int64"), gc.Tensor("q", N, T), gc.Input("V", N, T)
    data = {"V": numbers(5, 9), "up": np.array([3, 0, 4, 2, 1])}
    agree([Eq(q[i, t], V[i, t] + q[up[i], t - 1] / 2), Eq(q[i, -1], 0)], [q], data)


def test_the_slope_along_a_wavefront_as_an_output():
    p, q, c, r = gc.Input("p", M), gc.Input("q", N), gc.Tensor("c", M, N), gc.Tensor("r", M, N)
    soft = c[i, j] - log(exp(-r[i - 1, j]) + exp(-r[i, j - 1]) + exp(-r[i - 1, j - 1]))
    edges = [Eq(r[-1, j], 10), Eq(r[i, -1], 10), Eq(r[-1, -1], 0)]
    equations = [Eq(c[i, j], (p[i] - q[j]) ** 2), Eq(r[i, j], soft), *edges, Eq(L, r[M - 1, N - 1])]
    agree(equations, [L, D(L, c)], {"p": numbers(4), "q": numbers(7)})


# -- calls -----------------------------------------------------------------------------------------------------------


def test_an_argument_that_is_written_and_never_read():
    last, new = gc.Param("last", H), gc.Tensor("new", H)
    system = gc.System(
        Eq(s[-1, i], 0), Eq(s[t, i], s[t - 1, i] / 3 + X[t, i]), Eq(new[i], s[T - 1, i]), Eq(L, Sum(s**2))
    )
    system = gc.System(*system.equations, Eq(gc.Tensor("q"), Sum(last)))
    data = {"X": numbers(7, 5), "last": np.zeros(5)}
    wanted = system.evaluate(new, **data)
    system.compile(L, update={last: new})(**data)
    np.testing.assert_allclose(data["last"], wanted)


def test_large_outputs_of_other_shapes_and_as_many_elements():
    v, table = gc.Input("v", M), gc.Tensor("table", N, M)
    run = gc.System(Eq(table[i, j], x[i] + 2 * v[j])).compile(table)
    for shape in ((256, 512), (512, 256), (128, 1024)):
        a, b = map(np.arange, shape)
        found = run(x=a.astype(float), v=b.astype(float)).copy()
        np.testing.assert_array_equal(found, a[:, None] + 2 * b)


def test_integer_products_beside_floats_of_32_bits():
    P, Q = gc.Input("P", N, K, dtype="int64"), gc.Input("Q", K, M, dtype="int64")
    R, w = gc.Tensor("R", N, M), gc.Input("w", M)
    run = gc.System(Eq(R[i, j], Sum(P[i, k] * Q[k, j], k)), Eq(z[i], Sum(R[i, j] * w[j], j))).compile(
        R, z, dtype="float32"
    )
    for size in (5, 40, 200):
        p, q = np.random.default_rng(0).integers(0, 9, (2, size, size))
        weights = numbers(size).astype(np.float32)
        found = run(P=p[:, :7], Q=q[:7], w=weights)
        np.testing.assert_array_equal(found.R, p[:, :7] @ q[:7])
        np.testing.assert_allclose(found.z, found.R @ weights, rtol=1e-3, atol=0.01)


def test_what_is_updated_is_looked_at_in_every_call():
    w, v, w_next, v_next = gc.Param("w", N), gc.Param("v", N), *gc.tensors("w_next v_next", N)
    system = gc.System(Eq(w_next[i], w[i] + v[i]), Eq(v_next[i], v[i] - x[i]))
    run = system.compile(update={w: w_next, v: v_next})
    a, b, c = np.ones(9), np.zeros(9), np.arange(9.0)
    frozen = np.zeros(9)
    frozen.flags.writeable = False
    for _ in range(3):
        run(w=a, v=b, x=c)
        with pytest.raises(gc.ArgumentError, match="shares memory"):
            run(w=a, v=a, x=c)
        with pytest.raises(gc.ArgumentError, match="writable"):
            run(w=frozen, v=b, x=c)
    assert not frozen.any()


@pytest.mark.parametrize("scale", [1, 1e-6, 1e-8])
def test_adam_where_gradients_are_small(scale):
    """Kingma and Ba (2015), algorithm 1: epsilon is added to the root of the corrected square."""
    w = gc.Param("w", N)
    rule = adam(L, [w], rate=0.01)
    run = gc.System(Eq(L, Sum(x[i] * w[i], i)), *rule.equations).compile(L, update=rule.update)
    found, wanted, m, v = np.ones(3), np.ones(3), 0, 0
    slope = scale * np.array([1.0, -2, 3])
    run.loop(5, x=slope, w=found, **rule.start(w=found))
    for step in range(1, 6):
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope**2
        wanted -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
