"""One helper that checks everything derived from a system: `check(system)`, or `check(system, loss, arguments)`.

Each part is a law, and a function of its own: gradients against differences, forward against reverse mode, unfolded
against rolled, transformed against plain, compiled (in every way) against interpreted, other names and another order
against the first. `tests/arguments.py` makes what is not given.
"""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pytest

import graphc as gc
from graphc.compiler import TRANSFORMS, compile
from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, substitute
from graphc.equations.printing import show
from graphc.equations.sizes import dim_value, solve_sizes
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.errors import UnsupportedError
from graphc.reference.evaluate import evaluate
from graphc.schedule.build import schedule
from graphc.schedule.verify import verify, verify_small
from graphc.transforms import PASSES, optimise
from graphc.transforms.differentiate import gradients, jvp
from graphc.transforms.unfold import cycles, unfold_all
from tests.arguments import random_arguments

Arguments = Mapping[str, Any]
# Which transforms to leave out, and to run alone, one by one: dozens of compilations of each system. Without any it is
# neither compiled as written out nor pickled, either.
WAYS = [pytest.param((), id="together"), pytest.param(TRANSFORMS, id="one by one", marks=pytest.mark.nightly)]
SAME = {"rtol": 1e-10, "atol": 1e-10, "equal_nan": True}


def check(
    system: gc.System | System,
    loss: Any = None,
    arguments: Arguments | None = None,
    *,
    second: bool = True,
    transforms: Collection[str] = TRANSFORMS,
    seed: int = 0,
) -> None:
    """Everything derived from a system and one of its scalars, on these arguments (sizes among them).

    Without a loss: a sum of squares of all it defines. Without arguments: random ones, of random sizes. `transforms`:
    those left out, and run alone, when it is compiled."""
    if isinstance(system, gc.System):
        assert same_pickled(system), "a pickled system prints otherwise"
        declared = [t for t in system.ir.tensors if t in set(system._tensors.values())]
        system, loss = with_loss(system.ir, declared) if loss is None else (system.ir, system.tensor(loss))
    elif loss is None:
        system, loss = with_loss(system, system.tensors)
    if arguments is None:
        arguments = random_arguments(system, seed)
    check_gradient(system, loss, arguments)
    check_forward_mode(system, loss, arguments)
    if second:
        check_second_gradient(system, loss, arguments)
    check_unfolded(system, loss, arguments)
    check_transforms(system, loss, arguments)
    check_renamed(system, loss, arguments)
    check_programs(system, loss, arguments)
    check_compiled(system, loss, arguments, transforms)


def same_pickled(system: gc.System) -> bool:
    """Whether a system comes back from its pickle: it prints the same, and its sets (written otherwise) are equal."""
    again = pickle.loads(pickle.dumps(system))

    def shape(eq: Equation) -> Any:
        terms = [([i.name for i in tm.domain.indices], [*map(show, tm.write)], show(tm.value)) for tm in eq.terms]
        return repr(eq.tensor), eq.reduce, terms

    def sets(eq: Equation) -> list[Any]:
        return [eq.defined, *(tm.domain.set for tm in eq.terms)]

    pairs = list(zip(again.ir.equations, system.ir.equations, strict=True))
    return (
        str(again) == str(system)
        and all(shape(a) == shape(b) for a, b in pairs)
        and all(p.is_equal(q) for a, b in pairs for p, q in zip(sets(a), sets(b), strict=True))
    )


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


class Interpreted:
    """A system with its gradients, and their values: computed once for all laws that compare with them."""

    last: Interpreted | None = None

    def __init__(self, *case: Any) -> None:
        self.case, (system, loss, self.arguments) = case, case
        self.system, self.outputs = graded(system, loss)

    @cached_property
    def values(self) -> tuple[np.ndarray, ...]:
        return values(self.system, self.outputs, self.arguments)

    @cached_property
    def compiled(self) -> Any:
        return compile(self.system, self.outputs)


