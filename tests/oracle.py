"""One helper that checks everything derived from a system: `check(system, loss, arguments)`.

Each part is a law, and a function of its own: gradients against differences, forward against reverse mode, unfolded
against rolled, transformed against plain, compiled against interpreted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from graphc.equations.domain import Domain
from graphc.equations.errors import UnsupportedError
from graphc.equations.evaluate import evaluate
from graphc.equations.expr import Expr, Index, Read, substitute
from graphc.equations.sizes import solve_sizes
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms import PASSES, optimise
from graphc.transforms.differentiate import gradients, jvp
from graphc.transforms.unfold import cycles, unfold_all

Arguments = Mapping[str, Any]
SAME = {"rtol": 1e-10, "atol": 1e-10, "equal_nan": True}


def check(system: System, loss: Tensor, arguments: Arguments, second: bool = True) -> None:
    """Everything derived from a system and one of its scalars, on these arguments (sizes among them)."""
    check_gradient(system, loss, arguments)
    check_forward_mode(system, loss, arguments)
    if second:
        check_second_gradient(system, loss, arguments)
    check_unfolded(system, loss, arguments)
    check_transforms(system, loss, arguments)
    check_renamed(system, loss, arguments)
    check_programs(system, loss, arguments)
    check_compiled(system, loss, arguments)


# -- pieces -----------------------------------------------------------------------------------------------------------


def split(system: System, arguments: Arguments) -> tuple[dict[str, Any], dict[str, int]]:
    """Arguments of inputs, and the rest: sizes."""
    names = {t.name for t in system.inputs}
    return {k: v for k, v in arguments.items() if k in names}, {k: v for k, v in arguments.items() if k not in names}


def values(system: System, outputs: Sequence[Tensor], arguments: Arguments) -> tuple[np.ndarray, ...]:
    arrays, sizes = split(system, arguments)
    return evaluate(system, outputs, arrays, sizes)


def moving(system: System) -> list[Tensor]:
    """The inputs that a derivative can be taken in."""
    return [t for t in system.inputs if t.kind == "real"]


def graded(system: System, loss: Tensor) -> tuple[System, list[Tensor]]:
    """The system with its gradients, and the loss and all of them."""
    found, d = gradients(system, loss, moving(system))
    return found, [loss, *(d[w] for w in moving(system))]


def directions(tensors: Mapping[str, str], arguments: Arguments, seed: int) -> dict[str, np.ndarray]:
    """A random array by name, of the shape of the argument that each name maps to."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=np.shape(arguments[like])) for name, like in tensors.items()}


def same(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], **tolerance: Any) -> None:
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, **(SAME | tolerance))


# -- laws -------------------------------------------------------------------------------------------------------------


def check_gradient(system: System, loss: Tensor, arguments: Arguments, tolerance: float = 2e-6) -> None:
    """The gradient against central differences in one random direction."""
    found, (_, *d) = graded(system, loss)
    direction = directions({w.name: w.name for w in moving(system)}, arguments, seed=7)
    slope = sum(np.vdot(g, v) for g, v in zip(values(found, d, arguments), direction.values(), strict=True))
    np.testing.assert_allclose(slope, difference(system, loss, arguments, direction), rtol=tolerance, atol=tolerance)


def difference(system: System, loss: Tensor, arguments: Arguments, direction: Mapping[str, Any]) -> Any:
    """The central difference of a scalar in a direction, of fourth order."""

    def at(h: float) -> Any:
        moved = {name: np.asarray(a) + h * direction[name] if name in direction else a for name, a in arguments.items()}
        return values(system, [loss], moved)[0]

    h = 1e-4
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def check_second_gradient(system: System, loss: Tensor, arguments: Arguments, tolerance: float = 2e-5) -> None:
    """The gradient of <gradient, v>, against central differences again."""
    found, (_, *d) = graded(system, loss)
    vs = [Tensor(f"v_{w.name}", w.dims, "input") for w in moving(system)]
    scalar = Tensor(found.fresh_name("Hv"))
    terms = []
    for g, v in zip(d, vs, strict=True):
        indices = tuple(Index(f"q{k}") for k in range(len(v.dims)))
        terms.append(Term(Domain.box(indices, v.dims), (), Read(g, indices) * Read(v, indices)))
    slope = Equation(scalar, "sum", scalar.box, tuple(terms))
    twice = System((*found.inputs, *vs), (*found.equations, slope), found.fixed)
    more = directions({v.name: v.name[2:] for v in vs}, arguments, seed=8)
    check_gradient(twice, scalar, dict(arguments) | more, tolerance)


