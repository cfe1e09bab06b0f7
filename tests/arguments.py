"""Random arguments for a system: `random_arguments(system, seed)` finds sizes that fit and indices that stay inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.equations.domain import has_reads
from graphc.equations.expr import Expr, Read, postorder
from graphc.equations.sizes import dim_value
from graphc.equations.system import System, Tensor
from graphc.transforms.unfold import cycles


def random_arguments(system: System, seed: int = 0, most: int = 5) -> dict[str, Any]:
    """Arrays by name, and the sizes that no array's shape tells. Real numbers are normal; integers are indices of the
    axes that they are used on, or small where they are only values."""
    rng = np.random.default_rng(seed)
    sizes = random_sizes(system, rng, most)
    bounds = _bounds(system, sizes)
    back = _pointing_back(system)
    arguments: dict[str, Any] = {}
    for t in system.inputs:
        shape = tuple(dim_value(d, sizes) for d in t.shape)
        if t.kind == "real":
            arguments[t.name] = rng.normal(size=shape)
        elif t in back:  # what lies at n along the first axis points at something before n
            steps = np.arange(shape[0]).reshape(-1, *(1 for _ in shape[1:]))
            arguments[t.name] = np.floor(rng.random(shape) * steps).astype(np.int64)
        else:
            arguments[t.name] = rng.integers(0, bounds.get(t, 4), shape)
    told = {d.name for t in system.inputs for d in t.shape if hasattr(d, "name")}
    return arguments | {name: n for name, n in sizes.items() if name not in told and name not in system.composed}


def random_sizes(system: System, rng: np.random.Generator, most: int = 5) -> dict[str, int]:
    """Sizes of 2 to `most`, more where a dimension would be empty otherwise."""
    for high in range(most, 60):
        drawn = {name: int(rng.integers(2, high + 1)) for name in system.sizes}
        sizes = {name: max(n, system.least.get(name, 0)) for name, n in drawn.items()} | system.fixed
        sizes |= {name: dim_value(e, sizes) for name, e in system.composed.items() if name in sizes}
        if all(dim_value(d, sizes) > 0 for t in system.tensors for d in t.dims):
            return sizes
    raise AssertionError(f"no sizes below 60 make every dimension positive in\n{system!r}")


def _data_subscripts(system: System) -> list[tuple[Tensor, Read, int, Expr]]:
    """(tensor defined, read, axis, subscript) wherever a subscript comes from data."""
    return [
        (eq.tensor, read, axis, sub)
        for eq in system.equations
        for _, read in eq.reads()
        for axis, sub in enumerate(read.subs)
        if has_reads(sub)
    ]


def _inputs(e: Expr) -> list[Tensor]:
    return [n.tensor for n in postorder(e) if isinstance(n, Read) and n.tensor.given]


def _bounds(system: System, sizes: dict[str, int]) -> dict[Tensor, int]:
    """The least extent of the axes that each integer input is an index of."""
    found: dict[Tensor, int] = {}
    for _, read, axis, sub in _data_subscripts(system):
        for t in _inputs(sub):
            found[t] = min(found.get(t, 1 << 30), dim_value(read.tensor.dims[axis], sizes))
    return found


def _pointing_back(system: System) -> set[Tensor]:
    """Integer inputs that are indices of what is being defined: trees."""
    together = {t: number for number, part in enumerate(cycles(system)) for t in part}
    return {
        t
        for target, read, _, sub in _data_subscripts(system)
        if read.tensor in together and together.get(target) == together[read.tensor]
        for t in _inputs(sub)
    }
