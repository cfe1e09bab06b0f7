"""Reductions whose limits come from data: `Sum(x[e], (e, start[n], start[n+1] - 1))`, rows of a sparse matrix.

The index runs from 0 on, over as many points as there are, and stands for start + index: x is read at a place from
data, which the run holds to its axis. How many points there can be at all, an axis says along which the index moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import sympy as sp

from graphc.equations.domain import has_reads
from graphc.equations.expr import Const, Expr, Index, Op, Read, all_of, indices_of, make
from graphc.equations.simplify import affine_parts
from graphc.errors import DefinitionError, UnsupportedError
from graphc.frontend.guards import made_always
from graphc.frontend.names import Written, atoms
from graphc.frontend.reduce import Bound, Reduce, all_reads, merged, reduces, renamed
from graphc.frontend.rows import Row, apart
from graphc.language import reductions as rd
from graphc.language import symbols as sy

if TYPE_CHECKING:
    from graphc.frontend.lift import Env, Lifter

# What each reduction takes where there is nothing to reduce.
NOTHING: dict[type, Const] = {
    rd.Sum: Const(0), rd.Mean: Const(0), rd.Prod: Const(1), rd.amin: Const(math.inf),
    rd.amax: Const(-math.inf), rd.logsumexp: Const(-math.inf),
}  # fmt: skip


def are_data(e: sp.Basic) -> bool:
    """Whether some limit of a reduction is read from data."""
    return any(end.atoms(sy.Tensor) for limit in e.args[1:] for end in limit[1:])


def any_data(e: sp.Basic) -> bool:
    """Whether there are such limits anywhere in an expression."""
    return any(are_data(r) for r in atoms(e, rd.Reduction, sp.Sum, sp.Product))


def bind(
    lifter: Lifter, e: sp.Basic, bound: tuple[Bound, ...], at: tuple[Expr, ...], env: Env
) -> tuple[tuple[Bound, ...], Expr]:
    """The indices of a reduction and its body, which is the reduction of nothing beyond limits from data."""
    written = lifter.written
    if type(e) not in NOTHING:
        raise written.error(
            UnsupportedError, f"the limits of {e} are read from data",
            "Sum, Prod, Mean, amax, amin and logsumexp take such limits; here give a whole axis, and conditions",
        )  # fmt: skip
    starts = {b.index: b.low for b in bound if b.low is not None and b.high is not None and _by_data(b)}
    if any(indices_of(end) & starts.keys() for b in bound for end in (b.low, b.high) if end is not None):
        raise written.error(
            UnsupportedError, f"limits of {e} depend on an index whose own limits are read from data",
            "Give what is inside a tensor of its own",
        )  # fmt: skip
    rows = {
        b.index: _row(b.index, b.low, b.high)
        for b in bound
        if b.low is not None and b.high is not None and b.index in starts
    }
    standing = {i: Index(i.name) for i in rows}
    body = lifter.build(e.args[0], at, _moved(env, standing))
    found = tuple(_within(e, b, standing[b.index], body, written) if b.index in rows else b for b in bound)
    if reduces(body):
        body = _nested(lifter, body, {standing[i]: row for i, row in rows.items()})
    else:
        body = lifter.build(e.args[0], at, _moved(env, {i: row.place for i, row in rows.items()}))
    return found, make("select", all_of(row.there for row in rows.values()), body, NOTHING[type(e)])


def _row(index: Index, low: Expr, high: Expr) -> Row:
    return Row(index, low + index, make("lt", low + index, high), (low, high))


def _moved(env: Env, places: Mapping[Index, Expr]) -> Env:
    return {name: places.get(i, i) if isinstance(i, Index) else i for name, i in env.items()}


def _nested(lifter: Lifter, body: Expr, rows: Mapping[Index, Row]) -> Expr:
    """A body with reductions, at indices that are places in rows, at the points of the rows."""
    made = list(_reads_made(body))
    places = {place: row.place for place, row in rows.items()}
    for read in all_reads(body):
        if read in lifter.written.reads:
            lifter.written.reads.setdefault(renamed(read, places), lifter.written.reads[read])  # type: ignore[arg-type]
    return renamed(apart(body, {i: (row, _alone(i, made)) for i, row in rows.items()}, lifter.recurrent), places)


def _alone(index: Index, made: Iterable[Read]) -> Expr | None:
    """The length of an axis at which an index stands alone, where that is read in any case."""
    return next((d for r in made for s, d in zip(r.subs, r.tensor.dims, strict=True) if s is index), None)


def mean(fresh: Callable[[], tuple[tuple[Bound, ...], Expr]]) -> Expr:
    """The sum over the number of points."""
    bound, body = fresh()
    again, other = fresh()
    assert isinstance(other, Op)
    count = Reduce("sum", again, make("select", other.args[0], Const(1), Const(0)))
    return make("div", merged("sum", bound, make("toreal", body) if body.kind != "real" else body), count)


def _by_data(b: Bound) -> bool:
    return any(end is not None and has_reads(end) for end in (b.low, b.high))


def _within(e: sp.Basic, b: Bound, place: Index, body: Expr, written: Written) -> Bound:
    """An index with the range 0 .. n, where n is the length of an axis along which its place moves a read that is made
    always: n + 1 places on it are not all inside, so that the run notes any range that is longer."""
    for read in _reads_made(body):
        for sub, dim in zip(read.subs, read.tensor.dims, strict=True):
            parts, _ = affine_parts(sub)
            if place in parts and not any(place in indices_of(p) for p in parts if p is not place):
                return Bound(b.index, Const(0), dim + 1)
    raise written.error(
        DefinitionError, f"the limits of {b.index!r} are read from data, and nothing says how many points there can be",
        f"Read a tensor at {b.index!r}, under no condition: Sum(x[{b.index!r}], ..)",
    )  # fmt: skip


def _reads_made(body: Expr) -> Iterator[Read]:
    for node in made_always(body):
        if isinstance(node, Read):
            yield node
        elif isinstance(node, Reduce):
            yield from _reads_made(node.body)
