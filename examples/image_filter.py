"""Convolution as the books write it, on a photograph: its two forms are one, and a filter is learned from two pictures.

S(i,j) = sum over m, n of I(m,n) K(i-m, j-n) = sum over m, n of I(i-m, j-n) K(m,n), where I and K vanish outside their
support (I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, 2016, section 9.1).
"""

from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_sample_image

import graphc as gc
from graphc import Eq, Sum
from graphc.library import chunks, mse, sgd

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
EMBOSS = np.array([[-2.0, -1.0, 0.0], [-1.0, 1.0, 1.0], [0.0, 1.0, 2.0]])  # light from the upper left
STEPS, CHUNK = 600, 30

Y, X, P, Q = gc.sizes("Y X P Q")
i, j, m, n = gc.indices("i j m n")
I, K = gc.Input("I", Y, X), gc.Param("K", P, Q)
S, L = gc.Tensor("S", Y + P - 1, X + Q - 1), gc.Tensor("L")
after = gc.Input("after", Y + P - 1, X + Q - 1)

direct = Eq(S[i, j], Sum(I[m, n] * K[i - m, j - n], m, n))
commuted = Eq(S[i, j], Sum(I[i - m, j - n] * K[m, n], m, n))
correlated = Eq(S[i, j], Sum(I[m, n] * K[m - i + P - 1, n - j + Q - 1], m, n))  # the kernel not flipped
error = Eq(L, mse(S[i, j], after[i, j], i, j))


def photograph() -> Array:
    """A temple in grey, 0 to 1."""
    return load_sample_image("china.jpg").mean(2) / 255


def camera(picture: Array) -> Array:
    """What is left of a picture in a file of 8 bits: its values in steps of 1/255."""
    return np.rint(255 * picture) / 255


def learn(before: Array, result: Array) -> Array:
    """The filter that turned one picture into the other, by gradient descent with momentum from zero."""
    rule = sgd(L, [K], rate=0.1, momentum=0.95)
    started = perf_counter()
    step = gc.System(direct, error, *rule.equations).compile("L", update=rule.update)
    compiled, started = perf_counter() - started, perf_counter()
    weights = {"K": np.zeros_like(EMBOSS)}
    memory = rule.start(**weights)
    for chunk in chunks(STEPS, CHUNK, "learning the filter"):
        loss = step.loop(chunk.steps, I=before, after=result, **weights, **memory)
        chunk.show(f"error {np.sqrt(loss):.5f}")
    each = (perf_counter() - started) / STEPS
    print(
        f"compiled in {compiled:.1f} s; {each * 1e3:.1f} ms for a step on {before.shape[0]} x {before.shape[1]} pixels"
    )
    return weights["K"]


def numbers(filter: Array) -> str:
    return "\n".join(" ".join(f"{v:7.3f}" for v in row) for row in filter)


def draw(before: Array, result: Array, learned: Array, file: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(12, 2.95), layout="constrained")
    names = ("before", "after", "before, with the learned filter")
    for axis, picture, name, scale in zip(
        axes, (before, result, learned), names, ((0, 1), (-1, 3), (-1, 3)), strict=True
    ):
        axis.imshow(picture, cmap="gray", vmin=scale[0], vmax=scale[1])
        axis.set(title=name, xticks=[], yticks=[])
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> Array:
    """The learned filter."""
    before = photograph()
    print(direct, commuted, "", sep="\n")
    print(f"the same, by proof:                {gc.equivalent(direct, commuted)}")
    print(f"the same as with K not flipped:    {gc.equivalent(direct, correlated)}")
    started = perf_counter()
    filtered = [gc.System(form).compile("S") for form in (direct, commuted)]
    compiled = perf_counter() - started
    one, two = (f(I=before, K=EMBOSS) for f in filtered)
    print(f"the same on a photograph:          differences up to {np.abs(one - two).max():.1e}")
    started = perf_counter()
    filtered[0](I=before, K=EMBOSS)
    print(f"both compiled in {compiled:.1f} s; {(perf_counter() - started) * 1e3:.2f} ms for a photograph\n")

    print("the gradient of a convolution is one, too:")
    print(
        *(line for line in gc.System(commuted, error).grad(L).latex().splitlines() if "{d}" in line),
        sep="\n",
        end="\n\n",
    )
    result = camera(one)
    learned = learn(before, result)
    table = Table("the filter", "as learned", title="from the pictures before and after alone")
    table.add_row(numbers(EMBOSS), numbers(learned))
    Console().print(table)
    draw(before, result, filtered[0](I=before, K=learned), ROOT / "out" / "image_filter.png")
    print("picture: out/image_filter.png")
    return learned


if __name__ == "__main__":
    main()
