"""The machine compiled for, and the way from LLVM text to callable native code.

`host` describes the machine: its vector width and register count are read from LLVM's list of CPU features and known
nowhere else. `load` verifies, optimises, compiles and links one module; `load_object` links one that was compiled
earlier. What both return owns its memory: when the `Loaded` is collected, its code is freed.
"""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm
from llvmlite import ir

from graphc.equations.exclusive import LOCK
from graphc.locks import held_over_forks

_lock = threading.RLock()  # LLVM's contexts and target machines are not to be entered by two threads at once
# In the order in which a compilation takes them; llvmlite's own is taken whenever one of its objects dies, too.
held_over_forks(LOCK, _lock, llvm.ffi.lib._lock._lock)


@dataclass(frozen=True)
class Target:
    """A machine: LLVM's three names for it, the bits of one vector register, and how many such registers there are."""

    triple: str
    cpu: str
    features: str
    vector_bits: int
    registers: int

    def has(self, feature: str) -> bool:
        """Whether LLVM's feature of that name (such as "fma" or "avx512f") is switched on."""
        return f"+{feature}" in self.features.split(",")

    @property
    def fused(self) -> bool:
        """Whether a fused multiply-add is one instruction. Where it is not, LLVM would call libm's, which is slow."""
        return self.has("fma") or not self._x86

    @property
    def rounds(self) -> bool:
        """Whether floor, ceil, trunc and rounding to the nearest are one instruction each."""
        return self.has("sse4.1") or not self._x86

    @property
    def _x86(self) -> bool:
        return self.triple.startswith(("x86_64", "i386", "i486", "i586", "i686"))


@cache
def host() -> Target:
    """The machine this process runs on."""
    _initialise()
    known = llvm.get_host_cpu_features()
    if known.get("avx512f") and known.get("avx512vl") and known.get("avx512dq"):
        bits, registers = 512, 32
    elif known.get("avx2") and known.get("fma"):
        bits, registers = 256, 16
    elif known.get("neon"):
        bits, registers = 128, 32
    else:
        bits, registers = 128, 16
    return Target(llvm.get_process_triple(), llvm.get_host_cpu_name(), known.flatten(), bits, registers)


def lanes(target: Target, bits: int) -> int:
    """How many elements of `bits` bits one vector register holds."""
    return target.vector_bits // bits


class Loaded:
    """Native code in this process's memory. Keep it alive for as long as one of its addresses may be called."""

    def __init__(self, object_code: bytes, target: Target, bitcode: bytes | None) -> None:
        self.object_code = object_code
        self.target = target
        self._bitcode = bitcode
        with _lock:
            # MCJIT wants a module, even an empty one, and takes ownership of a target machine of its own.
            holder = llvm.parse_assembly("", context=llvm.create_context())
            # Sections must lie within two gigabytes of each other, which LLVM's own memory manager leaves to chance.
            self._engine = llvm.create_mcjit_compiler(holder, _machine(target, 0), use_lmm=True)
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
            self._engine.finalize_object()
        # Python collects what hangs in a cycle in any order, but the engine must go before its module's context: both
        # are kept alive from outside until this object is gone.
        weakref.finalize(self, _dispose, self._engine, holder).atexit = False

    def address(self, function_name: str) -> int:
        """The address of an exported function. KeyError if there is none of that name."""
        with _lock:
            found = int(self._engine.get_function_address(function_name))
        if not found:
            raise KeyError(function_name)
        return found

    @property
    def llvm_ir(self) -> str:
        """The module's text after optimisation. ValueError if it was loaded from an object."""
        with _lock:
            return str(self._module())

    @property
    def assembly(self) -> str:
        """The native assembly text, compiled again on each request. ValueError if it was loaded from an object."""
        with _lock:
            return str(_shared_machine(self.target).emit_assembly(self._module()))

    def _module(self) -> llvm.ModuleRef:
        if self._bitcode is None:
            raise ValueError("loaded from an object file: its LLVM text was not kept; compile it again to see it")
        return llvm.parse_bitcode(self._bitcode, context=llvm.create_context())


def _dispose(engine: llvm.ExecutionEngine, holder: llvm.ModuleRef) -> None:
    with _lock:
        engine.close()
    del holder


def load(source: str | ir.Module, target: Target | None = None, name: str = "graphc", slp: bool = False) -> Loaded:
    """Verify, optimise, compile and link a module.

    `slp` lets LLVM pack straight-line scalar code into vectors, by its whole -O2. RuntimeError, with LLVM's own words,
    if the text does not parse or verify.
    """
    target = target or host()
    _initialise()
    text = str(source)
    with _lock:
        module = llvm.parse_assembly(text, context=llvm.create_context())
        with module:  # closed before its context even where an error keeps both in its traceback
            module.name = name
            module.verify()
            machine = _shared_machine(target)
            module.triple = machine.triple
            module.data_layout = str(machine.target_data)
            _optimise(module, target, slp)
            return Loaded(machine.emit_object(module), target, module.as_bitcode())


def load_object(object_code: bytes, target: Target | None = None) -> Loaded:
    """Link an object that an earlier `load` compiled (`Loaded.object_code`) for the same target."""
    _initialise()
    return Loaded(object_code, target or host(), None)


def _optimise(module: llvm.ModuleRef, target: Target, slp: bool) -> None:
    """What the emitter leaves to LLVM, and nothing that guesses: it has tiled, vectorised and unrolled itself.

    Compared in one process, alternating, on a recurrent network's training step (two sizes) and on GARCH, each with
    gradients: this list ran as fast as LLVM's -O1 and -O2 without vectorisers, within the noise of the machine, in
    about a seventh of -O1's time (8 to 28 ms against 52 to 211 ms). Value numbering and loop rotation changed nothing
    either; inlining alone ran 1.6 to 1.9 times as long. Moving invariants out of loops is left to the back end.
    """
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.loop_interleaving = options.loop_unrolling = False
    options.slp_vectorization = slp
    # Both are made anew for each run: a run empties the manager and leaves call-backs in the builder.
    builder = llvm.create_pass_builder(_shared_machine(target), options)
    if slp:
        manager = builder.getModulePassManager()
    else:
        manager = llvm.create_new_module_pass_manager()
        manager.add_always_inliner_pass()
        manager.add_global_dead_code_eliminate_pass()
        manager.add_sroa_pass()
        manager.add_instruction_combine_pass()
        manager.add_simplify_cfg_pass()
        manager.add_aggressive_dce_pass()
    manager.run(module, builder)
    # llvmlite 0.50 never frees a manager: ObjectRef's empty _dispose hides NewPassManager's.
    llvm.NewPassManager._dispose(manager)
    manager.detach()


@cache
def _shared_machine(target: Target) -> llvm.TargetMachine:
    return _machine(target, 2)


def _machine(target: Target, level: int) -> llvm.TargetMachine:
    """Small code model and position independence: constants are read relative to the instruction, in one load."""
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, opt=level, reloc="pic", codemodel="small"
    )


@cache
def _initialise() -> None:
    with _lock:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        llvm.check_jit_execution()
