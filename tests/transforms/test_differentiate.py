"""Gradients: of every kind of equation, against differences, to second and third order."""

import numpy as np
import pytest

from graphc.equations.expr import Const, make
from graphc.equations.system import System, Tensor
from graphc.errors import ShapeError, UnsupportedError
from graphc.transforms.differentiate import gradients
from tests import oracle
from tests.transforms.systems import EXAMPLES, H, N, T, define, given, i, j, m, n, numbers, square, t, term


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradient_equals_central_differences(name):
    oracle.check_gradient(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_forward_mode_is_the_transpose_of_reverse_mode(name):
    oracle.check_forward_mode(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_second_gradient_equals_central_differences(name):
    oracle.check_second_gradient(*EXAMPLES[name]())


def test_third_order_of_a_recurrence():
    system, loss, arguments = EXAMPLES["second_order_lag"]()
    system, d = gradients(system, loss, [system.by_name["p"]])
    p = system.by_name["p"]
    first = define("assign", term(Tensor("first")[()], d[p][0] * d[p][1]))
    oracle.check_second_gradient(System(system.inputs, (*system.equations, first)), first.tensor, arguments, 2e-4)


def test_gradient_of_an_intermediate_counts_every_path():
    x, y, z = given("x"), Tensor("y"), Tensor("z")
    loss = Tensor("L")
    system = System((x,), (
        define("assign", term(y[()], 3 * x[()])),
        define("assign", term(z[()], y[()] * y[()])),
        define("assign", term(loss[()], z[()] * y[()])),
    ))  # fmt: skip
    found, d = gradients(system, loss, [y, z, loss])
    assert [float(v) for v in oracle.values(found, [d[y], d[z], d[loss]], {"x": 1.0})] == [27.0, 3.0, 1.0]


def test_loss_that_does_not_depend_has_a_gradient_of_zeros():
    x, w, loss = given("x", T), given("w", N, H), Tensor("L")
    system = System((x, w), (define("sum", term(loss[()], x[t], {t: (0, T)})),))
    found, d = gradients(system, loss, [w])
    assert oracle.values(found, [d[w]], {"w": np.ones((2, 3))})[0].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_loss_must_be_a_scalar():
    x, y = given("x", T), Tensor("y", (T,))
    system = System((x,), (define("assign", term(y[t], x[t], {t: (0, T)})),))
    with pytest.raises(ShapeError, match=r"D\(y, ..\): y\(T\) is not a scalar"):
        gradients(system, y, [x])


def test_ties_of_a_maximum_share_equally():
    x, top = given("x", N), Tensor("top")
    system = System((x,), (define("max", term(top[()], x[i], {i: (0, N)})),))
    found, d = gradients(system, top, [x])
    assert oracle.values(found, [d[x]], {"x": [1.0, 5, 5, 2]})[0].tolist() == [0, 0.5, 0.5, 0]


def test_ties_of_two_arguments_share_equally():
    x, y = given("x", N), Tensor("y")
    value = make("maximum", x[i], Const(1)) + make("minimum", x[i], Const(1)) * 10
    system = System((x,), (define("sum", term(y[()], value, {i: (0, N)})),))
    found, d = gradients(system, y, [x])
    assert oracle.values(found, [d[x]], {"x": [0.0, 1.0, 2.0]})[0].tolist() == [10, 5.5, 1]


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_product_with_zeros_is_exact(zeros):
    x, y = given("x", N), Tensor("P")
    system = System((x,), (define("prod", term(y[()], x[i], {i: (0, N)})),))
    found, d = gradients(system, y, [x])
    values = np.array([2.0, 3, 5, 7])
    values[:zeros] = 0
    wanted = [np.prod(np.delete(values, k)) for k in range(4)]
    assert oracle.values(found, [d[x]], {"x": values})[0].tolist() == wanted


def test_product_of_data_dependent_elements_is_refused():
    x, k, y = given("x", N), given("k", N, kind="int"), Tensor("P", (N,))
    system = System((x, k), (define("prod", term(y[k[i]], x[i], {i: (0, N)})),
                             define("sum", term(Tensor("L")[()], y[i], {i: (0, N)}))))  # fmt: skip
    with pytest.raises(UnsupportedError, match="the derivative of a product whose left side is not one index an axis"):
        gradients(system, system.by_name["L"], [x])


def test_branch_not_taken_never_makes_nan():
    x, y = given("x", N), Tensor("y")
    root = make("sqrt", x[i]) + make("log", x[i]) + 1 / x[i] + make("pow", x[i], make("div", x[i], Const(3)))
    value = make("select", make("gt", x[i], 0), root, make("select", make("eq", x[i], 0), 3 * x[i], x[i] / x[i]))
    system = System((x,), (define("sum", term(y[()], value, {i: (0, N)})),))
    found, d = gradients(system, y, [x])
    (slope,) = oracle.values(found, [d[x]], {"x": [0.0, 4.0]})
    assert slope[0] == 3 and np.isfinite(slope[1])


def test_relu_and_maximum_at_the_edge_of_a_root():
    x, y = given("x", N), Tensor("y")
    value = make("sqrt", make("relu", x[i]) + 1) + make("maximum", make("sqrt", x[i]), Const(-1))
    system = System((x,), (define("sum", term(y[()], value, {i: (0, N)})),))
    found, d = gradients(system, y, [x])
    assert oracle.values(found, [d[x]], {"x": [1.0]})[0] == pytest.approx([0.5 / 2**0.5 + 0.5])


def test_stop_and_conditions_and_subscripts_carry_no_gradient():
    x, y = given("x", N), Tensor("y")
    value = make("stop", x[i]) * x[i] + make("floor", x[i]) + make("select", make("gt", x[i], 1), x[i], 0 * x[i])
    system = System((x,), (define("sum", term(y[()], value, {i: (0, N)})),))
    found, d = gradients(system, y, [x])
    assert oracle.values(found, [d[x]], {"x": [0.5, 2.0]})[0].tolist() == [0.5, 3.0]


def test_log_of_softmax_far_out_has_a_finite_gradient():
    system, loss, arguments = EXAMPLES["softmax_cross_entropy"]()
    found, outputs = oracle.graded(system, loss)
    far = dict(arguments) | {"x": 1e3 * arguments["x"]}
    assert all(np.isfinite(v).all() for v in oracle.values(found, outputs, far))


def test_adjoint_of_a_convolution_is_a_convolution():
    system, loss, _ = EXAMPLES["convolution"]()
    found, d = gradients(system, loss, list(system.inputs))
    image = system.by_name["I"]
    assert repr(found.by_tensor[d[image]]).count("+=") <= 1
    (tm,) = found.by_tensor[d[image]].terms
    assert repr(tm.value) == "dS[i, j] * K[i - m, j - n]" and [repr(w) for w in tm.write] == ["m", "n"]


def test_own_value_is_read_not_computed_again():
    system, loss, _ = EXAMPLES["rnn"]()
    found, _ = gradients(system, loss, [system.by_name["W"]])
    (tm,) = found.by_tensor[found.by_name["da"]].terms
    assert repr(tm.value) == "ds[t, i] * (1 - s[t, i] * s[t, i])"


def test_size_of_the_gradient_is_linear_in_the_expression():
    x, y = given("x"), Tensor("y")
    value = x[()]
    for _ in range(2000):
        value = make("sin", value) * value
    system = System((x,), (define("assign", term(y[()], value)),))
    found, d = gradients(system, y, [x])
    assert np.isfinite(oracle.values(found, [d[x]], {"x": 0.5})[0])


def test_names_stay_apart_at_the_second_gradient():
    system, loss, _ = EXAMPLES["garch"]()
    once, _ = gradients(system, loss, list(system.inputs))
    twice, _ = gradients(once, loss, list(system.inputs))
    names = [x.name for x in twice.tensors]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("lags", [1, 2, 3, 4, 5])
def test_autoregression_of_any_order_against_its_companion_form(lags):
    p, s = Tensor("p", (Const(lags),), "param"), Tensor("s", (T,))
    value = sum((p[q] * s[t - 1 - q] for q in range(lags)), Const(0))
    starts = [term(s[-1 - q], q + 1) for q in range(lags)]
    loss = square(s[t], {t: (0, T)})
    system = System((p,), (define("assign", term(s[t], value, {t: (0, T)}), *starts), loss))
    weights = numbers(0, lags) / lags
    matrix = np.eye(lags, k=-1)
    matrix[0] = weights
    state, moved = np.arange(1.0, lags + 1), np.zeros((lags, lags))
    total, slope = 0.0, np.zeros(lags)
    for _ in range(8):
        moved = matrix @ moved
        moved[0] += state
        state = matrix @ state
        total, slope = total + state[0] ** 2, slope + 2 * state[0] * moved[0]
    found, d = gradients(system, loss.tensor, [p])
    oracle.same(oracle.values(found, [loss.tensor, d[p]], {"p": weights, "T": 8}), [np.asarray(total), slope])


def test_repeated_scatter_adds_up():
    x, y = given("x", N), Tensor("y", (N,))
    half = make("floordiv", i, Const(2))
    loss = square(y[n], {n: (0, N)})
    system = System((x,), (define("sum", term(y[half], x[i], {i: (0, N)})), loss))
    oracle.check_gradient(system, loss.tensor, {"x": numbers(0, 5)})
    oracle.check_transforms(system, loss.tensor, {"x": numbers(0, 5)})
    oracle.check_compiled(system, loss.tensor, {"x": numbers(0, 5)})


def test_sum_inside_a_function_keeps_its_index_bound():
    w, x, inner = given("w", H, N), given("x", N), Tensor("inner", (H,))
    loss = define("sum", term(Tensor("L")[()], make("exp", inner[j] / 4) * x[j], {j: (0, H)}, make("lt", j, N)))
    system = System((w, x), (define("sum", term(inner[m], w[m, j] * x[j], {m: (0, H), j: (0, N)})), loss))
    oracle.check_gradient(system, loss.tensor, {"w": numbers(0, 3, 4), "x": numbers(1, 4)})
