"""The meaning of the gamma function and its relatives, one number at a time, by mpmath (which SymPy brings along)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath  # type: ignore[import-untyped]

_BITS = 100  # more than a double's 53, so that what is rounded is right


def loggamma(x: float) -> float:
    """C99's lgamma: log|gamma(x)|, infinite at the poles."""
    if math.isinf(x) or _is_pole(x):
        return math.inf
    return _rounded(lambda: mpmath.re(mpmath.loggamma(x)))


def gamma(x: float) -> float:
    """C99's tgamma: infinite of the sign of a zero, NaN at the other poles."""
    if x == 0:
        return math.copysign(math.inf, x)
    if _is_pole(x):
        return math.nan
    return math.inf if x > 1e4 else 0.0 * math.sin(math.pi * x) if x < -1e4 else _rounded(lambda: mpmath.gamma(x))


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, n a whole number; at a pole the limit where there is one."""
    order = int(n)
    if x == 0:
        return math.inf if order % 2 else -math.copysign(math.inf, x)
    if _is_pole(x):
        return math.inf if order % 2 and x > -math.inf else math.nan
    if math.isinf(x):
        return math.inf if order == 0 else math.copysign(0.0, 1 if order % 2 else -1)
    return _rounded(lambda: mpmath.psi(order, x))


def _is_pole(x: float) -> bool:
    return x <= 0 and (math.isinf(x) or x == math.floor(x))


def _rounded(value: Callable[[], Any]) -> float:
    with mpmath.workprec(_BITS):
        return float(value())
