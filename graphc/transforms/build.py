"""What transforms build new equations from: fresh names, dimensions of auxiliary tensors, zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, box_set
from graphc.equations.expr import Const, Expr, Index, Op, make
from graphc.equations.system import Equation, System, Tensor, Term


class Names:
    """Fresh tensor names, many at a time."""

    def __init__(self, system: System) -> None:
        self.taken = {t.name for t in system.tensors}

    def fresh(self, wanted: str) -> str:
        name, k = wanted, 1
        while name in self.taken:
            k += 1
            name = f"{wanted}_{k}"
        self.taken.add(name)
        return name


def extents(system: System, domain: Domain, indices: Sequence[Index]) -> tuple[Expr, ...]:
    """Dimensions for a tensor with one axis an index: a number that bounds the index, or a dimension that occurs in the
    system and does, else 0 (what such a tensor holds is its `defined`, not these; and no dimension may be negative at
    any size)."""

    def extent(index: Index) -> Expr:
        known = sets.span(domain.set, domain.indices.index(index))
        if known is not None:
            return Const(max(known[1] + 1, 0))
        shadow = sets.intersect_params(domain.project((index,)).set, system.context)
        return next((d for d in system.extents if shadow.is_subset(box_set((d,)))), Const(0))

    return tuple(extent(i) for i in indices)


def zero_equation(tensor: Tensor, defined: isl.Set) -> Equation:
    """Every element of `tensor` is 0."""
    indices = tuple(Index(f"i{k}") for k in range(len(tensor.dims)))
    return Equation(tensor, "assign", defined, (Term(Domain(indices, defined), indices, Const(0)),))


def derived(tensor: Tensor, name: str) -> Tensor:
    """A real tensor of the same dimensions that equations define."""
    return replace(tensor, name=name, role="tensor", kind="real", dtype=None)


def writes_once(term: Term, defined: isl.Set) -> bool:
    """Whether a term writes plain indices and reaches each element of `defined` exactly once."""
    if len(set(term.write)) != len(term.write) or set(term.write) != set(term.domain.indices):
        return False
    return bool(defined.is_subset(term.domain.image(term.write)))


def total(a: Expr, b: Expr) -> Expr:
    """a + b, over one fraction bar where both have the same divisor: one division less."""
    first, second = _fraction(a), _fraction(b)
    if first is not None and second is not None and first[1] is second[1]:
        return make("div", first[0] + second[0], first[1])
    return a + b


def _fraction(e: Expr) -> tuple[Expr, Expr] | None:
    """(numerator, divisor) of p/d, p*(q/d) and their negatives."""
    match e:
        case Op(name="div", args=(p, d)):
            return p, d
        case Op(name="mul", args=(p, Op(name="div", args=(q, d)))):
            return p * q, d
        case Op(name="neg", args=(inner,)):
            found = _fraction(inner)
            return found and (-found[0], found[1])
    return None
