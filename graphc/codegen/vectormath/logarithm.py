"""log and the functions made of it: log1p, log2, softplus.

x = 2^e m with sqrt(1/2) <= m < sqrt(2), f = m - 1. Double: s = f / (2 + f) and an odd series in s; float, where a
division costs more than a few terms: a polynomial in f. (Muller, Elementary Functions, chapter 5, has both reductions.)
"""

from __future__ import annotations

from math import inf, nan

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.exponential import LOG2_E, exp_within
from graphc.codegen.vectormath.lanes import Kit, V


def root_half(kit: Kit) -> int:
    """The encoding of sqrt(1/2): the smallest m."""
    return 0x3FE6A09E667F3BCD if kit.double else 0x3F3504F3


def _one(kit: Kit) -> int:
    return kit.bias << kit.fraction


def split(kit: Kit, x: V, offset: V | None = None) -> tuple[V, V, V]:
    """x = 2^e m for a positive normal x: e, m, and the bits from which 2^-e can be had. `offset` is from `normal`."""
    bits = x.bits() + (_one(kit) - root_half(kit))
    whole = 1 << kit.fraction  # written before a real's fraction, an integer becomes that real's value less 2**fraction
    marker = (kit.bias + kit.fraction) << kit.fraction
    raised = ((bits >> kit.fraction) | marker).as_real()
    exponent = raised - (float(whole + kit.bias) if offset is None else offset)
    m = ((bits & (whole - 1)) + root_half(kit)).as_real()
    return exponent, m, bits


def _log_sum(kit: Kit, f: V, e: V) -> V:
    """log(1 + f) + e ln 2."""
    first = kit.pick(float.fromhex("0x1.62e42fefa38p-1"), float.fromhex("0x1.62e4p-1"))
    second = kit.pick(float.fromhex("0x1.ef35793c7673p-45"), float.fromhex("0x1.7f7d1cp-20"))
    a, b = _log_rest(kit, f)
    return kit.fma(e, first, f + kit.fma(a, b, e * second))


def _log_rest(kit: Kit, f: V) -> tuple[V, V]:
    """Two factors of log(1 + f) - f."""
    if not kit.double:
        return f * f, kit.fma(f, kit.polynomial(f, coefficients.LOG_F32), -0.5)
    s = f / (f + 2.0)
    z = s * s
    return s, z * kit.polynomial(z, coefficients.LOG_F64) - f


def normal(kit: Kit, x: V) -> tuple[V, V]:
    """A subnormal x multiplied into the normal range, and what `split` is to subtract from its exponent."""
    lift = kit.fraction + 2
    small = x < kit.power(1 - kit.bias)
    bias = float((1 << kit.fraction) + kit.bias)
    return small.choose(x * kit.power(lift), x), small.choose(bias + lift, bias)


def _at_edges(kit: Kit, x: V, result: V, edge: float = 0.0) -> V:
    """A logarithm's values outside its domain: -inf at the edge, NaN below, infinity and NaN as they come."""
    result = (x < inf).choose(result, x)
    return (x <= edge).choose(x.equals(edge).choose(-inf, nan), result)


def log(kit: Kit, x: V) -> V:
    """The natural logarithm. 0.9 ULP."""
    positive, offset = normal(kit, x)
    e, m, _ = split(kit, positive, offset)
    return _at_edges(kit, x, _log_sum(kit, m - 1.0, e))


def log_pair(kit: Kit, u: V, low: V, doubled: V | None = None) -> V:
    """log(u + low) for normal u and |low| of the size of u's rounding error; with ln 2 added where `doubled`."""
    e, m, bits = split(kit, u)
    if doubled is not None:
        e = doubled.choose(e + 1.0, e)
    exponent_bits = ((1 << kit.size - 1 - kit.fraction) - 1) << kit.fraction
    reciprocal = (2 * _one(kit) - (bits & exponent_bits)).as_real()
    scaled = (u < kit.power(kit.fraction + 9)).choose(low * reciprocal, u * 0.0)  # NaN remains
    return _log_sum(kit, (m - 1.0) + scaled, e)


def log_as_pair(kit: Kit, x: V) -> tuple[V, V]:
    """log of a positive double, to 2^-57 where it is of the size of 1, and its rounding error."""
    positive, offset = normal(kit, x)
    e, m, _ = split(kit, positive, offset)
    f = m - 1.0
    a, b = _log_rest(kit, f)
    high, lost = kit.fast_two_sum(e * float.fromhex("0x1.62e42fefa38p-1"), f)
    return high, lost + kit.fma(a, b, e * float.fromhex("0x1.ef35793c7673p-45"))


def log1p(kit: Kit, x: V) -> V:
    """log(1 + x) with what the sum rounds off. 1.5 ULP."""
    u, low = kit.two_sum(kit.const(1.0), x)
    return _at_edges(kit, x, kit.copysign(log_pair(kit, u, low), x), -1.0)


def softplus(kit: Kit, x: V) -> V:
    """log(1 + e^x) = max(x, 0) + log1p(e^-|x|). 1.7 ULP."""
    size = kit.fabs(x)
    limit = kit.pick(746.0, 104.0)
    e, low = exp_within(kit, -(size > limit).choose(limit, size))
    u, lost = kit.fast_two_sum(kit.const(1.0), e)
    return (x > 0.0).choose(x, 0.0) + log_pair(kit, u, lost + low)


def log2(kit: Kit, x: V) -> V:
    """e + log(m) / ln 2, the quotient as a rounded product and its error: near 1 the result is small. 1.2 ULP."""
    positive, offset = normal(kit, x)
    e, m, _ = split(kit, positive, offset)
    f = m - 1.0
    a, b = _log_rest(kit, f)
    inverse = kit.pick(LOG2_E, float.fromhex("0x1.715476p+0"))
    inverse_tail = kit.pick(float.fromhex("0x1.777d0ffda0d24p-56"), float.fromhex("0x1.4ae0cp-26"))
    lead, low = kit.product(f, kit.const(inverse))
    low = kit.fma(a * b, inverse, kit.fma(f, inverse_tail, low))
    total, lost = kit.two_sum(e, lead)
    return _at_edges(kit, x, total + (lost + low))


def log2_as_float(x: V) -> V:
    """log2 of a positive float given as a double: to 2^-37 of its value."""
    kit = x.kit
    e, m, _ = split(kit, x)
    f = m - 1.0
    s = f / (f + 2.0)
    z = s * s
    series = z * kit.polynomial(z, coefficients.LOG_AS_FLOAT)
    return kit.fma(f - s * (f - series), LOG2_E, e)
