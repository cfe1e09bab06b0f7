"""Reverse mode on equations: one adjoint term per read, its domain kept, write and read maps swapped.

    X[w(p)] (+)= f(.., Y[r(p)], ..)    for p in D        gives        dY[r(p)] += dX[w(p)] * df/dY[r(p)]    for p in D

(Griewank and Walther, Evaluating Derivatives, 2008, ch. 3, per element; no solving, no deltas, no new guards.) The
result is a system like any other, so applying this twice gives second derivatives. Reductions other than sums:

- max, min: `f == X[w]` selects the winners; ties share equally, so a tensor counts them;
- prod: rewritten as a recurrence first (`products`), whose adjoint is prefix times suffix: exact at zeros.

`stabilise` runs first: the adjoint of log(softmax) is a difference, that of its two steps would be 0/0 far out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import islpy as isl

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, make
from graphc.equations.graphs import reached
from graphc.equations.ops import SELECTIONS
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.errors import ShapeError
from graphc.transforms.build import Names, derived, writes_once, zero_equation
from graphc.transforms.cut import cut
from graphc.transforms.products import products_to_recurrences
from graphc.transforms.pullback import ONE, TRUE, ZERO, differentiable_reads, guarded, pullback
from graphc.transforms.seeds import Seeds, align
from graphc.transforms.stabilise import stabilise


def gradients(system: System, loss: Tensor, wrt: Sequence[Tensor]) -> tuple[System, dict[Tensor, Tensor]]:
    """`system` with equations for the derivatives of the scalar `loss`, and the tensor that holds each of them.

    A tensor on which the loss does not depend gets a gradient of zeros. Raises ShapeError if `loss` is no scalar."""
    if loss.dims:
        raise ShapeError(f"D({loss.name}, ..): {loss!r} is not a scalar\n  Sum it over its axes first")
    system, found, _ = element_gradients(system, loss, wrt)
    return system, found


def element_gradients(
    system: System, loss: Tensor, wrt: Sequence[Tensor], apart: bool = False
) -> tuple[System, dict[Tensor, Tensor], Seeds]:
    """The same for every element of `loss`, whose adjoints lie as `seeds.align` finds; which must find something."""
    system = stabilise(system)
    active = active_tensors(system, wrt, [loss])
    system = cut(products_to_recurrences(system, active), active)
    seeds = align(system, loss, wrt, active_tensors(system, wrt, [loss]), apart)
    assert isinstance(seeds, Seeds)
    names = Names(system)
    adjoints = {t: seeds.adjoint(t, names.fresh(f"d{t.name}")) for t in order(system, seeds.live)}
    contributions: dict[Tensor, list[Term]] = {t: [] for t in adjoints}
    added: list[Equation] = []
    for eq in reversed(system.equations):
        if eq.tensor not in adjoints:
            continue
        counts = None
        if eq.reduce in SELECTIONS:
            counts = tie_counts(eq, names)
            added.append(counts)
        for term in eq.terms:
            domain, of = seeds.enter(eq.tensor, term)
            own = seeds.element(eq.tensor, of, term.write)
            seed: Expr = ONE if eq.tensor is loss else Read(adjoints[eq.tensor], own)
            for read, value in _pullback(eq, term, seed, adjoints, counts).items():
                points = seeds.nearest(read.tensor, of, read.subs, domain)
                if points is not None:
                    write = seeds.element(read.tensor, of, read.subs)
                    contributions[read.tensor].append(Term(points, write, value, term.origin))
    if loss in contributions:
        here = tuple(Index(f"i{k}") for k in range(len(loss.dims)))
        contributions[loss].append(Term(Domain(here, system.defined(loss)), here, ONE))
    for t in adjoints:
        if t is not loss or t in wrt:
            defined = seeds.defined(t, system.defined(t))
            added.append(_adjoint_equation(adjoints[t], defined, contributions[t]))
    gradient: dict[Tensor, Tensor] = {}
    for t in wrt:
        if t in adjoints:
            gradient[t] = adjoints[t]
        elif t not in gradient:
            gradient[t] = derived(t, names.fresh(f"d{t.name}"))
            added.append(zero_equation(gradient[t], system.defined(t)))
    return system.with_equations(system.equations + tuple(added)), gradient, seeds


def jvp(
    system: System, outputs: Sequence[Tensor], tangents: dict[Tensor, Tensor]
) -> tuple[System, dict[Tensor, Tensor]]:
    """Forward mode: `system` with equations for the derivative of each output in the direction `tangents`.

    `tangents` gives a tensor of the same dimensions for each input that moves: an input too, or one that is defined."""
    inputs = [t for t in tangents.values() if t.given and t not in system.inputs]
    system = replace(system, inputs=system.inputs + tuple(inputs))
    system = stabilise(system)
    active = active_tensors(system, list(tangents), outputs)
    system = cut(products_to_recurrences(system, active), active)
    active = active_tensors(system, list(tangents), outputs)
    names = Names(system)
    moved = dict(tangents)
    for t in order(system, active):
        if t not in moved:
            moved[t] = derived(t, names.fresh(f"{t.name}_dot"))
    added: list[Equation] = []
    for eq in system.equations:
        if eq.tensor not in active or eq.tensor in tangents:
            continue
        counts = None
        if eq.reduce in SELECTIONS:
            counts = tie_counts(eq, names)
            added.append(counts)
        terms = []
        for term in eq.terms:
            total: Expr = ZERO
            for read, value in _pullback(eq, term, ONE, moved, counts).items():
                total = total + make("mul", value, Read(moved[read.tensor], read.subs))
            terms.append(replace(term, value=total))
        added.append(replace(eq, tensor=moved[eq.tensor], reduce="assign" if eq.reduce == "assign" else "sum",
                             terms=tuple(terms)))  # fmt: skip
    found: dict[Tensor, Tensor] = {}
    for t in outputs:
        if t in moved:
            found[t] = moved[t]
        elif t not in found:
            found[t] = derived(t, names.fresh(f"{t.name}_dot"))
            added.append(zero_equation(found[t], system.defined(t)))
    return system.with_equations(system.equations + tuple(added)), found


def active_tensors(system: System, wrt: Iterable[Tensor], outputs: Iterable[Tensor]) -> set[Tensor]:
    """Real tensors on a smooth path from one of `wrt` to one of `outputs`, both ends included."""
    users: dict[Tensor, set[Tensor]] = {}
    used: dict[Tensor, set[Tensor]] = {}
    for eq in system.equations:
        if eq.tensor.kind != "real":
            continue
        for term in eq.terms:
            for read in differentiable_reads(term.value):
                users.setdefault(read.tensor, set()).add(eq.tensor)
                used.setdefault(eq.tensor, set()).add(read.tensor)
    below, above = reached(users, wrt), reached(used, outputs)
    return below & above


def order(system: System, tensors: Collection[Tensor]) -> list[Tensor]:
    """These tensors, last equation first, inputs at the end."""
    defined = [eq.tensor for eq in reversed(system.equations) if eq.tensor in tensors]
    return defined + [t for t in system.inputs if t in tensors]


def _pullback(
    eq: Equation, term: Term, seed: Expr, active: dict[Tensor, Tensor], counts: Equation | None
) -> dict[Read, Expr]:
    element = Read(eq.tensor, term.write)
    if counts is not None:
        winner = make("eq", term.value, element)
        shared = seed / Read(counts.tensor, term.write)
        return pullback(term.value, shared, lambda r: r.tensor in active, guard=winner)
    own = element if eq.reduce == "assign" else None
    return pullback(term.value, seed, lambda r: r.tensor in active, own=own, guard=TRUE)


def tie_counts(eq: Equation, names: Names) -> Equation:
    """How many contributions reach each element of a maximum or minimum."""
    tensor = replace(eq.tensor, name=names.fresh(f"{eq.tensor.name}_ties"))
    terms = tuple(
        replace(term, value=guarded(make("eq", term.value, Read(eq.tensor, term.write)), ONE)) for term in eq.terms
    )
    return replace(eq, tensor=tensor, reduce="sum", terms=terms)


def _adjoint_equation(adjoint: Tensor, defined: isl.Set, terms: list[Term]) -> Equation:
    """A sum of contributions; a single one that reaches every element exactly once is an assignment."""
    if not terms:
        return zero_equation(adjoint, defined)
    eq = Equation(adjoint, "sum", defined, tuple(terms))
    return replace(eq, reduce="assign") if len(terms) == 1 and writes_once(terms[0], defined) else eq
