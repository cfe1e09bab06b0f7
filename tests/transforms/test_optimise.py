"""The optimising transforms: values stay, and what each is for shows in the equations."""

import numpy as np
import pytest

from graphc.equations.expr import Const, Op, make, postorder
from graphc.equations.system import System, Tensor
from graphc.transforms import PASSES, optimise
from graphc.transforms.gather import gather
from graphc.transforms.hoist import hoist
from graphc.transforms.inline import inline
from graphc.transforms.merge import merge
from graphc.transforms.prune import prune
from graphc.transforms.share import share
from graphc.transforms.stabilise import stabilise
from graphc.transforms.unfold import cycles
from tests import oracle
from tests.transforms.systems import EXAMPLES, H, N, T, coupled, define, given, i, j, m, n, numbers, square, t, term


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_stay(name):
    oracle.check_transforms(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_values_stay_at_every_small_size(name):
    system, loss, arguments = EXAMPLES[name]()
    if not any(t.dims and "T" in map(repr, t.dims) for t in system.inputs) or name in ("embedding", "tree"):
        return
    for steps in (0, 1, 2):
        short = {
            x.name: arguments[x.name][tuple(slice(steps) if repr(d) == "T" else slice(None) for d in x.dims)]
            for x in system.inputs
        }
        oracle.check_transforms(system, loss, short)


# -- prune ------------------------------------------------------------------------------------------------------------


def test_prune_drops_what_nobody_needs():
    system, _, _ = EXAMPLES["softmax_cross_entropy"]()
    kept = prune(system, frozenset([system.by_name["top"]]))
    assert [eq.tensor.name for eq in kept.equations] == ["o", "top"]


def test_prune_keeps_only_the_elements_read():
    x, o, last = given("x", T, N), Tensor("o", (T, N)), Tensor("last", (N,))
    system = System((x,), (
        define("assign", term(o[t, i], make("exp", x[t, i]), {t: (0, T), i: (0, N)})),
        define("assign", term(last[i], o[T - 1, i], {i: (0, N)})),
    ))  # fmt: skip
    kept = prune(system, frozenset([last]))
    (tm,) = kept.by_tensor[o].terms
    assert "t = -1 + T" in repr(tm.domain)
    oracle.same(oracle.values(kept, [last], {"x": numbers(0, 3, 2)}), [np.exp(numbers(0, 3, 2))[-1]])


def test_prune_keeps_all_steps_of_a_recurrence_whose_last_is_read():
    system, _, arguments = EXAMPLES["heat"]()
    u, last = system.by_name["u"], Tensor("last")
    system = System(system.inputs, (*system.equations, define("assign", term(last[()], u[Const(3), Const(2)]))))
    wanted = oracle.values(system, [last], arguments)
    oracle.same(oracle.values(prune(system, frozenset([last])), [last], arguments), wanted)


def test_prune_drops_the_adjoint_of_a_constant_start():
    system, loss, _ = EXAMPLES["rnn"]()
    found, outputs = oracle.graded(system, loss)
    ds = found.by_name["ds"]
    assert found.by_tensor[ds].defined.is_equal(found.by_tensor[found.by_name["s"]].defined)
    assert prune(found, frozenset(outputs)).by_tensor[ds].defined.is_equal(ds.box)


# -- stabilise --------------------------------------------------------------------------------------------------------

a, b = given("a"), given("b")
RULES = [
    (make("log", make("exp", a[()]) / b[()]), "a - log(b)"),
    (make("log", b[()] * make("exp", a[()])), "a + log(b)"),
    (make("log", make("sigmoid", a[()])), "-softplus(-a)"),
    (make("log", 1 - make("sigmoid", a[()])), "-softplus(a)"),
    (make("log", 1 + make("exp", a[()])), "softplus(a)"),
    (make("log", a[()] + 1), "log1p(a)"),
    (make("log", 1 - a[()]), "log1p(-a)"),
    (make("exp", a[()]) - 1, "expm1(a)"),
    (1 - make("sigmoid", a[()]), "sigmoid(-a)"),
]


@pytest.mark.parametrize(("value", "wanted"), RULES, ids=[w for _, w in RULES])
def test_stable_form(value, wanted):
    y = Tensor("y")
    system = System((a, b), (define("assign", term(y[()], value)),))
    better = stabilise(system)
    assert repr(better.equations[0].terms[0].value) == wanted
    arguments = {"a": 0.3, "b": 0.7}
    oracle.same(oracle.values(better, [y], arguments), oracle.values(system, [y], arguments))


FAR = [
    (800, 799, 800 + np.log1p(np.exp(-1))),
    (-900, -900, -900 + np.log(2)),
    (-np.inf, -np.inf, -np.inf),
    (np.inf, 0, np.inf),
]


@pytest.mark.parametrize(("left", "right", "wanted"), FAR)
def test_log_of_a_sum_of_exponentials_does_not_overflow(left, right, wanted):
    y = Tensor("y")
    value = make("log", make("exp", a[()]) + make("exp", b[()]))
    system = stabilise(System((a, b), (define("assign", term(y[()], value)),)))
    assert oracle.values(system, [y], {"a": float(left), "b": float(right)})[0] == wanted


def test_log_of_a_named_softmax_is_seen_through():
    system, _, _ = EXAMPLES["softmax_cross_entropy"]()
    assert "log(y" not in repr(stabilise(system))


# -- share and inline -------------------------------------------------------------------------------------------------


def count(system: System, name: str) -> int:
    """Occurrences of an operation in all values."""
    return sum(
        isinstance(node, Op) and node.name == name
        for eq in system.equations
        for tm in eq.terms
        for node in postorder(tm.value)
    )


def test_equal_equations_become_one():
    x, y, z = given("x", N), Tensor("y", (N,)), Tensor("z", (N,))
    system = System((x,), (
        define("assign", term(y[i], make("exp", x[i]), {i: (0, N)})),
        define("assign", term(z[j], make("exp", x[j]), {j: (0, N)})),
        define("sum", term(Tensor("L")[()], y[i] * z[i], {i: (0, N)})),
    ))  # fmt: skip
    kept = share(system, frozenset([system.by_name["L"]]))
    assert [eq.tensor.name for eq in kept.equations] == ["y", "L"]


def test_forward_and_adjoint_share_their_exponentials():
    system, loss, _ = EXAMPLES["softmax_cross_entropy"]()
    found, outputs = oracle.graded(system, loss)
    assert count(optimise(found, frozenset(outputs)), "exp") == 1


def test_elementwise_producers_disappear():
    x, y, z = given("x", N), Tensor("y", (N,)), Tensor("z", (N,))
    system = System((x,), (
        define("assign", term(y[i], x[i] * 2 + 1, {i: (0, N)})),
        define("assign", term(z[i], make("tanh", y[i]), {i: (0, N)})),
    ))  # fmt: skip
    assert [repr(eq.terms[0].value) for eq in inline(system, frozenset([z])).equations] == ["tanh(2 * x[i] + 1)"]


def test_contraction_keeps_its_elementwise_producer():
    w, x, y, z = given("w", H, N), given("x", N), Tensor("y", (N,)), Tensor("z", (H,))
    system = System((w, x), (
        define("assign", term(y[i], x[i] + 1, {i: (0, N)})),
        define("sum", term(z[j], w[j, i] * y[i], {j: (0, H), i: (0, N)})),
    ))  # fmt: skip
    assert len(inline(system, frozenset([z])).equations) == 2


def test_winner_of_a_maximum_is_compared_with_the_very_value():
    x, y, top = given("x", N), Tensor("y", (N,)), Tensor("top")
    system = System((x,), (
        define("assign", term(y[i], x[i] * 3 + 1, {i: (0, N)})),
        define("max", term(top[()], y[i], {i: (0, N)})),
    ))  # fmt: skip
    assert len(inline(system, frozenset([top])).equations) == 2


def test_long_chains_do_not_become_one_expression():
    x = given("x")
    chain = [Tensor(f"y{k}") for k in range(300)]
    equations = [
        define("assign", term(y[()], make("sin", (x if k == 0 else chain[k - 1])[()]))) for k, y in enumerate(chain)
    ]
    found = inline(System((x,), tuple(equations)), frozenset([chain[-1]]))
    assert 3 <= len(found.equations) <= 20


# -- gather, merge, hoist ---------------------------------------------------------------------------------------------


def test_gather_makes_left_sides_plain():
    for name in ("rnn", "convolution", "heat", "garch"):
        system, loss, _ = EXAMPLES[name]()
        found, outputs = oracle.graded(system, loss)
        for eq in gather(found, frozenset(outputs)).equations:
            for tm in eq.terms:
                assert all(not isinstance(w, Op) or w.name != "add" for w in tm.write), (name, tm.write)


def test_adjoint_of_a_convolution_runs_over_the_kernel():
    system, loss, _ = EXAMPLES["convolution"]()
    found, outputs = oracle.graded(system, loss)
    plain = gather(found, frozenset(outputs))
    assert repr(plain.by_tensor[plain.by_name["dI"]].terms[0].value) == "dS[i + m, j + n] * K[i, j]"
    assert repr(plain.by_tensor[plain.by_name["S"]].terms[0].value) == "I[i - m, j - n] * K[m, n]"


def test_a_quotient_of_sizes_moves_a_left_side_as_a_size_does():
    """dx[i + m - (N - 1)//2] += dy[i]*w[m]: each element gathers what is added to it."""
    half = make("floordiv", N - 1, Const(2))
    dy, w = given("dy", T), given("w", N)
    dx = Tensor("dx", (T + N,))
    scattered = term(dx[i + m - half], dy[i] * w[m], {i: (0, T), m: (half, N)})
    (found,) = gather(System((dy, w), (define("sum", scattered),))).equations[0].terms
    assert found.write[0] in found.domain.indices
    assert repr(found.value) == "dy[i - m + (N - 1) // 2] * w[m]"


def test_strided_left_sides_stay_scatters():
    x, y = given("x", N, 3), Tensor("y", (2 * N + 1,))
    x = Tensor("x", (N, Const(3)), "input")
    system = System((x,), (define("sum", term(y[2 * i + m], x[i, m], {i: (0, N), m: (0, 3)})),))
    assert gather(system).equations[0] is system.equations[0]


def test_contributions_at_one_element_become_one_expression():
    system, loss, _ = coupled(3, 5)
    found, outputs = oracle.graded(system, loss)
    best = optimise(found, frozenset(outputs))
    for name in ("ds0", "ds1", "ds2"):
        eq = best.by_tensor[best.by_name[name]]
        assert eq.reduce == "assign" and len(eq.terms) == 2
    assert len(best.by_tensor[best.by_name["L"]].terms) == 1


def test_contractions_stay_products():
    w, u, x, y, z = given("w", N, N), given("u", N, N), given("x", N), given("y", N), Tensor("z", (N,))
    ij = {i: (0, N), j: (0, N)}
    system = System((w, u, x, y), (define("sum", term(z[i], w[i, j] * x[j], ij), term(z[i], u[i, j] * y[j], ij)),))
    assert len(merge(system).equations[0].terms) == 2


def test_expensive_work_leaves_a_recurrence():
    x, s = given("x", T), Tensor("s", (T,))
    system = System(
        (x,), (define("assign", term(s[t], s[t - 1] / 2 + make("exp", x[t]), {t: (0, T)}), term(s[-1], 0)),)
    )
    better = hoist(system)
    assert [sorted(p.name for p in part) for part in cycles(better)] == [["s"]]
    assert repr(better.by_tensor[s].terms[0].value) == "s[t - 1] / 2 + s_exp[t]"


def test_expensive_work_leaves_a_sum_that_does_not_change_it():
    x, z, y = given("x", T, N), given("z", T), Tensor("y", (T,))
    value = x[t, n] * make("log", z[t])
    system = System((x, z), (define("sum", term(y[t], value, {t: (0, T), n: (0, N)})),))
    assert [repr(eq.terms[0].value) for eq in hoist(system).equations] == ["x[t, n] * y_log[t]", "log(z[t])"]


def test_transforms_are_fast_enough_for_many_states():
    from time import process_time

    system, loss, _ = coupled(60, 614)
    found, outputs = oracle.graded(system, loss)
    started = process_time()
    optimise(found, frozenset(outputs))
    assert process_time() - started < 2.0  # half a second on an idle core


def test_passes_have_names_of_their_own():
    assert len({name for name, _ in PASSES}) == len(PASSES)


def test_second_run_changes_nothing_more():
    system, loss, _ = EXAMPLES["rnn"]()
    found, outputs = oracle.graded(system, loss)
    once = optimise(found, frozenset(outputs))
    assert repr(optimise(once, frozenset(outputs))) == repr(once)


def test_loss_of_squares_stays_one_sum():
    x = given("x", N)
    loss = square(x[i] - 1, {i: (0, N)})
    system = System((x,), (loss,))
    assert len(optimise(system, frozenset([loss.tensor])).equations) == 1
