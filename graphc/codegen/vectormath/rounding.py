"""Rounding, sign, order and remainders."""

from __future__ import annotations

from graphc.codegen.vectormath.lanes import Kit, V


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
    """The larger, NaN if either is NaN; the second where they are equal, as NumPy's."""
    return x.is_nan().choose(x, (x > y).choose(x, y))


def minimum(kit: Kit, x: V, y: V) -> V:
    return x.is_nan().choose(x, (x < y).choose(x, y))


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

    |x| is reduced by a multiple of |y| 2**k, with k such that the quotient has at most half of a number's bits, until
    less than |y| is left: in one step unless x is very much larger than y.
    """
    infinity, builder = float("inf"), kit.builder
    valid = (kit.fabs(x) < infinity) & (kit.fabs(y) > 0.0)
    regular = valid & (kit.fabs(y) < infinity)
    size, divisor = regular.choose(kit.fabs(x), 0.0), regular.choose(kit.fabs(y), 1.0)
    entry, loop = builder.block, builder.append_basic_block("reduce")
    done = builder.append_basic_block("reduced")
    floor_exponent = _exponent(kit, divisor) + (kit.fraction // 2 - 2)
    builder.branch(loop)
    builder.position_at_end(loop)
    left = kit.real(builder.phi(kit.real_type))
    left.value.add_incoming(size.value, entry)
    rest, more = _reduced_once(kit, left, divisor, floor_exponent)
    left.value.add_incoming(rest.value, loop)
    builder.cbranch(kit.any(more), loop, done)
    builder.position_at_end(done)
    # A finite x is its own remainder by infinity; an infinite x, or y = 0, has none.
    result = regular.choose(kit.copysign(rest, x), x)
    return valid.choose(result, x * y * float("nan"))


def _reduced_once(kit: Kit, left: V, divisor: V, floor_exponent: V) -> tuple[V, V]:
    """`left` less a multiple of the divisor; whether it may still be larger than the divisor.

    The products of the quotient with the divisor's two halves are exact, and so are both differences. Where the
    division rounded up to the next integer, the remainder is negative, by less than a divisor.
    """
    gap = (_exponent(kit, left) - floor_exponent).positive_part()
    quarter = gap >> 2  # 2**gap may be beyond the range of normal numbers
    factor = _power_of_two(kit, quarter)
    scaled = divisor * factor * factor * factor * _power_of_two(kit, gap - quarter * 3)
    upper = (scaled.bits() & -(1 << (kit.fraction + 2) // 2)).as_real()
    count = trunc(kit, left / scaled)
    rest = (left - count * upper) - count * (scaled - upper)
    return (rest < 0.0).choose(rest + scaled, rest), gap.equals(0).inverted()


def mod(kit: Kit, x: V, y: V) -> V:
    """x - floor(x/y) y with the sign of y, as Python's % and NumPy's mod."""
    rest = fmod(kit, x, y)
    against = (rest < 0.0) ^ (y < 0.0)
    moved = against.choose(rest + y, rest)
    return rest.equals(0.0).choose(kit.copysign(kit.const(0.0), y), moved)


def _exponent(kit: Kit, size: V) -> V:
    """The biased exponent of a number that is not negative; below 1 if it is subnormal."""
    lift = kit.fraction + 1
    small = size < kit.power(1 - kit.bias)
    bits = small.choose(size * kit.power(lift), size).bits() >> kit.fraction
    return bits - small.choose(kit.word(lift), kit.word(0))


def _power_of_two(kit: Kit, exponent: V) -> V:
    return ((exponent + kit.bias) << kit.fraction).as_real()
