"""What rounding leaves: sums in the order of their equations, and digits that a stable form keeps."""

from fractions import Fraction

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, exp, log, sigmoid

N = gc.sizes("N")
i = gc.indices("i")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")


def test_sums_of_several_equations_are_added_in_their_order():
    """Kahan's summation: taken into each other and reordered, its equations compensated nothing."""
    terms = np.array([1.0] + [1e-16] * 1000)
    s, p, e, d = gc.tensors("s p e d", N)
    kahan = gc.System(
        Eq(p[i], x[i] - e[i - 1]), Eq(s[i], s[i - 1] + p[i]), Eq(d[i], s[i] - s[i - 1]), Eq(e[i], d[i] - p[i]),
        Eq(s[-1], 0), Eq(e[-1], 0),
    )  # fmt: skip
    assert kahan.compile(s)(x=terms)[-1] == kahan.evaluate(s, x=terms)[-1] == 1.0000000000001
    assert terms.cumsum()[-1] == 1


def test_what_each_step_lost_is_found_outside_the_cycle():
    terms = np.random.default_rng(0).normal(size=100) * 10.0 ** np.arange(12).repeat(9)[:100][::-1]
    s, p, e = gc.tensors("s p e", N)
    steps = gc.System(Eq(s[i], s[i - 1] + x[i]), Eq(s[-1], 0), Eq(p[i], s[i] - s[i - 1]), Eq(e[i], x[i] - p[i]))
    lost = steps.compile(e)(x=terms)
    np.testing.assert_array_equal(lost, steps.evaluate(e, x=terms))
    assert (lost != 0).sum() > 20


def test_what_a_sum_lost_is_found():
    """Knuth's two-sum, without a recurrence: s + f is x + b exactly."""
    b, s, p, e, r, f = gc.Input("b", N), *gc.tensors("s p e r f", N)
    one, other = np.random.default_rng(0).normal(size=(2, 100)) * np.logspace(0, 12, 100)
    two_sum = gc.System(
        Eq(s[i], x[i] + b[i]), Eq(p[i], s[i] - x[i]), Eq(y[i], s[i] - p[i]), Eq(r[i], b[i] - p[i]),
        Eq(e[i], x[i] - y[i]), Eq(f[i], e[i] + r[i]),
    )  # fmt: skip
    for lost, u, v in zip(two_sum.compile(f)(x=one, b=other), one, other, strict=True):
        assert Fraction(u + v) + Fraction(lost) == Fraction(u) + Fraction(v)


def test_the_entropy_of_a_named_probability_does_not_overflow():
    p, t = gc.Tensor("p", N), gc.Input("t", N)
    loss = -Sum(t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i]), i)
    value, slope = gc.System(Eq(p[i], sigmoid(x[i])), Eq(L, loss)).compile("L", D(L, x))(
        x=np.full(1, 40.0), t=np.zeros(1)
    )
    assert value == 40 and slope == 1


def test_exp_minus_one_keeps_its_digits():
    found = gc.System(Eq(y[i], exp(x[i]) - 1)).compile("y")(x=np.full(1, 1e-12))
    np.testing.assert_allclose(found, 1e-12, rtol=1e-11)
