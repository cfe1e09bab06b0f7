"""The whole pipeline on one page: a system of equations in, a native function out.

    system ──passes──> system ──schedule──> program ──emit──> LLVM IR ──load──> machine code ──> Function

Everything before machine code runs under one lock, because isl's and LLVM's contexts are not to be shared by threads.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from graphc.codegen.kernel import emit_kernel
from graphc.codegen.target import host, load
from graphc.equations.domain import LOCK
from graphc.equations.errors import ArgumentError, DefinitionError
from graphc.equations.system import System, Tensor
from graphc.runtime.function import Function
from graphc.schedule.build import schedule
from graphc.schedule.verify import verify_small
from graphc.transforms import PASSES
from graphc.transforms.unfold import unfold_all
from graphc.view import trace

DTYPES = ("float64", "float32", "int64")
TRANSFORMS = tuple(name for name, _ in PASSES)


@dataclass(frozen=True)
class Options:
    """What a compilation is asked for, apart from the equations."""

    dtype: str = "float64"
    unfold: bool | str = "auto"
    threads: int | None = None
    passes: frozenset[str] = frozenset(TRANSFORMS)


def compile(
    system: System,
    outputs: Sequence[Tensor],
    sizes: Mapping[str, int] | None = None,
    dtype: str = "float64",
    unfold: bool | str = "auto",
    threads: int | None = None,
    update: Mapping[Tensor, Tensor] | None = None,
    passes: Collection[str] = TRANSFORMS,
) -> Function:
    """Native code for `outputs`. `sizes` are baked in; all others are read from the arguments at each call. `passes`
    names the transforms that run; leaving some out changes how fast the function is, never what it computes.

    Raises ArgumentError for an unknown dtype or size, CausalityError for a cycle without progress.
    """
    options = Options(str(dtype), unfold, threads, frozenset(passes))
    if options.dtype not in DTYPES:
        raise ArgumentError(f"dtype {dtype!r} is not one of {', '.join(DTYPES)}")
    update = dict(update or {})
    with LOCK:
        return _compile(_bake(system, sizes or {}), tuple(outputs), options, update)


def _bake(system: System, sizes: Mapping[str, int]) -> System:
    for name, value in sizes.items():
        if name not in system.sizes:
            raise ArgumentError(f"no size is called {name}; the sizes are {', '.join(system.sizes) or 'none'}")
        if int(value) != value or value < 0:
            raise ArgumentError(f"size {name} = {value!r} is not a whole number of at least 0")
    return replace(system, fixed={**system.fixed, **{k: int(v) for k, v in sizes.items()}})


def _compile(system: System, outputs: tuple[Tensor, ...], options: Options, update: dict[Tensor, Tensor]) -> Function:
    original = system
    times: dict[str, float] = {}
    started = perf_counter()
    roots = frozenset([*outputs, *update.values()])
    _refuse_given(outputs)
    trace.show("equations", system)
    if options.unfold is True:
        with trace.stage("unfold", times):
            system = unfold_all(system, system.fixed)
            outputs = tuple(system.by_name[t.name] for t in outputs)
            update = {system.by_name[k.name]: system.by_name[v.name] for k, v in update.items()}
            roots = frozenset([*outputs, *update.values()])
    for name, apply in PASSES:
        if name not in options.passes:
            continue
        with trace.stage(name, times):
            changed = apply(system, roots)
        trace.show_change(name, system, changed)
        system = changed
    with trace.stage("schedule", times):
        program = schedule(system, outputs, update)
    if os.environ.get("GRAPHC_VERIFY"):
        verify_small(program)
    trace.show("program", program)
    with trace.stage("emit", times):
        kernel = emit_kernel(program, options.dtype, host())
        text = str(kernel.module)
    with trace.stage("llvm", times):
        loaded = load(text)
    if trace.level() >= trace.LLVM:
        trace.show("llvm", loaded.llvm_ir)
    if trace.level() >= trace.ASSEMBLY:
        trace.show("assembly", loaded.assembly)
    times["total"] = perf_counter() - started
    return Function(original, program, kernel, loaded, options, times)


def _refuse_given(outputs: tuple[Tensor, ...]) -> None:
    for t in outputs:
        if t.given:
            raise DefinitionError(
                f"{t.name} is given at the call: there is nothing to compute; ask for a defined tensor"
            )


def recompile(system: System, outputs: tuple[Tensor, ...], options: Options, update: dict[Tensor, Tensor]) -> Function:
    """A function again from what its pickle holds."""
    with LOCK:
        return _compile(system, outputs, options, update)
