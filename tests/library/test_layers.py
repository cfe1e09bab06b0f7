"""The layers against SciPy and NumPy, and the losses against their definitions."""

import numpy as np
import pytest
from scipy.signal import correlate
from scipy.special import log_softmax

import graphc as gc
from graphc import Eq, Mean, argmax, relu, softmax
from graphc.library import conv2d, cross_entropy, dense, elman, initial, maxpool, mse

B, N, C, Y, X = gc.sizes("B N C Y X")
b, k = gc.indices("b k")
rng = np.random.default_rng(0)


def both(system, output, **arguments):
    """The value, the same in evaluation and compiled."""
    found = system.evaluate(output, **arguments)
    np.testing.assert_allclose(system.compile(output)(**arguments), found, rtol=1e-12, atol=1e-14)
    return found


def test_dense():
    layer = dense("y", gc.Input("x", B, N), 3, relu)
    x, w = rng.normal(size=(5, 4)), initial(layer.params, {"N": 4}, rng)
    w["y_b"] += 0.1
    found = both(gc.System(*layer.equations), layer.output, x=x, **w)
    np.testing.assert_allclose(found, np.maximum(x @ w["y_W"].T + 0.1, 0))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv2d(stride):
    layer = conv2d("y", gc.Input("x", B, C, Y, X), 4, 3, stride)
    x, w = rng.normal(size=(2, 3, 7, 8)), initial(layer.params, {"C": 3}, rng)
    w["y_b"] += 0.5
    found = both(gc.System(*layer.equations), layer.output, x=x, **w)
    expected = [[correlate(image, kernel, "valid")[0] + 0.5 for kernel in w["y_K"]] for image in x]
    np.testing.assert_allclose(found, np.array(expected)[..., ::stride, ::stride], rtol=1e-12)


def test_maxpool_leaves_out_what_fills_no_square():
    layer = maxpool("y", gc.Input("x", B, Y, X), 2)
    x = rng.normal(size=(3, 6, 5))
    found = both(gc.System(*layer.equations), layer.output, x=x)
    np.testing.assert_array_equal(found, x[:, :, :4].reshape(3, 3, 2, 2, 2).max((2, 4)))


def test_layers_follow_each_other():
    first = conv2d("first", gc.Input("x", B, 1, 8, 8), 4, 3, activation=relu)
    pooled = maxpool("pooled", first.output, 2)
    last = conv2d("last", pooled.output, 10, 3)
    system = gc.System(*first.equations, *pooled.equations, *last.equations)
    w = initial([*first.params, *last.params], {}, rng)
    assert both(system, last.output, x=rng.normal(size=(2, 1, 8, 8)), **w).shape == (2, 10, 1, 1)


def test_mse():
    o, y = gc.inputs("o y", B, N)
    L = gc.Tensor("L")
    values = {"o": rng.normal(size=(4, 3)), "y": rng.normal(size=(4, 3))}
    expected = np.mean((values["o"] - values["y"]) ** 2)
    for loss in (mse(o, y), mse(o[b, k], y[b, k], b, k)):
        np.testing.assert_allclose(both(gc.System(Eq(L, loss)), "L", **values), expected)


def test_cross_entropy_of_labels_and_of_distributions():
    o, label, share, L = (
        gc.Input("o", B, C),
        gc.Input("label", B, dtype="int64"),
        gc.Input("share", B, C),
        gc.Tensor("L"),
    )
    logits = rng.normal(size=(6, 4)) * 300  # a softmax of these underflows
    labels, shares = rng.integers(0, 4, 6), rng.dirichlet(np.ones(4), 6)
    logs = log_softmax(logits, 1)
    found = both(gc.System(Eq(L, Mean(cross_entropy(o[b, k], label[b], k), b))), "L", o=logits, label=labels)
    np.testing.assert_allclose(found, -logs[np.arange(6), labels].mean(), rtol=1e-12)
    found = both(gc.System(Eq(L, Mean(cross_entropy(o[b, k], share[b, k], k), b))), "L", o=logits, share=shares)
    np.testing.assert_allclose(found, -(shares * logs).sum(1).mean(), rtol=1e-12)


