"""Left sides: which tensor, which elements, and the index set that the declared dimensions give."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import islpy as isl
import sympy as sp

from graphc.equations import sets
from graphc.equations.domain import Domain, assume, box_set, is_affine, size_name
from graphc.equations.expr import Const, Expr, Index, indices_of, postorder
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.errors import DefinitionError, ShapeError, UnsupportedError
from graphc.frontend.lift import Lifter
from graphc.frontend.names import Names, Written
from graphc.frontend.ranges import Ranges, Scope, between, within
from graphc.frontend.reduce import Reduce
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


@dataclass(frozen=True, eq=False)
class Draft:
    """One of the user's equations as expressions: the left side, the value, what the left side's subscripts from data
    are. `scope` are the points of the left side, where they are known."""

    left: Left
    tensor: Tensor
    lifter: Lifter
    parsed: Parsed
    value: Expr
    places: Mapping[Index, Expr]
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
    plain = [sub for sub in left.subs if not is_from_data(sub)]
    symbols = sorted({s for sub in plain for s in sub.free_symbols if isinstance(s, sy.Index)}, key=lambda s: s.name)
    order = [s for sub in plain for s in symbols if s in sub.free_symbols]
    env: dict[sp.Basic, Expr] = {s: Index(s.name) for s in dict.fromkeys(order)}
    lifter.shape(w.eq.lhs)
    if len(plain) < len(left.subs):
        _refuse_meeting(left, env)
    places = {lifter.axis(): s for s in left.subs if is_from_data(s)}
    fresh = iter(places)
    write = tuple(next(fresh) if is_from_data(s) else lifter.subscript(w.eq.lhs, s, env) for s in left.subs)
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


def places_of(p: Parsed, left: Left, value: Expr, lifter: Lifter) -> dict[Index, Expr]:
    """What the left side's subscripts from data are, at the points that the reduction on the right runs over."""
    if not p.places:
        return {}
    assert isinstance(value, Reduce)
    bound = {b.index.name: b.index for b in value.bound}
    free = {s for sub in p.places.values() for s in sub.free_symbols if isinstance(s, sy.Index)}
    env = {**p.env, **{s: bound[s.name] for s in free - p.env.keys()}}
    return {index: lifter.subscript(left.written.eq.lhs, sub, env) for index, sub in p.places.items()}


def scope_of(p: Parsed, left: Left, lifter: Lifter, ranges: Ranges) -> Scope:
    """The index points at which the written element lies in the declared box, or beyond it where that is meant.

    Start and end values lie beyond: a constant subscript may, and indices that have a range of their own (`h[m-2]`,
    `m = gc.index("m", 2)`) where they pass a side of the box at every size. An index without one takes the range that
    a subscript of the right side gives it where this puts all of the left side beyond (`s[k-M] = s0[k]`, s0 of M)."""
    w, names, tensor = left.written, lifter.names, lifter.names.tensor(left.tensor)
    for s, e in zip(left.subs, p.write, strict=False):
        if not is_affine(e):
            raise w.error(
                UnsupportedError,
                f"the subscript {s} on the left is not affine",
                "Use sums and multiples of indices, and sizes",
            )
    of_user = [i for e in p.env.values() for i in postorder(e) if isinstance(i, Index)]
    indices = tuple(dict.fromkeys([*of_user, *p.places, *p.axes]))
    own: set[Index] = set()
    for symbol, index in p.env.items():
        extent = getattr(symbol, "extent", None)
        if extent is not None and isinstance(index, Index):
            ranges.bounds[index] = Const(0), names.integer(extent)
            own.add(index)
    for symbol, index in p.env.items():
        if isinstance(symbol, sy.Index) and isinstance(index, Index) and index not in own:
            own |= _beyond(symbol, index, p, left, lifter, ranges)
    conditions = [c for index in indices if index in own for c in between(index, *ranges.bounds[index])]
    pending = set(indices) - own
    _refuse_beyond_blocks(p.write, tensor, conditions, pending, w)
    conditions += _in_blocks(p.write, pending, ranges)
    for axis, (sub, dim) in enumerate(zip(p.write, tensor.dims, strict=True)):
        if free := indices_of(sub):
            ends = ranges.interval(sub) if free <= own and axis not in tensor.joined else None
            passed = (False, False) if ends is None else _passes(ends, dim)
            conditions += [c for c, beyond in zip(within(sub, dim), passed, strict=True) if not beyond]
    pending = _bounded(p.write, tensor.dims, pending, ranges)
    scope = Scope(indices, tuple(conditions), write=p.write)
    if pending or not _one_to_one(scope):
        what = f"the left side {w.eq.lhs} writes one element from several values of its indices"
        raise w.error(DefinitionError, what, "Give each index an axis of its own")
    return scope


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


