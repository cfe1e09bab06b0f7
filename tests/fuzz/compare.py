"""One random program: native code in every variant against the interpreter."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc import compiler
from graphc.equations.system import System, Tensor
from graphc.errors import DomainError, GraphcError, UnsupportedError
from graphc.reference.evaluate import evaluate
from graphc.runtime.function import Function
from graphc.schedule.verify import verify
from graphc.transforms.differentiate import gradients
from tests.codegen.guarded import call_guarded
from tests.fuzz.laws import LAWS, Difference, Refused
from tests.fuzz.programs import Program
from tests.oracle import listed

VARIANTS = ("plain", "passes", "sizes", "float32", "loss", "one", "unfold")
LARGE = 1e15  # values whose squares single precision does not hold


def drawn(program: Program) -> tuple[str, ...]:
    """One of the variants, another one for each program: many programs find more than many variants of few."""
    if program.special:
        return ("plain",)
    ways = VARIANTS if program.integer else (*VARIANTS, *VARIANTS, *LAWS)
    return (random.Random(program.seed).choice(ways),)


@dataclass(frozen=True)
class Case:
    """A program ready to be compared: what is asked of it, on which arguments, and what the interpreter says."""

    system: System
    graded: System
    scalar: Tensor
    moving: list[Tensor]
    derived: list[Tensor]
    outputs: list[Tensor]
    arguments: dict[str, Any]
    sizes: dict[str, int]
    wanted: dict[Tensor, Any]
    program: Program

    def gradients(self) -> list[tuple[Tensor, Any]]:
        """The inputs that move, each with the loss's gradient."""
        return [(t, self.wanted[d]) for t, d in zip(self.moving, self.derived, strict=True)]

    def largest(self) -> float:
        """The largest absolute value that is finite in double precision."""
        found = [np.abs(np.asarray(v, np.float64)) for v in self.wanted.values()]
        return max((float(np.max(v[np.isfinite(v)], initial=0)) for v in found), default=0)


def check(program: Program, variants: Sequence[str] = VARIANTS) -> None:
    """Raises Refused, Difference, or whatever goes wrong."""
    case = prepare(program)
    for variant in variants:
        try:
            if variant in LAWS:
                LAWS[variant](case)
            elif (compiled := _compile(case, variant)) is not None:
                _compare(case, variant, *compiled)
        except DomainError as error:
            if 0 in case.sizes.values():  # a program may read an element that is there only if there are any
                raise Refused(str(error)) from error
            raise
        except Difference as error:
            if _chaotic(case):
                raise Refused("too sensitive to rounding to be compared") from error
            raise


def prepare(program: Program) -> Case:
    """The program with its gradients, interpreted."""
    try:
        with np.errstate(all="ignore"):
            system = program.system().ir
            scalar = system.by_name["L"]
            moving = [t for t in system.inputs if t.kind == "real"]
            graded, d = (system, {}) if program.integer else gradients(system, scalar, moving)
            declared = [eq.tensor for eq in system.equations if eq.tensor.name in program.defined]
            outputs = [scalar, *declared, *d.values()]
            arguments = {k: v for k, v in program.values().items() if k in system.by_name}
            sizes = {k: v for k, v in program.sizes.items() if k in graded.sizes}
            wanted = dict(zip(outputs, evaluate(graded, outputs, arguments, sizes), strict=True))
    except GraphcError as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    return Case(system, graded, scalar, moving, list(d.values()), outputs, arguments, sizes, wanted, program)


def _chaotic(case: Case) -> bool:
    """Whether arguments moved by a few units in the last place move some value a thousand times further; or values
    overflow."""
    rng = np.random.default_rng(0)
    moved = {
        k: v * (1 + 1e-15 * rng.normal(size=v.shape)) if v.dtype.kind == "f" else v for k, v in case.arguments.items()
    }
    with np.errstate(all="ignore"):
        found = evaluate(case.graded, case.outputs, moved, case.sizes)
    for t, a in zip(case.outputs, found, strict=True):
        wanted = np.asarray(case.wanted[t], np.float64)
        finite = np.isfinite(wanted) & np.isfinite(a)
        if (
            np.max(np.abs(wanted), initial=0, where=~np.isnan(wanted)) > 1e200
        ):  # what is multiplied first decides between inf and NaN
            return True
        scale = 1 + np.max(np.abs(wanted[finite]), initial=0)
        if np.max(np.abs(a - wanted)[finite], initial=0) > 1e-11 * scale:
            return True
    return False


def _compile(case: Case, variant: str) -> tuple[Function, list[Tensor]] | None:
    """The function of a variant and what it gives; None where the variant does not fit the program."""
    dtype = "int64" if case.program.integer else "float64"
    asked = case.outputs
    match variant:
        case "plain":
            return compiler.compile(case.graded, asked, dtype=dtype, passes=()), asked
        case "sizes":
            return compiler.compile(case.graded, asked, sizes=case.sizes, dtype=dtype), asked
        case "loss":
            asked = [case.scalar, *case.derived]
        case "one":
            asked = [case.outputs[case.program.seed % len(case.outputs)]]
        case "float32" if case.program.integer or case.largest() > LARGE:
            return None
        case "float32":
            dtype = "float32"
        case "unfold" if max(case.sizes.values(), default=0) > 5:
            return None
        case "unfold":
            try:
                return compiler.compile(case.graded, asked, sizes=case.sizes, unfold=True, dtype=dtype), asked
            except UnsupportedError:
                return None
    return compiler.compile(case.graded, asked, dtype=dtype), asked


def _compare(case: Case, variant: str, run: Function, asked: list[Tensor]) -> None:
    given = {k: v for k, v in case.arguments.items() if k in {t.name for t in run.system.inputs}}
    if variant == "float32":
        given = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in given.items()}
    extra = {k: v for k, v in case.sizes.items() if k in run.system.sizes and k not in run.system.fixed}
    found, again = listed(run(**given, **extra)), listed(_again(run, case.program.seed, {**given, **extra}))
    verify(run.program, case.sizes, {k: v for k, v in given.items() if v.dtype.kind == "i"}, most=5_000)
    for t, a, b in zip(asked, found, again, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            raise Difference(f"{variant}: {t.name} differs from call to call")
        same(variant, t.name, np.asarray(a, np.float64), np.asarray(case.wanted[t], np.float64))


def _again(run: Function, seed: int, arguments: dict[str, Any]) -> Any:
    """A second call, with everything beside pages that may not be touched where the system can forbid that."""
    if sys.platform != "linux":
        return run(**arguments)
    return call_guarded(run, ("before", "after")[seed % 2], arguments)


def same(variant: str, name: str, found: Any, wanted: Any) -> None:
    """Equal up to rounding; in single precision few elements may stand on the other side of a condition."""
    tolerance, few = (3e-3, 0.02) if variant == "float32" else (1e-8, 0)
    if found.shape != wanted.shape:
        raise Difference(f"{variant}: {name} has shape {found.shape}, not {wanted.shape}")
    scale = 1 + np.max(np.abs(wanted[np.isfinite(wanted)]), initial=0)
    with np.errstate(all="ignore"):
        bad = ~np.isclose(found, wanted, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
    if bad.any() and bad.mean() > few:
        where = tuple(int(x) for x in np.argwhere(bad)[0])
        count = f"{int(bad.sum())} of {bad.size} elements"
        raise Difference(f"{variant}: {name}{list(where)} = {found[where]!r}, not {wanted[where]!r} ({count})")
