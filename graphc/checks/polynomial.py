"""Expressions as polynomials in atoms, each atom split into its form and its slots.

A slot is an affine subscript (or an index used as a value); the form is the rest. `K[i - m]*I[m]` has the atoms I[.]
and K[.] with the slots m and i - m. Two expressions of equal form differ only in what their slots hold, so a term is
told by its form and the set of values that its slots take: see `equivalent`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from graphc.equations.domain import is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder

MOST = 64  # monomials; a product with more of them stays unexpanded
COMMUTATIVE = frozenset(("maximum", "minimum", "and", "or", "eq", "ne"))


@dataclass(frozen=True, eq=False)
class Atom:
    """Neither a sum nor a product: `form` is hashable and free of indices, `slots` hold them; `read` if it is one."""

    form: tuple[Any, ...]
    slots: tuple[Expr, ...] = ()
    read: Read | None = None

    @property
    def order(self) -> tuple[str, str]:
        return repr(self.form), repr(self.slots)


Monomial = tuple[Atom, ...]


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A sum of coefficient * product of atoms; terms that could be collected need not be."""

    terms: tuple[tuple[Fraction, Monomial], ...]

    def __add__(self, other: Polynomial) -> Polynomial:
        return Polynomial(self.terms + other.terms)

    def scaled(self, k: Fraction) -> Polynomial:
        return Polynomial(tuple((k * c, m) for c, m in self.terms))

    def __mul__(self, other: Polynomial) -> Polynomial:
        return Polynomial(tuple((c * d, arranged(m + n)) for c, m in self.terms for d, n in other.terms))

    def atom(self, *head: Any) -> Atom:
        """The whole as the argument of something."""
        terms = sorted(self.terms, key=lambda term: ([a.order for a in term[1]], term[0]))
        form = tuple((c, tuple(a.form for a in m)) for c, m in terms)
        return Atom((*head, form), tuple(s for _, m in terms for a in m for s in a.slots))


def arranged(atoms: Monomial) -> Monomial:
    return tuple(sorted(atoms, key=lambda a: a.order))


def constant(k: Fraction) -> Polynomial:
    return Polynomial(((k, ()),))


def single(atom: Atom) -> Polynomial:
    return Polynomial(((Fraction(1), (atom,)),))


def polynomial(value: Expr, name: Callable[[Read], object]) -> Polynomial:
    """The normal form of an expression; `name` says what a read reads."""
    done: dict[Expr, Polynomial] = {}
    for node in postorder(value):
        done[node] = _node(node, done, name)
    return done[value]


def _node(node: Expr, done: dict[Expr, Polynomial], name: Callable[[Read], object]) -> Polynomial:
    match node:
        case Const(value=bool()):
            return single(Atom(("const", node.value)))
        case Const(value=float(v)) if v != v or v in (float("inf"), -float("inf")):
            return single(Atom(("const", repr(v))))
        case Const():
            return constant(Fraction(node.value))
        case Size():
            return single(Atom(("size", node.name)))
        case Index():
            return single(Atom(("index",), (node,)))
        case Read():
            parts = [_subscript(s, done) for s in node.subs]
            form = ("read", name(node), *(p.form for p in parts))
            return single(Atom(form, tuple(s for p in parts for s in p.slots), node))
    assert isinstance(node, Op)
    return _operation(node, [done[a] for a in node.args])


def _subscript(e: Expr, done: dict[Expr, Polynomial]) -> Atom:
    return Atom((".",), (e,)) if is_affine(e) else done[e].atom("at")


def _operation(node: Op, args: list[Polynomial]) -> Polynomial:
    match node.name, args:
        case "add", [a, b]:
            return a + b
        case "sub", [a, b]:
            return a + b.scaled(Fraction(-1))
        case "neg", [a]:
            return a.scaled(Fraction(-1))
        case "mul", [a, b] if len(a.terms) * len(b.terms) <= MOST:
            return a * b
        case "div", [a, b] if len(b.terms) == 1 and b.terms[0][0] != 0:
            ((k, atoms),) = b.terms
            inverse = arranged(tuple(Atom(("1/", x.form), x.slots) for x in atoms))
            return a * Polynomial(((1 / k, inverse),))
        case "div", [a, b]:
            return a * single(b.atom("1/"))
        case "pow", [a, _] if _power(node) and len(a.terms) ** _power(node) <= MOST:
            total = a
            for _ in range(_power(node) - 1):
                total = total * a
            return total
    parts = [a.atom("arg") for a in args]
    if node.name in COMMUTATIVE:
        parts.sort(key=lambda p: p.order)
    return single(Atom((node.name, *(p.form for p in parts)), tuple(s for p in parts for s in p.slots)))


def _power(node: Op) -> int:
    """The exponent if it is a small natural number, else 0."""
    e = node.args[1]
    return int(e.value) if isinstance(e, Const) and isinstance(e.value, int) and 1 <= e.value <= 8 else 0
