"""oo among integers of 64 bits: compared and passed on as the largest, refused where something computes with it."""

import numpy as np
import pytest

import graphc as gc
from graphc import Abs, Eq, Max, Min, Piecewise, Sum, amin, oo

T, N = gc.sizes("T N")
t, i = gc.indices("t i")
q = gc.Input("q", T, dtype="int64")
x, s, m, y, L = gc.Input("x", T), *gc.tensors("s m y", T), gc.Tensor("L")
LEAST = [Eq(s[-1], oo), Eq(s[t], Min(x[t], s[t - 1]))]
LARGEST = [Eq(s[-1], oo), Eq(s[t], Max(x[t], s[t - 1]))]
CHOSEN = Eq(y[t], Piecewise((x[t], x[t] > 4), (oo, True)))

REFUSED = {
    "doubled": ([Eq(s[-1], oo), Eq(s[t], Min(x[t], 2 * s[t - 1]))], s),
    "subtracted": ([Eq(s[-1], oo), Eq(s[t], Max(x[t], -2 - s[t - 1]))], s),
    "negated": ([Eq(s[-1], -oo), Eq(s[t], Min(x[t], -s[t - 1]))], s),
    "its size": ([Eq(s[-1], -oo), Eq(s[t], Max(x[t], s[t - 1])), Eq(y[t], Min(9, Abs(s[t - 1])))], y),
    "through a copy": ([*LEAST, Eq(m[t], s[t - 1]), Eq(y[t], Min(9, m[t] + 1))], y),
    "through a maximum": ([*LEAST, Eq(m[t], Max(x[t], s[t - 1])), Eq(y[t], m[t] * 2 + 1)], y),
    "carried to the end": ([*LARGEST, Eq(L, s[T - 1] + 1)], L),
    "chosen and added": ([CHOSEN, Eq(L, Sum(y[t], t))], L),
}
RIGHT = {
    "the least so far": (LEAST, s, [5, 3, 3]),
    "an element that is finite": ([*LEAST, Eq(L, s[0] + 1)], L, 6),
    "elements at places from data, which are no start values": ([*LEAST, Eq(m[t], s[q[t]] + 1)], m, [4, 6, 4]),
    "those that are finite": ([*LARGEST, CHOSEN, Eq(L, Sum(Piecewise((y[t] + 1, y[t] < 100), (0, True)), t))], L, 6),
    "compared": ([*LARGEST, Eq(y[t], Piecewise((1, s[t] > 7), (0, True)))], y, [1, 1, 1]),
    "chosen and compared": ([CHOSEN, Eq(L, amin(y[t], t))], L, 5),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_computes_with_an_infinite_integer_is_refused(name):
    equations, output = REFUSED[name]
    system = gc.System(*equations)
    with pytest.raises(gc.UnsupportedError, match="is infinite, which has no value among the integers"):
        system.compile(output, dtype="int64")
    assert system.compile(output)(x=np.array([5.0, 3, 4])) is not None


@pytest.mark.parametrize("name", RIGHT)
def test_what_only_compares_it_is_right(name):
    equations, output, wanted = RIGHT[name]
    given = {"x": np.array([5, 3, 4]), **({"q": [1, 0, 2]} if output is m else {})}
    found = gc.System(*equations).compile(output, dtype="int64")(**given)
    np.testing.assert_array_equal(found, wanted)


def test_infinity_is_no_start_among_integers():
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    shortest = gc.System(Eq(y[0], gc.oo), Eq(y[i], gc.Min(y[i - 1] + 1, x[i])))
    np.testing.assert_array_equal(shortest.compile("y")(x=np.array([9.0, 9, 9])), [np.inf, 9, 9])
    with pytest.raises(gc.UnsupportedError, match="y is infinite, which has no value among the integers"):
        shortest.compile("y", dtype="int64")
    longest = gc.System(Eq(y[-1], -gc.oo), Eq(y[i], gc.Max(y[i - 1], x[i])))
    np.testing.assert_array_equal(longest.compile("y", dtype="int64")(x=np.array([3, 1, 4])), [3, 3, 4])
