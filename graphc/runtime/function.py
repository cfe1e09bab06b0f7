"""`Function`: arguments are checked, buffers found, the kernel run, and arrays returned.

What depends on the arguments' shapes alone (sizes, output shapes, workspace) is worked out once per set of shapes.
"""

from __future__ import annotations

import ctypes
import keyword
import threading
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from graphc.checks.empty import refuse_empty_reads
from graphc.equations.domain import size_names
from graphc.equations.exclusive import LOCK
from graphc.equations.sizes import dim_value, solve_sizes, whole
from graphc.equations.system import System, Tensor
from graphc.errors import ArgumentError, counted
from graphc.runtime.arguments import as_array, refuse_aliases
from graphc.runtime.frame import BAD, REPEAT, SIZES, Frame, Kind, Output, Shapes
from graphc.runtime.indices import bad_index
from graphc.runtime.order import refuse_broken_order
from graphc.schedule.program import Program

if TYPE_CHECKING:
    from graphc.codegen.kernel import Kernel
    from graphc.codegen.target import Loaded, Target
    from graphc.options import Options

_RUN = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.py_object)
_WORKSPACE = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
Array = np.ndarray[Any, Any]
SHAPES = 256  # of which what follows from them is kept, those used last
PAUSE = 0.05  # seconds of native code in `loop` after which Python looks for signals
FASTER = 16  # how many times as many runs one stretch of native code may have as the one before


