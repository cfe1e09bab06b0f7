"""The reference meaning: an interpreter, demand-driven, element by element.

Takes a system, the outputs asked for and NumPy arguments; gives one array an output. Every element of every tensor is
not started, in progress or done. Asking for one asks for the elements its equation reads; meeting one in progress is a
cycle. Nothing is scheduled and no order is chosen, so this is what compiled code is compared with.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import islpy as isl
import numpy as np

from graphc.equations.domain import fix_sizes, has_reads
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, as_float, join, place_of, postorder
from graphc.equations.graphs import Graph
from graphc.equations.ops import OPS, REDUCTIONS
from graphc.equations.points import Rows, points
from graphc.equations.printing import no_place
from graphc.equations.sizes import as_argument, dim_value, fractions, solve_sizes
from graphc.equations.system import Equation, System, Tensor, dependencies, without_derivatives
from graphc.errors import ArgumentError, CausalityError, DefinitionError, DomainError, UnsupportedError, complain
from graphc.language.boundaries import BENT, Kit
from graphc.reference.elements import DONE, IN_PROGRESS, Array, Frame, Points, Values, element_name


def evaluate(
    system: System,
    outputs: Sequence[Tensor],
    arguments: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None,
    exact: bool = False,
) -> tuple[Array, ...]:
    """The declared elements of each output, as float64 (int64) arrays; as arrays of Fraction if `exact`.

    Raises ArgumentError for arguments that do not fit, DomainError for reads of elements nobody defines,
    CausalityError (with the cycle) for elements that depend on themselves."""
    system = without_derivatives(system)
    given = {t.name: t for t in system.inputs}
    for name in arguments:
        if name not in given:
            raise ArgumentError(f"unknown argument {name}\n  The arguments are {', '.join(given) or 'none'}")
    needed = dependencies(_checked(system, outputs), outputs)
    for t in system.inputs:
        if t in needed and t.name not in arguments:
            shape = f"of shape ({', '.join(map(repr, t.shape))})" if t.dims else "a number"
            raise ArgumentError(f"missing argument {t.name}\n  Pass {t.name}=.., {shape}")
    arrays = {given[n]: as_argument(given[n], a, exact) for n, a in arguments.items()}
    part = replace(
        system,
        inputs=tuple(t for t in system.inputs if t in needed or t in arrays),
        equations=tuple(eq for eq in system.equations if eq.tensor in needed),
    )
    wanted = {n: v for n, v in (sizes or {}).items() if n in part.sizes or n not in system.sizes}
    values = solve_sizes(part, {t.name: a.shape for t, a in arrays.items()}, wanted)
    with np.errstate(all="ignore"):
        interpreter = _Interpreter(part, values, arrays, exact)
        return tuple(interpreter.declared(t) for t in outputs)


def _checked(system: System, outputs: Sequence[Tensor]) -> System:
    read = {r.tensor for eq in system.equations for _, r in eq.reads()}
    for t in itertools.chain(outputs, read):
        if not t.given and t not in system.by_tensor:
            raise DefinitionError(f"no equation defines {t!r}")
    return system


class _Missing(Exception):
    """Evaluation met elements that are not done yet."""

    def __init__(self, tensor: Tensor, elements: Array) -> None:
        self.tensor, self.elements = tensor, elements


class _Interpreter:
    def __init__(self, system: System, sizes: dict[str, int], arguments: dict[Tensor, Array], exact: bool) -> None:
        self.system, self.sizes, self.exact = system, sizes, exact
        self.dtypes = {"bool": np.bool_, "weak": np.int64, "int": np.int64, "real": object if exact else np.float64}
        self.values: dict[Tensor, Values] = {}
        self.terms: dict[Tensor, list[Points]] = {}
        self.grouped: set[Tensor] = set()
        for t, array in arguments.items():
            self.values[t] = Values.of(array.reshape([dim_value(d, sizes) for d in t.dims]))
        graph = Graph((eq.tensor, r.tensor) for eq in system.equations for _, r in eq.reads())
        self.recurrent = {t for part in graph.cyclic() for t in part}

    def enumerate(self, region: isl.Set) -> Rows:
        return points(fix_sizes(region, self.sizes))

    def declared(self, tensor: Tensor) -> Array:
        """All elements of the declared box."""
        shape = tuple(dim_value(d, self.sizes) for d in tensor.dims)
        self.prepare(tensor)
        coords = np.argwhere(np.ones(shape, bool))
        flat = self.values[tensor].flat(coords)
        if (flat < 0).any():
            first = element_name(tensor, coords[np.argmin(flat)])
            raise DomainError(f"{first} is asked for, but no equation defines it")
        self.run(tensor, flat)
        found = self.values[tensor].data[flat].reshape([dim_value(d, self.sizes) for d in tensor.shape])
        return fractions(found) if found.dtype == object else found

    def prepare(self, tensor: Tensor) -> None:
        """Enumerate the elements of a tensor and the points of its terms."""
        if tensor in self.values:
            return
        eq = self.system.by_tensor[tensor]
        self.values[tensor] = Values(len(tensor.dims), self.enumerate(eq.defined), self.dtypes[tensor.kind])
        self.terms[tensor] = []
        for term in eq.terms:
            rows = self.enumerate(term.domain.set)
            columns = {i: rows[:, k] for k, i in enumerate(term.domain.indices)}
            self.terms[tensor].append(Points(term, rows, columns, tuple(postorder(term.value))))

    # -- demand -------------------------------------------------------------------------------------------------------

    def run(self, tensor: Tensor, elements: Array) -> None:
        """Bring these elements to DONE: a stack of frames; the top one is computed once nothing it reads is missing."""
        stack = list(self.frames(tensor, elements))
        while stack:
            frame = stack[-1]
            state = self.values[frame.tensor].state
            if not frame.opened:
                frame.elements = frame.elements[state[frame.elements] != DONE]
                frame.opened = True
                state[frame.elements] = IN_PROGRESS
            try:
                self.compute(frame)
                state[frame.elements] = DONE
                stack.pop()
            except _Missing as missing:
                waiting = self.values[missing.tensor].state[missing.elements] == IN_PROGRESS
                if waiting.any():
                    self.cycle(stack, missing.tensor, int(missing.elements[np.argmax(waiting)]))
                stack.extend(self.frames(missing.tensor, missing.elements))

    def frames(self, tensor: Tensor, elements: Array) -> list[Frame]:
        """Elements of a recurrence one by one, the first on top of the stack, since they may wait for each other;
        of any other tensor all together."""
        todo = np.unique(elements[self.values[tensor].state[elements] != DONE])
        if tensor not in self.recurrent:
            return [Frame(tensor, todo)] if len(todo) else []
        return [Frame(tensor, todo[k : k + 1]) for k in reversed(range(len(todo)))]

    def cycle(self, stack: list[Frame], tensor: Tensor, flat: int) -> None:
        opened = [f for f in stack if f.opened]
        start = next(k for k, f in enumerate(opened) if f.tensor is tensor and flat in f.elements)
        names = [element_name(f.tensor, self.values[f.tensor].coordinates(int(f.elements[0]))) for f in opened[start:]]
        raise CausalityError(f"a cycle without progress: {' -> '.join([*names, names[0]])}")

    def compute(self, frame: Frame) -> None:
        """Values of the frame's elements; raises _Missing where one it reads is not done."""
        eq = self.system.by_tensor[frame.tensor]
        self.group(eq)
        dtype = self.dtypes[eq.tensor.kind]
        out: Array = np.full(len(frame.elements), self.identity(eq), dtype)
        written = np.zeros(len(frame.elements), np.int64)
        for part in self.terms[eq.tensor]:
            ids, owner = part.contributions(frame.elements)
            if not len(ids):
                continue
            value = self.cast(self.expression(eq, part, part.term.value, ids), eq.tensor.kind)
            if eq.reduce == "assign":
                out[owner] = value
                np.add.at(written, owner, 1)
            else:
                ufunc: np.ufunc = OPS[REDUCTIONS[eq.reduce].op].numpy  # type: ignore[assignment]
                if dtype is object:
                    ufunc = np.frompyfunc(_exact(OPS[REDUCTIONS[eq.reduce].op].exact), 2, 1)
                ufunc.at(out, owner, value)
        if eq.reduce == "assign" and (written != 1).any():
            k = int(np.argmax(written != 1))
            element = element_name(eq.tensor, self.values[eq.tensor].coordinates(int(frame.elements[k])))
            raise DefinitionError(f"{element} is defined {written[k]} times")
        self.values[eq.tensor].data[frame.elements] = out

    def identity(self, eq: Equation) -> Any:
        start = REDUCTIONS[eq.reduce].identity if eq.reduce != "assign" else 0
        if eq.tensor.kind == "int" and not np.isfinite(start):
            return np.iinfo(np.int64).min if start < 0 else np.iinfo(np.int64).max
        return Fraction(start) if self.exact and np.isfinite(start) else start

    def group(self, eq: Equation) -> None:
        """Sort the points of each term by the element they write (which may depend on data, so this can wait too)."""
        if eq.tensor in self.grouped:
            return
        values = self.values[eq.tensor]
        for part in self.terms[eq.tensor]:
            everything = np.arange(len(part.rows))
            write = eq.tensor[part.term.write]
            place = np.full(len(part.rows), len(values.exists))
            some = np.flatnonzero(~self.nowhere(eq, part, write, everything))
            place[some] = values.flat(self.coordinates(eq, part, write, some))
            if (place < 0).any():
                raise DefinitionError(f"{eq.tensor.name}[{part.term.write}] writes outside what it defines")
            part.order = np.argsort(place, kind="stable")
            part.starts = np.searchsorted(place[part.order], np.arange(len(values.exists) + 1))
            for read in (n for n in part.nodes if isinstance(n, Read)):
                self.prepare(read.tensor)
                if not any(has_reads(s) for s in read.subs):
                    coords = self.coordinates(eq, part, read, everything)
                    part.places[read] = self.values[read.tensor].flat(coords)
        self.grouped.add(eq.tensor)

    # -- expressions --------------------------------------------------------------------------------------------------

    def expression(self, eq: Equation, part: Points, root: Expr, ids: Array) -> Array:
        """The values of `root` at the given rows of a term."""
        done: dict[Expr, Any] = {}
        for node in part.nodes if root is part.term.value else postorder(root):
            match node:
                case Const(value=value):
                    done[node] = np.asarray(value if node.kind != "real" or self.exact else as_float(value))
                case Size(name=name):
                    done[node] = np.asarray(self.sizes[name])
                case Index():
                    done[node] = part.columns[node][ids]
                case Read():
                    done[node] = self.read(eq, part, node, ids)
                case Op():
                    done[node] = self.operation(node, [done[a] for a in node.args])
        return done[root]

    def operation(self, node: Op, args: list[Array]) -> Array:
        info = OPS[node.name]
        if self.exact and node.kind == "real" and info.exact is None:
            raise UnsupportedError(f"{node.name} has no exact value\n  Evaluate without exact=True")
        if node.name == "select":
            return np.where(args[0], self.cast(args[1], node.kind), self.cast(args[2], node.kind))
        kind = node.kind if info.kind in ("same", "real", "power") else join(*(a.kind for a in node.args))
        cast = [self.cast(a, kind) for a in args]
        if kind == "real" and self.exact:
            try:
                result = np.frompyfunc(_exact(info.exact), info.arity, 1)(*cast)
                return np.asarray(result).astype(self.dtypes[node.kind])
            except (ArithmeticError, ValueError) as error:
                raise UnsupportedError(
                    f"{node!r} has no exact value: {error}\n  Evaluate without exact=True"
                ) from error
        if node.name == "pow" and node.args[1].kind == "weak" and isinstance(node.args[1], Const):
            return cast[0] ** int(node.args[1].value)
        numpy: Any = _VECTOR.get(node.name, info.numpy)
        return np.asarray(numpy(*cast)).astype(self.dtypes[node.kind], copy=False)

    def cast(self, array: Array, kind: str) -> Array:
        if kind != "real" or not self.exact:
            return array.astype(self.dtypes[kind], copy=False)
        return array if array.dtype == object else fractions(array)

    def read(self, eq: Equation, part: Points, read: Read, ids: Array) -> Array:
        """The elements `read` takes at these rows; raises _Missing if some are not done."""
        self.prepare(read.tensor)
        values = self.values[read.tensor]
        nowhere = self.nowhere(eq, part, read, ids)
        if nowhere.any():
            found = np.zeros(len(ids), values.data.dtype)
            found[~nowhere] = self.read(eq, part, read, ids[~nowhere])
            return found
        if read in part.places:
            place = part.places[read][ids]
        else:
            place = values.flat(self.coordinates(eq, part, read, ids))
        if (place < 0).any():
            k = int(np.argmin(place))
            coords = self.coordinates(eq, part, read, ids[k : k + 1])[0]
            raise DomainError(
                f"{read!r}{_at(part, int(ids[k]))} reads {element_name(read.tensor, coords)}, "
                f"which no equation defines; in {eq.origin or _left(eq, part)}"
            )
        missing = values.state[place] != DONE
        if missing.any():
            raise _Missing(read.tensor, place[missing])
        return values.data[place]

    def nowhere(self, eq: Equation, part: Points, access: Read, ids: Array) -> Array:
        """Where an access is to no element at all: its condition does not hold."""
        found = np.zeros(len(ids), bool)
        for sub in access.subs:
            if isinstance(sub, Op) and sub.name == "only":
                found |= ~np.broadcast_to(self.expression(eq, part, sub.args[0], ids), found.shape)
        return found

    def coordinates(self, eq: Equation, part: Points, access: Read, ids: Array) -> Rows:
        """The subscripts of an access, one row a point; those that come from data must lie within their axis."""
        coords = np.empty((len(ids), len(access.subs)), np.int64)
        for k, sub in enumerate(access.subs):
            coords[:, k] = self.expression(eq, part, sub, ids)
            place = place_of(sub)
            extent = dim_value(access.tensor.dims[k], self.sizes) if has_reads(place) else 0
            wrong = (coords[:, k] < 0) | (coords[:, k] >= extent)
            if has_reads(place) and wrong.any():
                p = int(np.argmax(wrong))
                why = no_place(place, int(coords[p, k]))
                value = "" if why else f" = {coords[p, k]}"
                what = f"index {place!r}{value}{_at(part, int(ids[p]))} is outside axis {k} of {access.tensor!r}"
                what += why or f", which has {extent} elements"
                raise ArgumentError(complain(what, str(eq.origin or _left(eq, part))))
        return coords


