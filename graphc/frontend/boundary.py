"""`outside=` rules as equations: what a tensor gives outside its dimensions is one more term.

A given tensor whose reads can leave its box is read through an extended copy, defined on the box and on all elements
that are read; a computed tensor gains the outside as terms of its own equation. So a gradient through a boundary is
that of ordinary equations. (Under a Sum, zero outside never gets here: the sum runs where the factor is inside.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import ranges
from graphc.equations.domain import Domain, has_reads, is_affine
from graphc.equations.expr import Const, Expr, Index, Read, make, substitute, transform
from graphc.equations.ops import BOUNDARY
from graphc.equations.system import Equation, Origin, System, Tensor, Term, reads_of
from graphc.frontend.gradients import reread
from graphc.language.boundaries import BOUNDARIES

MAX_PIECES = 5  # a reader in fewer pieces than this is cheaper than a copy with a rim


def apply(system: System, rules: Mapping[Tensor, str], fresh: Callable[[str], str]) -> System:
    """The system with the boundary rules {tensor: "zero" or one of `BOUNDARIES`} written out."""
    for tensor, rule in rules.items():
        system = _by_data(system, tensor, rule)
        read = _read_outside(system, tensor)
        if read is not None:
            system = (
                _given(system, tensor, rule, read, fresh) if tensor.given else _computed(system, tensor, rule, read)
            )
    return system


def _by_data(system: System, tensor: Tensor, rule: str) -> System:
    """Subscripts that come from data bent inside by the rule itself, since only the call can tell where they point; for
    "zero", reads that are made inside only (`guards`)."""

    def visit(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor is not tensor:
            return None
        inside: Expr = Const(True)
        subs = []
        for sub, n in zip(node.subs, tensor.dims, strict=True):
            if _is_opaque(sub):
                inside = make("and", inside, make("and", make("ge", sub, Const(0)), make("lt", sub, n)))
                sub = make(BOUNDARY[rule], sub, n) if rule in BOUNDARY else sub
            subs.append(sub)
        bent = Read(tensor, tuple(subs))
        return make("select", inside, bent, Const(0)) if rule == "zero" else bent

    def bend(term: Term) -> Term:
        if not any(r.tensor is tensor and any(map(_is_opaque, r.subs)) for r in reads_of(term)):
            return term
        return replace(term, value=transform(term.value, visit))

    return system.with_equations(replace(eq, terms=tuple(bend(t) for t in eq.terms)) for eq in system.equations)


def _is_opaque(sub: Expr) -> bool:
    """Whether only the call can tell where a subscript points."""
    return has_reads(sub) or not is_affine(sub)


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
    if found is None or sets.intersect_params(found, system.context).is_empty():
        return None
    return sets.coalesce(found)


def _extents(tensor: Tensor, defined: isl.Set, context: isl.Set) -> list[tuple[Expr, Expr]]:
    """(first, last) coordinate on each axis inside: start values (`s[-1]`) are, too, where the two can be said."""
    declared: list[tuple[Expr, Expr]] = [(Const(0), n - 1) for n in tensor.dims]
    if defined.is_subset(tensor.box):
        return declared
    found = ranges(defined | tensor.box, context)
    return [ends if all(map(is_affine, ends)) else own for ends, own in zip(found, declared, strict=True)]


def _outside_terms(
    tensor: Tensor, source: Tensor, rule: str, where: isl.Set, defined: isl.Set, context: isl.Set
) -> list[Term]:
    """tensor[p] = source at the element the rule says, for p in `where`: one term for each way to lie outside."""
    axes = tuple(Index(name) for name in _names(len(tensor.dims)))
    origin = Origin(f"{tensor.name}, {rule} outside")
    if rule == "zero":
        return [Term(Domain(axes, where), axes, Const(0), origin)]
    parts: list[tuple[Domain, tuple[Expr, ...]]] = [(Domain(axes, where), ())]
    for i, (first, last) in zip(axes, _extents(tensor, defined, context), strict=True):
        split = []
        for domain, subs in parts:
            for conditions, sub in _nearest(rule, i, first, last):
                part = domain.restrict(*conditions)
                part = part.with_set(sets.coalesce(part.set))
                if not sets.intersect_params(part.set, context).is_empty():
                    split.append((part, (*subs, sub)))
        parts = split
    return [Term(domain, axes, Read(source, subs), origin) for domain, subs in parts]


def _nearest(rule: str, i: Index, first: Expr, last: Expr) -> list[tuple[tuple[Expr, ...], Expr]]:
    """(conditions, subscript) of a rule on one axis: affine inside and within one period, else the rule."""

    def between(low: Expr, high: Expr) -> tuple[Expr, ...]:
        return make("le", low, i), make("le", i, high)

    before, after = (make("lt", i, first),), (make("gt", i, last),)
    (low, below), (high, above) = BOUNDARIES[rule].near(i, first, last)
    if low is None:
        return [(between(first, last), i), (before, below), (after, above)]
    far = make(BOUNDARY[rule], i - first, last - first + 1) + first
    return [
        (between(first, last), i),
        (between(low, first - 1), below),
        (between(last + 1, high), above),
        ((make("lt", i, low), *before), far),
        ((make("gt", i, high), *after), far),
    ]


def _names(rank: int) -> list[str]:
    return list("ijklmnpq"[:rank]) if rank <= 8 else [f"i{k}" for k in range(rank)]


def _given(system: System, tensor: Tensor, rule: str, read: isl.Set, fresh: Callable[[str], str]) -> System:
    if rule == "zero":
        split = {term: _split_at_border(term, tensor, system.context) for eq in system.equations for term in eq.terms}
        if all(len(parts) < MAX_PIECES for parts in split.values()):
            # Few reads leave it: each border is a piece of the reader, and no copy is made.
            return system.with_equations(
                replace(eq, terms=tuple(p for t in eq.terms for p in split[t])) for eq in system.equations
            )
    padded = Tensor(fresh(f"{tensor.name}_pad"), tensor.dims, "tensor", tensor.kind, tensor.dtype, tensor.origin)
    changed = [
        replace(eq, terms=tuple(_redirected(term, tensor, padded, system) for term in eq.terms))
        for eq in system.equations
    ]
    axes = tuple(Index(name) for name in _names(len(tensor.dims)))
    copy = Term(Domain(axes, tensor.box), axes, Read(tensor, axes), Origin(f"{tensor.name}, inside"))
    terms = (copy, *_outside_terms(padded, tensor, rule, read, tensor.box, system.context))
    return system.with_equations([*changed, Equation(padded, "assign", tensor.box | read, terms, copy.origin)])


def _split_at_border(term: Term, tensor: Tensor, context: isl.Set) -> list[Term]:
    """For rule "zero": the term in pieces, in each of which a read is inside or replaced by 0."""
    done: list[Term] = []
    todo = [term]
    while todo and len(done) + len(todo) <= MAX_PIECES:
        now = todo.pop()
        leaving = (
            r
            for r in reads_of(now)
            if r.tensor is tensor
            and not sets.intersect_params((now.domain - now.domain.inside(r.subs, tensor.box)).set, context).is_empty()
        )
        read = next(leaving, None)
        if read is None:
            done.append(now)
            continue
        inside = now.domain.inside(read.subs, tensor.box)
        without = substitute(now.value, {read: Const(0)})
        parts = [replace(now, domain=inside), replace(now, domain=now.domain - inside, value=without)]
        todo += [p for p in parts if not sets.intersect_params(p.domain.set, context).is_empty()]
    return done + todo


def _redirected(term: Term, tensor: Tensor, padded: Tensor, system: System) -> Term:
    """`term` reading the extended copy, if it reads the tensor outside."""
    for read in reads_of(term):
        if read.tensor is tensor:
            image = sets.intersect_params(term.domain.image(read.subs, tensor.dims), system.context)
            if not image.is_subset(tensor.box):
                return reread(term, {tensor: padded})
    return term


def _computed(system: System, tensor: Tensor, rule: str, read: isl.Set) -> System:
    def extended(eq: Equation) -> Equation:
        terms = (*eq.terms, *_outside_terms(tensor, tensor, rule, read, eq.defined, system.context))
        return replace(eq, terms=terms, defined=sets.coalesce(eq.defined | read))

    return system.with_equations(extended(eq) if eq.tensor is tensor else eq for eq in system.equations)
