"""The recursive network equals a plain recursion over nodes; its gradient equals differences; it generalises."""

import numpy as np
import pytest

import graphc as gc
from examples import tree


@pytest.fixture(scope="module")
def run():
    return tree.compile_model()


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    inputs, _ = tree.forest(rng, [0, 1, 2, 3, 4])
    return inputs, {name: rng.normal(size=shape) for name, shape in tree.SHAPES.items()}


def loss_of(inputs, p):
    """(z, L) by a loop over the nodes."""
    h = list(p["leaf"])
    for left, right, op in list(zip(inputs["left"], inputs["right"], inputs["op"], strict=True))[2:]:
        h.append(np.tanh(p["c"][op] + p["A"][op] @ h[left] + p["B"][op] @ h[right]))
    z = np.array([h[r] @ p["v"] + p["d"] for r in inputs["root"]])
    return z, np.mean(np.logaddexp(0, z) - inputs["value"] * z)


def test_a_forest_keeps_children_before_parents():
    inputs, texts = tree.forest(np.random.default_rng(0), [1, 2, 3, 4, 5])
    nodes = np.arange(len(inputs["op"]))[2:]
    assert np.all(inputs["left"][2:] < nodes) and np.all(inputs["right"][2:] < nodes)
    python = [text.replace("xor", "!=").replace("not", "1 -") for text in texts]
    assert [int(eval(expression)) for expression in python] == list(inputs["value"])


def test_states_and_loss(run, problem):
    inputs, p = problem
    z, loss, *_ = run(**inputs, **p)
    wanted = loss_of(inputs, p)
    np.testing.assert_allclose(z, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(loss, wanted[1], rtol=1e-12)


def test_the_gradient_equals_differences(run, problem):
    inputs, p = problem
    _, _, *slopes = run(**inputs, **p)
    rng = np.random.default_rng(1)
    for name, slope in zip(tree.SHAPES, slopes, strict=True):
        way = rng.normal(size=tree.SHAPES[name])
        up, down = ({**p, name: p[name] + h * way} for h in (1e-6, -1e-6))
        difference = (loss_of(inputs, up)[1] - loss_of(inputs, down)[1]) / 2e-6
        np.testing.assert_allclose(np.vdot(slope, way), difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("child", [-1, 4, 10**9])
def test_a_child_that_does_not_come_before_its_parent_is_refused(run, problem, child):
    inputs, p = problem
    left = inputs["left"].copy()
    left[4] = child
    with pytest.raises(gc.ArgumentError, match="index"):
        run(**{**inputs, "left": left}, **p)


def test_it_learns_what_the_operators_mean(run):
    rng = np.random.default_rng(1)
    found = tree.learn(run, tree.forest(rng, [1, 2, 3, 4] * 500)[0])
    inputs, _ = tree.forest(rng, [6] * 500)
    z, *_ = run(**inputs, **tree.unpack(found.x))
    assert np.mean((z > 0) == inputs["value"]) > 0.95


def test_the_example_runs(capsys):
    tree.main()
    assert "P(true)" in capsys.readouterr().out
