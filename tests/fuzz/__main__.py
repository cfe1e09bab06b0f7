"""`python -m tests.fuzz --count N --seed SEED`: random programs, compiled against interpreted; failures made small.

With `--mutants`: programs with slips in them, which must be refused with a message or agree.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections import Counter
from functools import partial
from pathlib import Path

from rich.progress import track

from tests.fuzz.search import Kind, crashed, outcome
from tests.fuzz.workers import shared_out


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once; default: all cores")
    parser.add_argument("--out", type=Path, default=None, help="a folder for the programs that fail")
    parser.add_argument("--integer", action="store_true", help="programs of integers only")
    parser.add_argument(
        "--special", action="store_true", help="NaN, infinities, subnormals, signed zeros among the data"
    )
    parser.add_argument(
        "--variants", default="", help="ways to compile, with commas between; default: one drawn for each"
    )
    parser.add_argument("--mutants", action="store_true", help="programs and systems with something changed")
    options = parser.parse_args()
    variants = tuple(options.variants.split(",")) if options.variants else ()
    kind = Kind(options.integer, options.special, options.mutants, variants)
    seeds = [options.seed * 1_000_000 + k for k in range(options.count)]
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    found = shared_out(seeds, partial(outcome, kind), partial(crashed, kind), options.jobs)
    outcomes: Counter[str] = Counter()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it: no totals
    with contextlib.suppress(KeyboardInterrupt):
        for seed, (name, text) in track(found, "random programs", len(seeds)):
            outcomes[name] += 1
            _tell(seed, name, text, options.out)
    print(f"{sum(outcomes.values())} programs:", ", ".join(f"{n} {name}" for name, n in sorted(outcomes.items())))
    return 1 if outcomes["FAIL"] else 0


def _tell(seed: int, name: str, text: str, out: Path | None) -> None:
    if name == "FAIL":
        print(f"\n# seed {seed}: {text}", flush=True)
        if out:
            (out / f"seed{seed}.txt").write_text(text)
    elif name == "refused" and text and out:
        with (out / "refused.txt").open("a") as file:
            file.write(f"{seed}: {text}\n\n")


if __name__ == "__main__":
    sys.exit(main())
