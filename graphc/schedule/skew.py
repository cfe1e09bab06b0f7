"""Diagonals stored together (System → System): a tensor computed as a wavefront becomes one whose first axis is time.

    r[i,j] = c[i,j] + min(r[i-1,j], r[i,j-1])   →   r_w[w,i] = c[i,w-i] + min(r_w[w-1,i-1], r_w[w-1,i])

The elements of a diagonal w = i + j are independent of each other and, stored so, neighbours: they run in vectors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, indices_of, substitute, transform
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.schedule.choice import choose_loop
from graphc.schedule.dependence import components, dependences, is_cyclic, within
from graphc.schedule.program import Statement


def skew(system: System, statements: list[Statement], outputs: Iterable[Tensor]) -> System:
    """The system with its wavefronts along a first axis; itself if it has none."""
    found, others = _wavefronts(system, statements)
    if not found:
        return system
    members = found | _companions(system, found, others)
    new = {t: _skewed(t, system) for t in members}
    equations: list[Equation] = []
    for eq in system.equations:
        terms = tuple(replace(t, value=_reread(t.value, new)) for t in eq.terms)
        if eq.tensor in new:
            moved = new[eq.tensor]
            written = tuple(_moved(t) for t in terms)
            equations.append(replace(eq, tensor=moved, defined=_turned(eq.defined), terms=written))
            if eq.tensor in set(outputs):
                equations.append(_back(eq, moved))
        else:
            equations.append(replace(eq, terms=terms))
    return system.with_equations(equations)


def _wavefronts(system: System, statements: list[Statement]) -> tuple[set[Tensor], set[Tensor]]:
    """Matrices whose cycle has a wavefront for its best loop, and what is on any other cycle."""
    deps = dependences(statements, system)
    found: set[Tensor] = set()
    others: set[Tensor] = set()
    parts = components(statements, deps)
    for component, own in zip(parts, within(parts, deps), strict=True):
        if is_cyclic(component, own):
            choice = choose_loop(component, own, system)
            if choice is not None and all(len(set(axes)) == 2 == len(t.dims) for t, axes in choice.axes.items()):
                found |= set(choice.axes)
            else:
                others |= {s.tensor for s in component}
    return (found, others) if not found & others else (set(), others)


def _companions(system: System, members: set[Tensor], others: set[Tensor]) -> set[Tensor]:
    """Matrices computed element by element from wavefronts or for them, on no cycle of their own."""
    read = {r.tensor for t in members for _, r in system.by_tensor[t].reads()}
    found = set()
    for eq in system.equations:
        if eq.tensor in members | others or len(eq.tensor.dims) != 2 or not all(_elementwise(t) for t in eq.terms):
            continue
        if eq.tensor in read or any(r.tensor in members for _, r in eq.reads()):
            found.add(eq.tensor)
    return found


def _elementwise(term: Term) -> bool:
    return len(term.domain.indices) == len(term.write) == len(set(term.write)) and all(
        isinstance(w, Index) for w in term.write
    )


def _skewed(t: Tensor, system: System) -> Tensor:
    return replace(t, name=system.fresh_name(t.name + "_w"), dims=(t.dims[0] + t.dims[1], t.dims[0]), joined=())


def _diagonal(subs: tuple[Expr, ...]) -> tuple[Expr, Expr]:
    return subs[0] + subs[1], subs[0]


def _reread(value: Expr, new: dict[Tensor, Tensor]) -> Expr:
    def visit(node: Expr) -> Expr | None:
        if isinstance(node, Read) and node.tensor in new:
            return Read(new[node.tensor], _diagonal(node.subs))
        return None

    return transform(value, visit)


def _turned(points: isl.Set) -> isl.Set:
    return points.apply(isl.Map("{ [i, j] -> [i + j, i] }"))


def _moved(term: Term) -> Term:
    """The term on diagonals: what is written by plain indices (i, j) is written at (w, i)."""
    write = _diagonal(term.write)
    if not _elementwise(term):
        return replace(term, write=write)
    i, j = term.write
    w = Index("w")
    mapping: dict[Expr, Expr] = {j: w - i}
    assert isinstance(i, Index) and indices_of(w - i) == {w, i}
    old = [mapping.get(x, x) for x in term.domain.indices]
    space = Domain.where((w, i))
    domain = Domain((w, i), sets.preimage(term.domain.set, space.access(old)))
    return replace(term, domain=domain, write=(w, i), value=substitute(term.value, mapping))


def _back(eq: Equation, moved: Tensor) -> Equation:
    """The tensor as asked for, read off the diagonals."""
    i, j = Index("i"), Index("j")
    term = Term(Domain((i, j), eq.defined), (i, j), Read(moved, (i + j, i)), eq.origin)
    return Equation(eq.tensor, "assign", eq.defined, (term,), eq.origin)
