"""What an element begins with: zeros, an addend, or a contribution that meets no other."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mod, Piecewise, Sum, exp, floor
from tests import oracle
from tests.compiled import agree, numbers

H, T, N, M = gc.sizes("H T N M")
i, j, t = gc.indices("i j t")
W, X, L, v, w = gc.Param("W", H, H), gc.Input("X", T, H), gc.Tensor("L"), gc.Tensor("v", N), gc.Input("w", N)
x = gc.Input("x", N)
n0 = gc.Input("n0", dtype="int64")


def test_addends_by_the_time():
    """Of several plain addends, none is overwritten by the start of the sum."""
    P, b, Y = gc.Input("P", T, H), gc.Param("b", H), gc.Tensor("Y", T, H)
    value = (
        Sum(W[i, j] * P[t, j], j)
        + Piecewise((b[i], Eq(t, 0)), (X[t, i], True))
        + Piecewise((P[t, i], t < 2), (0, True))
    )
    data = {"W": numbers(4, 4), "P": numbers(7, 4), "X": numbers(7, 4, seed=1), "b": numbers(4)}
    agree([Eq(Y[t, i], value)], [Y], data)


@pytest.mark.parametrize("place", [i - Mod(i, 3), i - floor(i / 2), floor(i / 3) + Mod(i, 3)])
def test_an_index_beside_a_remainder_of_itself(place):
    """It moves by no constant step, neither as a read nor as the write of the adjoint, where elements meet."""
    data = {"x": numbers(20), "w": numbers(20, seed=1)}
    agree([Eq(v[i], x[i] - exp(x[place]))], [v], {"x": data["x"]})
    agree([Eq(v[i], x[i] - exp(x[place])), Eq(L, Sum(w[i] * v[i] ** 2, i))], [L, D(L, x)], data)
    agree([Eq(L, Sum(w[i] * x[place] ** 2, i))], [D(L, x)], data)


@pytest.mark.parametrize(
    ("place", "at"),
    [
        (i + n0, 3), (n0 - i, 3), (i + gc.Min(n0, N - M), 3), (i + gc.Min(2, N - M), 2), (gc.Mod(N * N, N - 1) + i, 1),
        (gc.Min(1, N - 1), 1), (gc.Max(N - 5, 0), 2),
    ],
)  # fmt: skip
def test_what_a_window_leaves_has_no_gradient(place, at):
    """A place that data or sizes tell, not affinely: its image counted as all of the axis, and what it left was never
    set to zero. Freed arrays of the same size show it."""
    x, w = gc.Input("x", N), gc.Input("w", M)
    run = gc.System(Eq(L, Sum(w[i] * x[place], i))).compile(gc.D(L, x))
    weights, wanted = np.array([1.0, 2.0]), np.zeros(7)
    for k, weight in enumerate(weights):
        wanted[at + k * (place.coeff(i) if place.has(i) else 0)] += weight
    for _ in range(5):
        freed = [np.full(7, 9.9) for _ in range(50)]
        del freed
        np.testing.assert_array_equal(run(x=np.arange(7.0), w=weights, **({"n0": 3} if place.has(n0) else {})), wanted)


@pytest.mark.parametrize("transforms", oracle.WAYS)
def test_a_state_read_at_a_clamped_size(transforms):
    """In two axes the write of its adjoint was taken into the time loop, and code generation ended in a ValueError."""
    A, B = gc.Tensor("A", N + 1, M), gc.Input("B", M)
    oracle.check(gc.System(
        Eq(A[0, j], B[j]), Eq(A[i, j], gc.tanh(A[i - 1, j] * B[j] + A[i - 1, gc.Max(j - 1, 0)])),
        Eq(L, A[gc.Min(2, N), gc.Min(1, M - 1)] * A[N, M - 1]),
    ), "L", transforms=transforms)  # fmt: skip
