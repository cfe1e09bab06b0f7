"""Nest → tree (`tree`): the loops of its tile around its statements, with the reductions that registers keep, what is
cleared at once, and contractions as calls of what they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graphc.equations.bounds import Bounds
from graphc.equations.domain import is_plain
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, above_reads, reads, substitute
from graphc.schedule.costs import ACCUMULATORS, ALONG
from graphc.schedule.facts import Facts
from graphc.schedule.fuse import is_scatter
from graphc.schedule.guards import sum_guards
from graphc.schedule.moves import fuse, is_box, mark
from graphc.schedule.outline import Shape, collapsed, outline, shape_of
from graphc.schedule.program import Nest, Statement
from graphc.schedule.tiles import Plan, inner_bounds, inner_indices, order_reduction, ordered_bounds, reduction_axis
from graphc.schedule.tree import Clear, Do, For, Guard, Keep, Node, Routine, Tree


def tree_of(nest: Nest, tile: Plan, facts: Facts, known: dict[object, Routine]) -> Tree:
    """The tree of a nest, without the conditions under which it runs; `known` are the routines so far."""
    if all(_clears(s, tile, facts) for s in nest.statements):
        cleared: list[Node] = []
        for s in nest.statements:
            cleared.append(Clear(s.tensor))
            if facts.keeps_error(s.tensor):
                cleared.append(Clear(facts.program.errors[s.tensor]))
        return tuple(cleared)
    found: Tree = ()
    for part in _parts(nest, tile, facts):
        found = fuse(found, _looped(part, nest, tile, facts, known))
    return found


def _clears(s: Statement, tile: Plan, facts: Facts) -> bool:
    """Whether a statement sets every element of a buffer to zero."""
    buffer = facts.program.buffers[s.tensor]
    if s.mode != "set" or s.value != Const(0) or buffer.ring is not None or not s.write:
        return False
    bounds = {b.index: b for b in tile.order}
    for sub, lower, extent in zip(s.write, buffer.lower, buffer.extent, strict=True):
        b = bounds.get(sub) if isinstance(sub, Index) else None
        if b is None or b.guards or b.lower != lower or b.upper != lower + extent - 1:
            return False
    return len(bounds) == len(s.write)


def _looped(part: Tree, nest: Nest, tile: Plan, facts: Facts, known: dict[object, Routine]) -> Tree:
    """The parallel loops around what runs at each of their points; a contraction becomes a call where only its tile is
    left."""
    tree = part
    for level in reversed(range(len(tile.order))):
        b = tile.order[level]
        if b.guards:
            tree = (Guard(b.guards, tree),)
        tree = (For(b, "points", (1,), tree),)
        if b.index is tile.vec:
            tree = mark(tree, b.index, "vectors", dict.fromkeys((tile.chunks, 1)))
        elif b.index is tile.row:  # what is left of a power of two, in pairs
            tree = mark(tree, b.index, "rows", dict.fromkeys((tile.rows, min(2, tile.rows), 1)))
        if b.before:
            tree = (Guard(b.before, tree),)
        shape = _contraction(tree, tile.order[level:], nest, tile, facts)
        if shape is not None:
            tree = (outline(shape, facts, known),)
    return tree


# What runs at a point ----------------------------------------


def _parts(nest: Nest, tile: Plan, facts: Facts) -> Iterator[Tree]:
    """What each statement, or the sums that run together, do at a point."""
    done: set[Statement] = set()
    for s in nest.statements:
        inner = inner_indices(s, nest)
        if s in done:
            continue
        if nest.sums:
            together = _together(s, nest)
            done.update(other for other, _ in together)
            guards = sum_guards([other for other, _ in together], facts.context, facts.program.system)
            kept = _kept(together, nest, tile, facts)
            yield (Guard(tuple(guards), kept),) if guards else kept
        elif is_scatter(s, nest.parallel, nest.outer) or (inner and s.mode == "set"):
            ahead = {b.index for b in tile.order}
            yield _around((Do(s),), [b for b in inner_bounds(s, nest, facts.context) if b.index not in ahead])
        elif not inner:
            yield (Do(s),)
        else:
            yield _kept([(s, s.value)], nest, tile, facts)


def _around(tree: Tree, bounds: Sequence[Bounds]) -> Tree:
    """Loops around what falls on the same element, one contribution after the other."""
    for b in reversed(bounds):
        if b.guards:
            tree = (Guard(b.guards, tree),)
        tree = (For(b, "points", (1,), tree),)
        if b.before:
            tree = (Guard(b.before, tree),)
    return tree


def _kept(together: Sequence[tuple[Statement, Expr]], nest: Nest, tile: Plan, facts: Facts) -> Tree:
    """Reductions in registers: where a loop of theirs can run along vectors, all of them together."""
    s, _ = together[0]
    along = _along(s, nest, facts) if tile.vec is None else None
    if along is None:
        found: list[Node] = []
        for other, value in ((other, other.value) for other, _ in together):
            loops = tuple(inner_bounds(other, nest, facts.context))
            rounded = facts.is_rounded(other.mode, other.tensor.kind)
            found.append(Keep(((other, value),), loops, cut=facts.cut(rounded, loops)))
        return tuple(found)
    machine = facts.machine
    logs = s.mode == "sum" and machine.rounds and machine.bits == 64 and any(positive_logs(s.value))
    chunks = ALONG if logs else max(1, min(ALONG, ACCUMULATORS // len(together)))
    rounded = logs or any(facts.is_rounded(other.mode, other.tensor.kind) for other, _ in together)
    cut = facts.cut(rounded, along, chunks * machine.lanes, chunks)
    return (Keep(tuple(together), along, chunks, cut, logs),)


def _along(s: Statement, nest: Nest, facts: Facts) -> tuple[Bounds, ...] | None:
    """The loops of a reduction with one along vectors innermost; None if none can be."""
    axis = reduction_axis(s, nest) if s.mode != "set" else None
    if axis is None:
        return None
    bounds = ordered_bounds(s, nest, order_reduction(s, nest, axis), facts.context)
    return None if bounds[-1].guards else tuple(bounds)


def _together(s: Statement, nest: Nest) -> list[tuple[Statement, Expr]]:
    """The sums of the nest over the points of `s`, with their terms in its indices: they run in one loop."""
    found = [(s, s.value)]
    if any(positive_logs(s.value)):
        return found
    written = {other.tensor for other in nest.statements}
    if any(r.tensor in written for r in reads(s.value)):
        return found
    own = inner_indices(s, nest)
    for other in nest.statements[nest.statements.index(s) + 1 :]:
        theirs = inner_indices(other, nest)
        if len(theirs) != len(own) or any(positive_logs(other.value)):
            continue
        if any(r.tensor in written for r in reads(other.value)):
            continue
        names = dict(zip(theirs, own, strict=True))
        domain = other.domain.rename(names)
        limits = tuple((op, names.get(i, i), substitute(end, dict(names))) for op, i, end in other.limits)
        if domain.indices == s.domain.indices and domain.set.is_equal(s.domain.set) and limits == s.limits:
            found.append((other, substitute(other.value, dict(names))))
    return found


def addends(value: Expr) -> list[tuple[bool, Expr]]:
    """The addends of a sum, and whether each is added or subtracted."""
    todo, found = [(True, value)], []
    while todo:
        sign, node = todo.pop()
        if isinstance(node, Op) and node.name in ("add", "sub"):
            todo += [(sign, node.args[0]), (sign == (node.name == "add"), node.args[1])]
        else:
            found.append((sign, node))
    return found


def positive_logs(value: Expr) -> Iterator[Expr]:
    """The x of the addends log(x) of a sum."""
    return (a.args[0] for sign, a in addends(value) if sign and is_log(a))


def is_log(e: Expr) -> bool:
    return isinstance(e, Op) and e.name == "log"


# Contractions ----------------------------------------


def _contraction(tree: Tree, remaining: Sequence[Bounds], nest: Nest, tile: Plan, facts: Facts) -> Shape | None:
    """The shape of a sum over a box of products, or the like, whose accesses are affine, once its tile is all that is
    around it."""
    if len(nest.statements) != 1 or tile.vec is None:
        return None
    (s,) = nest.statements
    if {b.index for b in remaining} != {i for i in (tile.vec, tile.row) if i is not None}:
        return None
    keep = _innermost(tree)
    if keep is None or not _fits(s) or not is_box(remaining, keep.loops) or facts.keeps_error(s.tensor):
        return None
    bounds = [*remaining, *keep.loops]
    touched = [Read(s.tensor, s.write), *reads(s.value)]
    if any(facts.goes_round(r, [b.index for b in bounds]) for r in touched):
        return None
    groups = collapsed(bounds, len(remaining), touched, facts)
    names = {tile.vec: "vec", tile.row: "row"}
    roles = [names.get(g[-1].index, "sum") for g in groups]
    return shape_of(tree, groups, roles, facts, contraction=True)


def _innermost(tree: Tree) -> Keep | None:
    """The only reduction in loops that stand directly one inside the other."""
    while len(tree) == 1 and isinstance(tree[0], For):
        tree = tree[0].body
    return tree[0] if len(tree) == 1 and isinstance(tree[0], Keep) else None


def _fits(s: Statement) -> bool:
    """Whether the value is made of affine reads and literals only, and the write is affine too."""
    if not all(is_plain(w) for w in s.write):
        return False
    for node in above_reads(s.value):
        if isinstance(node, Index | Size) or (isinstance(node, Read) and not all(is_plain(x) for x in node.subs)):
            return False
    return True
