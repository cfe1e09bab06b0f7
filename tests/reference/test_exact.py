"""Exact values, and what has none."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import Eq, Piecewise

N = gc.sizes("N")
i = gc.indices("i")
L, x, y = gc.Tensor("L"), gc.Input("x", N), gc.Tensor("y", N)


def test_what_is_no_rational_number_is_nan_and_may_be_dropped():
    def exact(value, **arguments):
        return list(gc.System(Eq(y[i], value)).evaluate("y", exact=True, **arguments))

    nothing = sp.Ne(x[i], 0)
    for guarded in (gc.floor(1 / x[i]), gc.ceiling(1 / x[i]), gc.Mod(2, x[i]), x[i] ** -3, gc.Max(1 / x[i], -5)):
        assert exact(Piecewise((guarded, nothing), (7, True)), x=[2, 0])[1] == 7
    assert np.isnan(float(exact(gc.Max(1 / x[i], 5), x=[0])[0]))
    assert np.isnan(float(gc.System(Eq(L, gc.amax(1 / x[i], i))).evaluate("L", x=[1, 0, -3], exact=True)))
    w = gc.Tensor("w", N, dtype="int64")
    with pytest.raises(gc.UnsupportedError, match="has no exact value"):
        gc.System(Eq(w[i], gc.floor(x[i]))).evaluate("w", x=[10**30], exact=True)
