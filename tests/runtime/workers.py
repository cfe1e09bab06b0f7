"""What other processes run: `python -m tests.runtime.workers NAME`, or a function handed to one."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
from typing import Any

import numpy as np

import graphc as gc
from graphc import Eq, Sum, tanh

T = gc.sizes("T")
t = gc.indices("t")
x, a, y, L = gc.Input("x", T), gc.Param("a"), gc.Tensor("y", T), gc.Tensor("L")
X = np.linspace(-1, 1, 70)


def net(scale: int = 1) -> gc.System:
    return gc.System(Eq(y[t], tanh(a * y[t - 1] + scale * x[t])), Eq(y[-1], 0), Eq(L, Sum(y**2)))


def by_hand(given: np.ndarray[Any, Any], a: float, scale: int = 1) -> float:
    state = total = 0.0
    for value in given:
        state = np.tanh(a * state + scale * value)
        total += state**2
    return total


def right(run: Any, scale: int = 1) -> bool:
    return bool(np.isclose(run(x=X, a=0.5).L, by_hand(X, 0.5, scale), rtol=1e-11))


def compiled(scale: int = 1) -> Any:
    return net(scale).compile(L, gc.D(L, a))


def called(run: Any) -> float:
    """What a child does with a function it was sent."""
    assert right(run) and right(compiled(3), 3)
    return float(run(x=X, a=0.5).L)


def in_child(work: Any) -> int:
    """Run in a forked child; its exit status. A child that hangs is ended after a minute (SIGALRM)."""
    import signal

    child = os.fork()
    if child == 0:
        signal.alarm(60)
        os._exit(0 if work() else 1)
    return os.waitpid(child, 0)[1]


def fork() -> None:
    """Inherited functions, systems and code run and compile in the child, and in the parent as before."""
    run, system = compiled(), net(2)
    assert in_child(lambda: right(run)) == 0
    assert in_child(lambda: right(system.compile(L, gc.D(L, a)), 2)) == 0
    assert in_child(lambda: right(pickle.loads(pickle.dumps(run)))) == 0
    assert in_child(lambda: in_child(lambda: right(compiled(4), 4)) == 0) == 0
    assert right(run) and right(compiled(5), 5)


def fork_while_compiling() -> None:
    """Children forked while other threads compile: they find no lock taken, and nothing half done."""
    run, stop = compiled(), threading.Event()

    def work(n: int) -> None:
        while not stop.is_set():
            assert right(compiled(n), n)

    threads = [threading.Thread(target=work, args=(n,)) for n in (2, 3)]
    for thread in threads:
        thread.start()
    try:
        for n in range(1, 13):
            assert in_child(lambda n=n: right(run) and right(compiled(n), n)) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def pool(how: str) -> None:
    """A pool of processes, each sent a pickled function; and the functions that come back."""
    run = compiled()
    with multiprocessing.get_context(how).Pool(2) as workers:
        assert np.allclose(workers.map(called, [run, run, run]), by_hand(X, 0.5), rtol=1e-11)
        assert right(workers.apply(compiled))


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    # A pool's processes look for functions by the name of their module.
    from tests.runtime import workers as module

    getattr(module, name)(*rest)
    print("right")
