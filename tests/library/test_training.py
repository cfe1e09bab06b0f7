"""Minibatches, starting weights, training by epochs, and the progress bar."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import graphc as gc
from graphc import Eq, Sum
from graphc.library import chunks, initial, minibatches, mse, parameters, train

M, B, N = gc.sizes("M B N")
n, i = gc.indices("n i")
step = gc.Input("step", dtype="int64")
x, y = gc.Input("x", M, B, N), gc.Input("y", M, B)
w, c, o, L = gc.Param("w", N), gc.Param("c"), gc.Tensor("o", B), gc.Tensor("L")
LINEAR = [Eq(o[n], c + Sum(w[i] * x[step, n, i], i)), Eq(L, mse(o[n], y[step, n], n))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_line_is_learned(dtype):
    rows = np.random.default_rng(0).normal(size=(70, 3))
    values = rows @ [1.0, -2.0, 3.0] + 4

    def epoch(rng):
        chosen = rng.permutation(len(rows))
        return minibatches({"x": rows[chosen], "y": values[chosen]}, 8, dtype)

    found = train(LINEAR, L, epoch, {"N": 3}, epochs=150, rate=0.1, dtype=dtype)
    np.testing.assert_allclose(found.weights["w"], [1, -2, 3], atol=1e-3)
    np.testing.assert_allclose(found.weights["c"], 4, atol=1e-3)
    assert found.loss < 1e-6 and found.weights["w"].dtype == dtype


def test_minibatches_keep_the_order_and_drop_the_rest():
    found = minibatches({"x": np.arange(7.0), "label": np.arange(14).reshape(7, 2)}, 3)
    np.testing.assert_array_equal(found["x"], [[0, 1, 2], [3, 4, 5]])
    assert found["x"].dtype == np.float32 and found["label"].dtype == np.int64 and found["label"].shape == (2, 3, 2)


def test_parameters_are_found_and_start_at_the_scale_of_their_fan_in():
    F, G = gc.sizes("F G")
    K, b = gc.Param("K", F, 2 * G, 5), gc.Param("b", F)
    assert parameters(LINEAR) == [c, w]
    found = initial([K, b], {"F": 100, "G": 10}, np.random.default_rng(0))
    assert found["K"].shape == (100, 20, 5) and not found["b"].any()
    np.testing.assert_allclose(found["K"].std(), 0.1, rtol=0.05)


def test_chunks_add_up_and_show_what_they_are_told():
    screen, found = StringIO(), []
    for chunk in chunks(10, 4, "counting", Console(file=screen, width=100)):
        found.append(chunk.steps)
        chunk.show(f"so far {sum(found)}")
    assert found == [4, 4, 2]
    assert "counting" in screen.getvalue() and "10/10" in screen.getvalue() and "so far 10" in screen.getvalue()


@pytest.mark.parametrize("draw", [lambda rng: {}, lambda rng: minibatches({"x": np.ones((3, 1))}, 4)])
def test_an_epoch_without_minibatches_is_refused(draw):
    with pytest.raises(gc.ArgumentError, match="an epoch has no minibatch"):
        train(LINEAR, L, draw, {"N": 1}, 1)


def test_minibatches_of_no_size_are_refused():
    with pytest.raises(gc.ArgumentError, match="minibatches: size=0 is not a whole number"):
        minibatches({"x": np.ones((3, 1))}, 0)
