"""The debug ladder: what each stage does, printed to standard error.

    GRAPHC_DEBUG=1  how long each stage takes        =4  the program of loops too
                 2  the equations too                =5  the LLVM IR too
                 3  what each transform changes too  =6  the assembly too

The variable is read at every compilation, so it can be set in a running session.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from time import perf_counter

TIMES, EQUATIONS, TRANSFORMS, PROGRAM, LLVM, ASSEMBLY = range(1, 7)
_LEVELS = {
    "equations": EQUATIONS,
    "gradient": EQUATIONS,
    "program": PROGRAM,
    "llvm": LLVM,
    "assembly": ASSEMBLY,
}


def level() -> int:
    """How much to print: GRAPHC_DEBUG from 0 (nothing; also for what is no number) to 6."""
    text = os.environ.get("GRAPHC_DEBUG", "0")
    return min(int(text), ASSEMBLY) if text.isdigit() else 0


@contextmanager
def stage(name: str, times: MutableMapping[str, float]) -> Iterator[None]:
    """Adds the seconds that its block takes to `times[name]`, and prints them from level 1 on."""
    started = perf_counter()
    try:
        yield
    finally:
        taken = perf_counter() - started
        times[name] = times.get(name, 0.0) + taken
        if level() >= TIMES:
            _print(f"[graphc] {name:<12} {1e3 * taken:9.2f} ms")


def show(name: str, thing: object) -> None:
    """Prints `str(thing)` from the level on that `name` has (one of equations, gradient, program, llvm, assembly)."""
    if level() >= _LEVELS[name]:
        _print(f"[graphc] {name}:\n{_indented(str(thing))}")


def show_change(name: str, before: object, after: object) -> None:
    """Prints what a transform changed: the lines of the two texts that differ."""
    if level() < TRANSFORMS:
        return
    lines = [] if before is after else difference(str(before), str(after))
    _print(f"[graphc] {name}:" + ("\n" + _indented("\n".join(lines)) if lines else " (unchanged)"))


def difference(before: str, after: str) -> list[str]:
    """The lines taken away (-) and put in (+), in order; nothing of what stays."""
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line[0] + " " + line[1:] for line in list(found)[2:] if not line.startswith("@@")]


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
