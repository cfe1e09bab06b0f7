"""What pictures and formulas must not say: one program for each condition that no other test needed."""

import sympy as sp

import graphc as gc
from graphc import Eq, Piecewise, Sum

N, T = gc.sizes("N T")
i, t = gc.indices("i t")
x, w, p = gc.Input("x", N), gc.Input("w", N), gc.Input("p")
y, z, L = gc.Tensor("y", N), gc.Tensor("z", N), gc.Tensor("L")


def test_a_product_to_a_power_is_in_brackets():
    product = sp.Pow(sp.Mul(x[i], w[i], evaluate=False), p, evaluate=False)
    text = gc.System(Eq(z[i], (sp.sin(x[i]) + w[i] * w[i]) * product)).latex()
    assert r"(x_{i}\, w_{i})^{p}" in text or r"x_{i}^{p}\, w_{i}^{p}" in text


def test_delays_add_up_along_a_path():
    given, a, b = gc.Input("given", T), gc.Tensor("a", T), gc.Tensor("b", T)
    late = [Eq(now[t], Piecewise((then[t - 1], t > 0), (0, True))) for now, then in ((a, given), (b, a))]
    graph = gc.System(*late).graph().without(["a"])
    assert [dict(e.delay) for e in graph.edges if e.delay] == [{"t": 2}]


def test_sums_that_leave_elements_without_terms_say_so():
    assert "_{0} &= 0" in gc.System(Eq(L, Sum(x[i] ** 2, (i, 1, N - 1)))).grad(L, x).latex()


def test_the_first_index_of_half_a_range_is_rounded_up():
    assert "lceil" in gc.System(Eq(y[i], Piecewise((x[i], 2 * i >= N)))).latex()
