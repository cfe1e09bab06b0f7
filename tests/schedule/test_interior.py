"""Convolutions whose kernels are shorter than, as long as and longer than the signal: other pieces exist for each."""

import numpy as np
import pytest
from scipy.signal import correlate

import graphc as gc
from graphc import Eq, Sum
from tests.compiled import agree, numbers
from tests.differences import matrix

H, K, M, N = gc.sizes("H K M N")
i, j, k, n = gc.indices("i j k n")
L = gc.Tensor("L")
a, b, c = gc.Input("a", N, M), gc.Input("b", K, H), gc.Tensor("c", N + K - 1, M + H - 1)
WHOLE = Eq(c[i, j], Sum(a[i - n, j - k] * b[n, k], n, k))
rng = np.random.default_rng(0)


@pytest.mark.parametrize("kernel", [(3, 3), (8, 8), (3, 8), (8, 3), (1, 5), (5, 1)])
def test_kernels_wider_than_the_signal_along_either_axis(kernel):
    for signal in ((8, 8), (3, 3), (8, 3), (3, 8)):
        agree([WHOLE], [c], {"a": numbers(*signal), "b": numbers(*kernel, seed=1)})


@pytest.mark.parametrize("mode", ["same", "full", "valid"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 3), (3, 2)])
def test_convolutions_of_all_sizes_around_their_kernels(mode, stride, dilation):
    """Signals shorter than, as long as and longer than kernels: other pieces of the domains exist for each."""
    x, v = gc.Input("x", N), gc.Param("v", K)
    whole, reach = {"same": (N, 0), "full": (N, 1), "valid": (N, -1)}[mode]
    y = gc.Tensor("y", (whole + reach * dilation * (K - 1) + stride - 1) // stride)
    system = gc.System(Eq(y[i], gc.correlate(x, v, mode, stride, dilation)[i]), Eq(L, Sum(y[i] ** 2 / 2, i)))
    run = system.compile(y, gc.D(L, x), gc.D(L, v))
    for n in range(1, 13):
        for taps in range(1, 8):
            spread = np.zeros(dilation * (taps - 1) + 1)
            if mode == "valid" and len(spread) > n:
                continue
            signal, kernel = rng.normal(size=(n,)), rng.normal(size=taps)
            found = run(x=signal, v=kernel)

            def by_scipy(a, b, spread=spread):
                spread[::dilation] = b
                return correlate(a, spread, mode, method="direct")[::stride]

            np.testing.assert_allclose(found.y, by_scipy(signal, kernel), rtol=1e-12, atol=1e-12)
            of_signal = matrix(lambda a, b=kernel, f=by_scipy: f(a, b), n)
            of_kernel = matrix(lambda b, a=signal, f=by_scipy: f(a, b), taps)
            np.testing.assert_allclose(found[1], of_signal.T @ found.y, rtol=1e-11, atol=1e-11)
            np.testing.assert_allclose(found[2], of_kernel.T @ found.y, rtol=1e-11, atol=1e-11)
