"""The cells against loops in NumPy, in evaluation and compiled, with and without a batch axis."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from graphc.library import elman, gru, initial, lstm

T, B, N, H = gc.sizes("T B N H")
STEPS, BATCH, INPUTS, UNITS = 5, 3, 2, 4
rng = np.random.default_rng(0)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def affine(w, name, s, x):
    return w[f"{name}_b"] + s @ w[f"{name}_W"].T + x @ w[f"{name}_U"].T


def by_elman(x, w):
    s, out = np.zeros((*x.shape[1:-1], UNITS)), []
    for now in x:
        s = np.tanh(affine(w, "h", s, now))
        out.append(s)
    return np.array(out)


def by_lstm(x, w):
    s, c, out = np.zeros((*x.shape[1:-1], UNITS)), 0.0, []
    for now in x:
        i, f, o = (sigmoid(affine(w, f"h_{gate}", s, now)) for gate in "ifo")
        c = f * c + i * np.tanh(affine(w, "h_c", s, now))
        s = o * np.tanh(c)
        out.append(s)
    return np.array(out)


def by_gru(x, w):
    s, out = np.zeros((*x.shape[1:-1], UNITS)), []
    for now in x:
        u, r = (sigmoid(affine(w, f"h_{gate}", s, now)) for gate in "ur")
        s = u * s + (1 - u) * np.tanh(affine(w, "h", r * s, now))
        out.append(s)
    return np.array(out)


CELLS = {"elman": (elman, by_elman, 3), "lstm": (lstm, by_lstm, 12), "gru": (gru, by_gru, 9)}


@pytest.mark.parametrize("shape", [(STEPS, INPUTS), (STEPS, BATCH, INPUTS)], ids=["one", "batch"])
@pytest.mark.parametrize("name", CELLS)
def test_states(name, shape):
    cell, loop, many = CELLS[name]
    layer = cell("h", gc.Input("x", T, N) if len(shape) == 2 else gc.Input("x", T, B, N), H)
    assert len(layer.params) == len(set(layer.params)) == many
    x, weights = rng.normal(size=shape), random(layer)
    expected = loop(x, weights)
    system = gc.System(*layer.equations)
    np.testing.assert_allclose(system.evaluate(layer.output, x=x, **weights), expected, rtol=1e-12)
    np.testing.assert_allclose(system.compile(layer.output)(x=x, **weights), expected, rtol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_gradients(name):
    cell, loop, _ = CELLS[name]
    layer = cell("h", gc.Input("x", T, B, N), H)
    L = gc.Tensor("L")
    system = gc.System(*layer.equations, Eq(L, Sum(layer.output**2))).grad(L)
    x, weights = rng.normal(size=(STEPS, BATCH, INPUTS)), random(layer)
    found = system.compile(*(gc.D(L, p) for p in layer.params))(x=x, **weights)
    direction = {k: rng.normal(size=w.shape) for k, w in weights.items()}
    slope = sum((g * direction[p.name]).sum() for p, g in zip(layer.params, found, strict=True))

    def value(e):
        return (loop(x, {k: w + e * direction[k] for k, w in weights.items()}) ** 2).sum()

    np.testing.assert_allclose(slope, (value(1e-6) - value(-1e-6)) / 2e-6, rtol=1e-7)


def random(layer):
    weights = initial(layer.params, {"H": UNITS, "N": INPUTS}, rng)
    return {name: w + 0.1 * rng.normal(size=w.shape) for name, w in weights.items()}


@pytest.mark.parametrize("cell", [elman, lstm, gru])
def test_a_cell_needs_time_and_features(cell):
    with pytest.raises(gc.ArgumentError, match=r"x has the dimensions \(T\), the layer needs at least 2"):
        cell("h", gc.Input("x", T), H)
