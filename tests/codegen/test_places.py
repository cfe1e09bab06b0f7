"""Subscripts that only the run can tell are held to their axis, at every point, and to the order of the elements.

Only the first point of a tile was checked once (memory beyond an array was read, and written by gradients), and a
rule's own check hid that of the order.
"""

import sys
from itertools import pairwise

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Min, Mod, Sum, amax, tanh
from graphc.schedule import plans
from tests.codegen.guarded import call_guarded
from tests.compiled import agree, listed, numbers

M, N, R, T = gc.sizes("M N R T")
i, j, t, m = gc.indices("i j t m")
E, K, L, n0 = gc.Input("E", M), gc.Input("K", N, R), gc.Tensor("L"), gc.Input("n0", dtype="int64")
q, s, u, w = gc.Input("q", T, dtype="int64"), gc.Tensor("s", T), gc.Tensor("u", T, N), gc.Input("w", R)
y, z, x = gc.Tensor("y", N), gc.Input("z", N), gc.Input("x", T)
WINDOWS = {
    "shifted": ([Eq(y[i], E[i + n0])], y, lambda n, bad: {"E": numbers(16), "n0": 16 - n + bad, "N": n}),
    "reversed": ([Eq(y[i], E[n0 - i])], y, lambda n, bad: {"E": numbers(16), "n0": n - 1 - bad, "N": n}),
    "summed": (
        [Eq(L, Sum(z[i] * E[i + n0], i))], L, lambda n, bad: {"E": numbers(16), "n0": 16 - n + bad, "z": numbers(n)}
    ),
    "largest": (
        [Eq(L, amax(z[i] * E[i + n0], i))], L, lambda n, bad: {"E": numbers(16), "n0": 16 - n + bad, "z": numbers(n)}
    ),
    "contracted": (
        [Eq(s[t], Sum(w[j] * E[j + q[t]], j))], s,
        lambda n, bad: {"E": numbers(20), "w": numbers(n), "q": np.array([0, 20 - n + bad, 1])},
    ),
    "rows": (
        [Eq(u[t, i], E[i + q[t]] + z[i])], u,
        lambda n, bad: {"E": numbers(20), "z": numbers(n), "q": np.array([0, 3, 20 - n + bad])},
    ),
    "in time": (
        [Eq(u[t, i], tanh(u[t - 1, i] + E[i + q[t]])), Eq(u[-1, i], z[i])], u,
        lambda n, bad: {"E": numbers(20), "z": numbers(n), "q": np.array([0, 3, 20 - n + bad])},
    ),
    "own state": (
        [Eq(u[t, i], u[t - 1, Min(i + q[t], N - 1 + n0)] + z[i]), Eq(u[-1, i], z[i])], u,
        lambda n, bad: {"z": numbers(n), "q": np.array([0, 1, 2]), "n0": bad},
    ),
    "matrix": (
        [Eq(y[i], Sum(K[i, j] * E[j + Min(2, N)], j))], y,
        lambda n, bad: {"E": numbers(n + min(2, n) - bad), "K": numbers(n, n)},
    ),
    "no data": (
        [Eq(y[i], z[i] + E[i + 2 * Min(i * i, 1)])], y,
        lambda n, bad: {"E": numbers(max(n + 2 * (n > 1), 1) - bad), "z": numbers(n)},
    ),
}  # fmt: skip
linux = pytest.mark.skipif(sys.platform != "linux", reason="guards memory as Linux does")
p = gc.Input("p", M, dtype="int64")
BEYOND = {
    "data": (Mod(p[m], 7), {"p": np.full(9, 6)}),
    "a size": (Mod(m, R), {"R": 9, "M": 9}),
    "11": (Mod(m * m, 11), {"M": 9}),
}


@linux
@pytest.mark.parametrize("name", WINDOWS)
def test_every_point_of_a_tile_is_held_to_the_axis(name):
    equations, output, arguments = WINDOWS[name]
    if output is not L:
        equations = [*equations, Eq(L, Sum(output**2))]
    net = gc.System(*equations)
    wrt = [v for v in (E, z, K) if v in {m for e in equations for m in e.atoms(gc.Input)}]
    asked = [output, *(gc.D(L, v) for v in wrt)]
    run = net.compile(*asked)
    for n in (1, 2, 3, 5, 8, 9, 13, 16):
        good = arguments(n, 0)
        wanted = listed(net.evaluate(*asked, **good), len(asked))
        for side in ("before", "after"):
            for found, right in zip(listed(call_guarded(run, side, good), len(asked)), wanted, strict=True):
                np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)
        bad = arguments(n, 1)
        with pytest.raises(gc.GraphcError):
            net.evaluate(*asked, **bad)
        for side in ("before", "after"):
            with pytest.raises(gc.GraphcError, match=r"outside axis|does not exist"):
                call_guarded(run, side, bad)


