"""Deep values in pieces, so that differentiating one costs in proportion to its length.

The adjoint of a read is a product over all that lies between it and the whole. Of n reads one further inside than the
other (the least of 64 values) these are n*n/2 operations; pieces that are tensors of their own have them in common.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Op, Read, above_reads, indices_of, postorder, rebuild, substitute
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import Names
from graphc.transforms.share import name_value, shadow

DEEP = 32  # levels of a value that stays in one piece
PIECE = 16  # levels of a piece of a deeper one
_FLAT = ("add", "sub", "neg")  # the adjoint passes through


def cut(system: System, tensors: Collection[Tensor]) -> System:
    """`system` with the deep values of the equations for `tensors` in pieces."""
    names = Names(system)
    equations: list[Equation] = []
    for eq in system.equations:
        if eq.tensor in tensors:
            terms = tuple(_in_pieces(system, eq, term, names, equations) for term in eq.terms)
            eq = eq if terms == eq.terms else replace(eq, terms=terms)
        equations.append(eq)
    return system if len(equations) == len(system.equations) else system.with_equations(equations)


def _in_pieces(system: System, eq: Equation, term: Term, names: Names, found: list[Equation]) -> Term:
    """The term, reading the pieces whose equations join `found`."""
    if _depth(term.value) <= DEEP or any(isinstance(n, Op) and n.name == "only" for n in postorder(term.value)):
        return term
    done: dict[Expr, Expr] = {}
    level: dict[Expr, int] = {}
    for node in above_reads(term.value):
        new = node if isinstance(node, Read) else rebuild(node, tuple(done[a] for a in node.args))
        level[node] = 0 if isinstance(node, Read) else _level(node, level)
        if level[node] == PIECE and node.kind == "real" and node is not term.value:
            new, level[node] = _named(system, eq, term, new, names, found), 0
        done[node] = new
    return replace(term, value=done[term.value])


def _depth(value: Expr) -> int:
    level: dict[Expr, int] = {}
    for node in above_reads(value):
        level[node] = 0 if isinstance(node, Read) else _level(node, level)
    return level[value]


def _level(node: Expr, level: dict[Expr, int]) -> int:
    flat = not node.args or (isinstance(node, Op) and node.name in _FLAT)
    return max((level[a] for a in node.args), default=0) + (not flat)


def _named(system: System, eq: Equation, term: Term, value: Expr, names: Names, found: list[Equation]) -> Expr:
    """A read of a tensor that holds `value` at every point of the term."""
    old = tuple(i for i in term.domain.indices if i in indices_of(value))
    new = tuple(Index(i.name) for i in old)
    domain = Domain(new, shadow(term.domain, old))
    found.append(name_value(system, domain, substitute(value, dict(zip(old, new, strict=True))), names, eq))
    return Read(found[-1].tensor, old)
