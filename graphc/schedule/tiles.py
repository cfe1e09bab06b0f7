"""Choices for a nest: which axis runs along vectors, which is unrolled into registers, in which order the rest runs.

From the access maps alone. The vector axis `v` wants unit stride in what is written and read; the row axis `r` wants to
be absent from what is loaded along `v`, so that each loaded vector is used once per row: then a product-sum over a tile
is the register-blocked contraction of the books.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import Bounds, loop_bounds
from graphc.equations.domain import Domain, is_plain
from graphc.equations.expr import Const, Expr, Index, Op, Read, indices_of, postorder, reads
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System
from graphc.schedule.costs import SHORT, WIDE, WINDOWS, Machine
from graphc.schedule.fuse import is_scatter
from graphc.schedule.limits import bound_others, bounded
from graphc.schedule.program import Nest, Statement, statement_reads


@dataclass(frozen=True)
class Plan:
    """How a nest runs: loops over `order` (parallel indices; outside them, those of a scatter to places from data), of
    which `vec` in vectors and `row` in registers."""

    order: tuple[Bounds, ...]
    vec: Index | None
    row: Index | None
    rows: int
    chunks: int


def inner_indices(s: Statement, nest: Nest) -> list[Index]:
    """The indices of a statement that are neither parallel nor of loops around: summed over (or scattered)."""
    return [i for i in s.domain.indices if i not in nest.parallel and i not in nest.outer]


def plan(nest: Nest, context: isl.Set, machine: Machine, system: System) -> Plan:
    """The plan of a nest."""
    reducing = [s for s in nest.statements if inner_indices(s, nest)]
    inner = {s: inner_bounds(s, nest, context) for s in reducing}
    scatter = any(is_scatter(s, nest.parallel, nest.outer) for s in nest.statements)
    vec = _vector_axis(nest, inner, context)
    row = _row_axis(nest, vec, inner) if reducing and vec is not None and not scatter else None
    order = [i for i in nest.parallel if i not in (vec, row)] + [i for i in (vec, row) if i is not None]
    head = nest.statements[0].domain.project((*nest.outer, *nest.parallel))
    ahead = _scattered_over(nest)
    if ahead:
        s = nest.statements[0]
        bounds = bounded(s, loop_bounds(s.domain, nest.outer, [*ahead, *order], context), context)
    else:
        bounds = loop_bounds(head, nest.outer, order, context)
    if row is not None and any(vec in indices_of(x) for x in (*bounds[-1].lowers, *bounds[-1].uppers)):
        row = None
        order = [i for i in nest.parallel if i is not vec] + ([vec] if vec is not None else [])
        bounds = loop_bounds(head, nest.outer, order, context)
    if vec is not None and any({vec, row} & indices_of(g) for b in bounds for g in b.guards):
        if len(reducing) == len(nest.statements) and not scatter and _stays_inside(nest, head, context, system):
            bounds = [replace(b, guards=()) for b in bounds]  # elements between the strides get empty sums
        else:
            vec = row = None  # one by one
            bounds = loop_bounds(head, nest.outer, nest.parallel, context)
    rows, chunks = _tile_shape(vec, row, bool(reducing) and not scatter, machine)
    return Plan(tuple(bounds), vec, row, rows, chunks)


def _scattered_over(nest: Nest) -> list[Index]:
    """The indices of a scatter to places from data, to run outside the parallel ones: what goes to one place lies
    together, and the place is looked at once."""
    s = nest.statements[0]
    if len(nest.statements) > 1 or not any(reads(w) for w in s.write) or bound_others(s) & set(nest.parallel):
        return []
    return inner_indices(s, nest) if nest.parallel else []


def _stays_inside(nest: Nest, head: Domain, context: isl.Set, system: System) -> bool:
    """Whether even the points that only strides leave out would write elements that exist."""
    hull = sets.intersect_params(isl.Set.from_basic_set(head.set.remove_divs().simple_hull()), context)
    around = Domain(head.indices, hull)
    return all(around.image(s.write, s.tensor.dims).is_subset(system.defined(s.tensor)) for s in nest.statements)


def inner_bounds(s: Statement, nest: Nest, context: isl.Set) -> list[Bounds]:
    """Bounds of a statement's own indices at a point of the nest."""
    return ordered_bounds(s, nest, inner_indices(s, nest), context)


def ordered_bounds(s: Statement, nest: Nest, order: Sequence[Index], context: isl.Set) -> list[Bounds]:
    """The same for loops in this order."""
    return bounded(s, loop_bounds(s.domain, [*nest.outer, *nest.parallel], order, context), context)


def _tile_shape(vec: Index | None, row: Index | None, reducing: bool, machine: Machine) -> tuple[int, int]:
    """(rows, vectors per row): accumulators fill the registers but for two operands and a broadcast."""
    if vec is None or not reducing:
        return 1, 1
    if row is None:
        return 1, WIDE
    return machine.tile


