"""The conditions under which a nest runs: those on sizes and outer loops that no loop ensures."""

from __future__ import annotations

from collections.abc import Sequence

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import conditions
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Expr, Index, Op, make
from graphc.equations.system import System
from graphc.schedule.program import Loop, Nest, Statement


def nest_guards(nest: Nest, around: Sequence[Loop], context: isl.Set, system: System) -> list[Expr]:
    """The conditions under which a nest runs that the loops around it do not already ensure."""
    if nest.sums:
        return []
    s = min(nest.statements, key=lambda s: len(s.domain.indices))  # all have the same shadow
    known = [c for loop in around for c in _range_of(loop)]
    domain = s.domain
    if known:
        domain = domain.with_set(sets.gist(domain.set, Domain.where(domain.indices, *known).set))
    found = conditions(domain, nest.outer, context)
    points = (*nest.outer, *nest.parallel)
    if _all_inside(nest.statements, points, nest.outer, [*known, *found], context, system):
        return found
    shadow = s.domain.project(points)
    if known:
        shadow = shadow.with_set(sets.gist(shadow.set, Domain.where(shadow.indices, *known).set))
    return conditions(shadow, nest.outer, context)


def sum_guards(statements: Sequence[Statement], context: isl.Set, system: System) -> list[Expr]:
    """The same for sums over the same points that stand outside all loops."""
    domain = statements[0].domain
    found = conditions(domain, (), context)
    if _all_inside(statements, (), (), found, context, system):
        return found
    return conditions(domain.project(()), (), context)


def _all_inside(
    statements: Sequence[Statement],
    points: Sequence[Index],
    outer: Sequence[Index],
    known: Sequence[Expr],
    context: isl.Set,
    system: System,
) -> bool:
    """Whether the elements that reductions end in exist even where there is nothing to reduce.

    Loops over `points` say when those are empty. That a sum at a point has no terms is said by nothing: its element is
    read and written back all the same, and may not be there (the border of an empty array).
    """
    for s in statements:
        if len(s.domain.indices) == len(points):
            continue
        shadow = s.domain.project(points)
        moving = [k for k, i in enumerate(shadow.indices) if i not in outer]
        hull = sets.simple_hull(shadow.set, context)
        if moving:
            hull = hull.drop_constraints_not_involving_dims(isl.dim_type.set, moving[0], len(moving))
        else:
            hull = isl.Set.universe(hull.get_space())
        run = Domain(shadow.indices, sets.intersect_params(hull, context)).restrict(*known)
        if not run.image(s.write, s.tensor.dims).is_subset(system.defined(s.tensor)):
            return False
    return True


def _range_of(loop: Loop) -> list[Expr]:
    found = []
    for op, bound in (("ge", loop.lower), ("le", loop.upper)):
        joined = "maximum" if op == "ge" else "minimum"
        parts = [bound]
        while parts:
            part = parts.pop()
            if isinstance(part, Op) and part.name == joined:
                parts.extend(part.args)  # at least the larger of two is at least each of them
            elif is_affine(part):
                found.append(make(op, loop.var, part))
    return found
