"""What a call finds of the calls before it, and arguments that would be copied where they are to be updated."""

import array

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh

N, M, T, H = gc.sizes("N M T H")
i, j, t = gc.indices("i j t")
x, y = gc.Input("x", N), gc.Tensor("y", N)
w, v, L = gc.Input("w", N), gc.Tensor("v", N), gc.Tensor("L")
DOUBLED = gc.System(Eq(y[i], 2 * x[i]))
WRITTEN = gc.System(Eq(v[i], 2 * w[i]))


def test_a_size_may_be_said_again_as_it_was_baked():
    run = DOUBLED.compile(y, sizes={"N": 3})
    np.testing.assert_array_equal(run(x=np.ones(3), N=3), 2)
    with pytest.raises(gc.ArgumentError):
        run(x=np.ones(3), N=4)


def test_a_call_after_many_steps_is_one_step():
    run, weights = WRITTEN.compile(v, update={w: v}), np.ones(3)
    run.loop(3, w=weights)
    run(w=weights)
    np.testing.assert_array_equal(weights, 16)


def test_a_number_of_another_kind_in_a_later_call():
    k = gc.Input("k", dtype="int64")
    run, data = gc.System(Eq(y[i], k * x[i])).compile(y), np.arange(3.0)
    run(x=data, k=2)
    run(x=data, k=np.array(2))
    with pytest.raises(gc.ArgumentError):
        run(x=data, k=2.5)
    with pytest.raises(gc.ArgumentError):
        gc.System(Eq(L, 2 * k)).compile(L)(k=1.5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_results_whose_memory_is_used_again_were_given_another_face():
    run, data = DOUBLED.compile(y), np.ones(100_000)
    for _ in range(4):
        found = run(x=data)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, 2)
        found.dtype = np.int64
        del found
    X, Y = gc.Input("X", N, N), gc.Tensor("Y", N, N)
    run, data = gc.System(Eq(Y[i, j], 2 * X[i, j])).compile(Y), np.arange(160_000.0).reshape(400, 400)
    for _ in range(4):
        found = run(X=data)
        np.testing.assert_array_equal(found, 2 * data)
        found.strides = found.strides[::-1]
        del found


def test_a_masked_array_in_a_later_call():
    run, data = DOUBLED.compile(y), np.ones(4)
    run(x=data)
    with pytest.raises(gc.ArgumentError):
        run(x=np.ma.array(data, mask=[1, 0, 0, 0]))


def test_complex_numbers_in_a_list():
    with pytest.raises(gc.ArgumentError):
        DOUBLED.compile(y)(x=[1j, 2])


def test_more_steps_need_more_room():
    X, s = gc.Input("X", T, H), gc.Tensor("s", T, H)
    steps = [Eq(s[t, i], tanh(s[t - 1, i] + X[t, i])), Eq(s[-1, i], 0), Eq(L, Sum(s[t, i] * s[T - 1 - t, i], t, i))]
    run = gc.System(*steps).compile(L)
    run(X=np.ones((2, 3)))
    assert np.isfinite(run(X=np.ones((3000, 1000))))


def test_a_length_that_nothing_tells_and_nobody_asks_for():
    q, z = gc.Tensor("q", M), gc.Input("z", M)
    run = gc.System(Eq(q[i], z[i]), Eq(y[i], 2 * x[i])).compile(y)
    np.testing.assert_array_equal(run(x=np.ones(3)), 2)


# -- updates ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [1.5, np.float64(1.5)])
def test_a_number_cannot_be_updated(given):
    one, new = gc.Input("one"), gc.Tensor("new")
    with pytest.raises(gc.ArgumentError):
        gc.System(Eq(new, 2 * one)).compile(new, update={one: new})(one=given)


def test_what_would_be_converted_cannot_be_updated():
    k, new = gc.Input("k", N, dtype="int64"), gc.Tensor("new", N, dtype="int64")
    run = gc.System(Eq(new[i], 2 * k[i])).compile(new, update={k: new})
    with pytest.raises(gc.ArgumentError):
        run(k=np.ones(3, np.int32))
    crooked = np.frombuffer(bytearray(41), np.uint8)[1:].view(float)
    with pytest.raises(gc.ArgumentError):
        WRITTEN.compile(v, update={w: v})(w=crooked)


class Other:
    """An array of another library."""

    def __init__(self, own):
        self.own = own


class WithDlpack(Other):
    def __dlpack__(self, **options):
        return self.own.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.own.__dlpack_device__()


class WithInterface(Other):
    @property
    def __array_interface__(self):
        return self.own.__array_interface__


@pytest.mark.parametrize("kind", [WithDlpack, WithInterface, lambda own: memoryview(array.array("d", own))])
def test_memory_of_others_is_updated(kind):
    own = np.array([1.0, 2, 3])
    given = kind(own)
    WRITTEN.compile(v, update={w: v})(w=given)
    np.testing.assert_array_equal(own if isinstance(given, Other) else np.asarray(given), [2, 4, 6])


def test_an_argument_is_no_new_value():
    with pytest.raises(gc.ArgumentError):
        gc.System(Eq(v[i], 2 * w[i] + x[i])).compile(v, update={w: x})


def test_real_numbers_are_no_new_value_of_integers():
    k = gc.Input("k", N, dtype="int64")
    with pytest.raises(gc.ShapeError):
        gc.System(Eq(v[i], 2.5 * k[i])).compile(v, update={k: v})


def test_sizes_that_are_baked_alike_fit():
    z, new = gc.Input("z", M), gc.Tensor("new", M)
    run = gc.System(Eq(new[i], 2 * z[i]), Eq(L, Sum(w))).compile(L, update={w: new}, sizes={"N": 3, "M": 3})
    weights = np.ones(3)
    run(w=weights, z=np.arange(3.0))
    np.testing.assert_array_equal(weights, [0, 2, 4])


def test_what_is_whole_at_the_size_baked():
    system = gc.System(Eq(y[2 * i], x[2 * i]))
    with pytest.raises(gc.DomainError):
        system.compile(y)
    assert system.compile(y, sizes={"N": 1})(x=np.ones(1)).tolist() == [1]
