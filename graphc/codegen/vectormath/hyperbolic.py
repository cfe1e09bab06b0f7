"""The inverse hyperbolic functions, each log(1 + z) of a z known with its rounding error.

So small arguments lose nothing to the addition of 1, and large ones, of which z cannot be formed, are log(x) + ln 2.
"""

from __future__ import annotations

from math import inf, nan

from graphc.codegen.vectormath.lanes import Kit, V
from graphc.codegen.vectormath.logarithm import log_pair

_LARGE = 2.0**28  # from here on sqrt(x^2 + 1) and sqrt(x^2 - 1) are x, in either format


def _log1p_pair(kit: Kit, z: V, low: V, large: V, x: V) -> V:
    """log(1 + z + low), or log(2x) where `large`."""
    one_more, lost = kit.two_sum(kit.const(1.0), z)
    return log_pair(kit, large.choose(x, one_more), large.choose(0.0, lost + low), large)


def asinh(kit: Kit, x: V) -> V:
    """log(1 + |x| + (sqrt(x^2 + 1) - 1)), the bracket as x^2 / (1 + sqrt(x^2 + 1)). 1.8 ULP."""
    size = kit.fabs(x)
    large = size > _LARGE
    square = size * size
    bracket = square / (1.0 + kit.sqrt(square + 1.0))
    z, low = kit.fast_two_sum(size, bracket)
    result = _log1p_pair(kit, z, low, large, size)
    return kit.copysign((size < inf).choose(result, size), x)


def acosh(kit: Kit, x: V) -> V:
    """log(1 + t + sqrt(t^2 + 2t)) with t = x - 1; the root with what its rounding lost. 1.6 ULP."""
    large = x > _LARGE
    t, below = kit.fast_two_sum(x, kit.const(-1.0))
    double = t + t
    square, error = kit.product(t, t)
    under, lost = kit.two_sum(double, square)
    root = kit.sqrt(under)
    again, again_low = kit.product(root, root)
    missing = ((under - again) - again_low) + (lost + error + 2.0 * below * (t + 1.0))
    root_low = (t > 0.0).choose(0.5 * missing / root, 0.0)
    z, low = kit.fast_two_sum(root, t)
    result = _log1p_pair(kit, z, low + (root_low + below), large, x)
    return (x < 1.0).choose(nan, (x < inf).choose(result, x))


def atanh(kit: Kit, x: V) -> V:
    """log(1 + 2|x| / (1 - |x|)) / 2; the quotient with what its rounding lost. 1.7 ULP."""
    size = kit.fabs(x)
    below, below_low = kit.fast_two_sum(kit.const(1.0), -size)
    inverse = 1.0 / below
    above = size + size
    z = above * inverse
    product, error = kit.product(z, below)
    low = (((above - product) - error) - z * below_low) * inverse
    result = 0.5 * _log1p_pair(kit, z, low, size > _LARGE, size)
    result = size.equals(1.0).choose(inf, (size > 1.0).choose(nan, result))
    return kit.copysign((size < kit.power(-kit.fraction // 2 - 1)).choose(size, result), x)
