"""Valid systems made wrong, or different, in the representation: `mutant(system, rng)`, the counterpart of `mutate`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from graphc.equations.expr import Const, Expr, Op, Read, Size, above_reads, make, reads, substitute
from graphc.equations.system import Equation, System, Tensor, Term

ALIKE = (
    ("add", "sub", "mul", "div", "maximum", "minimum"),
    ("tanh", "sin", "exp", "log", "sqrt", "abs", "neg", "relu"),
    ("lt", "le", "gt", "ge", "eq", "ne"),
    ("floordiv", "mod"),
    ("clip", "mirror", "mod"),
)
Change = Callable[[Term, random.Random], Term]


def mutant(system: System, rng: random.Random) -> System:
    """One or two things changed; what each equation defines is worked out again."""
    for _ in range(rng.choice((1, 1, 2))):
        equations = list(system.equations)
        k = rng.randrange(len(equations))
        roll = rng.random()
        if roll < 0.12 and len(equations) > 1:
            del equations[k]
        elif roll < 0.22:
            equations[k] = replace(equations[k], reduce=rng.choice(("sum", "prod", "max", "min")))
        else:
            equations[k] = _changed(equations[k], rng)
        system = system.with_equations(equations)
        if rng.random() < 0.15:
            system = other_size(system, rng)
    return system


def _changed(eq: Equation, rng: random.Random) -> Equation:
    terms = list(eq.terms)
    k = rng.randrange(len(terms))
    roll = rng.random()
    if roll < 0.1 and len(terms) > 1:
        del terms[k]
    elif roll < 0.2 and eq.reduce != "assign":
        terms.append(rng.choice(CHANGES)(terms[k], rng))
    else:
        terms[k] = rng.choice(CHANGES)(terms[k], rng)
    images = [tm.domain.image(tm.write, eq.tensor.dims) for tm in terms]
    defined = images[0] if eq.reduce == "assign" else eq.tensor.box
    for image in images:
        defined = defined | image
    return replace(eq, terms=tuple(terms), defined=defined.coalesce())


def swap_indices(term: Term, rng: random.Random) -> Term:
    if len(term.domain.indices) < 2:
        return term
    a, b = rng.sample(term.domain.indices, 2)
    return replace(term, value=substitute(term.value, {a: b, b: a}))


def shift(term: Term, rng: random.Random) -> Term:
    """One read, one of its subscripts, a step or two aside."""
    found = [r for r in reads(term.value) if r.subs]
    if not found:
        return term
    read = rng.choice(found)
    axis = rng.randrange(len(read.subs))
    subs = list(read.subs)
    subs[axis] = subs[axis] + rng.choice((-2, -1, 1, 2))
    return replace(term, value=substitute(term.value, {read: Read(read.tensor, tuple(subs))}))


def other_operation(term: Term, rng: random.Random) -> Term:
    found = [n for n in above_reads(term.value) if isinstance(n, Op) and any(n.name in group for group in ALIKE)]
    if not found:
        return term
    node = rng.choice(found)
    group = rng.choice([g for g in ALIKE if node.name in g])
    return replace(term, value=substitute(term.value, {node: make(rng.choice(group), *node.args)}))


def other_number(term: Term, rng: random.Random) -> Term:
    found = [n for n in above_reads(term.value) if isinstance(n, Const | Size)]
    if not found:
        return term
    put = rng.choice([Const(0), Const(1), Const(-1), Const(2), *(n for n in found if isinstance(n, Size))])
    return replace(term, value=substitute(term.value, {rng.choice(found): put}))


CHANGES: tuple[Change, ...] = (swap_indices, shift, shift, other_operation, other_operation, other_number)


def other_size(system: System, rng: random.Random) -> System:
    """One axis of one input has another size."""
    found = [t for t in system.inputs if t.dims]
    if not found:
        return system
    old = rng.choice(found)
    dims = list(old.dims)
    names = [Size(n) for n in system.sizes]
    dims[rng.randrange(len(dims))] = rng.choice([*names, *(n + 1 for n in names), Const(3)])
    new = replace(old, dims=tuple(dims))
    inputs = tuple(new if t is old else t for t in system.inputs)
    equations = [replace(eq, terms=tuple(_reading(tm, old, new) for tm in eq.terms)) for eq in system.equations]
    return System(inputs, tuple(equations), system.fixed)


def _reading(term: Term, old: Tensor, new: Tensor) -> Term:
    put: dict[Expr, Expr] = {r: Read(new, r.subs) for r in term.reads if r.tensor is old}
    write = tuple(substitute(w, put) for w in term.write)
    return replace(term, write=write, value=substitute(term.value, put))
