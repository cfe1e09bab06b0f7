"""A read that a condition on data guards is made only where the condition holds, in recurrences and outside.

Each was refused when the system was made (a place that is affine), or by the call (one from data)."""

import sys

import numpy as np
import pytest

import graphc as gc
from graphc import Abs, D, Eq, Max, Piecewise, Sum, floor, tanh
from tests.codegen.guarded import call_guarded
from tests.compiled import agree, numbers

N, M, T, C = gc.sizes("N M T C")
n, k, t, c, i = gc.indices("n k t c i")
x, m, y, L = gc.Input("x", N), gc.Input("m", N, dtype="int64"), gc.Tensor("y", N), gc.Tensor("L")
J, E = gc.Input("J", N, dtype="int64"), gc.Input("E", M)
loss = Eq(L, Sum(y**2))


def test_knapsack():
    w, v, B = gc.Input("w", T, dtype="int64"), gc.Input("v", T), gc.Tensor("B", T, C)
    more = Piecewise((B[t - 1, c - w[t]] + v[t], c >= w[t]), (0, True))
    equations = [Eq(B[t, c], Max(B[t - 1, c], more)), Eq(B[-1, c], 0), Eq(L, B[T - 1, C - 1])]
    weights, worth = np.array([3, 1, 20, 4, 2]), numbers(5) ** 2
    wanted = np.zeros((6, 9))
    for a in range(5):
        for room in range(9):
            taken = wanted[a, room - weights[a]] + worth[a] if room >= weights[a] else 0
            wanted[a + 1, room] = max(wanted[a, room], taken)
    given = {"w": weights, "v": worth, "C": 9}
    agree(equations, [B], given, [wanted[1:]])
    agree(equations, [L, D(L, v)], given)
    with pytest.raises(gc.ArgumentError, match="outside axis 1 of B"):
        gc.System(*equations).compile(B)(**{**given, "w": -weights})


@pytest.mark.parametrize(
    "value, ends, options",
    [
        (Piecewise((x[n - 1] * x[n + 1], m[n] > 0), (x[n], True)), (0, 5), {"sizes": {"N": 6}, "unfold": True}),
        (Piecewise((x[n], m[n] <= 0), (x[n - 1] + x[n - 2], True)), (0, 1), {"dtype": "float32"}),
        (Piecewise((tanh(y[n - 1]) + y[n - 2], m[n] > 0), (x[n], True)), (0, 1), {"sizes": {"N": 6}}),
        (x[n] + Piecewise((tanh(y[n + 1]), m[n] > 0), (0, True)), (5,), {}),
    ],
)
def test_a_neighbour_where_there_is_one(value, ends, options):
    """Whether there is, data say; where they are wrong, call and interpreter do."""
    equations = [Eq(y[n], value), loss]
    good = np.ones(6, int)
    good[list(ends)] = 0
    values = numbers(6).astype(options.get("dtype", "float64"))
    agree(equations, [y, L, D(L, x)], {"x": values, "m": good}, **options)
    net = gc.System(*equations)
    run = net.compile(D(L, x))
    for end in ends:
        bad = good.copy()
        bad[end] = 1
        with pytest.raises(gc.ArgumentError, match=r"the subscript n [-+] \d = .* is outside axis 0"):
            run(x=numbers(6), m=bad)
        with pytest.raises(gc.GraphcError):
            net.evaluate(L, x=numbers(6), m=bad)


def test_a_place_from_data_that_is_not_asked_for():
    equations = [Eq(y[n], Piecewise((E[J[n]] * x[n], J[n] >= 0), (x[n], True))), loss]
    given = {"x": numbers(4), "E": numbers(3), "J": np.array([2, -1, 0, -7])}
    agree(equations, [y, L, D(L, x), D(L, E)], given)
    for bad in ([3, 0, 0, 0], [0, -1, 0, 3]):
        with pytest.raises(gc.ArgumentError, match=r"index 3 .*outside axis 0 of E"):
            gc.System(*equations).compile(y)(**{**given, "J": np.array(bad)})


def test_conditions_inside_conditions():
    """E[J[k]] is asked for where both hold, J[k] where the outer one does; what any choice asks for is asked for."""
    place = J[n - m[n]]
    inner = Piecewise((E[place], place >= 0), (E[place + 3], True))
    equations = [Eq(y[n], Piecewise((inner, m[n] <= n), (x[n], True)) + Piecewise((E[J[n] + 3], x[n] > 0), (0, True)))]
    given = {"x": np.abs(numbers(4)), "E": numbers(6), "J": np.array([2, -1, 0, -3]), "m": np.array([0, 1, 9, 2])}
    agree(equations, [y], given)
    given["J"] = np.array([-4, -1, 0, -3])
    given["m"] = np.array([1, 0, 9, 2])
    with pytest.raises(gc.GraphcError):
        gc.System(*equations).compile(y)(**given)
    given["x"][0] = -1
    agree(equations, [y], given)


