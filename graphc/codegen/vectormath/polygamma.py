"""polygamma(n, x), n >= 1 a literal: (-1)^(n+1) n! zeta(n + 1, x).

The sum 1/(x + j)^(n+1) by its first terms and the Euler-Maclaurin formula (Abramowitz and Stegun, 6.4.10, 23.1.30);
below 0 by reflection, the n-th derivative of cot(pi x) being a polynomial in the cotangent (6.4.7).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from math import comb, factorial, inf, nan, pi

from graphc.codegen.vectormath.gamma_function import from_nearest, sine_of_turns
from graphc.codegen.vectormath.lanes import Kit, V
from graphc.codegen.vectormath.power import of_literal

_TERMS = 10  # of the Euler-Maclaurin series


def polygamma(kit: Kit, x: V, n: int) -> V:
    """2.6 ULP above 0 for n up to 7; below, so near zeros only in absolute terms. A pole's limit if there is one."""
    wide = x if kit.double else kit.widened(x)
    inner = wide.kit
    negative = wide < 0.0
    value = _zeta(inner, negative.choose(1.0 - wide, wide), n + 1) * float(factorial(n))
    rest = from_nearest(inner, wide)
    sine = sine_of_turns(inner, rest)
    cotangent = sine_of_turns(inner, 0.5 - inner.fabs(rest)) / sine
    reflected = inner.polynomial(cotangent, _cotangent(n)) * pi ** (n + 1)
    reflected = (reflected if n % 2 else -reflected) - value
    reflected = sine.equals(0.0).choose(inf if n % 2 else nan, reflected)
    result = negative.choose(reflected, value if n % 2 else -value)
    return result if kit.double else kit.narrowed(result)


def _zeta(kit: Kit, x: V, s: int) -> V:
    """Hurwitz' zeta(s, x) for x >= 0."""
    first = _first_terms(s)
    small = x < float(first)
    start = small.choose(x + float(first), x)
    inverse = 1.0 / start
    series = kit.polynomial(inverse * inverse, _coefficients(s)) * inverse
    total = of_literal(kit, start, 1 - s) * kit.fma(inverse, series + 0.5, 1 / (s - 1))
    for j in reversed(range(first)):
        total = total + small.choose(of_literal(kit, x + float(j) if j else x, -s), 0.0)
    return total


@cache
def _coefficients(s: int) -> tuple[float, ...]:
    """B_2k / (2k)! s (s + 1) .. (s + 2k - 2)."""
    found = []
    for k in range(1, _TERMS + 1):
        rising = factorial(s + 2 * k - 2) // factorial(s - 1)
        found.append(float(_bernoulli(2 * k) * rising / factorial(2 * k)))
    return tuple(found)


@cache
def _bernoulli(n: int) -> Fraction:
    known = sum((comb(n + 1, k) * _bernoulli(k) for k in range(n)), Fraction(0))
    return Fraction(1) if n == 0 else -known / (n + 1)


@cache
def _first_terms(s: int) -> int:
    """How many terms to add, so that what the series leaves away is below 2^-57 of what it gives."""
    first, last = 1, abs(_coefficients(s)[-1]) * (s - 1)
    while last * float(first) ** (-2 * _TERMS) > 2.0**-57:
        first += 1
    return first


@cache
def _cotangent(n: int) -> tuple[float, ...]:
    """(-1/pi)^n times the n-th derivative of cot(pi x), in the cotangent: P' (1 + c^2) follows P."""
    powers = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(powers)][1:]
        powers = [a + b for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(float(c) for c in powers)
