"""A product over an index as a recurrence along it, so that its derivative never divides.

    P[u] *= f(u, m)  for (u, m) in D      becomes      S[u, m] = f(u, m) * S[u, m + 1],  S[u, last] = f(u, last),
                                                       P[u] = S[u, first]

The adjoint of S is the product of the factors before m and S[u, m + 1] that of those after: prefix times suffix, exact
at zeros to every order. Several indices nest; points missing between the first and the last count as factors 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import Domain, has_reads
from graphc.equations.expr import Const, Expr, Index, Read
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.errors import UnsupportedError
from graphc.transforms.build import Names, extents


def products_to_recurrences(system: System, tensors: Iterable[Tensor]) -> System:
    """`system` with the products that define any of `tensors` written as recurrences."""
    wanted, names = set(tensors), Names(system)
    if not any(eq.reduce == "prod" and eq.tensor in wanted for eq in system.equations):
        return system
    equations: list[Equation] = []
    for eq in system.equations:
        if eq.reduce == "prod" and eq.tensor in wanted:
            equations.extend(_factors(system, eq, names))
        else:
            equations.append(eq)
    return system.with_equations(equations)


def _factors(system: System, eq: Equation, names: Names) -> list[Equation]:
    """A product of several terms is the product of one product a term."""
    if len(eq.terms) == 1:
        return _nest(system, eq, names)
    indices = tuple(Index(f"i{k}") for k in range(len(eq.tensor.dims)))
    found: list[Equation] = []
    product: Expr = Const(1)
    for term in eq.terms:
        part = replace(eq.tensor, name=names.fresh(f"{eq.tensor.name}_part"))
        found += _nest(system, replace(eq, tensor=part, terms=(term,)), names)
        product = product * Read(part, indices)
    whole = Term(Domain(indices, eq.defined), indices, product, eq.origin)
    return [*found, replace(eq, reduce="assign", terms=(whole,))]


def _nest(system: System, eq: Equation, names: Names) -> list[Equation]:
    """A product of one term: the last reduced index first, until none is left."""
    (term,) = eq.terms
    found: list[Equation] = []
    for m in reversed(term.reduced):
        domain = term.domain
        scan = _scan(system, term, m, names.fresh(f"{eq.tensor.name}_scan"))
        first = domain.with_set(scan.defined - _shift(scan.defined, domain.indices.index(m), 1))
        outer = tuple(i for i in domain.indices if i is not m)
        region = first.project(outer)
        part = Tensor(names.fresh(f"{eq.tensor.name}_over_{m.name}"), extents(system, region, outer))
        value = Term(first, outer, Read(scan.tensor, domain.indices), term.origin)
        found += [scan, Equation(part, "assign", region.set, (value,), eq.origin)]
        term = replace(term, domain=region, value=Read(part, outer))
    if (
        any(has_reads(w) for w in term.write)
        or not term.domain.access(term.write).intersect_domain(term.domain.set).is_injective()
    ):
        raise UnsupportedError(
            f"the derivative of a product whose left side is not one index an axis: {eq.origin or eq.tensor.name}; "
            "name the factors by an index of their own"
        )
    empty = Domain(
        tuple(Index(f"i{k}") for k in range(len(eq.tensor.dims))), eq.defined - term.domain.image(term.write)
    )
    terms = [term] if empty.is_empty() else [term, Term(empty, empty.indices, Const(1), eq.origin)]
    return [*found, replace(eq, reduce="assign", terms=tuple(terms))]


def _scan(system: System, term: Term, m: Index, name: str) -> Equation:
    """The products of all factors from m on."""
    domain, k = term.domain, term.domain.indices.index(m)
    span = domain.with_set(_span(domain.set, k))
    tensor = Tensor(name, extents(system, span, span.indices))
    here, after = span.indices, tuple(i + 1 if i is m else i for i in span.indices)
    inner = span.with_set(span.set & _shift(span.set, k, -1))
    parts = [
        (domain & inner, term.value * Read(tensor, after)),
        (domain - inner, term.value),
        (inner - domain, Read(tensor, after)),
    ]
    terms = tuple(Term(d, here, value, term.origin) for d, value in parts if not d.is_empty())
    return Equation(tensor, "assign", span.set, terms, term.origin)


def _along(space: isl.Space, k: int, relation: str) -> isl.Map:
    """The map from a point to those that differ in coordinate k as `relation` (of i and o) says."""
    n = space.dim(isl.dim_type.set)
    ins, outs = [f"i{d}" for d in range(n)], [f"o{d}" for d in range(n)]
    same = [f"{o} = {i}" for d, (i, o) in enumerate(zip(ins, outs, strict=True)) if d != k]
    conditions = " and ".join([*same, relation.format(i=ins[k], o=outs[k])])
    return isl.Map(f"{{ [{', '.join(ins)}] -> [{', '.join(outs)}] : {conditions} }}")


def _span(points: isl.Set, k: int) -> isl.Set:
    """All points between two points of the set along coordinate k."""
    space = points.get_space()
    return sets.coalesce(points.apply(_along(space, k, "{o} >= {i}")) & points.apply(_along(space, k, "{o} <= {i}")))


def _shift(points: isl.Set, k: int, by: int) -> isl.Set:
    return points.apply(_along(points.get_space(), k, f"{{o}} = {{i}} + {by}"))
