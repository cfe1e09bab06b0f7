"""What is found in a system."""

from io import StringIO

import sympy as sp
from rich.console import Console

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Index, Size, make
from graphc.view import count
from graphc.view.explain import explain
from graphc.view.recurrence import recurrences
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
    assert found.levels[0].lags == (("s[t - 1, j] in a", 1),)


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
        ("i", (("d[i - 1, j] in d", 1),)),
        ("j", (("d[i, j - 1] in d", 1),)),
    ]


def test_a_sum_over_all_earlier_steps_has_no_fixed_lag():
    system = build("input w T; tensor c T", "c[t] += c[u]*w[t-u] for 0 <= u < t, 0 <= t < T")
    assert recurrences(system)[0].levels[0].lags == (("c[u] in c", None),)


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
