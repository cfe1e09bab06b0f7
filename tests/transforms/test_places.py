"""Tensors read at places that only the run can tell keep start values and axis when equations are joined."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Min, Mod, Sum, sin, tanh
from tests import oracle
from tests.compiled import agree, numbers

T, N = gc.sizes("T N")
i, j, t = gc.indices("i j t")
L, a, s, x, y = gc.Tensor("L"), gc.Tensor("a", T), gc.Tensor("s", T), gc.Input("x", T), gc.Tensor("y", N)


@pytest.mark.parametrize("transforms", oracle.WAYS)
def test_start_values_at_computed_places(transforms):
    """They are computed before, kept, and get their gradient; also where an equation might be taken into its reader."""
    c, d, b, v = gc.Tensor("c", T), gc.Tensor("d", T), gc.Tensor("b"), gc.Tensor("v")
    slow = [Eq(s[t], sin(x[t])), Eq(s[-1], v), Eq(v, Sum(c[j], j)), Eq(c[t], tanh(c[t - 1] + d[t])), Eq(c[-1], 0)]
    slow += [Eq(d[t], d[t + 1] / 2 + x[t]), Eq(d[T], 1)]
    more = [Eq(b, s[-1] ** 2), Eq(L, Sum(y[i] ** 2, i) + b)]
    for equations in (
        [Eq(y[i], s[Mod(i * i, T) - 1])],
        [Eq(y[i], a[Min(i * i, T - 1)]), Eq(a[t], s[t - 1] * 2)],
        [Eq(y[i], a[Min(i * i, T - 1)]), Eq(a[t], s[t - 1])],
    ):
        for outputs in ([y], [y, b], [b, y], [gc.D(L, x)], [L, gc.D(L, v), gc.D(L, s)]):
            agree([*equations, *slow, *more], outputs, {"x": numbers(5), "N": 3})
        oracle.check(gc.System(*equations, *slow, *more), "L", second=False, transforms=transforms)


def test_an_index_from_data_is_held_to_the_axis_of_the_tensor_it_stands_at():
    """`a` would be taken into `y`: then 3 was an element of x, and 0 pointed at a start value."""
    places = gc.Input("places", N, dtype="int64")
    for equations, arguments in (
        ([Eq(a[t], gc.Input("more", T + 1)[t + 1])], {"more": numbers(4)}),
        ([Eq(a[t], s[t - 1] * 2), Eq(s[t], x[t]), Eq(s[-1], 0.5)], {"x": numbers(3)}),
        ([Eq(a[t], 0 * t)], {}),
    ):
        equations = [*equations, Eq(y[i], a[places[i]])]
        agree(equations, [y], {**arguments, "places": np.array([0, 2, 1, 0]), "T": 3})
        run = gc.System(*equations).compile(y)
        for bad in (3, -1):
            with pytest.raises(
                gc.ArgumentError, match=f"index {bad} read from data is outside axis 0 of a, which has 3"
            ):
                run(**arguments, places=np.array([0, bad]), T=3)


@pytest.mark.parametrize("rule", ["reflect", "symmetric", "edge", "wrap", 0])
def test_an_index_from_data_that_a_rule_bends(rule):
    """It lies inside a; in s, into which a's equation leads, it may be that of a start value."""
    v, places = gc.Tensor("v", T, outside=rule), gc.Input("places", N, dtype="int64")
    equations = [Eq(y[i], v[places[i]]), Eq(v[t], s[t - 1] * 2), Eq(s[t], sin(x[t])), Eq(s[-1], 0.5)]
    agree(equations, [y], {"x": numbers(4), "places": np.array([0, -1, 4, 9, -6, 3, 1])})
