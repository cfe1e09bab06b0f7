"""A convolutional network, every layer an equation, learns to read handwritten digits.

Convolution, bias, relu, max pooling (an odd picture gives its last row and column away), a second convolution, a dense
layer, softmax (I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, 2016, chapter 9).
"""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import graphc as gc
from graphc import Eq, Mean, Sum, amax, relu, softmax
from graphc.library import cross_entropy, minibatches, train

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
SEEN, BATCH, EPOCHS = 1347, 32, 30  # digits to learn from; the other 450 are held out
SIZES = {"Y": 10, "X": 10, "F": 16, "G": 32, "C": 10}

M, B, Y, X, F, G, C = gc.sizes("M B Y X F G C")  # minibatches, samples, the picture, filters, filters, digits
n, i, j, f, g, k = gc.indices("n i j f g k")
u, v = gc.indices("u v", 3)  # within a filter
p, q = gc.indices("p q", 2)  # within a pooled square
step, digit, x = gc.Input("step", dtype="int64"), gc.Input("digit", M, B, dtype="int64"), gc.Input("x", M, B, Y, X)
K1, b1 = gc.Param("K1", F, 3, 3), gc.Param("b1", F)
K2, b2 = gc.Param("K2", G, F, 3, 3), gc.Param("b2", G)
h, w = (Y - 2) // 2, (X - 2) // 2  # pooled
W, c = gc.Param("W", C, G, h - 2, w - 2), gc.Param("c", C)
first, pooled = gc.Tensor("first", B, F, Y - 2, X - 2), gc.Tensor("pooled", B, F, h, w)
second, o, y = gc.Tensor("second", B, G, h - 2, w - 2), gc.Tensor("o", B, C), gc.Tensor("y", B, C)
L = gc.Tensor("L")

network = [
    Eq(first[n, f, i, j], relu(b1[f] + Sum(K1[f, u, v] * x[step, n, i + u, j + v], u, v))),
    Eq(pooled[n, f, i, j], amax(first[n, f, 2 * i + p, 2 * j + q], p, q)),
    Eq(second[n, g, i, j], relu(b2[g] + Sum(K2[g, f, u, v] * pooled[n, f, i + u, j + v], f, u, v))),
    Eq(o[n, k], c[k] + Sum(W[k, g, i, j] * second[n, g, i, j], g, i, j)),
    Eq(y[n, k], softmax(o[n, k], k)),
    Eq(L, Mean(cross_entropy(o[n, k], digit[step, n], k), n)),
]


def pictures(images: Array) -> Array:
    """Grey from 0 to 1, with a margin of one pixel."""
    return np.pad(images, ((0, 0), (1, 1), (1, 1))) / 16


def draw(filters: Array, images: Array, titles: list[str], file: Path) -> None:
    """The first layer's filters above, and pictures with titles below."""
    figure, axes = plt.subplots(2, 8, figsize=(9, 3), layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    bound = np.abs(filters).max()
    for axis, filter in zip(axes[0], filters[:8], strict=True):
        axis.imshow(filter, cmap="RdBu", vmin=-bound, vmax=bound)
    for axis, image, title in zip(axes[1], images[:8], titles[:8], strict=False):
        axis.imshow(image, cmap="gray_r")
        axis.set_title(title, fontsize=9)
    figure.suptitle("filters of the first layer, and the digits misread", fontsize=11)
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> float:
    """The share of held-out digits that the network names rightly."""
    bunch, rng = load_digits(), np.random.default_rng(1)
    order = rng.permutation(len(bunch.images))
    images, digits = pictures(bunch.images[order]), bunch.target[order]

    def epoch(rng: np.random.Generator) -> dict[str, Array]:
        chosen = rng.permutation(SEEN)
        return minibatches({"x": images[chosen], "digit": digits[chosen]}, BATCH)

    system = gc.System(*network)
    print(system.latex(), "\n")
    found = train(network, L, epoch, SIZES, EPOCHS)
    print(f"compiled in {found.compile_seconds:.1f} s; {found.step_seconds * 1e3:.2f} ms for a step of {BATCH} digits")
    new, truth = images[SEEN:], digits[SEEN:]
    chances = system.compile("y", dtype="float32")(**minibatches({"x": new}, len(new)), step=0, **found.weights)
    read = chances.argmax(-1)
    wrong = np.flatnonzero(read != truth)
    print(f"right: {len(truth) - len(wrong)} of {len(truth)} held-out digits, {np.mean(read == truth):.1%}")
    titles = [f"a {truth[m]}, read as {read[m]}" for m in wrong]
    draw(found.weights["K1"], new[wrong], titles, ROOT / "out" / "digits_cnn.png")
    print("picture: out/digits_cnn.png")
    return float(np.mean(read == truth))


if __name__ == "__main__":
    main()
