"""The 5-point heat stencil on 1024², 200 steps, float32; the edge is held, the last field is the result."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted

SIDE, STEPS, RATE = 1024, 200, 0.2


@cache
def field() -> np.ndarray:
    """The field before the first step."""
    return np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)


def reference() -> Sequence[Any]:
    """Whole-array NumPy in float64."""
    u = field().astype(np.float64)
    rate = float(np.float32(RATE))
    for _ in range(STEPS):
        inner = u[1:-1, 1:-1]
        around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        after = u.copy()
        after[1:-1, 1:-1] = inner + rate * (around - 4 * inner)
        u = after
    return [u]


def with_graphc() -> Call:
    """One recurrence; only its last step is asked for."""
    from sympy import And, Piecewise

    import graphc as gc
    from graphc import Eq

    T, Y, X = gc.sizes("T Y X")
    t, i, j = gc.indices("t i j")
    start, rate = gc.Input("start", Y, X), gc.Param("rate")
    u, end = gc.Tensor("u", T + 1, Y, X), gc.Tensor("end", Y, X)
    before = u[t - 1, i, j]
    around = u[t - 1, i - 1, j] + u[t - 1, i + 1, j] + u[t - 1, i, j - 1] + u[t - 1, i, j + 1]
    inside = And(i > 0, i < Y - 1, j > 0, j < X - 1)
    system = gc.System(
        Eq(u[t, i, j], Piecewise((before + rate * (around - 4 * before), inside), (before, True))),
        Eq(u[0, i, j], start[i, j]),
        Eq(end[i, j], u[T, i, j]),
    )
    function = system.compile(end, dtype="float32")
    data, speed = field(), np.float32(RATE)
    return lambda: function(start=data, rate=speed, T=STEPS)


def with_numba() -> Call:
    """Two fields in turn; the inner loop over contiguous columns is a vector's."""
    import numba

    @numba.njit("f4[:, ::1](f4[:, ::1], f4, i8)", fastmath=True)
    def heat(start, rate, steps):
        u, v = start.copy(), start.copy()
        rest = np.float32(1) - np.float32(4) * rate
        for _ in range(steps):
            for i in range(1, u.shape[0] - 1):
                for j in range(1, u.shape[1] - 1):
                    v[i, j] = rest * u[i, j] + rate * ((u[i - 1, j] + u[i + 1, j]) + (u[i, j - 1] + u[i, j + 1]))
            u, v = v, u
        return u

    data, speed = field(), np.float32(RATE)
    return lambda: heat(data, speed, STEPS)


def with_jax() -> Call:
    """`fori_loop` over shifted slices."""
    import jax

    def heat(start: Any, rate: Any) -> Any:
        def step(_: Any, u: Any) -> Any:
            inner = u[1:-1, 1:-1]
            around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
            return u + jax.numpy.pad(rate * (around - 4 * inner), 1)

        return jax.lax.fori_loop(0, STEPS, step, start)

    return jitted(heat, field(), np.float32(RATE))


def reports(options: Options) -> list[Report]:
    """The table of this workload; six operations a point and step."""
    case = Case(
        f"5-point heat stencil, {SIDE}², {STEPS} steps, f32",
        reference,
        (
            Contender("graphc", with_graphc, ("graphc",)),
            Contender("Numba", with_numba, ("numba",)),
            Contender("JAX fori_loop", with_jax, ("jax",)),
        ),
        (Bar("graphc", "Numba", 1.3),),
        dtype="float32",
        rtol=1e-4,
        flops=6.0 * STEPS * (SIDE - 2) ** 2,
    )
    return [run(case, options)]
