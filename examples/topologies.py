"""Three topologies of recurrent networks classify handwritten digits that are read row by row.

1. hidden to hidden, with an output at each step: what the network thinks after each row;
2. output to hidden, trained by teacher forcing: given a digit it foretells the next row from the row before, and the
   likeliest digit is the one that foretells an image best; fed with its own output, it draws digits;
3. hidden to hidden, with one output at the end of sequences of unequal length.
(I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, 2016, section 10.2.)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import graphc as gc
from graphc import Eq, Mean, Sum, argmax, softmax, tanh
from graphc.library import cross_entropy, minibatches, train

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
Data = dict[str, Array]
Sampler = Callable[[Array, np.random.Generator], Data]
BATCH, LEVELS, SEEN = 32, 5, 1347  # the last: digits to learn from; the other 450 are held out
M, B, T, N, H, C, Q = gc.sizes(
    "M B T N H C Q"
)  # minibatches, samples in each, steps, pixels, states, digits, grey levels
n, t, i, j, k, q = gc.indices("n t i j k q")
step = gc.Input("step", dtype="int64")  # which minibatch
digit = gc.Input("digit", M, B, dtype="int64")
L = gc.Tensor("L")


def hidden_to_hidden(at_end: bool) -> list[gc.Eq]:
    """The first topology or the third."""
    x, length = gc.Input("x", M, B, T, N), gc.Input("length", M, B, dtype="int64")
    W, U, V, b, c = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H), gc.Param("b", H), gc.Param("c", C)
    a, s = gc.tensors("a s", T, B, H)
    read, dims, at = (s[length[step, n] - 1, n, j], (B, C), (n,)) if at_end else (s[t, n, j], (T, B, C), (t, n))
    o, p = gc.tensors("o p", *dims)
    return [
        Eq(a[t, n, i], b[i] + Sum(W[i, j] * s[t - 1, n, j], j) + Sum(U[i, k] * x[step, n, t, k], k)),
        Eq(s[t, n, i], tanh(a[t, n, i])),
        Eq(s[-1, n, i], 0),
        Eq(o[*at, k], c[k] + Sum(V[k, j] * read, j)),
        Eq(p[*at, k], softmax(o[*at, k], k)),
        Eq(L, Mean(cross_entropy(o[*at, k], digit[step, n], k), *at)),
    ]


def output_to_hidden(forced: bool) -> list[gc.Eq]:
    """The second topology, fed with the true row before (teacher forcing) or with the row it has drawn itself."""
    W, U, V = gc.Param("W", H, N), gc.Param("U", C, T, H), gc.Param("V", N, Q, H)
    b, c, noise = gc.Param("b", H), gc.Param("c", N, Q), gc.Input("noise", B, T, N, Q)
    grey, drawn = gc.Input("grey", M, B, T, N, dtype="int64"), gc.Tensor("drawn", B, T, N, dtype="int64")
    (a, s), o, y = gc.tensors("a s", B, T, H), gc.Tensor("o", B, T, N, Q), gc.Tensor("y", B, T, N)
    cost = gc.Tensor("cost", B)
    likelihood = [
        Eq(y[n, t, k], grey[step, n, t, k] / (Q - 1)),
        Eq(cost[n], Sum(cross_entropy(o[n, t, k, q], grey[step, n, t, k], q), t, k)),
        Eq(L, Mean(cost[n], n)),
    ]
    # argmax(log p + Gumbel noise) is a draw from p
    draw = [
        Eq(drawn[n, t, k], argmax(o[n, t, k, q] + noise[n, t, k, q], q)),
        Eq(y[n, t, k], drawn[n, t, k] / (Q - 1)),
    ]
    return [
        Eq(a[n, t, i], b[i] + Sum(W[i, k] * y[n, t - 1, k], k) + U[digit[step, n], t, i]),
        Eq(s[n, t, i], tanh(a[n, t, i])),
        Eq(o[n, t, k, q], c[k, q] + Sum(V[k, q, i] * s[n, t, i], i)),
        Eq(y[n, -1, k], 0),
        *(likelihood if forced else draw),
    ]


def shifted(images: Array, rng: np.random.Generator) -> Data:
    """Images moved by up to one column, left or right."""
    columns = rng.integers(0, 3, (len(images), 1)) + np.arange(8)
    return {"x": np.take_along_axis(np.pad(images, ((0, 0), (0, 0), (1, 1))), columns[:, None], 2) / 16}


def paced(images: Array, rng: np.random.Generator) -> Data:
    """Each row read once or twice: sequences of 8 to 16 steps, and their length."""
    ends = (1 + (rng.random((len(images), 8)) < rng.random((len(images), 1)))).cumsum(1)
    row = (ends[:, None] <= np.arange(16)[:, None]).sum(-1)  # 8, a row of zeros, after the end
    return {
        "x": np.take_along_axis(np.pad(images, ((0, 0), (0, 1), (0, 0))), row[..., None], 1) / 16,
        "length": ends[:, -1],
    }


def greys(images: Array, rng: np.random.Generator) -> Data:
    """Five levels of grey."""
    return {"grey": np.rint(images * (LEVELS - 1) / 16).astype(int)}


def fit(equations: list[gc.Eq], sample: Sampler, epochs: int, seen: tuple[Array, Array]) -> Data:
    """The weights after so many epochs of minibatches."""
    images, digits = seen

    def epoch(rng: np.random.Generator) -> Data:
        chosen = rng.permutation(len(images))
        return minibatches({**sample(images[chosen], rng), "digit": digits[chosen]}, BATCH)

    print("dependences:", gc.System(*equations).graph().without_auxiliary())
    found = train(equations, L, epoch, {"H": 128, "N": 8, "C": 10, "T": 8, "Q": LEVELS}, epochs)
    print(f"compiled in {found.compile_seconds:.1f} s; {found.step_seconds * 1e3:.2f} ms for a step of {BATCH} samples")
    return found.weights


def draw(right: Array, drawn: Array, lengths: dict[int, float], file: Path) -> None:
    figure, (left, middle, last) = plt.subplots(1, 3, figsize=(12, 3.6), width_ratios=(1, 2, 1), layout="constrained")
    left.plot(range(1, 9), 100 * right, "o-", color="tab:blue")
    left.set(title="1. an output at each step", xlabel="rows read", ylabel="held-out digits right (%)", ylim=(0, 102))
    middle.imshow(np.pad(drawn, ((0, 0), (0, 0), (1, 1), (1, 1))).transpose(0, 2, 1, 3).reshape(-1, 100), cmap="gray_r")
    middle.set(title="2. output to hidden, drawing digits", xticks=[], yticks=[])
    last.bar(list(lengths), [100 * x for x in lengths.values()], color="tab:green")
    last.set(title="3. one output at the end", xlabel="length of the sequence", ylim=(0, 102))
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> tuple[float, float, float]:
    """The shares of held-out digits that the three topologies name rightly."""
    bunch, rng = load_digits(), np.random.default_rng(1)
    order = rng.permutation(len(bunch.images))
    images, digits = bunch.images[order], bunch.target[order]
    seen, new, truth = (images[:SEEN], digits[:SEEN]), images[SEEN:], digits[SEEN:]
    given = {"step": 0}

    def native(equations: list[gc.Eq], output: str) -> Any:
        return gc.System(*equations).compile(output, dtype="float32")

    print("\n1. hidden to hidden, an output at each step")
    weights = fit(each := hidden_to_hidden(at_end=False), shifted, 45, seen)
    p = native(each, "p")(**minibatches({"x": new / 16}, len(new)), **given, **weights)
    right = (p.argmax(-1) == truth).mean(1)
    print("held-out digits right after each row:", " ".join(f"{r:.1%}" for r in right))

    print("\n2. output to hidden, teacher forcing: without a cycle every step trains by itself")
    weights = fit(forced := output_to_hidden(forced=True), greys, 40, seen)
    cost, data = native(forced, "cost"), minibatches(greys(new, rng), len(new))
    costs = [cost(digit=np.full((1, len(new)), c), **data, **given, **weights) for c in range(10)]
    forced_right = float((np.argmin(costs, 0) == truth).mean())
    print(f"held-out digits right, by the likeliest digit: {forced_right:.1%}")
    free, noise = output_to_hidden(forced=False), rng.gumbel(size=(50, 8, 8, LEVELS)).astype(np.float32)
    drawn = native(free, "drawn")(digit=np.arange(50)[None] % 10, noise=noise, **given, **weights)
    print("dependences when fed with its own output:", gc.System(*free).graph().without_auxiliary())

    print("\n3. hidden to hidden, one output at the end of sequences of unequal length")
    weights = fit(end := hidden_to_hidden(at_end=True), paced, 30, seen)
    data = paced(new, rng)
    p = native(end, "p")(**minibatches(data, len(new)), **given, **weights)
    hit, length = p.argmax(-1) == truth, data["length"]
    print(f"held-out digits right: {hit.mean():.1%}, of sequences of {length.min()} to {length.max()} steps")

    by_length = {int(m): float(hit[length == m].mean()) for m in np.unique(length)}
    draw(right, drawn.reshape(5, 10, 8, 8), by_length, ROOT / "out" / "topologies.png")
    print("picture: out/topologies.png")
    return float(right[-1]), forced_right, float(hit.mean())


if __name__ == "__main__":
    main()
