"""Limits that are computed and not affine: bins from floor(i*N/M) to ceiling((i + 1)*N/M)."""

import itertools
from math import prod

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Mean, Min, Prod, Sum, amax, argmax, ceiling, floor
from graphc.frontend.lower import lower
from tests.oracle import WAYS, check

N, M, K, S = gc.sizes("N M K S")
i, k = gc.indices("i k")
x, z = gc.Input("x", N), gc.Tensor("z", M)
signal = np.random.default_rng(0).normal(size=7)
whole = (floor(i * N / M), floor((i + 1) * N / M) - 1)
shared = (floor(i * N / M), ceiling((i + 1) * N / M) - 1)


def bins(n, m, up):
    return [slice(q * n // m, -(-(q + 1) * n // m) if up else (q + 1) * n // m) for q in range(m)]


@pytest.mark.parametrize(
    "e, limits, f",
    [(Mean, shared, np.mean), (amax, shared, np.max), (Sum, whole, np.sum), (Prod, whole, prod)],
    ids=["Mean", "amax", "Sum", "Prod"],
)
def test_bins(e, limits, f):
    system = gc.System(Eq(z[i], e(x[k], (k, *limits))))
    wanted = [f(signal[part]) for part in bins(7, 3, limits is shared)]
    np.testing.assert_allclose(system.compile(z)(x=signal, M=3), wanted)
    np.testing.assert_allclose(system.compile(z, sizes={"N": 7, "M": 3})(x=signal), wanted)
    np.testing.assert_allclose(system.evaluate(z, x=signal, M=3), wanted)


@pytest.mark.parametrize("transforms", WAYS)
def test_all_laws_hold(transforms):
    check(gc.System(Eq(z[i], Mean(x[k] ** 2, (k, *shared)))), None, {"x": signal, "M": 3}, transforms=transforms)


def test_bins_of_integers_stay_integers():
    counts, most = gc.Input("counts", N, dtype="int64"), gc.Tensor("most", M)
    found = gc.System(Eq(most[i], amax(counts[k], (k, *shared)))).compile(most)(counts=np.arange(-7, 0), M=3)
    assert found.dtype == np.int64 and found.tolist() == [-5, -3, -1]


def test_windows_that_may_leave_the_axis_are_refused_with_a_mend_that_works():
    low, high = floor(i * N / M) - 1, floor(i * N / M) + K
    with pytest.raises(gc.UnsupportedError, match="nothing shows that k stays inside its axis of N elements") as caught:
        gc.System(Eq(z[i], Sum(x[k], (k, low, high))))
    assert f"(k, Max({low}, 0), Min({high}, N - 1))" in str(caught.value)
    system = gc.System(Eq(z[i], Sum(x[k], (k, Max(low, 0), Min(high, N - 1)))))
    wanted = [signal[max(q * 7 // 3 - 1, 0) : q * 7 // 3 + 3].sum() for q in range(3)]
    np.testing.assert_allclose(system.compile(z)(x=signal, M=3, K=2), wanted)


def test_windows_of_a_stride_given_by_a_size():
    y = gc.Tensor("y", (N - K) // S + 1)
    system = gc.System(Eq(y[i], amax(x[k], (k, i * S, i * S + K - 1))))
    wanted = [signal[q : q + 3].max() for q in (0, 2, 4)]
    assert system.compile(y)(x=signal, S=2, K=3).tolist() == wanted


def test_reductions_that_ask_for_places_take_no_such_limits():
    with pytest.raises(gc.UnsupportedError, match="the limits of argmax"):
        gc.System(Eq(z[i], argmax(x[k], (k, *whole)))).compile(z)


FORMS = [
    f(e) + c
    for e in (
        i * N / M,
        (i + 1) * N / M,
        (2 * i + 1) * N / (2 * M),
        (i * N + M - 1) / M,
        i * (N - 1) / M,
        N * (M - i) / M,
    )
    for f in (floor, ceiling)
    for c in (-1, 0)
]


@pytest.mark.parametrize("low", FORMS[::3])
def test_no_range_that_is_taken_leaves_the_axis(low):
    """The proof against all small sizes."""
    for high in FORMS[::5]:
        try:
            lower([Eq(z[i], Sum(x[k], (k, low, high)))])
        except gc.UnsupportedError:
            continue
        for n, m in itertools.product(range(1, 5), repeat=2):
            for q in range(m):
                first, last = (int(e.subs({i: q, N: n, M: m})) for e in (low, high))
                assert first > last or (first >= 0 and last < n), (low, high, n, m, q)
