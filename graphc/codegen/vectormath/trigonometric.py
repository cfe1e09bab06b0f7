"""sin, cos, tan and their inverses.

x = n pi/2 + r with |r| <= pi/4; n modulo 4 says which of sin r, cos r, -sin r, -cos r is meant. Up to 2**30, pi/2 in
three parts (Cody and Waite 1980); beyond, in a branch seldom taken, by the bits of 2/pi that matter (Payne and Hanek).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.lanes import Kit, V
from graphc.codegen.vectormath.payne_hanek import reduce_large

_FAST_LIMIT = 2.0**30
_HALF_PI = float.fromhex("0x1.921fb54442d18p+0")
_HALF_PI_2 = float.fromhex("0x1.1a62633145c07p-54")
_HALF_PI_3 = float.fromhex("-0x1.f1976b7ed8fbcp-110")
_QUARTER_PI = float.fromhex("0x1.921fb54442dp-1")  # 48 bits: its multiples up to 4 are exact
_QUARTER_PI_2 = float.fromhex("0x1.8469898cc5170p-49")


@dataclass(frozen=True)
class _Angle:
    """rest + tail, at most pi/4 in size, and the number of quarter turns (modulo 4, in the lowest bits)."""

    rest: V
    tail: V
    turns: V


def _reduce(kit: Kit, x: V, precise: bool) -> _Angle:
    """The angle of x, a double. Not `precise`: as accurate as a float's sine needs it, without a tail worth having."""
    shift = 1.5 * kit.power(kit.fraction)
    shifted = kit.fma(x, float.fromhex("0x1.45f306dc9c883p-1"), shift)
    n = -(shifted - shift)
    first = kit.exact_fma(n, _HALF_PI, x)  # a multiple of the last place of pi/2 and below 1: exact
    if precise:
        product, error = kit.product(n, kit.const(_HALF_PI_2))
        rest, lost = kit.two_sum(first, product)
        tail = kit.fma(n, _HALF_PI_3, lost + error)
    else:
        rest, tail = kit.fma(n, _HALF_PI_2, first), kit.const(0.0)
    return _or_large(kit, x, _Angle(rest, tail, shifted.bits()))


def _or_large(kit: Kit, x: V, fast: _Angle) -> _Angle:
    builder = kit.builder
    large = kit.fabs(x) > _FAST_LIMIT
    start, slow = builder.block, builder.append_basic_block("large")
    done = builder.append_basic_block("reduced")
    builder.cbranch(kit.any(large), slow, done)
    builder.position_at_end(slow)
    usual = (fast.rest, fast.tail, fast.turns)
    others = [large.choose(a, b) for a, b in zip(reduce_large(kit, large.choose(x, _FAST_LIMIT)), usual, strict=True)]
    builder.branch(done)
    builder.position_at_end(done)
    return _Angle(*(_join(kit, start, slow, a, b) for a, b in zip(usual, others, strict=True)))


def _join(kit: Kit, start: object, slow: object, usual: V, other: V) -> V:
    phi = kit.builder.phi(usual.value.type)
    phi.add_incoming(usual.value, start)
    phi.add_incoming(other.value, slow)
    return V(kit, phi, usual.real)


def _sine(kit: Kit, angle: _Angle, precise: bool) -> tuple[V, V]:
    """sin as a leading part and a small one."""
    r = angle.rest
    z = r * r
    if not precise:
        return r, r * z * kit.polynomial(z, coefficients.SIN_AS_FLOAT)
    tail = angle.tail * kit.fma(z, -0.5, 1.0)
    return r, kit.fma(r * z, kit.polynomial(z, coefficients.SIN_F64), tail)


def _cosine(kit: Kit, angle: _Angle, precise: bool) -> tuple[V, V]:
    """cos as a leading part, 1 - r^2/2 rounded, and a small one."""
    r = angle.rest
    z = r * r
    if not precise:
        return kit.fma(z, -0.5, 1.0), z * z * kit.polynomial(z, coefficients.COS_AS_FLOAT)
    lead, lost = kit.fast_two_sum(kit.const(1.0), z * -0.5)
    return lead, kit.fma(z * z, kit.polynomial(z, coefficients.COS_F64), kit.fma(-r, angle.tail, lost))


def _turned(kit: Kit, x: V, quarter: int) -> V:
    """sin(x + quarter pi/2). For a float computed in double."""
    if not kit.double:
        wide = kit.widened(x)
        return kit.narrowed(_turned_double(wide.kit, wide, quarter, precise=False))
    return _turned_double(kit, x, quarter, precise=True)


def _turned_double(kit: Kit, x: V, quarter: int, precise: bool) -> V:
    angle = _reduce(kit, x, precise)
    turns = angle.turns + quarter
    sine, cosine = (lead + rest for lead, rest in (_sine(kit, angle, precise), _cosine(kit, angle, precise)))
    size = (turns & 1).equals(0).choose(sine, cosine)
    return (size.bits() ^ ((turns & 2) << 62)).as_real()


def sin(kit: Kit, x: V) -> V:
    """The sine of radians, of any size. 0.8 ULP."""
    return _or_itself(kit, x, _turned(kit, x, 0))


def cos(kit: Kit, x: V) -> V:
    """The cosine. 0.8 ULP."""
    return _turned(kit, x, 1)


