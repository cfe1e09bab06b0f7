"""Layers as equations. A layer's input is a tensor whose leading axes (batch, time) are carried along."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from graphc.language.reductions import Sum, amax
from graphc.language.symbols import Index, Param, Tensor


@dataclass(frozen=True)
class Layer:
    """What comes out, the equations that define it, and the parameters in them."""

    output: Tensor
    equations: tuple[sp.Eq, ...]
    params: tuple[Param, ...]


def leading(x: Tensor, axes: int) -> tuple[Index, ...]:
    """An index for each axis of x before the last `axes`."""
    return tuple(Index(f"b{n}") for n in range(x.rank - axes))


def dense(name: str, x: Tensor, units: Any, activation: Callable[[Any], Any] = lambda a: a) -> Layer:
    """activation(b + W x): x (..., N) -> (..., units), W (units, N)."""
    b, (i, k) = leading(x, 1), (Index("i"), Index("k"))
    y = Tensor(name, *x.dims[:-1], units)
    W, bias = Param(f"{name}_W", units, x.dims[-1]), Param(f"{name}_b", units)
    return Layer(y, (sp.Eq(y[(*b, i)], activation(bias[i] + Sum(W[i, k] * x[(*b, k)], k))),), (W, bias))


def conv2d(
    name: str, x: Tensor, filters: Any, size: Any, stride: int = 1, activation: Callable[[Any], Any] = lambda a: a
) -> Layer:
    """activation(b + K * x), correlated where the kernel fits inside: x (..., C, Y, X) -> (..., filters, Y', X').

    K is (filters, C, size, size), and Y' = (Y - size)//stride + 1.
    """
    b, (f, c, i, j) = leading(x, 3), (Index(n) for n in "fcij")
    m, n = Index("m"), Index("n")
    channels, *image = x.dims[-3:]
    y = Tensor(name, *x.dims[:-3], filters, *((d - size) // stride + 1 for d in image))
    K, bias = Param(f"{name}_K", filters, channels, size, size), Param(f"{name}_b", filters)
    total = Sum(K[f, c, m, n] * x[(*b, c, stride * i + m, stride * j + n)], c, m, n)
    return Layer(y, (sp.Eq(y[(*b, f, i, j)], activation(bias[f] + total)),), (K, bias))


def maxpool(name: str, x: Tensor, size: int) -> Layer:
    """The largest of each size by size square: x (..., Y, X) -> (..., Y//size, X//size)."""
    b, (i, j) = leading(x, 2), (Index("i"), Index("j"))
    m, n = Index("m", size), Index("n", size)
    y = Tensor(name, *x.dims[:-2], *(d // size for d in x.dims[-2:]))
    return Layer(y, (sp.Eq(y[(*b, i, j)], amax(x[(*b, size * i + m, size * j + n)], m, n)),), ())
