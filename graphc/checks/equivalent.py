"""Whether two equations mean the same, proved on normal forms; never by sampling.

A contribution is a coefficient times a form whose slots take values: K[.]*I[.] written to S[.], the slots running over
the image of the domain under (write, m, i - m). Where that map is injective, the contributions of a term *are* this set
of slot values, whatever the indices are called and whichever index was eliminated; so convolution commutes. The
difference of two equations is then, for each form, a piecewise constant function on an integer set, and they are equal
if it is 0 everywhere. Products of sums are multiplied out and sums inside sums taken apart, so (A B) C = A (B C).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import islpy as isl

from graphc.checks.polynomial import Atom, Monomial, Polynomial, arranged, polynomial
from graphc.equations import sets
from graphc.equations.domain import Domain, is_affine
from graphc.equations.expr import Expr, Index, Read, indices_of, make, substitute
from graphc.equations.ops import SELECTIONS
from graphc.equations.system import Equation, System, Tensor

PERMUTATIONS = 24
NESTING = 8  # sums inside sums that are taken apart
Form = tuple[object, ...]
Name = Callable[[Read], object]


def equivalent(first: System, second: System) -> bool:
    """Whether the first equation of each system (the others are auxiliaries) defines the same tensor the same way.

    Tensors are matched by name. True is a proof; False says that none was found."""
    a, b = first.equations[0], second.equations[0]
    if (a.tensor.name, a.tensor.dims, a.tensor.kind) != (b.tensor.name, b.tensor.dims, b.tensor.kind):
        return False
    context = first.context & second.context
    classes = _Classes(first, second, context)
    return _alike(a, b, classes, context)


@dataclass(frozen=True, eq=False)
class _Part:
    """coefficient * atoms, added to tensor[write] at every point of the domain."""

    domain: Domain
    write: tuple[Expr, ...]
    coefficient: Fraction
    atoms: Monomial


class _Classes:
    """Names for auxiliary tensors: equal for those that hold the same."""

    def __init__(self, first: System, second: System, context: isl.Set) -> None:
        self.context = context
        self.auxiliary = {eq.tensor: eq for system in (first, second) for eq in system.equations[1:]}
        self.known: dict[Tensor, object] = {}
        self.members: list[Equation] = []

    def name(self, read: Read) -> object:
        eq = self.auxiliary.get(read.tensor)
        if eq is None:
            return read.tensor.name
        if eq.tensor not in self.known:
            self.known[eq.tensor] = ("auxiliary", eq)  # one that reads itself equals nothing else
            same = next((m for m in self.members if _alike(m, eq, self, self.context)), None)
            self.known[eq.tensor] = ("auxiliary", len(self.members)) if same is None else self.known[same.tensor]
            self.members.append(eq)
        return self.known[eq.tensor]


def _alike(a: Equation, b: Equation, classes: _Classes, context: isl.Set) -> bool:
    kinds = {"assign": "sum"}
    reduce = kinds.get(a.reduce, a.reduce)
    if reduce != kinds.get(b.reduce, b.reduce) or len(a.tensor.dims) != len(b.tensor.dims):
        return False
    if not sets.intersect_params(a.defined, context).is_equal(sets.intersect_params(b.defined, context)):
        return False
    difference: dict[Form, list[tuple[isl.Set, Fraction]]] = {}
    for eq, sign in ((a, 1), (b, -1)):
        parts = list(_parts(eq, classes) if reduce == "sum" else _whole(eq, classes))
        for form, points, coefficient in itertools.chain.from_iterable(_contributions(p) for p in parts):
            points = sets.intersect_params(points, context)
            pieces = difference.setdefault(form, [])
            if reduce in SELECTIONS:
                pieces.append((points, Fraction(sign)))
            else:
                difference[form] = _added(pieces, points, sign * coefficient)
    if reduce in SELECTIONS:
        return all(
            _union(p, 1).is_equal(_union(p, -1)) if len({k for _, k in p}) == 2 else False for p in difference.values()
        )
    return all(k == 0 or points.is_empty() for pieces in difference.values() for points, k in pieces)


def _union(pieces: list[tuple[isl.Set, Fraction]], sign: int) -> isl.Set:
    sets = [points for points, k in pieces if k == sign]
    total = sets[0]
    for points in sets[1:]:
        total = total | points
    return total


def _added(
    pieces: list[tuple[isl.Set, Fraction]], points: isl.Set, coefficient: Fraction
) -> list[tuple[isl.Set, Fraction]]:
    """A piecewise constant function plus a constant on `points`."""
    found = []
    for region, k in pieces:
        inside, outside = region & points, region - points
        found += [(region, k)] if inside.is_empty() else [(inside, k + coefficient), (outside, k)]
        points = points - region
    return [(region, k) for region, k in [*found, (points, coefficient)] if not region.is_empty()]


# -- normal forms -----------------------------------------------------------------------------------------------------


def _parts(eq: Equation, classes: _Classes) -> Iterator[_Part]:
    """The contributions to a sum, one monomial each, with sums inside them taken apart."""
    todo = [
        (0, _Part(term.domain, term.write, k, atoms))
        for term in eq.terms
        for k, atoms in polynomial(term.value, classes.name).terms
    ]
    while todo:
        depth, part = todo.pop()
        inner = next((a for a in part.atoms if _is_sum(a, classes)), None)
        if inner is None or depth == NESTING:
            yield part
        else:
            todo += [(depth + 1, p) for p in _taken_apart(part, inner, classes)]


def _is_sum(atom: Atom, classes: _Classes) -> bool:
    eq = classes.auxiliary.get(atom.read.tensor) if atom.read is not None else None
    return (
        eq is not None and eq.reduce in ("sum", "assign") and all(map(is_affine, atom.read.subs if atom.read else ()))
    )


def _taken_apart(part: _Part, atom: Atom, classes: _Classes) -> Iterator[_Part]:
    """c * A[r] * rest, where A[w] += v over E, is c * v * rest over the points of both with w = r."""
    assert atom.read is not None
    at = next(n for n, a in enumerate(part.atoms) if a is atom)
    rest = part.atoms[:at] + part.atoms[at + 1 :]  # a square has the same atom twice
    for term in classes.auxiliary[atom.read.tensor].terms:
        fresh: dict[Expr, Expr] = {i: Index(i.name) for i in term.domain.indices}
        indices = part.domain.indices + tuple(i for i in fresh.values() if isinstance(i, Index))
        both = Domain(indices, part.domain.set.flat_product(term.domain.set))
        meet = [make("eq", substitute(w, fresh), r) for w, r in zip(term.write, atom.read.subs, strict=True)]
        inner: Polynomial = polynomial(substitute(term.value, fresh), classes.name)
        for k, atoms in inner.terms:
            yield _Part(both.restrict(*meet), part.write, part.coefficient * k, arranged(rest + atoms))


def _whole(eq: Equation, classes: _Classes) -> Iterator[_Part]:
    """The contributions to a product, a maximum or a minimum: whole values."""
    for term in eq.terms:
        atom = polynomial(term.value, classes.name).atom("value")
        yield _Part(term.domain, term.write, Fraction(1), (atom,))


def _contributions(part: _Part) -> Iterator[tuple[Form, isl.Set, Fraction]]:
    """(form, slot values, coefficient): for equal atoms every order of them, each with its share."""
    orders = list(_orders(part.atoms))
    left = [_left(w) for w in part.write]
    for atoms in orders:
        slots = [s for a in (*left, *atoms) for s in a.slots]
        form: Form = tuple(a.form for a in (*left, *atoms))
        if not _injective(part.domain, slots):  # some points contribute the same: tell them apart
            used = set().union(*map(indices_of, slots), set())
            idle: list[Expr] = [i for i in part.domain.indices if i not in used]
            slots += idle if _injective(part.domain, slots + idle) else list(part.domain.indices)
            form = (*form, "each", len(slots))
        yield form, part.domain.image(slots), part.coefficient / len(orders)


def _left(e: Expr) -> Atom:
    """A subscript of a left side; one that is read from data is a form like any other."""
    return Atom((".",), (e,)) if is_affine(e) else polynomial(e, lambda read: read.tensor.name).atom("at")


def _injective(domain: Domain, slots: Iterable[Expr]) -> bool:
    return bool(domain.access(tuple(slots)).intersect_domain(domain.set).is_injective())


def _orders(atoms: Monomial) -> Iterator[Monomial]:
    """All orders of the atoms that keep their forms in place; only the given one if they are very many."""
    groups = [list(g) for _, g in itertools.groupby(atoms, key=lambda a: repr(a.form))]
    if math.prod(math.factorial(len(g)) for g in groups) > PERMUTATIONS:
        yield atoms
        return
    for choice in itertools.product(*(itertools.permutations(g) for g in groups)):
        yield tuple(a for g in choice for a in g)
