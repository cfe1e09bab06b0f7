"""erf and erfc: a polynomial near zero; beyond, e^(-x^2) times a polynomial in (x - 3) / (x + 3) over 1 + 2x.

The second is the scaled complement e^(x^2) erfc(x), smooth on the whole half line after that change of variable
(Schonfelder, Chebyshev expansions for the error and related functions, 1978).
"""

from __future__ import annotations

from graphc.codegen.vectormath import coefficients
from graphc.codegen.vectormath.exponential import exp_pair
from graphc.codegen.vectormath.lanes import Kit, V


def erf(kit: Kit, x: V) -> V:
    """x (1 + E(x^2)) up to 1, then 1 - erfc|x|."""
    if not kit.double:
        wide = kit.widened(x)
        return kit.narrowed(erf(wide.kit, wide))
    size = kit.fabs(x)
    near = kit.fma(x, _near(kit, x), x)
    far = kit.copysign(1.0 - _complement(kit, size), x)
    return (size > 1.0).choose(far, near)


def erfc(kit: Kit, x: V) -> V:
    """1 - x - x E(x^2) from -1 to 3/4, and erfc|x| or 2 - erfc|x| beyond."""
    if not kit.double:
        wide = kit.widened(x)
        return kit.narrowed(erfc(wide.kit, wide))
    lead, lost = kit.fast_two_sum(kit.const(1.0), -x)
    near = lead + kit.fma(-x, _near(kit, x), lost)
    far = _complement(kit, kit.fabs(x))
    return (x > 0.75).choose(far, (x < -1.0).choose(2.0 - far, near))


def _near(kit: Kit, x: V) -> V:
    """erf(x)/x - 1 for |x| <= 1."""
    return kit.polynomial(x * x, coefficients.ERF_F64)


def _complement(kit: Kit, size: V) -> V:
    """erfc for 3/4 <= size; beyond 27.3 it is below the smallest number."""
    size = (size > 27.3).choose(27.3, size)
    first, *others = coefficients.ERFC_F64
    t = (size - 3.0) / (size + 3.0)
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
