"""Rings of the last steps and blocks of time have room for all that is read: elsewhere, later, or as an update."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, exp, sin, tanh
from tests.compiled import agree, numbers

T, N, H = gc.sizes("T N H")
t, i, k, n, j = gc.indices("t i k n j")
L, g, h, r, U = gc.Tensor("L"), gc.Input("g", T), gc.Input("h", T), gc.Tensor("r", T), gc.Input("U", N, N)
X, a, s, V = gc.Input("X", T, N), gc.Tensor("a", T, N), gc.Tensor("s", T, N), gc.Input("V", N, N)
b, c, W = gc.Tensor("b", T, N), gc.Tensor("c", T), gc.Param("W", H, H)
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


@pytest.mark.parametrize("which", PARTICULAR)
def test_elements_with_values_of_their_own_inside_recurrences(which):
    """A ring of the last steps has no room for what is written long before its step."""
    equations = [*PARTICULAR[which], Eq(r[-1], 0.25)]
    for outputs in ([L], [L, D(L, g)]):  # the gradient needs all steps
        for steps in (6, 7, 20):
            agree(equations, outputs, {"g": numbers(steps)})


def test_two_loops_over_one_tensor_need_all_steps_between():
    """Its first columns recur without the others, which read them: two loops over all of time, not one in two parts."""
    v = gc.Tensor("v", T, N)
    equations = [
        Eq(s[t, n], Piecewise((tanh(v[t - 1, n] + X[t, n]), n < 2), (tanh(v[t - 1, n] + s[t, 0]), True))),
        Eq(v[t, n], Piecewise((exp(-s[t, n] ** 2), n < 2), (exp(-s[t, n]), True))), Eq(v[-1, n], 0),
        Eq(L, Sum(s[T - 1, n] + v[T - 1, n], n)),
    ]  # fmt: skip
    for outputs in ([L], [L, D(L, X)]):
        for steps in (1, 6, 70):
            agree(equations, outputs, {"X": numbers(steps, 4)})


def test_three_steps_read_together_behind_a_loop():
    r = gc.Tensor("r", T + 2, H)
    long, last = gc.Input("long", T + 2, H), gc.Tensor("last", H)
    step = Eq(r[t, i], tanh(long[t, i] + Sum(W[i, j] * r[t - 1, j], j)))
    curve = Eq(last[i], r[T + 1, i] - 2 * r[T, i] + r[T - 1, i])
    agree([step, Eq(r[-1, i], 0), curve], [last], {"long": numbers(9, 5), "W": numbers(5, 5) / 3})


@pytest.mark.parametrize("steps", [5, 64, 150])
def test_blocks_of_a_buffer_whose_first_step_is_read_throughout(steps):
    s = gc.Tensor("s", T, H)
    U, w, a, last = gc.Param("U", H, N), gc.Param("w", H), gc.Tensor("a", T, H), gc.Tensor("last", H)
    V = gc.Input("V", T, N)
    equations = [
        Eq(a[t, i], Sum(U[i, k] * V[t, k], k)), Eq(s[t, i], tanh(a[t, i] * a[0, i] + w[i] * s[t - 1, i])),
        Eq(s[-1, i], 0), Eq(last[i], s[T - 1, i]),
    ]  # fmt: skip
    agree(equations, [last], {"V": numbers(steps, 3), "U": numbers(4, 3), "w": numbers(4)})


def test_an_argument_that_is_written_and_never_read():
    X, s = gc.Input("X", T, H), gc.Tensor("s", T, H)
    last, new = gc.Param("last", H), gc.Tensor("new", H)
    system = gc.System(
        Eq(s[-1, i], 0), Eq(s[t, i], s[t - 1, i] / 3 + X[t, i]), Eq(new[i], s[T - 1, i]), Eq(L, Sum(s**2))
    )
    system = gc.System(*system.equations, Eq(gc.Tensor("q"), Sum(last)))
    data = {"X": numbers(7, 5), "last": np.zeros(5)}
    wanted = system.evaluate(new, **data)
    system.compile(L, update={last: new})(**data)
    np.testing.assert_allclose(data["last"], wanted)
