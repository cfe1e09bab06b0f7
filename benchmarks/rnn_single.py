"""The Numba peer of one small sequence in `rnn_seed`, gradient by hand.

The recurrent products add scaled rows to a buffer that aliases nothing, tanh is a rational function in line so that its
loop is a vector's, and everything outside the recurrences is a product by BLAS over all time. Buffers are made once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.harness import Call

if TYPE_CHECKING:
    from benchmarks.rnn_seed import Problem


def with_numba(problem: Problem) -> Call:
    """Compiled once, for any sizes."""
    import numba

    flags = {"fastmath": True, "error_model": "numpy"}

    @numba.njit(inline="always", **flags)
    def tanh(x):
        """The odd rational approximation of Eigen, good to float32."""
        x = min(max(x, np.float32(-7.9)), np.float32(7.9))
        z = x * x
        p = np.float32(-2.76076847742355e-16) * z + np.float32(2.00018790482477e-13)
        p = p * z + np.float32(-8.60467152213735e-11)
        p = p * z + np.float32(5.12229709037114e-08)
        p = p * z + np.float32(1.48572235717979e-05)
        p = p * z + np.float32(6.37261928875436e-04)
        p = p * z + np.float32(4.89352455891786e-03)
        q = np.float32(1.19825839466702e-06) * z + np.float32(1.18534705686654e-04)
        q = q * z + np.float32(2.26843463243900e-03)
        q = q * z + np.float32(4.89352518554385e-03)
        return x * p / q

    @numba.njit(**flags)
    def value_and_gradients(x, target, W, U, V, b, c, WT, s, da, y, total, grads):
        steps, hidden, classes = x.shape[0], W.shape[0], V.shape[0]
        one, scale = np.float32(1.0), np.float32(1.0 / steps)
        WT[:] = W.T
        now = s[1:]
        np.dot(x, U.T, now)
        for t in range(steps):
            for i in range(hidden):
                total[i] = now[t, i] + b[i]
            for j in range(hidden):
                factor = s[t, j]
                for i in range(hidden):
                    total[i] += WT[j, i] * factor
            for i in range(hidden):
                now[t, i] = tanh(total[i])
        np.dot(now, V.T, y)
        loss = np.float32(0.0)
        for t in range(steps):
            largest, norm, hit = y[t, 0] + c[0], np.float32(0.0), np.float32(0.0)
            for k in range(classes):
                y[t, k] += c[k]
                largest = max(largest, y[t, k])
            for k in range(classes):
                hit += target[t, k] * (y[t, k] - largest)
                y[t, k] = np.exp(y[t, k] - largest)
                norm += y[t, k]
            loss += np.log(norm) - hit
            share = scale / norm
            for k in range(classes):
                y[t, k] = y[t, k] * share - target[t, k] * scale
        np.dot(y, V, da)
        for t in range(steps - 1, -1, -1):
            for i in range(hidden):
                total[i] = da[t, i]
            for j in range(hidden if t < steps - 1 else 0):
                factor = da[t + 1, j]
                for i in range(hidden):
                    total[i] += W[j, i] * factor
            for i in range(hidden):
                da[t, i] = total[i] * (one - now[t, i] * now[t, i])
        dW, dU, dV, db, dc = grads
        np.dot(da.T, s[:-1], dW)
        np.dot(da.T, x, dU)
        np.dot(y.T, now, dV)
        db[:], dc[:] = 0, 0
        for t in range(steps):
            for i in range(hidden):
                db[i] += da[t, i]
            for k in range(classes):
                dc[k] += y[t, k]
        return loss * scale

    d = problem.data
    parameters = tuple(d[name] for name in ("W", "U", "V", "b", "c"))
    gradients = tuple(np.zeros_like(p) for p in parameters)
    steps, hidden, classes = problem.steps, problem.hidden, problem.classes
    shapes = ((hidden, hidden), (steps + 1, hidden), (steps, hidden), (steps, classes), (hidden,))
    scratch = tuple(np.zeros(shape, dtype=np.float32) for shape in shapes)
    arguments = (d["x"][:, 0].copy(), d["target"][:, 0].copy(), *parameters, *scratch, gradients)
    value_and_gradients.compile(tuple(numba.typeof(a) for a in arguments))
    return lambda: (value_and_gradients(*arguments), gradients)
