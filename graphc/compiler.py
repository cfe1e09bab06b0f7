"""The whole pipeline on one page: a system of equations in, a native function out.

    system ──passes──> system ──schedule──> program ──emit──> LLVM IR ──load──> machine code ──> Function

Everything before machine code runs under one lock, because isl's and LLVM's contexts are not to be shared by threads.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from graphc import trace
from graphc.checks.empty import refuse_empty_reads
from graphc.checks.infinities import refuse_infinities
from graphc.codegen.kernel import emit_kernel
from graphc.codegen.target import host, lanes, load
from graphc.equations import sets
from graphc.equations.composed import same_shape
from graphc.equations.domain import fix_sizes, sample, size_names
from graphc.equations.exclusive import exclusively
from graphc.equations.expr import Const, Expr, Size, substitute
from graphc.equations.sizes import dim_value, not_below, whole
from graphc.equations.system import System, Tensor, without_derivatives
from graphc.errors import (
    ArgumentError,
    CausalityError,
    DefinitionError,
    DomainError,
    ShapeError,
    UnsupportedError,
)
from graphc.options import Options
from graphc.runtime.function import Function
from graphc.schedule.build import schedule
from graphc.schedule.costs import Machine
from graphc.schedule.plans import planned
from graphc.schedule.program import Program
from graphc.schedule.verify import verify_small
from graphc.transforms import PASSES
from graphc.transforms.unfold import unfold_all

TRANSFORMS = tuple(name for name, _ in PASSES)


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

    Recurrences become loops, unless `unfold` is True: then they are written out, and their lengths must be given.

    Raises ArgumentError for an unknown option, dtype or size, and for updates that do not fit; UnsupportedError for
    `threads` above 1.
    """
    options = Options.checked(dtype, unfold, threads, passes)
    update = dict(update or {})
    with exclusively():
        system = _bake(system, sizes or {})
        _refuse_updates(system, update)
        return _compile(system, tuple(outputs), options, update)


def _refuse_updates(system: System, update: Mapping[Tensor, Tensor]) -> None:
    """Written over is an argument, by a tensor that equations define, of equal dimensions and kind."""
    for old, new in update.items():
        what = f"update={{{old.name}: {new.name}}}"
        if not old.given or new.given:
            wrong = f"{old.name} is not an argument" if not old.given else f"no equation defines {new.name}"
            raise ArgumentError(
                f"{what}: {wrong}\n  Say which argument gets the value of which tensor: update={{W: W_next}}"
            )
        known: dict[Expr, Expr] = {Size(n): Const(v) for n, v in system.fixed.items()}
        one, other = ([substitute(d, known) for d in t.shape] for t in (old, new))
        if not same_shape(one, other, system.composed) or old.kind != new.kind:
            raise ShapeError(
                f"{what}: {_described(old)}, and {_described(new)}\n  The new value needs the dimensions of the old one"
            )
        if len(old.dims) != len(new.dims):
            raise UnsupportedError(
                f"{what}: an axis of one of them is counted in blocks, {old.dims} against {new.dims}\n"
                "  Count both alike: Eq(W_next[h*D + d], ..) where W is read so"
            )


def _described(t: Tensor) -> str:
    return f"{t!r} holds {'integers' if t.kind == 'int' else 'real numbers'}"


def _bake(system: System, sizes: Mapping[str, int]) -> System:
    for name, value in sizes.items():
        if name not in system.sizes and system.fixed.get(name) != value:
            raise ArgumentError(f"no size is called {name}\n  The sizes are {', '.join(system.sizes) or 'none'}")
    baked = {k: whole(k, v) for k, v in sizes.items()}
    not_below(system.least, baked)
    known = {**system.fixed, **baked}
    whole_ones = {n: dim_value(e, known) for n, e in system.composed.items() if size_names(e) <= known.keys()}
    return replace(system, fixed={**known, **whole_ones})


def _compile(system: System, outputs: tuple[Tensor, ...], options: Options, update: dict[Tensor, Tensor]) -> Function:
    original, system = system, without_derivatives(system)
    times: dict[str, float] = {}
    started = perf_counter()
    roots = frozenset([*outputs, *update.values()])
    _refuse_given(outputs)
    _refuse_undefined(system, roots)
    if options.dtype == "int64":
        refuse_infinities(system)
    trace.show("equations", system)
    if options.unfold is True:
        if 0 in system.fixed.values():
            refuse_empty_reads(system, system.fixed)
        with trace.stage("unfold", times):
            system = unfold_all(system, system.fixed)
            outputs = tuple(system.by_name[t.name] for t in outputs)
            update = {system.by_name[k.name]: system.by_name[v.name] for k, v in update.items()}
            roots = frozenset([*outputs, *update.values()])
    try:
        program = _program(system, roots, outputs, update, options.passes, times)
    except CausalityError:
        fewer = options.passes - {"share", "deltas"}
        if fewer == options.passes:
            raise
        # What is named apart may want another order of steps than the cycle it was part of; at places from data there
        # may be no order at all.
        program = _program(system, roots, outputs, update, fewer, times)
    target = host()
    with trace.stage("plan", times):
        bits = 32 if options.dtype == "float32" else 64
        machine = Machine(target.registers, lanes(target, bits), bits, rounds=options.dtype != "int64")
        program = planned(program, machine)
    if os.environ.get("GRAPHC_VERIFY"):
        verify_small(program)
    trace.show("program", program)
    with trace.stage("emit", times):
        kernel = emit_kernel(program, options.dtype, target)
        text = str(kernel.module)
    with trace.stage("llvm", times):
        loaded = load(text)
    if trace.level() >= trace.LLVM:
        trace.show("llvm", loaded.llvm_ir)
    if trace.level() >= trace.ASSEMBLY:
        trace.show("assembly", loaded.assembly)
    times["total"] = perf_counter() - started
    return Function(original, program, kernel, loaded, options, times)


def _program(
    system: System,
    roots: frozenset[Tensor],
    outputs: tuple[Tensor, ...],
    update: dict[Tensor, Tensor],
    passes: frozenset[str],
    times: dict[str, float],
) -> Program:
    """The system transformed and scheduled."""
    for name, apply in PASSES:
        if name not in passes:
            continue
        with trace.stage(name, times):
            changed = apply(system, roots)
        trace.show_change(name, system, changed)
        system = changed
    with trace.stage("schedule", times):
        return schedule(system, outputs, update)


def _refuse_given(outputs: tuple[Tensor, ...]) -> None:
    for t in outputs:
        if t.given:
            raise DefinitionError(
                f"{t.name} is given at the call: there is nothing to compute\n  Ask for a tensor that is defined"
            )


def _refuse_undefined(system: System, wanted: Collection[Tensor]) -> None:
    """DomainError where elements of something asked for are defined by no equation: nobody would write them."""
    for t in wanted:
        missing = sets.intersect_params(sets.subtract(t.box, system.defined(t)), system.context)
        found = sample(fix_sizes(missing, system.fixed))
        if found is not None:
            sizes, point = found
            element = f"{t.name}[{', '.join(map(str, point))}]" if point else t.name
            example = (
                f"\n  for example with {', '.join(f'{k} = {v}' for k, v in sorted(sizes.items()))}" if sizes else ""
            )
            raise DomainError(
                f"{t.name} is asked for, but no equation defines {element}{example}\n"
                f"  Define it: Eq({element}, ..), or ask for what reads {t.name}"
            )


def recompile(system: System, outputs: tuple[Tensor, ...], options: Options, update: dict[Tensor, Tensor]) -> Function:
    """A function again from what its pickle holds."""
    with exclusively():
        return _compile(system, outputs, options, update)
