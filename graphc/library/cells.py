"""Recurrent cells as equations: x (T, ..., N) -> states (T, ..., units), which start at zero.

Every gate is g(b + W s[t-1] + U x[t]). The tensors of a cell called "h" are h (its state), h_W, h_U, h_b, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp
from sympy import tanh

from graphc.language.reductions import Sum, sigmoid
from graphc.language.symbols import Param, Tensor
from graphc.library.layers import Layer, indices, leading


def elman(name: str, x: Tensor, units: Any) -> Layer:
    """s[t] = tanh(b + W s[t-1] + U x[t]) (Elman 1990)."""
    s, at, before = _state(name, x, units)
    a, W, U, b = _gate(name, x, s[before], s)
    return Layer(s, (sp.Eq(s[at], tanh(a)), sp.Eq(s[-1], 0)), (W, U, b))


def lstm(name: str, x: Tensor, units: Any) -> Layer:
    """c[t] = f c[t-1] + i tanh(..), s[t] = o tanh(c[t]), gates i, f, o (Hochreiter, Schmidhuber 1997; Gers 2000)."""
    s, at, before = _state(name, x, units)
    c = Tensor(f"{name}_c", *s.dims)
    gates, equations, params = _gates(name, "ifo", x, s, at, before)
    i, f, o = gates
    a, *more = _gate(f"{name}_c", x, s[before], s)
    equations += [
        sp.Eq(c[at], f[at] * c[before] + i[at] * tanh(a)),
        sp.Eq(s[at], o[at] * tanh(c[at])),
        sp.Eq(c[-1], 0),
        sp.Eq(s[-1], 0),
    ]
    return Layer(s, tuple(equations), (*params, *more))


def gru(name: str, x: Tensor, units: Any) -> Layer:
    """s[t] = u s[t-1] + (1-u) tanh(b + W (r s[t-1]) + U x[t]) with gates u, r (Cho et al. 2014)."""
    s, at, before = _state(name, x, units)
    (u, r), equations, params = _gates(name, "ur", x, s, at, before)
    a, *more = _gate(name, x, r[at] * s[before], s)
    equations += [sp.Eq(s[at], u[at] * s[before] + (1 - u[at]) * tanh(a)), sp.Eq(s[-1], 0)]
    return Layer(s, tuple(equations), (*params, *more))


def _state(name: str, x: Tensor, units: Any) -> tuple[Tensor, tuple[Any, ...], tuple[Any, ...]]:
    """The state, and the subscripts of now and of one step before."""
    leading(x, 2, name)  # refuses an x that has no time, or nothing at each
    t, *batch = leading(x, 1, name)
    (i,) = indices("i", x, units, beside=name)
    return Tensor(name, *x.dims[:-1], units), (t, *batch, i), (t - 1, *batch, i)


def _gates(
    name: str, letters: str, x: Tensor, s: Tensor, at: Sequence[Any], before: Sequence[Any]
) -> tuple[list[Tensor], list[sp.Eq], list[Param]]:
    """One sigmoid gate for each letter, as tensors of their own."""
    gates, equations, params = [], [], []
    for letter in letters:
        g = Tensor(f"{name}_{letter}", *s.dims)
        a, *more = _gate(g.name, x, s[tuple(before)], s)
        gates.append(g)
        equations.append(sp.Eq(g[tuple(at)], sigmoid(a)))
        params += more
    return gates, equations, params


def _gate(name: str, x: Tensor, fed: sp.Expr, s: Tensor) -> tuple[sp.Expr, Param, Param, Param]:
    """b + W fed + U x[t], where `fed` is an expression in t, the batch's indices and i."""
    t, *batch = leading(x, 1, s.name)
    units = s.dims[-1]
    i, j, k = indices("ijk", x, units, beside=s.name)
    W, U, b = Param(f"{name}_W", units, units), Param(f"{name}_U", units, x.dims[-1]), Param(f"{name}_b", units)
    return b[i] + Sum(W[i, j] * fed.subs(i, j), j) + Sum(U[i, k] * x[(t, *batch, k)], k), W, U, b
