"""A biquad filter, float64: its output over 10⁶ samples; and over 10⁵ the gradient of a loss in its five coefficients.

y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2], L = sum (y - target)²/2. The chain of y costs one fused
multiply-add of latency a sample; the adjoint has the same chain backwards, and five dot products after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run

LONG, SHORT = 1_000_000, 100_000
B, A = (0.02008, 0.04017, 0.02008), (-1.56102, 0.64135)  # second-order Butterworth, low pass
NAMES = ("b0", "b1", "b2", "a1", "a2")


@cache
def data(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """The signal and the target."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(samples), rng.standard_normal(samples)


def _filtered(x: Sequence[float], first: float, b1: float = 0.0, b2: float = 0.0) -> np.ndarray:
    """The plain loop, one output sample at a time, from rest."""
    out, x1, x2, y1, y2 = [], 0.0, 0.0, 0.0, 0.0
    for x0 in x:
        y0 = first * x0 + b1 * x1 + b2 * x2 - A[0] * y1 - A[1] * y2
        out.append(y0)
        x1, x2, y1, y2 = x0, x1, y0, y1
    return np.array(out)


def _delayed(x: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([np.zeros(steps), x[: x.size - steps]])


def reference_value() -> Sequence[Any]:
    """The filter's output."""
    return [_filtered(data(LONG)[0].tolist(), *B)]


def reference_gradient() -> Sequence[Any]:
    """The adjoint is the recursive part run backwards over the residual."""
    x, target = data(SHORT)
    y = _filtered(x.tolist(), *B)
    adjoint = _filtered((y - target)[::-1].tolist(), 1.0)[::-1]
    feed = [adjoint @ _delayed(x, k) for k in range(3)]
    return [np.sum((y - target) ** 2) / 2, *feed, *(-(adjoint @ _delayed(y, k)) for k in (1, 2))]


def _system() -> tuple[Any, Any, Any, tuple[Any, ...]]:
    import graphc as gc
    from graphc import Eq, Sum

    samples, n = gc.sizes("N"), gc.indices("n")
    x, target = gc.Input("x", samples, outside=0), gc.Input("target", samples)
    coefficients = gc.params(" ".join(NAMES))
    b0, b1, b2, a1, a2 = coefficients
    y, loss = gc.Tensor("y", samples), gc.Tensor("L")
    system = gc.System(
        Eq(y[n], b0 * x[n] + b1 * x[n - 1] + b2 * x[n - 2] - a1 * y[n - 1] - a2 * y[n - 2]),
        Eq(y[-1], 0),
        Eq(y[-2], 0),
        Eq(loss, Sum((y[n] - target[n]) ** 2, n) / 2),
    )
    return system, y, loss, coefficients


def graphc_value() -> Call:
    """The output alone."""
    system, y, _, _ = _system()
    function = system.compile(y, dtype="float64")
    named, x = dict(zip(NAMES, (*B, *A), strict=True)), data(LONG)[0]
    return lambda: function(x=x, **named)


def graphc_gradient() -> Call:
    """The loss and its gradient."""
    import graphc as gc

    system, _, loss, coefficients = _system()
    function = system.compile(loss, *(gc.D(loss, p) for p in coefficients), dtype="float64")
    named, (x, target) = dict(zip(NAMES, (*B, *A), strict=True)), data(SHORT)
    return lambda: function(x=x, target=target, **named)


def numba_value() -> Call:
    """Direct form, states in registers; only the product with y[n-1] is on the chain."""
    import numba

    @numba.njit("f8[::1](f8[::1], f8, f8, f8, f8, f8)", fastmath={"contract"})
    def filtered(x, b0, b1, b2, a1, a2):
        y = np.empty_like(x)
        x1 = x2 = y1 = y2 = 0.0
        for n in range(x.size):
            x0 = x[n]
            y0 = ((b0 * x0 + b1 * x1 + b2 * x2) - a2 * y2) - a1 * y1
            y[n] = y0
            x1, x2, y1, y2 = x0, x1, y0, y1
        return y

    x = data(LONG)[0]
    return lambda: filtered(x, *B, *A)


def numba_gradient() -> Call:
    """By hand: the two chains, the five dot products as vectors in between blocks that stay in cache."""
    import numba

    signature = "UniTuple(f8, 6)(f8[::1], f8[::1], f8, f8, f8, f8, f8, f8[::1], f8[::1])"

    @numba.njit("void(f8[::1], f8, f8, f8, f8, f8, f8[::1])", fastmath={"contract"})
    def forward(x, b0, b1, b2, a1, a2, y):
        x1 = x2 = y1 = y2 = 0.0
        for n in range(x.size):
            x0 = x[n]
            y0 = ((b0 * x0 + b1 * x1 + b2 * x2) - a2 * y2) - a1 * y1
            y[n] = y0
            x1, x2, y1, y2 = x0, x1, y0, y1

    @numba.njit("void(f8[::1], f8[::1], f8, f8, f8[::1])", fastmath={"contract"})
    def backward(y, target, a1, a2, adjoint):
        l1 = l2 = 0.0
        for n in range(y.size - 1, -1, -1):
            l0 = ((y[n] - target[n]) - a2 * l2) - a1 * l1
            adjoint[n] = l0
            l1, l2 = l0, l1

    @numba.njit(signature, fastmath=True)
    def value_and_gradient(x, target, b0, b1, b2, a1, a2, y, adjoint):
        forward(x, b0, b1, b2, a1, a2, y)
        backward(y, target, a1, a2, adjoint)
        value = d0 = d1 = d2 = e1 = e2 = 0.0
        for n in range(2, x.size):
            residual = y[n] - target[n]
            value += residual * residual
            d0 += adjoint[n] * x[n]
            d1 += adjoint[n] * x[n - 1]
            d2 += adjoint[n] * x[n - 2]
            e1 += adjoint[n] * y[n - 1]
            e2 += adjoint[n] * y[n - 2]
        value += (y[0] - target[0]) ** 2 + (y[1] - target[1]) ** 2
        d0 += adjoint[0] * x[0] + adjoint[1] * x[1]
        d1 += adjoint[1] * x[0]
        e1 += adjoint[1] * y[0]
        return value / 2, d0, d1, d2, -e1, -e2

    x, target = data(SHORT)
    y, adjoint = np.empty_like(x), np.empty_like(x)
    return lambda: value_and_gradient(x, target, *B, *A, y, adjoint)


def scipy_value() -> Call:
    """`scipy.signal.lfilter`."""
    from scipy.signal import lfilter

    x = data(LONG)[0]
    return lambda: lfilter(B, (1.0, *A), x)


def scipy_gradient() -> Call:
    """`lfilter` forwards and, over the residual, backwards; the rest in NumPy."""
    from scipy.signal import lfilter

    x, target = data(SHORT)

    def call() -> Any:
        y = lfilter(B, (1.0, *A), x)
        residual = y - target
        adjoint = lfilter((1.0,), (1.0, *A), residual[::-1])[::-1]
        feed = [adjoint @ x, adjoint[1:] @ x[:-1], adjoint[2:] @ x[:-2]]
        return residual @ residual / 2, *feed, -(adjoint[1:] @ y[:-1]), -(adjoint[2:] @ y[:-2])

    return call


def reports(options: Options) -> list[Report]:
    """The filter, then its gradient."""
    value = Case(
        "Biquad over 10⁶ samples, f64",
        reference_value,
        (
            Contender("graphc", graphc_value, ("graphc",)),
            Contender("Numba", numba_value, ("numba",)),
            Contender("SciPy lfilter", scipy_value, ("scipy",)),
        ),
        (Bar("graphc", "Numba", 1.2),),
    )
    gradient = Case(
        "Biquad over 10⁵ samples: loss and its gradient in five coefficients, f64",
        reference_gradient,
        (
            Contender("graphc", graphc_gradient, ("graphc",)),
            Contender("Numba, gradient by hand", numba_gradient, ("numba",)),
            Contender("SciPy lfilter, adjoint by hand", scipy_gradient, ("scipy",)),
        ),
        (Bar("graphc", "Numba, gradient by hand", 1.2),),
    )
    return [run(value, options), run(gradient, options)]
