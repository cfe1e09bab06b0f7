"""`python -m benchmarks [names] [--peers-only]`: run the named workloads (all by default) and print their tables."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import ceiling, report
from benchmarks.harness import Options, Report

WORKLOADS = (
    "rnn_seed",
    "ring",
    "garch",
    "biquad",
    "heat",
    "soft_dtw",
    "conv3x3",
    "lstm",
    "call_overhead",
    "compile_time",
    "compile_models",
    "import_time",
    "memory",
)


def main() -> int:
    """Run the workloads named on the command line; the exit status is 1 if a figure was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(WORKLOADS)}")
    parser.add_argument("--peers-only", action="store_true", help="leave graphc out")
    parser.add_argument("--rounds", type=int, default=15, help="alternating samples per contender")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds of timing per contender")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for benchmarks.json and benchmarks.md")
    parser.add_argument("--markdown", action="store_true", help="print the Markdown too")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(WORKLOADS))
    if unknown:
        parser.error(f"no such workload: {', '.join(unknown)}")

    console = Console(width=None if sys.stdout.isatty() else 140)
    ceilings = {dtype: ceiling.measure(dtype) for dtype in ("float32", "float64")}
    machine = report.machine(ceilings)
    for key, value in machine.items():
        console.print(f"{key}: {value}", highlight=False)
    options = Options(arguments.peers_only, arguments.rounds, arguments.budget, ceilings)
    reports: list[Report] = []
    for name in arguments.names or WORKLOADS:
        for one in importlib.import_module(f"benchmarks.{name}").reports(options):
            reports.append(one)
            report.show(one, console)
    as_json, as_markdown = report.save(reports, machine, arguments.out)
    if arguments.markdown:
        print(report.markdown(reports, machine))
    console.print(f"written: {as_json}, {as_markdown}", highlight=False)
    return int(any(verdict.reached is False for one in reports for verdict in one.verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