def interpreted(*case: Any) -> Interpreted:
    """Of this system, loss and arguments: what the law before has computed, if it was about the same."""
    found = Interpreted.last
    if found is None or any(a is not b for a, b in zip(found.case, case, strict=True)):
        found = Interpreted.last = Interpreted(*case)
    return found


def with_loss(system: System, tensors: Collection[Tensor]) -> tuple[System, Tensor]:
    """The system with one more scalar: the sum of squares of the real ones of these tensors that it defines."""
    return weighed(system, {t: t for t in whole(system) if t in tensors}, "all_squares")


def whole(system: System) -> list[Tensor]:
    """The real tensors whose declared elements are all defined."""
    inside = system.context
    return [
        eq.tensor
        for eq in system.equations
        if eq.tensor.kind == "real" and eq.tensor.box.intersect_params(inside).is_subset(eq.defined)
    ]


def weighed(system: System, pairs: Mapping[Tensor, Tensor], name: str) -> tuple[System, Tensor]:
    """The system with one more scalar: the sum of <a, b> over pairs of tensors of equal dimensions."""
    terms = []
    for a, b in pairs.items():
        at = tuple(Index(f"q{k}") for k in range(len(a.dims)))
        terms.append(Term(Domain.box(at, a.dims), (), Read(a, at) * Read(b, at)))
    scalar = Tensor(system.fresh_name(name))
    known = {*system.inputs, *(eq.tensor for eq in system.equations)}
    new = tuple(b for b in pairs.values() if b not in known)
    total = Equation(scalar, "sum", scalar.box, tuple(terms))
    return replace(system, inputs=(*system.inputs, *new), equations=(*system.equations, total)), scalar


def sizes_of(system: System, arguments: Arguments) -> dict[str, int]:
    arrays, given = split(system, arguments)
    return solve_sizes(system, {name: np.shape(a) for name, a in arrays.items()}, given)


def beside(system: System, tensors: Sequence[Tensor], prefix: str) -> dict[Tensor, Tensor]:
    """For each tensor a new input of its dimensions."""
    return {t: Tensor(system.fresh_name(f"{prefix}_{t.name}"), t.dims, "input", joined=t.joined) for t in tensors}


