"""LSTM training: value and all gradients, T = 100, 32 sequences, 128 in, 256 hidden, float32.

i, f, g, o are the gates in PyTorch's order, q = 0..3; the loss is a fixed linear functional of the hidden states.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted, torch_tensors

T, BATCH, INPUTS, HIDDEN = 100, 32, 128, 256
NAMES = ("W", "U", "b")


@cache
def data() -> dict[str, np.ndarray]:
    """x[t, n, k], the loss's weights v[t, n, i], W[q, i, j], U[q, i, k], b[q, i]."""
    rng = np.random.default_rng(0)
    made = {
        "x": rng.standard_normal((T, BATCH, INPUTS)),
        "v": rng.standard_normal((T, BATCH, HIDDEN)) / (T * BATCH),
        "W": rng.standard_normal((4, HIDDEN, HIDDEN)) / np.sqrt(HIDDEN),
        "U": rng.standard_normal((4, HIDDEN, INPUTS)) / np.sqrt(HIDDEN),
        "b": rng.standard_normal((4, HIDDEN)) / np.sqrt(HIDDEN),
    }
    return {name: value.astype(np.float32) for name, value in made.items()}


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def reference() -> Sequence[Any]:
    """Forward, then back through time, in float64."""
    d = {name: value.astype(np.float64) for name, value in data().items()}
    W, U = d["W"].reshape(-1, HIDDEN), d["U"].reshape(-1, INPUTS)
    h, c = np.zeros((2, T + 1, BATCH, HIDDEN))
    gates = np.empty((T, 4, BATCH, HIDDEN))
    for t in range(T):
        z = d["x"][t] @ U.T + h[t] @ W.T + d["b"].reshape(-1)
        z = z.reshape(BATCH, 4, HIDDEN).transpose(1, 0, 2)
        gates[t] = _sigmoid(z[0]), _sigmoid(z[1]), np.tanh(z[2]), _sigmoid(z[3])
        i, f, g, o = gates[t]
        c[t + 1] = f * c[t] + i * g
        h[t + 1] = o * np.tanh(c[t + 1])
    dz = np.empty((T, BATCH, 4, HIDDEN))
    dh, dc = np.zeros((2, BATCH, HIDDEN))
    for t in reversed(range(T)):
        i, f, g, o = gates[t]
        tc = np.tanh(c[t + 1])
        dh = dh + d["v"][t]
        dc = dc + dh * o * (1 - tc**2)
        parts = (dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dc * i * (1 - g**2), dh * tc * o * (1 - o))
        dz[t] = np.stack(parts, axis=1)
        dh, dc = dz[t].reshape(BATCH, -1) @ W, dc * f
    flat = dz.reshape(T * BATCH, -1)
    dW, dU = flat.T @ h[:-1].reshape(T * BATCH, -1), flat.T @ d["x"].reshape(T * BATCH, -1)
    return [np.sum(h[1:] * d["v"]), dW.reshape(d["W"].shape), dU.reshape(d["U"].shape), dz.sum((0, 1))]


def with_graphc() -> Call:
    """The four gates are one tensor with an index of their own."""
    import graphc as gc
    from graphc import Eq, Sum, sigmoid, tanh

    steps, B, N, H = gc.sizes("T B N H")
    t, n, i, j, k = gc.indices("t n i j k")
    q = gc.index("q", 4)
    x, v = gc.Input("x", steps, B, N), gc.Input("v", steps, B, H)
    W, U, b = gc.Param("W", 4, H, H), gc.Param("U", 4, H, N), gc.Param("b", 4, H)
    z = gc.Tensor("z", steps, B, 4, H)
    c, h = gc.tensors("c h", steps, B, H)
    loss = gc.Tensor("L")
    write, keep, new, show = (z[t, n, gate, i] for gate in range(4))
    system = gc.System(
        Eq(z[t, n, q, i], b[q, i] + Sum(W[q, i, j] * h[t - 1, n, j], j) + Sum(U[q, i, k] * x[t, n, k], k)),
        Eq(c[t, n, i], sigmoid(keep) * c[t - 1, n, i] + sigmoid(write) * tanh(new)),
        Eq(h[t, n, i], sigmoid(show) * tanh(c[t, n, i])),
        Eq(c[-1, n, i], 0),
        Eq(h[-1, n, i], 0),
        Eq(loss, Sum(h[t, n, i] * v[t, n, i], t, n, i)),
    )
    gradients = [gc.D(loss, p) for p in (W, U, b)]
    function = system.compile(loss, *gradients, sizes={"N": INPUTS, "H": HIDDEN}, dtype="float32")
    arrays = data()
    return lambda: function(**arrays)


def with_jax() -> Call:
    """`lax.scan` with the input products before it, the gates in one product."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, v: Any) -> Any:
        W, U, b = parameters
        stacked = W.reshape(-1, HIDDEN).T

        def step(carry: Any, drive: Any) -> Any:
            h, c = carry
            z = (drive + h @ stacked).reshape(BATCH, 4, HIDDEN)
            c = jax.nn.sigmoid(z[:, 1]) * c + jax.nn.sigmoid(z[:, 0]) * jnp.tanh(z[:, 2])
            h = jax.nn.sigmoid(z[:, 3]) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((BATCH, HIDDEN), x.dtype)
        _, states = jax.lax.scan(step, (zero, zero), x @ U.reshape(-1, INPUTS).T + b.reshape(-1))
        return jnp.sum(states * v)

    d = data()
    return jitted(jax.value_and_grad(loss), tuple(d[name] for name in NAMES), d["x"], d["v"])


def with_torch() -> Call:
    """`torch.nn.LSTM`, gradients by autograd."""
    import torch

    x, v, W, U, b = torch_tensors(*data().values())
    lstm = torch.nn.LSTM(INPUTS, HIDDEN)
    with torch.no_grad():
        parts = (U.reshape(-1, INPUTS), W.reshape(-1, HIDDEN), b.reshape(-1), 0 * b.reshape(-1))
        for to, value in zip(lstm.parameters(), parts, strict=True):
            to.copy_(value)
    dU, dW, db, _ = lstm.parameters()

    def call() -> Any:
        states, _ = lstm(x)
        loss = (states * v).sum()
        return loss.detach(), torch.autograd.grad(loss, (dW, dU, db))

    return call


def _stacked(result: Any) -> list[Any]:
    loss, (dW, dU, db) = result
    return [loss, dW.reshape(4, HIDDEN, HIDDEN), dU.reshape(4, HIDDEN, INPUTS), db.reshape(4, HIDDEN)]


def reports(options: Options) -> list[Report]:
    """The table of this workload; the flops are those of the products, none for the gradient in x."""
    rows = T * BATCH * 4 * HIDDEN
    case = Case(
        f"LSTM value and all gradients, T = {T}, batch {BATCH}, {INPUTS}→{HIDDEN}, f32",
        reference,
        (
            Contender("graphc", with_graphc, ("graphc",)),
            Contender("PyTorch LSTM", with_torch, ("torch",), _stacked),
            Contender("JAX lax.scan", with_jax, ("jax",)),
        ),
        (Bar("graphc", "PyTorch LSTM", 1.0), Bar("graphc", "JAX lax.scan", 1.0)),
        dtype="float32",
        rtol=1e-4,
        flops=rows * (6.0 * HIDDEN + 4.0 * INPUTS),
    )
    return [run(case, options)]
