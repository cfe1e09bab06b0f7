"""exp and the functions made of it: expm1, exp2, tanh, sigmoid, sinh, cosh.

Cody and Waite (1980): e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2)/2, and a polynomial in r.
No branch, no table.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.lanes import Kit, V

LN2 = float.fromhex("0x1.62e42fefa39efp-1")
LOG2_E = float.fromhex("0x1.71547652b82fep+0")


@dataclass(frozen=True)
class _Reduced:
    """x = n ln 2 + (rest + tail): x - n ln 2 rounded, and what the rounding lost. `whole` holds n + offset."""

    whole: V
    rest: V
    tail: V


def _reduce(kit: Kit, x: V, offset: int, with_tail: bool = True) -> _Reduced:
    """The addition of 1.5 * 2**fraction rounds to an integer, and leaves it in the low bits.

    ln 2 is split so that n times its first part is exact, which keeps the difference exact as well.
    """
    first = kit.pick(float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.62e4p-1"))
    second = kit.pick(float.fromhex("0x1.ef35793c7673p-45"), float.fromhex("0x1.7f7d1cp-20"))
    shift = 1.5 * kit.power(kit.fraction) + offset
    shifted = kit.fma(x, LOG2_E, shift)
    n = -(shifted - shift)
    coarse = kit.fma(n, first, x)
    rest = kit.fma(n, second, coarse)
    tail = kit.fma(n, second, coarse - rest) if with_tail else rest
    return _Reduced(shifted.bits(), rest, tail)


def growth(kit: Kit, rest: V, tail: V) -> V:
    """e^rest - 1 - rest + tail for |rest| <= ln(2)/2: with the rounding error of `rest` as tail the small part of
    e^(rest + tail) - 1, with `rest` itself all of it.
    """
    series = kit.polynomial(rest, coefficients.EXP_F64 if kit.double else coefficients.EXP_F32)
    return kit.fma(rest * rest, series, tail)


def scaled(kit: Kit, grown: V, whole: V) -> V:
    """(1 + grown) 2**n where `whole` holds n + 2 bias."""
    first, second = _factors(kit, whole)
    return kit.fma(grown, first, first) * second


def _factors(kit: Kit, whole: V) -> tuple[V, V]:
    """2**n where `whole` holds n + 2 bias, in two factors: n reaches beyond the exponents of normal numbers."""
    half = whole >> 1
    return (half << kit.fraction).as_real(), ((whole - half) << kit.fraction).as_real()


def clamp(x: V, low: float, high: float) -> V:
    """NaN stays NaN."""
    x = (x > high).choose(high, x)
    return (x < low).choose(low, x)


def exp(kit: Kit, x: V) -> V:
    """e^x. 1.1 ULP."""
    x = clamp(x, kit.pick(-746.0, -104.0), kit.pick(710.0, 89.0))
    reduced = _reduce(kit, x, 2 * kit.bias, with_tail=False)
    return scaled(kit, growth(kit, reduced.rest, reduced.rest), reduced.whole)


def exp_within(kit: Kit, x: V) -> tuple[V, V]:
    """exp and what its last rounding lost, for arguments within the bounds that `exp` clamps to."""
    reduced = _reduce(kit, x, 2 * kit.bias)
    lead, lost = kit.fast_two_sum(kit.const(1.0), reduced.rest)
    first, second = _factors(kit, reduced.whole)
    grown, lead = growth(kit, reduced.rest, reduced.tail + lost), lead * first
    total = kit.fma(grown, first, lead)
    return total * second, kit.fma(grown, first, lead - total) * second


def exp_pair(kit: Kit, high: V, low: V, times: V, times_low: V) -> V:
    """(times + times_low) e^(high + low), for `high` within the bounds that `exp` clamps to, and low^2 negligible."""
    reduced = _reduce(kit, high, 2 * kit.bias)
    grown = _moved(kit, reduced.rest, growth(kit, reduced.rest, reduced.tail), low)
    product = times + kit.fma(grown, times, kit.fma(grown, times_low, times_low))
    first, second = _factors(kit, reduced.whole)
    return product * first * second


def _moved(kit: Kit, rest: V, grown: V, low: V) -> V:
    """e^(rest + low) - 1 from e^rest - 1 = rest + grown: low e^rest more."""
    return rest + (grown + kit.fma(low, rest + grown, low))


def exp2(kit: Kit, x: V) -> V:
    """2^x = 2^n e^(r ln 2), r = x - n exactly; r ln 2 as a rounded product and its error. 1.0 ULP."""
    x = clamp(x, kit.pick(-1076.0, -151.0), kit.pick(1025.0, 129.0))
    shift = 1.5 * kit.power(kit.fraction) + 2 * kit.bias
    shifted = x + shift
    return exp2_of(kit, x - (shifted - shift), None, shifted.bits())


def exp2_of(kit: Kit, fraction: V, tail: V | None, whole: V) -> V:
    """2^(n + fraction + tail), |fraction| <= 1/2, where `whole` holds n + 2 bias."""
    ln2_tail = kit.pick(float.fromhex("0x1.abc9e3b39803fp-56"), float.fromhex("-0x1.05c61p-29"))
    rest, error = kit.product(fraction, kit.const(LN2))
    grown = growth(kit, rest, kit.fma(fraction, ln2_tail, error))
    moved = rest + grown if tail is None else _moved(kit, rest, grown, tail * LN2)
    return scaled(kit, moved, whole)


def exp2_as_float(kit: Kit, x: V) -> V:
    """2^x in double with the accuracy of a float; beyond 2^200 and 2^-200, where no float is, no more than these."""
    x = clamp(x, -200.0, 200.0)
    shift = 1.5 * kit.power(kit.fraction) + kit.bias
    shifted = x + shift
    rest = (x - (shifted - shift)) * LN2
    power = (shifted.bits() << kit.fraction).as_real()
    grown = kit.fma(rest * rest, kit.polynomial(rest, coefficients.EXP_AS_FLOAT), rest)
    return kit.fma(grown, power, power)


def _expm1_divided(kit: Kit, x: V, doublings: int) -> tuple[V, V]:
    """(e^x - 1) / 2**doublings, and its rounding error.

    2^n (1 + r + w) - 1 is summed as (2^n - 1) + 2^n r, with its rounding error, and 2^n w, which is small beside it.
    """
    reduced = _reduce(kit, x, kit.bias - doublings)
    power = (reduced.whole << kit.fraction).as_real()
    offset = power - 0.5**doublings
    lead = kit.fma(power, reduced.rest, offset)
    lost = kit.fma(power, reduced.rest, offset - lead)
    return kit.fast_two_sum(lead, kit.fma(power, growth(kit, reduced.rest, reduced.tail), lost))


def expm1(kit: Kit, x: V) -> V:
    """e^x - 1 without the loss near 0. 1.4 ULP."""
    result, _ = _expm1_divided(kit, clamp(x, kit.pick(-40.0, -20.0), kit.pick(710.0, 89.0)), 1)
    tiny = kit.fabs(x) < kit.power(-kit.fraction - 2)
    return tiny.choose(x, result + result)


def tanh(kit: Kit, x: V) -> V:
    """tanh|x| = e / (e + 2) with e = expm1(2|x|), and the sign of x. 1.5 ULP.

    The quotient q is put right for the rounding errors de of e and d of e + 2: dq = (de - q (d + de)) / (e + 2), where
    1 / (e + 2) is (1 - q) / 2.
    """
    size = kit.fabs(x)
    size = (size > kit.pick(20.0, 10.0)).choose(kit.pick(20.0, 10.0), size)
    e, low = _expm1_divided(kit, size + size, 0)
    large = e > 2.0
    below, lost = kit.fast_two_sum(large.choose(e, 2.0), large.choose(2.0, e))
    q = e / below
    missing = kit.fma(-q, lost + low, low)
    return kit.copysign(kit.fma(missing, kit.fma(q, -0.5, 0.5), q), x)


def sigmoid(kit: Kit, x: V) -> V:
    """1 / (1 + e^-x), and e^x / (1 + e^x) for negative x: accurate on both sides, down to subnormal results. 1.2 ULP.

    As in `tanh`, the quotient is put right for what rounding the exponential and the denominator lost.
    """
    size = kit.fabs(x)
    limit = kit.pick(746.0, 104.0)
    e, low = exp_within(kit, -(size > limit).choose(limit, size))
    below, lost = kit.fast_two_sum(kit.const(1.0), e)
    negative = x < 0.0
    q = negative.choose(e, 1.0) / below
    missing = kit.fma(-q, lost + low, negative.choose(low, 0.0))
    return kit.fma(missing, negative.choose(1.0 - q, q), q)


def sinh(kit: Kit, x: V) -> V:
    """(t + t / (t + 1)) / 2 with t = expm1|x|, of which a quarter is computed: no early overflow. 1.8 ULP."""
    size = kit.fabs(x)
    limit = kit.pick(710.5, 89.5)
    t, low = _expm1_divided(kit, (size > limit).choose(limit, size), 2)
    inverse = 1.0 / kit.fma(t, 4.0, 1.0)
    result = t + kit.fma(t, inverse, kit.fma(low, inverse, low))
    tiny = size < kit.power(-kit.fraction // 2 - 1)
    return tiny.choose(x, kit.copysign(result + result, x))


def cosh(kit: Kit, x: V) -> V:
    """e/2 + 1/(2e) with e = e^|x|, of which a quarter is computed. 1.6 ULP."""
    size = kit.fabs(x)
    limit = kit.pick(710.5, 89.5)
    reduced = _reduce(kit, (size > limit).choose(limit, size), kit.bias - 2)
    power = (reduced.whole << kit.fraction).as_real()
    quarter = kit.fma(power, growth(kit, reduced.rest, reduced.rest + reduced.tail), power)
    result = quarter + 0.0625 / quarter
    return result + result
