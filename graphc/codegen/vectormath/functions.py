"""The table of functions: name -> body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.codegen.vectormath import (
    error_function,
    exponential,
    gamma_function,
    hyperbolic,
    logarithm,
    power,
    rounding,
    trigonometric,
)

INSTRUCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(rounding, name)
    for name in ("sqrt", "fabs", "copysign", "sign", "maximum", "minimum", "round", "floor", "ceil", "trunc")
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{n: getattr(exponential, n) for n in ("exp", "exp2", "expm1", "tanh", "sigmoid", "sinh", "cosh")},
    **{n: getattr(rounding, n) for n in ("fmod", "mod")},
    **{n: getattr(trigonometric, n) for n in ("sin", "cos", "tan", "asin", "acos", "atan", "atan2")},
    **{n: getattr(hyperbolic, n) for n in ("asinh", "acosh", "atanh")},
    **{n: getattr(error_function, n) for n in ("erf", "erfc")},
    **{n: getattr(gamma_function, n) for n in ("gamma", "loggamma", "digamma")},
    "pow": power.pow,
    **{n: getattr(logarithm, n) for n in ("log", "log1p", "log2", "softplus")},
}
