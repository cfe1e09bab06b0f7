"""What is found in a system."""

from io import StringIO

import pytest
import sympy as sp
from rich.console import Console

import graphc as gc
from graphc.equations.domain import Domain
from graphc.equations.exclusive import LOCK
from graphc.equations.expr import Const, Index, Size, make
from graphc.schedule.build import schedule
from graphc.schedule.program import Loop
from graphc.transforms import optimise
from graphc.view import count
from graphc.view.explain import explain
from graphc.view.recurrence import Lag, recurrences
from tests.transforms.systems import EXAMPLES
from tests.view import models
from tests.view.build import build

T, H = Size("T"), Size("H")
t, u, i, j = (Index(n) for n in "tuij")


def rows(found, title):
    return next(s.rows for s in found.sections if s.title.startswith(title))


def test_a_recurrence_runs_along_the_index_on_which_its_cycle_makes_progress():
    (found,) = recurrences(models.rnn())
    assert [tensor.name for tensor in found.tensors] == ["a", "s"]
    assert [(level.index, level.direction) for level in found.levels] == [("t", 1)]
    assert found.levels[0].lags == (Lag("s[t - 1, j] in a", 1),)


def test_its_gradient_runs_backwards():
    assert [r.levels[0].direction for r in recurrences(models.small_gradient())] == [1, -1]


def test_what_one_axis_does_not_carry_progresses_on_another_inside():
    system = build(
        "tensor d M N",
        """
        d[i,j] = minimum(d[i-1,j], d[i,j-1]) for 1 <= i < M, 1 <= j < N
        d[i,0] = 0 for 0 <= i < M
        d[0,j] = 0 for 1 <= j < N
        """,
    )
    (found,) = recurrences(system)
    assert [(level.index, level.lags) for level in found.levels] == [
        ("i", (Lag("d[i - 1, j] in d", 1),)),
        ("j", (Lag("d[i, j - 1] in d", 1),)),
    ]


def test_a_sum_over_all_earlier_steps_has_no_fixed_lag():
    system = build("input w T; tensor c T", "c[t] += c[u]*w[t-u] for 0 <= u < t, 0 <= t < T")
    assert recurrences(system)[0].levels[0].lags == (Lag("c[u] in c", None),)


def test_an_order_read_from_data_is_said_to_be():
    system = build("input:int left T; tensor h T", "h[n] = h[left[n]] + 1 for 0 <= n < T")
    assert recurrences(system)[0].data
    assert "read from data" in str(explain(system))


def test_terms_off_the_cycle_leave_the_loop():
    said = [row[-1] for row in rows(explain(models.rnn()), "Recurrences")]
    assert "  leaves the loop: U[i, k] * x[t, k] (all t of a at once)" in said
    assert not any("W[i, j]" in line and "leaves" in line for line in said)


def test_what_is_on_no_cycle_is_parallel_over_time():
    assert rows(explain(models.rnn()), "Parallel")[0] == (
        "over t",
        "o, o_max, o_sum, y: on no cycle, so every t at once",
    )


def test_work_is_a_formula_in_the_sizes():
    found = explain(models.small())
    n, h = sp.Symbol("T", integer=True, positive=True), sp.Symbol("H", integer=True, positive=True)
    # s_sum: a product and a sum an element of W, a sum for x; s: tanh counts 20; L: a product and a sum
    assert found.work == sp.expand(2 * n * h**2 + n * h + 20 * n * h + 2 * n * h)
    assert ("of it in loops", "2·H²·T + 20·H·T", "") in rows(found, "Work")


def test_a_state_read_only_by_its_own_loop_needs_its_last_steps():
    fibonacci = build("tensor f T", "f[0] = 0\nf[1] = 1\nf[t] = f[t-1] + f[t-2] for 2 <= t < T")
    assert rows(explain(fibonacci), "Memory") == (("f", "T", "the last 2 steps of t"),)
    needed = {row[0]: row[2] for row in rows(explain(models.rnn()), "Memory")}
    assert needed["s"] == "every t, for o"
    assert needed["a"] == "within a step of t"
    assert needed["L"] == "a result"


def test_points_are_counted_exactly_where_bounds_are_affine():
    context = Domain.where((), make("ge", T, 1)).set.params()
    triangle = Domain.where((u, t), make("ge", u, 0), make("lt", u, t), make("lt", t, T))
    assert count.text(sp.factor(count.points(triangle, context)[0])) == "T·(T - 1)/2"
    assert count.points(Domain.box((t, i), (T, Const(3))), context)[1]


