"""Integers beyond 64 bits, powers of integers, indices and sizes among real numbers."""

import numpy as np
import sympy as sp

import graphc as gc
from graphc import Eq, Piecewise, Sum
from tests.compiled import agree, both

N = gc.sizes("N")
i = gc.indices("i")
v, x, L, REAL, y = gc.Tensor("v", N), gc.Input("x", N), gc.Tensor("L"), np.array([1.0, 2.5, -3.0]), gc.Tensor("y", N)
WHOLE, a, c = np.array([300001, 7, -300001]), gc.Input("a", N, dtype="int64"), gc.Input("c")


def test_products_of_sizes_are_compared_with_real_numbers_as_such():
    """60000**4 is beyond 64 bits."""
    agree([Eq(v[i], Piecewise((1, x[i] < N * (N + 1) * (N + 2) * (N + 3)), (0, True)))], [v],
          {"x": np.full(60_000, 5.0)}, [np.ones(60_000)])  # fmt: skip


def test_a_sum_of_large_multiples_of_an_index():
    count = 2**23 + 100
    found = gc.System(Eq(L, Sum(2**40 * i, (i, 0, N - 1)))).compile(L)(N=count)
    assert abs(float(found) / (2.0**40 * (count * (count - 1) // 2)) - 1) < 1e-12


def test_integers_that_64_bits_do_not_hold_are_real_numbers():
    np.testing.assert_allclose(both(Eq(y[i], x[i] + 10**30), x=REAL), 1e30)
    np.testing.assert_allclose(both(Eq(y[i], x[i] * 2**63), x=REAL), REAL * 2.0**63)
    np.testing.assert_allclose(both(Eq(y[i], gc.Max(x[i], 10**20)), x=REAL), 1e20)
    assert np.isinf(both(Eq(y[i], x[i] + 10**400), x=REAL)).all()


def test_powers_of_integers_are_exact():
    np.testing.assert_array_equal(both(Eq(y[i], a[i] ** 3), a=WHOLE), WHOLE**3)
    np.testing.assert_array_equal(both(Eq(y[i], gc.Mod(a[i] ** 3, 1000)), a=WHOLE), WHOLE**3 % 1000)
    np.testing.assert_array_equal(both(Eq(y[i], a[i] ** 39), a=np.array([3, -1, 0])), [3**39, -1, 0])
    np.testing.assert_allclose(both(Eq(y[i], a[i] ** -2), a=np.array([2, -1, 4])), [0.25, 1, 1 / 16])


def test_a_choice_of_integers_by_data_without_a_default_is_nan():
    np.testing.assert_array_equal(both(Eq(y[i], Piecewise((a[i], a[i] > 1))), a=np.array([1, 2, 3])), [np.nan, 2, 3])


def test_indices_and_sizes_are_real_before_they_are_multiplied():
    """64 bits do not hold what they multiply to: sums of moments, and factors that correct a bias, were noise."""
    found = both(Eq(y[i], x[i] * (i + 1) * (i + 2) * (i + 3) * 10**6), x=np.ones(9))
    np.testing.assert_allclose(found, [10**6 * (k + 1) * (k + 2) * (k + 3) for k in range(9)])
    assert (both(Eq(y[i], 10**18 * i), N=20) > 0).sum() == 19
    total = gc.System(Eq(L, Sum(x[i] * i**2 * (i + 1) ** 2 * (i + 2) ** 2, i)))
    wanted = float(sum(k**2 * (k + 1) ** 2 * (k + 2) ** 2 for k in range(3000)))
    for found in (total.compile(L)(x=np.ones(3000)), total.evaluate(L, x=np.ones(3000))):
        np.testing.assert_allclose(found, wanted)
    kurtosis = gc.System(Eq(L, c * N * (N + 1) / ((N - 1) * (N - 2) * (N - 3))))
    for size in (10, 2_200_000, 10**7):
        wanted = size * (size + 1) / ((size - 1) * (size - 2) * (size - 3))
        np.testing.assert_allclose(kurtosis.compile(L)(c=1.0, N=size), wanted)
    exact = gc.System(Eq(y[i], 10**18 * i * (i + 1))).evaluate("y", N=12, exact=True)
    assert list(exact) == [10**18 * k * (k + 1) for k in range(12)]


def test_integers_of_tensors_and_of_subscripts_stay_integers():
    w = gc.Tensor("w", N, dtype="int64")
    np.testing.assert_array_equal(both(Eq(w[i], i * i * 3), N=5), 3 * np.arange(5) ** 2)
    np.testing.assert_array_equal(both(Eq(y[i], x[i * (i + 1) // 2 % N]), x=np.arange(5.0)), [0, 1, 3, 1, 0])


def test_the_mean_of_large_integers():
    """Nanoseconds since 1970: their sum passes 64 bits."""
    times = 1_700_000_000_000_000_000 + np.arange(8)
    np.testing.assert_allclose(both(Eq(L, gc.Mean(a[i], i)), a=times), times.mean())


def test_quotients_of_numbers_beyond_floats():
    value = x[i] * sp.binomial(1400, 700) / sp.Integer(4) ** 700 + x[i] * sp.Rational(10**400 + 1, 7 * 10**400)
    np.testing.assert_allclose(both(Eq(y[i], value), x=np.ones(1)), 0.02132055 + 1 / 7, rtol=1e-6)