class Function:
    """A compiled system. Call it with arguments by name; it returns one array or a named tuple of arrays.

    Safe to call from many threads at once: every call has buffers of its own.
    """

    def __init__(
        self,
        system: System,
        program: Program,
        kernel: Kernel,
        loaded: Loaded,
        options: Options,
        times: dict[str, float],
    ) -> None:
        self.system, self.program, self.options = system, program, options
        self.kernel, self._loaded, self.times = kernel, loaded, times
        self._run = _RUN(loaded.address("kernel_objects"))
        self._workspace = _WORKSPACE(loaded.address("workspace"))
        self._shapes: dict[object, Shapes] = {}  # in order of use
        self._told: dict[frozenset[str], System] = {}
        self._local = threading.local()
        self._inputs = {t.name: t for t in system.inputs}
        self._dtypes = {t.name: np.dtype(self._dtype(t)) for t in system.inputs}
        self._needed = tuple(t.name for t in kernel.arguments if t.given)
        self._system_told(self._needed)
        self._system_told(self._inputs)
        self._updated = frozenset(t.name for t in program.update)
        asked = program.outputs
        # What is asked for twice: native code fills the first.
        self._again = [(k, asked.index(t)) for k, t in enumerate(asked) if t in asked[:k]]
        names = [t.name for t in asked]
        self._outputs = outputs_of(_identifiers(names)) if len(names) != 1 else None

    # Calling ----------------------------------------

    def __call__(self, /, *unnamed: Any, **arguments: Any) -> Any:
        """Run once. Arguments are arrays by name (and sizes no argument's shape tells, as integers)."""
        if unnamed:
            raise self._without_names(len(unnamed), "f(")
        return self._call(arguments, 1)

    def loop(self, n: int, /, *unnamed: Any, **arguments: Any) -> Any:
        """Run `n` times in native code, updated arguments carried from run to run; what the last run computes.

        An interrupt (Ctrl-C) ends it after a run, at most about a twentieth of a second late or as long as a run takes:
        updated arguments then hold what the last whole run gave them.
        """
        if not hasattr(n, "__index__") or not 1 <= n < 2**63:
            raise ArgumentError(
                f"loop({n!r}): the number of runs must be an integer of at least 1, below 2**63\n"
                "  Write f.loop(100, x=.., W=..)"
            )
        if unnamed:
            raise self._without_names(len(unnamed), f"f.loop({n}, ")
        return self._call(arguments, n.__index__())

    def _without_names(self, count: int, call: str) -> ArgumentError:
        wanted = ", ".join(f"{n}=.." for n in self._needed)
        return ArgumentError(f"{counted(count, 'argument')} without a name\n  Write {call}{wanted})")

    def _call(self, arguments: Mapping[str, Any], repeat: int) -> Any:
        frame: Frame | None = getattr(self._local, "frame", None)
        kind = arrays = None
        if frame is not None:
            if frame.busy:  # this call is in the middle of another (in a signal's handler, a finaliser)
                frame = None
            else:
                frame.busy = True
                kind = frame.last
                arrays = None if kind is None else kind.match(arguments, frame.cells)
        if frame is None or kind is None or arrays is None:
            frame, kind, arrays = self._prepare(arguments, frame)
        shapes = kind.shapes
        outputs = frame.outputs(shapes)
        call = (frame.call, *outputs, *arrays)
        check = self._run(call) if repeat == 1 else self._run_often(call, repeat)
        if check:
            raise self._bad_index(check, int(frame.call[BAD + 1]), shapes)
        frame.busy = False  # not after an exception: the next call makes a new one
        for k, first in self._again:
            outputs[k] = outputs[first].copy()
        if shapes.parts:
            outputs = [
                o if out.part is None else o[out.part].reshape(out.declared)
                for o, out in zip(outputs, shapes.outputs, strict=True)
            ]
        return outputs[0] if self._outputs is None else tuple.__new__(self._outputs, outputs)

    def _run_often(self, call: tuple[Array, ...], repeat: int) -> int:
        """Many runs, in stretches of native code between which Python's handlers of signals have their turn."""
        stretch, check = 1, 0
        while repeat and not check:
            stretch = min(stretch, repeat)
            call[0][REPEAT] = stretch
            started = perf_counter()
            check = self._run(call)
            repeat -= stretch
            taken = max(perf_counter() - started, 1e-9)
            stretch = max(1, int(stretch * min(FASTER, PAUSE / taken)))
        call[0][REPEAT] = 1
        return check

    def _prepare(self, arguments: Mapping[str, Any], frame: Frame | None) -> tuple[Frame, Kind, list[Array]]:
        """Every check of a call's arguments, and what they become: this thread's memory, their kind, the arrays."""
        arrays, given = self._sort(arguments)
        key = (tuple([(n, a.shape) for n, a in arrays.items()]), *given.items())
        shapes = self._shapes.pop(key, None) or self._measure(arrays, given)
        self._shapes[key] = shapes
        for old in list(self._shapes)[:-SHAPES]:
            self._shapes.pop(old, None)  # another thread may have been faster
        if frame is None or frame.size < shapes.workspace:
            frame = self._local.frame = Frame(shapes.workspace)
        frame.last, frame.call[SIZES] = None, shapes.address
        names = [*self._needed, *(n for n in arrays if n not in self._needed)]
        kind = Kind(tuple((n, self._dtypes[n], arrays[n].shape) for n in names), tuple(given.items()), shapes)
        if not self._updated:  # what is updated must be looked at each time: it may share memory with others
            frame.last = kind
            frame.cells = {n: np.empty((), d) for n, d, shape in kind.expected if shape == () and d.kind == "f"}
        return frame, kind, [arrays[n] for n in names]

    # Arguments ----------------------------------------

    def _dtype(self, t: Tensor) -> str:
        return "int64" if t.kind == "int" else self.options.dtype

    def _sort(self, arguments: Mapping[str, Any]) -> tuple[dict[str, Array], dict[str, int]]:
        arrays: dict[str, Array] = {}
        given: dict[str, int] = {}
        for name, value in arguments.items():
            tensor = self._inputs.get(name)
            if tensor is not None:
                arrays[name] = as_array(value, tensor, self._dtypes[name], name in self._updated)
            elif name in self.system.sizes or name in self.system.fixed:
                given[name] = whole(name, value)
            else:
                raise ArgumentError(
                    f"unknown argument {name}\n  The arguments are {', '.join(self._inputs) or 'none'}"
                    + (f", and the sizes {', '.join(self.system.sizes)}" if self.system.sizes else "")
                )
        for name in self._needed:
            if name not in arrays:
                missing = [n for n in self._needed if n not in arrays]
                wanted = ", ".join(f"{n}=.. of shape {_shape(self._inputs[n])}" for n in missing)
                raise ArgumentError(f"missing argument {', '.join(missing)}\n  Pass {wanted}")
        if self._updated:
            refuse_aliases(arrays, self._updated)
        return arrays, given

    def _measure(self, arrays: dict[str, np.ndarray[Any, Any]], given: dict[str, int]) -> Shapes:
        fixed = self.system.fixed
        for name, value in given.items():
            if name in fixed and fixed[name] != value:
                raise ArgumentError(
                    f"size {name} = {value}, but {name} = {fixed[name]} was baked in when compiled\n"
                    f"  Leave sizes={{'{name}': {fixed[name]}}} away in compile(..) to choose it at each call"
                )
        told = self._system_told(arrays)
        stated = {n: v for n, v in {**fixed, **given}.items() if n in told.sizes or n in told.fixed}
        values = solve_sizes(told, {n: a.shape for n, a in arrays.items()}, stated)
        dims = [d for t in self.program.system.tensors for d in t.dims if size_names(d) <= values.keys()]
        if 0 in values.values() or any(dim_value(d, values) == 0 for d in dims):  # an axis of N - 1 at N = 1, say
            refuse_empty_reads(self.program.system, values)
            refuse_broken_order(self.program, values)
        outputs = []
        for t in self.program.outputs:
            buffer = self.program.buffers[t]
            declared = tuple(dim_value(d, values) for d in t.dims)
            extent = tuple(dim_value(d, values) for d in buffer.extent)
            lower = tuple(dim_value(d, values) for d in buffer.lower)
            part = None
            if extent != declared or any(lower):
                part = tuple(slice(-low, -low + n) for low, n in zip(lower, declared, strict=True))
            dtype = np.dtype(self._dtype(t))
            shape = tuple(dim_value(d, values) for d in t.shape)
            outputs.append(Output(extent if part else shape, dtype, part, shape))
        # A size of nothing but an argument that is not needed, and not given, may be unknown: no code reads it.
        sizes = np.array([values.get(n, 0) for n in self.kernel.sizes], np.int64)
        address = int(sizes.ctypes.data)
        return Shapes(sizes, address, values, tuple(outputs), int(self._workspace(address)))

    def _system_told(self, names: Iterable[str]) -> System:
        """The system with these arguments alone, which tell its sizes. What isl must be asked for it is asked here,
        once: a call with a new shape does not wait for another thread that compiles."""
        key = frozenset(names)
        if key not in self._told:
            with LOCK:
                system = self.program.system
                told = replace(system, inputs=tuple(t for t in system.inputs if t.name in key))
                assert told.sizes is not None
                self._told[key] = told
        return self._told[key]

    def _bad_index(self, check: int, value: int, shapes: Shapes) -> ArgumentError:
        read, axis = self.kernel.checks[check - 1]
        statements = [s for nest in self.program.nests for s in nest.statements]
        return bad_index(read, axis, value, dim_value(read.tensor.dims[axis], shapes.values), statements)

    def save(self, path: str | Path) -> list[Path]:
        """Write the compiled code as `path`.o with a C header `path`.h that says how to call it; the files written."""
        from graphc.runtime.export import save

        return save(self, Path(path))

    # Looking at it ----------------------------------------

    @property
    def target(self) -> Target:
        """The processor it was compiled for."""
        return self._loaded.target

    @property
    def llvm_ir(self) -> str:
        """The optimised LLVM IR."""
        return self._loaded.llvm_ir

    @property
    def assembly(self) -> str:
        """The native assembly."""
        return self._loaded.assembly

    @property
    def stats(self) -> dict[str, Any]:
        """Seconds per stage, counts of loops, nests and buffers, bytes of code."""
        return {
            "seconds": dict(self.times),
            "loops": len(self.program.loops),
            "nests": len(self.program.nests),
            "buffers": len(self.program.buffers),
            "code_bytes": len(self._loaded.object_code),
            "shapes_seen": len(self._shapes),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        from graphc.compiler import recompile

        known = self.system.by_name  # what was written out has tensors of its own, of the same names
        outputs = tuple(known[t.name] for t in self.program.outputs)
        update = {known[old.name]: known[new.name] for old, new in self.program.update.items()}
        return recompile, (self.system, outputs, self.options, update)

    def __repr__(self) -> str:
        names = ", ".join(t.name for t in self.program.outputs)
        return f"<graphc.Function {names} ({self.options.dtype}) of {', '.join(self._inputs)}>"


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(map(repr, tensor.shape))})" if tensor.dims else "(), a number"


def outputs_of(names: Sequence[str]) -> Any:
    """The class of a call's outputs, a named tuple that can be pickled though it is made when it is needed."""

    def reduced(self: Any) -> tuple[Any, ...]:
        return _unpickled, (self._fields, tuple(self))

    found = namedtuple("Outputs", names)  # type: ignore[misc]
    setattr(found, "__reduce__", reduced)  # noqa: B010 - mypy takes an assignment for a mistake
    return found


def _unpickled(names: Sequence[str], values: Sequence[Any]) -> Any:
    return outputs_of(names)(*values)


def _identifiers(names: list[str]) -> list[str]:
    """Names fit for a named tuple: D(L,W) becomes D_L_W."""
    found: list[str] = []
    for k, name in enumerate(names):
        word = "".join(c if c.isalnum() else "_" for c in name)
        word = word.lstrip("_") if name.isidentifier() else word.strip("_")
        if not word or word[0].isdigit() or word in found or keyword.iskeyword(word):
            word = f"out{k}_{word}".rstrip("_")
        found.append(word)
    return found
