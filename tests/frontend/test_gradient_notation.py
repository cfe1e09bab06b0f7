"""`D(L, W)` in equations, by central differences of the loss."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Sum, tanh

T, H = gc.sizes("T H")
t, i, j = gc.indices("t i j")
x, W, eta = gc.Input("x", T, H), gc.Param("W", H, H), gc.Param("eta")
s, L, W_next = gc.Tensor("s", T, H), gc.Tensor("L"), gc.Tensor("W_next", H, H)
NET = [Eq(s[-1], 0), Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(L, Sum(s**2) / T)]
rng = np.random.default_rng(0)
ARGS = {"x": rng.normal(size=(5, 3)), "W": rng.normal(size=(3, 3))}


def numeric(f, at, h=1e-5):
    out = np.zeros_like(at)
    for k in np.ndindex(at.shape):
        step = np.zeros_like(at)
        step[k] = h
        out[k] = (f(at + step) - f(at - step)) / (2 * h)
    return out


def loss(W, x=ARGS["x"]):
    return gc.System(*NET).evaluate(L, W=W, x=x)


def test_a_training_step_is_an_equation():
    step = gc.System(*NET, Eq(W_next[i, j], W[i, j] - eta * D(L, W)[i, j]))
    found = step.evaluate(W_next, eta=0.1, **ARGS)
    np.testing.assert_allclose(found, ARGS["W"] - 0.1 * numeric(loss, ARGS["W"]), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(step.evaluate(D(L, W), **ARGS), numeric(loss, ARGS["W"]), rtol=1e-6, atol=1e-9)


def test_vector_notation_and_expressions():
    step = gc.System(*NET, Eq(W_next, W - eta * D(L + Sum(W**2), W)))
    want = ARGS["W"] - 0.1 * (numeric(loss, ARGS["W"]) + 2 * ARGS["W"])
    np.testing.assert_allclose(step.evaluate(W_next, eta=0.1, **ARGS), want, rtol=1e-6, atol=1e-9)


def test_a_gradient_of_a_gradient():
    """Hessian times vector: D of <D(L, W), V>."""
    V, Hv = gc.Input("V", H, H), gc.Tensor("Hv", H, H)
    system = gc.System(*NET, Eq(Hv, D(Sum(D(L, W) * V), W)))
    v = rng.normal(size=(3, 3))
    first = gc.System(*NET).grad(L, W)
    slope = lambda h: first.evaluate(D(L, W), W=ARGS["W"] + h * v, x=ARGS["x"])
    want = (slope(1e-5) - slope(-1e-5)) / 2e-5
    np.testing.assert_allclose(system.evaluate(Hv, V=v, **ARGS), want, rtol=1e-5, atol=1e-8)


def test_grad_takes_every_parameter_or_those_named():
    net = gc.System(*NET)
    np.testing.assert_allclose(net.grad(L).evaluate(D(L, W), **ARGS), numeric(loss, ARGS["W"]), rtol=1e-6, atol=1e-9)
    by_x = net.grad("L", wrt=[x, "W"]).evaluate("D(L, x)", **ARGS)
    np.testing.assert_allclose(by_x, numeric(lambda a: loss(ARGS["W"], a), ARGS["x"]), rtol=1e-6, atol=1e-9)


def test_a_loss_must_not_depend_on_its_own_gradient():
    y = gc.Tensor("y", H, H)
    with pytest.raises(gc.CausalityError, match="its own gradient"):
        gc.System(Eq(y, W + D(L, W)), Eq(L, Sum(y * W)))


@pytest.mark.parametrize("rule", [0, "edge", "reflect", "symmetric", "wrap"])
def test_boundaries_have_exact_gradients(rule):
    N, K = gc.sizes("N K")
    I, w, y, E = gc.Input("I", N, outside=rule), gc.Param("w", K), gc.Tensor("y", N), gc.Tensor("E")
    system = gc.System(Eq(y, gc.conv(I, w, mode="same")), Eq(E, Sum(y**3)))
    args = {"I": rng.normal(size=5), "w": rng.normal(size=3)}
    found = system.grad(E, [I, w]).evaluate(D(E, I), D(E, w), **args)
    for g, name in zip(found, ("I", "w"), strict=True):
        f = lambda a, name=name: system.evaluate(E, **(args | {name: a}))
        np.testing.assert_allclose(g, numeric(f, args[name]), rtol=1e-6, atol=1e-8)


def test_pooling_and_softmax_have_gradients():
    N = gc.sizes("N")
    x_, P, y, E = gc.Input("x_", 2 * N), gc.Tensor("P", N), gc.Tensor("y", N), gc.Tensor("E")
    m = gc.index("m", 2)
    system = gc.System(
        Eq(P[i], gc.amax(x_[2 * i + m], m)), Eq(y, gc.softmax(P)),
        Eq(E, Sum(y[i] ** 2, i) + gc.logsumexp(x_) + gc.Prod(P[i], i)),
    )  # fmt: skip
    a = rng.normal(size=8)
    found = system.grad(E, x_).evaluate(D(E, x_), x_=a)
    np.testing.assert_allclose(found, numeric(lambda b: system.evaluate(E, x_=b), a), rtol=1e-6, atol=1e-8)


def test_gradients_may_be_outputs_without_further_ado():
    net = gc.System(*NET)
    want = numeric(loss, ARGS["W"])
    value, by_w, by_x = net.evaluate(L, D(L, W), "D(L, x)", **ARGS)
    np.testing.assert_allclose(by_w, want, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(value, loss(ARGS["W"]))
    np.testing.assert_allclose(by_x, numeric(lambda a: loss(ARGS["W"], a), ARGS["x"]), rtol=1e-6, atol=1e-9)
    double, triple = net.evaluate(D(2 * L, W), D(3 * L, W), **ARGS)
    np.testing.assert_allclose((double, triple), (2 * want, 3 * want), rtol=1e-6, atol=1e-9)
    with pytest.raises(gc.ArgumentError, match="there is no tensor q"):
        net.evaluate(D(gc.Tensor("q"), W), **ARGS)