def _beyond(symbol: sy.Index, index: Index, p: Parsed, left: Left, lifter: Lifter, ranges: Ranges) -> set[Index]:
    """Give an index without a range of its own that of a subscript on the right, if it puts the left side beyond the
    box; the index if so."""
    shifted = [(sub, dim) for sub, dim in zip(p.write, lifter.names.tensor(left.tensor).dims, strict=True)
               if indices_of(sub) == {index} and sub is not index]  # fmt: skip
    found: dict[tuple[Expr, Expr], str] = {}
    for access in _accesses(left.written.eq.rhs, symbol) if shifted else ():
        for s, d in zip(access.subs_, access.base.dims, strict=False):
            if {x for x in s.free_symbols if not isinstance(x, sy.Size)} == {symbol}:
                ranges.solve(index, lifter.subscript(access, s, p.env), lifter.names.integer(d))
                ends = [(ranges.interval(sub), dim) for sub, dim in shifted]
                taken = ranges.bounds.pop(index, None)
                if taken and any(e is not None and any(_passes((e[1], e[0]), n)) for e, n in ends):  # the near end, too
                    found.setdefault(taken, str(access))
    if not found:
        return set()
    (first, here), *others = found.items()
    if others:
        other, there = others[0]
        raise left.written.error(
            ShapeError, f"{symbol} has {_range(*first)} in {here} and {_range(*other)} in {there}",
            f'Give it a range: {symbol} = gc.index("{symbol}", {first[1]!r})',
        )  # fmt: skip
    ranges.bounds[index] = first
    return {index}


def _range(low: Expr, high: Expr) -> str:
    return f"{low!r} .. {high - 1!r}"


def _accesses(e: sp.Basic, symbol: sy.Index) -> Iterator[sy.Access]:
    """Elements of tensors in `e` outside of what binds this index."""
    todo, seen = [e], set[sp.Basic]()
    while todo:
        node = todo.pop()
        if node in seen or (isinstance(node, rd.Reduction) and symbol in node.bound_symbols):
            continue
        seen.add(node)
        if isinstance(node, sy.Access) and isinstance(node.base, sy.Tensor):
            yield node
        todo.extend(reversed(node.args))


def _passes(ends: tuple[Expr, Expr], dim: Expr) -> tuple[bool, bool]:
    """Whether at every size the first of these subscripts lies below the axis, and the second above."""
    return _never(within(ends[0], dim)[0]), _never(within(ends[1], dim)[1])


def _never(condition: Expr) -> bool:
    """Whether a condition on sizes holds at no sizes of at least 1."""
    if not is_affine(condition) or indices_of(condition):
        return False
    return is_empty_at_all_sizes(Domain.where((), condition).set)


def refuse_nothing(left: Left, scopes: Sequence[Scope], dims: Sequence[Expr]) -> None:
    """An equation with no points at all would be dropped in silence; `scopes` are its parts."""
    if not all(is_empty_at_all_sizes(s.domain.set) for s in scopes) or is_empty_at_all_sizes(box_set(dims)):
        return
    w, t = left.written, left.tensor
    if w.eq.rhs.has(sp.Piecewise, rd.Cases):
        raise w.error(
            DefinitionError, f"no condition holds at any {w.eq.lhs}, so nothing is defined",
            f"{t} has dimensions ({', '.join(map(repr, dims))}), counted from 0: mend the conditions",
        )  # fmt: skip
    example = f"{t}[m-2{', ..' * (len(dims) > 1)}]"
    raise w.error(
        DefinitionError, f"{w.eq.lhs} is no element of {t}({', '.join(map(repr, dims))}) at any value of its indices",
        f'For elements beyond the dimensions give the index a range: m = gc.index("m", 2), {example}',
    )  # fmt: skip


def is_empty_at_all_sizes(points: isl.Set) -> bool:
    """Whether there is no point at any sizes of at least 1."""
    sizes = map(size_name, points.get_var_names(isl.dim_type.param))
    return bool(sets.intersect_params(points, assume(sizes)).is_empty())


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
