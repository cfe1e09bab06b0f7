"""A comparison that puts an index where data say: the index goes, and what ran over all its values runs over the data.

    y[i] += select(i == J[k], x[k], 0)          y[only(c, J[k])] += select(c, x[k], 0)       with c: 0 <= J[k] < N
    L += select(i == J[k], p[k, i], 0)          L += select(c, p[k, only(c, J[k])], 0)

The first is a scatter (a histogram, messages along the edges of a graph, unpooling), the second, its adjoint among
others, a gather: of N*M points M are left. A place outside the range of the index meets none of its values. In a cycle
of which the data order the steps such a term has no place; where no loop orders the program that comes out, `compiler`
leaves this transform out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import islpy as isl

from graphc.equations.bounds import loop_bounds
from graphc.equations.domain import Domain, assume, has_reads
from graphc.equations.expr import (
    Const,
    Expr,
    Index,
    Op,
    Read,
    all_of,
    conjuncts,
    indices_of,
    make,
    place_of,
    postorder,
    rebuild,
)
from graphc.equations.ops import REDUCTIONS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.unfold import cycles


def deltas(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with indices that are compared with data for equality replaced by the data."""
    if not any(_compared(term.value) for eq in system.equations for term in eq.terms):
        return system
    members = {t: part for part in cycles(system) for t in part}
    sizes = assume(system.sizes, least=0)
    return system.with_equations(_equation(eq, members.get(eq.tensor, set()), sizes) for eq in system.equations)


def _compared(value: Expr) -> bool:
    return any(isinstance(n, Op) and n.name == "select" and any(_equalities(n.args[0])) for n in postorder(value))


def _equation(eq: Equation, cycle: set[Tensor], sizes: isl.Set) -> Equation:
    if eq.reduce == "assign":
        return eq
    terms = [part for term in eq.terms for part in _terms(term, eq.reduce, cycle, sizes)]
    return eq if terms == list(eq.terms) else replace(eq, terms=tuple(terms))


def _terms(term: Term, op: str, cycle: set[Tensor], sizes: isl.Set) -> list[Term]:
    """The term without such comparisons."""
    if set(term.domain.indices) <= set().union(*(indices_of(place_of(w)) for w in term.write), set()):
        return [term]  # an element for each point
    done: list[Term] = []
    todo = [term]
    while todo:
        now = todo.pop()
        conditions, value = _choice(now.value, _identity(op))
        found = next(_solutions(conditions, now, cycle), None)
        if found is None:
            done.append(now)
        else:
            equality, index, place = found
            others = [c for c in conditions if c is not equality]
            todo += [_placed(now, p, index, place, others, value, op, sizes) for p in reversed(now.domain.pieces)]
    return done


def _identity(op: str) -> Const:
    value = REDUCTIONS[op].identity
    return Const(int(value) if value in (0, 1) else value)


def _choice(value: Expr, otherwise: Const) -> tuple[list[Expr], Expr]:
    """(conditions, x) of a value that is x where they all hold, else the identity of the reduction."""
    conditions: dict[Expr, None] = {}
    while isinstance(value, Op) and value.name == "select" and value.args[2] is otherwise:
        conditions.update(dict.fromkeys(conjuncts(value.args[0])))
        value = value.args[1]
    return list(conditions), value


def _equalities(condition: Expr) -> Iterator[tuple[Expr, Index, Expr]]:
    """(equality, index, what it is equal to) for each index that a condition puts at a place from data."""
    for c in conjuncts(condition):
        if isinstance(c, Op) and c.name == "eq" and all(a.kind in ("weak", "int") for a in c.args):
            parts, _ = affine_parts(c.args[0] - c.args[1])
            for leaf, k in parts.items():
                if isinstance(leaf, Index) and abs(k) == 1:
                    place = leaf - k * (c.args[0] - c.args[1])
                    if has_reads(place) and leaf not in postorder(place):
                        yield c, leaf, place


def _solutions(conditions: list[Expr], term: Term, cycle: set[Tensor]) -> Iterator[tuple[Expr, Index, Expr]]:
    """The equalities that can be solved for an index of the term, by data that are there before its cycle runs."""
    for c in conditions:
        for equality, index, place in _equalities(c):
            known = all(not isinstance(n, Read) or n.tensor not in cycle for n in postorder(place))
            if index in term.domain.indices and known:
                yield equality, index, place


def _placed(
    term: Term, piece: Domain, index: Index, place: Expr, others: list[Expr], value: Expr, op: str, sizes: isl.Set
) -> Term:
    """The term on one convex piece of its points, with `place` for `index`."""
    keep = tuple(i for i in piece.indices if i is not index)
    (bounds,) = loop_bounds(piece, keep, [index], sizes)
    inside = [make("ge", place, low) for low in bounds.lowers] + [make("lt", place, up + 1) for up in bounds.uppers]
    here = all_of([*inside, *(_at(g, index, place, Const(True)) for g in bounds.guards)])
    write = tuple(_subscript(w, index, place, here) for w in term.write)
    condition = all_of([here, *(_at(c, index, place, here) for c in others)])
    chosen = make("select", condition, _at(value, index, place, here), _identity(op))
    return Term(piece.project(keep), write, chosen, term.origin)


def _at(e: Expr, index: Index, place: Expr, here: Expr) -> Expr:
    """`e` with `place` for `index`, what it reads there read only where the place is one of the index."""
    done: dict[Expr, Expr] = {}
    moved: set[Expr] = set()
    for node in postorder(e):
        if node is index or any(a in moved for a in node.args):
            moved.add(node)
        args = tuple(done[a] for a in node.args)
        if isinstance(node, Read):
            args = tuple(_only(here, s) if a in moved else s for a, s in zip(node.args, args, strict=True))
        done[node] = place if node is index else rebuild(node, args)
    return done[e]


def _subscript(sub: Expr, index: Index, place: Expr, here: Expr) -> Expr:
    return _only(here, _at(sub, index, place, here)) if index in postorder(sub) else sub


def _only(here: Expr, sub: Expr) -> Expr:
    """The subscript, with one more condition."""
    before = sub.args[0] if isinstance(sub, Op) and sub.name == "only" else Const(True)
    return make("only", make("and", here, before), place_of(sub))
