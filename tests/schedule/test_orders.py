"""Recurrences whose order was not found, or found wrong: lags by a size, halves, several rates, rims, triangles."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Max, Min, Mod, Piecewise, Sum, cos, exp, log, sin, sqrt, tanh
from graphc.transforms.batch import batch
from tests import oracle
from tests.compiled import agree, numbers

T, N, P, M = gc.sizes("T N P M")
t, i, j, k = gc.indices("t i j k")
x, X, z, Z = gc.Input("x", T), gc.Input("X", N, N), gc.Input("z", P), gc.Input("Z", N)
s, h, q, L = gc.Tensor("s", T), gc.Tensor("h", T + P), gc.Tensor("q", T), gc.Tensor("L")
u, fast, C = gc.Tensor("u", T, N, outside="wrap"), gc.Tensor("fast", 3 * T), gc.Tensor("C", N, N)
m, r = gc.Tensor("m", T, N, outside="reflect"), gc.Tensor("r", N, P)
r3, rim = gc.Tensor("r3", T, N, P), gc.Input("rim", N, P)
y, Y, K, A = gc.Tensor("y", T + 1, N), gc.Tensor("Y", T, P, N), gc.Tensor("K", T, P, N), gc.Input("A", P, P)

o, even, six = gc.Tensor("o", P, P), gc.Tensor("even", 2 * T), gc.Tensor("six", 6 * T)


def score(m):
    return tanh(Sum(A[t, k] * o[m, k], k))


season = gc.System(
    Eq(h[t], Piecewise((z[t], t < P), (tanh(0.9 * h[t - P] + x[t - P]), True))),
    Eq(L, Sum(h[t] ** 2, t)),
)
triangular = gc.System(
    Eq(C[i, j], Piecewise(
        ((X[i, j] - Sum(C[i, k] * C[j, k], (k, 0, j - 1))) / C[j, j], j < i),
        (sqrt(20 + X[i, i] ** 2 + Sum(C[i, k] ** 2, (k, 0, i - 1))), Eq(i, j)),
        (0, True),
    )),
    Eq(L, Sum(C[i, j] ** 2, i, j)),
)  # fmt: skip
SYSTEMS = {
    "a season: a lag given by a size": season,
    "a heap: each reads the one at half its place": gc.System(
        Eq(s[t], tanh(s[t // 2] + x[t])), Eq(s[0], x[0]), Eq(L, Sum(s[t] ** 2, t))
    ),
    "two rates": gc.System(
        Eq(q[t], tanh(fast[3 * t] + x[t])), Eq(fast[3 * t], cos(fast[3 * t - 1] / 2)),
        Eq(fast[3 * t + 1], sin(fast[3 * t]) - q[t]), Eq(fast[3 * t + 2], fast[3 * t + 1] * x[t]),
        Eq(fast[-1], 0.3), Eq(L, Sum(fast[t] ** 2, t)),
    ),
    "a slow one reads ahead, a fast one by halves": gc.System(
        Eq(even[t], x[t // 2] + 0.7 * s[t // 2 - 1] + even[t - 2] / 3), Eq(even[-1], 0), Eq(even[-2], 1),
        Eq(s[-1], 0.5), Eq(s[t], tanh(even[2 * t + 1] * even[2 * t])), Eq(L, Sum(even**2) + Sum(s)),
    ),
    "three rates, through a sum": gc.System(
        Eq(six[t], x[t // 6] + 0.7 * fast[t // 2 - 1]), Eq(fast[-1], 0.1),
        Eq(fast[t], sin(Sum(six[2 * t + j], (j, 0, 1)) + s[t // 3 - 1])), Eq(s[-1], 0.3),
        Eq(s[t], fast[3 * t] * fast[3 * t + 2] + s[t - 1] * x[t]), Eq(L, Sum(six**2) + Sum(s)),
    ),
    "rates backward": gc.System(
        Eq(even[t], x[t // 2] + 0.7 * s[t // 2 + 1]), Eq(s[T], 0.5), Eq(s[t], tanh(even[2 * t + 1] + even[2 * t])),
        Eq(L, Sum(even**2) + Sum(s)),
    ),
    "a stencil on a ring": gc.System(
        Eq(u[t, i], tanh(u[t - 1, i - 1] + 0.5 * u[t - 1, i + 2])), Eq(u[-1, i], Z[i]), Eq(L, Sum(u[t, i] ** 2, t, i))
    ),
    "a stencil between mirrors": gc.System(
        Eq(m[t, i], tanh(m[t - 1, i - 2] - m[t - 2, i + 1])), Eq(m[-1, i], Z[i]), Eq(m[-2, i], 1),
        Eq(L, Sum(m[t, i] ** 2, t, i)),
    ),
    "costs of warped paths, with borders of two kinds": gc.System(
        Eq(r[i, j], (Z[i] - z[j]) ** 2 + Sum(X[i, k] * X[k, i], k)
           - log(exp(-r[i - 1, j]) + exp(-r[i, j - 1]) + exp(-r[i - 1, j - 1]))),
        Eq(r[-1, j], 5), Eq(r[i, -1], 4), Eq(r[-1, -1], 0), Eq(L, r[N - 1, P - 1]),
    ),
    "a triangle: each reads those left of it and above": triangular,
    "stages of a Runge-Kutta method": gc.System(
        Eq(Y[t, k, i], y[t, i] + Sum(A[k, j] * K[t, j, i], (j, 0, k - 1))),
        Eq(K[t, k, i], tanh(Sum(X[i, j] * Y[t, k, j], j))),
        Eq(y[t + 1, i], y[t, i] + Sum(z[k] * K[t, k, i], k)), Eq(y[0], Z), Eq(L, Sum(y[T, i] ** 2, i)),
    ),
    "cells beyond both ends": gc.System(
        Eq(y[t + 1, i], y[t, i] + tanh(y[t, i - 1] - 2 * y[t, i] + y[t, i + 1]) / 3), Eq(y[0, i], Z[i]),
        Eq(y[t, -1], y[t, 0]), Eq(y[t, N], -y[t, N - 1]), Eq(L, Sum(y[t, i] ** 2, t, i)),
    ),
    "rims on four sides, and starts": gc.System(
        Eq(r3[-1, i, j], rim[i, j]), Eq(r3[t, -1, j], 0), Eq(r3[t, i, -1], 0.2), Eq(r3[t, N, j], 1),
        Eq(r3[t, i, P], rim[i, 0]), Eq(r3[-1, N, j], 1), Eq(r3[-1, i, P], 0.5),
        Eq(r3[t, i, j], 0.4 * (r3[t, i - 1, j] + r3[t, i, j - 1]) + r3[t - 1, i + 1, j] / 3 - r3[t - 1, i, j + 1] / 5),
        Eq(L, Sum(r3[t, i, j] ** 2, t, i, j)),
    ),
    "attention over its own past": gc.System(
        Eq(o[0, k], A[0, k]),
        Eq(o[t, k], Sum(exp(score(i) - log(Sum(exp(score(j)), (j, 0, t - 1)))) * o[i, k], (i, 0, t - 1))),
        Eq(L, Sum(o[t, k] ** 2, t, k)),
    ),
    "steps counted from the end": gc.System(
        Eq(s[T - 1 - t], tanh(s[T - t] + s[T + 1 - t]) * x[t]), Eq(s[T], x[0]), Eq(s[T + 1], 0.1), Eq(L, Sum(s**2)),
    ),
    "lags that stop at the start": gc.System(
        Eq(s[t], tanh(0.5 * s[Max(t - 3, 0)] - x[t]) + Sum(z[j] * s[Max(t - j - 1, 0)], j)), Eq(s[0], x[0]),
        Eq(L, Sum(s[t] ** 2, t)),
    ),
    "ahead, not beyond the end, through another": gc.System(
        Eq(q[t], 0.5 * s[Min(t + 2, T - 1, t + P)]), Eq(s[t], tanh(q[t]) + x[t] * Sum(z[j], j)), Eq(s[T - 1], x[0]),
        Eq(L, Sum(s[t] ** 2, t)),
    ),
    "sweeps to and fro": gc.System(
        Eq(y[0, i], Z[i]),
        Eq(y[t + 1, i], Piecewise(
            (tanh(y[t, i] + Piecewise((y[t + 1, i - 1], i > 0), (0, True))), Eq(Mod(t, 2), 0)),
            (tanh(y[t, i] + Piecewise((y[t + 1, i + 1], i < N - 1), (0, True))), True),
        )),
        Eq(L, Sum(y[t, i] ** 2, t, i)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("transforms", oracle.WAYS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_all_laws(name, transforms):
    oracle.check(SYSTEMS[name], "L", second=name.startswith("a "), seed=1, transforms=transforms)


def test_a_batch_of_triangles():
    """The axis along which a cycle runs was looked for from one end only."""
    ir = triangular.ir
    together = batch(ir, "B", [ir.by_name["X"]])
    c = together.by_name["C"]
    total, loss = oracle.weighed(together, {c: c}, "total")
    oracle.check_compiled(total, loss, {"X": np.random.default_rng(0).normal(size=(3, 4, 4))})


def test_a_lag_of_nothing_is_refused():
    run = season.compile("h")
    assert run(x=np.ones(0), z=np.ones(0)).shape == (0,)
    np.testing.assert_array_equal(run(x=np.ones(0), z=np.ones(2)), [1, 1])
    with pytest.raises(gc.CausalityError) as error:
        run(x=np.ones(3), z=np.ones(0))
    assert str(error.value) == (
        "with P = 0, elements of h would be read before they are computed\n"
        f"  in {season.equations[0]}\n  Call with sizes of at least 1"
    )


def test_cells_beyond_both_ends_of_nothing_need_each_other():
    system = SYSTEMS["cells beyond both ends"]
    run = system.compile("y")
    np.testing.assert_allclose(run(Z=np.ones(1), T=3), system.evaluate("y", Z=np.ones(1), T=3))
    with pytest.raises(gc.CausalityError, match="with N = 0, elements of y would be read before they are computed"):
        run(Z=np.ones(0), T=3)


@pytest.mark.parametrize("transforms", oracle.WAYS)
@pytest.mark.parametrize("place", [Min(t - 1, t * t), Max(t - t * t, 0), Mod(t * t, t), Max(t - 1 - Mod(t * t, 2), 0)])
def test_computed_places_that_lie_before(place, transforms):
    """No data, and not affine: refused when compiled, as if each element needed itself."""
    oracle.check(
        gc.System(Eq(s[t], tanh(s[place] + x[t])), Eq(s[0], 0.3), Eq(L, Sum(s**2))),
        "L",
        second=False,
        transforms=transforms,
    )


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


def test_data_that_point_ahead_in_a_wavefront():
    """Elements across both axes: each step of one needs the other's, wherever the data say."""
    q, X, up = gc.Tensor("q", N, T), gc.Input("X", N, T), gc.Input("up", N, dtype="int64")
    equation = Eq(q[i, j], tanh(X[i, j] + q[up[i], j - 1] + q[i - 1, j]))
    agree([equation, Eq(q[i, -1], 1), Eq(q[-1, j], 0)], [q], {"X": numbers(6, 5), "up": [5, 3, 4, 2, 1, 0]})


def test_a_lag_from_a_size_is_refused_where_it_is_none():
    K = gc.sizes("K")
    s, X = gc.Tensor("s", T), gc.Input("X", T)
    run = gc.System(Eq(s[t], X[t] + Piecewise((s[t - K], t >= K), (0, True)))).compile(s)
    np.testing.assert_allclose(run(X=np.ones(4), K=2), [1, 1, 2, 2])
    with pytest.raises(gc.CausalityError):
        run(X=np.ones(4), K=0)
