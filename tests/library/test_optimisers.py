"""The rules as equations take the steps that the papers' algorithms take."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from graphc.library import adam, sgd

N = gc.sizes("N")
i = gc.index("i")
w, c, L = gc.Param("w", N), gc.Param("c"), gc.Tensor("L")
target = gc.Input("target", N)
LOSS = Eq(L, Sum((w[i] - target[i]) ** 4, i) + (c - 2) ** 2)
START = {"w": np.array([1.0, -1.0, 0.5]), "c": np.array(0.0)}
TARGET = np.array([0.5, 2.0, 0.0])
STEPS = 7
x = gc.Input("x", N)


def slopes(weights):
    return {"w": 4 * (weights["w"] - TARGET) ** 3, "c": 2 * (weights["c"] - 2)}


def by_adam(rate, beta1, beta2):
    weights = {k: v.copy() for k, v in START.items()}
    m, v = (dict.fromkeys(weights, 0.0) for _ in "mv")
    for n in range(1, STEPS + 1):
        for k, g in slopes(weights).items():
            m[k] = beta1 * m[k] + (1 - beta1) * g
            v[k] = beta2 * v[k] + (1 - beta2) * g**2
            weights[k] = weights[k] - rate * m[k] / (1 - beta1**n) / (np.sqrt(v[k] / (1 - beta2**n)) + 1e-8)
    return weights


def by_momentum(rate, momentum):
    weights = {k: v.copy() for k, v in START.items()}
    velocity = dict.fromkeys(weights, 0.0)
    for _ in range(STEPS):
        for k, g in slopes(weights).items():
            velocity[k] = momentum * velocity[k] + g
            weights[k] = weights[k] - rate * velocity[k]
    return weights


RULES = {
    "adam": (adam(L, [w, c], 0.1), by_adam(0.1, 0.9, 0.999)),
    "adam with other betas": (adam(L, [w, c], 0.02, betas=(0.5, 0.75)), by_adam(0.02, 0.5, 0.75)),
    "adam without means": (adam(L, [w, c], 0.1, betas=(0, 0.9)), by_adam(0.1, 0, 0.9)),
    "adam without squares": (adam(L, [w, c], 0.02, betas=(0.5, 0)), by_adam(0.02, 0.5, 0)),
    "adam without memory": (adam(L, [w, c], 0.02, betas=(0, 0)), by_adam(0.02, 0, 0)),
    "descent": (sgd(L, [w, c], 0.01), by_momentum(0.01, 0)),
    "momentum": (sgd(L, [w, c], 0.01, momentum=0.9), by_momentum(0.01, 0.9)),
}


@pytest.mark.parametrize("name", RULES)
def test_native_steps_follow_the_algorithm(name):
    rule, expected = RULES[name]
    step = gc.System(LOSS, *rule.equations).compile("L", update=rule.update)
    weights = {k: v.copy() for k, v in START.items()}
    step.loop(STEPS, target=TARGET, **weights, **rule.start(**weights))
    for k, value in expected.items():
        np.testing.assert_allclose(weights[k], value, rtol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_equations_mean_the_algorithm(name):
    rule, expected = RULES[name]
    system = gc.System(LOSS, *rule.equations)
    arguments = {**START, **rule.start(**START)}
    for _ in range(STEPS):
        new = system.evaluate(*rule.update.values(), target=TARGET, **arguments)
        arguments = {old.name: value for old, value in zip(rule.update, new, strict=True)}
    for k, value in expected.items():
        np.testing.assert_allclose(arguments[k], value, rtol=1e-12)


def test_a_rate_may_be_given_at_the_call():
    rule = sgd(L, [w], gc.Input("rate"))
    step = gc.System(LOSS, *rule.equations).compile(update=rule.update)
    weights = {k: v.copy() for k, v in START.items()}
    step(target=TARGET, rate=0.25, **weights)
    np.testing.assert_allclose(weights["w"], START["w"] - 0.25 * slopes(START)["w"])
    np.testing.assert_array_equal(weights["c"], START["c"])


def test_betas_may_be_given_at_the_call():
    rule = adam(L, [w, c], 0.1, betas=gc.inputs("b1 b2"))
    step = gc.System(LOSS, *rule.equations).compile(update=rule.update)
    weights = {k: v.copy() for k, v in START.items()}
    step.loop(STEPS, target=TARGET, b1=0.9, b2=0.999, **weights, **rule.start(**weights))
    for k, value in by_adam(0.1, 0.9, 0.999).items():
        np.testing.assert_allclose(weights[k], value, rtol=1e-12)


def test_the_memory_has_the_shape_and_the_precision_of_the_weights():
    memory = adam(L, [w, c], 0.1).start(**{k: v.astype(np.float32) for k, v in START.items()}, other=np.zeros(9))
    assert {k: (v.shape, v.dtype.name) for k, v in memory.items()} == {
        "steps": ((), "float32"),
        "w_m": ((3,), "float32"),
        "w_v": ((3,), "float32"),
        "c_m": ((), "float32"),
        "c_v": ((), "float32"),
    }
    assert sgd(L, [w], 0.1).start(**START) == {}


@pytest.mark.parametrize("scale", [1, 1e-6, 1e-8])
def test_adam_where_gradients_are_small(scale):
    """Kingma and Ba (2015), algorithm 1: epsilon is added to the root of the corrected square."""
    w = gc.Param("w", N)
    rule = adam(L, [w], rate=0.01)
    run = gc.System(Eq(L, Sum(x[i] * w[i], i)), *rule.equations).compile(L, update=rule.update)
    found, wanted, m, v = np.ones(3), np.ones(3), 0, 0
    slope = scale * np.array([1.0, -2, 3])
    run.loop(5, x=slope, w=found, **rule.start(w=found))
    for step in range(1, 6):
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope**2
        wanted -= 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
