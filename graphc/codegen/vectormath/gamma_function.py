"""gamma, loggamma (C99's lgamma: the logarithm of its size), digamma, polygamma.

From 5/2 (3) on Stirling's series, as a minimax polynomial in 1/x^2; below, the recurrence leads to a polynomial on an
interval of length 1 about a zero (Cody and Hillstrom, Chebyshev approximations for the natural logarithm of the gamma
function, 1967); negative arguments by reflection (Abramowitz and Stegun, 6.1.17, 6.3.7, 6.4.7). Sums are pairs, since
the addends nearly cancel about the zeros at 1 and 2. For float, computed in double.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan, pi

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.exponential import LOG2_E, exp2_of
from graphc.codegen.vectormath.lanes import Kit, V
from graphc.codegen.vectormath.logarithm import log_as_pair
from graphc.codegen.vectormath.power import log2_pair
from graphc.codegen.vectormath.rounding import round as nearest

_Pair = tuple[V, V]
_LOG2_E_TAIL = float.fromhex("0x1.777d0ffda0d24p-56")
_STIRLING = float.fromhex("0x1.acfe390c97d69p-2"), float.fromhex("0x1.3494bc9001442p-56")  # (log(2 pi) - 1) / 2
_LOG2_ROOT = float.fromhex("0x1.536439a4c6efcp+0"), float.fromhex("-0x1.49e49a361efebp-54")  # log2(2 pi) / 2
_LOG_PI = float.fromhex("0x1.250d048e7a1bdp+0")
_ROOT = float.fromhex("0x1.3a4f395283812p-5"), float.fromhex("0x1.e563779a1f5b1p-60")  # 3/2 - the root of digamma


def loggamma(kit: Kit, x: V) -> V:
    """log|gamma(x)|. 1.4 ULP above -1/2; below, near zeros only in absolute terms."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    negative = wide < -0.5
    size = negative.choose(-wide, wide)
    high, low = _loggamma(inner, size)
    sine = inner.fabs(sine_of_turns(inner, from_nearest(inner, size)))
    log, log_low = log_as_pair(inner, size * sine)
    reflected, lost = inner.two_sum(_LOG_PI - log, -high)
    reflected = sine.equals(0.0).choose(inf, reflected + (lost - low - log_low))
    result = negative.choose(reflected, _total(high, low))
    result = (size.equals(0.0) | size.equals(inf)).choose(inf, result)
    return result if kit.double else kit.narrowed(result)


def gamma(kit: Kit, x: V) -> V:
    """gamma(x), with the sign of the pole at 0; NaN at those below, as C99's tgamma. 1.5 ULP above -1/2, 3 below."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    negative = wide < -0.5
    size = negative.choose(-wide, wide)
    exponent, tail, divisor = _log2_gamma(inner, size)
    rest = from_nearest(inner, size)
    half = 0.5 * (size - rest)
    odd = nearest(inner, half).equals(half).inverted()
    sine = sine_of_turns(inner, rest)
    sine = odd.choose(-sine, sine)
    lift = negative.choose(inner.word(256), inner.word(0))  # 1/gamma may be subnormal where the whole is not
    value = _exp2(inner, negative.choose(-exponent, exponent), negative.choose(-tail, tail), lift)
    value = (negative & (size > 200.0)).choose(0.0, value)
    reflected = (value * (divisor * -pi / (size * sine))) * inner.power(-256)
    reflected = sine.equals(0.0).choose(nan, reflected)
    result = negative.choose(reflected, value / divisor)
    return result if kit.double else kit.narrowed(result)


def digamma(kit: Kit, x: V) -> V:
    """The derivative of loggamma; NaN at poles below 0. 1.6 ULP above 0; below, near zeros only in absolute terms."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    negative = wide < 0.0
    high, low = _digamma(inner, negative.choose(1.0 - wide, wide))
    rest = from_nearest(inner, wide)
    sine = sine_of_turns(inner, rest)
    cosine = sine_of_turns(inner, 0.5 - inner.fabs(rest))
    reflected, lost = inner.two_sum(high, cosine * -pi / sine)
    reflected = sine.equals(0.0).choose(nan, _total(reflected, lost + low))
    result = negative.choose(reflected, _total(high, low))
    result = wide.equals(inf).choose(inf, result)
    return result if kit.double else kit.narrowed(result)


def _total(high: V, low: V) -> V:
    """Infinities have no error."""
    total = high + low
    return total.is_nan().choose(high, total)


def _near_two(kit: Kit, x: V) -> _Pair:
    """log(gamma(y)) for y = x, x + 1 or x + 2 in [3/2, 5/2], where -1/2 <= x <= 5/2."""
    z = (x < 1.5).choose((x < 0.5).choose(x, x - 1.0), x - 2.0)
    return _times(kit, z, z, coefficients.LOGGAMMA_F64, coefficients.LOGGAMMA_F64_LOST)


def _times(kit: Kit, factor: V, z: V, series: Sequence[float], lost: float) -> _Pair:
    """factor * polynomial(z): the first two coefficients lead; the rounding of the first `lost` something."""
    first, second, *others = series
    slope, slope_low = kit.product(z, kit.const(second))
    lead, lead_low = kit.fast_two_sum(kit.const(first), slope)
    high, low = kit.two_sum(lead, z * z * kit.polynomial(z, others))
    product, error = kit.product(factor, high)
    return product, kit.fma(factor, (low + lead_low) + (slope_low + lost), error)


