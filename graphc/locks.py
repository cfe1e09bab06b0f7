"""Locks and forks: a child process must find each lock free, and what it guards in order."""

from __future__ import annotations

import os
from typing import Protocol


class Lock(Protocol):
    def acquire(self) -> bool: ...
    def release(self) -> None: ...


def held_over_forks(*locks: Lock) -> None:
    """Every fork waits for these locks, taken in this order: no other thread is then at work that the child would find
    half done, with the lock taken by a thread that does not exist there. They must be reentrant."""

    def take() -> None:
        for lock in locks:
            lock.acquire()

    def let_go() -> None:
        for lock in reversed(locks):
            lock.release()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=take, after_in_parent=let_go, after_in_child=let_go)
