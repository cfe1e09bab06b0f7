"""Left sides: which tensor, which elements, and the index set that the declared dimensions give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from graphc.equations.domain import is_affine
from graphc.equations.errors import DefinitionError, UnsupportedError
from graphc.equations.expr import Const, Expr, Index, indices_of
from graphc.equations.infer import Ranges, Scope, within
from graphc.equations.lift import Lifter
from graphc.equations.names import Names, Written
from graphc.equations.reduce import Reduce
from graphc.equations.simplify import affine_parts
from graphc.language import reductions as rd
from graphc.language import symbols as sy
from graphc.language.notation import D

MEETING = (rd.Sum, rd.Prod, rd.amax, rd.amin)  # reductions that say what becomes of several contributions


@dataclass(frozen=True, eq=False)
class Left:
    """The left side of an equation: `tensor[subs]`, perhaps with axes left away."""

    written: Written
    tensor: sy.Tensor
    subs: tuple[sp.Expr, ...]


@dataclass(frozen=True, eq=False)
class Parsed:
    """A left side lifted: its subscripts, those of the axes left away, and what the user's indices stand for. An index
    of its own stands for a subscript read from data: `places` says for which."""

    write: tuple[Expr, ...]
    axes: tuple[Index, ...]
    env: Mapping[sp.Basic, Expr]
    places: Mapping[Index, sp.Expr]


def target(w: Written) -> Left:
    """The tensor that an equation defines."""
    left = w.eq.lhs
    base, subs = (left.base, left.subs_) if isinstance(left, sy.Access) else (left, ())
    if not isinstance(base, sy.Tensor):
        raise w.error(
            DefinitionError,
            f"the left side {left} is not a tensor or an element of one",
            "Name what the equation defines: Eq(y[i], ..)",
        )
    if isinstance(base, D):
        raise w.error(
            DefinitionError, f"{base} stands on the left, but a gradient is defined by its loss", "Give it another name"
        )
    if base.role != "tensor":
        what = "an input" if base.role == "input" else "a parameter"
        raise w.error(
            DefinitionError,
            f"{base} is {what}, given at the call; an equation cannot define it",
            f'Define a tensor: gc.Tensor("{base}_next", ..)',
        )
    return Left(w, base, subs)


def parse(left: Left, names: Names, lifter: Lifter) -> Parsed:
    """Fresh indices for the left side's."""
    w, rank = left.written, left.tensor.rank
    plain = [sub for sub in left.subs if not is_from_data(sub)]
    symbols = sorted({s for sub in plain for s in sub.free_symbols if isinstance(s, sy.Index)}, key=lambda s: s.name)
    order = [s for sub in plain for s in symbols if s in sub.free_symbols]
    env: dict[sp.Basic, Expr] = {s: Index(s.name) for s in dict.fromkeys(order)}
    names.keep.append(env)
    lifter.shape(w.eq.lhs)
    if len(plain) < len(left.subs):
        _refuse_meeting(left, env)
    places = {lifter.axis(): s for s in left.subs if is_from_data(s)}
    fresh = iter(places)
    write = tuple(next(fresh) if is_from_data(s) else lifter.subscript(w.eq.lhs, s, env) for s in left.subs)
    for s, e in zip(left.subs, write, strict=True):
        if not is_affine(e):
            raise w.error(
                UnsupportedError,
                f"the subscript {s} on the left is not affine",
                "Use sums and multiples of indices, and sizes",
            )
    axes = tuple(lifter.axis() for _ in range(rank - len(write)))
    return Parsed(write + axes, axes, env, places)


def is_from_data(sub: sp.Expr) -> bool:
    """Whether a subscript on the left is read from data."""
    return bool(sub.atoms(sy.Tensor))


def _refuse_meeting(left: Left, env: Mapping[sp.Basic, Expr]) -> None:
    """Several points may be written to one place from data: only a reduction says what becomes of them."""
    w, right = left.written, left.written.eq.rhs
    free = {s for sub in left.subs if is_from_data(sub) for s in sub.free_symbols if isinstance(s, sy.Index)}
    over = sorted(str(s) for s in free - env.keys())
    bound = {str(limit[0]) for limit in right.limits} if isinstance(right, MEETING) else set()
    if not over or not bound.issuperset(over):
        one, mend = left.tensor, f"Reduce over {', '.join(over)}: Eq({w.eq.lhs}, Sum(.., {', '.join(over)}))"
        each = f"say for each element what it is: {one}[k] = Sum(Piecewise((.., Eq(index[i], k)), (0, True)), i)"
        raise w.error(
            UnsupportedError,
            f"the left side {w.eq.lhs} is at places from data, and nothing says what becomes of those that meet in one",
            f"{mend}, with nothing around the Sum (Prod, amax, amin); or {each}" if over else f"S{each[1:]}",
        )


def places_of(p: Parsed, left: Left, value: Expr, names: Names, lifter: Lifter) -> dict[Index, Expr]:
    """What the left side's subscripts from data are, at the points that the reduction on the right runs over."""
    if not p.places:
        return {}
    assert isinstance(value, Reduce)
    bound = {b.index.name: b.index for b in value.bound}
    free = {s for sub in p.places.values() for s in sub.free_symbols if isinstance(s, sy.Index)}
    env = {**p.env, **{s: bound[s.name] for s in free - p.env.keys()}}
    names.keep.append(env)
    return {index: lifter.subscript(left.written.eq.lhs, sub, env) for index, sub in p.places.items()}


def scope_of(p: Parsed, left: Left, names: Names, ranges: Ranges) -> Scope:
    """The index points at which the written element lies in the declared box; a constant subscript may lie outside."""
    w = left.written
    dims = names.tensor(left.tensor).dims
    indices = tuple(dict.fromkeys([*(e for e in p.env.values() if isinstance(e, Index)), *p.places, *p.axes]))
    conditions: list[Expr] = []
    for sub, dim in zip(p.write, dims, strict=True):
        if indices_of(sub):
            conditions += within(sub, dim)
    pending = set(indices)
    for symbol, stands_for in p.env.items():
        extent = getattr(symbol, "extent", None)
        if extent is not None and isinstance(stands_for, Index):
            high = names.integer(extent)
            conditions += within(stands_for, high)
            ranges.bounds[stands_for] = Const(0), high
            pending.discard(stands_for)
    pending = _bounded(p.write, dims, pending, ranges)
    scope = Scope(indices, tuple(conditions), write=p.write)
    if pending or not _one_to_one(scope):
        what = f"the left side {w.eq.lhs} writes one element from several values of its indices"
        raise w.error(DefinitionError, what, "Give each index an axis of its own")
    return scope


def _bounded(write: Sequence[Expr], dims: Sequence[Expr], pending: set[Index], ranges: Ranges) -> set[Index]:
    """Note the bounds that the axes give the indices, one after the other; the indices that get none."""
    for _ in range(len(pending)):
        for sub, dim in zip(write, dims, strict=True):
            unknown = indices_of(sub) & pending
            if len(unknown) == 1:
                (index,) = unknown
                ranges.solve(index, sub, dim)
                pending.discard(index)
    return pending


def _one_to_one(scope: Scope) -> bool:
    """Whether different index points write different elements."""
    single = set()
    for sub in scope.write:
        parts, _ = affine_parts(sub)
        found = indices_of(sub)
        if len(found) == 1 and next(iter(found)) in parts:
            single |= found
    if single >= set(scope.indices):
        return True
    return bool(scope.domain.access(scope.write).intersect_domain(scope.domain.set).is_injective())
