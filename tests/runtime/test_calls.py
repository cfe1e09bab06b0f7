"""A call that looks like the last one is checked in short: whatever differs from it must still be seen."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum

N, M = gc.sizes("N M")
n, m = gc.indices("n m")


def scaled():
    x, p, y = gc.Input("x", N), gc.Param("p"), gc.Tensor("y", N)
    return gc.System(Eq(y[n], p * x[n])).compile("y")


def test_numbers_of_every_sort_after_each_other():
    run, x = scaled(), np.arange(5.0)
    for p in (2.0, np.array(3.0), 4, np.float64(5.0), 6.0, np.array(7.0), True):
        np.testing.assert_array_equal(run(x=x, p=p), float(p) * x)


def test_an_argument_of_another_kind_is_refused_after_a_good_call():
    run, x = scaled(), np.arange(5.0)
    run(x=x, p=1.0)
    for bad in (
        {"x": x.astype(np.float32), "p": 1.0},
        {"x": x[None], "p": 1.0},
        {"x": x},
        {"x": x, "p": "one"},
        {"x": x, "p": 1.0, "q": 2.0},
        {"x": x, "q": 1.0},
    ):
        with pytest.raises(gc.ArgumentError):
            run(**bad)
        np.testing.assert_array_equal(run(x=x, p=2.0), 2 * x)


def test_other_shapes_strides_and_orders_of_arguments():
    run, x = scaled(), np.arange(24.0)
    for part in (x, x[:7], x[::2], x[::-1], x[:0], x[1:], np.frombuffer(x.tobytes(), np.float64), x):
        np.testing.assert_array_equal(run(x=part, p=3.0), 3 * part)
        np.testing.assert_array_equal(run(p=-1.0, x=part), -part)


def test_unaligned_arrays():
    run = scaled()
    x = np.frombuffer(b"\0" + np.arange(6.0).tobytes(), np.uint8)[1:].view(np.float64)
    assert not x.flags.aligned
    for _ in range(2):
        np.testing.assert_array_equal(run(x=x, p=2.0), 2 * x)


def test_a_size_given_by_hand_may_change():
    y = gc.Tensor("y", N)
    run = gc.System(Eq(y[n], 2 * n + 0.5)).compile("y")
    for size in (3, 3, 5, 0, 3):
        np.testing.assert_array_equal(run(N=size), 2 * np.arange(size) + 0.5)
    with pytest.raises(gc.ArgumentError):
        run(N=-1)


def test_arguments_that_the_kernel_does_not_read():
    x, unused, y = gc.Input("x", N), gc.Input("unused", M), gc.Tensor("y", N)
    z = gc.Tensor("z")
    run = gc.System(Eq(y[n], 2 * x[n]), Eq(z, Sum(unused[m], m))).compile("y")
    a, b = np.arange(4.0), np.arange(9.0)
    for arguments in ({"unused": b, "x": a}, {"x": a, "unused": b}, {"x": a}, {"unused": b, "x": a}):
        np.testing.assert_array_equal(run(**arguments), 2 * a)


def test_results_stay_as_they_are():
    """A large result is memory that is used again, but only when nobody holds it, or a view of it."""
    run, x = scaled(), np.ones(100_000)
    first, second = run(x=x, p=1.0), run(x=x, p=2.0)
    view = run(x=x, p=3.0)[10:20]
    for k in range(4, 9):
        run(x=x, p=float(k))
    assert (first == 1).all() and (second == 2).all() and (view == 3).all()


def test_two_results_of_a_size_take_turns():
    run, x = scaled(), np.ones(100_000)
    result, places = None, set()
    for k in range(12):
        result = run(x=x, p=float(k))
        places.add(result.ctypes.data)
    assert len(places) == 2 and (result == 11).all()
