"""Seconds that `import graphc` takes in a fresh interpreter, beside its peers' and SymPy's."""

from __future__ import annotations

import importlib
import importlib.util
import statistics
import time

from benchmarks.harness import GRAPHC, Options, Report, Row, Verdict
from benchmarks.worker import fresh

PACKAGES = (GRAPHC, "sympy", "jax", "numba", "torch")
ROUNDS = 7
LIMIT_S = 0.6


def seconds_to_import(package: str) -> float:
    """In this process, which has imported nothing but the standard library."""
    start = time.perf_counter()
    importlib.import_module(package)
    return time.perf_counter() - start


def reports(options: Options) -> list[Report]:
    """Medians of alternating fresh processes, the compiled Python files already there."""
    packages = [p for p in PACKAGES if not (options.peers_only and p == GRAPHC)]
    taken: dict[str, list[float]] = {p: [] for p in packages if importlib.util.find_spec(p)}
    rows = {p: Row(f"import {p}", note="" if p in taken else "not installed") for p in packages}
    for turn in range(ROUNDS + 1):
        for package in list(taken):
            try:
                value = fresh("import_time", "seconds_to_import", package)
            except RuntimeError as problem:
                rows[package].note = str(problem)
                del taken[package]
                continue
            if turn:  # the first turn writes the compiled files
                taken[package].append(value)
    for package, values in taken.items():
        rows[package].median_s, rows[package].fastest_s = statistics.median(values), min(values)
    own = rows[GRAPHC].median_s if GRAPHC in rows else None
    return [Report("Import", list(rows.values()), [Verdict("import graphc, seconds", own, LIMIT_S)])]
