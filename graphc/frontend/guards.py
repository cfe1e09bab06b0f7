"""A read that a condition on data guards is made only where the condition holds: System → System.

    B[a,c] = select(c >= w[a], B[a-1, c - w[a]] + v[a], ..)     its place becomes     only(c >= w[a], c - w[a])

The place travels with the read, into gradients too. A place from data is held to its axis by the run, where the
condition holds. A place that is affine need not be: the points at which it lies inside are divided from those at which
it does not, and only there the run looks. (Affine conditions have divided the index set already: see `split`.) Where
there is none, native code reads some element and drops it, or adds nothing to one; the interpreter asks for none. Reads
that `outside=0` makes zero are among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from graphc.equations import sets
from graphc.equations.domain import Domain, box_set, is_affine
from graphc.equations.expr import (
    Const,
    Expr,
    Index,
    Op,
    Read,
    all_of,
    conjuncts,
    make,
    postorder,
    reads,
    rebuild,
    transform,
)
from graphc.equations.system import Equation, System, Term
from graphc.frontend.split import negate
from graphc.frontend.terms import addends, scaled

Guard = frozenset[Expr]  # conditions that all hold
MAX_WAYS = 64  # in which a read comes to be made; of more it is taken to be made always
MAX_PIECES = 32  # of a term, divided by where its reads lie inside
ZERO = Const(0)


def guarded(system: System) -> System:
    """`system` with every read made only where the choices around it fall on it."""
    return system.with_equations(_equation(eq, system) for eq in system.equations)


def _equation(eq: Equation, system: System) -> Equation:
    terms = [part for term in eq.terms for t in _addends(term, eq.reduce) for part in _term(t, system)]
    return eq if terms == list(eq.terms) else replace(eq, terms=tuple(terms))


def _addends(term: Term, reduce: str) -> list[Term]:
    """The term with Kronecker deltas as choices; those that a sum adds up as terms of their own."""
    if not any(isinstance(n, Op) and n.name == "select" and compares(n.args[0]) for n in postorder(term.value)):
        return [term]
    value = transform(term.value, _chosen)
    if reduce != "sum" or not term.reduced:
        return [term if value is term.value else replace(term, value=value)]
    apart: list[Expr] = []
    rest: Expr = ZERO
    for coefficient, e in addends(value):
        if isinstance(e, Op) and e.name == "select" and e.args[2] is ZERO and compares(e.args[0]):
            apart.append(make("select", e.args[0], scaled(coefficient, e.args[1]), ZERO))
        else:
            rest = rest + scaled(coefficient, e)
    return [replace(term, value=v) for v in (*apart, rest) if v is not ZERO or not apart]


def _term(term: Term, system: System) -> list[Term]:
    if not any(isinstance(n, Op) and n.name == "select" for n in postorder(term.value)):
        return [term]
    value = term.value
    always = made_always(value)
    doubtful = [r for r in reads(value) if r not in always and not _is_inside(r, term.domain, system)]
    if not doubtful:
        return [term]
    found = guards(value)
    found = {r: found[r] for r in doubtful if r in found}
    return [replace(term, domain=d, value=_placed(value, found, only)) for d, only in _pieces(term, found, system)]


def _chosen(node: Expr) -> Expr | None:
    """A product with a comparison of an index with data for a factor (a Kronecker delta) as a choice: it is the literal
    0 where they differ, and what it is multiplied with is not asked for."""
    match node:
        case Op(name="neg" | "div", args=(Op(name="select", args=(c, a, z)), *rest)) if z is ZERO and compares(c):
            return make("select", c, rebuild(node, (a, *rest)), ZERO)
        case Op(name="mul", args=(x, y)):
            for delta, other in ((x, y), (y, x)):
                if isinstance(delta, Op) and delta.name == "select" and delta.args[2] is ZERO:
                    c, a, _ = delta.args
                    if compares(c):
                        product = transform(make("mul", a, other), _chosen)
                        return make("select", c, product, ZERO)
    return None


def compares(condition: Expr) -> bool:
    """Whether a condition asks that an index, or a sum of indices, is what data say."""
    return any(isinstance(c, Op) and c.name == "eq" and _index_and_data(c) for c in conjuncts(condition))


def _index_and_data(c: Op) -> bool:
    return any(isinstance(n, Index) for n in postorder(c)) and bool(reads(c))


# -- which choices lead to a read -------------------------------------------------------------------------------------


def made_always(value: Expr) -> dict[Expr, None]:
    """What of `value` no choice decides about."""
    seen: dict[Expr, None] = {}
    todo = [value]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen[node] = None
            todo += node.args[:1] if isinstance(node, Op) and node.name in ("select", "only") else node.args
    return seen


def guards(value: Expr) -> dict[Read, Expr]:
    """The condition under which each read of `value` is made, for those that are not made always."""
    ways: dict[Expr, set[Guard]] = {value: {frozenset()}}
    found: dict[Read, Expr] = {}
    for node in reversed(list(postorder(value))):
        here = _joined(ways.get(node, set()))
        if isinstance(node, Read) and frozenset() not in here:
            found[node] = _any_of(here)
        for child, more in _children(node):
            ways.setdefault(child, set()).update(g | more for g in here)
    return found


def _children(node: Expr) -> Iterable[tuple[Expr, Guard]]:
    match node:
        case Op(name="select", args=(c, yes, no)):
            return (c, frozenset()), (yes, frozenset(conjuncts(c))), (no, frozenset([negate(c)]))
        case Op(name="only", args=(c, place)):
            return (c, frozenset()), (place, frozenset(conjuncts(c)))
    return [(a, frozenset()) for a in node.args]


def _joined(ways: set[Guard]) -> set[Guard]:
    """The same ways, fewer: a condition and its opposite together are none."""
    if len(ways) > MAX_WAYS:
        return {frozenset()}
    changed = True
    while changed:
        changed = False
        ways = {g for g in ways if not any(other < g for other in ways)}
        for a in ways:
            for b in ways:
                rest = _without_opposites(a, b)
                if rest is not None and rest not in ways:
                    ways, changed = {*ways, rest}, True
                    break
            if changed:
                break
    return ways


def _without_opposites(a: Guard, b: Guard) -> Guard | None:
    """What a and b have in common where the rest of each is the opposite of the other's."""
    common = a & b
    one, other = all_of(sorted(a - common, key=_age)), all_of(sorted(b - common, key=_age))
    return common if a is not b and (negate(one) is other or negate(other) is one) else None


