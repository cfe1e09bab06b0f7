"""One mutant: refused with a message, or the same to compiler and interpreter; nothing else may happen."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from graphc import compiler
from graphc.checks.reads import check
from graphc.equations.system import System, Tensor
from graphc.errors import GraphcError
from graphc.reference.evaluate import evaluate
from graphc.transforms.differentiate import gradients
from tests.fuzz import mutate, mutate_systems
from tests.fuzz.compare import Difference, same
from tests.fuzz.programs import Program
from tests.oracle import listed, split
from tests.transforms.systems import EXAMPLES

ALL_EXAMPLES = sorted(EXAMPLES)


def random_mutant(seed: int) -> Program:
    return mutate.mutant(seed)


def check_mutant(program: Program, run: bool = True) -> str:
    """What became of it: "refused" when made, "refused when run", "agrees" ("accepted" unless `run`), or "no program"
    of Python. Raises for anything else."""
    try:
        with np.errstate(all="ignore"):
            system = program.system().ir
    except GraphcError as error:
        assert len(str(error).splitlines()) > 1, f"a message without a place or a mend: {error}"
        return "refused"
    except (SyntaxError, ZeroDivisionError):
        return "no program"  # Python or SymPy refuses the text: Mod(j, 0)
    except TypeError as error:
        if " takes exactly " in str(error):  # Mod of three arguments
            return "no program"
        raise
    if not run:
        return "accepted"
    wanted = [eq.tensor for eq in system.equations if eq.tensor.name in program.defined]
    arguments = {k: v for k, v in program.values().items() if k in system.by_name}
    sizes = {k: v for k, v in program.sizes.items() if k in system.sizes}
    return judge(system, [system.by_name["L"], *wanted], arguments, sizes, bool(program.seed % 2))


def check_mutated_system(seed: int) -> str:
    """The same for one of the systems that transforms are tested on."""
    rng = random.Random(seed)
    system, loss, arguments = EXAMPLES[rng.choice(ALL_EXAMPLES)]()
    broken = mutate_systems.mutant(system, rng)
    if loss not in broken.by_tensor:
        return "refused"
    try:
        check(broken, {})
    except GraphcError:
        return "refused"
    arrays, sizes = split(broken, arguments)
    return judge(broken, [loss], arrays, sizes, bool(seed % 2))


def judge(
    system: System, outputs: Sequence[Tensor], arguments: dict[str, Any], sizes: dict[str, int], graded: bool
) -> str:
    """The first of `outputs` is the loss; `graded`: its gradients are compared, too."""
    with np.errstate(all="ignore"):
        try:
            wrt = [t for t in system.inputs if t.kind == "real"] if graded else []
            system, d = gradients(system, outputs[0], wrt)
        except GraphcError:
            return "refused"
        outputs = [*outputs, *d.values()]
        sizes = {k: v for k, v in sizes.items() if k in system.sizes}
        wanted = _outcome(lambda: evaluate(system, outputs, arguments, sizes))
        found = _outcome(lambda: _run(compiler.compile(system, outputs), arguments, sizes))
    if isinstance(found, GraphcError):
        return "refused when run"
    if isinstance(wanted, GraphcError):
        raise Difference(f"the interpreter refuses, native code does not: {wanted}")
    for t, a, b in zip(outputs, found, wanted, strict=True):
        same("mutant", t.name, np.asarray(a, np.float64), np.asarray(b, np.float64))
    return "agrees"


def _run(run: Any, arguments: dict[str, Any], sizes: dict[str, int]) -> list[np.ndarray]:
    needed = {t.name for t in run.system.inputs}
    extra = {k: v for k, v in sizes.items() if k in run.system.sizes}
    return listed(run(**{k: v for k, v in arguments.items() if k in needed}, **extra))


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except GraphcError as error:
        return error
