"""A recurrence written out has the same values, no cycle, and the same gradient."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Sum, tanh
from graphc.errors import UnsupportedError
from graphc.transforms.differentiate import gradients
from graphc.transforms.unfold import cycles, unfold, unfold_all
from graphc.view.graph import graph
from tests import oracle
from tests.compiled import numbers
from tests.growth import exponent
from tests.transforms.systems import EXAMPLES

T, H = gc.sizes("T H")
t = gc.indices("t")
L, W, X, s, x = gc.Tensor("L"), gc.Param("W", H, H), gc.Input("X", T, H), gc.Tensor("s", T, H), gc.Input("x", T)


@pytest.mark.parametrize("name", EXAMPLES)
def test_unfolded_gradient_is_the_gradient_of_the_unfolded(name):
    oracle.check_unfolded(*EXAMPLES[name]())


def test_steps_are_tensors_of_their_own():
    system, _, arguments = EXAMPLES["rnn"]()
    found = unfold(system, {system.by_name["s"]: 0}, "T", 3)
    names = [eq.tensor.name for eq in found.equations]
    assert [n for n in names if n.startswith("s_")] == ["s_m1", "s_0", "s_1", "s_2"]
    assert [n for n in names if n.startswith("a_")] == ["a_0", "a_1", "a_2"]
    assert not cycles(found)
    short = dict(arguments) | {"x": arguments["x"][:3]}
    s = system.by_name["s"]
    oracle.same(oracle.values(found, [found.by_name["s"]], short), oracle.values(system, [s], short))


def test_gradient_follows_its_recurrence():
    system, loss, _ = EXAMPLES["rnn"]()
    found, _ = gradients(system, loss, [system.by_name["W"]])
    flat = unfold(found, {system.by_name["s"]: 0}, "T", 3)
    assert not cycles(flat)
    assert {"ds_2", "da_0"} <= {eq.tensor.name for eq in flat.equations}


def test_only_the_axis_asked_for_is_unfolded():
    system, _, _ = EXAMPLES["edit_distance"]()
    found = unfold(system, {system.by_name["d"]: 0}, "X", 2)
    assert sorted(t.name for part in cycles(found) for t in part) == ["d_0", "d_1", "d_2"] or cycles(found)


def test_number_of_steps_must_be_a_number():
    system, _, _ = EXAMPLES["rnn"]()
    with pytest.raises(UnsupportedError, match="how many steps s has along axis 0, of size T, is not known\n  Give it"):
        unfold(system, {system.by_name["s"]: 0})


def test_order_read_from_data_is_refused():
    system, _, arguments = EXAMPLES["tree"]()
    with pytest.raises(UnsupportedError, match="the order of the cycle h is read from data"):
        unfold_all(system, {"N": len(arguments["w"])})


def test_unfolding_and_its_graph_take_time_in_proportion_to_the_steps():
    system, _, _ = EXAMPLES["rnn"]()
    steps = {system.by_name["s"]: 0}
    assert exponent(lambda n: graph(unfold(system, steps, "T", n)).is_dag, [50, 100, 200]) < 1.15


def test_a_loss_of_one_unit_written_out():
    net = gc.System(Eq(s[t], tanh(W @ s[t - 1] + X[t])), Eq(s[-1], 0), Eq(L, (s[T - 1, 0] - 0.3) ** 2)).grad(L)
    data = {"X": numbers(4, 3), "W": numbers(3, 3, seed=1)}
    flat = net.unfold(t, 4)
    for found in (flat.evaluate(D(L, W), **data), flat.compile(D(L, W))(**data)):
        np.testing.assert_allclose(found, net.evaluate(D(L, W), **data))


def test_written_out_over_no_steps_nothing_is_read():
    """Sizes baked in are gone once a recurrence is written out: x[0] of an empty x was read all the same."""
    s = gc.Tensor("s", T)
    system = gc.System(Eq(s[t], tanh(s[t - 1] + x[t])), Eq(s[0], x[0]), Eq(L, Sum(s[t] ** 2, t)))
    with pytest.raises(gc.DomainError, match=r"with T = 0, x\[0\] reads x\[0\], which does not exist"):
        system.compile("s", "L", sizes={"T": 0}, unfold=True)(x=np.ones(0))
    assert system.compile("L", sizes={"T": 1}, unfold=True)(x=np.ones(1)) == 1
