"""Derivatives along what is given: the loss itself, a tangent of something computed, no integers."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Sum
from tests.compiled import numbers

N = gc.sizes("N")
i = gc.indices("i")
L, x, v = gc.Tensor("L"), gc.Input("x", N), gc.Tensor("v", N)


def test_the_slope_of_a_loss_along_itself():
    assert gc.System(Eq(L, Sum(x**2))).compile(D(L, L))(x=np.ones(3)) == 1


def test_tangents_of_what_is_computed():
    """A tangent given for a computed tensor replaces what would follow from its equation."""
    along, other = gc.inputs("along other", N)
    system = gc.jvp(gc.System(Eq(v[i], x[i] ** 2), Eq(L, Sum(v**3))), L, {v: along, x: other})
    data, way = numbers(4), numbers(4, seed=1)
    np.testing.assert_allclose(system.compile("L_dot")(x=data, along=way), (3 * data**4 * way).sum(), rtol=1e-12)


def test_a_direction_of_integers():
    with pytest.raises(gc.ShapeError):
        gc.jvp(gc.System(Eq(L, Sum(x**2))), L, {x: gc.Input("way", N, dtype="int64")})