def _bounds_mention(bounds: Sequence[Bounds], index: Index) -> bool:
    return any(index in indices_of(x) for b in bounds for x in (*b.lowers, *b.uppers, *b.guards))


def _vector_axis(nest: Nest, inner: dict[Statement, list[Bounds]], context: isl.Set) -> Index | None:
    """The parallel index that fits vectors best, of equal ones the last; None if all would mostly gather."""
    scores = {i: _score(nest, i) for i in nest.parallel if not any(_bounds_mention(b, i) for b in inner.values())}
    place = {i: k for k, i in enumerate(nest.parallel)}
    known: set[Index] = set()
    while scores:
        best = max(scores, key=lambda i: (scores[i], place[i]))
        if inner and best not in known and _is_short(nest, best, context):  # asked of few: isl has to answer
            scores[best] -= 4.0
            known.add(best)
            continue
        return best if scores[best] >= (-1.0 if inner else 0.5) else None
    return None


def _is_short(nest: Nest, index: Index, context: isl.Set) -> bool:
    """Whether an index is known to take few values, so that most lanes of a vector along it would idle."""
    shadow = nest.statements[0].domain.project((*nest.outer, index))
    (bounds,) = loop_bounds(shadow, nest.outer, [index], context)
    length = bounds.upper - bounds.lower
    return isinstance(length, Const) and int(length.value) < SHORT


def _score(nest: Nest, index: Index) -> float:
    """How well vectors along `index` fit the accesses: unit strides count for, gathers against (but little where the
    gathered operand is packed once for all rows of another index, or a few contiguous vectors hold what is wanted)."""
    total = 0.0
    for s in nest.statements:
        inner = inner_indices(s, nest)
        reducing, long = bool(inner), not all(_few(s, i) for i in inner)
        step = lane_step(s.write, index)
        total += 0.0 if step == 0 else (0.5 if reducing else 2.0) if _contiguous(step) else -0.5 if reducing else -1.0
        for r in statement_reads(s):
            step = lane_step(r.subs, index) if all(is_plain(x) for x in r.subs) else None
            if _contiguous(step):
                total += 2.0 if reducing else 1.0
            elif any(index in indices_of(x) for x in r.subs):
                packed = reducing and any(i not in _moving(r) for i in nest.parallel)
                near = step is not None and 0 < step <= WINDOWS
                total -= 0.3 if packed else 0.5 if near or not long else 4.0
        total += (0.6 if reducing else 3.0) * _heavy(s.value)
    return total


def _few(s: Statement, index: Index) -> bool:
    """Whether an index is known to take so few values that a sum over it gains nothing by running along vectors."""
    known = sets.span(s.domain.set, s.domain.indices.index(index))
    return known is not None and known[1] - known[0] < 2 * SHORT


def _contiguous(step: int | None) -> bool:
    return step in (1, -1)


def _heavy(e: Expr) -> int:
    from graphc.equations.ops import OPS

    return sum(1 for n in postorder(e) if isinstance(n, Op) and OPS[n.name].flops >= 20)


def reduction_axis(s: Statement, nest: Nest) -> Index | None:
    """The summed index to run along vectors where no parallel one can; None if it would only gather."""
    inner = inner_indices(s, nest)
    last: Index | None = None
    best = 0.0
    for i in (i for i in inner if i not in bound_others(s)):
        score = 0.6 * _heavy(s.value) + 0.1
        for r in statement_reads(s):
            if any(i in indices_of(x) for x in r.subs):
                plain = all(is_plain(x) for x in r.subs)
                score += 1.0 if plain and _contiguous(lane_step(r.subs, i)) else -0.7
        if score >= best:
            last, best = i, score
    return last


def _row_axis(nest: Nest, vec: Index, inner: dict[Statement, list[Bounds]]) -> Index | None:
    best, best_score = None, 0
    for i in nest.parallel:
        if i is vec or any(_bounds_mention(b, i) for b in inner.values()):
            continue
        along = [r for s in nest.statements for r in statement_reads(s) if vec in _moving(r)]
        score = sum(1 for r in along if i not in _moving(r))
        if score >= max(best_score, 1):
            best, best_score = i, score
    return best


def _moving(r: Read) -> set[Index]:
    return set().union(*(indices_of(x) for x in r.subs)) if r.subs else set()


def order_reduction(s: Statement, nest: Nest, vec: Index | None) -> list[Index]:
    """The order of the loops over a statement's own indices, outermost first; the vector axis innermost."""
    inner = inner_indices(s, nest)
    return [i for i in inner if i is not vec] + ([vec] if vec is not None and vec in inner else [])


def lane_step(subs: tuple[Expr, ...], index: Index) -> int | None:
    """By how many elements a row-major access moves with the index; None if not by a constant along the last axis."""
    moving = [a for a, s in enumerate(subs) if index in indices_of(s)]
    if not moving:
        return 0
    parts, _ = affine_parts(subs[-1])
    if moving != [len(subs) - 1] or any(index in indices_of(leaf) for leaf in parts if leaf is not index):
        return None
    return parts.get(index)
