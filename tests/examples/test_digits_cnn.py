"""The network equals SciPy's correlations, and reads held-out digits."""

import numpy as np
from scipy.signal import correlate

import graphc as gc
from examples import digits_cnn
from graphc.library import initial, parameters


def test_accuracy_on_held_out_digits():
    assert digits_cnn.main() >= 0.97
    assert (digits_cnn.ROOT / "out" / "digits_cnn.png").stat().st_size > 1000


def test_the_layers():
    rng = np.random.default_rng(0)
    w = initial(parameters(digits_cnn.network), {"Y": 9, "X": 10, "F": 3, "G": 2, "C": 4}, rng)
    w = {name: v + 0.1 * rng.normal(size=v.shape) for name, v in w.items()}
    x, expected = rng.normal(size=(1, 5, 9, 10)), []
    for picture in x[0]:
        first = [np.maximum(b + correlate(picture, K, "valid"), 0) for K, b in zip(w["K1"], w["b1"], strict=True)]
        pooled = np.array(first)[:, :6].reshape(3, 3, 2, 4, 2).max((2, 4))
        second = [np.maximum(b + correlate(pooled, K, "valid")[0], 0) for K, b in zip(w["K2"], w["b2"], strict=True)]
        o = w["c"] + (w["W"] * np.array(second)).sum((1, 2, 3))
        expected.append(np.exp(o) / np.exp(o).sum())
    np.testing.assert_allclose(gc.System(*digits_cnn.network).compile("y")(x=x, step=0, **w), expected, rtol=1e-12)