def test_the_program_is_put_behind():
    assert str(explain(models.small(), program="for t:")).endswith("Program\n  for t:")


def test_it_prints_as_text_html_and_by_rich():
    found = explain(models.rnn())
    console = Console(width=200, file=StringIO(), record=True)
    console.print(found)
    for text in (str(found), found._repr_html_(), console.export_text()):
        assert "on no cycle" in text
    assert "\x1b" not in str(found)


def test_a_wavefront_is_said_to_be_one():
    system = build(
        "input c M N; tensor d M N",
        """
        d[i,j] = c[i,j] + exp(d[i-1,j] + d[i,j-1]) for 1 <= i < M, 1 <= j < N
        d[i,0] = 0 for 0 <= i < M
        d[0,j] = 0 for 1 <= j < N
        """,
    )
    (found,) = recurrences(system)
    assert [(level.index, level.is_wavefront) for level in found.levels] == [("i + j", True)]
    assert "one diagonal i + j after another, forwards" in str(explain(system))


def test_elements_that_need_each_other_by_constant_subscripts_need_no_loop():
    tree = build("tensor h 4", "h[0] = 1\nh[1] = 2\nh[2] = h[0] + h[1]\nh[3] = h[2]*2")
    assert recurrences(tree) == [] and "read from data" not in str(explain(tree))


def test_what_reads_the_last_steps_only_is_said_to_run_in_the_loop():
    system = build(
        "input x N; tensor u T N; tensor o T",
        "u[0,i] = x[i] for 0 <= i < N\nu[t,i] = u[t-1,i]*x[i] for 1 <= t < T, 0 <= i < N\no[t] = u[t,0] for 0 <= t < T",
    )
    said = str(explain(system))
    assert "in the same loop, since they read its last steps only: o" in said
    assert "every t at once" not in said and {row[0]: row[2] for row in rows(explain(system), "Memory")}["u"] == (
        "the last steps of t"
    )


def loops_of(program):
    """{tensor: (directions of the loops around it, outermost first; whether it is stored by diagonals)}, blocks of time
    aside."""
    found = {}

    def walk(nodes, around):
        for node in nodes:
            if isinstance(node, Loop):
                walk(node.body, around if node.var.name.endswith("_block") else (*around, node.step))
                continue
            for s in node.statements:
                name = s.tensor.name.removesuffix("_w")
                found[name] = max(found.get(name, ((), False)), (around, name != s.tensor.name), key=depth)

    def depth(loops):
        return len(loops[0])

    walk(program.body, ())
    return found


def loops_said(recurrences_found):
    """The same, as explained."""
    said = {}
    for r in recurrences_found:
        said |= {t.name: ((r.levels[0].direction,), False) for t in r.readers}
        for t in r.tensors:
            around = [level for level in r.levels if t in level.axes]
            said[t.name] = tuple(level.direction for level in around), any(level.is_wavefront for level in around)
    return said


def soft_dtw():
    (P, Q), (a, b) = gc.sizes("P Q"), gc.indices("a b")
    x, y, r, cost = gc.Input("x", P), gc.Input("y", Q), gc.Tensor("r", P, Q), gc.Tensor("cost")
    before = gc.log(gc.exp(-r[a - 1, b]) + gc.exp(-r[a, b - 1]) + gc.exp(-r[a - 1, b - 1]))
    edges = [gc.Eq(r[a, -1], 10**6), gc.Eq(r[-1, b], 10**6), gc.Eq(r[-1, -1], 0)]
    return gc.System(gc.Eq(r[a, b], (x[a] - y[b]) ** 2 - before), *edges, gc.Eq(cost, r[P - 1, Q - 1])).ir


@pytest.mark.parametrize("name", ["soft_dtw", *EXAMPLES])
def test_the_loops_are_those_of_the_program(name):
    system = soft_dtw() if name == "soft_dtw" else EXAMPLES[name]()[0]
    read = {r.tensor for eq in system.equations for _, r in eq.reads() if r.tensor is not eq.tensor}
    results = [eq.tensor for eq in system.equations if eq.tensor not in read]
    with LOCK:
        said = loops_said(recurrences(system))
        found = loops_of(schedule(optimise(system, frozenset(results)), results, {}))
    known = found.keys() & system.by_name.keys()
    assert {t: said.get(t, ((), False)) for t in known} == {t: found[t] for t in known}
