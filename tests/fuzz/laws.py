"""What must hold of any program, whatever it computes: each law a way in which a random program is looked at.

Values come from native code where they are many; `compare` holds that against the interpreter.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc import compiler
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Read
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.errors import GraphcError, UnsupportedError
from graphc.reference.evaluate import evaluate
from graphc.transforms.batch import batch
from graphc.transforms.differentiate import gradients, jvp
from graphc.transforms.unfold import unfold_all
from tests import oracle
from tests.codegen.guarded import call_guarded

if TYPE_CHECKING:
    from tests.fuzz.compare import Case

STEPS = (1e-4, 1e-5, 1e-6, 1e-7)


class Refused(Exception):
    """The program is refused with a message, which is right for some."""


class Difference(AssertionError):
    """Two ways to the same values disagree."""


def slope(case: Case) -> None:
    """The gradient against central differences in a random direction. A difference over an edge (of Max, of a
    condition on data) says nothing; a shorter step misses the edge."""
    if not np.isfinite(case.wanted[case.scalar]):
        return
    moving = {t.name: t.name for t in case.moving}
    direction = oracle.directions(moving, case.arguments, case.program.seed)
    wanted = sum(
        float(np.vdot(case.wanted[d], direction[t.name])) for t, d in zip(case.moving, case.derived, strict=True)
    )
    run = compiler.compile(case.system, [case.scalar])
    given = {k: v for k, v in (case.arguments | case.sizes).items() if k in run.system.by_name or k in run.system.sizes}

    def at(h: float) -> float:
        return float(run(**{k: v + h * direction[k] if k in direction else v for k, v in given.items()}))

    found = [(at(h) - at(-h)) / (2 * h) for h in STEPS]
    scale = 1 + abs(wanted) + abs(at(0.0))
    if not np.isfinite(wanted) or not any(abs(f - wanted) <= 1e-4 * scale for f in found):
        raise Difference(f"slope: the gradient gives {wanted!r}, differences of {STEPS} {found}")


def forward(case: Case) -> None:
    """Forward mode and reverse mode agree on the derivative of the loss in a random direction."""
    if not np.isfinite(case.wanted[case.scalar]):
        return
    vs = oracle.beside(case.system, case.moving, "v")
    direction = oracle.random_values(list(vs.values()), case.sizes, case.program.seed)
    moved, d = jvp(case.system, [case.scalar], vs)
    run = compiler.compile(moved, [d[case.scalar]])
    found = float(_call(run, case.arguments | direction, case.sizes))
    products = [np.asarray(g * direction[vs[t].name]) for t, g in case.gradients()]
    wanted, size = sum(float(p.sum()) for p in products), sum(float(np.abs(p).sum()) for p in products)
    if not abs(found - wanted) <= 1e-9 * (1 + size):
        raise Difference(f"forward: {found!r} in forward mode, {wanted!r} in reverse mode")


def second(case: Case) -> None:
    """The gradient of the gradient's sum of squares, compiled against interpreted."""
    total, scalar = oracle.weighed(case.graded, {d: d for d in case.derived}, "squares")
    twice, d = gradients(total, scalar, case.moving)
    asked = [scalar, *d.values()]
    wanted = evaluate(twice, asked, case.arguments, case.sizes)
    _agree("second", asked, oracle.listed(_call(compiler.compile(twice, asked), case.arguments, case.sizes)), wanted)


def unfolded(case: Case) -> None:
    """Gradient of the unfolded system = the gradient unfolded = the gradient."""
    if max(case.sizes.values(), default=0) > 5:
        return
    try:
        flat = unfold_all(case.system, case.sizes)
    except UnsupportedError:
        return  # the order is read from data
    arguments = {k: v for k, v in case.arguments.items() if k in flat.by_name}
    again, d = gradients(flat, flat.by_name[case.scalar.name], [flat.by_name[t.name] for t in case.moving])
    asked = [flat.by_name[case.scalar.name], *d.values()]
    _agree(
        "unfolded", asked, evaluate(again, asked, arguments, {}), [case.wanted[t] for t in (case.scalar, *case.derived)]
    )


def batched(case: Case) -> None:
    """Samples together = one after the other, gradients too."""
    rng = random.Random(case.program.seed)
    inputs = [t for t in case.system.inputs if rng.random() < 0.6]
    count = rng.randint(1, 3)
    together = batch(case.graded, "samples", inputs)
    data = np.random.default_rng(case.program.seed)
    names = {t.name for t in inputs}
    samples = [
        {k: data.permutation(v, axis=0) * data.choice([1, -1]) if k in names and v.ndim and v.dtype.kind == "f" else v
         for k, v in case.arguments.items()}
        for _ in range(count)
    ]  # fmt: skip
    given = {k: np.stack([s[k] for s in samples]) if k in names else v for k, v in case.arguments.items()}
    asked = [together.by_name[t.name] for t in case.outputs]
    found = oracle.listed(_call(compiler.compile(together, asked), given, case.sizes | {"samples": count}))
    for b, sample in enumerate(samples):
        wanted = evaluate(case.graded, case.outputs, sample, case.sizes)
        parts = [f[b] if len(t.dims) > len(o.dims) else f for f, t, o in zip(found, asked, case.outputs, strict=True)]
        _agree("batched", asked, parts, wanted)


