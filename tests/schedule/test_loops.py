"""Which loops are chosen: what recurs is sequential, in the direction and at the place that the equations ask for."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import Eq, Min, Sum, tanh
from graphc.schedule.program import statement_reads
from graphc.schedule.verify import verify
from tests.compiled import agree, numbers
from tests.schedule.build import N, T, i, j, program, t, u

x, s, b = gc.Input("x", T), gc.Tensor("s", T), gc.Tensor("b", T)
X, W, S = gc.Input("X", T, N), gc.Param("W", N, N), gc.Tensor("S", T, N)
L = gc.Tensor("L")


def loops(p):
    return [(loop.var.name, loop.step) for loop in p.loops]


def test_without_recurrence_there_is_no_loop():
    y = gc.Tensor("y", T, N)
    assert loops(program(gc.System(Eq(y[t, i], Sum(W[i, j] * X[t, j], j))), "y")) == []


def test_forward_in_time():
    p = program(gc.System(Eq(s[t], s[t - 1] + x[t]), Eq(s[-1], 0)), "s")
    assert p.fingerprint() == "s | t(s)"
    assert str(p).splitlines()[2:] == ["for t = 0 .. T - 1:", "    once:", "        s[t] = x[t] + s[t - 1]"]


def test_backward_in_time():
    p = program(gc.System(Eq(b[t], tanh(b[t + 1] + x[t])), Eq(b[T], 0)), "b")
    assert p.fingerprint() == "b | t-(b)"
    assert "for t = T - 1 .. 0 backwards:" in str(p)


def test_forward_then_backward_are_two_loops():
    system = gc.System(Eq(s[t], tanh(s[t - 1] + x[t])), Eq(s[-1], 0), Eq(b[t], tanh(b[t + 1] + s[t])), Eq(b[T], 0))
    assert loops(program(system, "b")) == [("t", 1), ("t", -1)]


def test_any_index_can_be_time():
    y = gc.Tensor("y", T, N)
    p = program(gc.System(Eq(y[t, i], y[t, i - 1] * X[t, i]), Eq(y[t, -1], 1)), "y")
    assert loops(p) == [("i", 1)]
    assert next(nest.parallel for nest in p.nests if nest.outer)[0].name == "t"


@pytest.mark.parametrize("lag", [1, 2, 3, 4])
def test_any_lag(lag):
    starts = [Eq(s[-k], 0) for k in range(1, lag + 1)]
    assert loops(program(gc.System(Eq(s[t], tanh(s[t - lag] + x[t])), *starts), "s")) == [("t", 1)]


def test_particular_first_elements_shorten_the_loop():
    p = program(gc.System(Eq(s[t], tanh(s[t - 1] + s[t - 2] + x[t])), Eq(s[0], x[0]), Eq(s[1], 0.5)), "s")
    assert "for t = 2 .. T - 1:" in str(p)


def test_what_is_read_at_once_shares_a_loop():
    a = gc.Tensor("a", T)
    p = program(gc.System(Eq(a[t], x[t] + s[t - 1]), Eq(s[t], tanh(a[t])), Eq(s[-1], 0)), "s", "a", passes=False)
    assert p.fingerprint().count("t(") == 1


def test_two_axes_are_two_loops_or_a_wavefront():
    d, c = gc.Tensor("d", T, N), gc.Input("c", T, N)
    equations = Eq(d[t, i], Min(d[t - 1, i], d[t, i - 1]) + c[t, i]), Eq(d[-1, i], 0), Eq(d[t, -1], 0)
    assert len(program(gc.System(*equations), "d").loops) in (1, 2)


def test_a_triangular_sum_of_itself_is_one_loop_with_a_sum_inside():
    w, y = gc.Input("w", T, T), gc.Tensor("y", T)
    p = program(gc.System(Eq(y[t], x[t] + Sum(w[t, u] * y[u], (u, 0, t - 1)))), "y")
    assert p.fingerprint() == "y | t(y)"
    assert "y[t] += y[u] * w[t, u]    over u" in str(p)


def test_a_sum_that_reaches_the_present_waits_for_it():
    """The distance t - u is not constant and may be 0: then the element read is made in the same step, before."""
    w, y, z = gc.Input("w", T, T), gc.Tensor("y", T), gc.Tensor("z", T)
    system = gc.System(
        Eq(y[t], Sum(w[t, u] * z[u], (u, 0, t))), Eq(z[t], tanh(x[t] + gc.Piecewise((y[t - 1], t > 0), (0, True))))
    )  # fmt: skip
    for passes in (False, True):
        assert verify(program(system, "y", passes=passes), {"T": 5})
    rng = np.random.default_rng(0)
    given = {"w": rng.normal(size=(5, 5)), "x": rng.normal(size=5)}
    np.testing.assert_allclose(system.compile("y")(**given), system.evaluate("y", **given))


def test_an_index_from_data_is_taken_to_point_back():
    left, h = gc.Input("left", T, dtype="int64"), gc.Tensor("h", T)
    p = program(gc.System(Eq(h[t], tanh(h[left[t]] + x[t])), Eq(h[0], x[0])), "h")
    assert p.fingerprint() == "h | t(h)"
    assert "for t = 1 .. T - 1:" in str(p)


def test_the_gradient_of_a_tree_runs_backwards():
    left, h = gc.Input("left", T, dtype="int64"), gc.Tensor("h", T)
    system = gc.System(Eq(h[t], tanh(h[left[t]] + x[t])), Eq(h[0], x[0]), Eq(L, Sum(h[t] ** 2, t)))
    assert {loop.step for loop in program(system, L, wrt=[x]).loops} == {1, -1}


def test_a_cycle_without_progress_is_refused_by_the_front():
    with pytest.raises(gc.CausalityError):
        gc.System(Eq(s[t], tanh(b[t])), Eq(b[t], tanh(s[t])))


def test_what_does_not_recur_is_summed_for_many_steps_at_once():
    p = program(gc.System(Eq(S[t], tanh(W @ S[t - 1] + W @ X[t])), Eq(S[-1], 0)), "S")
    (inner,) = [loop for loop in p.loops if loop.var.name == "t"]
    sums = [s for nest in inner.body for s in nest.statements if s.mode == "sum"]
    assert [[r.tensor.name for r in statement_reads(s)] for s in sums] == [["W_p", "S"]]
    ahead = [n for n in p.nests if n.statements[0].mode == "sum" and {k.name for k in n.parallel} == {"t", "i"}]
    assert len(ahead) == 1


def test_only_the_chain_of_a_recurrence_is_sequential():
    """GARCH: squares before the loop, logarithms and quotients behind it."""
    h, p3 = gc.Tensor("h", T), gc.Param("p", 3)
    system = gc.System(
        Eq(h[t], p3[0] + p3[1] * x[t - 1] ** 2 + p3[2] * h[t - 1]), Eq(h[0], 1),
        Eq(L, Sum(gc.log(h[t]) + x[t] ** 2 / h[t], t)),
    )  # fmt: skip
    inside = [s for nest in program(system, "L").nests if nest.outer for s in nest.statements]
    assert {s.tensor.name for s in inside} == {"h"}
    assert not any(op in repr(s) for s in inside for op in ("log", "/"))


def test_what_sizes_decide_is_no_segment():
    """A recurrence over a second axis, none of whose sums has terms at N = 1: one loop over time all the same."""
    z, y = gc.Tensor("z", T, N), gc.Tensor("y", T)
    solved = Eq(z[t, i], X[t, i] + y[t - 1] - Sum(W[i, j] * z[t, j], (j, 0, i - 1)))
    p = program(gc.System(solved, Eq(y[t], tanh(Sum(z[t, i], i))), Eq(y[-1], 0)), "y")
    assert [loop.var.name for loop in p.loops].count("t") == 1
    for sizes in ({"T": 3, "N": 1}, {"T": 2, "N": 2}, {"T": 1, "N": 4}):
        assert verify(p, sizes)


def test_the_only_step_is_in_the_segment_of_the_last():
    """What a step hands on and what it is handed: the adjoint's last step, those between and the first."""
    a, c = gc.Tensor("a", T, N), gc.Tensor("c", T, N)
    system = gc.System(
        Eq(a[t, i], X[t, i] + gc.Piecewise((tanh(c[t - 1, i]), t > 0), (0, True))),
        Eq(c[t, i], a[t, i] * a[t, i] + gc.Piecewise((Sum(W[i, j] * a[t - 1, j], j), t > 0), (0, True))),
        Eq(L, Sum(c[T - 1, i] ** 2, i)),
    )
    p = program(system, L, wrt=[X, W])
    assert [loop.step for loop in p.loops].count(-1) <= 3
    for steps in (1, 2, 3, 4):
        assert verify(p, {"T": steps, "N": 2})