def _divisor(x: V) -> V:
    """gamma(y) / gamma(x) of the above."""
    return (x < 1.5).choose((x < 0.5).choose(x * (x + 1.0), x), 1.0)


def _series(kit: Kit, x: V) -> V:
    """log(gamma(x)) less what Stirling has, for x >= 5/2."""
    inverse = 1.0 / x
    return inverse * kit.polynomial(inverse * inverse, coefficients.STIRLING_F64)


def _loggamma(kit: Kit, x: V) -> _Pair:
    """For x >= -1/2."""
    far = x >= 2.5
    log, log_low = log_as_pair(kit, far.choose(x, kit.fabs(_divisor(x))))
    near, near_low = _near_two(kit, x)
    near, lost = kit.two_sum(near, -log)
    near_low = (near_low - (log_low + _lost_by_divisor(kit, x))) + lost
    less, less_low = kit.two_sum(log, kit.const(-1.0))
    shifted = x - 0.5
    lead, lead_low = kit.product(shifted, less)
    lead, lost = kit.two_sum(lead, kit.const(_STIRLING[0]))
    lead_low = kit.fma(shifted, log_low + less_low, (lead_low + lost) + (_series(kit, x) + _STIRLING[1]))
    return far.choose(lead, near), far.choose(lead_low, near_low)


def _log2_gamma(kit: Kit, x: V) -> tuple[V, V, V]:
    """gamma(x) = 2^(a + b) / c for x >= -1/2."""
    far, huge = x >= 2.5, x > 200.0
    near, near_low = _near_two(kit, x)
    a, b = kit.product(near, kit.const(LOG2_E))
    b = kit.fma(near, _LOG2_E_TAIL, kit.fma(near_low, LOG2_E, b))
    log, log_low = log2_pair(kit, far.choose(x, 2.5))
    shifted = x - 0.5
    lead, lead_low = kit.product(shifted, log)
    less, less_low = kit.product(x, kit.const(-LOG2_E))
    lead, lost = kit.two_sum(lead, less)
    lead_low = kit.fma(shifted, log_low, kit.fma(x, -_LOG2_E_TAIL, lead_low + less_low)) + lost
    lead, lost = kit.two_sum(lead, kit.const(_LOG2_ROOT[0]))
    lead_low = kit.fma(_series(kit, x), LOG2_E, lead_low + (lost + _LOG2_ROOT[1]))
    a, b = kit.two_sum(far.choose(lead, a), far.choose(lead_low, b))
    divisor = far.choose(1.0, _divisor(x))
    return huge.choose(2000.0, a), huge.choose(0.0, b - LOG2_E * _lost_by_divisor(kit, x)), divisor


def _lost_by_divisor(kit: Kit, x: V) -> V:
    """How much of itself the rounded x (x + 1) is too small."""
    above, lost = kit.two_sum(x, kit.const(1.0))
    product, error = kit.product(x, above)
    share = kit.fma(x, lost, error) / product
    return ((x < 0.5) & (kit.fabs(product) > 1e-290)).choose(share, 0.0)


def _exp2(kit: Kit, high: V, low: V, lift: V) -> V:
    """2^(high + low + lift)."""
    high = (high > 1100.0).choose(1100.0, (high < -1100.0).choose(-1100.0, high))
    shift = 1.5 * kit.power(kit.fraction) + 2 * kit.bias
    shifted = high + shift
    return exp2_of(kit, high - (shifted - shift), low, shifted.bits() + lift)


def _digamma(kit: Kit, x: V) -> _Pair:
    """For x >= 0: from [1, 2] by one step of the recurrence up to 3."""
    far, two, one = x >= 3.0, x >= 2.0, x >= 1.0
    divisor = (far | one.inverted()).choose(x, two.choose(x - 1.0, x))
    inverse = 1.0 / divisor
    inverse_low = kit.exact_fma(-inverse, divisor, kit.const(1.0)) * inverse
    z = two.choose(x - 2.5, one.choose(x - 1.5, x - 0.5))
    beyond = (z + _ROOT[0]) + _ROOT[1]
    near, near_low = _times(kit, beyond, z, coefficients.DIGAMMA_F64, coefficients.DIGAMMA_F64_LOST)
    step, step_low = (two.choose(a, one.choose(0.0, -a)) for a in (inverse, inverse_low))
    near, lost = kit.two_sum(near, step)
    near_low = (near_low + step_low) + lost
    log, log_low = log_as_pair(kit, x)
    log, lost = kit.two_sum(log, -0.5 * inverse)
    square = inverse * inverse
    log_low = (log_low + lost) - kit.fma(
        square, kit.polynomial(square, coefficients.DIGAMMA_FAR_F64), 0.5 * inverse_low
    )
    return far.choose(log, near), far.choose(log_low, near_low)


def from_nearest(kit: Kit, x: V) -> V:
    """x less the nearest integer."""
    return x - nearest(kit, x)


def sine_of_turns(kit: Kit, r: V) -> V:
    """sin(pi r) for |r| <= 1/2."""
    first, *others = coefficients.SINE_OF_TURNS_F64
    square = r * r
    lost = coefficients.SINE_OF_TURNS_F64_LOST
    return kit.fma(r, first, r * kit.fma(square, kit.polynomial(square, others), lost))