def updated(case: Case) -> None:
    """Three steps down the gradient in one native call, arguments moved in place = three calls of the interpreter."""
    new: dict[Tensor, Tensor] = {}
    equations: list[Equation] = []
    for t, d in zip(case.moving, case.derived, strict=True):
        at = tuple(Index(f"q{k}") for k in range(len(t.dims)))
        new[t] = Tensor(case.graded.fresh_name(f"{t.name}_next"), t.dims)
        parts: list[Expr] = [Read(t, at), Const(-0.01) * Read(d, at)]
        box = Domain.box(at, t.dims)
        equations.append(Equation(new[t], "sum", t.box, tuple(Term(box, at, p) for p in parts)))
    trained = System(case.graded.inputs, (*case.graded.equations, *equations), case.graded.fixed)
    run = pickle.loads(pickle.dumps(compiler.compile(trained, [case.scalar], update=new)))
    given = {k: np.array(v) for k, v in case.arguments.items()}
    found = _call(run, given, case.sizes, 3)
    asked = [case.scalar, *new]

    def one_by_one(state: dict[str, Any]) -> list[Any]:
        for _ in range(3):
            loss, *moved = evaluate(trained, [case.scalar, *new.values()], state, case.sizes)
            state = state | {t.name: value for t, value in zip(new, moved, strict=True)}
        return [loss, *(state[t.name] for t in new)]

    wanted = one_by_one(case.arguments)
    try:
        _agree("updated", asked, [found, *(given[t.name] for t in new)], wanted)
    except Difference:
        moved = one_by_one({t: v * (1 + 1e-14) if v.dtype.kind == "f" else v for t, v in case.arguments.items()})
        try:
            _agree("updated", asked, moved, wanted)
        except Difference as error:
            raise Refused("too sensitive to rounding to be compared") from error
        raise


def misled(case: Case) -> None:
    """One index from data out of its axis: what the interpreter refuses is refused, with nothing outside touched.
    (Native code refuses more: elements in an order other than that of its loop.)"""
    rng = random.Random(case.program.seed)
    pointing = [a for a in case.program.arguments if a.how not in ("real", "values") and a.name in case.arguments]
    pointing = [a for a in pointing if case.arguments[a.name].size]
    if not pointing:
        return
    bad = rng.choice(pointing)
    array = case.arguments[bad.name].astype(np.int64)
    beyond = case.program.number(bad.how[6:]) if bad.how.startswith("index:") else len(array)
    array.flat[rng.randrange(array.size)] = rng.choice([beyond, beyond, beyond + 1, beyond + 7, -1, -1, 2**40])
    arguments = {**case.arguments, bad.name: array}
    try:
        wanted = evaluate(case.graded, case.outputs, arguments, case.sizes)
    except GraphcError:
        wanted = None
    run = compiler.compile(case.graded, case.outputs)
    given = {k: v for k, v in arguments.items() if k in {t.name for t in run.system.inputs}}
    more = {k: v for k, v in case.sizes.items() if k in run.system.sizes}
    try:
        found = oracle.listed(call_guarded(run, rng.choice(["before", "after"]), {**given, **more}))
    except GraphcError:
        return
    if wanted is None:
        raise Difference(f"misled: {bad.name} has an index out of range, and values come back")
    _agree("misled", case.outputs, found, wanted)


def _call(run: Any, arguments: dict[str, Any], sizes: dict[str, int], loop: int = 0) -> Any:
    given = {k: v for k, v in arguments.items() if k in {t.name for t in run.system.inputs}}
    more = {k: v for k, v in sizes.items() if k in run.system.sizes and k not in run.system.fixed}
    return run.loop(loop, **given, **more) if loop else run(**given, **more)


def _agree(law: str, asked: list[Tensor], found: Any, wanted: Any) -> None:
    from tests.fuzz.compare import same

    for t, a, b in zip(asked, found, wanted, strict=True):
        same(law, t.name, np.asarray(a, np.float64), np.asarray(b, np.float64))


LAWS: dict[str, Callable[[Case], None]] = {
    law.__name__: law for law in (slope, forward, second, unfolded, batched, updated, misled)
}
