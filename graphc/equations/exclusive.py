"""One piece of work on systems at a time."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graphc.equations.expr import TABLE_LOCK, forget
from graphc.locks import held_over_forks

# isl's contexts are not to be shared by threads: whoever works on systems holds this.
LOCK = threading.RLock()
held_over_forks(LOCK, TABLE_LOCK)


@contextmanager
def exclusively() -> Iterator[None]:
    """For one piece of work on systems: no other thread does any, and what was kept for it is forgotten at its end.

    Python's search for cyclic garbage waits until then: what is made is mostly kept, and each search would go through
    all of SymPy (a tenth of the time)."""
    with LOCK:
        collects = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if collects:
                gc.enable()
            forget()
