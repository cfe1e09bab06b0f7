"""Three topologies of recurrent networks classify handwritten digits that are read row by row.

1. hidden to hidden, with an output at each step: what the network thinks after each row;
2. output to hidden, trained by teacher forcing: given a digit it foretells the next row from the row before, so that the
   likeliest digit is the one that foretells an image best; fed with its own output, it draws digits;
3. hidden to hidden, with one output at the end of sequences of unequal length.
(I. Goodfellow, Y. Bengio, A. Courville: Deep Learning, 2016, section 10.2.)
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import graphc as gc
from graphc import Eq, Mean, Sum, argmax, softmax, tanh
from graphc.library import adam, chunks, cross_entropy

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
Data = dict[str, Array]
BATCH, LEVELS = 32, 5
M, B, T, N, H, C, Q = gc.sizes("M B T N H C Q")  # minibatches, samples in each, steps, pixels, states, digits, grey levels
n, t, i, j, k, q = gc.indices("n t i j k q")
step, rate = gc.Input("step", dtype="int64"), gc.Input("rate")  # which minibatch; Adam's rate
digit = gc.Input("digit", M, B, dtype="int64")
L = gc.Tensor("L")


def hidden_to_hidden(at_end: bool) -> list[gc.Eq]:
    """The first topology or the third."""
    x, length = gc.Input("x", M, B, T, N), gc.Input("length", M, B, dtype="int64")
    W, U, V, b, c = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H), gc.Param("b", H), gc.Param("c", C)
    a, s = gc.tensors("a s", T, B, H)
    recurrence = [
        Eq(a[t, n, i], b[i] + Sum(W[i, j] * s[t - 1, n, j], j) + Sum(U[i, k] * x[step, n, t, k], k)),
        Eq(s[t, n, i], tanh(a[t, n, i])),
        Eq(s[-1, n, i], 0),
    ]
    if at_end:
        o, p = gc.tensors("o p", B, C)
        last = s[length[step, n] - 1, n, j]
        return [
            *recurrence,
            Eq(o[n, k], c[k] + Sum(V[k, j] * last, j)),
            Eq(p[n, k], softmax(o[n, k], k)),
            Eq(L, Mean(cross_entropy(o[n, k], digit[step, n], k), n)),
        ]
    o, p = gc.tensors("o p", T, B, C)
    return [
        *recurrence,
        Eq(o[t, n, k], c[k] + Sum(V[k, j] * s[t, n, j], j)),
        Eq(p[t, n, k], softmax(o[t, n, k], k)),
        Eq(L, Mean(cross_entropy(o[t, n, k], digit[step, n], k), t, n)),
    ]


def output_to_hidden(forced: bool) -> list[gc.Eq]:
    """The second topology, fed with the true row before (teacher forcing) or with the row it has drawn itself."""
    W, U, V = gc.Param("W", H, N), gc.Param("U", C, T, H), gc.Param("V", N, Q, H)
    b, c, noise = gc.Param("b", H), gc.Param("c", N, Q), gc.Input("noise", B, T, N, Q)
    grey, drawn = gc.Input("grey", M, B, T, N, dtype="int64"), gc.Tensor("drawn", B, T, N, dtype="int64")
    (a, s), o, y, cost = gc.tensors("a s", B, T, H), gc.Tensor("o", B, T, N, Q), gc.Tensor("y", B, T, N), gc.Tensor("cost", B)
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
    ends = rng.integers(1, 3, (len(images), 8)).cumsum(1)
    row = (ends[:, None] <= np.arange(16)[:, None]).sum(-1)  # 8, a row of zeros, after the end
    return {"x": np.take_along_axis(np.pad(images, ((0, 0), (0, 1), (0, 0))), row[..., None], 1) / 16, "length": ends[:, -1]}


def greys(images: Array, rng: np.random.Generator) -> Data:
    """Five levels of grey."""
    return {"grey": np.rint(images * (LEVELS - 1) / 16).astype(int)}


def train(label: str, equations: list[gc.Eq], make: Callable[..., Data], sizes: dict[str, int], epochs: int, images: Array, digits: Array) -> Data:
    """The weights after that many epochs, each of them one native call."""
    params = [p for p in sum((e.rhs.atoms(gc.Param) for e in equations), start=set())]
    return {}
