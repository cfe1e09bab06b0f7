"""Reads at and beyond an edge: what a rule puts there must get its part of the gradient.

jax#5760, jax#2895: gathers clamp to the edge while scatters drop what is outside, so adjoints lose it.
Stencils have the same trap: an adjoint with edges of its own is not the transpose (non-dual edges).
"""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Min, Piecewise, Sum
from graphc.language.boundaries import BOUNDARIES
from tests.differences import matrix

N, T = gc.sizes("N T")
i, t = gc.indices("i t")
L, w = gc.Tensor("L"), gc.Input("w", N)
PAD = {0: {"mode": "constant"}, **{rule: {"mode": rule} for rule in BOUNDARIES}}
rng = np.random.default_rng(0)


@pytest.mark.parametrize("rule", PAD)
@pytest.mark.parametrize("reach", [1, 3])
def test_adjoint_of_a_read_beyond_the_edge_is_the_transpose(rule, reach):
    """jax#5760: dL/dx at the edges lacks what was read beyond them, or has it at the wrong element."""
    x, y = gc.Input("x", N, outside=rule), gc.Tensor("y", N)
    taps = {-reach: 2.0, 0: 1.0, reach: -3.0, reach - 1: 0.5}
    run = gc.System(Eq(y[i], sum(c * x[i + d] for d, c in taps.items())), Eq(L, Sum(w[i] * y[i], i))).compile(
        "y", gc.D(L, x)
    )

    def by_numpy(a):
        wide = np.pad(a, reach, **PAD[rule])
        return sum(c * wide[reach + d : reach + d + len(a)] for d, c in taps.items())

    for n in (reach + 1, 4, 7, 8, 9, 33):
        a, v = rng.normal(size=n), rng.normal(size=n)
        found = run(x=a, w=v)
        dense = matrix(by_numpy, n)
        np.testing.assert_allclose(found.y, dense @ a, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found[1], dense.T @ v, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", PAD)
def test_adjoint_of_a_stencil_repeated_in_time_is_the_transpose_of_its_power(rule):
    """Non-dual edges: the backward sweep treats the rim as the forward one does, instead of transposed."""
    u, a = gc.Tensor("u", T + 1, N, outside=rule), gc.Input("a", N)
    run = gc.System(
        Eq(u[t, i], u[t - 1, i] / 2 + u[t - 1, i + 1] / 3 - u[t - 1, i - 1] / 7), Eq(u[0, i], a[i]),
        Eq(L, Sum(w[i] * u[T, i], i)),
    ).compile("L", gc.D(L, a))  # fmt: skip

    def step(v):
        wide = np.pad(v, 1, **PAD[rule])
        return v / 2 + wide[2:] / 3 - wide[:-2] / 7

    for n, steps in [(2, 1), (5, 3), (9, 4), (33, 70)]:
        start, v = rng.normal(size=n), rng.normal(size=n)
        dense = np.linalg.matrix_power(matrix(step, n), steps)
        found = run(a=start, w=v, T=steps)
        np.testing.assert_allclose(found.L, v @ dense @ start, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[1], dense.T @ v, rtol=1e-9, atol=1e-12)


def test_an_index_clamped_by_hand_gathers_and_scatters_at_the_same_place():
    """jax#5760: x[clip(i + s)] reads the last element many times; its gradient must count each of them."""
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    run = gc.System(Eq(y[i], x[Min(i + 2, N - 1)] * x[Max(i - 3, 0)]), Eq(L, Sum(w[i] * y[i], i))).compile(
        "y", gc.D(L, x)
    )
    for n in (1, 2, 3, 4, 9, 40):
        a, v = rng.normal(size=n), rng.normal(size=n)
        up, down = np.minimum(np.arange(n) + 2, n - 1), np.maximum(np.arange(n) - 3, 0)
        wanted = np.zeros(n)
        np.add.at(wanted, up, v * a[down])
        np.add.at(wanted, down, v * a[up])
        found = run(x=a, w=v)
        np.testing.assert_allclose(found.y, a[up] * a[down], rtol=1e-13)
        np.testing.assert_allclose(found[1], wanted, rtol=1e-12, atol=1e-14)


def test_a_value_clamped_to_its_limits_has_the_gradient_of_the_side_it_is_on():
    """jax#5760 in values: clip(x) passes the gradient inside, none outside, and half at a tie with a limit."""
    x = gc.Input("x", N)
    run = gc.System(Eq(L, Sum(w[i] * Min(Max(x[i], -1), 2), i))).compile(gc.D(L, x))
    a = np.array([-3.0, np.nextafter(-1, -2), -1, np.nextafter(-1, 0), 0, 2, np.nextafter(2, 3), 9])
    wanted = [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    np.testing.assert_array_equal(run(x=a, w=np.ones(8)), wanted)
    np.testing.assert_array_equal(run(x=np.tile(a, 5), w=np.full(40, 3.0)), np.tile(wanted, 5) * 3.0)


def test_the_last_row_of_a_ragged_border_keeps_its_gradient():
    """The border, a Piecewise, is read by the interior: dL/dx at both ends comes through both."""
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    interior = (x[i - 1] - 2 * x[i] + x[i + 1]) * x[i]
    run = gc.System(
        Eq(y[i], Piecewise((x[i] ** 2, i < 1), (interior, i < N - 1), (x[i] * x[0], True))), Eq(L, Sum(w[i] * y[i], i))
    ).compile(gc.D(L, x))

    def slope(a, v):
        n = len(a)
        out = np.zeros(n)
        for p in range(n):
            if p < 1:
                out[p] += v[p] * 2 * a[p]
            elif p < n - 1:
                out[p - 1] += v[p] * a[p]
                out[p + 1] += v[p] * a[p]
                out[p] += v[p] * (a[p - 1] - 4 * a[p] + a[p + 1])
            else:
                out[p] += v[p] * a[0]
                out[0] += v[p] * a[p]
        return out

    for n in (1, 2, 3, 4, 5, 8, 17):
        a, v = rng.normal(size=n), rng.normal(size=n)
        np.testing.assert_allclose(run(x=a, w=v), slope(a, v), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("where", ["space", "time"])
def test_variable_coefficients_are_read_where_they_stand(where):
    """Not self-adjoint: in (A u)[i] = c[i] (u[i+1] - u[i-1]) the transpose has c[i-1], c[i+1]; a c taken at the
    element written is right for constant c only. Likewise for coefficients of each step."""
    u, a = gc.Tensor("u", T + 1, N), gc.Input("a", N)
    c = gc.Input("c", N) if where == "space" else gc.Input("c", T, N)
    at = c[i] if where == "space" else c[t - 1, i]
    inner = u[t - 1, i] + at * (u[t - 1, i + 1] - u[t - 1, i - 1]) + at**2 * u[t - 1, i]
    run = gc.System(
        Eq(u[t, i], Piecewise((inner, (i > 0) & (i < N - 1)), (u[t - 1, i], True))), Eq(u[0, i], a[i]),
        Eq(L, Sum(w[i] * u[T, i], i)),
    ).compile("L", gc.D(L, a), gc.D(L, c))  # fmt: skip

    def operator(row):
        dense = np.eye(len(row))
        for p in range(1, len(row) - 1):
            dense[p, p] += row[p] ** 2
            dense[p, p + 1] += row[p]
            dense[p, p - 1] -= row[p]
        return dense

    for n, steps in [(3, 1), (6, 2), (17, 5), (33, 66)]:
        start, v = rng.normal(size=n), rng.normal(size=n)
        rows = 0.3 * rng.normal(size=(steps, n)) if where == "time" else np.tile(0.3 * rng.normal(size=n), (steps, 1))
        states = [start]
        for row in rows:
            states.append(operator(row) @ states[-1])
        back, slope = v, np.zeros((steps, n))
        for s in reversed(range(steps)):
            inside = np.arange(1, n - 1)
            before = states[s]
            slope[s, inside] = back[inside] * (
                before[inside + 1] - before[inside - 1] + 2 * rows[s, inside] * before[inside]
            )
            back = operator(rows[s]).T @ back
        given = rows if where == "time" else rows[0]
        more = {} if where == "time" else {"T": steps}
        found = run(a=start, c=given, w=v, **more)
        np.testing.assert_allclose(found.L, v @ states[-1], rtol=1e-9)
        np.testing.assert_allclose(found[1], back, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[2], slope if where == "time" else slope.sum(0), rtol=1e-8, atol=1e-10)