# Entries of the table that take one scalar at a time, for arrays.
_VECTOR: dict[str, Any] = {
    **{n: np.frompyfunc(OPS[n].numpy, 1, 1) for n in ("erf", "erfc", "gamma", "loggamma", "digamma")},
    "polygamma": np.frompyfunc(OPS["polygamma"].numpy, 2, 1),
    **{name: partial(BENT[name].bent, Kit(np.minimum, np.maximum)) for name in BENT if name != "mod"},
    "only": lambda c, i: np.where(c, i, 0),
    "toint": lambda a: np.trunc(a).astype(np.int64),
}


def _exact(meaning: Any) -> Any:
    """A function of rational numbers; of what is none (a quotient by zero) it makes NaN, which a select may drop."""

    def found(*args: Any) -> Any:
        try:
            return math.nan if any(a != a for a in args) and meaning not in _OF_NAN else meaning(*args)
        except ZeroDivisionError:
            return math.nan

    return found


_OF_NAN = {OPS[name].exact for name in ("eq", "ne", "lt", "le", "gt", "ge", "isnan", "isfinite", "toint")}


def _left(eq: Equation, part: Points) -> str:
    return f"{eq.tensor[part.term.write]!r} = {part.term.value!r}"


def _at(part: Points, row: int) -> str:
    values = [f"{i.name} = {part.rows[row, k]}" for k, i in enumerate(part.term.domain.indices)]
    return f" at {', '.join(values)}" if values else ""
