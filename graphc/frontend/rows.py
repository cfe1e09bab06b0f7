"""Reductions inside a reduction whose limits come from data: `Sum(exp(Sum(x[col[e], f], f)), (e, ptr[n], ptr[n+1]-1))`.

The inner one needs a tensor of its own, at the points within the limits only. Over the index n of the row and the place
in it, that would have as many elements as there are rows, times as many as the longest could have. But the inner one
is a function of e, and e says in which row it is: its tensor has one axis, that of e (`Placed`), and

    mark[ptr[n] + k] += n + 1     for all points k of all rows

says which of its elements are needed (mark > 0), and of which row they are. Where rows may overlap and the inner one
depends on the row, the tensor has both axes, and the outer condition (`guarded`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Index, Read, all_of, indices_of, make, reads, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Equation, Tensor, Term
from graphc.frontend.ranges import Scope, within
from graphc.frontend.reduce import Bound, Reduce, all_indices, all_reads, reduces, renamed

if TYPE_CHECKING:
    from graphc.frontend.terms import Builder

ZERO, ONE = Const(0), Const(1)
_NOTHING = {"prod": ONE, "max": Const(-math.inf), "min": Const(math.inf)}


@dataclass(frozen=True, eq=False)
class Row:
    """The points of an index whose limits come from data: `index`, which counts from 0 on, stands for `place`, where
    the condition `there` holds. `ends` are the limits as read, start and (beyond the last) end."""

    index: Index
    place: Expr
    there: Expr
    ends: tuple[Expr, Expr]

    @property
    def around(self) -> set[Index]:
        """The indices on which the limits depend."""
        return (indices_of(self.place) | indices_of(self.there)) - {self.index}

    @property
    def owner(self) -> Index | None:
        """The index of which rows at different values have nothing in common, as long as starts do not decrease: one
        row ends where the next begins."""
        return None if self.starts is None else next(iter(indices_of(self.starts[0])))

    @property
    def starts(self) -> tuple[Expr, Expr] | None:
        """Where the owner stands in the subscripts of the limits, and how long that axis is."""
        low, high = self.ends
        if not (isinstance(low, Read) and isinstance(high, Read) and low.tensor is high.tensor):
            return None
        moved = [(a, b, d) for a, b, d in zip(low.subs, high.subs, low.tensor.dims, strict=True) if a is not b]
        if len(moved) != 1 or moved[0][0] + 1 is not moved[0][1]:
            return None
        parts, _ = affine_parts(moved[0][0])
        index = next((leaf for leaf, k in parts.items() if isinstance(leaf, Index) and k == 1), None)
        others = [s for s in low.subs if s is not moved[0][0]]
        if index is None or len(parts) > 1 or any(index in indices_of(s) for s in others):
            return None
        return moved[0][0], moved[0][2]

    def mapped(self, visit: Callable[[Expr], Expr]) -> Row:
        low, high = self.ends
        return replace(self, place=visit(self.place), there=visit(self.there), ends=(visit(low), visit(high)))


class Placed(Reduce):
    """No reduction, but `body`, a function of the one bound index, at the place of a row's point. `by` is the index of
    the row that the body depends on, if it does."""

    __slots__ = ("by", "row")
    row: Row
    by: Index | None

    def __init__(self, bound: tuple[Bound, ...], body: Expr, row: Row, by: Index | None) -> None:
        super().__init__("at", bound, body)
        self.row, self.by = row, by

    @property
    def beside(self) -> set[Index]:
        return self.row.around | {self.row.index}

    def rebuilt(self, bound: tuple[Bound, ...], body: Expr, visit: Callable[[Expr], Expr] = lambda e: e) -> Expr:
        row = self.row.mapped(visit)
        if self.by is not None and row.owner is not visit(self.by):
            return renamed(guarded(body, row.there), {bound[0].index: row.place})
        return Placed(bound, body, row, row.owner if self.by else None)


def guarded(e: Expr, condition: Expr) -> Expr:
    """`e`, whose reductions are of nothing unless the condition holds: nothing that they read is asked for."""
    mapping: dict[Expr, Expr] = {}
    for r in reduces(e):
        if isinstance(r, Placed):
            row = replace(r.row, there=make("and", condition, r.row.there))
            mapping[r] = Placed(r.bound, r.body, row, r.by)
        else:
            nothing = _NOTHING.get(r.op, ZERO) if r.body.kind == "real" else ZERO
            mapping[r] = r.rebuilt(r.bound, make("select", condition, guarded(r.body, condition), nothing))
    return substitute(e, mapping)


# -- which tensor an inner reduction gets -----------------------------------------------------------------------------


def apart(body: Expr, rows: Mapping[Index, tuple[Row, Expr | None]], recurrent: Collection[Tensor]) -> Expr:
    """The body of a reduction over these rows, whose indices stand for places in it, with the reductions inside it that
    depend on a place as functions of that; the others as they are, within the condition.

    `rows`: {index: (row, length of the axis on which it stands alone)}. What `recurrent` tensors are needed for must
    stay at their own step."""
    mapping: dict[Expr, Expr] = {}
    for r in reduces(body):
        inner = all_indices(r)
        used = [i for i in rows if i in inner]
        if not used:
            continue
        row, dim = rows[used[0]]
        needs = {read.tensor for read in (*all_reads(r), *reads(row.place), *reads(row.there))}
        if len(used) == 1 and dim is not None and not needs & set(recurrent):
            by = row.owner if row.owner in inner else None
            if by is not None and _may_be_data(by, r):
                mapping[r] = _function(used[0], dim, r, row, by)
                continue
            if not row.around <= inner or not (row.around or is_affine(row.place)):
                mapping[r] = _function(used[0], dim, r, row, None)
                continue
        mapping[r] = guarded(r, all_of(rows[i][0].there for i in used))
    return substitute(body, mapping)


def _function(index: Index, dim: Expr, r: Reduce, row: Row, by: Index | None) -> Placed:
    place = Index(index.name)
    return Placed((Bound(place, ZERO, dim),), renamed(r, {index: place}), row, by)


def _may_be_data(index: Index, e: Expr) -> bool:
    """Whether data may stand in the place of an index: no range follows from where it stands."""
    for r in reduces(e):
        ends = [end for b in r.bound for end in (b.low, b.high) if end is not None]
        if any(index in indices_of(end) for end in ends) or (isinstance(r, Placed) and index is r.by):
            return False
        own = {b.index for b in r.bound}
        subs = [s for read in all_reads(r.body) for s in read.subs]
        if any(index in indices_of(s) and own & indices_of(s) for s in subs) or not _may_be_data(index, r.body):
            return False
    return True


# -- the tensors ------------------------------------------------------------------------------------------------------


def placed(builder: Builder, scope: Scope, e: Placed) -> Expr:
    """A read, at the place of the row's point, of the tensor that holds the value for each place in a row."""
    (b,) = e.bound
    assert b.high is not None
    free = builder.free(e.body) - {b.index}
    by = e.by
    around = e.row.around if by is not None else e.row.around & free
    keep = tuple(i for i in scope.indices if i in around and i is not by)
    others = tuple(i for i in scope.indices if (i in free or i in keep) and i is not by)
    mark = Read(_marks(builder, scope, e.row, keep, by, b.high), (*(_from_zero(builder, i) for i in keep), b.index))
    value = e.body
    if by is not None:
        value = renamed(value, {by: mark - 1 + builder.ranges.bounds[by][0]})
    value = guarded(value, make("gt", mark, ZERO))
    base = scope.domain.project(others)
    inner = Scope(others, base=base).with_(within(b.index, b.high), indices=(b.index,))
    builder.ranges.resolve(value, set(inner.indices), builder.written)
    return substitute(builder.extract(inner, value), {b.index: e.row.place})