def _any_of(ways: set[Guard]) -> Expr:
    parts = [all_of(sorted(g, key=_age)) for g in ways]
    total, *rest = sorted(parts, key=_age)
    for p in rest:
        total = make("or", total, p)
    return total


def _age(e: Expr) -> int:
    return e.uid


# -- places -----------------------------------------------------------------------------------------------------------

Axes = tuple[bool, ...]  # of a read, those on which its place is given a condition


def _is_inside(read: Read, domain: Domain, system: System) -> bool:
    """Whether it is certain before the run that a read lies inside (or that its tensor is missing altogether)."""
    if not all(map(is_affine, read.subs)):
        return False
    if not read.tensor.given and read.tensor not in system.by_tensor:
        return True
    image = sets.intersect_params(domain.image(read.subs), system.context)
    return bool(image.is_subset(system.defined(read.tensor)))


def _pieces(term: Term, found: Iterable[Read], system: System) -> list[tuple[Domain, dict[Read, Axes]]]:
    """The points of a term, divided by which of these reads lie inside, and the places to give conditions there."""
    done: list[tuple[Domain, dict[Read, Axes]]] = [(term.domain, {})]
    for read in found:
        split = []
        for domain, only in done:
            by_data = tuple(not is_affine(s) for s in read.subs)
            outside = _outside(read, domain, system)
            if outside is None:
                split.append((domain, {**only, read: by_data}))
                continue
            inside = domain - outside
            if not inside.is_empty():
                split.append((inside.with_set(sets.coalesce(inside.set)), {**only, read: by_data}))
            axes = tuple(
                d or not _stays(s, n, outside) for d, s, n in zip(by_data, read.subs, read.tensor.dims, strict=True)
            )
            split.append((outside, {**only, read: axes}))
        if len(split) > MAX_PIECES:
            return [(term.domain, {r: tuple(not is_affine(s) for s in r.subs) for r in found})]
        done = split
    return done


def _outside(read: Read, domain: Domain, system: System) -> Domain | None:
    """The points of a domain at which a read is of an element that no equation defines; None if there are none."""
    if not read.tensor.given and read.tensor not in system.by_tensor:
        return None
    image = sets.intersect_params(domain.image(read.subs, read.tensor.dims), system.context)
    beyond = sets.subtract(image, system.defined(read.tensor))
    if beyond.is_empty():
        return None
    found = domain.inside(read.subs, beyond)
    return found.with_set(sets.coalesce(found.set))


def _stays(sub: Expr, dim: Expr, domain: Domain) -> bool:
    return bool(domain.image((sub,)).is_subset(box_set((dim,))))


def _placed(value: Expr, guard: Mapping[Read, Expr], only: Mapping[Read, Axes]) -> Expr:
    """`value` with conditions at the places of these reads; in those conditions, too."""
    done: dict[Expr, Expr] = {}
    seen: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(value, False)]
    while stack:
        node, ready = stack.pop()
        limited = isinstance(node, Read) and any(only.get(node, ()))
        if ready:
            args = tuple(done.get(a, a) for a in node.args)
            if isinstance(node, Read) and limited:
                condition = done.get(guard[node], guard[node])
                args = tuple(make("only", condition, a) if o else a for a, o in zip(args, only[node], strict=True))
            done[node] = rebuild(node, args)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(a, False) for a in (*node.args, *((guard[node],) if isinstance(node, Read) and limited else ()))]
    return done[value]
