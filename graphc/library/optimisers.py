"""Optimisers as equations: how each parameter, and what the rule remembers of it, follows from the gradient.

For a parameter W the rules define `W_next`; `update` says which argument each new value is written over, so that a
compiled step trains in place, and `f.loop(n, ...)` takes n steps in one native call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from graphc.equations.errors import ArgumentError
from graphc.language.notation import D
from graphc.language.symbols import Input, Tensor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Optimiser:
    """Equations to add to a model's; `update` for its `compile`; `memory`: each input the rule remembers something in,
    with the parameter whose shape it has (None: a scalar)."""

    equations: tuple[sp.Eq, ...]
    update: dict[Tensor, Tensor]
    memory: dict[Input, Tensor | None]

    def start(self, **weights: ArrayLike) -> dict[str, Array]:
        """The memory before the first step, zeros, for these weights by name (others may be among them)."""
        arrays = {name: np.asarray(w) for name, w in weights.items()}
        missing = sorted({p.name for p in self.memory.values() if p is not None} - arrays.keys())
        if missing:
            raise ArgumentError(
                f"start: no array for {', '.join(missing)}\n  Pass the weights by name: {missing[0]}=.."
            )
        kind = np.result_type(*(arrays[p.name] for p in self.memory.values() if p is not None), np.float32)
        return {m.name: np.zeros(arrays[p.name].shape if p is not None else (), kind) for m, p in self.memory.items()}


def sgd(loss: Any, params: Sequence[Tensor], rate: Any, momentum: Any = 0) -> Optimiser:
    """Gradient descent with (Polyak's) momentum: v' = momentum v + D(loss, W), W' = W - rate v'.

    `rate` may be a number, or a scalar input that falls in the course of training.
    """
    equations: list[sp.Eq] = []
    update: dict[Tensor, Tensor] = {}
    memory: dict[Input, Tensor | None] = {}
    for W in params:
        direction: sp.Expr = D(loss, W)
        if momentum != 0:
            v, direction = _remembered(W, "v", momentum * _input(W, "v") + direction, equations, update)
            memory[v] = W
        _next(W, W - rate * direction, equations, update)
    return Optimiser(tuple(equations), update, memory)


def adam(loss: Any, params: Sequence[Tensor], rate: Any = 0.001, betas: Any = (0.9, 0.999)) -> Optimiser:
    """Adam (Kingma and Ba 2015, algorithm 1), with eps = 1e-8: steps of about `rate` whatever the gradient's scale."""
    beta1, beta2 = (sp.Rational(str(b)) for b in betas)
    equations: list[sp.Eq] = []
    update: dict[Tensor, Tensor] = {}
    count = Input("steps")
    n = Tensor("steps_next")
    equations.append(sp.Eq(n, count + 1))
    update[count] = n
    memory: dict[Input, Tensor | None] = {count: None}
    for W in params:
        g = D(loss, W)
        m, mean = _remembered(W, "m", beta1 * _input(W, "m") + (1 - beta1) * g, equations, update)
        v, square = _remembered(W, "v", beta2 * _input(W, "v") + (1 - beta2) * g**2, equations, update)
        memory |= {m: W, v: W}
        length = sp.sqrt(square / (1 - beta2**n)) + sp.Rational("1e-8")
        _next(W, W - rate * mean / (1 - beta1**n) / length, equations, update)
    return Optimiser(tuple(equations), update, memory)


def _input(W: Tensor, what: str) -> Input:
    return Input(f"{W.name}_{what}", *W.dims)


def _next(W: Tensor, value: sp.Expr, equations: list[sp.Eq], update: dict[Tensor, Tensor]) -> Tensor:
    """W's next value."""
    new = Tensor(f"{W.name}_next", *W.dims)
    equations.append(sp.Eq(new, value))
    update[W] = new
    return new


def _remembered(
    W: Tensor, what: str, value: sp.Expr, equations: list[sp.Eq], update: dict[Tensor, Tensor]
) -> tuple[Input, Tensor]:
    """An input that remembers something of W, and its next value."""
    old = _input(W, what)
    return old, _next(old, value, equations, update)