def check_forward_mode(system: System, loss: Tensor, arguments: Arguments) -> None:
    """<J v, 1> = <v, J' 1>: forward and reverse mode are transposes of each other."""
    found, (_, *d) = graded(system, loss)
    vs = {w: Tensor(f"v_{w.name}", w.dims, "input") for w in moving(system)}
    forward, moved = jvp(system, [loss], dict(vs))
    direction = directions({v.name: w.name for w, v in vs.items()}, arguments, seed=9)
    left = values(forward, [moved[loss]], dict(arguments) | direction)
    right = sum(np.vdot(g, v) for g, v in zip(values(found, d, arguments), direction.values(), strict=True))
    same(left, [np.asarray(right)])


def check_unfolded(system: System, loss: Tensor, arguments: Arguments) -> None:
    """The gradient unfolded = the unfolded system's gradient = the rolled one, and nothing recurs."""
    arrays, given = split(system, arguments)
    sizes = solve_sizes(system, {name: np.shape(a) for name, a in arrays.items()}, given)
    rolled, outputs = graded(system, loss)
    wanted = values(rolled, outputs, arguments)
    try:
        flat = unfold_all(system, sizes)
    except UnsupportedError:
        return  # the order is read from data
    unfolded = unfold_all(rolled, sizes)
    assert not cycles(flat) and not cycles(unfolded)
    same(values(unfolded, [unfolded.by_name[t.name] for t in outputs], arrays), wanted)
    again, outputs = graded(flat, flat.by_name[loss.name])
    same(values(again, outputs, arrays), wanted)


def check_transforms(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Each transform alone, and all in order, leave the values as they are."""
    found, outputs = graded(system, loss)
    wanted, asked = values(found, outputs, arguments), frozenset(outputs)
    for _, apply in PASSES:
        same(values(apply(found, asked), outputs, arguments), wanted)
    same(values(optimise(found, asked), outputs, arguments), wanted)


def check_renamed(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Other bound indices and another order of the equations change nothing."""

    def renamed(term: Term) -> Term:
        new: dict[Expr, Expr] = {i: Index(f"z{k}") for k, i in enumerate(term.domain.indices)}
        domain = term.domain.rename(new)
        return Term(domain, tuple(substitute(w, new) for w in term.write), substitute(term.value, new))

    equations = [Equation(eq.tensor, eq.reduce, eq.defined, tuple(map(renamed, eq.terms))) for eq in system.equations]
    other = system.with_equations(reversed(equations))
    found, outputs = graded(system, loss)
    again, others = graded(other, loss)
    same(values(again, others, arguments), values(found, outputs, arguments))


def check_programs(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Walked point by point, the programs of a system and its gradients keep every order and stay in every buffer."""
    from graphc.schedule.build import schedule
    from graphc.schedule.verify import verify, verify_small

    arrays, given = split(system, arguments)
    sizes = solve_sizes(system, {name: np.shape(a) for name, a in arrays.items()}, given)
    data = {t.name: arrays[t.name] for t in system.inputs if t.kind == "int"}
    found, outputs = graded(system, loss)
    for ir in (found, optimise(found, frozenset(outputs))):
        program = schedule(ir, outputs, {})
        assert verify(program, sizes, data)
        if not data:
            verify_small(program)


def check_compiled(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Native code gives what the interpreter gives, twice the same bits, in both precisions, with sizes baked in."""
    from graphc.compiler import compile

    found, outputs = graded(system, loss)
    wanted = values(found, outputs, arguments)
    arrays, given = split(system, arguments)
    sizes = solve_sizes(system, {name: np.shape(a) for name, a in arrays.items()}, given)
    run = compile(found, outputs)
    first = listed(run(**arguments))
    same(first, wanted, rtol=1e-9, atol=1e-9)
    for a, b in zip(first, listed(run(**arguments)), strict=True):
        assert np.array_equal(a, b, equal_nan=True)
    same(listed(compile(found, outputs, sizes=sizes)(**arrays)), wanted, rtol=1e-9, atol=1e-9)
    single = compile(found, outputs, dtype="float32")
    halves = {k: np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a for k, a in arguments.items()}
    for a, b in zip(listed(single(**halves)), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3 * (1 + np.max(np.abs(b), initial=0)))


def listed(found: Any) -> list[np.ndarray]:
    return list(found) if isinstance(found, tuple) else [found]
