"""Sums near a border: the points whose sum has its full range are split from those near an edge where it is cut.

In `S[i] += I[m]*K[i-m]` the range of the sum depends on `i`. First the summed index is changed to one that has the same
range nearly everywhere, `k = i-m`; then the points where it has all of it, a box, are one statement, made of vectors
and registers, and the few near the edges are others. Nothing is padded: no product with a zero that is not there.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, integer
from graphc.equations.expr import Expr, Index, indices_of, reads, substitute
from graphc.equations.lengths import length
from graphc.equations.simplify import affine_parts
from graphc.schedule.program import Statement

MAX_PIECES = 32


def split_interior(statements: list[Statement], context: isl.Set) -> list[Statement]:
    """The statements, sums with borders replaced by their interior and what is left of them."""
    found: list[Statement] = []
    for s in statements:
        if not _has_border(s):
            found.append(s)
            continue
        parts = [p for version in _versions(s) for p in _split(version, context)]
        found.extend(parts if len(parts) <= MAX_PIECES else [s])
    return found


def _versions(s: Statement) -> list[Statement]:
    """The statement, reindexed; where either of two factors may be the short one, one version for each case."""
    changed = _reindexed(s)
    interior = _full(changed, _summed(changed))
    if changed is s or interior is None or _full(s, _summed(s)) is None or _prefers(changed) != _prefers(s):
        return [changed]
    sizes = sets.params(interior)
    versions = [(changed, sizes), *((s, isl.Set.from_basic_set(b)) for b in sizes.complement().get_basic_sets())]
    return [replace(v, domain=v.domain.with_set(sets.intersect_params(v.domain.set, p))) for v, p in versions]


def _prefers(s: Statement) -> list[tuple[int, int]]:
    return [_kernel(s, i) for i in _summed(s)]


def _summed(s: Statement) -> list[Index]:
    written = s.written
    return [i for i in s.domain.indices if i not in written]


def _has_border(s: Statement) -> bool:
    """Whether the range of a summed index depends on the element written."""
    summed = set(_summed(s))
    if s.mode == "set" or not summed or summed == set(s.domain.indices) or any(reads(w) for w in s.write):
        return False
    positions = [k for k, i in enumerate(s.domain.indices) if i in summed]
    others = [k for k, i in enumerate(s.domain.indices) if i not in summed]
    return any(
        any(_coefficient(c, k) for k in positions) and any(_coefficient(c, k) for k in others)
        for basic in s.domain.set.get_basic_sets()
        for c in basic.get_constraints()
    )


def _coefficient(c: isl.Constraint, k: int) -> int:
    return integer(c.get_coefficient_val(isl.dim_type.set, k))


def _reindexed(s: Statement) -> Statement:
    """Summed indices replaced by subscripts in which they stand with indices written, where that makes a better box."""
    for index in _summed(s):
        choices = [(s, _kernel(s, index))]
        for sub in dict.fromkeys(sub for r in reads(s.value) for sub in r.subs if index in indices_of(sub)):
            parts, _ = affine_parts(sub)
            own = [p for p in parts if isinstance(p, Index)]
            if len(own) < 2 or abs(parts.get(index, 0)) != 1 or any(indices_of(p) for p in parts if p not in own):
                continue
            changed, new = _change(s, index, sub, parts[index])
            choices.append((changed, _kernel(changed, new)))
        s = min(reversed(choices), key=lambda c: (_borders(c[0]), c[1]))[0]
    return s


def _kernel(s: Statement, index: Index) -> tuple[int, int]:
    """How long the range of a summed index is: a convolution's inner index walks along the short one of two factors,
    and where sizes do not tell which that is, along the parameter."""
    return length(s.domain, s.value, index)


def _borders(s: Statement) -> int:
    """How many summed indices have a range that nowhere is the full one."""
    return sum(_full(s, [i]) is None for i in _summed(s))


def _change(s: Statement, index: Index, sub: Expr, sign: int) -> tuple[Statement, Index]:
    """The statement with `sub` as a summed index in place of `index`."""
    new = Index(index.name)
    rest = sub - index if sign > 0 else sub + index
    old = new - rest if sign > 0 else rest - new
    indices = tuple(new if i is index else i for i in s.domain.indices)
    mapping: dict[Expr, Expr] = {index: old}
    space = Domain.where(indices)
    points = sets.preimage(s.domain.set, space.access([mapping.get(i, i) for i in s.domain.indices]))
    changed = replace(
        s,
        domain=Domain(indices, points),
        write=tuple(substitute(w, mapping) for w in s.write),
        value=substitute(s.value, mapping),
    )
    return changed, new


def _full(s: Statement, summed: list[Index]) -> isl.Set | None:
    """The part of the domain at whose elements the indices `summed` take every value their own bounds allow; None if
    that is empty, or thin (as for a triangle, where it is the last row)."""
    domain = s.domain
    if len(domain.set.get_basic_sets()) != 1:
        return None
    others = [i for i in domain.indices if i not in summed]
    free = isl.BasicSet.universe(domain.set.get_space())
    positions = [k for k, i in enumerate(domain.indices) if i in others]
    (basic,) = domain.set.get_basic_sets()
    for c in basic.remove_divs().get_constraints():
        if not any(_coefficient(c, k) for k in positions):
            free = free.add_constraint(c)
    shadow = domain.project(others)
    cut = domain.with_set((_embed(shadow, domain) & isl.Set.from_basic_set(free)) - domain.set).project(others)
    whole = sets.coalesce(shadow.set - cut.set)
    if whole.is_empty() or len(whole.get_basic_sets()) != 1 or _equalities(whole) > _equalities(shadow.set):
        return None
    return domain.set & _embed(Domain(tuple(others), whole), domain)


def _embed(part: Domain, into: Domain) -> isl.Set:
    """A set of some of a domain's indices as a set of all of them, the rest free."""
    space = Domain.where(into.indices)
    return sets.preimage(part.set, space.access(list(part.indices)))


def _equalities(points: isl.Set) -> int:
    return int(points.affine_hull().n_constraint())


def _split(s: Statement, context: isl.Set) -> list[Statement]:
    """The interior first, then what is left, split likewise where it is still cut."""
    todo = [s]
    found: list[Statement] = []
    while todo:
        now = todo.pop(0)
        if sets.intersect_params(now.domain.set, context).is_empty():
            continue
        interior = _full(now, _summed(now)) if _has_border(now) else None
        if interior is None or len(found) + len(todo) > MAX_PIECES:
            found.append(now)
            continue
        found.append(replace(now, domain=now.domain.with_set(sets.coalesce(interior))))
        rest = sets.intersect_params(now.domain.set - interior, context)
        if not rest.is_empty():
            todo.extend(replace(now, domain=d) for d in Domain(now.domain.indices, rest).pieces)
    return found