def _from_zero(builder: Builder, index: Index) -> Expr:
    return index - builder.ranges.bounds[index][0]


def _marks(builder: Builder, scope: Scope, row: Row, keep: tuple[Index, ...], by: Index | None, dim: Expr) -> Tensor:
    """The tensor that says, for the indices `keep` and each place, whether it is in a row, and in which (`by`)."""
    points = scope.domain.project([i for i in scope.indices if i is row.index or i in row.around])
    if is_affine(row.place):
        points = points.restrict(*within(row.place, dim))
    naming = {i: builder.mark(k) for k, i in enumerate(points.indices)}
    named = [builder.fingerprint(x, naming) for x in (row.place, row.there, *keep, *((by,) if by else ()))]
    for tensor, where in builder.marked.get((*named, dim), []):
        if points.set.is_equal(where):
            return tensor
    dims = tuple(builder.ranges.bounds[i][1] - builder.ranges.bounds[i][0] for i in keep)
    tensor = Tensor(builder.fresh_name("row"), (*dims, dim), "tensor", "int", origin=builder.written.origin)
    builder.marked.setdefault((*named, dim), []).append((tensor, points.set))
    write = tuple(_from_zero(builder, i) for i in keep)
    value = ONE if by is None else _from_zero(builder, by) + 1
    terms = [_put(points, write, row.there, row.place, value, builder)]
    if by is not None:
        terms.append(_ascending(builder, points, row, by, write))
    place = Index(row.index.name)
    defined = points.project(keep).extend([place]).restrict(*within(place, dim)).image((*write, place))
    builder.auxiliaries.append(Equation(tensor, "sum", defined, tuple(terms), builder.written.origin))
    return tensor


def _ascending(builder: Builder, points: Domain, row: Row, by: Index, write: tuple[Expr, ...]) -> Term:
    """Nothing, as long as starts do not decrease; where they do, rows may overlap, and this is a place outside."""
    assert row.starts is not None
    sub, count = row.starts
    low, high = row.ends
    others = [i for i in points.indices if i in row.around and i is not by]
    everywhere = points.project(others).extend([by]).restrict(*within(sub, count - 1))
    return _put(everywhere, write, make("lt", high, low), make("minimum", high - low, Const(-1)), ONE, builder)


def _put(points: Domain, write: tuple[Expr, ...], there: Expr, place: Expr, value: Expr, builder: Builder) -> Term:
    return Term(
        points, (*write, make("only", there, place)), make("select", there, value, ZERO), builder.written.origin
    )
