"""Runs a function of a benchmark in a fresh process, for what can be measured once in a process only.

`python -m benchmarks.worker MODULE FUNCTION ARGUMENTS` (arguments and result as JSON). The process has a cache folder
of its own, so that nothing compiled before is found again.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_MARK = "result: "


def fresh(module: str, function: str, *arguments: Any) -> Any:
    """Call `benchmarks.<module>.<function>(*arguments)` in a new process; RuntimeError if it fails."""
    with tempfile.TemporaryDirectory() as cache:
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker", module, function, json.dumps(arguments)],
            cwd=_ROOT,
            env={**os.environ, "XDG_CACHE_HOME": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    lines = [line for line in finished.stdout.splitlines() if line.startswith(_MARK)]
    if finished.returncode or not lines:
        message = (finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"])[-1]
        raise RuntimeError(message[:160])
    return json.loads(lines[-1].removeprefix(_MARK))


def main() -> None:
    """The other side of `fresh`."""
    module, function, arguments = sys.argv[1:]
    result = getattr(importlib.import_module(f"benchmarks.{module}"), function)(*json.loads(arguments))
    print(_MARK + json.dumps(result))


if __name__ == "__main__":
    main()
