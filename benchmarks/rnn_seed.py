"""The seed RNN with softmax and cross-entropy: value and all gradients, float32.

a[t] = b + W s[t-1] + U x[t], s = tanh(a), o[t] = c + V s[t], y = softmax(o), L the mean cross-entropy over time and
sequences. Twice: T = 100, 32 sequences, 64 in, 128 hidden, 64 classes; and one sequence, T = 50, 16-32-16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted, torch_tensors

NAMES = ("W", "U", "V", "b", "c")


@dataclass(frozen=True)
class Problem:
    """Sizes, data and parameters of one workload."""

    steps: int
    batch: int
    inputs: int
    hidden: int
    classes: int

    @cached_property
    def data(self) -> dict[str, np.ndarray]:
        """x[t, n, k], one-hot target[t, n, k] and the parameters, float32."""
        rng = np.random.default_rng(0)
        shapes = {
            "x": (self.steps, self.batch, self.inputs),
            "W": (self.hidden, self.hidden),
            "U": (self.hidden, self.inputs),
            "V": (self.classes, self.hidden),
            "b": (self.hidden,),
            "c": (self.classes,),
        }
        made = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
        for name in NAMES:
            made[name] /= np.sqrt(self.hidden)
        labels = rng.integers(self.classes, size=(self.steps, self.batch))
        made["target"] = np.eye(self.classes)[labels]
        return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in made.items()}

    @property
    def unroll(self) -> int:
        """Steps that JAX does best to unroll: several where a step is small beside its overhead."""
        return 5 if self.batch == 1 else 1

    @property
    def flops(self) -> float:
        """Of the products alone: forward, and twice that backward, less the gradient in x."""
        per_row = 6 * self.hidden * (self.hidden + self.classes) + 4 * self.hidden * self.inputs
        return float(self.steps * self.batch * per_row)


BATCHED = Problem(100, 32, 64, 128, 64)
SINGLE = Problem(50, 1, 16, 32, 16)


def reference(problem: Problem) -> Sequence[Any]:
    """Forward, then back through time, in float64."""
    d = {name: value.astype(np.float64) for name, value in problem.data.items()}
    x, target = d["x"], d["target"]
    s = np.zeros((problem.steps + 1, problem.batch, problem.hidden))
    for t in range(problem.steps):
        s[t] = np.tanh(d["b"] + s[t - 1] @ d["W"].T + x[t] @ d["U"].T)
    before, now = np.concatenate([s[-1:], s[:-2]]), s[:-1]
    o = d["c"] + now @ d["V"].T
    y = np.exp(o - o.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    scale = 1 / (problem.steps * problem.batch)
    do = (y - target) * scale
    da, later = np.zeros_like(now), np.zeros_like(now[0])
    for t in reversed(range(problem.steps)):
        da[t] = (do[t] @ d["V"] + later) * (1 - now[t] ** 2)
        later = da[t] @ d["W"]
    return [
        -np.sum(target * np.log(y)) * scale,
        np.einsum("tni,tnj->ij", da, before),
        np.einsum("tni,tnk->ik", da, x),
        np.einsum("tnk,tni->ki", do, now),
        da.sum(axis=(0, 1)),
        do.sum(axis=(0, 1)),
    ]


def system() -> tuple[Any, Any, list[Any]]:
    """The equations with a batch index n; also the loss and the parameters in the order of NAMES."""
    import graphc as gc
    from graphc import Eq, Sum, log, softmax, tanh

    T, B, N, H, C = gc.sizes("T B N H C")
    t, n, i, j, k = gc.indices("t n i j k")
    x, target = gc.Input("x", T, B, N), gc.Input("target", T, B, C)
    W, U, V = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H)
    b, c = gc.Param("b", H), gc.Param("c", C)
    a, s = gc.tensors("a s", T, B, H)
    o, y = gc.tensors("o y", T, B, C)
    loss = gc.Tensor("L")
    equations = gc.System(
        Eq(a[t, n, i], b[i] + Sum(W[i, j] * s[t - 1, n, j], j) + Sum(U[i, k] * x[t, n, k], k)),
        Eq(s[t, n], tanh(a[t, n])),
        Eq(s[-1, n], 0),
        Eq(o[t, n], c + V @ s[t, n]),
        Eq(y[t, n], softmax(o[t, n])),
        Eq(loss, -Sum(target[t, n, k] * log(y[t, n, k]), t, n, k) / (T * B)),
    )
    return equations, loss, [W, U, V, b, c]


def with_graphc(problem: Problem) -> Call:
    """Sizes of the model baked in, those of the data read at the call."""
    import graphc as gc

    equations, loss, parameters = system()
    sizes = {"N": problem.inputs, "H": problem.hidden, "C": problem.classes}
    outputs = (loss, *(gc.D(loss, p) for p in parameters))
    function = equations.compile(*outputs, sizes=sizes, dtype="float32")
    data = problem.data
    return lambda: function(**data)


def jax_scan(problem: Problem) -> Call:
    """`lax.scan` over the recurrent part alone, `value_and_grad` of the whole."""
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, x: Any, target: Any) -> Any:
        W, U, V, b, c = parameters

        def step(s: Any, drive: Any) -> Any:
            s = jnp.tanh(drive + s @ W.T)
            return s, s

        start = jnp.zeros((problem.batch, problem.hidden), x.dtype)
        _, states = jax.lax.scan(step, start, x @ U.T + b, unroll=problem.unroll)
        y = jax.nn.log_softmax(states @ V.T + c)
        return -jnp.sum(target * y) / (problem.steps * problem.batch)

    return jitted(jax.value_and_grad(loss), *_jax_arguments(problem))


def jax_by_hand(problem: Problem) -> Call:
    """The backward pass written out: one scan for the adjoint of a, then large products over time and batch."""
    import jax
    import jax.numpy as jnp

    def value_and_gradients(parameters: Any, x: Any, target: Any) -> Any:
        W, U, V, b, c = parameters

        def forward(s: Any, drive: Any) -> Any:
            s = jnp.tanh(drive + s @ W.T)
            return s, s

        def backward(later: Any, at: Any) -> Any:
            s, ds = at
            da = (ds + later) * (1 - s * s)
            return da @ W, da

        zero = jnp.zeros((problem.batch, problem.hidden), x.dtype)
        _, s = jax.lax.scan(forward, zero, x @ U.T + b, unroll=problem.unroll)
        logs = jax.nn.log_softmax(s @ V.T + c)
        scale = 1 / (problem.steps * problem.batch)
        do = (jnp.exp(logs) - target) * scale
        _, da = jax.lax.scan(backward, zero, (s, do @ V), reverse=True, unroll=problem.unroll)
        before = jnp.concatenate([zero[None], s[:-1]])
        flat = [part.reshape(-1, part.shape[-1]) for part in (da, before, x, do, s)]
        gradients = (flat[0].T @ flat[1], flat[0].T @ flat[2], flat[3].T @ flat[4], flat[0].sum(0), flat[3].sum(0))
        return -jnp.sum(target * logs) * scale, gradients

    return jitted(value_and_gradients, *_jax_arguments(problem))


def with_torch(problem: Problem) -> Call:
    """`torch.nn.RNN`, a linear layer and cross-entropy, gradients by autograd."""
    import torch

    W, U, V, b, c, x, target = torch_tensors(*(problem.data[name] for name in (*NAMES, "x", "target")))
    rnn = torch.nn.RNN(problem.inputs, problem.hidden)
    out = torch.nn.Linear(problem.hidden, problem.classes)
    with torch.no_grad():
        for to, value in zip((*rnn.parameters(), *out.parameters()), (U, W, b, 0 * b, V, c), strict=True):
            to.copy_(value)
    U, W, b, _ = rnn.parameters()
    V, c = out.parameters()
    labels = target.argmax(-1).reshape(-1)

    def call() -> Any:
        states, _ = rnn(x)
        loss = torch.nn.functional.cross_entropy(out(states).reshape(-1, problem.classes), labels)
        return loss.detach(), torch.autograd.grad(loss, (W, U, V, b, c))

    return call


def _jax_arguments(problem: Problem) -> list[Any]:
    return [tuple(problem.data[name] for name in NAMES), problem.data["x"], problem.data["target"]]


def reports(options: Options) -> list[Report]:
    """A table for each of the two problems."""
    from benchmarks.rnn_single import with_numba

    made = []
    for problem, title in ((BATCHED, "T = 100, batch 32, 64-128-64"), (SINGLE, "T = 50, batch 1, 16-32-16")):
        contenders = [
            Contender("graphc", lambda p=problem: with_graphc(p), ("graphc",)),
            Contender("JAX lax.scan", lambda p=problem: jax_scan(p), ("jax",)),
            Contender("JAX, gradient by hand", lambda p=problem: jax_by_hand(p), ("jax",)),
            Contender("PyTorch", lambda p=problem: with_torch(p), ("torch",)),
        ]
        if problem.batch == 1:
            contenders.insert(1, Contender("Numba, gradient by hand", lambda p=problem: with_numba(p), ("numba",)))
        case = Case(
            f"Elman RNN, softmax, cross-entropy: value and all gradients, {title}, f32",
            lambda p=problem: reference(p),
            tuple(contenders),
            (Bar("graphc", "JAX lax.scan", 1.0),),
            dtype="float32",
            rtol=1e-4,
            flops=problem.flops,
        )
        made.append(run(case, options))
    return made
