"""Sizes of 0: equations are checked for sizes of at least 1, so a call with an empty axis is checked here, once."""

from __future__ import annotations

from collections.abc import Mapping

from graphc.equations import sets
from graphc.equations.domain import assume, fix_sizes, sample
from graphc.equations.exclusive import LOCK
from graphc.equations.expr import Const, Expr, Op, Read, Size, substitute
from graphc.equations.printing import show
from graphc.equations.system import System, Term
from graphc.errors import DomainError


def refuse_empty_reads(system: System, sizes: Mapping[str, int]) -> None:
    """DomainError if at these sizes, and any others of at least 1, some equation reads, or contributes to, an element
    that does not exist."""
    with LOCK:
        for eq in system.equations:
            for term in eq.terms:
                _check(system, term, Read(eq.tensor, term.write), sizes, "contributes to")
                for read in term.reads:
                    _check(system, term, read, sizes, "reads")


def zero_sizes(sizes: Mapping[str, int]) -> str:
    """The sizes of 0; all of them where an axis such as N - 1 is empty without."""
    return ", ".join(f"{n} = {v}" for n, v in sizes.items() if v == 0 or 0 not in sizes.values())


def _check(system: System, term: Term, access: Read, sizes: Mapping[str, int], verb: str) -> None:
    others = assume((n for n in system.sizes if n not in sizes), own=system.least)
    image = sets.intersect_params(fix_sizes(term.domain.image(access.subs, access.tensor.dims), dict(sizes)), others)
    outside = image - fix_sizes(system.defined(access.tensor), dict(sizes))
    known: dict[Expr, Expr] = {Size(n): Const(v) for n, v in sizes.items()}
    if not outside.is_empty():
        found = sample(outside)
        element = f"{access.tensor.name}[{', '.join(map(str, found[1] if found else ()))}]"
    elif image.is_empty():
        # Subscripts such as i % N, or from data, are taken to lie within their axis; here it has no elements.
        if any(isinstance(s, Op) and s.name == "only" for s in access.subs):
            return  # none is read where no condition asks for one, and the run looks where one does
        if sets.intersect_params(fix_sizes(term.domain.set, dict(sizes)), others).is_empty():
            return
        element = f"an element of {access.tensor.name}"
    else:
        return
    raise DomainError(
        f"with {zero_sizes({**system.fixed, **sizes})}, {show(substitute(access, known))} {verb} {element},"
        f" which does not exist\n  in {term.origin or show(term.value)}\n  Call with at least one element"
    )
