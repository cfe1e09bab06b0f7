"""`outside=` rules as equations: what a tensor gives outside its dimensions is one more term.

A given tensor whose reads can leave its box is read through an extended copy, defined on the box and on all elements
that are read; a computed tensor gains the outside as terms of its own equation. So a gradient through a boundary is
that of ordinary equations. (Under a Sum, zero outside never gets here: the sum runs where the factor is inside.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Read, make
from graphc.equations.gradients import reread
from graphc.equations.ops import BOUNDARY
from graphc.equations.system import Equation, Origin, System, Tensor, Term, reads_of


def apply(system: System, rules: Mapping[Tensor, str], fresh: Callable[[str], str]) -> System:
    """The system with the boundary rules {tensor: "zero", "edge", "reflect" or "wrap"} written out."""
    for tensor, rule in rules.items():
        read = _read_outside(system, tensor)
        if read is not None:
            system = (
                _given(system, tensor, rule, read, fresh) if tensor.given else _computed(system, tensor, rule, read)
            )
    return system


def _read_outside(system: System, tensor: Tensor) -> isl.Set | None:
    """The elements outside its dimensions at which a tensor is read; None if there are none."""
    inside = tensor.box if tensor.given or tensor not in system.by_tensor else system.defined(tensor) | tensor.box
    found: isl.Set | None = None
    for eq in system.equations:
        for term in eq.terms:
            for read in reads_of(term):
                if read.tensor is tensor:
                    beyond = term.domain.image(read.subs, tensor.dims) - inside
                    found = beyond if found is None else found | beyond
    if found is None or found.intersect_params(system.context).is_empty():
        return None
    return found.coalesce()


def _outside_term(tensor: Tensor, source: Tensor, rule: str, where: isl.Set) -> Term:
    """tensor[p] = source at the element the rule says, for p in `where`."""
    axes = tuple(Index(name) for name in _names(len(tensor.dims)))
    origin = Origin(f"{tensor.name}, {rule} outside")
    if rule == "zero":
        return Term(Domain(axes, where), axes, Const(0), origin)
    subs: Sequence[Expr] = [make(BOUNDARY[rule], i, n) for i, n in zip(axes, tensor.dims, strict=True)]
    return Term(Domain(axes, where), axes, Read(source, tuple(subs)), origin)


def _names(rank: int) -> list[str]:
    return list("ijklmnpq"[:rank]) if rank <= 8 else [f"i{k}" for k in range(rank)]


def _given(system: System, tensor: Tensor, rule: str, read: isl.Set, fresh: Callable[[str], str]) -> System:
    padded = Tensor(fresh(f"{tensor.name}_pad"), tensor.dims, "tensor", tensor.kind, tensor.dtype, tensor.origin)
    changed = [
        replace(eq, terms=tuple(_redirected(term, tensor, padded, system) for term in eq.terms))
        for eq in system.equations
    ]
    axes = tuple(Index(name) for name in _names(len(tensor.dims)))
    copy = Term(Domain(axes, tensor.box), axes, Read(tensor, axes), Origin(f"{tensor.name}, inside"))
    terms = (copy, _outside_term(padded, tensor, rule, read))
    return system.with_equations([*changed, Equation(padded, "assign", tensor.box | read, terms, copy.origin)])


def _redirected(term: Term, tensor: Tensor, padded: Tensor, system: System) -> Term:
    """`term` reading the extended copy, if it reads the tensor outside."""
    for read in reads_of(term):
        if read.tensor is tensor:
            image = term.domain.image(read.subs, tensor.dims).intersect_params(system.context)
            if not image.is_subset(tensor.box):
                return reread(term, {tensor: padded})
    return term


def _computed(system: System, tensor: Tensor, rule: str, read: isl.Set) -> System:
    def extended(eq: Equation) -> Equation:
        terms = (*eq.terms, _outside_term(tensor, tensor, rule, read))
        return replace(eq, terms=terms, defined=(eq.defined | read).coalesce())

    return system.with_equations(extended(eq) if eq.tensor is tensor else eq for eq in system.equations)
