"""The table of functions: name -> body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import exponential, logarithm, rounding

INSTRUCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(rounding, name)
    for name in ("sqrt", "fabs", "copysign", "sign", "maximum", "minimum", "round", "floor", "ceil", "trunc")
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: getattr(exponential, n) for n in ("exp", "exp2", "expm1", "tanh", "sigmoid", "sinh", "cosh")},
    **{n: getattr(rounding, n) for n in ("fmod", "mod")},
    **{n: getattr(logarithm, n) for n in ("log", "log1p", "log2", "softplus")},
}
