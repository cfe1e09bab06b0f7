"""erf and erfc: a polynomial near zero; beyond, e^(-x^2) times a polynomial in (x - 3) / (x + 3) over 1 + 2x.

The second is the scaled complement e^(x^2) erfc(x), smooth on the whole half line after that change of variable
(Schonfelder, Chebyshev expansions for the error and related functions, 1978).
"""

from __future__ import annotations

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.exponential import LOG2_E, exp2_as_float, exp_pair
from graphc.codegen.vectormath.lanes import Kit, V


def erf(kit: Kit, x: V) -> V:
    """x (1 + E(x^2)) up to 1, then 1 - erfc|x|. 1.2 ULP."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    size = inner.fabs(wide)
    near = inner.fma(wide, _near(inner, wide, kit.double), wide)
    far = inner.copysign(1.0 - _complement(inner, size, kit.double), wide)
    result = (size > 1.0).choose(far, near)
    return result if kit.double else kit.narrowed(result)


def erfc(kit: Kit, x: V) -> V:
    """1 - x - x E(x^2) from -1 to 3/4, and erfc|x| or 2 - erfc|x| beyond. 1.4 ULP."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    lead, lost = inner.fast_two_sum(inner.const(1.0), -wide)
    near = lead + inner.fma(-wide, _near(inner, wide, kit.double), lost)
    far = _complement(inner, inner.fabs(wide), kit.double)
    result = (wide > 0.75).choose(far, (wide < -1.0).choose(2.0 - far, near))
    return result if kit.double else kit.narrowed(result)


def _near(kit: Kit, x: V, precise: bool) -> V:
    """erf(x)/x - 1 for |x| <= 1."""
    return kit.polynomial(x * x, coefficients.ERF_F64 if precise else coefficients.ERF_AS_FLOAT)


def _complement(kit: Kit, size: V, precise: bool) -> V:
    """erfc for 3/4 <= size; beyond 27.3, for float beyond 10.1, it is below the smallest number."""
    limit = 27.3 if precise else 10.1
    size = (size > limit).choose(limit, size)
    t = (size - 3.0) / (size + 3.0)
    if not precise:
        scaled = kit.polynomial(t, coefficients.ERFC_AS_FLOAT) / kit.fma(size, 2.0, 1.0)
        return exp2_as_float(kit, size * size * -LOG2_E) * scaled
    first, *others = coefficients.ERFC_F64
    series, series_low = kit.fast_two_sum(
        kit.const(first), kit.fma(t, kit.polynomial(t, others), coefficients.ERFC_F64_LOST)
    )
    below, below_low = kit.two_sum(kit.const(1.0), size + size)
    inverse = 1.0 / below
    quotient = series * inverse
    product, lost = kit.product(quotient, below)
    remainder = ((series - product) - lost) + kit.fma(-quotient, below_low, series_low)
    square, error = kit.product(size, size)
    return exp_pair(kit, -square, -error, quotient, remainder * inverse)
