"""Measures several ways of doing one job side by side.

A `Case` is a job with a plain float64 reference and its contenders; `run` builds each contender (compile time), calls
it (first call), checks the result against the reference, then times all of them in alternation and takes medians. A
contender whose library is missing, or that fails, gives a row that says so.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

GRAPHC = "graphc"

Call = Callable[[], Any]


@dataclass(frozen=True)
class Contender:
    """One way of doing the job: `build()` compiles it and returns the call, which returns arrays.

    `unpack` brings a result into the reference's form, outside the timing.
    """

    name: str
    build: Callable[[], Call]
    needs: tuple[str, ...] = ()
    unpack: Callable[[Any], Any] = lambda result: result

    @property
    def is_graphc(self) -> bool:
        return GRAPHC in self.needs


@dataclass(frozen=True)
class Bar:
    """A figure to reach: the median of `contender` is at most `at_most` times the median of `peer`.

    The peer `"ceiling"` is the time that the case's flops take at the measured ceiling.
    """

    contender: str
    peer: str
    at_most: float


@dataclass(frozen=True)
class Case:
    """A job: what it computes, the reference, the contenders and the figures to reach.

    `flops` counts the operations of one call where a share of the ceiling means something. `rtol` bounds the largest
    error of each result, relative to the largest magnitude in it.
    """

    name: str
    reference: Callable[[], Sequence[Any]]
    contenders: tuple[Contender, ...]
    bars: tuple[Bar, ...] = ()
    dtype: str = "float64"
    rtol: float = 1e-9
    flops: float | None = None


@dataclass
class Row:
    """What was measured of one contender: seconds, or a note that says why there are none."""

    name: str
    compile_s: float | None = None
    first_s: float | None = None
    median_s: float | None = None
    fastest_s: float | None = None
    spread: float | None = None
    gflops: float | None = None
    share: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """A figure to reach, as it came out: `value` is to be at most `bound`; None where a side is missing."""

    text: str
    value: float | None
    bound: float

    @property
    def reached(self) -> bool | None:
        return None if self.value is None else self.value <= self.bound


@dataclass
class Report:
    """The rows of one table and the figures it had to reach."""

    title: str
    rows: list[Row]
    verdicts: list[Verdict] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """How to run: `budget_s` seconds of timing per contender, split into `rounds` alternating samples."""

    peers_only: bool = False
    rounds: int = 15
    budget_s: float = 1.0
    ceilings: dict[str, float] = field(default_factory=dict)


def run(case: Case, options: Options) -> Report:
    """Build, verify and time every contender of `case`; never raises for a contender's failure."""
    reference = [np.asarray(r, dtype=np.float64) for r in case.reference()]
    rows: list[Row] = []
    running: list[tuple[Row, Call]] = []
    for contender in case.contenders:
        if options.peers_only and contender.is_graphc:
            continue
        row = Row(contender.name)
        rows.append(row)
        missing = [name for name in contender.needs if importlib.util.find_spec(name) is None]
        if missing:
            row.note = f"{', '.join(missing)} is not installed"
            continue
        try:
            call = _prepare(contender, case, reference, row)
        except Exception as problem:  # a peer's or graphc's failure belongs in the table, whatever it is
            row.note = f"{type(problem).__name__}: {_first_line(problem)}"
            continue
        running.append((row, call))
    _time_alternating(running, options)
    _rates(case, rows, options)
    return Report(case.name, rows, [_verdict(bar, case, rows, options) for bar in case.bars])


def _prepare(contender: Contender, case: Case, reference: Sequence[np.ndarray], row: Row) -> Call:
    for name in contender.needs:
        importlib.import_module(name)
    start = time.perf_counter()
    call = contender.build()
    row.compile_s = time.perf_counter() - start
    start = time.perf_counter()
    result = call()
    row.first_s = time.perf_counter() - start
    row.error = compare(flatten(contender.unpack(result)), reference)
    if not row.error <= case.rtol:
        raise AssertionError(f"wrong by {row.error:.2g} (allowed {case.rtol:.0e})")
    return call


def flatten(result: Any) -> list[np.ndarray]:
    """The arrays of a nested tuple, list or dict, in order."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, tuple | list):
        return [array for part in result for array in flatten(part)]
    if hasattr(result, "detach"):
        result = result.detach()
    return [np.asarray(result, dtype=np.float64)]


def compare(results: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> float:
    """The largest error, each result's relative to the largest magnitude of its reference; NaN counts as wrong."""
    if len(results) != len(reference):
        raise AssertionError(f"{len(results)} results where the reference has {len(reference)}")
    worst = 0.0
    for ours, theirs in zip(results, reference, strict=True):
        if ours.shape != theirs.shape:
            raise AssertionError(f"shape {ours.shape} where the reference has {theirs.shape}")
        error = float(np.max(np.abs(ours - theirs), initial=0.0)) / max(
            float(np.max(np.abs(theirs), initial=0.0)), 1e-300
        )
        worst = max(worst, error if np.isfinite(error) else float("inf"))
    return worst


def _time_alternating(running: Sequence[tuple[Row, Call]], options: Options) -> None:
    repeats = [_repeats(call, options.budget_s / options.rounds) for _, call in running]
    samples: list[list[float]] = [[] for _ in running]
    with _no_collector():
        for _ in range(options.rounds):
            for (_, call), count, taken in zip(running, repeats, samples, strict=True):
                taken.append(_sample(call, count))
    for (row, _), taken in zip(running, samples, strict=True):
        row.median_s = statistics.median(taken)
        row.fastest_s = min(taken)
        quarter = len(taken) // 4
        ordered = sorted(taken)
        row.spread = (ordered[-1 - quarter] - ordered[quarter]) / row.median_s


def _sample(call: Call, count: int) -> float:
    """Seconds per call; one call goes before the clock starts, since the contender before has emptied the caches."""
    call()
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def _repeats(call: Call, seconds: float) -> int:
    """How many calls fill about that many seconds, from a few warm ones."""
    fastest = min(_sample(call, 1) for _ in range(3))
    return max(1, min(100_000, int(seconds / max(fastest, 1e-7))))


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _rates(case: Case, rows: Sequence[Row], options: Options) -> None:
    for row in rows:
        if row.median_s is not None and case.flops is not None:
            row.gflops = case.flops / row.median_s / 1e9
            if case.dtype in options.ceilings:
                row.share = case.flops / row.median_s / options.ceilings[case.dtype]


def _verdict(bar: Bar, case: Case, rows: Sequence[Row], options: Options) -> Verdict:
    medians = {row.name: row.median_s for row in rows}
    if case.flops is not None and case.dtype in options.ceilings:
        medians["ceiling"] = case.flops / options.ceilings[case.dtype]
    ours, theirs = medians.get(bar.contender), medians.get(bar.peer)
    value = None if ours is None or theirs is None else ours / theirs
    return Verdict(f"{bar.contender} / {bar.peer}", value, bar.at_most)


def _first_line(problem: BaseException) -> str:
    lines = str(problem).strip().splitlines() or [""]
    return lines[0][:160]
