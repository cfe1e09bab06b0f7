"""What a change to the compiler changes in what comes out: one line for each of some eighty systems, with hashes of its
Program, of its LLVM text, and of the bits of its results at random arguments.

    python -m tests.replay before.txt          write them
    python -m tests.replay before.txt --check  compare, and name the systems that differ

Moving code, renaming and sharing what is written twice leave all lines equal; so does a second run in the same process.
A change to how programs run leaves the results equal.
The hashes hold for one processor and one version of LLVM.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import track

import graphc as gc
from examples import edit_distance, garch, gr4j, heat, hmm, sunspots
from graphc.compiler import compile
from graphc.runtime.function import Function
from tests.arguments import random_arguments
from tests.fuzz.laws import Refused
from tests.fuzz.programs import random_program
from tests.oracle import graded, sizes_of
from tests.transforms.systems import EXAMPLES

SEEDS = range(40)
MODELS: dict[str, Callable[[], gc.System]] = {
    "edit distance": edit_distance.model,
    "garch": garch.model,
    "gr4j": gr4j.model,
    "heat": heat.model,
    "hmm": hmm.model,
    "sunspots": lambda: sunspots.model()[1],
}


def cases() -> Iterator[tuple[str, Callable[[], Function]]]:
    """Names, and what compiles them: each kind of equation with its gradient, models of users, random ones."""
    for name, example in EXAMPLES.items():
        yield name, lambda example=example: _graded(example)
        yield f"{name}, baked", lambda example=example: _graded(example, baked=True)
    for name, model in MODELS.items():
        yield f"example {name}", lambda model=model: _everything(model())
    for seed in SEEDS:
        yield f"random {seed}", lambda seed=seed: _everything(random_program(seed).system())


def _graded(example: Callable, baked: bool = False) -> Function:
    system, loss, arguments = example()
    found, outputs = graded(system, loss)
    options = {"sizes": sizes_of(system, arguments), "dtype": "float32"} if baked else {}
    return compile(found, outputs, **options)


def _everything(system: gc.System) -> Function:
    """All that is defined, and the gradient of a scalar L in the parameters."""
    names = [eq.tensor.name for eq in system.ir.equations if not eq.tensor.auxiliary]
    scalar = next((eq.tensor for eq in system.ir.equations if eq.tensor.name == "L"), None)
    params = [t for t in system.ir.inputs if t.role == "param" and t.kind == "real"]
    if scalar is None or scalar.kind != "real" or not params:
        return system.compile(*names)
    found, outputs = graded(system.ir, scalar)
    return compile(found, tuple(dict.fromkeys([*outputs, *(found.by_name[n] for n in names)])))


def line(name: str, build: Callable[[], Function]) -> str:
    try:
        run = build()
    except (gc.GraphcError, Refused) as error:
        return f"{name}: refused {_hash(str(error))}"
    return f"{name}: {_hash(str(run.program))} {_hash(run.llvm_ir)} {_hash(_results(run))}"


def _results(run: Function) -> bytes:
    """The bits of what a call returns; the sizes are such that all parts of loops over vectors run."""
    system = replace(run.system, fixed=run.program.system.fixed)
    given = {t.name: t for t in system.inputs}
    arguments = random_arguments(system, most=23)
    arguments = {n: v for n, v in arguments.items() if n in given or n not in system.fixed}
    for name, value in arguments.items():
        if name in given and given[name].kind == "real":
            arguments[name] = np.asarray(value, run.options.dtype)
    try:
        found = run(**arguments)
    except gc.GraphcError as error:
        return str(error).encode()
    return b"".join(np.asarray(x).tobytes() for x in (found if isinstance(found, tuple) else (found,)))


def _hash(text: str | bytes) -> str:
    return hashlib.sha256(text if isinstance(text, bytes) else text.encode()).hexdigest()[:16]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="compare with what the file holds")
    options = parser.parse_args()
    lines = [line(*case) for case in track(list(cases()), "systems")]
    if not options.check:
        options.file.write_text("\n".join(lines) + "\n")
        return 0
    before = dict(text.split(": ") for text in options.file.read_text().splitlines())
    changed = {name: found for name, what in map(_split, lines) if (found := _changed(before.get(name, ""), what))}
    print(f"{len(lines) - len(changed)} equal, {len(changed)} differ")
    for name, found in changed.items():
        print(f"  {name}: {', '.join(found)}")
    return 1 if changed else 0


def _split(text: str) -> tuple[str, str]:
    name, _, what = text.partition(": ")
    return name, what


def _changed(before: str, now: str) -> list[str]:
    """Which of the hashes differ."""
    old, new = before.split(), now.split()
    if len(old) != len(new) or len(new) != 3:
        return ["all"] if old != new else []
    return [what for what, a, b in zip(("program", "code", "results"), old, new, strict=True) if a != b]


if __name__ == "__main__":
    sys.exit(main())