def test_cross_entropy_of_what_has_the_index_of_the_classes_for_its_own():
    """A label that is a largest class, logits with a softmax in them, weights that do not add up to 1."""
    k = gc.index("k", 4)
    o, z, label, L = gc.Input("o", B, 4), gc.Input("z", B, 4), gc.Input("label", B, dtype="int64"), gc.Tensor("L")
    logits, other = rng.normal(size=(2, 5, 4))
    labels = rng.integers(0, 4, 5)
    each, logs = np.arange(5), log_softmax(logits, 1)

    found = both(gc.System(Eq(L, Mean(cross_entropy(o[b, k], argmax(z[b, k], k), k), b))), "L", o=logits, z=other)
    np.testing.assert_allclose(found, -logs[each, other.argmax(1)].mean(), rtol=1e-12)
    mixed = gc.System(Eq(L, Mean(cross_entropy(o[b, k] + softmax(z[b, k], k), label[b], k), b)))
    found = both(mixed, "L", o=logits, z=other, label=labels)
    wanted = -log_softmax(logits + np.exp(log_softmax(other, 1)), 1)[each, labels].mean()
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    weighted = gc.System(Eq(L, Mean(cross_entropy(o[b, k], z[b, k], k), b)))
    np.testing.assert_allclose(both(weighted, "L", o=logits, z=other), -(other * logs).sum(1).mean(), rtol=1e-12)


@pytest.mark.parametrize("name", ["i", "k", "b0", "c", "m", "f"])
def test_layers_keep_away_from_their_own_names(name):
    flat, image = gc.Input("x", B, 3), gc.Input("x", B, 2, 5, 6)
    for x, layer in (flat, dense(name, flat, 2)), (image, conv2d(name, image, 2, 3)), (image, maxpool(name, image, 2)):
        data = rng.normal(size=(4, *(int(d) for d in x.dims[1:])))
        weights = {p.name: rng.normal(size=[int(d) for d in p.dims]) for p in layer.params}
        other = gc.System(*layer.equations).compile(name)(x=data, **weights)
        assert other.shape[0] == 4 and np.isfinite(other).all()


def test_layers_keep_away_from_the_names_of_their_sizes():
    T, f, i, j, k, m = gc.sizes("T f i j k m")
    for units in (k, i):
        layer = dense("y", gc.Input("x", B, N), units)
        assert gc.System(*layer.equations).compile(layer.output)
    for units in (k, j):
        layer = elman("s", gc.Input("x", T, N), units)
        assert gc.System(*layer.equations).compile(layer.output)
    layer = conv2d("y", gc.Input("x", C, Y, X), f, m)
    assert gc.System(*layer.equations).compile(layer.output)


def test_a_label_under_the_index_of_a_sum_in_the_logits():
    """Putting label[b] for k into Sum(W[k, b]*v[b], b) took the label's index for the sum's."""
    W, v, label = gc.Input("W", C, N), gc.Input("v", N), gc.Input("label", N, dtype="int64")
    table, vector, labels = rng.normal(size=(3, 4)), rng.normal(size=4), np.array([0, 2, 1, 1])
    logits = table @ vector
    wanted = np.log(np.exp(logits).sum()) - logits[labels]
    y = gc.Tensor("y", N)
    loss = cross_entropy(gc.Sum(W[k, b] * v[b], b), label[b], k)
    found = both(gc.System(Eq(y[b], loss)), "y", W=table, v=vector, label=labels)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_layers_keep_away_from_the_names_of_what_they_read():
    """`c` is an index of conv2d, `k` one of dense; neither must mean two things in one equation, nor anywhere else."""
    c, k, m = gc.Input("c", *gc.sizes("n C Y X")), gc.Input("k", *gc.sizes("B i")), gc.Tensor("m")
    image, vector = conv2d("y", c, 2, 2), dense("z", k, 3)
    net = gc.System(*image.equations, *vector.equations, gc.Eq(m, gc.Sum(image.output) + gc.Sum(vector.output)))
    rng = np.random.default_rng(0)
    shapes = {"c": (2, 3, 4, 5), "k": (2, 4), "y_K": (2, 3, 2, 2), "y_b": 2, "z_W": (3, 4), "z_b": 3}
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    patches = np.lib.stride_tricks.sliding_window_view(given["c"], (2, 2), (2, 3))
    wanted = np.einsum("bcijmn,fcmn->", patches, given["y_K"]) + given["y_b"].sum() * 2 * 3 * 4
    wanted += np.einsum("bk,ik->", given["k"], given["z_W"]) + 2 * given["z_b"].sum()
    np.testing.assert_allclose(net.compile(m)(**given), wanted)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: conv2d("y", x, 2, 2, stride=0), "conv2d: stride=0 is not a whole number of at least 1"),
        (lambda x: conv2d("y", x, 2, 1.5), "conv2d: size=1.5 is not a whole number of at least 1"),
        (lambda x: maxpool("y", x, 0), "maxpool: size=0 is not a whole number of at least 1"),
        (lambda x: conv2d("y", x, 2, 2), r"x has the dimensions \(N, X\), the layer needs at least 3"),
    ],
)
def test_wrong_layers_are_refused(make, message):
    with pytest.raises(gc.ArgumentError, match=message):
        make(gc.Input("x", *gc.sizes("N X")))
