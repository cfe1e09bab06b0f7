"""Gradients lie at the step they belong to, for all lags and lengths (Theano#5439)."""

import numpy as np
import pytest
from scipy.signal import lfilter

import graphc as gc
from graphc import Eq, Piecewise, Sum, tanh
from tests.differences import slopes

K, N, T = gc.sizes("K N T")
t = gc.indices("t")
L, w, x = gc.Tensor("L"), gc.Input("w", T), gc.Input("x", T)
rng = np.random.default_rng(0)
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 63, 64, 65, 130)


def test_gradient_of_a_run_that_stops_early_lies_at_its_steps():
    """Theano#5439: a scan over the first K of K + N elements had its gradient at the last K."""
    a, y = gc.Input("a", K + N), gc.Tensor("y", K)
    run = gc.System(Eq(y[t], a[t] ** 2 + y[t - 1] / 2), Eq(y[-1], 0), Eq(L, Sum(y))).compile("y", gc.D(L, a))
    for steps, n in [(1, 1), (1, 9), (6, 20), (64, 70), (70, 71)]:
        given = np.arange(n, dtype=float)
        found = run(a=given, K=steps)
        weight = np.append(2 - 0.5 ** np.arange(steps)[::-1], np.zeros(n - steps))
        np.testing.assert_allclose(found.y, lfilter([1], [1, -0.5], given[:steps] ** 2), rtol=1e-12)
        np.testing.assert_allclose(found[1], 2 * given * weight, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lag", [-2, -1, 0, 1, 3])
def test_gradient_in_an_input_read_at_another_step_is_at_that_step(lag):
    """Theano#5439's kind: an input read at t + lag gets its gradient at t + lag, forwards and backwards in time."""
    forwards, back = gc.Tensor("f", T), gc.Tensor("b", T)
    read = Piecewise((x[t + lag], (t + lag >= 0) & (t + lag < T)), (0, True))
    run = gc.System(
        Eq(forwards[t], tanh(forwards[t - 1] / 3 + read)), Eq(forwards[-1], 0),
        Eq(back[t], tanh(back[t + 1] / 3 + read)), Eq(back[T], 0),
        Eq(L, Sum(w[t] * (forwards[t] + back[t]), t)),
    ).compile("L", gc.D(L, x))  # fmt: skip

    def by_numpy(a, v):
        shifted = np.array([a[s + lag] if 0 <= s + lag < len(a) else 0.0 for s in range(len(a))])
        total = 0.0
        for row, weights in ((shifted, v), (shifted[::-1], v[::-1])):
            state = 0.0
            for value, weight in zip(row, weights, strict=True):
                state = np.tanh(state / 3 + value)
                total += weight * state
        return total

    for n in (1, 2, 3, 6, 65):
        a, v = rng.normal(size=n), rng.normal(size=n)
        found = run(x=a, w=v)
        np.testing.assert_allclose(found.L, by_numpy(a, v), rtol=1e-11)
        np.testing.assert_allclose(found[1], slopes(lambda a, v=v: by_numpy(a, v), a), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_adjoint_of_an_autoregression_against_its_companion_form(order):
    """AR(p): the adjoint of a state with several lags sums one contribution a lag, each from a step of its own; the
    companion form has one lag and a matrix, so its gradient is plain linear algebra. Gradients in the coefficients,
    the input and the start values."""
    p, y, start = gc.Param("p", order), gc.Tensor("y", T), gc.Input("start", order)
    step = x[t] + sum(p[q] * y[t - 1 - q] for q in range(order))
    run = gc.System(
        Eq(y[t], step), *(Eq(y[-1 - q], start[q]) for q in range(order)), Eq(L, Sum(w[t] * y[t] ** 2, t))
    ).compile("y", gc.D(L, p), gc.D(L, x), gc.D(L, start))
    for n in LENGTHS:
        a, v, first = rng.normal(size=n), rng.normal(size=n), rng.normal(size=order)
        c = rng.uniform(-0.9, 0.9, order) / order
        companion = np.eye(order, k=-1)
        companion[0] = c
        states = [first]
        for value in a:
            states.append(companion @ states[-1])
            states[-1][0] += value
        outputs = np.array([s[0] for s in states[1:]])
        back, dp, dx = np.zeros(order), np.zeros(order), np.zeros(n)
        for s in reversed(range(n)):
            back = back.copy()
            back[0] += 2 * v[s] * outputs[s]
            dp += back[0] * states[s]
            dx[s] = back[0]
            back = companion.T @ back
        found = run(x=a, w=v, p=c, start=first)
        np.testing.assert_allclose(found.y, outputs, rtol=1e-10, atol=1e-12)
        for mine, wanted in zip(found[1:], (dp, dx, back), strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-9, atol=1e-11)
