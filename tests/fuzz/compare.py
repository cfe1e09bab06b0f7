"""One random program: native code in every variant against the interpreter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from graphc import compiler
from graphc.equations.errors import DomainError, GraphcError, UnsupportedError
from graphc.equations.evaluate import evaluate
from graphc.equations.system import System, Tensor
from graphc.schedule.verify import verify
from graphc.transforms.differentiate import gradients
from tests.fuzz.programs import Program

VARIANTS = ("plain", "passes", "sizes", "float32", "loss", "second", "unfold")


class Refused(Exception):
    """The program is refused with a message, which is right for some."""


class Difference(AssertionError):
    """Native code and the interpreter disagree."""


@contextmanager
def without_passes() -> Iterator[None]:
    before = compiler.PASSES
    compiler.PASSES = ()
    try:
        yield
    finally:
        compiler.PASSES = before


def check(program: Program, variants: Sequence[str] = VARIANTS) -> None:
    """Raises Refused, Difference, or whatever goes wrong."""
    arguments = program.values()
    try:
        with np.errstate(all="ignore"):
            system = program.system().ir
            scalar = system.by_name["L"]
            moving = [t for t in system.inputs if t.kind == "real"]
            graded, d = (system, {}) if program.integer else gradients(system, scalar, moving)
            declared = [eq.tensor for eq in system.equations if eq.tensor.name in program.defined]
            outputs = [scalar, *declared, *d.values()]
            arguments = {k: v for k, v in arguments.items() if k in system.by_name}
            sizes = {k: v for k, v in program.sizes.items() if k in graded.sizes}
            wanted = dict(zip(outputs, evaluate(graded, outputs, arguments, sizes, exact=False), strict=True))
    except GraphcError as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    for variant in variants:
        _one(variant, graded, scalar, list(d.values()), outputs, arguments, sizes, wanted, program)


def _one(
    variant: str,
    graded: System,
    scalar: Tensor,
    derived: list[Tensor],
    outputs: list[Tensor],
    arguments: dict[str, Any],
    sizes: dict[str, int],
    wanted: dict[Tensor, Any],
    program: Program,
) -> None:
    dtype = "int64" if program.integer and variant != "float32" else "float64"
    given = {k: np.asarray(v, np.int64 if np.asarray(v).dtype.kind in "iu" and not program.integer else None) for k, v in arguments.items()}
    if program.integer and dtype == "float64":
        given = {k: v.astype(np.float64) if graded.by_name[k].kind == "real" else v for k, v in given.items()}
    asked, options, tolerance = outputs, {}, 1e-8
    match variant:
        case "plain":
            with without_passes():
                run = compiler.compile(graded, outputs, dtype=dtype)
        case "passes":
            run = compiler.compile(graded, outputs, dtype=dtype)
        case "sizes":
            run = compiler.compile(graded, outputs, sizes=sizes, dtype=dtype)
        case "loss":
            asked = [scalar, *derived]
            run = compiler.compile(graded, asked, dtype=dtype)
        case "second":
            asked = [outputs[program.seed % len(outputs)]]
            run = compiler.compile(graded, asked, dtype=dtype)
        case "float32":
            if program.integer:
                return
            given = {k: v.astype(np.float32) if v.dtype.kind == "f" else v for k, v in given.items()}
            tolerance = 3e-3
            run = compiler.compile(graded, outputs, dtype="float32")
        case "unfold":
            if max(sizes.values(), default=0) > 5:
                return
            try:
                run = compiler.compile(graded, outputs, sizes=sizes, unfold=True, dtype=dtype)
            except UnsupportedError:
                return
    verify(run.program, sizes, {k: v for k, v in given.items() if v.dtype.kind == "i"}, most=20_000)
    needed = {k: v for k, v in given.items() if k in run._needed or k in {t.name for t in run.system.inputs}}
    extra = {k: v for k, v in sizes.items() if k in run.system.sizes and k not in run.system.fixed}
    try:
        found = run(**needed, **extra)
    except DomainError as error:
        if 0 in sizes.values():  # a program may read an element that is there only if there are any
            raise Refused(str(error)) from error
        raise
    found = found if isinstance(found, tuple) else (found,)
    again = run(**needed, **extra)
    again = again if isinstance(again, tuple) else (again,)
    for t, a, b in zip(asked, found, again, strict=True):
        if not np.array_equal(a, b, equal_nan=True):
            raise Difference(f"{variant}: {t.name} differs from call to call")
        want = np.asarray(wanted[t], np.float64)
        scale = 1 + np.max(np.abs(want[np.isfinite(want)]), initial=0)
        with np.errstate(all="ignore"):
            bad = ~(np.isclose(np.asarray(a, np.float64), want, rtol=tolerance, atol=tolerance * scale, equal_nan=True))
        if np.shape(a) != np.shape(want):
            raise Difference(f"{variant}: {t.name} has shape {np.shape(a)}, not {np.shape(want)}")
        if bad.mean() > (0.02 if variant == "float32" else 0) if bad.size else False:
            where = tuple(int(x) for x in np.argwhere(bad)[0])
            raise Difference(f"{variant}: {t.name}{list(where)} = {np.asarray(a)[where]!r}, not {want[where]!r} ({int(bad.sum())} of {bad.size} elements)")
