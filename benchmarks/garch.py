"""GARCH(1,1): negative log-likelihood of T = 5000 returns and its gradient in the three parameters, float64.

h[0] is the sample variance; h[t] = omega + alpha e[t-1]² + beta h[t-1]; L = sum(log h + e²/h)/2. Only the chain of h,
and that of its adjoint backwards, is sequential.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted

T = 5000
OMEGA, ALPHA, BETA = 0.05, 0.08, 0.9


@cache
def returns() -> np.ndarray:
    """A simulated series with the parameters above."""
    normal = np.random.default_rng(0).standard_normal(T)
    e, h = np.empty(T), OMEGA / (1 - ALPHA - BETA)
    for t in range(T):
        e[t] = np.sqrt(h) * normal[t]
        h = OMEGA + ALPHA * e[t] ** 2 + BETA * h
    return e


def reference() -> Sequence[Any]:
    """Value and gradient, the derivative of h carried forward beside it."""
    e = returns()
    h, dh = float(np.var(e)), np.zeros(3)
    value, gradient = 0.0, np.zeros(3)
    for t in range(T):
        if t:
            dh = np.array([1.0, e[t - 1] ** 2, h]) + BETA * dh
            h = OMEGA + ALPHA * e[t - 1] ** 2 + BETA * h
        value += (np.log(h) + e[t] ** 2 / h) / 2
        gradient += dh * (1 / h - e[t] ** 2 / h**2) / 2
    return [value, *gradient]


def with_graphc() -> Call:
    """The equations as a book writes them."""
    import graphc as gc
    from graphc import Eq, Sum, log

    size = gc.sizes("T")
    t = gc.indices("t")
    e, start = gc.Input("e", size), gc.Input("start")
    omega, alpha, beta = gc.params("omega alpha beta")
    h, loss = gc.Tensor("h", size), gc.Tensor("L")
    system = gc.System(
        Eq(h[t], omega + alpha * e[t - 1] ** 2 + beta * h[t - 1]),
        Eq(h[0], start),
        Eq(loss, Sum(log(h[t]) + e[t] ** 2 / h[t], t) / 2),
    )
    function = system.compile(loss, *(gc.D(loss, p) for p in (omega, alpha, beta)), dtype="float64")
    data = returns()
    variance = float(np.var(data))
    return lambda: function(e=data, start=variance, omega=OMEGA, alpha=ALPHA, beta=BETA)


def with_numba() -> Call:
    """By hand: two chains, all else vectorised; the logarithms as one product of mantissas and a sum of exponents."""
    import numba

    from benchmarks.bits import as_bits, as_float

    @numba.njit(
        "Tuple((f8, f8, f8, f8))(f8[::1], f8, f8, f8, f8, f8[::1], f8[::1], f8[::1])",
        fastmath=True,
        error_model="numpy",
    )
    def value_and_gradient(e, start, omega, alpha, beta, h, g, square):
        n = e.size
        for t in range(n):
            square[t] = e[t] * e[t]
            g[t] = omega + alpha * square[t]
        h[0] = start
        for t in range(1, n):
            h[t] = g[t - 1] + beta * h[t - 1]
        exponents, logs, fit = 0, 0.0, 0.0
        for first in range(0, n, 512):  # 512 factors below 2 stay finite
            product = 1.0
            for t in range(first, min(first + 512, n)):
                bits = as_bits(h[t])
                exponents += bits >> 52
                product *= as_float((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000)
                inverse = 1.0 / h[t]
                residual = square[t] * inverse
                fit += residual
                g[t] = 0.5 * inverse * (1.0 - residual)
            logs += np.log(product)
        for t in range(n - 2, -1, -1):
            g[t] += beta * g[t + 1]
        d_omega = d_alpha = d_beta = 0.0
        for t in range(1, n):
            d_omega += g[t]
            d_alpha += g[t] * square[t - 1]
            d_beta += g[t] * h[t - 1]
        return 0.5 * (logs + (exponents - 1023 * n) * np.log(2.0) + fit), d_omega, d_alpha, d_beta

    e, buffers = returns(), [np.empty(T) for _ in range(3)]
    start = float(np.var(e))
    return lambda: value_and_gradient(e, start, OMEGA, ALPHA, BETA, *buffers)


def _jax(associative: bool) -> Call:
    import jax
    import jax.numpy as jnp

    def loss(parameters: Any, e: Any, start: Any) -> Any:
        drive = parameters[0] + parameters[1] * e[:-1] ** 2
        if associative:
            ones = jnp.full(T, parameters[2])
            _, h = jax.lax.associative_scan(
                lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1]), (ones, jnp.concatenate([start[None], drive]))
            )
        else:

            def step(previous: Any, d: Any) -> Any:
                new = d + parameters[2] * previous
                return new, new

            _, rest = jax.lax.scan(step, start, drive, unroll=8)
            h = jnp.concatenate([start[None], rest])
        return jnp.sum(jnp.log(h) + e**2 / h) / 2

    return jitted(jax.value_and_grad(loss), np.array([OMEGA, ALPHA, BETA]), returns(), np.asarray(np.var(returns())))


def with_casadi() -> Call:
    """The unrolled scalar graph, evaluated through fixed buffers."""
    import casadi

    data = returns()
    p, e = casadi.SX.sym("p", 3), casadi.SX.sym("e", T)
    h, value = casadi.SX(float(np.var(data))), casadi.SX(0.0)
    for t in range(T):
        if t:
            h = p[0] + p[1] * e[t - 1] ** 2 + p[2] * h
        value += (casadi.log(h) + e[t] ** 2 / h) / 2
    function = casadi.Function("garch", [p, e], [value, casadi.gradient(value, p)])
    buffer, trigger = function.buffer()
    point, out_value, out_gradient = np.array([OMEGA, ALPHA, BETA]), np.zeros(1), np.zeros(3)
    for position, array in enumerate((point, data)):
        buffer.set_arg(position, memoryview(array))
    for position, array in enumerate((out_value, out_gradient)):
        buffer.set_res(position, memoryview(array))
    alive = (function, buffer, point)  # the buffer itself holds bare addresses

    def call() -> Any:
        trigger()
        return out_value, out_gradient, alive

    return call


def _scalars(result: Any) -> list[Any]:
    return [float(np.asarray(result[0]).item()), *np.asarray(result[1])]


def reports(options: Options) -> list[Report]:
    """The table of this workload."""
    case = Case(
        "GARCH(1,1) likelihood, value and gradient, T = 5000, f64",
        reference,
        (
            Contender("graphc", with_graphc, ("graphc",)),
            Contender("Numba, gradient by hand", with_numba, ("numba",)),
            Contender("JAX associative scan", lambda: _jax(True), ("jax",), _scalars),
            Contender("JAX lax.scan", lambda: _jax(False), ("jax",), _scalars),
            Contender("CasADi SX", with_casadi, ("casadi",), _scalars),
        ),
        (Bar("graphc", "Numba, gradient by hand", 1.5),),
    )
    return [run(case, options)]
