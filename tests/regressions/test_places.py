"""Subscripts that only the run can tell: from data beside an index, computed and not affine, bent by a boundary rule.

All of this was wrong once: only the first point of a tile was checked (memory beyond an array was read, and written by
gradients), start values were not seen to be read, a rule's own check hid that of the order, and a tensor taken into its
reader took its axis with it.
"""

import sys

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Mean, Min, Mod, Piecewise, Sum, amax, sin, tanh
from tests import oracle
from tests.codegen.guarded import call_guarded
from tests.regressions.compiled import agree, listed, numbers

T, N, M, R = gc.sizes("T N M R")
t, i, j = gc.indices("t i j")
x, w, E, z = gc.Input("x", T), gc.Input("w", R), gc.Input("E", M), gc.Input("z", N)
q, n0 = gc.Input("q", T, dtype="int64"), gc.Input("n0", dtype="int64")
s, a, y, L = gc.Tensor("s", T), gc.Tensor("a", T), gc.Tensor("y", N), gc.Tensor("L")
u, K = gc.Tensor("u", T, N), gc.Input("K", N, R)

linux = pytest.mark.skipif(sys.platform != "linux", reason="guards memory as Linux does")
# Equations, and arguments of which the last point alone may lie outside: by `bad` elements.
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


def test_start_values_at_computed_places():
    """They are computed before, kept, and get their gradient; also where an equation might be taken into its reader."""
    c, d, b, v = gc.Tensor("c", T), gc.Tensor("d", T), gc.Tensor("b"), gc.Tensor("v")
    slow = [Eq(s[t], sin(x[t])), Eq(s[-1], v), Eq(v, Sum(c[j], j)), Eq(c[t], tanh(c[t - 1] + d[t])), Eq(c[-1], 0)]
    slow += [Eq(d[t], d[t + 1] / 2 + x[t]), Eq(d[T], 1)]
    more = [Eq(b, s[-1] ** 2), Eq(L, Sum(y[i] ** 2, i) + b)]
    for equations in (
        [Eq(y[i], s[Mod(i * i, T) - 1])],
        [Eq(y[i], a[Min(i * i, T - 1)]), Eq(a[t], s[t - 1] * 2)],
        [Eq(y[i], a[Min(i * i, T - 1)]), Eq(a[t], s[t - 1])],
    ):
        for outputs in ([y], [y, b], [b, y], [gc.D(L, x)], [L, gc.D(L, v), gc.D(L, s)]):
            agree([*equations, *slow, *more], outputs, {"x": numbers(5), "N": 3})
        oracle.check(gc.System(*equations, *slow, *more), "L", second=False, transforms=[])


def test_an_index_from_data_is_held_to_the_axis_of_the_tensor_it_stands_at():
    """`a` would be taken into `y`: then 3 was an element of x, and 0 pointed at a start value."""
    places = gc.Input("places", N, dtype="int64")
    for equations, arguments in (
        ([Eq(a[t], gc.Input("more", T + 1)[t + 1])], {"more": numbers(4)}),
        ([Eq(a[t], s[t - 1] * 2), Eq(s[t], x[t]), Eq(s[-1], 0.5)], {"x": numbers(3)}),
        ([Eq(a[t], 0 * t)], {}),
    ):
        equations = [*equations, Eq(y[i], a[places[i]])]
        agree(equations, [y], {**arguments, "places": np.array([0, 2, 1, 0]), "T": 3})
        run = gc.System(*equations).compile(y)
        for bad in (3, -1):
            with pytest.raises(
                gc.ArgumentError, match=f"index {bad} read from data is outside axis 0 of a, which has 3"
            ):
                run(**arguments, places=np.array([0, bad]), T=3)


@pytest.mark.parametrize("rule", ["reflect", "symmetric", "edge", "wrap", 0])
def test_an_index_from_data_that_a_rule_bends(rule):
    """It lies inside a; in s, into which a's equation leads, it may be that of a start value."""
    v, places = gc.Tensor("v", T, outside=rule), gc.Input("places", N, dtype="int64")
    equations = [Eq(y[i], v[places[i]]), Eq(v[t], s[t - 1] * 2), Eq(s[t], sin(x[t])), Eq(s[-1], 0.5)]
    agree(equations, [y], {"x": numbers(4), "places": np.array([0, -1, 4, 9, -6, 3, 1])})


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


@pytest.mark.parametrize("place", [Min(t - 1, t * t), Max(t - t * t, 0), Mod(t * t, t), Max(t - 1 - Mod(t * t, 2), 0)])
def test_computed_places_that_lie_before(place):
    """No data, and not affine: refused when compiled, as if each element needed itself."""
    oracle.check(
        gc.System(Eq(s[t], tanh(s[place] + x[t])), Eq(s[0], 0.3), Eq(L, Sum(s**2))), "L", second=False, transforms=[]
    )


@pytest.mark.parametrize("limits", [(0, Min(R, M) - 1), (Max(M - R, 0), M - 1), (0, Min(R, M, 2) - 1)])
def test_a_mean_over_a_clamped_range(limits):
    """Its length is not affine: a ValueError of Python's."""
    agree([Eq(L, Mean(E[j], (j, *limits)) + Sum(w[j], j))], [L], {"E": numbers(3), "w": numbers(2)})


def test_a_mean_over_a_range_that_grows_to_a_limit():
    agree([Eq(s[t], Mean(x[j], (j, 0, Min(t, T - 2))) + Piecewise((x[t], t > 0), (0, True)))], [s], {"x": numbers(5)})
