"""Moves on trees: pure functions Tree → Tree that change how a nest runs and not what it computes.

Each keeps the points at which each statement runs, each of them once; that is their law (`verify_plans` walks trees and
compares). Loops may change places because a nest's points are independent, and sums because their order is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from graphc.equations.bounds import Bounds
from graphc.equations.expr import Const, Expr, Index, Read, indices_of, make, reads
from graphc.schedule.costs import DEPTH, FAN, ROWS
from graphc.schedule.facts import Facts
from graphc.schedule.tree import For, Guard, Keep, Packed, Tree


def is_box(outer: Sequence[Bounds], inner: Sequence[Bounds]) -> bool:
    """Whether no loop's range depends on another one of these."""
    own = {b.index for b in (*outer, *inner)}
    return not any(
        b.guards or b.before or any(own & indices_of(x) for x in (*b.lowers, *b.uppers)) for b in (*outer, *inner)
    )


def _at(tree: Tree, index: Index, change: Callable[[For], Tree]) -> Tree:
    """The tree with its loops over the index changed."""
    found: list[object] = []
    for node in tree:
        if isinstance(node, For) and node.index is index:
            found += change(node)
        elif isinstance(node, For | Guard):
            found.append(replace(node, body=_at(node.body, index, change)))
        else:
            found.append(node)
    return tuple(found)  # type: ignore[arg-type]


def mark(tree: Tree, index: Index, kind: str, sizes: Iterable[int]) -> Tree:
    """The loop over the index in vectors or rows, so many at once."""
    return _at(tree, index, lambda loop: (replace(loop, kind=kind, sizes=tuple(sizes)),))


def split(tree: Tree, index: Index, size: int) -> Tree:
    """The loop over the index as one over blocks of `size` of its values, and one over the values in a block."""

    def blocks(loop: For) -> Tree:
        b = loop.bounds
        block = Index(index.name + "0")
        last = make("floordiv", b.upper - b.lower, Const(size))
        first = b.lower + size * block
        inner = replace(b, lowers=(first,), uppers=(*b.uppers, first + (size - 1)))
        return (For(Bounds(block, (Const(0),), (last,)), "points", (1,), (replace(loop, bounds=inner),)),)

    return _at(tree, index, blocks)


def order(tree: Tree, indices: Sequence[Index]) -> Tree:
    """Loops that stand one inside the other, over a box, in this order instead, outermost first.

    ValueError where there are other nodes between them or one's range depends on another.
    """
    loops: list[For] = []
    inside = tree
    while len(loops) < len(indices):
        (node,) = inside if len(inside) == 1 else (None,)
        if not isinstance(node, For) or node.index not in indices:
            raise ValueError(f"no loops over {[i.name for i in indices]} directly one inside the other")
        loops.append(node)
        inside = node.body
    if not is_box([loop.bounds for loop in loops], ()):
        raise ValueError("the range of one loop depends on another one")
    place = {loop.index: loop for loop in loops}
    for i in reversed(indices):
        inside = (replace(place[i], body=inside),)
    return inside


def fuse(one: Tree, other: Tree) -> Tree:
    """Both trees, with loops that are alike at the end of the one and the start of the other made one, and so on
    inside. What runs at one point must not need what the other tree has at another: true within a nest."""
    if one and other and isinstance(one[-1], For) and isinstance(other[0], For):
        a, b = one[-1], other[0]
        if (a.bounds, a.kind, a.sizes) == (b.bounds, b.kind, b.sizes):
            return (*one[:-1], replace(a, body=fuse(a.body, b.body)), *other[1:])
    return (*one, *other)


def peel(tree: Tree, index: Index, count: int) -> Tree:
    """The first `count` values of the index in a loop of their own, before the others."""

    def two(loop: For) -> Tree:
        b = loop.bounds
        cut: Expr = b.lower + count
        first = replace(b, uppers=(*b.uppers, cut - 1))
        rest = replace(b, lowers=(cut,))
        return replace(loop, bounds=first), replace(loop, bounds=rest)

    return _at(tree, index, two)


def pack(tree: Tree, facts: Facts) -> Tree:
    """A reduction in registers over vectors and rows, in cache blocks: what is read along the vectors and not along the
    rows is copied in the order in which all rows read it."""
    (vec,) = tree
    assert isinstance(vec, For) and vec.kind == "vectors"
    (row,) = vec.body
    assert isinstance(row, For) and row.kind == "rows"
    (keep,) = row.body
    assert isinstance(keep, Keep)
    ((s, value),) = keep.terms
    panels = tuple(r for r in reads(value) if _moves(r, vec.index) and not _moves(r, row.index))
    fan = FAN if facts.is_rounded(s.mode, s.tensor.kind) else 0
    headers = (replace(vec, body=()), replace(row, body=()))
    return (Packed(replace(keep, cut=None), *headers, panels, DEPTH, fan, ROWS),)


def _moves(r: Read, index: Index) -> bool:
    return any(index in indices_of(sub) for sub in r.subs)
