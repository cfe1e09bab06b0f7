"""Minibatch training: every epoch is one native call that runs through the minibatches by an index `step`.

Equations read the minibatch in `x[step, n, ...]`, where `step` is the scalar input `gc.Input("step", dtype="int64")`;
the compiled training step counts it up, as it writes the new weights over the old ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import sympy as sp

from graphc.errors import ArgumentError
from graphc.language.symbols import Input, Param, Tensor
from graphc.library.layers import whole
from graphc.library.optimisers import adam
from graphc.library.progress import chunks
from graphc.model import System

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Trained:
    """Weights by name, the last minibatch's loss, seconds to compile the training step and to run it once."""

    weights: dict[str, Array]
    loss: float
    compile_seconds: float
    step_seconds: float


def train(
    equations: Iterable[sp.Eq],
    loss: Tensor,
    epoch: Callable[[np.random.Generator], Mapping[str, Array]],
    sizes: Mapping[str, int],
    epochs: int,
    rate: float = 0.003,
    dtype: str = "float32",
    seed: int = 0,
) -> Trained:
    """Weights that make `loss` small, by Adam at a rate that falls from `rate` to nothing, with a progress bar.

    `epoch` draws the arrays of one epoch (of `dtype`, or integers), minibatches along their first axis; `sizes` tells
    those of the parameters, which are baked in.
    """
    equations, rng = list(equations), np.random.default_rng(seed)
    params = parameters(equations)
    sizes = {str(name): n for name, n in sizes.items()}
    wanted = sorted({str(s) for p in params for d in p.dims for s in d.free_symbols} - sizes.keys())
    if wanted or epochs < 1:
        raise ArgumentError(
            f"train: the size {wanted[0]} of a parameter is not given\n  Pass sizes={{'{wanted[0]}': ..}}"
            if wanted
            else f"train: {epochs} epochs train nothing\n  Pass 1 or more"
        )
    step, following = Input("step", dtype="int64"), Tensor("step_next", dtype="int64")
    now = Input("rate")
    rule = adam(loss, params, now)
    known = {str(s): sizes[str(s)] for p in params for d in p.dims for s in d.free_symbols}
    started = perf_counter()
    system = System(*equations, *rule.equations, sp.Eq(following, step + 1))
    run = system.compile(loss, update={**rule.update, step: following}, dtype=dtype, sizes=known)
    compiled = perf_counter()
    weights = initial(params, sizes, rng, dtype)
    memory, done = rule.start(**weights), 0
    for chunk in chunks(epochs, 1, "epochs"):
        data = epoch(rng)
        many = len(next(iter(data.values()), ()))
        if not many:
            raise ArgumentError(
                "train: an epoch has no minibatch\n  Draw one or more: minibatches larger than the data leave none"
            )
        falling = {"rate": rate * (1 - done / (epochs * many)), "step": np.zeros((), np.int64)}
        value = float(run.loop(many, **data, **weights, **memory, **falling))
        done += many
        chunk.show(f"loss {value:.4f}")
    return Trained(weights, value, compiled - started, (perf_counter() - compiled) / done)


def parameters(equations: Iterable[sp.Eq]) -> list[Param]:
    """The parameters that the equations read, by name."""
    return sorted(set().union(*(e.rhs.atoms(Param) for e in equations)), key=str)


def initial(
    params: Iterable[Param], sizes: Mapping[str, int], rng: np.random.Generator, dtype: str = "float64"
) -> dict[str, Array]:
    """Weights to start from: normal with variance 1/fan-in (all axes but the first are summed over), biases zero."""
    weights = {}
    for p in params:
        shape = tuple(int(sp.sympify(d).subs({s: sizes[str(s)] for s in d.free_symbols})) for d in p.dims)
        spread = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.0
        weights[p.name] = np.array(rng.normal(size=shape) * spread, dtype)
    return weights


def minibatches(arrays: Mapping[str, Array], size: int, dtype: str = "float32") -> dict[str, Array]:
    """The first axis in parts of `size`, what is left over dropped; real numbers as `dtype`."""
    size = whole("minibatches: size", size)
    parts = {name: x[: len(x) // size * size].reshape(-1, size, *x.shape[1:]) for name, x in arrays.items()}
    return {name: x.astype(dtype) if x.dtype.kind == "f" else x for name, x in parts.items()}
