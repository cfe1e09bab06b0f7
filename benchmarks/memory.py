"""Extra memory of a forward-only recurrence that returns its last state: it must not grow with the number of steps.

s[t] = tanh(W s[t-1] + U x[t]) with 16 states, 4 inputs, float64; storing all states for 10⁶ steps would take 122 MiB.
The peak of resident memory during one call, over what was resident before it, each T in a fresh process.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Call, Options, Report, Row, Verdict, compare, flatten
from benchmarks.peers import jitted
from benchmarks.worker import fresh

HIDDEN, INPUTS = 16, 4
STEPS = (10_000, 100_000, 1_000_000)
GROWTH_MIB = 4.0


def data(steps: int) -> dict[str, np.ndarray]:
    """x[t, k], W[i, j], U[i, k]."""
    rng = np.random.default_rng(0)
    shapes = {"W": (HIDDEN, HIDDEN), "U": (HIDDEN, INPUTS), "x": (steps, INPUTS)}
    made = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    made["W"] *= 0.2
    return made


def reference(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """The last state; what lies further back than some hundred steps is forgotten to the last bit."""
    state = np.zeros(HIDDEN)
    for now in arrays["x"][-1000:]:
        state = np.tanh(arrays["W"] @ state + arrays["U"] @ now)
    return state


def graphc_call(arrays: dict[str, np.ndarray]) -> Call:
    """Compiled for any number of steps, and called once with few."""
    import graphc as gc
    from graphc import Eq, tanh

    T, H, N = gc.sizes("T H N")
    t = gc.indices("t")
    x, W, U = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N)
    s, last = gc.Tensor("s", T, H), gc.Tensor("last", H)
    i = gc.indices("i")
    system = gc.System(Eq(s[t], tanh(W @ s[t - 1] + U @ x[t])), Eq(s[-1], 0), Eq(last[i], s[T - 1, i]))
    function = system.compile(last, dtype="float64")
    function(**{**arrays, "x": arrays["x"][:10]})
    return lambda: function(**arrays)


def jax_call(arrays: dict[str, np.ndarray]) -> Call:
    """`lax.scan` that stacks nothing."""
    import jax
    import jax.numpy as jnp

    def last(W: Any, U: Any, x: Any) -> Any:
        return jax.lax.scan(lambda s, now: (jnp.tanh(W @ s + U @ now), None), jnp.zeros(HIDDEN), x)[0]

    return jitted(last, *arrays.values())


def extra_mib(package: str, steps: int) -> float:
    """Peak resident memory of one call above what was resident before, in MiB."""
    arrays = data(steps)
    call = {"graphc": graphc_call, "jax": jax_call}[package](arrays)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _status("VmRSS")
    result = call()
    extra = (_status("VmHWM") - before) / 1024
    error = compare(flatten(result), [reference(arrays)])
    if not error <= 1e-9:
        raise AssertionError(f"wrong by {error:.2g}")
    return max(0.0, extra)


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def reports(options: Options) -> list[Report]:
    """A row for each package and number of steps."""
    rows, extras = [], {}
    for package in ("jax",) if options.peers_only else ("graphc", "jax"):
        for steps in STEPS:
            row = Row(f"{package}, T = {steps:,}")
            rows.append(row)
            if importlib.util.find_spec(package) is None:
                row.note = f"{package} is not installed"
                continue
            try:
                extras[package, steps] = fresh("memory", "extra_mib", package, steps)
                row.note = f"{extras[package, steps]:.2f} MiB extra"
            except RuntimeError as problem:
                row.note = str(problem)
    ends = [extras.get(("graphc", steps)) for steps in (STEPS[0], STEPS[-1])]
    growth = None if ends[0] is None or ends[1] is None else ends[1] - ends[0]
    verdict = Verdict(f"graphc: growth from T = {STEPS[0]:,} to {STEPS[-1]:,}, MiB", growth, GROWTH_MIB)
    return [Report("Extra memory of a recurrence that returns its last state", rows, [verdict])]
