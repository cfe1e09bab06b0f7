"""Choices by conditions on indices: the parts that they divide a value into, and that there are no more than needed."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import And, D, Eq, Mod, Not, Piecewise, Sum, sin, tanh
from tests.compiled import agree
from tests.growth import exponent

N, M = gc.sizes("N M")
i, j, n = gc.indices("i j n")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
X = np.random.default_rng(0).normal(size=50)


def in_a_row(n):
    return Piecewise(*((q * x[i], Eq(i, q)) for q in range(n)), (x[i], True))


def steps(n):
    return Piecewise(*((q * x[i], i < 3 * q) for q in range(1, n)), (x[i], True))


def remainders(n):
    return Piecewise(*((sin(x[i]) * q, Eq(Mod(i, n), q)) for q in range(n - 1)), (x[i], True))


def by_hand(form, n):
    at = np.arange(len(X))
    if form is in_a_row:
        return np.where(at < n, at * X, X)
    if form is steps:
        q = at // 3 + 1
        return np.where(q < n, q * X, X)
    return np.where(at % n < n - 1, np.sin(X) * (at % n), X)


@pytest.mark.parametrize("form", [in_a_row, steps, remainders])
def test_n_branches_take_time_in_proportion(form):
    equations = {n: Eq(y[i], form(n)) for n in (5, 10, 20, 40)}  # SymPy compares each condition with each

    def make(n):
        run = gc.System(equations[n]).compile(y)
        np.testing.assert_allclose(run(x=X), by_hand(form, n), rtol=1e-14)

    assert exponent(make, [10, 20, 40]) < 1.3


def several(x, i):
    """A sum of choices that do not depend on each other: together they have 24 cases."""
    return sum(Piecewise((x[i] * q, Eq(Mod(i, q), 0)), (x[i] ** 2, True)) for q in range(2, 8))


def several_by_hand(x):
    return sum(np.where(np.arange(len(x)) % q == 0, x * q, x**2) for q in range(2, 8))


def test_choices_of_a_sum_do_not_multiply():
    system = gc.System(Eq(y[i], several(x, i)), Eq(L, Sum(y[i] ** 2, i)))
    assert max(len(eq.terms) for eq in system.ir.equations) == 2
    value, slope = system.compile(y, D(L, x))(x=X)
    wanted = several_by_hand(X)
    inner = sum(np.where(np.arange(50) % q == 0, q, 2 * X) for q in range(2, 8))
    np.testing.assert_allclose(value, wanted, rtol=1e-13)
    np.testing.assert_allclose(slope, 2 * wanted * inner, rtol=1e-12)


def test_nor_those_inside_a_function_or_a_reduction():
    Z, z = gc.Tensor("Z", N, N), gc.Tensor("z", N)
    outer = Eq(y[i], tanh(several(x, i)) * several(x, i))
    inner = Eq(z[i], Sum(several(x, j) * Piecewise((1, j < i), (0, True)), j))
    table = Eq(Z[i, j], several(x, i) - several(x, j))
    system = gc.System(outer, inner, table)
    found = system.compile(y, z, Z)(x=X)
    one = several_by_hand(X)
    wanted = np.tanh(one) * one, np.concatenate([[0], np.cumsum(one)[:-1]]), one[:, None] - one
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def test_nor_those_of_a_sum_over_an_index():
    system = gc.System(Eq(L, Sum(several(x, i) * 2 - several(x, i), i)))
    np.testing.assert_allclose(system.compile(L)(x=X), several_by_hand(X).sum(), rtol=1e-12)
    assert max(len(eq.terms) for eq in system.ir.equations) <= 24


def test_nor_those_in_a_recurrence():
    s = gc.Tensor("s", N)
    choice = sum(Piecewise((s[i - 1] / q, Eq(Mod(i, q), 0)), (x[i] / q, True)) for q in range(2, 8))
    system = gc.System(Eq(s[i], choice), Eq(s[-1], 0), Eq(L, Sum(s[i] ** 2, i)))
    state, wanted = 0.0, []
    for k, value in enumerate(X):
        state = sum((state if k % q == 0 else value) / q for q in range(2, 8))
        wanted.append(state)
    np.testing.assert_allclose(system.compile(s)(x=X), wanted, rtol=1e-13)
    value, slope = system.compile(L, D(L, x))(x=X)
    e = 1e-6 * np.random.default_rng(1).normal(size=50)
    difference = (system.compile(L)(x=X + e) - system.compile(L)(x=X - e)) / 2
    np.testing.assert_allclose(value, np.square(wanted).sum(), rtol=1e-13)
    np.testing.assert_allclose(slope @ e, difference, rtol=1e-7)


def test_deep_nesting_is_compiled_or_refused():
    def nested(n):
        e = x[i]
        for _ in range(n):
            e = sp.tanh(e, evaluate=False)
        return gc.System(Eq(y[i], e, evaluate=False))

    wanted = X
    for _ in range(160):
        wanted = np.tanh(wanted)
    np.testing.assert_allclose(nested(160).compile(y)(x=X), wanted, rtol=1e-12)
    with pytest.raises(gc.UnsupportedError, match=r"(?s)right side of y\[i\] .* nested 302 deep.*Eq\(part\[i\]"):
        nested(300)


def test_what_is_not_smaller_may_be_no_number():
    o, data = gc.Tensor("o", N), np.array([1, np.nan, 3, np.nan, 1])
    condition = Not(And(n < 3, x[n] < 2, evaluate=False), evaluate=False)
    wanted = [~((np.arange(5) < 3) & (data < 2))]
    agree([Eq(o[n], Piecewise((1, condition), (0, True)))], ["o"], {"x": data}, wanted)
