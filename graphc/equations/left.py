"""Left sides: which tensor, which elements, and the index set that the declared dimensions give."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy as sp

from graphc.equations.domain import Domain, is_affine
from graphc.equations.errors import DefinitionError, UnsupportedError
from graphc.equations.expr import Const, Expr, Index, indices_of, postorder
from graphc.equations.infer import Ranges, Scope, within
from graphc.equations.lift import Lifter, Operand
from graphc.equations.names import Names, Written
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.language import symbols as sy
from graphc.language.notation import D


@dataclass(frozen=True, eq=False)
class Left:
    """The left side of an equation: `tensor[subs]`, perhaps with axes left away."""

    written: Written
    tensor: sy.Tensor
    subs: tuple[sp.Expr, ...]


@dataclass(frozen=True, eq=False)
class Parsed:
    """A left side lifted: its subscripts, those of the axes left away, and what the user's indices stand for."""

    write: tuple[Expr, ...]
    axes: tuple[Index, ...]
    env: Mapping[sp.Basic, Expr]


@dataclass(frozen=True, eq=False)
class Draft:
    """One of the user's equations as expressions: the left side, the value, what its convolutions read. `scope` are
    the points of the left side, where they are known."""

    left: Left
    tensor: Tensor
    parsed: Parsed
    value: Expr
    operands: tuple[Operand, ...]
    scope: Scope | None


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
    symbols = sorted(
        {s for sub in left.subs for s in sub.free_symbols if isinstance(s, sy.Index)}, key=lambda s: s.name
    )
    order = [s for sub in left.subs for s in symbols if s in sub.free_symbols]
    env: dict[sp.Basic, Expr] = {s: Index(s.name) for s in dict.fromkeys(order)}
    names.keep.append(env)
    if any(sub.atoms(sy.Tensor) for sub in left.subs):
        raise w.error(
            UnsupportedError, f"the left side {w.eq.lhs} has a subscript read from data",
            f"Say for each element what it is: {left.tensor}[k] = Sum(Piecewise((.., Eq(index[i], k)), (0, True)), i)",
        )  # fmt: skip
    lifter.shape(w.eq.lhs)
    write = tuple(lifter.subscript(w.eq.lhs, s, env) for s in left.subs)
    axes = tuple(lifter.axis() for _ in range(rank - len(write)))
    return Parsed(write + axes, axes, env)


def scope_of(p: Parsed, left: Left, names: Names, ranges: Ranges) -> Scope:
    """The index points at which the written element lies in the declared box; a constant subscript may lie outside."""
    w = left.written
    for s, e in zip(left.subs, p.write, strict=False):
        if not is_affine(e):
            raise w.error(
                UnsupportedError,
                f"the subscript {s} on the left is not affine",
                "Use sums and multiples of indices, and sizes",
            )
    tensor = names.tensor(left.tensor)
    dims = tensor.dims
    of_user = [i for e in p.env.values() for i in postorder(e) if isinstance(i, Index)]
    indices = tuple(dict.fromkeys([*of_user, *p.axes]))
    own, pending = _ranges_of_their_own(p, names, ranges, indices)
    conditions = [c for s, d in zip(p.write, dims, strict=True) if indices_of(s) for c in within(s, d)]
    conditions += own
    _refuse_beyond_blocks(p.write, tensor, own, pending, w)
    conditions += _in_blocks(p.write, pending, ranges)
    pending = _bounded(p.write, dims, pending, ranges)
    scope = Scope(indices, tuple(conditions), write=p.write)
    if pending or not _one_to_one(scope):
        what = f"the left side {w.eq.lhs} writes one element from several values of its indices"
        raise w.error(DefinitionError, what, "Give each index an axis of its own")
    return scope


def _ranges_of_their_own(
    p: Parsed, names: Names, ranges: Ranges, indices: Sequence[Index]
) -> tuple[list[Expr], set[Index]]:
    """The conditions of the indices that have a range of their own, and the other indices."""
    own: list[Expr] = []
    pending = set(indices)
    for symbol, stands_for in p.env.items():
        extent = getattr(symbol, "extent", None)
        if extent is not None and isinstance(stands_for, Index):
            high = names.integer(extent)
            own += within(stands_for, high)
            ranges.bounds[stands_for] = Const(0), high
            pending.discard(stands_for)
    return own, pending


def _refuse_beyond_blocks(
    write: Sequence[Expr], tensor: Tensor, own: Sequence[Expr], pending: set[Index], w: Written
) -> None:
    """Of two indices that make one axis, `h*D + d`, the inner must stay in its block: the next one begins there."""
    for axis in tensor.joined:
        sub, dim = write[axis], tensor.dims[axis]
        found = indices_of(sub)
        if sub in pending or not found:
            continue
        box = Domain.where(tuple(found), *(c for c in own if indices_of(c) <= found))
        if found & pending or not (box - box.restrict(*within(sub, dim))).is_empty():
            raise w.error(
                UnsupportedError,
                f"{sub!r} leaves its block of {dim!r} elements, in which {w.eq.lhs} counts",
                "Give the index a range within the block, or give the axis its blocks as axes",
            )


def _in_blocks(write: Sequence[Expr], pending: set[Index], ranges: Ranges) -> list[Expr]:
    """Several indices without a range that make one axis, `8*h + d`, count in blocks: nothing else tells them apart."""
    conditions: list[Expr] = []
    for sub in write:
        parts, _ = affine_parts(sub)
        free = [(k, i) for i, k in parts.items() if isinstance(i, Index) and i in pending]
        for (step, index), (above, _) in itertools.pairwise(sorted(free, key=lambda part: part[0])):
            if step < 1 or above % step or above == step or indices_of(sub) - pending:
                break
            high = Const(above // step)
            conditions += within(index, high)
            ranges.bounds[index] = Const(0), high
            pending.discard(index)
    return conditions


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
