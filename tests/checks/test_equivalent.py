"""Two equations that mean the same are proved equal; two that do not are not."""

import pytest

import graphc as gc
from graphc import Eq, Max, Sum, exp, tanh

X, Y, P, Q, N, H, T = gc.sizes("X Y P Q N H T")
i, j, k, m, n, t = gc.indices("i j k m n t")
image, kernel, full = gc.Input("I", Y, X), gc.Input("K", P, Q), gc.Tensor("S", Y + P - 1, X + Q - 1)
u, w, y = gc.Input("u", N), gc.Input("w", N), gc.Tensor("y", N)
A, B, C, D = gc.Input("A", X, Y), gc.Input("B", Y, Q), gc.Input("C", Q, P), gc.Tensor("M", X, P)
total, s = gc.Tensor("L"), gc.Tensor("s", T, H)
W, word = gc.Input("W", H, H), gc.Input("word", N, dtype="int64")

SAME = {
    "convolution commutes": (Eq(full[i, j], Sum(image[m, n] * kernel[i - m, j - n], m, n)),
                             Eq(full[i, j], Sum(image[i - m, j - n] * kernel[m, n], m, n))),
    "names of indices": (Eq(y[i], Sum(A[0, k] * u[i], k)), Eq(y[j], Sum(A[0, n] * u[j], n))),
    "products commute": (Eq(y[i], u[i] * w[i] + u[i]), Eq(y[i], u[i] + w[i] * u[i])),
    "products distribute": (Eq(y[i], (u[i] + w[i]) ** 2), Eq(y[i], u[i] ** 2 + 2 * u[i] * w[i] + w[i] ** 2)),
    "matrix product is associative": (Eq(D, (A @ B) @ C), Eq(D, A @ (B @ C))),
    "matrix product distributes over vectors": (Eq(s[t, i], tanh(Sum(W[i, j] * s[t - 1, j], j))),
                                                Eq(s[t], tanh(W @ s[t - 1]))),
    "shifted summation": (Eq(total, Sum(u[k], (k, 0, N - 1))), Eq(total, Sum(u[k - 1], (k, 1, N)))),
    "a range in two parts": (Eq(total, Sum(u[k], k)), Eq(total, u[0] + Sum(u[k], (k, 1, N - 1)))),
    "pairs in either order": (Eq(total, Sum(A[i, j] * A[k, j], i, j, k)), Eq(total, Sum(A[n, m] * A[i, m], i, m, n))),
    "argument of a function": (Eq(y[i], exp(2 * (u[i] + w[i]))), Eq(y[i], exp(2 * w[i] + 2 * u[i]))),
    "largest of two": (Eq(y[i], Max(u[i], w[i])), Eq(y[i], Max(w[i], u[i]))),
    "largest over an index": (Eq(total, gc.amax(u[i], i)), Eq(total, gc.amax(u[N - 1 - j], j))),
    "elements from data": (Eq(y[i], u[word[i]] * 2), Eq(y[j], u[word[j]] + u[word[j]])),
    "powers of sums": (Eq(total, Sum(u[j], j) ** 3), Eq(total, Sum(u[i] * u[j] * u[k], i, j, k))),
    "powers expanded": (Eq(y[i], (u[i] + w[i]) ** 3),
                        Eq(y[i], u[i] ** 3 + 3 * u[i] ** 2 * w[i] + 3 * u[i] * w[i] ** 2 + w[i] ** 3)),
    "softmax": (Eq(y[i], exp(u[i]) / Sum(exp(u[k]), k)), Eq(y[n], exp(u[n]) / Sum(exp(u[m]), m))),
}  # fmt: skip

DIFFERENT = {
    "convolution is not correlation": (Eq(full[i, j], Sum(image[m, n] * kernel[i - m, j - n], m, n)),
                                       Eq(full[i, j], Sum(image[m, n] * kernel[m - i, j - n], m, n))),
    "matrix product does not commute": (Eq(s[t, i], Sum(W[i, j] * s[t - 1, j], j)),
                                        Eq(s[t, i], Sum(W[j, i] * s[t - 1, j], j))),
    "another lag": (Eq(s[t, i], s[t - 1, i]), Eq(s[t, i], s[t - 2, i])),
    "another coefficient": (Eq(y[i], 2 * u[i]), Eq(y[i], 3 * u[i])),
    "another tensor": (Eq(y[i], u[i]), Eq(y[i], w[i])),
    "counted twice": (Eq(total, Sum(u[k], k)), Eq(total, u[0] + Sum(u[k], k))),
    "counted for every unused index": (Eq(total, Sum(u[k], k)), Eq(total, Sum(u[k] * A[0, 0] / A[0, 0], k, (i, 0, 1)))),
    "a sum and its square": (Eq(total, Sum(u[k], k)), Eq(total, Sum(u[k], k) ** 2)),
    "a square and a cube of a sum": (Eq(total, Sum(u[k], k) ** 2), Eq(total, Sum(u[k], k) ** 3)),
    "a mean squared and over a size": (Eq(y[i], gc.Mean(u[j], j) ** 2), Eq(y[i], gc.Mean(u[j], j) / N)),
    "a square inside a sum": (Eq(total, Sum(u[j] * Sum(u[k], (k, 0, j)) ** 2, j)),
                              Eq(total, Sum(u[j] * Sum(u[k], (k, 0, j)), j))),
    "a factor below and above": (Eq(y[i], u[i] / (2 * w[i])), Eq(y[i], 2 * u[i] / w[i])),
    "another function": (Eq(y[i], exp(u[i])), Eq(y[i], tanh(u[i]))),
    "sum and largest": (Eq(total, Sum(u[k], k)), Eq(total, gc.amax(u[k], k))),
    "another left side": (Eq(y[i], u[i]), Eq(y[0], u[0])),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_same(name):
    assert gc.equivalent(*SAME[name])
    assert gc.equivalent(*reversed(SAME[name]))


@pytest.mark.parametrize("name", DIFFERENT)
def test_different(name):
    assert not gc.equivalent(*DIFFERENT[name])
    assert not gc.equivalent(*reversed(DIFFERENT[name]))
