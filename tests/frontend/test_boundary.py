"""`outside=`: what stands outside a tensor's dimensions, numpy.pad's rules; and finite support under a Sum."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from graphc.language.boundaries import BOUNDARIES

N, M, K = gc.sizes("N M K")
i, j, m, n = gc.indices("i j m n")
x = np.random.default_rng(0).normal(size=6)
PAD = {0: {"mode": "constant"}, **{rule: {"mode": rule} for rule in BOUNDARIES}}


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
