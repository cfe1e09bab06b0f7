"""For the Numba peers: exp and log as a Numba expert writes them to have loops over them vectorised.

Numba calls the C library for these, one element at a time; range reduction on the bits and a polynomial in line leave
LLVM a loop body without calls. They are inlined before compilation, so the caller's flags hold: it wants
`fastmath={"contract"}` for fused multiply-adds, `error_model="numpy"` for a division without a branch, and not
`reassoc`, which would cancel the rounding. Good to a few units in the last place, exp over all ordinary arguments, log
over positive normal ones.
"""

from __future__ import annotations

import math
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_INV_LN2 = 1.0 / math.log(2.0)
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it leaves the nearest integer in the low bits
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_BIAS = 1024 << 52  # makes the exponent's field positive, so that a logical shift would do
_TWO_52_BITS = 0x4330000000000000


@intrinsic
def as_bits(typing: Any, value: Any) -> Any:
    """The bits of a float64 as an int64."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.int64))

    return types.int64(types.float64), emit


@intrinsic
def as_float(typing: Any, value: Any) -> Any:
    """The float64 that has these bits."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(types.float64))

    return types.float64(types.int64), emit


@numba.njit(inline="always", error_model="numpy")
def exp(x: float) -> float:
    """e**x for x up to 709; zero below -708."""
    z = max(x, -708.0)
    shifted = z * _INV_LN2 + _ROUND
    k = shifted - _ROUND
    r = (z - k * _LN2_HIGH) - k * _LN2_LOW
    p = 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    value = as_float(as_bits(p) + (as_bits(shifted) << 52))
    return value if x > -708.0 else 0.0


@numba.njit(inline="always", error_model="numpy")
def log(x: float) -> float:
    """Natural logarithm of a positive, normal x: fdlibm's polynomial, without AVX2's missing int64 conversion."""
    bits = as_bits(x) - _SQRT_HALF_BITS
    k = ((bits + _BIAS) >> 52) & 0xFFF
    f = as_float((bits & 0x000FFFFFFFFFFFFF) + _SQRT_HALF_BITS) - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    half = 0.5 * f * f
    n = as_float(k + _TWO_52_BITS) - (4503599627370496.0 + 1024.0)
    return n * _LN2_HIGH - ((half - (s * (half + p * z) + n * _LN2_LOW)) - f)
