"""Which statement needs which, and by how much along a candidate loop.

A dependence runs from a statement that contributes to an element to one that reads it. Its *distance* along chosen
tensor axes is (coordinate written by the reader) - (coordinate read): an expression on the reader's domain.

isl knows nothing of a subscript that is not affine, so its image (`Domain.image`) is more than the elements touched.
Here, and for what is demanded, the most that can be touched is asked for (`Domain.reach`); where the exact set is
needed, nothing is: such a term covers no element for certain (`statements`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Const, Expr, Read, cached, place_of, reads
from graphc.equations.graphs import Graph
from graphc.equations.system import System, Tensor
from graphc.schedule.program import Statement, statement_reads

Axes = dict[Tensor, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Dependence:
    """`target` needs what `source` wrote: through `read`, or (read is None) as the next contribution to an element."""

    source: Statement
    target: Statement
    read: Read | None


def dependences(statements: Sequence[Statement], system: System) -> list[Dependence]:
    """All dependences between statements that can be real (their elements overlap for some sizes)."""
    writers: dict[Tensor, list[Statement]] = {}
    for s in statements:
        writers.setdefault(s.tensor, []).append(s)
    images = {s: s.domain.reach(s.write, s.tensor.dims) for ss in writers.values() if len(ss) > 1 for s in ss}
    found: list[Dependence] = []
    for target in statements:
        for read in statement_reads(target):
            sources = writers.get(read.tensor, [])
            if len(sources) > 1:
                touched = target.domain.reach(read.subs, read.tensor.dims)
                sources = [s for s in sources if not images[s].is_disjoint(touched)]
            found.extend(Dependence(s, target, read) for s in sources)
        if target.mode != "set":
            found.extend(
                Dependence(s, target, None)
                for s in writers[target.tensor]
                if s.mode == "set" and not images[s].is_disjoint(images[target])
            )
    return found


def components(statements: Sequence[Statement], deps: Sequence[Dependence]) -> list[list[Statement]]:
    """Strongly connected components, in an order that respects the dependences and otherwise the given one."""
    return Graph(((d.source, d.target) for d in deps), statements).ordered()


def within(parts: Sequence[Sequence[Statement]], deps: Sequence[Dependence]) -> list[list[Dependence]]:
    """For each of some disjoint sets of statements: the dependences between two of it."""
    part_of = {s: k for k, part in enumerate(parts) for s in part}
    found: list[list[Dependence]] = [[] for _ in parts]
    for d in deps:
        k = part_of.get(d.source)
        if k is not None and part_of.get(d.target) == k:
            found[k].append(d)
    return found


def is_cyclic(component: Sequence[Statement], deps: Sequence[Dependence]) -> bool:
    """Whether a component needs a sequential loop: more than one statement, or one that needs itself."""
    return len(component) > 1 or any(d.source is d.target for d in deps if d.source is component[0])


@cached
def from_data(sub: Expr) -> bool:
    """Whether a subscript is read from data, or computed from indices in a way that isl does not know, so that only the
    run can tell where it points."""
    return bool(reads(sub)) or not is_affine(sub)


@cached
def along(subs: tuple[Expr, ...], axes: tuple[int, ...]) -> Expr:
    """The sum of the subscripts on these axes: where they point, if anywhere."""
    total: Expr = Const(0)
    for a in axes:
        total = total + place_of(subs[a])
    return total


@cached
def _apart(here: Expr, there: Expr) -> Expr:
    """Asked for each way to choose axes, of which most leave the two as they were."""
    return here - there


def coordinate(s: Statement, axes: Axes) -> Expr:
    """Where a statement stands along the axes: at what it writes; where that comes from data (an adjoint's scatter),
    at what it reads of the cycle."""
    written = along(s.write, axes[s.tensor])
    if not from_data(written):
        return written
    for r in statement_reads(s):
        if r.tensor in axes and not from_data(along(r.subs, axes[r.tensor])):
            return along(r.subs, axes[r.tensor])
    return s.domain.indices[0]


def is_nowhere(s: Statement, axes: Axes) -> bool:
    """Whether a statement stands at no step of a loop: data say where it writes, and where it reads of the cycle."""
    if not from_data(along(s.write, axes[s.tensor])):
        return False
    found = [along(r.subs, axes[r.tensor]) for r in statement_reads(s) if r.tensor in axes]
    return bool(found) and all(map(from_data, found))


def distance(d: Dependence, axes: Axes) -> Expr:
    """Reader's coordinate minus the coordinate read, along the axes.

    An index read from data is taken to point back, which the run checks: what it reads lies at least one step before
    (+1), what an adjoint scatters to lies at least one step on in its own, reversed, direction (-1).
    """
    if d.read is None:  # what data point at lies further on than what is added there: it must be set before
        return Const(int(from_data(along(d.target.write, axes[d.target.tensor]))))
    sub = along(d.read.subs, axes[d.read.tensor])
    if from_data(sub):
        return Const(1)
    here = _apart(coordinate(d.target, axes), sub)
    return here - 1 if from_data(along(d.source.write, axes[d.source.tensor])) else here


def by_data(d: Dependence, axes: Axes) -> bool:
    """Whether the distance is what data are asked to keep to: an index from data inside its own recurrence (the
    children of a tree's node) is taken to point back, and the kernel checks that it does."""
    places = [along(d.source.write, axes[d.source.tensor]), along(d.target.write, axes[d.target.tensor])]
    return any(map(from_data, places if d.read is None else [along(d.read.subs, axes[d.read.tensor]), places[0]]))


def meeting(d: Dependence) -> Domain:
    """The points of the reader at which a dependence is real."""
    domain = d.target.domain
    if d.read is None:
        return domain
    return domain.inside(d.read.subs, d.source.domain.reach(d.source.write, d.source.tensor.dims))


def sizes_where_real(d: Dependence) -> isl.Set:
    """The sizes at which the elements written and those read have some in common."""
    return sets.params(meeting(d).set)
