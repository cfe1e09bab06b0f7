"""One helper that checks everything derived from a system: `check(system, loss, arguments)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.equations.domain import Domain
from graphc.equations.evaluate import evaluate
from graphc.equations.expr import Index, Read
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.differentiate import gradients, jvp


def split(system: System, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Arguments of inputs, and the rest: sizes."""
    names = {t.name for t in system.inputs}
    return {k: v for k, v in arguments.items() if k in names}, {k: v for k, v in arguments.items() if k not in names}


def values(system: System, outputs: Sequence[Tensor], arguments: Mapping[str, Any]) -> tuple[np.ndarray, ...]:
    arrays, sizes = split(system, arguments)
    return evaluate(system, outputs, arrays, sizes)


def moving(system: System) -> list[Tensor]:
    """The inputs that a derivative can be taken in."""
    return [t for t in system.inputs if t.kind == "real"]


def check_gradient(system: System, loss: Tensor, arguments: Mapping[str, Any], tolerance: float = 2e-6) -> None:
    """The gradient against central differences in one random direction."""
    wrt = moving(system)
    graded, d = gradients(system, loss, wrt)
    found = values(graded, [d[w] for w in wrt], arguments)
    rng = np.random.default_rng(7)
    direction = {w.name: rng.normal(size=np.shape(arguments[w.name])) for w in wrt}
    slope = sum(np.vdot(g, direction[w.name]) for g, w in zip(found, wrt, strict=True))
    np.testing.assert_allclose(slope, difference(system, loss, arguments, direction), rtol=tolerance, atol=tolerance)


def difference(system: System, loss: Tensor, arguments: Mapping[str, Any], direction: Mapping[str, Any]) -> Any:
    """The central difference of a scalar in a direction, of fourth order."""

    def at(h: float) -> Any:
        moved = {name: np.asarray(a) + h * direction[name] if name in direction else a for name, a in arguments.items()}
        return values(system, [loss], moved)[0]

    h = 1e-4
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def directional(system: System, loss: Tensor) -> tuple[System, Tensor, list[Tensor]]:
    """The scalar <gradient, v> for further inputs v, one for each input that moves."""
    wrt = moving(system)
    graded, d = gradients(system, loss, wrt)
    vs = [Tensor(f"v_{w.name}", w.dims, "input") for w in wrt]
    scalar = Tensor(graded.fresh_name("Hv"))
    terms = []
    for w, v in zip(wrt, vs, strict=True):
        indices = tuple(Index(f"q{k}") for k in range(len(w.dims)))
        terms.append(Term(Domain.box(indices, w.dims), (), Read(d[w], indices) * Read(v, indices)))
    slope = Equation(scalar, "sum", scalar.box, tuple(terms))
    return System((*graded.inputs, *vs), (*graded.equations, slope), graded.fixed), scalar, vs


def check_second_gradient(system: System, loss: Tensor, arguments: Mapping[str, Any], tolerance: float = 2e-5) -> None:
    """The gradient of <gradient, v>, against central differences again."""
    twice, scalar, vs = directional(system, loss)
    rng = np.random.default_rng(8)
    arguments = dict(arguments) | {v.name: rng.normal(size=np.shape(arguments[v.name[2:]])) for v in vs}
    check_gradient(twice, scalar, arguments, tolerance)


def check_dot_product(system: System, loss: Tensor, arguments: Mapping[str, Any]) -> None:
    """<J v, 1> = <v, J' 1>: forward and reverse mode are transposes of each other."""
    wrt = moving(system)
    graded, d = gradients(system, loss, wrt)
    vs = {w: Tensor(f"v_{w.name}", w.dims, "input") for w in wrt}
    forward, moved = jvp(system, [loss], dict(vs))
    rng = np.random.default_rng(9)
    directions = {v.name: rng.normal(size=np.shape(arguments[w.name])) for w, v in vs.items()}
    (left,) = values(forward, [moved[loss]], dict(arguments) | directions)
    found = values(graded, [d[w] for w in wrt], arguments)
    right = sum(np.vdot(g, directions[vs[w].name]) for g, w in zip(found, wrt, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-10)


def check(system: System, loss: Tensor, arguments: Mapping[str, Any]) -> None:
    """Everything derived from a system and one of its scalars, on these arguments (sizes among them)."""
    check_gradient(system, loss, arguments)
    check_dot_product(system, loss, arguments)
    check_second_gradient(system, loss, arguments)
