"""pow: 2^(y log2|x|), the logarithm to twelve bits more than a double has.

A relative error of log2|x| is multiplied by y log2|x|, up to 1075, in the result: so the leading parts of the logarithm
are pairs of doubles (Dekker 1971).
"""

from __future__ import annotations

from math import inf, nan

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.exponential import exp2_as_float, exp2_of
from graphc.codegen.vectormath.lanes import Kit, V
from graphc.codegen.vectormath.logarithm import log2_as_float, normal, split
from graphc.codegen.vectormath.rounding import round as nearest

_Pair = tuple[V, V]


def pow(kit: Kit, x: V, y: V) -> V:
    """C99's pow: negative x with integer y, and all its special values. For float, computed in double. 1.5 ULP."""
    size = kit.fabs(x)
    if not kit.double:
        logarithm = log2_as_float(kit.widened(size))
        result = kit.narrowed(exp2_as_float(logarithm.kit, logarithm * kit.widened(y)))
        return _special(kit, x, y, result)
    high, low = _log2_pair(kit, size)
    exponent, lost = kit.product(y, high)
    huge = kit.fabs(exponent) > 1100.0  # over- and underflow, and the error may be NaN there
    exponent = huge.choose(kit.copysign(kit.const(1100.0), exponent), exponent)
    error = huge.choose(0.0, kit.fma(y, low, lost))
    shift = 1.5 * kit.power(kit.fraction) + 2 * kit.bias
    shifted = exponent + shift
    result = exp2_of(kit, exponent - (shifted - shift), error, shifted.bits())
    return _special(kit, x, y, result)


def _log2_pair(kit: Kit, size: V) -> _Pair:
    """log2 of a positive number: e + 2/ln(2) atanh s, s = (m - 1) / (m + 1), atanh s = s (1 + s^2/3 + s^4 Q(s^2))."""
    positive, offset = normal(kit, size)
    e, m, _ = split(kit, positive, offset)
    f = m - 1.0
    below, below_low = kit.fast_two_sum(kit.const(1.0), m)
    inverse = 1.0 / below
    s = f * inverse
    product, error = kit.product(s, below)
    s_low = (((f - product) - error) - s * below_low) * inverse
    z, z_error = kit.product(s, s)
    z_low = kit.fma(s + s, s_low, z_error)
    third, third_low = _times(kit, (z, z_low), "0x1.5555555555555p-2", "0x1.5555555555555p-56")
    rest = kit.fma(z * z, kit.polynomial(z, coefficients.ATANH_F64), third_low)
    third, rest = kit.fast_two_sum(third, rest)
    factor, lost = kit.fast_two_sum(kit.const(1.0), third)
    lead, lead_error = kit.product(s, factor)
    lead_low = kit.fma(s, lost + rest, kit.fma(s_low, factor, lead_error))
    lead, lead_low = _times(kit, (lead, lead_low), "0x1.71547652b82fep+1", "0x1.777d0ffda0d24p-55")
    total, lost = kit.two_sum(e, lead)
    return kit.fast_two_sum(total, lost + lead_low)


def _times(kit: Kit, pair: _Pair, high: str, low: str) -> _Pair:
    """A pair times a constant given as a pair."""
    product, error = kit.product(pair[0], kit.const(float.fromhex(high)))
    return product, kit.fma(pair[1], float.fromhex(high), kit.fma(pair[0], float.fromhex(low), error))


def _special(kit: Kit, x: V, y: V, result: V) -> V:
    """Annex F.9.4.4 of C99; `result` is right for finite positive |x| and y, and for infinite y unless |x| = 1."""
    size = kit.fabs(x)
    growing = (y > 0.0).choose(size, 1.0 / size)
    result = (size.equals(0.0) | size.equals(inf)).choose(growing, result)
    whole = nearest(kit, y).equals(y)
    half = 0.5 * y
    odd = whole & nearest(kit, half).equals(half).inverted()
    negative = kit.copysign(kit.const(1.0), x) < 0.0
    result = (negative & odd).choose(-result, result)
    invalid = (x < 0.0) & (x > -inf) & whole.inverted()
    result = (invalid | x.is_nan() | y.is_nan()).choose(nan, result)
    one = x.equals(1.0) | y.equals(0.0) | (size.equals(1.0) & kit.fabs(y).equals(inf))
    return one.choose(1.0, result)