def random_values(tensors: Sequence[Tensor], sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {t.name: rng.normal(size=tuple(dim_value(d, sizes) for d in t.shape)) for t in tensors}


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
    vs = beside(found, moving(system), "v")
    twice, scalar = weighed(found, dict(zip(d, vs.values(), strict=True)), "Hv")
    more = random_values(list(vs.values()), sizes_of(system, arguments), seed=8)
    check_gradient(twice, scalar, dict(arguments) | more, tolerance)


def check_forward_mode(system: System, loss: Tensor, arguments: Arguments) -> None:
    """<J v, w> = <v, J' w> for all outputs together, w random: forward and reverse mode are transposes."""
    outputs, sizes = whole(system), sizes_of(system, arguments)
    assert loss in outputs
    ws = beside(system, outputs, "w")
    more = random_values(list(ws.values()), sizes, seed=10)
    found, d = gradients(*weighed(system, ws, "Jw"), moving(system))
    vs = beside(system, moving(system), "v")
    direction = random_values(list(vs.values()), sizes, seed=9)
    forward, moved = jvp(system, outputs, vs)
    left = values(forward, [moved[t] for t in outputs], dict(arguments) | direction)
    right = values(found, [d[x] for x in vs], dict(arguments) | more)
    lhs = sum(np.vdot(a, more[ws[t].name]) for a, t in zip(left, outputs, strict=True))
    rhs = sum(np.vdot(g, direction[v.name]) for g, v in zip(right, vs.values(), strict=True))
    same([np.asarray(lhs)], [np.asarray(rhs)], rtol=1e-9)


def check_unfolded(system: System, loss: Tensor, arguments: Arguments) -> None:
    """The gradient unfolded = the unfolded system's gradient = the rolled one, and nothing recurs."""
    arrays, sizes = split(system, arguments)[0], sizes_of(system, arguments)
    known = interpreted(system, loss, arguments)
    rolled, outputs, wanted = known.system, known.outputs, known.values
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
    known = interpreted(system, loss, arguments)
    found, outputs, wanted, asked = known.system, known.outputs, known.values, frozenset(known.outputs)
    for _, apply in PASSES:
        moved = apply(found, asked)
        if moved.equations != found.equations:
            same(values(moved, outputs, arguments), wanted)
    same(values(optimise(found, asked), outputs, arguments), wanted)


def check_renamed(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Other bound indices and another order of the equations change nothing."""

    def renamed(term: Term) -> Term:
        new: dict[Expr, Expr] = {i: Index(f"z{k}") for k, i in enumerate(term.domain.indices)}
        domain = term.domain.rename(new)
        return Term(domain, tuple(substitute(w, new) for w in term.write), substitute(term.value, new))

    equations = [Equation(eq.tensor, eq.reduce, eq.defined, tuple(map(renamed, eq.terms))) for eq in system.equations]
    other = system.with_equations(reversed(equations))
    again, others = graded(other, loss)
    same(values(again, others, arguments), interpreted(system, loss, arguments).values)


def check_programs(system: System, loss: Tensor, arguments: Arguments) -> None:
    """Walked point by point, the programs of a system and its gradients keep every order and stay in every buffer."""
    arrays, sizes = split(system, arguments)[0], sizes_of(system, arguments)
    data = {t.name: arrays[t.name] for t in system.inputs if t.kind == "int"}
    known = interpreted(system, loss, arguments)
    for program in (schedule(known.system, known.outputs, {}), known.compiled.program):
        assert verify(program, sizes, data)
        if not data:
            verify_small(program)


def check_compiled(system: System, loss: Tensor, arguments: Arguments, transforms: Collection[str] = ()) -> None:
    """Native code gives what the interpreter gives, however it is compiled, and the same bits whenever it is called."""
    known = interpreted(system, loss, arguments)
    found, outputs, wanted, run = known.system, known.outputs, known.values, known.compiled
    arrays, sizes = split(system, arguments)[0], sizes_of(system, arguments)
    first = listed(run(**arguments))
    same(first, wanted, rtol=1e-9, atol=1e-9)
    for again in (run, *([pickle.loads(pickle.dumps(run))] if transforms else [])):
        for a, b in zip(first, listed(again(**arguments)), strict=True):
            assert np.array_equal(a, b, equal_nan=True)
    for options in other_ways(sizes, transforms):
        try:
            other = compile(found, outputs, **options)
        except UnsupportedError:
            assert options.get("unfold"), options  # the order is read from data
            continue
        same(listed(other(**(arrays if "sizes" in options else arguments))), wanted, rtol=1e-9, atol=1e-9)
    single = compile(found, outputs, dtype="float32")
    halves = {k: np.asarray(a, np.float32) if np.asarray(a).dtype.kind == "f" else a for k, a in arguments.items()}
    for a, b in zip(listed(single(**halves)), wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3 * (1 + np.nanmax(np.abs(b), initial=0)))


def other_ways(sizes: Mapping[str, int], transforms: Collection[str]) -> Iterator[dict[str, Any]]:
    """How else the same function can be compiled: sizes baked in; with transforms to be tried also written out, and for
    each without it and with it alone."""
    yield {"sizes": sizes}
    if transforms:
        yield {"sizes": sizes, "unfold": True}
    for name in transforms:
        yield {"passes": [name]}
        yield {"passes": [other for other in TRANSFORMS if other != name]}


def listed(found: Any) -> list[np.ndarray]:
    return list(found) if isinstance(found, tuple) else [found]
