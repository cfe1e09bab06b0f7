"""Seeds shared out to processes; one that ends its process (it touched a forbidden page) is named, the rest go on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

Outcome = tuple[str, str]
Work = Callable[[int], Outcome]
CHUNK = 100  # seeds a process, at most: enough to make up for its start, few enough that no memory gathers


def shared_out(seeds: Sequence[int], work: Work, crashed: Work, jobs: int) -> Iterator[tuple[int, Outcome]]:
    """(seed, what became of it) for all seeds, in the order they are done; `crashed` says it of those that crash."""
    size = max(1, min(CHUNK, -(-len(seeds) // jobs)))
    todo = [(work, list(seeds[k : k + size])) for k in range(0, len(seeds), size)]
    running: dict[Connection, tuple[BaseProcess, Work, list[int]]] = {}
    try:
        while todo or running:
            while todo and len(running) < jobs:
                at, process, task, chunk = _start(*todo.pop(0))
                running[at] = process, task, chunk
            for at in wait(list(running)):
                assert isinstance(at, Connection)
                process, task, chunk = running[at]
                try:
                    found = at.recv()
                except EOFError:
                    process.join()
                    del running[at]
                    if not chunk:
                        continue
                    seed, *rest = chunk  # the first without an answer is the one that ended the process
                    todo.insert(0, (work, rest))
                    if task is work:
                        todo.insert(0, (crashed, [seed]))
                    else:
                        yield seed, ("FAIL", "the process ended, and ended again when the program was to be made small")
                else:
                    yield chunk.pop(0), found
    finally:
        for process, _, _ in running.values():
            process.kill()


def _start(work: Work, chunk: list[int]) -> tuple[Connection, BaseProcess, Work, list[int]]:
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(work, chunk, there), daemon=True)
    process.start()
    there.close()
    return here, process, work, chunk


def _run(work: Work, chunk: Sequence[int], at: Connection) -> None:
    for seed in chunk:
        at.send(work(seed))
