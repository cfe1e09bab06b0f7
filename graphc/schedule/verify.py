"""A check of finished programs, apart from everything that makes them: the Program is walked at concrete sizes, point
by point in its own order, and each access is held against what the memory holds at that moment.

    verify(program, {"T": 5, "N": 3})      returns None, or raises VerifyError naming the statement and the point

It knows nothing of dependences, segments, rings or blocks: it sees statements, loops and addresses; of a planned
program also the loops that a machine runs (`verify_plans`). That every element gets exactly the contributions its
equation says is counted from the system.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import islpy as isl
import numpy as np
import numpy.typing as npt

from graphc.equations.domain import fix_sizes, has_reads, size_names
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder
from graphc.equations.ops import OPS, REDUCTIONS
from graphc.equations.points import points
from graphc.equations.sizes import dim_value
from graphc.equations.system import Tensor
from graphc.schedule.program import Buffer, Loop, Nest, Node, Program, Statement, statement_reads
from graphc.schedule.verify_plans import VerifyError, check_plan

Point = tuple[int, ...]
Array = npt.NDArray[Any]
Data = Mapping[str, Any]
MOST_POINTS = 200_000
FIRST = 3  # steps at which the loops of a nest are looked at


def verify(program: Program, sizes: Mapping[str, int], data: Data | None = None, most: int = MOST_POINTS) -> bool:
    """Walk the program at these sizes; False, and nothing is checked, if it has more points than `most`.

    `data`: arrays of integer arguments, to know where data-dependent subscripts point; an access whose place is unknown
    without them is taken to be right.

    Raises VerifyError where a read finds an element that is not complete or no longer there, an access leaves its
    buffer, points of a nest that should be independent are not, or an element of an output is missing.
    """
    walk = _Walk(program, {**sizes, **program.system.fixed}, data or {})
    if not walk.prepare(most):
        return False
    walk.run()
    return True


def verify_small(program: Program) -> None:
    """Walk the program at a few small sizes, where it has few enough points."""
    free = [n for n in program.system.sizes if n not in program.system.fixed]
    for n in (1, 2, 5):
        least = program.system.least
        sizes = {**{m: max(n + k % 2, least.get(m, 0)) for k, m in enumerate(free)}, **program.system.fixed}
        composed = program.system.composed.items()
        sizes |= {name: dim_value(e, sizes) for name, e in composed if size_names(e) <= sizes.keys()}
        dims = [dim_value(d, sizes) for t in program.system.tensors for d in t.dims]
        if min(dims, default=0) < 0:
            continue
        verify(program, sizes)


@dataclass
class _Access:
    """Where a statement touches a tensor, one row a point (None: nowhere); no list where only data could tell."""

    read: Read
    places: list[Point | None] | None


@dataclass
class _Execution:
    """A statement's points, by the values of the loop variables around it and then by parallel point."""

    statement: Statement
    rows: Array
    write: _Access
    reads: list[_Access]
    at: dict[Point, dict[Point, list[int]]]


@dataclass
class _Memory:
    """One tensor: which element each address holds, how many contributions each element has, how many it should have,
    and which elements have the reduction's identity for one: whether it was set as a start or as that contribution,
    only a later one can tell."""

    holds: dict[Point, Point] = field(default_factory=dict)
    count: Counter[Point] = field(default_factory=Counter)
    wanted: Counter[Point] = field(default_factory=Counter)
    constant: set[Point] = field(default_factory=set)
    unsure: set[Point] = field(default_factory=set)
    certain: bool = True