def test_differences_in_differences_in_a_loop():
    p, q, f = *gc.inputs("p q", T), gc.Param("f")
    c, r, e, s1 = gc.tensors("c r e s1", T)
    equations = [
        Eq(r[t], f * c[t - 1] + q[t]), Eq(e[t], p[t] - r[t]), Eq(c[t], q[t] / 2 + 0.9 * c[t - 1] + 0.3 * e[t]),
        Eq(s1[t], sp.Add(c[t], sp.Mul(-1, s1[t - 1] + q[t], evaluate=False), evaluate=False)),
        Eq(c[-1], 0), Eq(s1[-1], 0),
    ]  # fmt: skip
    agree(equations, [c, s1], {"p": numbers(20), "q": numbers(20, seed=1), "f": 0.7})


def test_equations_of_one_cycle_that_begin_at_five_steps():
    long = gc.Input("long", T + 4)
    a, b, c, d, e = (gc.Tensor(name, T + 4) for name in "abcde")
    starts = [Eq(a[0], 1)] + [Eq(v[m], m) for m_max, v in ((2, b), (3, c), (4, d)) for m in range(m_max)]
    equations = [
        Eq(a[t], a[t - 1] / 2 + e[t - 1] / 9 + long[t]), Eq(b[t], 0.3 * b[t - 1] + 0.2 * b[t - 2] + a[t] / 5),
        Eq(c[t], 0.3 * c[t - 1] - 0.2 * c[t - 3] + b[t] / 5), Eq(d[t], 0.3 * d[t - 1] - 0.2 * d[t - 4] + c[t] / 5),
        Eq(e[t], d[t] + a[t] / 9),
    ]  # fmt: skip
    agree([*starts, *equations], [e], {"long": numbers(12)})
