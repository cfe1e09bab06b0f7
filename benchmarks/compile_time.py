"""Compile time of the seed RNN's value and gradient, for several T; and compilations over 1000 random shapes.

Every measurement is a fresh process with an empty cache; what is timed starts after the imports and holds the building
of the equations.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.harness import Options, Report, Row, Verdict, compare, flatten
from benchmarks.rnn_seed import BATCHED, Problem, jax_scan, reference, system, with_graphc
from benchmarks.worker import fresh

STEPS = (10, 1_000, 100_000, 1_000_000)
ROUNDS, SHAPES = 3, 1000
BAKED_ROUNDS = 7  # the T take turns; the least processor time counts, since other work would hide differences of 10 %
LIMIT_S, SPREAD = 1.0, 0.10


def graphc_baked(steps: int) -> list[float]:
    """Seconds of processor time to compile with that T given; nothing is called (the largest would not fit)."""
    import graphc as gc

    start = time.process_time()
    equations, loss, parameters = system()
    sizes = {"N": BATCHED.inputs, "H": BATCHED.hidden, "C": BATCHED.classes, "B": BATCHED.batch, "T": steps}
    equations.compile(loss, *(gc.D(loss, p) for p in parameters), sizes=sizes, dtype="float32")
    return [time.process_time() - start]


def graphc_symbolic(steps: int) -> list[float]:
    """Seconds to compile for any T, and to the end of the first call with this one."""
    import graphc  # noqa: F401  (not timed)

    problem = Problem(steps, BATCHED.batch, BATCHED.inputs, BATCHED.hidden, BATCHED.classes)
    return _timed(lambda: with_graphc(problem), problem)


def jax_rolled(steps: int) -> list[float]:
    """The same of `lax.scan`, which is compiled again for each T."""
    import jax  # noqa: F401  (not timed)

    problem = Problem(steps, BATCHED.batch, BATCHED.inputs, BATCHED.hidden, BATCHED.classes)
    return _timed(lambda: jax_scan(problem), problem)


def _timed(build: Any, problem: Problem) -> list[float]:
    _ = problem.data  # made before the clock starts
    start = time.perf_counter()
    call = build()
    compiled = time.perf_counter() - start
    call()
    return [compiled, time.perf_counter() - start - compiled]


def compilations(count: int) -> int:
    """LLVM modules parsed while one function, all sizes symbolic, is called with that many random shapes."""
    import llvmlite.binding as llvm

    import graphc as gc

    equations, loss, parameters = system()
    function = equations.compile(loss, *(gc.D(loss, p) for p in parameters), dtype="float32")
    rng = np.random.default_rng(0)
    parsed = 0

    def counting(original: Any) -> Any:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            nonlocal parsed
            parsed += 1
            return original(*arguments, **named)

        return wrapper

    llvm.parse_assembly, llvm.parse_bitcode = counting(llvm.parse_assembly), counting(llvm.parse_bitcode)
    llvm.create_mcjit_compiler = counting(llvm.create_mcjit_compiler)
    for number in range(count):
        problem = Problem(*(int(rng.integers(1, high)) for high in (30, 9, 17, 17, 17)))
        result = function(**problem.data)
        if number % 100 == 0:
            error = compare(flatten(result), [np.asarray(part) for part in reference(problem)])
            if not error <= 1e-4:
                raise AssertionError(f"wrong by {error:.2g} for {problem}")
    return parsed


def _row(name: str, package: str, function: str, steps: int) -> Row:
    row = Row(name)
    if importlib.util.find_spec(package) is None:
        row.note = f"{package} is not installed"
        return row
    try:
        taken = [fresh("compile_time", function, steps) for _ in range(ROUNDS)]
    except RuntimeError as problem:
        row.note = str(problem)
        return row
    row.compile_s = statistics.median(times[0] for times in taken)
    if len(taken[0]) > 1:
        row.first_s = statistics.median(times[1] for times in taken)
    return row


def _baked_rows() -> list[Row]:
    """The least time for each T baked in."""
    try:
        taken = [[fresh("compile_time", "graphc_baked", steps)[0] for steps in STEPS] for _ in range(BAKED_ROUNDS)]
    except RuntimeError as problem:
        return [Row(f"graphc, T = {steps:,} baked in", note=str(problem)) for steps in STEPS]
    least = [min(times) for times in zip(*taken, strict=True)]
    return [
        Row(f"graphc, T = {steps:,} baked in (processor time)", compile_s=time)
        for steps, time in zip(STEPS, least, strict=True)
    ]


def reports(options: Options) -> list[Report]:
    """Compile times, then the count over random shapes."""
    rows = [_row(f"JAX lax.scan, T = {steps:,}", "jax", "jax_rolled", steps) for steps in (10, 100, 10_000)]
    verdicts: list[Verdict] = []
    if not options.peers_only:
        baked = _baked_rows()
        symbolic = _row("graphc, any T, first call T = 100", "graphc", "graphc_symbolic", 100)
        rows = [symbolic, *baked, *rows]
        times = [row.compile_s for row in baked if row.compile_s is not None]
        spread = max(times) / min(times) - 1 if len(times) == len(STEPS) else None
        verdicts = [
            Verdict("graphc: seconds to compile value and gradient", symbolic.compile_s, LIMIT_S),
            Verdict("graphc: spread over T = 10 .. 10⁶", spread, SPREAD),
            _shapes_verdict(),
        ]
    return [Report("Compile time of the seed RNN, value and gradient", rows, verdicts)]


def _shapes_verdict() -> Verdict:
    text = f"graphc: LLVM modules made during {SHAPES} calls with random shapes"
    try:
        return Verdict(text, float(fresh("compile_time", "compilations", SHAPES)), 0.0)
    except RuntimeError as problem:
        return Verdict(f"{text} ({problem})", None, 0.0)
