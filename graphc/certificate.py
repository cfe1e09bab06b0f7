"""A certificate for a user's own system: what is derived from it is checked on the user's own data.

    print(gc.verify(rnn, "L", x=x, target=target, W=W, ...))

compares native code with the interpreter, the gradient with differences in a random direction, and forward with
reverse mode (they are transposes: <J v, 1> = <v, J' 1>).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.equations.system import System, Tensor, dependencies
from graphc.errors import ArgumentError
from graphc.reference.evaluate import evaluate
from graphc.transforms.build import Names
from graphc.transforms.differentiate import gradients, jvp

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Check:
    """One law: the largest relative error found, and the most that is allowed."""

    law: str
    error: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.error <= self.allowed


@dataclass(frozen=True)
class Certificate:
    """All checks; true if every one holds; prints as a table."""

    checks: tuple[Check, ...]

    def __bool__(self) -> bool:
        return all(c.holds for c in self.checks)

    def __str__(self) -> str:
        width = max(len(c.law) for c in self.checks)
        head = f"{'law':<{width}}   error     allowed"
        rows = [
            f"{c.law:<{width}}   {c.error:<9.1e} {c.allowed:<9.1e} {'' if c.holds else 'FAILS'}" for c in self.checks
        ]
        return "\n".join([head, *(row.rstrip() for row in rows)])


def verify(
    system: Any, loss: Any, sizes: Mapping[str, int] | None = None, seed: int = 0, /, **arguments: Any
) -> Certificate:
    """Check everything derived from the scalar `loss` of a `gc.System`, on these arguments.

    Raises ArgumentError where `loss` depends on no real argument."""
    ir, scalar = system.ir, system.tensor(loss)
    given, more = _split(ir, arguments)
    work = _Work(ir, scalar, given, {**{k: int(v) for k, v in (sizes or {}).items()}, **more}, seed)
    checks = [work.compiled("value", ir, [scalar], 1e-10)]
    graded, found = gradients(ir, scalar, work.wrt)
    outputs = [found[w] for w in work.wrt]
    for w, g in zip(work.wrt, outputs, strict=True):
        checks.append(work.compiled(f"d{scalar.name}/d{w.name}", graded, [g], 1e-8))
    slope = work.slope(evaluate(graded, outputs, given, work.sizes))
    checks.append(Check("gradient = difference", _error(slope, work.difference()), 1e-6))
    checks.append(Check("reverse = forward mode", _error(slope, work.forward()), 1e-9))
    return Certificate(tuple(checks))


def _split(ir: System, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    names = {t.name for t in ir.inputs}
    return {k: v for k, v in arguments.items() if k in names}, {k: v for k, v in arguments.items() if k not in names}


def _error(found: Any, wanted: Any) -> float:
    """The largest difference relative to the largest value; NaN and infinities must stand in the same places."""
    a, b = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(np.where(finite, 0, a), np.where(finite, 0, b), equal_nan=True):
        return float("inf")
    scale = max(float(np.max(np.abs(b[finite]), initial=0)), 1.0)
    return float(np.max(np.abs(a - b)[finite], initial=0)) / scale


class _Work:
    """The system, the arguments, and a random direction in which they move."""

    def __init__(self, ir: System, loss: Tensor, given: dict[str, Any], sizes: dict[str, int], seed: int) -> None:
        needed = dependencies(ir, [loss])
        self.ir, self.loss, self.given, self.sizes = ir, loss, given, sizes
        self.wrt = [t for t in ir.inputs if t.kind == "real" and t in needed]
        missing = [t.name for t in ir.inputs if t in needed and t.name not in given]
        if missing or not self.wrt:
            if missing:
                raise ArgumentError(f"verify: missing argument {missing[0]}\n  Pass {missing[0]}=..")
            raise ArgumentError(f"verify: {loss.name} depends on no real argument\n  Give a loss with a gradient")
        rng = np.random.default_rng(seed)
        self.direction = {t: rng.normal(size=np.shape(given[t.name])) for t in self.wrt}

    def compiled(self, law: str, system: System, outputs: Sequence[Tensor], allowed: float) -> Check:
        """Native code against the interpreter."""
        from graphc.compiler import compile

        wanted = evaluate(system, outputs, self.given, self.sizes)
        # All of them: what no value is read of may still tell a size.
        arguments = {t.name: self.given[t.name] for t in system.inputs if t.name in self.given}
        run = compile(system, outputs)
        free = {name: v for name, v in self.sizes.items() if name in run.program.system.sizes}
        found = run(**arguments, **free)
        return Check(f"{law}: compiled = interpreted", _error(found, wanted[0]), allowed)

    def slope(self, gradient: Sequence[Array]) -> float:
        return float(sum(np.vdot(g, self.direction[w]) for g, w in zip(gradient, self.wrt, strict=True)))

    def difference(self) -> float:
        """The central difference of fourth order in the direction."""

        def at(h: float) -> float:
            moved = {w.name: np.asarray(self.given[w.name], np.float64) + h * v for w, v in self.direction.items()}
            return float(evaluate(self.ir, [self.loss], {**self.given, **moved}, self.sizes)[0])

        h = 1e-4
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    def forward(self) -> float:
        """The derivative in the direction by forward mode."""
        names = Names(self.ir)
        moves = {w: Tensor(names.fresh(f"{w.name}_direction"), w.dims, "input", joined=w.joined) for w in self.wrt}
        system, moved = jvp(self.ir, [self.loss], moves)
        arguments = {**self.given, **{moves[w].name: v for w, v in self.direction.items()}}
        return float(evaluate(system, [moved[self.loss]], arguments, self.sizes)[0])
