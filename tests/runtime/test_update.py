"""Arguments updated in place: one native call a step, or many steps in one call."""

import os
import signal
import threading

import numpy as np
import pytest

import graphc as gc
from graphc import ArgumentError, Eq, Sum

N, K = gc.sizes("N K")
i, j, k, n = gc.indices("i j k n")
x, w, v = gc.Input("x", N), gc.Param("w", N), gc.Param("v", N)
w_next, v_next, L = gc.Tensor("w_next", N), gc.Tensor("v_next", N), gc.Tensor("L")
STEP = gc.System(
    Eq(L, Sum((w[i] - x[i]) ** 2, i)),
    Eq(v_next[i], v[i] / 2 + gc.D(L, w)[i]),
    Eq(w_next[i], w[i] - v_next[i] / 10),
)
rng = np.random.default_rng(0)


def given():
    return {"x": np.arange(5.0), "w": np.ones(5), "v": np.zeros(5)}


def by_hand(n):
    a, loss = given(), None
    for _ in range(n):
        loss = ((a["w"] - a["x"]) ** 2).sum()
        a["v"] = a["v"] / 2 + 2 * (a["w"] - a["x"])
        a["w"] = a["w"] - a["v"] / 10
    return loss, a


@pytest.fixture(scope="module")
def step():
    return STEP.compile("L", update={w: w_next, v: v_next})


def test_a_call_writes_over_the_arguments(step):
    a = given()
    for n in range(1, 4):
        loss = step(**a)
        wanted, state = by_hand(n)
        np.testing.assert_allclose(loss, wanted)
        np.testing.assert_allclose(a["w"], state["w"])
        np.testing.assert_allclose(a["v"], state["v"])


@pytest.mark.parametrize("n", [1, 2, 7])
def test_many_steps_in_one_call(step, n):
    a = given()
    loss = step.loop(n, **a)
    wanted, state = by_hand(n)
    np.testing.assert_allclose(loss, wanted)
    np.testing.assert_allclose(a["w"], state["w"])
    np.testing.assert_array_equal(a["x"], np.arange(5.0))


def test_no_steps_are_refused(step):
    with pytest.raises(ArgumentError, match=r"loop\(0\): the number of runs must be an integer of at least 1"):
        step.loop(0, **given())


def test_an_update_without_outputs():
    a = given()
    assert STEP.compile(update={w: w_next})(**a) == ()
    np.testing.assert_allclose(a["w"], by_hand(1)[1]["w"])


def test_new_values_are_computed_from_the_old_ones_only():
    """Two arguments that take each other's values."""
    a, b = gc.Param("a", N), gc.Param("b", N)
    new_a, new_b = gc.Tensor("new_a", N), gc.Tensor("new_b", N)
    swap = gc.System(Eq(new_a[i], b[i]), Eq(new_b[i], a[i])).compile(update={a: new_a, b: new_b})
    first, second = np.arange(9.0), -np.ones(9)
    swap(a=first, b=second)
    np.testing.assert_array_equal(first, -np.ones(9))
    np.testing.assert_array_equal(second, np.arange(9.0))


def test_reading_elsewhere_than_where_it_is_written():
    a, new = gc.Param("a", N), gc.Tensor("new", N)
    turn = gc.System(Eq(new[i], a[N - 1 - i])).compile(update={a: new})
    values = np.arange(37.0)
    turn(a=values)
    np.testing.assert_array_equal(values, np.arange(37.0)[::-1])


def test_an_updated_argument_that_shares_memory_is_refused(step):
    a = given()
    shared = np.zeros(8)
    a["w"], a["v"] = shared[:5], shared[3:]
    before = shared.copy()
    with pytest.raises(ArgumentError) as error:
        step(**a)
    assert str(error.value).splitlines()[0] in (
        "w is updated in place but shares memory with v", "v is updated in place but shares memory with w",
    )  # fmt: skip
    np.testing.assert_array_equal(shared, before)


