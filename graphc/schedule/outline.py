"""Code that several nests share: one routine for each *shape* of nest.

Matrix products, batched products, convolutions, their gradients and recurrent steps differ in strides and extents, not
in what the inner loops do; and layers of one kind compute alike. A nest over a box whose accesses are affine may
therefore be a routine of pointers, strides and extents. A contraction always is one: its key says per access and index
whether the stride is 0, 1 or a number given at run time, so that the eight of the seed RNN and its gradient are two.
Any other nest is one where its shape occurs again: compiling it once is worth the call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphc.equations.bounds import Bounds
from graphc.equations.domain import Domain, is_plain
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, above_reads, indices_of, reads, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.schedule.costs import DEPTH, FAN, ROWS, WINDOWS
from graphc.schedule.exact import compares_rounded
from graphc.schedule.facts import Facts
from graphc.schedule.moves import is_box, pack
from graphc.schedule.program import Statement
from graphc.schedule.tiles import Plan
from graphc.schedule.tree import Call, Clear, Do, For, Guard, Keep, Packed, Routine, Tree, nodes_of

Group = tuple[Bounds, ...]


@dataclass(frozen=True, eq=False)
class Shape:
    """What a routine is made of: two of equal `key` share one. Strides and extents are numbers or arguments' names."""

    key: object
    tree: Tree
    roles: tuple[str, ...]
    groups: tuple[Group, ...]
    reads: tuple[Read, ...]
    strides: tuple[tuple[int | str, ...], ...]
    extents: tuple[int | None, ...]
    integers: tuple[Expr, ...]
    contraction: bool

    @property
    def statements(self) -> list[Statement]:
        return statements_of(self.tree)


def statements_of(tree: Tree) -> list[Statement]:
    """The statements of a tree, in order."""
    found: list[Statement] = []
    for node in tree:
        match node:
            case For(body=body) | Guard(body=body):
                found += statements_of(body)
            case Do(statement=s):
                found.append(s)
            case Keep(terms=terms):
                found += [s for s, _ in terms]
    return found


def shape_of(tree: Tree, groups: Sequence[Group], roles: Sequence[str], facts: Facts, contraction: bool) -> Shape:
    """The shape of loops over a box; of a contraction, whose extents are all arguments, as few shapes as can be."""
    statements = statements_of(tree)
    touched: dict[Read, None] = {}
    for s in statements:
        touched.update(dict.fromkeys([Read(s.tensor, s.write), *reads(s.value)]))
    strides = {r: _strides(r, groups, roles, facts, contraction) for r in touched}
    operands = list(touched)
    if contraction:  # in the order of their shapes, so that `A*B` and `B*A` are one
        operands = operands[:1] + sorted(operands[1:], key=lambda r: str(_plain(strides[r])))
    named = _named([strides[r] for r in operands], contraction)
    extents = [None if contraction else facts.length(g[-1]) for g in groups]
    integers = dict.fromkeys(n for s in statements for n in above_reads(s.value) if isinstance(n, Index | Size))
    places: dict[Expr, tuple[str, int]] = {r: ("read", k) for k, r in enumerate(operands)}
    places |= {n: ("integer", k) for k, n in enumerate(integers)}
    numbers = {g[-1].index: k for k, g in enumerate(groups)}
    key = (
        contraction,
        tuple(roles),
        named,
        tuple(extents),
        tuple(r.kind for r in operands),
        _written_twice(statements, operands),
        _tree_key(tree, places, numbers),
    )
    return Shape(
        key, tree, tuple(roles), tuple(groups), tuple(operands), named, tuple(extents), tuple(integers), contraction
    )


def _strides(
    r: Read, groups: Sequence[Group], roles: Sequence[str], facts: Facts, contraction: bool
) -> tuple[int | Expr, ...]:
    found: list[int | Expr] = []
    for group, role in zip(groups, roles, strict=True):
        stride = facts.stride(r, group[-1].index)
        known = int(stride.value) if isinstance(stride, Const) else None
        if known is None or (contraction and known and (role != "vec" or not 0 < known <= WINDOWS)):
            found.append(stride)
        else:
            found.append(known)
    return tuple(found)


def _plain(strides: Sequence[int | Expr]) -> tuple[int | str, ...]:
    return tuple(s if isinstance(s, int) else "n" for s in strides)


def _named(strides: Sequence[Sequence[int | Expr]], apart: bool) -> tuple[tuple[int | str, ...], ...]:
    """Names for the strides that are arguments: equal ones have one name, unless all are to be `apart`."""
    names: dict[object, str] = {}
    found = []
    for k, row in enumerate(strides):
        keys: list[object] = [(k, n) if apart else s for n, s in enumerate(row)]
        found.append(
            tuple(
                s if isinstance(s, int) else names.setdefault(key, f"s{len(names)}")
                for s, key in zip(row, keys, strict=True)
            )
        )
    return tuple(found)


