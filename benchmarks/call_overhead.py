"""What a call costs: y[i] = 2 x[i] + 1 over eight float64 numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.harness import Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted, torch_tensors

X = np.arange(8.0)


def with_graphc() -> Call:
    """The equation as it stands."""
    import graphc as gc

    n, i = gc.sizes("N"), gc.indices("i")
    x, y = gc.Input("x", n), gc.Tensor("y", n)
    function = gc.System(gc.Eq(y[i], 2 * x[i] + 1)).compile(y, dtype="float64")
    return lambda: function(x=X)


def with_numba() -> Call:
    """Compiled ahead, a new array for every result."""
    import numba

    @numba.njit("f8[::1](f8[::1])")
    def affine(x):
        y = np.empty_like(x)
        for i in range(x.size):
            y[i] = 2.0 * x[i] + 1.0
        return y

    return lambda: affine(X)


def with_casadi() -> Call:
    """Fixed buffers: nothing is passed at the call."""
    import casadi

    x = casadi.SX.sym("x", X.size)
    function = casadi.Function("affine", [x], [2 * x + 1])
    buffer, trigger = function.buffer()
    out = np.zeros(X.size)
    buffer.set_arg(0, memoryview(X))
    buffer.set_res(0, memoryview(out))
    alive = (function, buffer)  # the buffer itself holds bare addresses

    def call(_: Any = alive) -> Any:
        trigger()
        return out

    return call


def with_jax() -> Call:
    """Compiled ahead, the argument in JAX's memory."""
    return jitted(lambda x: 2 * x + 1, X)


def with_torch() -> Call:
    """Two operations, without autograd."""
    import torch

    (x,) = torch_tensors(X)

    def call() -> Any:
        with torch.inference_mode():
            return torch.add(1, x, alpha=2)

    return call


def with_numpy() -> Call:
    """Two operations."""
    return lambda: 2 * X + 1


def reports(options: Options) -> list[Report]:
    """The table of this workload."""
    case = Case(
        "A call with 8 floats, f64",
        lambda: [2 * X + 1],
        (
            Contender("graphc", with_graphc, ("graphc",)),
            Contender("CasADi, fixed buffers", with_casadi, ("casadi",)),
            Contender("Numba", with_numba, ("numba",)),
            Contender("JAX", with_jax, ("jax",)),
            Contender("PyTorch", with_torch, ("torch",)),
            Contender("NumPy", with_numpy),
        ),
    )
    return [run(case, options)]