def test_a_mask_on_a_grid():
    """Inside, where all neighbours are, they are read as ever; only at the rim does the call look."""
    Y, X = gc.sizes("Y X")
    u, open_, v = gc.Input("u", Y, X), gc.Input("open", Y, X), gc.Tensor("v", Y, X)
    around = u[n - 1, k] + u[n + 1, k] + u[n, k - 1] + u[n, k + 1] - 4 * u[n, k]
    equations = [Eq(v[n, k], Piecewise((around, open_[n, k] > 0), (u[n, k], True)))]
    mask = np.zeros((5, 6))
    mask[1:-1, 1:-1] = numbers(3, 4)
    agree(equations, [v], {"u": numbers(5, 6), "open": mask})
    parts = gc.System(*equations).ir.equations[0].terms
    assert sum("only" not in repr(part.value) for part in parts) == 1
    assert len(parts) <= 16


@pytest.mark.skipif(sys.platform != "linux", reason="guards memory as Linux does")
def test_nothing_to_read_is_no_mistake():
    """Nor is anything touched: of a tensor without elements, at the ends of what has some."""
    u, a, out = gc.Input("u", M, C), gc.Input("a", N, C), gc.Tensor("out", N, C)
    equations = [
        Eq(out[n, k], Piecewise((u[J[n], k] * a[n, k], J[n] >= 0), (a[n, k], True))),
        Eq(y[n], Piecewise((E[J[n] + 1] * u[m[n], C - 1 - n], m[n] > 0), (x[n], True))),
        Eq(L, Sum(out**2) + Sum(y**2)),
    ]
    net = gc.System(*equations)
    run = net.compile(out, y, D(L, u), D(L, a), D(L, E))
    for size in (0, 3):
        J_, m_ = np.full(5, -1), np.zeros(5, int)
        if size:
            J_[2], m_[3], J_[3] = 2, 2, -1
        given = {"u": numbers(size, 9), "a": numbers(5, 9), "E": numbers(size), "x": numbers(5), "J": J_, "m": m_}
        wanted = net.evaluate(out, y, D(L, u), D(L, a), D(L, E), **given)
        for side in ("before", "after"):
            for found, right in zip(call_guarded(run, side, given), wanted, strict=True):
                np.testing.assert_allclose(found, right, rtol=1e-10, atol=1e-12)
    for name in ("J", "m"):
        given = {"u": numbers(0, 9), "a": numbers(5, 9), "E": numbers(0), "x": numbers(5), "J": -np.ones(5, int)}
        given["m"] = np.zeros(5, int)
        given[name] = np.arange(5)
        with pytest.raises(gc.ArgumentError, match="outside axis 0"):
            call_guarded(run, "after", given)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rounded_numbers_are_places(dtype):
    """A delay that is computed; what is no number, or too large for one of 64 bits, is no place."""
    d, v = gc.Input("d", N), gc.Tensor("v", N, outside=0)
    delays = np.array([0, 0.5, 1.7, 3.0, -0.5, 2])
    given = {"x": numbers(6).astype(dtype), "d": delays.astype(dtype)}
    agree([Eq(y[n], x[n - floor(d[n])]), loss], [y, D(L, x)], given, dtype=dtype)
    agree([Eq(v[n], x[n] + v[n - 1 - floor(Abs(d[n]))] / 2), Eq(L, Sum(v**2))], [v, D(L, x)], given, dtype=dtype)
    run = gc.System(Eq(y[n], x[n - 4 * floor(d[n])])).compile(y, dtype=dtype)
    for bad in (np.nan, np.inf, -np.inf, 2.0**62, -(2.0**63), 1e30):
        with pytest.raises(gc.ArgumentError, match="outside axis 0 of x"):
            run(**{**given, "d": np.array([0, bad, 0, 0, 0, 0], dtype)})
    counts = gc.System(Eq(y[n], Sum(gc.KroneckerDelta(n, floor(d[k])), k))).compile(y)
    assert counts(d=np.array([0.5, np.nan, np.inf, -1, 2.9, 2])).tolist() == [1, 0, 2, 0, 0, 0]
