"""One function called by many threads, compilations at once, and memory that stays flat."""

import gc as collector
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh
from graphc.equations.exclusive import LOCK
from graphc.runtime.function import SHAPES

T, N = gc.sizes("T N")
t, i = gc.indices("t i")
x, W = gc.Input("x", T, N), gc.Param("W", N, N)
s, L = gc.Tensor("s", T, N), gc.Tensor("L")
RNN = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0), Eq(L, Sum(s**2)))
THREADS = 32


def arguments(seed):
    rng = np.random.default_rng(seed)
    steps, width = 1 + seed % 70, 1 + seed % 5
    return {"x": rng.normal(size=(steps, width)), "W": rng.normal(size=(width, width))}


def states(x, W):
    state, out = np.zeros(len(W)), []
    for row in x:
        state = np.tanh(W @ state + row)
        out.append(state)
    return np.array(out)


def test_many_threads_call_one_function_with_shapes_of_their_own():
    run, start = RNN.compile("s"), threading.Barrier(THREADS)

    def work(n):
        start.wait()
        for seed in range(n, n + 20):
            given = arguments(seed)
            np.testing.assert_allclose(run(**given), states(**given), rtol=1e-8, atol=1e-10)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def test_many_threads_compile_and_call_at_once():
    start = threading.Barrier(THREADS)

    def work(n):
        a, y = gc.Input("a", T), gc.Tensor("y", T)
        start.wait()
        run = gc.System(Eq(y[t], n * y[t - 1] / 40 + a[t]), Eq(y[-1], n)).compile("y")
        values = np.ones(3)
        found = run(a=values)
        wanted = n
        for value in found:
            wanted = n * wanted / 40 + 1
            np.testing.assert_allclose(value, wanted)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def test_an_error_in_one_thread_is_not_seen_by_others():
    q, z = gc.Input("q", T, dtype="int64"), gc.Tensor("z", T)
    run = gc.System(Eq(z[t], x[q[t], 0])).compile("z")

    def work(n):
        for _ in range(20):
            try:
                run(x=np.ones((4, 1)), q=np.array([0, 3, 1, 4 if n % 2 else 2]))
                assert n % 2 == 0
            except gc.ArgumentError:
                assert n % 2 == 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def resident():
    collector.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="asks Linux how much memory is in use")
def test_functions_that_are_dropped_leave_no_memory_behind():
    a, y = gc.Input("a", T), gc.Tensor("y", T)
    values = np.ones(5)

    def make(n):
        run = gc.System(Eq(y[t], y[t - 1] + a[t] * n), Eq(y[-1], 0)).compile("y")
        assert run(a=values)[-1] == 5 * n

    for n in range(1, 60):
        make(n)
    before = resident()
    for n in range(1, 120):
        make(n)
    assert resident() - before < 120 * 40_000


def test_calls_leave_no_memory_behind():
    run = RNN.compile("s", "L")
    given = arguments(69)
    for _ in range(100):
        run(**given)
    before = resident()
    for _ in range(3000):
        run(**given)
    assert resident() - before < 2_000_000


def test_functions_that_hang_in_a_cycle_are_collected_in_any_order():
    """Python finalises a cycle's members in any order; native code must go before what it stands in."""
    a, y = gc.Input("a", T), gc.Tensor("y", T)
    for n in range(1, 12):
        run = gc.System(Eq(y[t], y[t - 1] + a[t] * n), Eq(y[-1], 0)).compile("y")
        run.itself = [run, run._loaded, run._loaded._engine]
        run._loaded._engine.function = run
        assert run(a=np.ones(3))[-1] == 3 * n
        del run
        collector.collect()


def test_a_new_shape_does_not_wait_for_another_threads_compilation():
    run, found = RNN.compile("s"), []
    caller = threading.Thread(target=lambda: found.append(run(**arguments(7))), daemon=True)
    with LOCK:  # as a compilation holds it
        caller.start()
        caller.join(60)
    np.testing.assert_allclose(found[0], states(**arguments(7)), rtol=1e-8, atol=1e-10)


def test_of_many_shapes_the_last_are_kept():
    y = gc.Tensor("y", T)
    run = gc.System(Eq(y[t], 2 * gc.Input("a", T)[t])).compile("y")
    for n in range(1, SHAPES + 100):
        assert run(a=np.ones(n)).sum() == 2 * n
        run(a=np.ones(1))
    assert run.stats["shapes_seen"] == SHAPES and 1 in {s.values["T"] for s in run._shapes.values()}