def _or_itself(kit: Kit, x: V, result: V) -> V:
    """x where f(x) = x to the last bit, for odd f with f'(0) = 1: signed zeros and subnormals stay as they are."""
    return (kit.fabs(x) < kit.power(-kit.fraction // 2 - 1)).choose(x, result)


def tan(kit: Kit, x: V) -> V:
    """sin / cos, or -cos / sin after an odd number of quarter turns, put right by the division's remainder. 1.0 ULP."""
    wide = x if kit.double else kit.widened(x)
    inner, precise = wide.kit, kit.double
    angle = _reduce(inner, wide, precise)
    sine = inner.fast_two_sum(*_sine(inner, angle, precise))
    cosine = inner.fast_two_sum(*_cosine(inner, angle, precise))
    even = (angle.turns & 1).equals(0)
    above, above_low = (even.choose(s, -c) for s, c in zip(sine, cosine, strict=True))
    below, below_low = (even.choose(c, s) for s, c in zip(sine, cosine, strict=True))
    inverse = 1.0 / below
    quotient = above * inverse
    remainder = inner.exact_fma(-quotient, below, above) + inner.fma(-quotient, below_low, above_low)
    result = inner.fma(remainder, inverse, quotient)
    return _or_itself(kit, x, result if kit.double else kit.narrowed(result))


def asin(kit: Kit, x: V) -> V:
    """Up to 1/2 the series; above, pi/2 - 2 asin(sqrt((1 - x) / 2)). 1.3 ULP."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    size = inner.fabs(wide)
    large = size > 0.5
    z = large.choose(inner.fma(size, -0.5, 0.5), size * size)
    root = large.choose(inner.sqrt(z), size)
    series = root * z * _asin_series(inner, z, kit.double)
    lead, lost = inner.fast_two_sum(inner.const(_HALF_PI), root * -2.0)
    result = large.choose(lead + (inner.fma(series, -2.0, lost) + _HALF_PI_2), root + series)
    result = inner.copysign(result, wide)
    return _or_itself(kit, x, result) if kit.double else kit.narrowed(result)


def acos(kit: Kit, x: V) -> V:
    """pi/2 - asin x up to 1/2; above 2 asin(sqrt((1 - |x|) / 2)), or pi less that. 1.2 ULP."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    size = inner.fabs(wide)
    large, negative = size > 0.5, wide < 0.0
    z = large.choose(inner.fma(size, -0.5, 0.5), size * size)
    root = inner.sqrt(z) * -2.0
    part = large.choose(negative.choose(-root, root), wide)
    turns = large.choose(negative.choose(2.0, 0.0), 1.0)
    series = part * z * _asin_series(inner, z, kit.double)
    lead, lost = inner.fast_two_sum(turns * _HALF_PI, -part)
    result = lead + (inner.fma(turns, _HALF_PI_2, lost) - series)
    return result if kit.double else kit.narrowed(result)


def _asin_series(kit: Kit, z: V, precise: bool) -> V:
    """(asin(x) - x) / x^3 for z = x^2 up to 1/4."""
    return kit.polynomial(z, coefficients.ASIN_F64 if precise else coefficients.ASIN_AS_FLOAT)


def _arc(kit: Kit, t: V, quarters: V, precise: bool) -> V:
    """atan(t) + quarters pi/4, for |t| of at most 1/2."""
    z = t * t
    series = t * z * kit.polynomial(z, coefficients.ATAN_F64 if precise else coefficients.ATAN_AS_FLOAT)
    lead, lost = kit.fast_two_sum(quarters * _QUARTER_PI, t)
    return lead + (kit.fma(quarters, _QUARTER_PI_2, lost) + series)


def atan(kit: Kit, x: V) -> V:
    """atan a = pi/4 + atan((a - 1) / (a + 1)) = pi/2 + atan(-1 / a), whichever quotient is small. 1.4 ULP.

    From 1/2 on the difference is exact, and the quotient below 1/3: what it rounds off is small beside the sum.
    """
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    size = inner.fabs(wide)
    middle, large = size > 0.5, size > 2.0
    above = large.choose(-1.0, middle.choose(size - 1.0, size))
    below = large.choose(size, middle.choose(size + 1.0, 1.0))
    quarters = large.choose(2.0, middle.choose(1.0, 0.0))
    result = inner.copysign(_arc(inner, above / below, quarters, kit.double), wide)
    return _or_itself(kit, x, result) if kit.double else kit.narrowed(result)


def atan2(kit: Kit, y: V, x: V) -> V:
    """The angle of the point (x, y): one coordinate over the other, or their difference over their sum. 1.5 ULP."""
    if not kit.double:
        wide_y, wide_x = kit.widened(y), kit.widened(x)
        return kit.narrowed(_angle(wide_y.kit, wide_y, wide_x, precise=False))
    return _angle(kit, y, x, precise=True)


def _angle(kit: Kit, y: V, x: V, precise: bool) -> V:
    up, across = kit.fabs(y), kit.fabs(x)
    steep = up > across
    small, large = steep.choose(across, up), steep.choose(up, across)
    if precise:  # floats, as doubles, neither over- nor underflow
        factor = (large > 2.0**1000).choose(2.0**-600, (large < 2.0**-500).choose(2.0**600, 1.0))
        small, large = small * factor, large * factor
    middle = small > large * 0.5
    corner = small.equals(inf)  # both infinite: the diagonal
    above = corner.choose(0.0, middle.choose(small - large, small))
    below = corner.choose(1.0, middle.choose(small + large, large.equals(0.0).choose(1.0, large)))
    quarters = (middle | corner).choose(1.0, 0.0)
    above, quarters = steep.choose(-above, above), steep.choose(2.0 - quarters, quarters)
    left = kit.copysign(kit.const(1.0), x) < 0.0
    above, quarters = left.choose(-above, above), left.choose(4.0 - quarters, quarters)
    result = kit.copysign(_arc(kit, above / below, quarters, precise), y)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)
