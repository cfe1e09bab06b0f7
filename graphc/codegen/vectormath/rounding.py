"""Rounding, sign, order and remainders."""

from __future__ import annotations


from .lanes import Kit, V


def sqrt(kit: Kit, x: V) -> V:
    return kit.sqrt(x)


def fabs(kit: Kit, x: V) -> V:
    return kit.fabs(x)


def copysign(kit: Kit, magnitude: V, sign: V) -> V:
    return kit.copysign(magnitude, sign)


def sign(kit: Kit, x: V) -> V:
    """-1, 0, 1 or NaN; zero for either zero, as NumPy's."""
    return (x > 0.0).choose(1.0, (x < 0.0).choose(-1.0, x + 0.0))


def maximum(kit: Kit, x: V, y: V) -> V:
    """The larger, NaN if either is NaN; the first where they are equal, as NumPy's."""
    return y.is_nan().choose(y, (y > x).choose(y, x))


def minimum(kit: Kit, x: V, y: V) -> V:
    return y.is_nan().choose(y, (y < x).choose(y, x))


def round(kit: Kit, x: V) -> V:
    """To the nearest integer, halves to the even one."""
    return kit.call("roundeven", x) if kit.target.rounds else _nearest(kit, x)


def floor(kit: Kit, x: V) -> V:
    if kit.target.rounds:
        return kit.call("floor", x)
    near = _nearest(kit, x)
    return kit.copysign((near > x).choose(near - 1.0, near), x)


def ceil(kit: Kit, x: V) -> V:
    if kit.target.rounds:
        return kit.call("ceil", x)
    near = _nearest(kit, x)
    return kit.copysign((near < x).choose(near + 1.0, near), x)


def trunc(kit: Kit, x: V) -> V:
    if kit.target.rounds:
        return kit.call("trunc", x)
    size = kit.fabs(x)
    near = _nearest(kit, size)
    return kit.copysign((near > size).choose(near - 1.0, near), x)


def _nearest(kit: Kit, x: V) -> V:
    """Where no instruction rounds: adding 2**fraction to a smaller size drops its fraction; a larger one has none."""
    size, shift = kit.fabs(x), kit.power(kit.fraction)
    return (size < shift).choose(kit.copysign((size + shift) - shift, x), x)


def fmod(kit: Kit, x: V, y: V) -> V:
    """x - trunc(x/y) y without rounding error, and the sign of x.

    |x| is reduced by a multiple of |y| 2**k, with k such that the quotient is an exact integer, until |y| is left.
    The quotient may be one too large where the division rounds up to it: then the remainder is negative, by less than a
    divisor.
    """
    builder, step = kit.builder, kit.fraction - 1
    size, divisor = kit.fabs(x), kit.fabs(y)
    entry, loop = builder.block, builder.append_basic_block("reduce")
    done = builder.append_basic_block("reduced")
    builder.branch(loop)
    builder.position_at_end(loop)
    left = kit.real(builder.phi(kit.real_type))
    left.value.add_incoming(size.value, entry)
    gap = _exponent(kit, left) - _exponent(kit, divisor) - step
    gap = gap.positive_part()
    half = gap >> 1
    scaled = divisor * _power_of_two(kit, half) * _power_of_two(kit, gap - half)
    count = trunc(kit, left / scaled)
    rest = kit.exact_fma(-count, scaled, left)
    rest = (rest < 0.0).choose(rest + scaled, rest)
    left.value.add_incoming(rest.value, loop)
    builder.cbranch(kit.any(gap.equals(0).inverted()), loop, done)
    builder.position_at_end(done)
    return _remainder_at_edges(kit, x, y, rest)


def _remainder_at_edges(kit: Kit, x: V, y: V, rest: V) -> V:
    """A finite x is its own remainder by infinity; an infinite x, or y = 0, has none."""
    infinity = float("inf")
    result = kit.fabs(y).equals(infinity).choose(x, kit.copysign(rest, x))
    valid = (kit.fabs(x) < infinity) & (kit.fabs(y) > 0.0)
    return valid.choose(result, x * y * float("nan"))


def mod(kit: Kit, x: V, y: V) -> V:
    """x - floor(x/y) y with the sign of y, as Python's % and NumPy's mod."""
    rest = fmod(kit, x, y)
    against = (rest < 0.0) ^ (y < 0.0)
    moved = against.choose(rest + y, rest)
    return rest.equals(0.0).choose(kit.copysign(kit.const(0.0), y), moved)


def _exponent(kit: Kit, size: V) -> V:
    """The biased exponent of a number that is not negative."""
    return size.bits() >> kit.fraction


def _power_of_two(kit: Kit, exponent: V) -> V:
    return ((exponent + kit.bias) << kit.fraction).as_real()