def _written_twice(statements: Sequence[Statement], operands: Sequence[Read]) -> frozenset[int]:
    """The operands of a tensor that is written and touched at another element too: they may be one element."""
    written = {s.tensor for s in statements}
    return frozenset(
        k
        for k, r in enumerate(operands)
        if r.tensor in written and any(o is not r and o.tensor is r.tensor for o in operands)
    )


def _tree_key(tree: Tree, places: dict[Expr, tuple[str, int]], numbers: dict[Index, int]) -> tuple[object, ...]:
    found: list[object] = []
    for node in tree:
        match node:
            case For(bounds=b, kind=kind, sizes=sizes, body=body):
                found.append((kind, sizes, numbers[b.index], _tree_key(body, places, numbers)))
            case Do(statement=s):
                found.append(("do", *_statement_key(s, places)))
            case Keep(terms=terms, loops=loops, along=along, logs=logs):
                inner = tuple(numbers[b.index] for b in loops if b.index in numbers)
                found.append((along, logs, inner, *(_statement_key(s, places) for s, _ in terms)))
    return tuple(found)


def _statement_key(s: Statement, places: dict[Expr, tuple[str, int]]) -> tuple[object, ...]:
    return s.mode, places[Read(s.tensor, s.write)], _pattern(s.value, places)


def _pattern(value: Expr, places: dict[Expr, tuple[str, int]]) -> tuple[object, ...]:
    """The expression with reads numbered: equal for values that are computed alike."""
    numbers: dict[Expr, object] = {}
    lines: list[object] = []
    for node in above_reads(value):
        if node in places:
            numbers[node] = places[node]
        elif isinstance(node, Const):
            numbers[node] = ("const", repr(node.value), node.kind)
        elif isinstance(node, Op):
            args = [numbers[a] for a in node.args]
            lines.append((node.name, tuple(sorted(args, key=str) if node.name in ("add", "mul") else args)))
            numbers[node] = ("line", len(lines) - 1)
    return (*lines, numbers[value])


def shared_shape(tree: Tree, tile: Plan, facts: Facts) -> Shape | None:
    """The shape of a nest that is no contraction, if it can be a routine: loops over a box, one of them in vectors,
    accesses that are affine, values without its own indices."""
    parallel = [b.index for b in tile.order]
    nodes = list(nodes_of(tree))
    if tile.vec is None and not any(isinstance(n, Keep) and n.along for n in nodes):
        return None
    if any(
        isinstance(n, Call | Clear | Guard | Packed) or (isinstance(n, For) and n.index not in parallel) for n in nodes
    ):
        return None
    inner = list(dict.fromkeys(b for n in nodes if isinstance(n, Keep) for b in n.loops))
    own = [*parallel, *(b.index for b in inner)]
    if len(set(own)) < len(own) or not is_box(tile.order, inner):
        return None
    if not all(_is_affine(s, set(own), facts) for s in statements_of(tree)):
        return None
    names = {tile.vec: "vec", tile.row: "row"} | {b.index: "sum" for b in inner}
    roles = [names.get(i, "point") for i in own]
    return shape_of(tree, [(b,) for b in (*tile.order, *inner)], roles, facts, contraction=False)


def _is_affine(s: Statement, own: set[Index], facts: Facts) -> bool:
    if s.limits or facts.keeps_error(s.tensor):
        return False
    touched = [Read(s.tensor, s.write), *reads(s.value)]
    if not all(is_plain(x) for r in touched for x in r.subs) or any(facts.goes_round(r, tuple(own)) for r in touched):
        return False
    return not any(n in own for n in above_reads(s.value))


# The routine, and calls of it ----------------------------------------


def routine_of(shape: Shape, number: int, facts: Facts, fused: bool) -> Routine:
    """The routine: the same tree over tensors whose strides and extents are arguments."""
    indices = tuple(Index(f"{role[0]}{k}") for k, role in enumerate(shape.roles))
    dims: list[Expr] = [Const(n) if n is not None else Size(f"n{k}") for k, n in enumerate(shape.extents)]
    bounds = [Bounds(i, (Const(0),), (d - 1,)) for i, d in zip(indices, dims, strict=True)]
    place = {g[-1].index: b for g, b in zip(shape.groups, bounds, strict=True)}
    mapping: dict[Expr, Expr] = {n: Size(f"a{k}") for k, n in enumerate(shape.integers)}
    tensors = []
    for k, (r, strides) in enumerate(zip(shape.reads, shape.strides, strict=True)):
        moving = [n for n, stride in enumerate(strides) if stride != 0]
        tensors.append(Tensor(f"x{k}", tuple(dims[n] for n in moving), "tensor", r.tensor.kind))
        mapping[r] = Read(tensors[-1], tuple(indices[n] for n in moving))
    twice = _written_twice(shape.statements, shape.reads)
    return Routine(
        number,
        indices,
        tuple(tensors),
        tuple(tuple(s for s in strides if s != 0) for strides in shape.strides),
        (*(d.name for d in dims if isinstance(d, Size)), *(f"a{k}" for k in range(len(shape.integers)))),
        frozenset(t for k, t in enumerate(tensors) if k not in twice),
        fused,
        _rewritten(shape.tree, place, mapping, facts),
    )


