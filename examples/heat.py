"""Heat in a plate: a stencil of five points in time, with a cold rim; compared with the decay that theory predicts.

u[n+1] = u[n] + r * (sum of the four neighbours - 4 u[n]),  r = dt / dx**2: stable up to r = 1/4. A sine with k and l
half waves along the two sides keeps its shape and shrinks every step by 1 - 4 r (sin(k w)**2 + sin(l w)**2),
w = pi / (2 (M + 1)), on a plate of M × M points between the rim.
"""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table

import graphc as gc
from graphc import And, Eq, Piecewise

ROOT = Path(__file__).resolve().parent.parent
Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
RATE = 0.2
TIMES = (0, 50, 500, 2000)


def model() -> gc.System:
    """u[n, y, x], the temperature after n steps; the rim of the plate keeps the temperature it has in u0."""
    N, Y, X = gc.sizes("N Y X")
    n, y, x = gc.indices("n y x")
    u0, r = gc.Input("u0", Y, X), gc.Input("r")
    u, last = gc.Tensor("u", N + 1, Y, X), gc.Tensor("last", Y, X)
    around = u[n - 1, y - 1, x] + u[n - 1, y + 1, x] + u[n - 1, y, x - 1] + u[n - 1, y, x + 1]
    step = u[n - 1, y, x] + r * (around - 4 * u[n - 1, y, x])
    return gc.System(
        Eq(u[n, y, x], Piecewise((step, And(y > 0, y < Y - 1, x > 0, x < X - 1)), (u0[y, x], True))),
        Eq(u[0, y, x], u0[y, x]),
        Eq(last[y, x], u[N, y, x]),
    )


def sine(size: int, k: int, l: int) -> tuple[Array, float]:
    """A wave on a plate of size × size points, rim included, and the factor by which a step shrinks it."""
    angle = np.pi * np.arange(size) / (size - 1)
    wave = np.outer(np.sin(k * angle), np.sin(l * angle))
    wave[[0, -1]] = wave[:, [0, -1]] = 0
    half = np.pi / (2 * (size - 1))
    return wave, 1 - 4 * RATE * (np.sin(k * half) ** 2 + np.sin(l * half) ** 2)


def plate(size: int) -> Array:
    """A hot ring and a hot bar on a cold plate, one side of which is kept warm."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    ring = np.abs(np.hypot(y + 0.1, x + 0.25) - 0.4) < 0.1
    bar = (np.abs(x - 0.6) < 0.08) & (np.abs(y) < 0.6)
    return np.where(ring | bar, 1.0, 0.0) + np.where(y == 1, 0.5, 0.0)


def draw(states: list[Array], file: Path) -> None:
    """The plate at the times TIMES."""
    figure, axes = plt.subplots(1, len(states), figsize=(10, 3), layout="constrained")
    for axis, n, state in zip(axes, TIMES, states, strict=True):
        image = axis.imshow(state, cmap="inferno", vmin=0, vmax=1)
        axis.set(title=f"n = {n}", xticks=[], yticks=[])
    figure.colorbar(image, ax=axes, shrink=0.8, label="temperature")
    file.parent.mkdir(exist_ok=True)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def main() -> None:
    console, run = Console(), model().compile("last")
    console.print(model(), highlight=False)
    table = Table("half waves", "steps", "height left", "theory", "error", title="Sines on a plate of 65 × 65 points")
    for k, l, steps in ((1, 1, 1000), (2, 1, 500), (3, 4, 100), (16, 16, 10)):
        wave, factor = sine(65, k, l)
        state = run(u0=wave, r=RATE, N=steps)
        height = np.vdot(state, wave) / np.vdot(wave, wave)
        error = np.abs(state - factor**steps * wave).max()
        table.add_row(f"{k}, {l}", str(steps), f"{height:.6f}", f"{factor**steps:.6f}", f"{error:.1e}")
    console.print(table)

    started = perf_counter()
    states = [run(u0=plate(129), r=RATE, N=n) for n in TIMES]
    console.print(f"{sum(TIMES)} steps of 129 × 129 points in {perf_counter() - started:.2f} s")
    draw(states, ROOT / "out" / "heat.png")
    console.print("pictures: out/heat.png")


if __name__ == "__main__":
    main()
