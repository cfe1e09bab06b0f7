"""Ranges of indices, in rounds a reader can follow, and the finite support that a Sum grants its factors.

A bound index gets its range from (1) its limits or its own range; else (2) the axes at which it stands alone, 0 .. n-1;
else (3) an affine subscript in which it is the only index without a range. What is left is an error that asks for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, factors, indices_of, make
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.errors import DefinitionError, ShapeError, UnsupportedError
from graphc.frontend.names import Written
from graphc.frontend.reduce import Bound, Reduce, all_reads, reduces

ZERO = Const(0)
Inside = tuple[tuple[Expr, ...], isl.Set]


def within(sub: Expr, dim: Expr) -> tuple[Expr, Expr]:
    """0 <= sub < dim."""
    return between(sub, ZERO, dim)


def between(sub: Expr, low: Expr, high: Expr) -> tuple[Expr, Expr]:
    """low <= sub < high."""
    return make("ge", sub, low), make("lt", sub, high)


@dataclass(frozen=True, eq=False)
class Scope:
    """Index points under construction: conditions, subscripts confined to sets, written elements taken away."""

    indices: tuple[Index, ...]
    conditions: tuple[Expr, ...] = ()
    inside: tuple[Inside, ...] = ()
    write: tuple[Expr, ...] = ()
    minus: tuple[isl.Set, ...] = ()
    base: Domain | None = None  # conditions start from this set instead of from all points

    def with_(
        self, conditions: tuple[Expr, ...] = (), inside: tuple[Inside, ...] = (), indices: tuple[Index, ...] = ()
    ) -> Scope:
        if not (conditions or indices or inside):
            return self
        return replace(
            self, indices=self.indices + indices, conditions=self.conditions + conditions, inside=self.inside + inside
        )

    def without(self, indices: Collection[Index]) -> Scope:
        """The scope without indices of which only their own range is known."""
        if not indices:
            return self
        conditions = tuple(c for c in self.conditions if not indices_of(c) & set(indices))
        return replace(self, indices=tuple(i for i in self.indices if i not in indices), conditions=conditions)

    @cached_property
    def domain(self) -> Domain:
        points = Domain.where(self.indices, *dict.fromkeys(self.conditions))
        if self.base is not None:
            points = points & self.base.extend(self.indices[len(self.base.indices) :])
        for subs, allowed in self.inside:
            points = points.inside(subs, allowed)
        for taken in self.minus:
            points = points.with_set(sets.subtract(points.set, sets.preimage(taken, points.access(self.write))))
        return points.with_set(sets.coalesce(points.set)) if self.minus or self.inside else points


@dataclass(eq=False)
class Ranges:
    """What is known of the indices of one system. `bounds` gives low <= index < high for each, for sizing tensors."""

    supports: dict[Tensor, isl.Set] = field(default_factory=dict)
    ruled: set[Tensor] = field(default_factory=set)
    bounds: dict[Index, tuple[Expr, Expr]] = field(default_factory=dict)
    regions: dict[Reduce, tuple[Expr, ...]] = field(default_factory=dict)
    boxes: set[Reduce] = field(default_factory=set)
    places: dict[Expr, tuple[Expr, ...]] = field(default_factory=dict)  # to which a reduction's points contribute

    # -- intervals ------------------------------------------------------------------------------------------------

    def interval(self, e: Expr) -> tuple[Expr, Expr] | None:
        """Lower and upper bound (both included) of an integer expression, in sizes."""
        parts, c = affine_parts(e)
        low: Expr = Const(c)
        high: Expr = Const(c)
        for leaf, k in parts.items():
            ends = self._leaf(leaf)
            if ends is None:
                return None
            low, high = low + k * ends[k < 0], high + k * ends[k > 0]
        return low, high

    def _leaf(self, leaf: Expr) -> tuple[Expr, Expr] | None:
        match leaf:
            case Size():
                return leaf, leaf
            case Index() if leaf in self.bounds:
                low, high = self.bounds[leaf]
                return low, high - 1
            case Op(name="floordiv", args=(a, Const() as d)):
                ends = self.interval(a)
                return None if ends is None else (make("floordiv", ends[0], d), make("floordiv", ends[1], d))
            case Op(name="mod", args=(_, Const(value=d))):
                return ZERO, Const(int(d) - 1)
            case _:
                return None

    def solve(self, index: Index, sub: Expr, dim: Expr) -> None:
        """Note the bounds that 0 <= sub < dim gives `index`, where the other indices in `sub` have theirs."""
        parts, _ = affine_parts(sub)
        k = parts.get(index, 0)
        ends = self.interval(sub - k * index) if k else None
        if ends is None:
            return
        low, high = -ends[1], dim - 1 - ends[0]
        if k < 0:
            low, high, k = -high, -low, -k
        self.bounds[index] = -_over(-low, k), _over(high, k) + 1

    # -- rounds ---------------------------------------------------------------------------------------------------

    def resolve(self, value: Expr, known: set[Index], written: Written) -> None:
        """Give every reduction in `value` its region, outer ones first."""
        for r in reduces(value):
            if r in self.regions:
                continue
            self.regions[r] = self._region(r, known, written)
            self.resolve(r.body, known | set(r.indices), written)

    def _region(self, r: Reduce, known: set[Index], written: Written) -> tuple[Expr, ...]:
        conditions: list[Expr] = []
        pending: list[Index] = []
        for b in r.bound:
            conditions += self._limits(b, written)
            if b.low is None or b.high is None:
                pending.append(b.index)
        pending = self._alone(r, pending, conditions, written)
        box, before = not pending and all((b.low is None) is (b.high is None) for b in r.bound), len(conditions)
        while pending:
            left = self._affine(r, pending, known, conditions)
            if left == pending:
                raise written.error(
                    DefinitionError, f"nothing gives the index {left[0]!r} a range",
                    _say_which(left[0], r),
                )  # fmt: skip
            pending = left
        self._refuse_nowhere(r, conditions[before:], written)
        own = set(r.indices)
        if box and not any(indices_of(e) & own for b in r.bound for e in (b.low, b.high) if e is not None):
            self.boxes.add(r)
        return tuple(conditions)

    def _refuse_nowhere(self, r: Reduce, conditions: list[Expr], written: Written) -> None:
        """A range that no point of any size is in: its reads are meant for different points, under conditions."""
        indices = tuple(dict.fromkeys(i for c in conditions for i in indices_of(c)))
        if conditions and Domain.where(indices, *conditions).is_empty():
            names = " and ".join(i.name for i in r.indices)
            reads = ", ".join(dict.fromkeys(as_written(x, written) for x in all_reads(r.body)))
            raise written.error(
                DefinitionError,
                f"no {names} keeps all subscripts inside: {reads}",
                f"Give a range, and conditions to each read: ({r.indices[0].name}, 0, 2) in the reduction",
            )

    def _limits(self, b: Bound, written: Written) -> list[Expr]:
        """low <= index < high, as far as given; a Max below and a Min above are several limits."""
        index = b.index
        lows = [] if b.low is None else arms(b.low, "maximum")
        highs = [] if b.high is None else arms(b.high, "minimum")
        for end in (*lows, *highs):
            if not is_affine(end):
                what = f"the range of {index!r} ends at {end!r}, which is not affine"
                raise written.error(UnsupportedError, what, "Use sums and multiples of indices and sizes")
        below = [ends[0] for e in lows if (ends := self.interval(e))]
        above = [ends[1] for e in highs if (ends := self.interval(e))]
        if below and above:
            self.bounds[index] = below[0], above[0]
        return [make("ge", index, e) for e in lows] + [make("lt", index, e) for e in highs]

    def _reads(self, r: Reduce) -> Iterator[Read]:
        for e in (r.body, *self.places.get(r, ())):
            yield from all_reads(e)

    def _alone(self, r: Reduce, pending: list[Index], conditions: list[Expr], written: Written) -> list[Index]:
        """Round 2: indices that stand alone at an axis."""
        found: dict[Index, dict[Expr, Read]] = {}
        for read in self._reads(r):
            for sub, dim in _axes(read):
                if isinstance(sub, Index) and sub in pending:
                    found.setdefault(sub, {}).setdefault(dim, read)
        for index, dims in found.items():
            (first, read), *others = dims.items()
            for dim, other in others:
                if not (r.op == "sum" and _differ_by_constant(first, dim)):
                    raise written.error(
                        ShapeError,
                        f"the index {index!r} runs over an axis of size {first!r} in {as_written(read, written)} "
                        f"and over one of size {dim!r} in {as_written(other, written)}",
                        f"Give it a range if that is meant: ({index!r}, 0, {first!r} - 1)",
                    )
                conditions += within(index, dim)
            conditions += within(index, first)
            self.bounds[index] = ZERO, first
        return [i for i in pending if i not in found]

    def _affine(self, r: Reduce, pending: list[Index], known: set[Index], conditions: list[Expr]) -> list[Index]:
        """Round 3: subscripts in which one index has no range yet; what is left after it."""
        lifted = set(factors(r.body)) if r.op == "sum" else set()
        done: set[Index] = set()
        for read in self._reads(r):
            for sub, dim in _axes(read):
                free = indices_of(sub)
                open_ = free & set(pending)
                ranged = known | set(r.indices)
                if len(open_) != 1 or not free <= ranged or not is_affine(sub):
                    continue
                (index,) = open_
                done.add(index)
                self.solve(index, sub, dim)
                if read not in lifted or read.tensor in self.ruled:
                    conditions += within(sub, dim)
        return [i for i in pending if i not in done]

    # -- finite support -------------------------------------------------------------------------------------------

    def licence(self, value: Expr, over: tuple[Index, ...]) -> tuple[tuple[Expr, ...], tuple[Inside, ...]]:
        """Where the factors of `value` are inside, in the subscripts that contain an index of `over`."""
        conditions: list[Expr] = []
        inside: list[Inside] = []
        summed = set(over)
        for read in factors(value):
            if read.tensor in self.ruled:
                continue
            blocks = read.tensor.joined
            axes = [k for k, s in enumerate(read.subs) if indices_of(s) & summed and is_affine(s) and k not in blocks]
            if not axes:
                continue
            support = self.supports.get(read.tensor)
            if support is None:
                for k in axes:
                    if not self._implied(read.subs[k], read.tensor.dims[k]):
                        conditions += within(read.subs[k], read.tensor.dims[k])
            else:
                allowed = _allowed(support, axes)
                subs = read.subs if allowed[1] else tuple(read.subs[k] for k in axes)
                if all(is_affine(s) for s in subs):
                    inside.append((subs, allowed[0]))
        return tuple(conditions), tuple(inside)

    def _implied(self, sub: Expr, dim: Expr) -> bool:
        return isinstance(sub, Index) and self.bounds.get(sub) == (ZERO, dim)


def _axes(read: Read) -> list[tuple[Expr, Expr]]:
    """The (subscript, dimension) that can give an index its range: a subscript that leaves a block of an axis that
    counts in blocks may be inside the whole."""
    blocks = read.tensor.joined
    return [(s, d) for k, (s, d) in enumerate(zip(read.subs, read.tensor.dims, strict=True)) if k not in blocks]


def _say_which(index: Index, r: Reduce) -> str:
    """The mend for an index without a range: that of the block it counts in, if it does."""
    blocks = [
        d for read in all_reads(r.body) for k, d in enumerate(read.tensor.dims)
        if k in read.tensor.joined and read.subs[k] is index
    ]  # fmt: skip
    most, last = (repr(blocks[0]), f"{blocks[0]!r} - 1") if blocks else ("3", "2")
    return f'Say which: {index!r} = gc.index("{index!r}", {most}), or ({index!r}, 0, {last}) in the reduction'


def arms(e: Expr, op: str) -> list[Expr]:
    """The expressions whose largest (op "maximum") or smallest ("minimum") is `e`."""
    parts, _ = affine_parts(e)
    for leaf, k in parts.items():
        if isinstance(leaf, Op) and leaf.name == op and k == 1:
            return [arm for a in leaf.args for arm in arms(e - leaf + a, op)]
    return [e]


def _over(e: Expr, k: int) -> Expr:
    return e if k == 1 else make("floordiv", e, Const(k))


def _allowed(support: isl.Set, axes: list[int]) -> tuple[isl.Set, bool]:
    """The elements a licensed read may touch: those of the support, and every one whose other coordinates are outside
    it anyway (a mistake of its own, left for the check). True if the set has all axes, False if only `axes`."""
    rank = support.dim(isl.dim_type.set)
    some = _project(support, [k for k in range(rank) if k not in axes])
    if len(axes) == rank:
        return support, True
    others = _project(support, axes)
    if bool(_product(others, some, axes, rank).is_subset(support)):
        return some, False
    elsewhere = _lift(others, [k for k in range(rank) if k not in axes], rank).complement()
    return sets.coalesce(sets.union(support, sets.intersect(elsewhere, _lift(some, axes, rank)))), True


def _project(points: isl.Set, away: list[int]) -> isl.Set:
    for k in reversed(away):
        points = points.project_out(isl.dim_type.set, k, 1)
    return points


def _lift(points: isl.Set, axes: list[int], rank: int) -> isl.Set:
    """`points`, whose dimensions are `axes`, as a set of all axes."""
    for k in range(rank):
        if k not in axes:
            points = points.insert_dims(isl.dim_type.set, k, 1)
    return points


def _product(others: isl.Set, some: isl.Set, axes: list[int], rank: int) -> isl.Set:
    return sets.intersect(_lift(some, axes, rank), _lift(others, [k for k in range(rank) if k not in axes], rank))


def _differ_by_constant(a: Expr, b: Expr) -> bool:
    return isinstance(a - b, Const) and not (isinstance(a, Const) or isinstance(b, Const))


def as_written(read: Read, written: Written) -> str:
    """A read as the user wrote it."""
    found = written.reads.get(read)
    if found is not None:
        return str(found[0])
    return (
        f"{read.tensor.name}[{', '.join(repr(s).replace(' ', '') for s in read.subs)}]"
        if read.subs
        else read.tensor.name
    )
