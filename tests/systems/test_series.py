"""Time series, filters and stencils against SciPy and NumPy."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.linalg import solve_triangular
from scipy.signal import convolve2d, lfilter

import graphc as gc
from graphc import Eq, Piecewise, Sum, log

T, N, M, K = gc.sizes("T N M K")
t, i, j, k, m, n, u = gc.indices("t i j k m n u")
x, L = gc.Input("x", T), gc.Tensor("L")
rng = np.random.default_rng(0)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_autoregression_of_any_order(order):
    """AR(p) is a filter; its gradient with respect to the coefficients is filtered, shifted output."""
    p, y = gc.Param("p", order), gc.Tensor("y", T)
    step = x[t] + sum(p[q] * y[t - 1 - q] for q in range(order))
    system = gc.System(Eq(y[t], step), *(Eq(y[-1 - q], 0) for q in range(order)), Eq(L, Sum(y[t], t)))
    run = system.compile("y", gc.D(L, p))
    for steps in (order, 64, 65, 200):
        a, c = rng.normal(size=steps), rng.uniform(-0.3, 0.3, order)
        y_wanted = lfilter([1.0], [1.0, *-c], a)
        found = run(x=a, p=c)
        np.testing.assert_allclose(found.y, y_wanted, rtol=1e-9, atol=1e-11)
        slopes = []
        for q in range(order):
            shifted = np.concatenate([np.zeros(q + 1), y_wanted])[:steps]
            slopes.append(lfilter([1.0], [1.0, *-c], shifted).sum())
        np.testing.assert_allclose(found[1], slopes, rtol=1e-8, atol=1e-10)


def test_a_biquad_in_any_form():
    b, a, y = gc.Param("b", 3), gc.Param("a", 2), gc.Tensor("y", T)
    before = lambda lag: Piecewise((x[t - lag], t >= lag), (0, True))
    system = gc.System(
        Eq(y[t], b[0] * x[t] + b[1] * before(1) + b[2] * before(2) - a[0] * y[t - 1] - a[1] * y[t - 2]),
        Eq(y[-1], 0), Eq(y[-2], 0),
    )  # fmt: skip
    run = system.compile("y")
    for steps in (1, 2, 3, 64, 1000):
        signal = rng.normal(size=steps)
        found = run(x=signal, b=np.array([0.2, 0.3, 0.1]), a=np.array([-0.4, 0.3]))
        np.testing.assert_allclose(found, lfilter([0.2, 0.3, 0.1], [1, -0.4, 0.3], signal), rtol=1e-9, atol=1e-12)


def test_a_scalar_kalman_filter():
    q, r = gc.Param("q"), gc.Param("r")
    mean, gain, var = (gc.Tensor(name, T) for name in ("mean", "gain", "var"))
    system = gc.System(
        Eq(gain[t], (var[t - 1] + q) / (var[t - 1] + q + r)),
        Eq(mean[t], mean[t - 1] + gain[t] * (x[t] - mean[t - 1])),
        Eq(var[t], (1 - gain[t]) * (var[t - 1] + q)),
        Eq(mean[-1], 0), Eq(var[-1], 1),
        Eq(L, Sum(log(var[t]) + (x[t] - mean[t]) ** 2, t)),
    )  # fmt: skip
    run = system.compile("mean", "var", "L", gc.D(L, q), gc.D(L, r))
    signal = rng.normal(size=130).cumsum()

    def by_hand(q, r):
        mean, var, means, variances, total = 0.0, 1.0, [], [], 0.0
        for z in signal:
            gain = (var + q) / (var + q + r)
            mean, var = mean + gain * (z - mean), (1 - gain) * (var + q)
            means.append(mean)
            variances.append(var)
            total += np.log(var) + (z - mean) ** 2
        return means, variances, total

    found = run(x=signal, q=0.3, r=0.7)
    for a, b in zip(found[:3], by_hand(0.3, 0.7), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    h = 1e-6
    np.testing.assert_allclose(found[3], (by_hand(0.3 + h, 0.7)[2] - by_hand(0.3 - h, 0.7)[2]) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(found[4], (by_hand(0.3, 0.7 + h)[2] - by_hand(0.3, 0.7 - h)[2]) / (2 * h), rtol=1e-6)


def test_garch_likelihood():
    p, h = gc.Param("p", 3), gc.Tensor("h", T)
    system = gc.System(
        Eq(h[t], p[0] + p[1] * x[t - 1] ** 2 + p[2] * h[t - 1]),
        Eq(h[0], 1),
        Eq(L, Sum(log(h[t]) + x[t] ** 2 / h[t], t)),
    )
    signal, c = rng.normal(size=300), np.array([0.1, 0.2, 0.6])

    def by_hand(c):
        h, total = 1.0, signal[0] ** 2
        for a, b in pairwise(signal):
            h = c[0] + c[1] * a**2 + c[2] * h
            total += np.log(h) + b**2 / h
        return total

    found = system.compile("L", gc.D(L, p))(x=signal, p=c)
    np.testing.assert_allclose(found.L, by_hand(c), rtol=1e-12)
    slopes = [(by_hand(c + e) - by_hand(c - e)) / 2e-6 for e in np.eye(3) * 1e-6]
    np.testing.assert_allclose(found[1], slopes, rtol=1e-6)


def test_forward_substitution_is_a_triangular_recurrence():
    A, y = gc.Input("A", T, T), gc.Tensor("y", T)
    system = gc.System(Eq(y[t], (x[t] - Sum(A[t, u] * y[u], (u, 0, t - 1))) / A[t, t]))
    run = system.compile("y")
    for size in (1, 2, 9, 40):
        matrix, right = rng.normal(size=(size, size)) / size + 2 * np.eye(size), rng.normal(size=size)
        wanted = solve_triangular(matrix, right, lower=True)
        np.testing.assert_allclose(run(A=matrix, x=right), wanted, rtol=1e-9)


def test_a_heat_equation_in_two_dimensions():
    v, u0, q = gc.Tensor("v", T + 1, N, M), gc.Input("u0", N, M), gc.Param("q")
    around = v[t - 1, i - 1, j] + v[t - 1, i + 1, j] + v[t - 1, i, j - 1] + v[t - 1, i, j + 1] - 4 * v[t - 1, i, j]
    edge = gc.Or(Eq(i, 0), Eq(i, N - 1), Eq(j, 0), Eq(j, M - 1))
    system = gc.System(
        Eq(v[t, i, j], Piecewise((v[t - 1, i, j], edge), (v[t - 1, i, j] + q * around, True))),
        Eq(v[0, i, j], u0[i, j]), Eq(L, Sum(v[T, i, j] ** 2, i, j)),
    )  # fmt: skip
    run = system.compile("L", gc.D(L, u0))
    kernel = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])

    def by_hand(u, steps):
        for _ in range(steps):
            new = u.copy()
            new[1:-1, 1:-1] += 0.1 * convolve2d(u, kernel, "valid")
            u = new
        return (u**2).sum()

    for steps, shape in [(1, (3, 3)), (4, (9, 12)), (3, (2, 5)), (5, (17, 33))]:
        start, direction = rng.normal(size=shape), rng.normal(size=shape)
        found = run(u0=start, q=0.1, T=steps)
        np.testing.assert_allclose(found.L, by_hand(start, steps) if min(shape) > 2 else (start**2).sum(), rtol=1e-11)
        if min(shape) > 2:
            slope = (by_hand(start + 1e-5 * direction, steps) - by_hand(start - 1e-5 * direction, steps)) / 2e-5
            np.testing.assert_allclose((found[1] * direction).sum(), slope, rtol=1e-6)


def test_a_stencil_with_coefficients_of_its_own_everywhere():
    """Not self-adjoint: reads and writes must not be mixed up in the gradient."""
    a, c, y = gc.Input("a", N), gc.Input("c", N), gc.Tensor("y", N)
    left = Piecewise((c[i] * a[i - 1], i > 0), (0, True))
    system = gc.System(Eq(y[i], left + 2 * c[i] ** 2 * a[i]), Eq(L, Sum(i * y[i], i)))
    run = system.compile(gc.D(L, a), gc.D(L, c))
    for size in (1, 2, 8, 33):
        v, w = rng.normal(size=size), rng.normal(size=size)
        matrix = np.diag(2 * w**2) + np.diag(w[1:], -1)
        found = run(a=v, c=w)
        np.testing.assert_allclose(found[0], matrix.T @ np.arange(size), rtol=1e-12)
        before = np.concatenate([[0], v[:-1]])
        np.testing.assert_allclose(found[1], np.arange(size) * (before + 4 * w * v), rtol=1e-12)


def test_edit_distance():
    a, b = gc.Input("a", M, dtype="int64"), gc.Input("b", N, dtype="int64")
    d = gc.Tensor("d", M + 1, N + 1)
    same = Piecewise((0, Eq(a[i - 1], b[j - 1])), (1, True))
    system = gc.System(
        Eq(d[i, j], gc.Min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + same)), Eq(d[i, 0], i), Eq(d[0, j], j)
    )
    run = system.compile("d", dtype="int64")
    for rows, columns in [(0, 0), (0, 3), (1, 1), (7, 6), (20, 33)]:
        p, q = rng.integers(0, 3, rows), rng.integers(0, 3, columns)
        wanted = np.zeros((rows + 1, columns + 1), int)
        for r in range(rows + 1):
            for c in range(columns + 1):
                ways = [r + c] if r == 0 or c == 0 else [
                    wanted[r - 1, c] + 1, wanted[r, c - 1] + 1, wanted[r - 1, c - 1] + (p[r - 1] != q[c - 1])
                ]  # fmt: skip
                wanted[r, c] = min(ways)
        np.testing.assert_array_equal(run(a=p, b=q), wanted)


def test_soft_dynamic_time_warping():
    c, r, total = gc.Param("c", M, N), gc.Tensor("r", M, N), gc.Tensor("total")
    ways = [r[i - 1, j], r[i, j - 1], r[i - 1, j - 1]]
    system = gc.System(
        Eq(r[i, j], c[i, j] - log(sum(gc.exp(-w) for w in ways))),
        Eq(r[-1, j], 30), Eq(r[i, -1], 30), Eq(r[-1, -1], 0), Eq(total, r[M - 1, N - 1]),
    )  # fmt: skip
    run = system.compile("total", gc.D(total, c))

    def by_hand(cost):
        r = np.full((cost.shape[0] + 1, cost.shape[1] + 1), 30.0)
        r[0, 0] = 0
        for p in range(cost.shape[0]):
            for q in range(cost.shape[1]):
                r[p + 1, q + 1] = cost[p, q] - np.logaddexp.reduce([-r[p, q + 1], -r[p + 1, q], -r[p, q]])
        return r[-1, -1]

    for shape in [(1, 1), (2, 5), (9, 7), (20, 33)]:
        cost, direction = rng.uniform(0, 1, shape), rng.normal(size=shape)
        found = run(c=cost)
        np.testing.assert_allclose(found.total, by_hand(cost), rtol=1e-11)
        slope = (by_hand(cost + 1e-5 * direction) - by_hand(cost - 1e-5 * direction)) / 2e-5
        np.testing.assert_allclose((found[1] * direction).sum(), slope, rtol=1e-6, atol=1e-9)
