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

from graphc.errors import ArgumentError
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
    """Adam (Kingma and Ba 2015, algorithm 1), with eps = 1e-8: steps of about `rate` whatever the gradient's scale.

    `rate` and `betas` may be numbers or scalar inputs; a beta of 0 remembers nothing.
    """
    beta1, beta2 = (b if isinstance(b, sp.Basic) else sp.Rational(str(b)) for b in betas)
    equations: list[sp.Eq] = []
    update: dict[Tensor, Tensor] = {}
    count = Input("steps")
    n = Tensor("steps_next")
    memory: dict[Input, Tensor | None] = {}
    if beta1 != 0 or beta2 != 0:
        equations.append(sp.Eq(n, count + 1))
        update[count] = n
        memory[count] = None
    for W in params:
        g = D(loss, W)
        means = []
        for what, beta, new in (("m", beta1, g), ("v", beta2, g**2)):
            if beta != 0:
                old, mean = _remembered(W, what, beta * _input(W, what) + (1 - beta) * new, equations, update)
                memory[old], new = W, mean / (1 - beta**n)
            means.append(new)
        _next(W, W - rate * means[0] / (sp.sqrt(means[1]) + sp.Rational("1e-8")), equations, update)
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
