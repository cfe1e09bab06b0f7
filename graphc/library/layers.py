"""Layers as equations. A layer's input is a tensor whose leading axes (batch, time) are carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import sympy as sp

from graphc.errors import ArgumentError
from graphc.language.reductions import Sum, amax
from graphc.language.symbols import Index, Param, Tensor


@dataclass(frozen=True)
class Layer:
    """What comes out, the equations that define it, and the parameters in them."""

    output: Tensor
    equations: tuple[sp.Eq, ...]
    params: tuple[Param, ...]


def leading(x: Tensor, axes: int, beside: str) -> tuple[Index, ...]:
    """An index for each axis of x before the last `axes`, none of them called as the layer `beside` it."""
    if x.rank < axes:
        raise ArgumentError(
            f"{x.name} has the dimensions ({', '.join(map(str, x.dims))}), the layer needs at least {axes}\n"
            "  Those before them, batch or time, are carried along"
        )
    return indices([f"b{n}" for n in range(x.rank - axes)], x, beside=beside)


def indices(names: Iterable[str], x: Tensor, *more: Any, beside: str, extent: int | None = None) -> tuple[Index, ...]:
    """Indices of these names, with an underscore where the layer, x, one of its sizes or one of `more` is called so."""
    taken = {beside, x.name, *(str(s) for d in (*x.dims, *more) for s in sp.sympify(d).free_symbols)}
    return tuple(Index(f"{name}_" if name in taken else name, extent) for name in names)


def whole(what: str, n: Any) -> int:
    """`n`, which must be a whole number of at least 1."""
    if isinstance(n, bool) or not isinstance(n, Integral) or n < 1:
        raise ArgumentError(f"{what}={n!r} is not a whole number of at least 1\n  Write 2, say")
    return int(n)


def dense(name: str, x: Tensor, units: Any, activation: Callable[[Any], Any] = lambda a: a) -> Layer:
    """activation(b + W x): x (..., N) -> (..., units), W (units, N)."""
    b, (i, k) = leading(x, 1, name), indices("ik", x, units, beside=name)
    y = Tensor(name, *x.dims[:-1], units)
    W, bias = Param(f"{name}_W", units, x.dims[-1]), Param(f"{name}_b", units)
    return Layer(y, (sp.Eq(y[(*b, i)], activation(bias[i] + Sum(W[i, k] * x[(*b, k)], k))),), (W, bias))


def conv2d(
    name: str, x: Tensor, filters: Any, size: Any, stride: int = 1, activation: Callable[[Any], Any] = lambda a: a
) -> Layer:
    """activation(b + K * x), correlated where the kernel fits inside: x (..., C, Y, X) -> (..., filters, Y', X').

    K is (filters, C, size, size), and Y' = (Y - size)//stride + 1.
    """
    stride = whole("conv2d: stride", stride)
    size = size if isinstance(size, sp.Expr) else whole("conv2d: size", size)
    b, (f, c, i, j, m, n) = leading(x, 3, name), indices("fcijmn", x, filters, size, beside=name)
    channels, *image = x.dims[-3:]
    y = Tensor(name, *x.dims[:-3], filters, *((d - size) // stride + 1 for d in image))
    K, bias = Param(f"{name}_K", filters, channels, size, size), Param(f"{name}_b", filters)
    total = Sum(K[f, c, m, n] * x[(*b, c, stride * i + m, stride * j + n)], c, m, n)
    return Layer(y, (sp.Eq(y[(*b, f, i, j)], activation(bias[f] + total)),), (K, bias))


def maxpool(name: str, x: Tensor, size: int) -> Layer:
    """The largest of each size by size square: x (..., Y, X) -> (..., Y//size, X//size)."""
    size = whole("maxpool: size", size)
    b, (i, j) = leading(x, 2, name), indices("ij", x, beside=name)
    m, n = indices("mn", x, beside=name, extent=size)
    y = Tensor(name, *x.dims[:-2], *(d // size for d in x.dims[-2:]))
    return Layer(y, (sp.Eq(y[(*b, i, j)], amax(x[(*b, size * i + m, size * j + n)], m, n)),), ())