def test_arguments_not_updated_may_share_memory():
    total = gc.System(Eq(L, Sum(w[i] * v[i] * x[i], i))).compile("L")
    values = np.arange(5.0)
    np.testing.assert_allclose(total(w=values, v=values, x=values), (values**3).sum())


@pytest.mark.parametrize(
    "bad, message",
    [
        (lambda: np.ones((5, 2))[:, 0], "w is updated in place, so it must be a writable, aligned, C-contig"),
        (
            lambda: np.broadcast_to(1.0, 5),
            "w is updated in place, so it must be a writable, aligned, C-contiguous array",
        ),
        (lambda: [1.0] * 5, "w is updated in place, so it must be a NumPy array, not list"),
        (lambda: np.ones(5, np.float32), "w has dtype float32, but float64 is wanted"),
    ],
)
def test_what_cannot_be_updated_is_refused(step, bad, message):
    with pytest.raises(ArgumentError) as error:
        step(**{**given(), "w": bad()})
    assert str(error.value).startswith(message)


def test_an_error_leaves_the_arguments_as_they_were():
    q, a, new = gc.Input("q", K, dtype="int64"), gc.Param("a", N), gc.Tensor("new", N)
    add = gc.System(Eq(new[i], a[i] + Sum(a[q[k]] * i, k))).compile(update={a: new})
    values = np.arange(6.0)
    with pytest.raises(ArgumentError, match="index 6 read from data is outside axis 0 of a, which has 6 elements"):
        add(a=values, q=np.array([1, 6]))
    np.testing.assert_array_equal(values, np.arange(6.0))
    with pytest.raises(ArgumentError):
        add.loop(5, a=values, q=np.array([1, 6]))
    np.testing.assert_array_equal(values, np.arange(6.0))
    add(a=values, q=np.array([1, 2]))
    np.testing.assert_array_equal(values, [0, 4, 8, 12, 16, 20])


def test_an_interrupt_ends_a_loop_after_a_whole_run():
    a, total = gc.Param("a", N), gc.Param("total", N)
    a_next, total_next = gc.Tensor("a_next", N), gc.Tensor("total_next", N)
    counting = gc.System(Eq(a_next[i], a[i] + 1), Eq(total_next[i], total[i] + 2))
    run = counting.compile("a_next", update={a: a_next, total: total_next})
    state = {"a": np.zeros(3), "total": np.zeros(3)}
    killer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    killer.start()
    with pytest.raises(KeyboardInterrupt):
        run.loop(2**40, **state)
    signal.signal(signal.SIGINT, before)
    done = state["a"][0]
    assert done > 0 and (state["a"] == done).all() and (state["total"] == 2 * done).all()
    run.loop(5, **state)
    assert (state["a"] == done + 5).all()


def test_an_alias_of_what_is_updated_is_refused_at_every_call():
    w = gc.Tensor("w", N)
    u = gc.Input("u", N)
    run = gc.System(Eq(w[n], x[n] + u[n])).compile("w", update={x: w})
    moved = np.ones(4)
    run(x=moved, u=np.ones(4))
    with pytest.raises(gc.ArgumentError):
        run(x=moved, u=moved)


def test_what_is_updated_is_looked_at_in_every_call():
    w, v, w_next, v_next = gc.Param("w", N), gc.Param("v", N), *gc.tensors("w_next v_next", N)
    system = gc.System(Eq(w_next[i], w[i] + v[i]), Eq(v_next[i], v[i] - x[i]))
    run = system.compile(update={w: w_next, v: v_next})
    a, b, c = np.ones(9), np.zeros(9), np.arange(9.0)
    frozen = np.zeros(9)
    frozen.flags.writeable = False
    for _ in range(3):
        run(w=a, v=b, x=c)
        with pytest.raises(gc.ArgumentError, match="shares memory"):
            run(w=a, v=a, x=c)
        with pytest.raises(gc.ArgumentError, match="writable"):
            run(w=frozen, v=b, x=c)
    assert not frozen.any()
