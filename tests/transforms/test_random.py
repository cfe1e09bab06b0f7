"""Random recurrences: whatever they are, gradients, unfolding and every transform agree with the interpreter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphc.equations.expr import Const, Expr, make
from graphc.equations.system import Equation, System, Tensor
from tests import oracle
from tests.transforms.systems import Example, N, T, define, i, j, t, term

STARTS = 3
UNARY = ("tanh", "sin", "neg", "sigmoid", "abs", "relu")
BINARY = ("add", "sub", "mul", "maximum", "minimum")
x, w = Tensor("x", (T, N), "input"), Tensor("w", (N, N), "param")


@st.composite
def expressions(draw: st.DrawFn, leaves: list[Expr], depth: int = 3) -> Expr:
    """An expression over these leaves in which nothing overflows."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from(leaves))
    if draw(st.booleans()):
        return make(draw(st.sampled_from(UNARY)), draw(expressions(leaves, depth - 1)))
    a, b = draw(expressions(leaves, depth - 1)), draw(expressions(leaves, depth - 1))
    if draw(st.integers(0, 5)) == 0:
        return make("select", make("gt", a, 0), b, a * Const(2))
    return make(draw(st.sampled_from(BINARY)), a, b)


@st.composite
def systems(draw: st.DrawFn) -> Example:
    """One to three coupled tensors in time and space, lags up to three, one of them a reduction over space."""
    states = [Tensor(f"s{k}", (T, N)) for k in range(draw(st.integers(1, 3)))]
    whole, late = {t: (0, T), i: (0, N)}, {t: (STARTS, T), i: (0, N)}
    backward = draw(st.booleans())
    equations: list[Equation] = []
    for k, s in enumerate(states):
        lag = draw(st.integers(1, STARTS))
        known = [other[t, i] for other in states[:k]]
        past = [draw(st.sampled_from(states))[t - lag, i], s[t - draw(st.integers(1, STARTS)), i]]
        leaves = [x[t, i], x[t - 1, i], *known, *past, Const(0.5)]
        space = draw(st.sampled_from(["none", "sum", "max", "min"]))
        if space != "none":
            inner = Tensor(f"r{k}", (T, N))
            value = w[i, j] * make("tanh", draw(st.sampled_from([s[t - lag, j], x[t, j]])))
            equations.append(define(space, term(inner[t, i], value, {**late, j: (0, N)})))
            leaves.append(inner[t, i])
        value = make("tanh", draw(expressions(leaves)))
        equations.append(
            define("assign", term(s[t, i], value, late), term(s[t, i], x[t, i], {t: (0, STARTS), i: (0, N)}))
        )
    if backward:
        back = Tensor("back", (T, N))
        value = make("sin", back[t + 1, i] + states[-1][t, i])
        equations.append(
            define("assign", term(back[t, i], value, {t: (0, T - 1), i: (0, N)}), term(back[T - 1, i], 1, {i: (0, N)}))
        )
        states.append(back)
    total = Tensor("L")
    loss = define("sum", *[term(total[()], s[t, i] * s[t, i], whole) for s in states])
    steps, width = draw(st.integers(STARTS, 6)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    arguments = {"x": rng.normal(size=(steps, width)), "w": rng.normal(size=(width, width))}
    return System((x, w), (*equations, loss)), total, arguments


def some(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


@some(10)
@given(systems())
def test_random_recurrences(example: Example):
    check(example)


@pytest.mark.nightly
@some(100)
@given(systems())
def test_many_random_recurrences(example: Example):
    check(example)


def check(example: Example):
    oracle.check_forward_mode(*example)
    oracle.check_unfolded(*example)
    oracle.check_transforms(*example)


@some(3)
@given(systems())
def test_random_recurrences_compiled(example: Example):
    oracle.check_compiled(*example)
