"""Axes without elements are neither read nor given a gradient: what points there is refused."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Sum
from graphc.language.boundaries import BOUNDARIES

M, K, N = gc.sizes("M K N")
i, k = gc.indices("i k")
J, L = gc.Input("J", M, dtype="int64"), gc.Tensor("L")


@pytest.mark.parametrize("rows", [N, N - 1])
def test_a_table_without_rows_is_neither_read_nor_given_a_gradient(rows):
    """A bad index is replaced by 0, and there is no element 0 either."""
    E, z = gc.Input("E", rows, K), gc.Tensor("z", M, K)
    n = 0 if rows is N else 1
    system = gc.System(Eq(z[i, k], E[J[i], k]), Eq(L, Sum(z**2)))
    for outputs in (("z",), ("L", D(L, E))):
        run = system.compile(*outputs)
        with pytest.raises(gc.DomainError, match="which does not exist"):
            run(E=np.ones((0, 1000)), J=np.zeros(3, np.int64), **({} if rows is N else {"N": n}))
        run(E=np.ones((0, 1000)), J=np.zeros(0, np.int64), **({} if rows is N else {"N": n}))


@pytest.mark.parametrize("rule", BOUNDARIES)
def test_around_an_axis_without_elements_there_is_nothing_to_read(rule):
    """i % N and mirrors have no value for N = 0: what they pointed at was read from beside the array."""
    x, y = gc.Input("x", N, outside=rule), gc.Tensor("y", K)
    system = gc.System(Eq(y[i], x[i - 1]), Eq(L, Sum(y[i] ** 2, i)))
    for run in (system.compile("y"), system.compile("L", gc.D(L, x)), system.compile("y", sizes={"N": 0})):
        with pytest.raises(gc.DomainError, match=r"with N = 0, x\[.*\] reads .* which does not exist"):
            run(x=np.ones(0), K=5)
    assert system.compile("y")(x=np.ones(0), K=0).shape == (0,)


def test_a_subscript_that_wraps_around_nothing_is_refused():
    x, y = gc.Input("x", N), gc.Tensor("y", K)
    run = gc.System(Eq(y[i], x[(i + 1) % N])).compile("y")
    np.testing.assert_array_equal(run(x=np.arange(2.0), K=3), [1, 0, 1])
    with pytest.raises(gc.DomainError, match=r"with N = 0, x\[\(i \+ 1\) % 0\] reads an element of x"):
        run(x=np.ones(0), K=3)
