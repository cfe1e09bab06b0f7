"""`make planted`: plants each error of the lists here, one at a time, into a copy of the project, and runs
the tests that must find it. Exit status 1 if one is not found. `--only WORD`: those whose description has the word."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.planted.more_plants import MORE
from tests.planted.places import planted_in
from tests.planted.plants import PLANTS, Plant
from tests.planted.plants_of_conditions import CONDITIONS

ROOT = Path(__file__).parents[2]
COPIED = ("graphc", "tests", "examples", "data", "docs", "benchmarks", "pyproject.toml", "README.md")
LONGEST = 1200  # seconds: an error may also be found by a loop that does not end


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planted")
    parser.add_argument("--only", default="", help="a word of the descriptions of those to plant")
    options = parser.parse_args()
    chosen = [p for p in (*PLANTS, *MORE, *CONDITIONS) if options.only in p.what]
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder))
        for k, plant in enumerate(chosen, start=1):
            found = planted(copy, plant)
            missed += found is None
            print(f"[{k}/{len(chosen)}] {plant.what}: {found or 'NOT FOUND'}", flush=True)
    print(f"{len(chosen) - missed} passed, {missed} failed")
    return 1 if missed else 0


def copied(folder: Path) -> Path:
    """A copy of the project to plant errors in."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


def planted(copy: Path, plant: Plant) -> str | None:
    """The first test that fails with the error; None if all pass."""
    file, changed = planted_in(copy / "graphc", plant.where, plant.before, plant.after)
    text = file.read_text()
    file.write_text(changed)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *plant.found_by.split()]
    try:
        run = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return "found: the tests did not end"
    finally:
        file.write_text(text)
    if run.returncode == 0:
        return None
    failures = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failures[0].split(" - ")[0] if failures else f"found: pytest ended with {run.returncode}"


if __name__ == "__main__":
    sys.exit(main())
