"""`outside=`: what stands outside a tensor's dimensions, numpy.pad's rules; and finite support under a Sum."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Sum
from graphc.language.boundaries import BOUNDARIES
from tests.compiled import agree, both, numbers

N, M, K, T = gc.sizes("N M K T")
i, j, m, n, k, t = gc.indices("i j m n k t")
x = np.random.default_rng(0).normal(size=6)
PAD = {0: {"mode": "constant"}, **{rule: {"mode": rule} for rule in BOUNDARIES}}
L, z, REAL, o, Z = gc.Tensor("L"), gc.Tensor("z", N), np.array([1.0, 2.5, -3.0]), gc.Tensor("o", M), gc.Input("Z", N)
u = gc.Tensor("u", T, N, outside="wrap")
p = gc.Input("p", M, dtype="int64")


@pytest.mark.parametrize("rule", PAD)
def test_a_rule_pads_as_numpy_does(rule):
    I, y = gc.Input("I", N, outside=rule), gc.Tensor("y", N)
    found = gc.System(Eq(y[i], gc.tanh(I[i - 3]) - 2 * I[i + 2])).evaluate(y, I=x)
    padded = np.pad(x, 3, **PAD[rule])
    np.testing.assert_allclose(found, np.tanh(padded[:6]) - 2 * padded[5:11], rtol=1e-12)


@pytest.mark.parametrize("rule", PAD)
def test_two_axes(rule):
    image = np.random.default_rng(1).normal(size=(4, 5))
    I, y = gc.Input("I", N, M, outside=rule), gc.Tensor("y", N, M)
    found = gc.System(Eq(y[i, j], I[i - 1, j + 2] + I[i, j])).evaluate(y, I=image)
    padded = np.pad(image, ((1, 0), (0, 2)), **PAD[rule])
    np.testing.assert_allclose(found, padded[:4, 2:] + image, rtol=1e-12)


@pytest.mark.parametrize("rule", BOUNDARIES)
def test_a_rule_replaces_finite_support(rule):
    I, w, y = gc.Input("I", N, outside=rule), gc.Param("w", K), gc.Tensor("y", N)
    k = np.array([1.0, -2, 0.5])
    found = gc.System(Eq(y, gc.conv(I, w, mode="same"))).evaluate(y, I=x, w=k)
    np.testing.assert_allclose(found, np.convolve(np.pad(x, 1, **PAD[rule]), k, "valid"), rtol=1e-12)


def test_zero_outside_under_a_sum_needs_no_copy():
    I, w, y = gc.Input("I", N, outside=0), gc.Param("w", K), gc.Tensor("y", N)
    system = gc.System(Eq(y[i], Sum(w[m] * I[i - m], m)))
    assert [e.tensor.name for e in system.ir.equations] == ["y"]


def test_a_computed_tensor_may_have_a_rule():
    I, s, y = gc.Input("I", N), gc.Tensor("s", N, outside="edge"), gc.Tensor("y", N)
    found = gc.System(Eq(s[i], 2 * I[i]), Eq(y[i], s[i + 1] - s[i - 1])).evaluate(y, I=x)
    padded = 2 * np.pad(x, 1, mode="edge")
    np.testing.assert_allclose(found, padded[2:] - padded[:-2], rtol=1e-12)


def test_a_state_may_be_zero_before_its_start():
    I, s = gc.Input("I", N), gc.Tensor("s", N, outside=0)
    found = gc.System(Eq(s[i], s[i - 1] / 2 + s[i - 3] + I[i])).evaluate(s, I=x)
    state = [0.0] * 3
    for value in x:
        state.append(state[-1] / 2 + state[-3] + value)
    np.testing.assert_allclose(found, state[3:], rtol=1e-12)


def test_a_sum_vanishes_outside_its_factors_only_in_summed_subscripts():
    s, w, y = gc.Input("s", N), gc.Param("w", K), gc.Tensor("y", N + K - 1)
    gc.System(Eq(y[i], Sum(w[m] * s[i - m] ** 2 / 2, m)))
    with pytest.raises(gc.DomainError):
        gc.System(Eq(y[i], Sum(w[m] * gc.exp(s[i - m]), m)))
    with pytest.raises(gc.DomainError):
        gc.System(Eq(y[i], Sum(w[m] * s[i], m)))


def test_start_values_are_part_of_the_support():
    I, s, y = gc.Input("I", N), gc.Tensor("s", N), gc.Tensor("y", N)
    system = gc.System(Eq(s[-1], 100), Eq(s[i], I[i]), Eq(y[i], Sum(s[i - m], (m, 0, 1))))
    np.testing.assert_allclose(system.evaluate(y, I=x), x + np.r_[100, x[:-1]], rtol=1e-12)


def test_a_triangular_tensor_vanishes_outside_its_triangle_under_a_sum():
    A, G, y = gc.Input("A", N, N), gc.Tensor("G", N, N), gc.Tensor("y", N)
    system = gc.System(Eq(G[i, j], gc.Piecewise((A[i, j], j <= i))), Eq(y[i], Sum(G[i, j], j)))
    a = np.random.default_rng(1).normal(size=(4, 4))
    np.testing.assert_allclose(system.evaluate(y, A=a), np.tril(a).sum(1), rtol=1e-12)


def test_a_data_index_just_outside_is_zero_where_the_rule_says_so():
    u, o = gc.Input("u", N, outside="zero"), gc.Tensor("o", M)
    data = {"u": np.arange(1.0, 6), "p": np.array([-1, 0, 4, 5, 6])}
    agree([Eq(o[m], u[p[m]])], ["o"], data, [np.array([0.0, 1, 5, 0, 0])])


def test_reads_many_mirrors_away():
    u, w, o = gc.Input("u", N, outside="reflect"), gc.Input("w", K), gc.Tensor("o", N)
    data, weights = np.arange(1.0, 4), numbers(9)
    wanted = [np.convolve(np.pad(data, 8, "reflect"), weights, "valid")[:3]]
    agree([Eq(o[n], Sum(w[k] * u[n - k], k))], ["o"], {"u": data, "w": weights}, wanted)


def test_round_a_ring_with_a_start_value_more_than_once():
    x = gc.Input("x", N)
    p, first, ring = gc.Param("p", N), gc.Param("first"), gc.Tensor("ring", N, outside="wrap")
    equations = [Eq(ring[-1], first), Eq(ring[i], 2 * p[i]), Eq(z[i], ring[i - 7]), Eq(L, Sum(z[i] * x[i], i))]
    data = {"p": np.array([1.0, 2, 4, 8]), "first": 0.5, "x": np.array([1.0, 3, 5, 7])}
    places = [(n - 6) % 5 for n in range(4)]
    slopes = np.zeros(5)
    np.add.at(slopes, places, data["x"])
    wanted = [np.array([0.5, 2, 4, 8, 16])[places], 2 * slopes[1:], slopes[0]]
    agree(equations, [z, D(L, p), D(L, first)], data, wanted)


def test_a_computed_subscript_sees_the_boundary_rule():
    q = gc.Input("q", N, outside=0)
    np.testing.assert_array_equal(both(Eq(o[i], q[i * i - 3]), q=REAL, M=5), [0, 0, 2.5, 0, 0])


def test_a_ring_is_as_long_as_what_is_inside_it():
    """What stands outside is outside of all that equations define: u[-1] is a start value, not the last step."""
    ring, start = gc.System(Eq(u[t, i], u[t - 1, i - 1]), Eq(u[-1, i], Z[i])), np.arange(5.0)
    for found in (ring.evaluate(u, T=7, Z=start), ring.compile(u)(T=7, Z=start)):
        np.testing.assert_array_equal(found, [np.roll(start, n + 1) for n in range(7)])
