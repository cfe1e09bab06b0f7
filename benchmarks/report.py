"""What the benchmarks say, three ways: a table for the eye, Markdown for the documentation, JSON for machines."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.harness import Report, Row

_PACKAGES = ("graphc", "numpy", "scipy", "llvmlite", "jax", "torch", "numba", "casadi")
_HEADER = ("", "median", "spread", "fastest", "compile", "first call", "GFLOP/s", "of ceiling", "error", "")


def show(report: Report, console: Console) -> None:
    """Print one report as a table, with its figures to reach below."""
    table = Table(title=report.title, title_justify="left", title_style="bold")
    header, body = _columns(report)
    for position, name in enumerate(header):
        table.add_column(name, justify="left" if position == 0 or not name else "right")
    for cells in body:
        table.add_row(*cells)
    console.print(table)
    for verdict in report.verdicts:
        value = "not measured" if verdict.value is None else f"{verdict.value:.3g}"
        colour = {True: "green", False: "red", None: "yellow"}[verdict.reached]
        console.print(f"  [{colour}]{verdict.text}: {value} (at most {verdict.bound:.3g})[/{colour}]", highlight=False)


def markdown(reports: Sequence[Report], machine: dict[str, Any]) -> str:
    """The reports as Markdown, the machine first."""
    lines = [f"{key}: {value}  " for key, value in machine.items()]
    for report in reports:
        header, body = _columns(report)
        lines += ["", f"### {report.title}", "", _line(header), _line(["---"] * len(header)), *map(_line, body)]
        if report.verdicts:
            lines += ["", "| figure to reach | measured | at most | |", "| --- | --- | --- | --- |"]
        for verdict in report.verdicts:
            value = "" if verdict.value is None else f"{verdict.value:.3g}"
            word = {True: "reached", False: "not reached", None: "not measured"}[verdict.reached]
            lines.append(_line([verdict.text, value, f"{verdict.bound:.3g}", word]))
    return "\n".join(lines) + "\n"


def save(reports: Sequence[Report], machine: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """Write benchmarks.json and benchmarks.md into `folder`; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    as_json, as_markdown = folder / "benchmarks.json", folder / "benchmarks.md"
    body = {"machine": machine, "reports": [dataclasses.asdict(report) for report in reports]}
    as_json.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    as_markdown.write_text(markdown(reports, machine), encoding="utf-8")
    return as_json, as_markdown


def machine(ceilings: dict[str, float]) -> dict[str, Any]:
    """The processor, the measured ceilings and the versions of all that took part."""
    versions = []
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} missing")
    return {
        "processor": f"{_processor()}, one thread",
        "ceiling": ", ".join(f"{dtype} {rate / 1e9:.0f} GFLOP/s" for dtype, rate in ceilings.items()),
        "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
    }


def _processor() -> str:
    import llvmlite.binding as llvm

    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [
            line.split(":", 1)[1].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        name = models[0] if models else name
    return f"{name} ({llvm.get_host_cpu_name()})"


def _columns(report: Report) -> tuple[list[str], list[list[str]]]:
    """The header and the rows without the columns that nobody fills."""
    body = [_cells(row) for row in report.rows]
    filled = [i for i in range(len(_HEADER)) if i == 0 or any(cells[i] for cells in body)]
    return [_HEADER[i] for i in filled], [[cells[i] for i in filled] for cells in body]


def _cells(row: Row) -> list[str]:
    return [
        row.name,
        seconds(row.median_s),
        "" if row.spread is None else f"±{50 * row.spread:.0f} %",
        seconds(row.fastest_s),
        seconds(row.compile_s),
        seconds(row.first_s),
        "" if row.gflops is None else f"{row.gflops:.1f}",
        "" if row.share is None else f"{100 * row.share:.0f} %",
        "" if row.error is None else f"{row.error:.0e}",
        row.note,
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def seconds(value: float | None) -> str:
    """A time to three digits in the unit that suits it."""
    if value is None:
        return ""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
