"""Functions with a derivative of one's own, and gradients that stop: what they mean, print and refuse."""

import pickle

import numpy as np
import sympy as sp

import graphc as gc
from graphc import Abs, D, Eq, Heaviside, Piecewise, Sum, exp, sin, tanh
from tests import oracle

N, M, T = gc.sizes("N M T")
i, j, t = gc.indices("i j t")
x, u, w = gc.Input("x", T, N), gc.Param("u", N), gc.Param("w", N)
y, L = gc.Tensor("y", N), gc.Tensor("L")
spike = gc.scalar_function("spike", lambda v: Heaviside(v, 0), derivative=lambda v: 1 / (1 + Abs(v)) ** 2)
AT = np.array([0.5, -2.0, 0.0])


def both(system, *outputs, **arguments):
    """The interpreter's values, which must be native code's."""
    found = system.evaluate(*outputs, **arguments)
    for a, b in zip(oracle.listed(found), oracle.listed(system.compile(*outputs)(**arguments)), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)
    return found


def test_forward_the_value_backward_the_derivative():
    value, slope = both(gc.System(Eq(y, spike(u)), Eq(L, Sum(3 * y))), y, D(L, u), u=AT)
    np.testing.assert_array_equal(value, [1, 0, 0])
    np.testing.assert_allclose(slope, 3 / (1 + np.abs(AT)) ** 2)


def test_second_derivatives_are_those_of_the_derivative():
    system = gc.System(Eq(L, Sum(spike(u[i]), i)), Eq(y[i], D(Sum(D(L, u)), u)[i]))
    np.testing.assert_allclose(both(system, y, u=AT), -2 * np.sign(AT) / (1 + np.abs(AT)) ** 3)


def test_forward_mode():
    system = gc.jvp(gc.System(Eq(L, Sum(spike(u[i]), i))), L, {u: w})
    np.testing.assert_allclose(both(system, "L_dot", u=AT, w=np.ones(3)), (1 / (1 + np.abs(AT)) ** 2).sum())


def test_a_derivative_for_each_argument():
    f = gc.scalar_function("f", lambda a, b: a * b, derivative=[7, lambda a, b: a**2])
    value, du, dw = both(gc.System(Eq(y[i], f(u[i], 2 * w[i])), Eq(L, Sum(y))), y, D(L, u), D(L, w), u=AT, w=AT + 1)
    np.testing.assert_allclose(value, AT * 2 * (AT + 1))
    np.testing.assert_allclose([du, dw], [[7] * 3, 2 * AT**2])


def test_a_spiking_network_learns_through_time():
    """Backpropagation with a surrogate, written out."""
    W, v, s = gc.Param("W", M, N), *gc.tensors("v s", T, M)
    net = gc.System(
        Eq(v[t, i], v[t - 1, i] * (1 - s[t - 1, i]) / 2 + Sum(W[i, j] * x[t, j], j)), Eq(v[-1], 0), Eq(s[-1], 0),
        Eq(s[t, i], spike(v[t, i] - 1)), Eq(L, Sum((Sum(s[t, i], t) - 2) ** 2, i)),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    xs, Ws = rng.normal(size=(6, 3)), rng.normal(size=(2, 3))
    vs, ss = np.zeros((7, 2)), np.zeros((7, 2))
    for k in range(6):
        vs[k] = vs[k - 1] * (1 - ss[k - 1]) / 2 + Ws @ xs[k]
        ss[k] = vs[k] > 1
    dv, wanted = np.zeros(2), np.zeros((2, 3))
    for k in reversed(range(6)):
        ds = 2 * (ss.sum(0) - 2) - dv * vs[k] / 2
        dv = ds / (1 + np.abs(vs[k] - 1)) ** 2 + dv * (1 - ss[k]) / 2
        wanted += np.outer(dv, xs[k])
    np.testing.assert_allclose(both(net, D(L, W), x=xs, W=Ws), wanted)


def test_everything_derived_from_a_function_with_its_true_derivative():
    f = gc.scalar_function("f", lambda a, b: sin(a) * b, derivative=[lambda a, b: gc.cos(a) * b, lambda a, b: sin(a)])
    system = gc.System(Eq(y[i], tanh(f(u[i], w[i]) + f(f(w[i], u[i]), y[i - 1]))), Eq(y[-1], 0), Eq(L, Sum(y**2)))
    scalar = system.tensor(L)
    arguments = {"u": AT + 0.3, "w": AT - 0.7}
    assert oracle.same_pickled(system)
    for law in (oracle.check_gradient, oracle.check_second_gradient, oracle.check_forward_mode, oracle.check_unfolded):
        law(system.ir, scalar, arguments)
    oracle.check_transforms(system.ir, scalar, arguments)
    oracle.check_compiled(system.ir, scalar, arguments)


def test_what_no_gradient_looks_at_costs_nothing():
    costly = gc.scalar_function("step", lambda v: Heaviside(v, 0), derivative=lambda v: exp(-(v**2)))
    program = gc.System(Eq(y[i], costly(u[i]))).compile(y).program
    assert "exp" not in str(program) and str(program) == str(gc.System(Eq(y[i], Heaviside(u[i], 0))).compile(y).program)
    assert gc.System(Eq(y[i], costly(u[i]))).evaluate(y, u=[2, -1, 0], exact=True).tolist() == [1, 0, 0]


def test_it_may_stand_under_a_sum_and_hold_cases():
    clip = gc.scalar_function("clip", lambda v: Piecewise((1, v > 1), (v, v > 0), (0, True)), derivative=1)
    value, slope = both(gc.System(Eq(L, Sum(clip(u[i]) * w[i], i))), L, D(L, u), u=AT, w=AT + 1)
    assert value == 0.75
    np.testing.assert_array_equal(slope, AT + 1)


def test_it_prints_as_it_is_called():
    system = gc.System(Eq(y[i], spike(u[i] - 1) ** 2))
    assert str(system) == "Eq(y[i], spike(u[i] - 1)**2)" and r"\operatorname{spike}(-1 + u_{i})^{2}" in system.latex()
    assert sp.latex(spike(u[i])) == r"\operatorname{spike}\left({u}_{i}\right)"
    assert pickle.loads(pickle.dumps(spike)) == spike and spike(u[i]).func(*spike(u[i]).args) == spike(u[i])


def test_sympy_differentiates_it():
    z = sp.Symbol("z", real=True)
    assert sp.diff(spike(3 * z), z).subs(z, 1) == sp.Rational(3, 16) and float(spike(2).evalf()) == 1


def test_a_gradient_stops():
    system = gc.System(Eq(L, Sum(gc.stop_gradient(u[i] * w[i]) * u[i] ** 2, i)))
    value, du, dw = both(system, L, D(L, u), D(L, w), u=AT, w=AT + 1)
    np.testing.assert_allclose(value, (AT**3 * (AT + 1)).sum())
    np.testing.assert_allclose([du, dw], [2 * AT**2 * (AT + 1), [0, 0, 0]])
