"""Order of steps: all lags, nothing run at once that depends on itself."""

import numpy as np
import pytest
from scipy.signal import lfilter

import graphc as gc
from graphc import Eq, Piecewise, Sum, tanh

T, N = gc.sizes("T N")
t, i, j, k = gc.indices("t i j k")
x, L = gc.Input("x", T), gc.Tensor("L")
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 130)
rng = np.random.default_rng(0)


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8, 9])
def test_a_recurrence_is_not_run_as_if_its_steps_were_independent(lag):
    """Tullio#115: y[i] = y[i-1] + x[i] in vectors adds old elements; exact integers show a single one. A lag of a
    whole vector may run in vectors, one element less may not."""
    a, y, back = gc.Input("a", T, dtype="int64"), gc.Tensor("y", T), gc.Tensor("back", T)
    run = gc.System(
        Eq(y[t], y[t - lag] + a[t]), *(Eq(y[-1 - q], q) for q in range(lag)),
        Eq(back[t], back[t + lag] - 2 * a[t]), *(Eq(back[T + q], 3 * q) for q in range(lag)),
    ).compile("y", "back")  # fmt: skip
    for n in LENGTHS:
        given = rng.integers(-9, 9, n)
        up, down = np.empty(n, int), np.empty(n, int)
        for s in range(n):
            up[s] = (up[s - lag] if s >= lag else lag - 1 - s) + given[s]
        for s in reversed(range(n)):
            down[s] = (down[s + lag] if s + lag < n else 3 * (s + lag - n)) - 2 * given[s]
        found = run(a=given)
        np.testing.assert_array_equal(found.y, up)
        np.testing.assert_array_equal(found.back, down)


def test_a_recurrence_along_the_last_axis_is_not_run_along_it():
    """Tullio#115 in two dimensions: rows are independent, columns are not; and a diagonal one has neither."""
    a, y, z = gc.Input("a", N, T), gc.Tensor("y", N, T), gc.Tensor("z", N, T)
    run = gc.System(
        Eq(y[i, t], y[i, t - 1] + a[i, t]), Eq(y[i, -1], 0),
        Eq(z[i, t], z[i - 1, t - 1] + a[i, t]), Eq(z[-1, t], 1), Eq(z[i, -1], 1), Eq(z[-1, -1], 1),
    ).compile("y", "z")  # fmt: skip
    for shape in [(1, 1), (1, 9), (9, 1), (4, 8), (5, 67), (67, 5)]:
        given = rng.integers(-9, 9, shape).astype(float)
        wanted = np.ones((shape[0] + 1, shape[1] + 1))
        for p in range(shape[0]):
            for q in range(shape[1]):
                wanted[p + 1, q + 1] = wanted[p, q] + given[p, q]
        found = run(a=given)
        np.testing.assert_array_equal(found.y, given.cumsum(1))
        np.testing.assert_array_equal(found.z, wanted[1:, 1:])


def test_a_loop_that_reads_its_predecessor_elsewhere_is_not_fused_with_it():
    """numba#8515: r[i] = c[i] - c[i-1], fused with the loop that makes c, reads elements not made yet. Neighbours on
    either side, both ends, a mirror image and a sum over all; in vectors the last lanes come too early."""
    c, r, m, d, s = (gc.Tensor(name, N) for name in "crmds")
    a = gc.Input("a", N)
    run = gc.System(
        Eq(c[i], a[i] ** 2), Eq(r[i], c[i] - Piecewise((c[i - 1], i > 0), (0, True))),
        Eq(m[i], c[N - 1 - i] + r[i]), Eq(d[i], Piecewise((m[i + 1], i < N - 1), (c[0], True)) * c[i]),
        Eq(s[i], d[i] / Sum(c[j], j)),
    ).compile("c", "r", "m", "d", "s")  # fmt: skip
    for n in LENGTHS:
        given = rng.normal(size=n)
        square = given**2
        difference = np.diff(square, prepend=0)
        mirrored = square[::-1] + difference
        following = np.append(mirrored[1:], square[0]) * square
        for mine, wanted in zip(run(a=given), (square, difference, mirrored, following, following / square.sum()),
                                strict=True):  # fmt: skip
            np.testing.assert_allclose(mine, wanted, rtol=1e-12, atol=1e-14)


def test_loops_over_time_that_read_each_other_late_are_not_fused():
    """numba#8515 in time: z reads y's future, so all of y comes first; v reads both ends."""
    y, z, v = (gc.Tensor(name, T) for name in "yzv")
    run = gc.System(
        Eq(y[t], y[t - 1] / 2 + x[t]), Eq(y[-1], 0),
        Eq(z[t], z[t - 1] / 3 + Piecewise((y[t + 2], t < T - 2), (1, True))), Eq(z[-1], 0),
        Eq(v[t], v[t - 1] / 5 + y[t] + z[T - 1 - t]), Eq(v[-1], 0),
    ).compile("y", "z", "v")  # fmt: skip
    for n in LENGTHS:
        a = rng.normal(size=n)
        first = lfilter([1], [1, -1 / 2], a)
        second = lfilter([1], [1, -1 / 3], np.append(first[2:], np.ones(min(2, n))))
        third = lfilter([1], [1, -1 / 5], first + second[::-1])
        for mine, wanted in zip(run(x=a), (first, second, third), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("back", [1, 2, 3, 4, 5, 9, 20])
def test_the_last_steps_are_there_behind_the_loop(back):
    """A recurrence that looks one step back keeps as many steps as are read when it is over."""
    s, y = gc.Tensor("s", T, N), gc.Tensor("y", N)
    value = sum((k + 1) * Piecewise((s[T - 1 - k, i], k < T), (0, True)) for k in range(back))
    system = gc.System(Eq(s[t, i], tanh(s[t - 1, i] + x[t])), Eq(s[-1, i], i), Eq(y[i], value))
    run = system.compile("y")
    for n in (1, 2, 7, 64, 65, 67):
        data, states = rng.normal(size=n), [np.arange(5.0)]
        for v in data:
            states.append(np.tanh(states[-1] + v))
        wanted = sum((k + 1) * states[-1 - k] for k in range(min(back, n)))
        np.testing.assert_allclose(run(x=data, N=5), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("cost", [0, 1])
def test_two_axes_at_once_on_diagonals_and_by_rows(cost):
    """A table of which each element reads three neighbours, cheap (by rows) or costly (a wavefront)."""
    d, E = gc.Tensor("d", T, N), gc.Input("E", T, N)
    past = d[t - 1, i] * 0.5 - d[t, i - 1] + d[t - 1, i - 1] * 0.3 + E[t, i]
    system = gc.System(
        Eq(d[t, i], tanh(past) if cost else Piecewise((past, past > 0), (-past / 2, True))),
        Eq(d[-1, i], 0.1 * i), Eq(d[t, -1], 0.2 * t), Eq(d[-1, -1], 1), Eq(L, Sum(d[t, i] ** 2, t, i)),
    )  # fmt: skip
    run = system.compile("d", gc.D(L, E))
    for n, m in ((1, 1), (1, 5), (6, 1), (5, 9), (9, 5), (17, 17), (33, 8)):
        data = rng.normal(size=(n, m)) / 2
        found, wanted = run(E=data), system.evaluate("d", gc.D(L, E), E=data)
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
