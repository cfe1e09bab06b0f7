"""oo among integers of 64 bits is the largest: fit to be compared, but one more makes it the smallest.

Where elements can be infinite is followed from the literals through what passes values on (choices, the larger and the
smaller of two, reductions to them); what computes with such an element is refused.
"""

from __future__ import annotations

from math import isinf

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Op, Read, above_reads
from graphc.equations.ops import SELECTIONS
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.errors import UnsupportedError

ROUNDS = 3  # then a tensor that is still infinite at more and more elements is so at all
_JOINS = {("maximum", 1), ("minimum", -1)}  # infinite where one of the two is; else where both are
_REDUCES = {("assign", 1), ("assign", -1), ("max", 1), ("min", -1)}
_LOOKS = frozenset(("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "isnan", "isfinite", "sign"))
_PASSES = frozenset(("maximum", "minimum", "select", "toreal", "toint", "stop"))

Places = dict[tuple[Tensor, int], isl.Set]


def refuse_infinities(system: System) -> None:
    """UnsupportedError where an element that is infinite is more than compared and passed on."""
    if not any(_is_infinite(n) for eq in system.equations for t in eq.terms for n in above_reads(t.value)):
        return
    places = _places(system)
    for eq in system.equations:
        for term in eq.terms:
            _refuse(eq, term, places)


def _places(system: System) -> Places:
    """The elements that can be +oo and -oo."""
    places: Places = {}
    for k in range(ROUNDS + 1):
        grown = False
        for eq in system.equations:
            for sign in (s for s in (1, -1) if (eq.reduce, s) in _REDUCES):
                for term in eq.terms:
                    points = _points(term.value, term.domain, sign, places)
                    found = term.domain.with_set(points).image(term.write, eq.tensor.dims)
                    before = places.get((eq.tensor, sign), sets.nowhere(found))
                    if not found.is_subset(before):
                        places[eq.tensor, sign] = eq.defined if k == ROUNDS else sets.union(before, found)
                        grown = True
        if not grown:
            break
    return places


def _points(value: Expr, domain: Domain, sign: int, places: Places, finite: frozenset[Expr] = frozenset()) -> isl.Set:
    """The points of a domain at which the value can be infinite with this sign, the reads `finite` being so."""
    nowhere = sets.nowhere(domain.set)
    done: dict[Expr, isl.Set] = {}
    for node in above_reads(value):
        match node:
            case Const() if _is_infinite(node) and (node.value > 0) == (sign > 0):
                done[node] = domain.set
            case Read() if (node.tensor, sign) in places and node not in finite:
                done[node] = domain.reaching(node.subs, node.tensor.dims, places[node.tensor, sign])
            case Op(name="maximum" | "minimum", args=(a, b)):
                join = sets.union if (node.name, sign) in _JOINS else sets.intersect
                done[node] = join(done[a], done[b])
            case Op(name="select", args=(_, a, b)):
                done[node] = sets.union(done[a], done[b])
            case Op(name="toreal" | "toint" | "stop", args=(a,)):
                done[node] = done[a]
            case _:
                done[node] = nowhere
    return done[value]


def _refuse(eq: Equation, term: Term, places: Places) -> None:
    computed = [n for n in above_reads(term.value) if isinstance(n, Op) and n.name not in _LOOKS | _PASSES]
    choices = [n.args[0] for n in above_reads(term.value) if isinstance(n, Op) and n.name == "select"]
    asked = frozenset(n for c in choices for n in above_reads(c) if isinstance(n, Read))  # and chosen by what they are
    parts = [a for n in computed for a in n.args]
    if eq.reduce not in ("assign", *SELECTIONS):
        parts.append(term.value)
    for part in parts:
        if any(not _points(part, term.domain, sign, places, asked).is_empty() for sign in (1, -1)):
            name = part.tensor.name if isinstance(part, Read) else "a part"
            raise UnsupportedError(
                f"{name} is infinite, which has no value among the integers\n  in {term.origin}\n"
                "  Write a number larger than any result, 2**62 say, or compile with dtype='float64'"
            )


def _is_infinite(e: Expr) -> bool:
    return isinstance(e, Const) and isinstance(e.value, float) and isinf(e.value)