class _Walk:
    def __init__(self, program: Program, sizes: dict[str, int], data: Data) -> None:
        self.program, self.sizes, self.data = program, sizes, {k: np.asarray(v) for k, v in data.items()}
        self.env: dict[Index, int] = {}
        self.memory = {t: _Memory() for t in program.buffers}
        self.ranges: dict[Index, tuple[int, int]] = {}
        self.executions: dict[Statement, _Execution] = {}
        self.visits: Counter[Nest] = Counter()
        for node in program.body:
            self._measure(node)

    def prepare(self, most: int) -> bool:
        """Lists all points; False, and not all are, where they are more than `most`."""
        rows: list[tuple[Statement, Nest, Array]] = []
        for nest in self.program.nests:
            for s in nest.statements:
                rows.append((s, nest, self._rows(s, nest)))
                most -= len(rows[-1][2])
                if most < 0:
                    return False
        self.executions = {s: self._execution(s, nest, points) for s, nest, points in rows}
        self._count_wanted()
        return True

    def run(self) -> None:
        for node in self.program.body:
            self._node(node)
        for t in (*self.program.outputs, *self.program.update.values()):
            memory = self.memory[t]
            for coords in np.ndindex(*(dim_value(d, self.sizes) for d in t.dims)):
                address = self._address(t, coords, "the end", coords)
                if memory.holds.get(address) != coords or not self._complete(t, coords):
                    raise VerifyError(f"{_element(t, coords)} is not computed at the end")

    # What each element should get ------------------------------------------------------------------------------------

    def _count_wanted(self) -> None:
        for eq in self.program.system.equations:
            memory = self.memory.get(eq.tensor)
            if memory is None:
                continue
            for term in eq.terms:
                rows = points(fix_sizes(term.domain.set, self.sizes))
                places = self._places(Read(eq.tensor, term.write), term.domain.indices, rows)
                if places is None:
                    memory.certain = False
                else:
                    memory.wanted.update(p for p in places if p is not None)
                    if not term.reduced and _is_identity(term.value, eq.reduce, eq.tensor):
                        memory.constant.update(p for p in places if p is not None)

    def _measure(self, node: Node) -> None:
        """The least and the largest value of every loop variable."""
        if isinstance(node, Nest):
            return
        low, high = self._value(node.lower), self._value(node.upper)
        least, most = self.ranges.get(node.var, (low, high))
        if low <= high:
            self.ranges[node.var] = min(least, low), max(most, high)
        for i in range(low, high + 1) if any(isinstance(n, Loop) for n in node.body) else ():
            self.env[node.var] = i
            for child in node.body:
                self._measure(child)
        self.env.pop(node.var, None)

    def _rows(self, s: Statement, nest: Nest) -> Array:
        """The points of a statement that the loops around it reach."""
        points_of = fix_sizes(s.domain.set, self.sizes)
        for k, i in enumerate(s.domain.indices):
            if i in nest.outer:
                low, high = self.ranges.get(i, (0, -1))
                points_of = points_of.lower_bound_val(isl.dim_type.set, k, isl.Val(low))
                points_of = points_of.upper_bound_val(isl.dim_type.set, k, isl.Val(high))
        return points(points_of)

    def _execution(self, s: Statement, nest: Nest, rows: Array) -> _Execution:
        outer = [s.domain.indices.index(i) for i in nest.outer]
        inner = [s.domain.indices.index(i) for i in nest.parallel]
        at: dict[Point, dict[Point, list[int]]] = defaultdict(lambda: defaultdict(list))
        for k, row in enumerate(rows.tolist()):
            at[tuple(row[o] for o in outer)][tuple(row[o] for o in inner)].append(k)
        accesses = [_Access(r, self._places(r, s.domain.indices, rows)) for r in statement_reads(s)]
        write = Read(s.tensor, s.write)
        return _Execution(s, rows, _Access(write, self._places(write, s.domain.indices, rows)), accesses, at)

    def _places(self, access: Read, indices: Sequence[Index], rows: Array) -> list[Point | None] | None:
        columns = [self._column(sub, indices, rows) for sub in access.subs]
        known = [c for c in columns if c is not None]
        if len(known) < len(columns):
            return None
        found = np.column_stack([*known, np.zeros((len(rows), 0), np.int64)]).tolist()
        there = np.ones(len(rows), bool)
        for sub in access.subs:
            if isinstance(sub, Op) and sub.name == "only":
                there &= self._column(sub.args[0], indices, rows) != 0
        return [tuple(p) if t else None for p, t in zip(found, there, strict=True)]

    def _column(self, e: Expr, indices: Sequence[Index], rows: Array) -> Array | None:
        """The values of an integer expression at each row; None where they come from data that are not given."""
        done: dict[Expr, Array] = {}
        for node in postorder(e):
            match node:
                case Const(value=value):
                    done[node] = np.full(len(rows), value)
                case Size(name=name):
                    done[node] = np.full(len(rows), self.sizes[name])
                case Index():
                    done[node] = rows[:, indices.index(node)]
                case Read(tensor=tensor, subs=subs) if tensor.name in self.data:
                    done[node] = self.data[tensor.name][tuple(done[s].astype(np.int64) for s in subs)]
                case Op(name=name, args=args) if OPS[name].exact is not None and not any(
                    has_reads(a) and a not in done for a in args
                ):
                    exact: Any = OPS[name].exact
                    done[node] = np.asarray(np.frompyfunc(exact, len(args), 1)(*(done[a] for a in args)))
                case _:
                    return None
        return done[e].astype(np.int64)

    # Walking ---------------------------------------------------------------------------------------------------------

    def _node(self, node: Node) -> None:
        if isinstance(node, Nest):
            self._plan(node)
            self._nest(node)
            return
        low, high = self._value(node.lower), self._value(node.upper)
        for i in range(low, high + 1) if node.step > 0 else range(high, low - 1, -1):
            self.env[node.var] = i
            for child in node.body:
                self._node(child)
        self.env.pop(node.var, None)

    def _value(self, e: Expr) -> int:
        (value,) = self._numbers([e])
        return value

    def _numbers(self, exprs: Sequence[Expr]) -> Point:
        indices = tuple(self.env)
        row = np.array([[self.env[i] for i in indices]], np.int64).reshape(1, len(indices))
        found = []
        for e in exprs:
            if any(isinstance(n, Index) and n not in self.env for n in postorder(e)):
                raise VerifyError(f"{e!r} is asked for outside the loop over its index")
            column = self._column(e, indices, row)
            assert column is not None
            found.append(int(column[0]))
        return tuple(found)

    def _plan(self, nest: Nest) -> None:
        """The loops that a machine runs for the nest, at the first few steps of the loops around."""
        if self.program.how is None or self.visits[nest] == FIRST:
            return
        self.visits[nest] += 1
        outer = tuple(self.env[i] for i in nest.outer)
        runs = [self.executions[s] for s in nest.statements]
        wanted = [{tuple(r.rows[k].tolist()) for at in r.at.get(outer, {}).values() for k in at} for r in runs]
        env: dict[Expr, int] = {Size(n): v for n, v in self.sizes.items()}
        env.update((i, v) for i, v in self.env.items())
        check_plan(self.program, nest, env, wanted)

    def _nest(self, nest: Nest) -> None:
        if nest.sums and len(nest.statements) > 1:
            for s in nest.statements:
                self._nest(Nest((), (), (s,)))
            return
        outer = tuple(self.env[i] for i in nest.outer)
        runs = [self.executions[s] for s in nest.statements]
        at = [r.at.get(outer, {}) for r in runs]
        for r, own in zip(runs, at, strict=True):
            if own.keys() != at[0].keys():
                odd = next(iter(own.keys() ^ at[0].keys()))
                raise VerifyError(f"{r.statement!r} and {runs[0].statement!r} share a nest, but only one runs at {odd}")
        touched: dict[tuple[Tensor, Point], tuple[Point, bool]] = {}
        frames = {
            t: self._frame(self.program.buffers[t])
            for r in runs
            for t in (r.statement.tensor, *(a.read.tensor for a in r.reads))
        }
        for point in at[0] if at else ():
            for r, own in zip(runs, at, strict=True):
                for k in own[point]:
                    for access in r.reads:
                        self._read(r, access, k, point, frames, touched)
                    self._write(r, k, point, frames, touched)

    def _frame(self, buffer: Buffer) -> tuple[Point, Point]:
        """Lowest coordinate and number of coordinates of each axis, at the current point of the loops."""
        return self._numbers(buffer.lower), self._numbers(buffer.extent)

    def _address(
        self, tensor: Tensor, coords: Point, where: Any, point: Point, frame: tuple[Point, Point] | None = None
    ) -> Point:
        buffer = self.program.buffers[tensor]
        lowers, extents = frame or self._frame(buffer)
        address = []
        for axis, (c, low, n) in enumerate(zip(coords, lowers, extents, strict=True)):
            if buffer.ring is not None and buffer.ring[0] == axis:
                address.append((c - low) % buffer.ring[1])
                continue
            if not 0 <= c - low < n:
                raise VerifyError(
                    f"{where!r} at {point} touches {_element(tensor, coords)}, outside its buffer: "
                    f"axis {axis} has {low} .. {low + n - 1}"
                )
            address.append(c - low)
        return tuple(address)

    def _read(self, r: _Execution, access: _Access, k: int, point: Point, frames: Any, touched: Any) -> None:
        coords = access.places[k] if access.places is not None else None
        if coords is None:
            return
        tensor, s = access.read.tensor, r.statement
        address = self._address(tensor, coords, s, tuple(r.rows[k].tolist()), frames[tensor])
        if tensor.given:
            return
        memory = self.memory[tensor]
        if memory.holds.get(address) != coords:
            there = memory.holds.get(address)
            raise VerifyError(
                f"{self._at(r, k)} reads {_element(tensor, coords)}, but there is {_element(tensor, there)}"
                if there is not None
                else f"{self._at(r, k)} reads {_element(tensor, coords)}, which is not written yet"
            )
        if not self._complete(tensor, coords):
            raise VerifyError(
                f"{self._at(r, k)} reads {_element(tensor, coords)}, which has {memory.count[coords]} of its "
                f"{memory.wanted[coords]} contributions"
            )
        before = touched.setdefault((tensor, address), (point, False))
        if before[0] != point:
            if before[1]:
                raise VerifyError(
                    f"{self._at(r, k)} reads what the independent point {before[0]} of its nest writes: "
                    f"{_element(tensor, coords)}"
                )
            touched[tensor, address] = (("many",), False)

    def _write(self, r: _Execution, k: int, point: Point, frames: Any, touched: Any) -> None:
        s = r.statement
        coords = r.write.places[k] if r.write.places is not None else None
        if coords is None:
            return
        memory = self.memory[s.tensor]
        address = self._address(s.tensor, coords, s, tuple(r.rows[k].tolist()), frames[s.tensor])
        if touched.setdefault((s.tensor, address), (point, True))[0] != point:
            raise VerifyError(
                f"{self._at(r, k)} writes {_element(s.tensor, coords)}, which another, independent point touches"
            )
        touched[s.tensor, address] = (point, True)
        if s.mode == "set":
            if coords in memory.count:
                raise VerifyError(f"{self._at(r, k)} sets {_element(s.tensor, coords)} again")
            memory.holds[address] = coords
            starts = _is_identity(s.value, self.program.system.by_tensor[s.tensor].reduce, s.tensor)
            memory.count[coords] = 0 if starts and coords not in memory.constant else 1
            if starts and coords in memory.constant:
                memory.unsure.add(coords)
            return
        if memory.holds.get(address) != coords:
            raise VerifyError(f"{self._at(r, k)} adds to {_element(s.tensor, coords)}, which has no start value there")
        memory.count[coords] += 1
        if memory.count[coords] > memory.wanted[coords] and coords in memory.unsure:
            memory.unsure.remove(coords)  # what was set was the start
            memory.count[coords] -= 1
        if memory.certain and memory.count[coords] > memory.wanted[coords]:
            raise VerifyError(f"{self._at(r, k)} is one contribution too many to {_element(s.tensor, coords)}")

    def _complete(self, tensor: Tensor, coords: Point) -> bool:
        memory = self.memory[tensor]
        return coords in memory.count and (not memory.certain or memory.count[coords] == memory.wanted[coords])

    def _at(self, r: _Execution, k: int) -> str:
        names = [f"{i.name} = {v}" for i, v in zip(r.statement.domain.indices, r.rows[k].tolist(), strict=True)]
        return f"{r.statement!r} at {', '.join(names) or 'its one point'}"


def _is_identity(value: Expr, reduce: str, tensor: Tensor) -> bool:
    """Whether a value is what a reduction starts from."""
    if reduce == "assign" or not isinstance(value, Const):
        return False
    identity = REDUCTIONS[reduce].identity
    if tensor.kind == "int" and not np.isfinite(identity):
        identity = np.iinfo(np.int64).max if identity > 0 else np.iinfo(np.int64).min
    return bool(value.value == identity)


def _element(tensor: Tensor, coords: Point) -> str:
    return f"{tensor.name}{list(coords)}"
