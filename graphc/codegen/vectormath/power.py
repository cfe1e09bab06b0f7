"""pow: 2^(y log2|x|), the logarithm to twelve bits more than a double has; of a literal exponent, products and roots.

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
MOST = 64  # beyond, products of pairs cost as much as `pow`


def has_products(exponent: float) -> bool:
    """Whether `of_literal` has a power: whole exponents up to MOST, quarters up to 8."""
    size = abs(exponent)
    return 0 < size <= (MOST if size % 1 == 0 else 8) and size * 4 % 1 == 0


def of_literal(kit: Kit, x: V, exponent: float) -> V:
    """x**exponent by squaring (Knuth, TAOCP 2, 4.6.3) and square roots. 1.7 ULP.

    Beyond x^3 the products are pairs, since k rounded factors are k/2 ULP. A negative power is one of y = 1/x, whose
    error 1 - x y is known: the power of x itself may overflow where its reciprocal is a number."""
    size = abs(exponent)
    whole, quarters = int(size), int(size * 4) % 4
    inverse = exponent < 0 and size >= 1
    base = 1.0 / x if inverse else x
    base = base + 0.0 if quarters else base  # -0 counts as 0 where roots are taken
    high, low = _whole_power(kit, base, whole, size > 3)
    if exponent in (0.5, 1.5, -0.5, -1.5):
        high = kit.sqrt(base) * high if whole else kit.sqrt(base)
    elif quarters:
        part, lost = _quarters(kit, base, quarters)
        if whole:
            low = high * lost if low is None else kit.fma(low, part, high * lost)
            high, error = kit.product(high, part)
            low = low + error
        else:
            high, low = part, lost
    if quarters:
        endless = x.equals(0.0) if inverse else x.equals(-inf)
        high = endless.choose(inf, high)  # where a root of -inf is NaN
    if inverse:
        slip = size * kit.exact_fma(-x, base, kit.const(1.0))
        low = high * slip if low is None else kit.fma(high, slip, low)
    if low is not None:
        exact = high + low
        high = (exact.is_nan() | exact.equals(0.0)).choose(high, exact)  # infinities, signs of zeros
    return high if inverse or exponent > 0 else 1.0 / high


def _quarters(kit: Kit, x: V, n: int) -> _Pair:
    """x**(n/4) by square roots, and its error."""
    root, slip = _root(kit, x)
    if n == 2:
        return root, root * slip
    fourth, other = _root(kit, root)
    slip = kit.fma(slip, 0.5 if n == 1 else 1.5, other)
    if n == 1:
        return fourth, fourth * slip
    high, low = kit.product(root, fourth)
    return high, kit.fma(high, slip, low)


def _root(kit: Kit, x: V) -> _Pair:
    """A square root, and how much of itself it is too small."""
    root = kit.sqrt(x)
    return root, kit.exact_fma(-root, root, x) / (x + x)


def _whole_power(kit: Kit, x: V, n: int, pairs: bool) -> tuple[V, V | None]:
    """x**n as its rounded value and, with `pairs`, the error of that."""
    square: tuple[V, V | None] = (x, None)
    total: tuple[V, V | None] | None = None
    left = n
    while left:
        if left % 2:
            total = square if total is None else _multiplied(kit, total, square, pairs)
        left //= 2
        if left:
            square = _multiplied(kit, square, square, pairs)
    return total or (kit.const(1.0), None)


def _multiplied(kit: Kit, a: tuple[V, V | None], b: tuple[V, V | None], pairs: bool) -> tuple[V, V | None]:
    if not pairs:
        return a[0] * b[0], None
    high, low = kit.product(a[0], b[0])
    if a is b:
        return high, low if a[1] is None else kit.fma(a[0] + a[0], a[1], low)
    for (_, error), (factor, _) in ((a, b), (b, a)):
        low = low if error is None else kit.fma(error, factor, low)
    return high, low


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