def _rewritten(tree: Tree, place: dict[Index, Bounds], mapping: dict[Expr, Expr], facts: Facts) -> Tree:
    """The tree over a routine's own indices and tensors."""
    found: list[For | Do | Keep] = []

    def of(s: Statement) -> Statement:
        own = [place[i] for i in s.domain.indices if i in place]
        domain = Domain.box(tuple(b.index for b in own), [b.upper + 1 for b in own])
        target = mapping[Read(s.tensor, s.write)]
        assert isinstance(target, Read)
        return Statement(target.tensor, s.mode, domain, target.subs, substitute(s.value, mapping))

    for node in tree:
        match node:
            case For(bounds=b, kind=kind, sizes=sizes, body=body):
                found.append(For(place[b.index], kind, sizes, _rewritten(body, place, mapping, facts)))
            case Do(statement=s):
                found.append(Do(of(s)))
            case Keep(terms=terms, loops=loops):
                inner = tuple(place[b.index] for b in loops if b.index in place)
                statements = [of(s) for s, _ in terms]
                rounded = sum(facts.is_rounded(s.mode, s.tensor.kind) for s in statements)
                cut = facts.cut(rounded, inner, node.along * facts.machine.lanes or 1, node.along)
                found.append(replace(node, terms=tuple((s, s.value) for s in statements), loops=inner, cut=cut))
            case _:
                raise AssertionError(node)
    return tuple(found)


def call_of(shape: Shape, routine: Routine) -> Call:
    """The call that does what the shape's own loops would."""
    first: dict[int | str, tuple[int, int]] = {}
    for k, strides in enumerate(shape.strides):
        for n, stride in enumerate(strides):
            if isinstance(stride, str):
                first.setdefault(stride, (k, n))
    arguments = tuple(k for k, n in enumerate(shape.extents) if n is None)
    return Call(
        routine, shape.reads, shape.groups, arguments, tuple(first.values()), tuple(shape.statements), shape.integers
    )


def outline(shape: Shape, facts: Facts, known: dict[object, Routine]) -> Call:
    """A call instead of the shape's loops; `known` are the routines so far."""
    routine = known.get(shape.key)
    if routine is None:
        fused = facts.fused
        if shape.contraction:
            (s,) = shape.statements
            fused = fused or (s.mode == "sum" and not compares_rounded(s.value))
        routine = routine_of(shape, len(known), facts, fused)
        if shape.contraction and "row" in shape.roles:
            routine = replace(routine, tree=pack(routine.tree, facts))
        known[shape.key] = routine
    call = call_of(shape, routine)
    if isinstance(routine.tree[0], Packed) and routine.tree[0].fan:
        summed = tuple(k for k, role in enumerate(shape.roles) if role == "sum")
        call = replace(call, summed=summed, rows=(shape.roles.index("row"), ROWS, FAN * DEPTH // 2))
    return call


# What may be outlined ----------------------------------------


def collapsed(bounds: Sequence[Bounds], free: int, touched: Sequence[Read], facts: Facts) -> list[Group]:
    """Neighbours among the loops after the first `free` that walk every operand as one, made one: (time, batch) is one
    long index."""
    groups: list[Group] = [(b,) for b in bounds]
    k = len(groups) - 2
    while k >= free:
        if all(_walks_on(facts, r, groups[k], groups[k + 1]) for r in touched):
            groups[k : k + 2] = [groups[k] + groups[k + 1]]
        k -= 1
    return groups


def _walks_on(facts: Facts, r: Read, outer: Group, inner: Group) -> bool:
    """Whether one step of `outer` moves the operand as far as all steps of `inner`."""
    places = []
    for group in (outer, inner):
        last = group[-1].index
        axes = [a for a, sub in enumerate(r.subs) if last in indices_of(sub)]
        if len(axes) > 1 or (axes and affine_parts(r.subs[axes[0]])[0].get(last) != 1):
            return False
        places.append(axes[0] if axes else None)
    a, b = places
    if a is None or b is None:
        return a is b
    buffer = facts.program.buffers[r.tensor]
    lengths = tuple(bound.upper - bound.lower + 1 for bound in inner)
    if buffer.is_spaced(b) and b == len(buffer.extent) - 1:
        return False
    return a < b and buffer.extent[a + 1 : b + 1] == lengths