@pytest.mark.parametrize("rule", ["reflect", "edge"])
def test_a_boundary_rule_does_not_order_the_elements(rule):
    """s[t - 1 - q[t]] bent back may be an element that is still to come: what memory held was read."""
    v = gc.Tensor("v", T, outside=rule)
    net = gc.System(Eq(v[t], tanh(x[t] + v[t - 1 - q[t]])), Eq(v[0], 0.3))
    run, values = net.compile(v), numbers(5)
    good = np.array([0, 0, 1, 0, 2])
    np.testing.assert_allclose(run(x=values, q=good), net.evaluate(v, x=values, q=good), rtol=1e-12)
    for bad in ([0, -1, 0, 0, 0], [0, 0, 0, -2, 0]):  # itself, and one ahead
        with pytest.raises(gc.ArgumentError, match="not computed yet"):
            run(x=values, q=np.array(bad))


def test_a_lag_from_data_before_the_start_is_zero():
    """With outside=0 what is read there is no element, so that none has to come before."""
    v = gc.Tensor("v", T, outside=0)
    equations = [Eq(v[t], tanh(x[t] + v[t - n0] / 2 + v[t - 1 - q[t]])), Eq(L, Sum(v**2))]
    values, lags = numbers(6), np.array([0, 3, 0, 1, 5, 2])
    for lag in (1, 2, 6, 9):
        found = np.zeros(20)  # the last ones, zeros, stand for those before the start
        for n in range(6):
            found[n] = np.tanh(values[n] + found[n - lag] / 2 + found[n - 1 - lags[n]])
        agree(equations, [v], {"x": values, "q": lags, "n0": lag}, [found[:6]])
        agree(equations, [L, gc.D(L, x)], {"x": values, "q": lags, "n0": lag})
    with pytest.raises(gc.ArgumentError, match="not computed yet"):
        gc.System(*equations).compile(v)(x=values, q=lags, n0=0)


@pytest.mark.parametrize("which", BEYOND)
def test_remainders_that_leave_the_axis_are_refused(which):
    """Mod(.., n) stays inside an axis of n elements, not inside any other."""
    x = gc.Input("x", N)
    o, (subscript, data) = gc.Tensor("o", M), BEYOND[which]
    for output in ("o", D(L, x)):
        run = gc.System(Eq(o[m], x[subscript]), Eq(L, Sum(o[m] ** 2, m))).compile(output)
        with pytest.raises(gc.ArgumentError, match="outside axis 0 of x"):
            run(x=np.arange(5.0), **data)


def test_bad_indices_are_named_in_long_programs(monkeypatch):
    """Programs of thousands of operations (here hundreds) are several functions, which number their checks together."""
    monkeypatch.setattr(plans, "PIECE", 200)
    x = gc.Input("x", N)
    q, o, w = gc.Input("q", M, dtype="int64"), gc.Tensor("o", M), gc.Tensor("w", M)
    chain = [gc.Tensor(f"c{step}") for step in range(90)]
    steps = [Eq(b, tanh(a * 1.5 + step) + a / 3) for step, (a, b) in enumerate(pairwise(chain))]
    run = gc.System(Eq(o[m], x[p[m]]), Eq(chain[0], o[0]), *steps, Eq(w[m], x[q[m]] * chain[-1])).compile("o", "w")
    assert "body1" in run.llvm_ir
    with pytest.raises(gc.ArgumentError, match=r"(?s)index 9 .*q\[m\]"):
        run(x=np.arange(5.0), p=np.array([1, 2]), q=np.array([1, 9]))


def test_neighbours_by_data_in_a_recurrence_that_runs_backwards():
    q, X, up = gc.Tensor("q", T, N), gc.Input("X", T, N), gc.Input("up", N, dtype="int64")
    equation = Eq(q[t, i], X[t, i] + q[t + 1, up[i]] / 2 + q[t, i - 1] / 3)
    agree([equation, Eq(q[T, i], 1), Eq(q[t, -1], 0)], [q], {"X": numbers(4, 5), "up": [4, 0, 3, 1, 2]})
