"""Statements → loops: which part of the program runs step after step, and what can run at once.

Allen and Kennedy's scheme (1987) on statements: take the strongly connected components of the dependence graph in
order; one without a cycle is parallel in all its indices and stands outside every loop; a cycle gets the sequential
loop on which it makes progress, what that loop carries is removed, and its body is treated likewise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import islpy as isl
import networkx as nx

from graphc.equations import sets
from graphc.equations.bounds import extreme, loop_bounds
from graphc.equations.domain import Domain, assume
from graphc.equations.errors import CausalityError
from graphc.equations.expr import Expr, Index, Read, make, substitute
from graphc.equations.system import System, Tensor
from graphc.schedule.choice import LoopChoice, choose_loop, index_in
from graphc.schedule.dependence import Dependence, components, is_cyclic, sizes_where_real, within
from graphc.schedule.program import Broken, Loop, Statement

Tree = list["Statement | Loop"]
MAX_RANGES = 4  # more different ranges than this in one loop and it is run with guards instead of in segments


def build_loops(
    statements: Sequence[Statement],
    deps: Sequence[Dependence],
    system: System,
    broken: list[Broken],
    outer: tuple[Index, ...] = (),
) -> Tree:
    """The statements in an order of execution, cycles wrapped in sequential loops. Loop bodies hold trees.

    The sizes of 0 at which that order is wrong are added to `broken`.
    """
    tree: Tree = []
    parts = components(statements, _tied(_rims(statements, deps, system, outer), deps))
    for component, own in zip(parts, within(parts, deps), strict=True):
        if not is_cyclic(component, own):
            tree.extend(component)
            continue
        choice = choose_loop(component, own, system, outer)
        if choice is None:
            tree.extend(build_loops(component, _real(component, own, system, broken), system, broken, outer))
            continue
        if choice.broken is not None:
            broken.append(Broken(choice.broken, tuple(component)))
        tree.extend(_loop(component, own, choice, system, broken, outer))
    return tree


def _real(
    component: Sequence[Statement], deps: Sequence[Dependence], system: System, broken: list[Broken]
) -> list[Dependence]:
    """The dependences of a cycle without a loop that are real at sizes of at least 1: `u[-1] = u[0]` and
    `u[N] = u[N-1]` need each other with N = 0 alone."""
    sizes = {d: sizes_where_real(d) for d in deps if d.read is not None}
    unreal = {d: s for d, s in sizes.items() if s.is_disjoint(system.context)}
    if not unreal:
        raise CausalityError(_cycle_message(component))
    broken.extend(Broken(s, tuple(component)) for s in unreal.values())
    return [d for d in deps if d not in unreal]


def _rims(
    statements: Sequence[Statement], deps: Sequence[Dependence], system: System, outer: tuple[Index, ...]
) -> dict[Statement, Statement]:
    """Statements on no cycle that define, step by step, other elements of a recurrent tensor (the rim of a stencil):
    {statement: one of the cycle}. Run inside the loop, they let it keep only its last steps."""
    found: dict[Statement, Statement] = {}
    writers: dict[Tensor, list[Statement]] = {}
    for s in statements:
        writers.setdefault(s.tensor, []).append(s)
    parts = components(statements, deps)
    cycles = [(part, own) for part, own in zip(parts, within(parts, deps), strict=True) if is_cyclic(part, own)]
    cyclic = {s: k for k, (part, _) in enumerate(cycles) for s in part}
    for component, own in cycles:
        tensors = dict.fromkeys(s.tensor for s in component)
        set_only = [writers[t] for t in tensors if all(s.mode == "set" for s in writers[t])]
        rims = [s for group in set_only for s in group if s not in cyclic]
        rims = [s for s in rims if len(s.domain.indices) >= len(s.tensor.dims) and not _between(s, component, deps)]
        if not rims:
            continue
        both = [*component, *rims]
        inner = [d for d in deps if d.source in both and d.target in both]
        alone, choice = choose_loop(component, own, system, outer), choose_loop(both, inner, system, outer)
        if alone is None or choice is None or choice.axes != alone.axes or choice.complete != alone.complete:
            continue
        found.update({s: component[0] for s in rims if index_in(choice.time(s), s, outer)})
    for part in components(statements, _tied(found, deps)) if len(cycles) > 1 else ():
        if len({cyclic[s] for s in part if s in cyclic}) > 1:  # two cycles must not become one
            found = {s: c for s, c in found.items() if s not in part}
    return found


def _tied(rims: Mapping[Statement, Statement], deps: Sequence[Dependence]) -> list[Dependence]:
    """The dependences, and each rim bound to its cycle."""
    return [*deps, *(Dependence(a, b, None) for s, c in rims.items() for a, b in ((s, c), (c, s)))]


def _between(s: Statement, component: Sequence[Statement], deps: Sequence[Dependence]) -> bool:
    """Whether something else stands between a statement and a cycle, so that they cannot run as one."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from([s, *component])
    graph.add_edges_from((d.source, d.target) for d in deps)
    inside = set(component)
    before, after = nx.ancestors(graph, s), nx.descendants(graph, s)
    return bool(before & inside) or bool((after & nx.ancestors(graph, component[0])) - inside - {s})


def _loop(
    component: list[Statement],
    deps: list[Dependence],
    choice: LoopChoice,
    system: System,
    broken: list[Broken],
    outer: tuple[Index, ...],
) -> Tree:
    """One loop per segment of the iterations in which the same statements run, in order of time."""
    name = next((f[0].name for s in component if (f := index_in(choice.time(s), s, outer))), "t")
    var = Index(name)
    moved = {s: _enter(s, choice.time(s), var, outer) for s in component}
    context = assume(system.sizes, (), least=0)
    known = (*outer, var)
    tree: Tree = []
    for segment in _segments([m.domain.project(known) for m in moved.values()], choice.step, len(outer), context):
        part = {s: _restrict(m, segment) for s, m in moved.items()}
        part = {s: m for s, m in part.items() if not sets.intersect_params(m.domain.set, context).is_empty()}
        body_deps = [
            Dependence(part[d.source], part[d.target], _moved_read(d, choice, var, outer))
            for d in deps
            if d not in choice.carried and d.source in part and d.target in part
        ]
        body = build_loops([part[s] for s in component if s in part], body_deps, system, broken, known)
        ranges = [loop_bounds(m.domain.project(known), outer, [var], context)[0] for m in part.values()]
        lower = extreme("minimum", list(dict.fromkeys(r.lower for r in ranges)))
        upper = extreme("maximum", list(dict.fromkeys(r.upper for r in ranges)))
        along = {t: (axes[0], choice.shifts[t]) for t, axes in choice.axes.items() if len(axes) == 1}
        tree.append(Loop(var, lower, upper, choice.step, tuple(body), along))  # type: ignore[arg-type]
    return tree


def _restrict(s: Statement, segment: Domain | None) -> Statement:
    if segment is None:
        return s
    rest = [i for i in s.domain.indices if i not in segment.indices]
    return replace(s, domain=s.domain & segment.extend(rest))


def _segments(ranges: list[Domain], step: int, axis: int, context: isl.Set) -> list[Domain | None]:
    """Split the iterations so that in each segment every statement runs always or never, ordered in time.

    [None] (one loop over everything, with guards) where all ranges agree or no order holds for all sizes.
    """
    different: list[Domain] = []
    for r in ranges:
        r = r.with_set(sets.coalesce(sets.intersect_params(r.set, context)))
        if not any(r.set.is_equal(d.set) for d in different):
            different.append(r)
    if not 1 < len(different) <= MAX_RANGES:
        return [None]
    atoms: list[isl.Set] = [different[0].set]
    for r in different[1:]:
        union = atoms[0]
        for a in atoms[1:]:
            union = sets.union(union, a)
        split = [x for a in atoms for x in (sets.intersect(a, r.set), sets.subtract(a, r.set))]
        split.append(sets.subtract(r.set, union))
        atoms = [sets.coalesce(a) for a in split if not a.is_empty()]
    pieces = [p for a in atoms for p in sets.pieces(a)]
    ordered = _in_order(pieces, axis)
    if ordered is None:
        return [None]
    return [different[0].with_set(p) for p in (ordered if step > 0 else ordered[::-1])]


def _in_order(pieces: list[isl.Set], axis: int) -> list[isl.Set] | None:
    """The pieces sorted along the last dimension, if each pair is ordered the same way for all sizes."""

    def before(a: isl.Set, b: isl.Set) -> bool:
        # No point of b at or before a point of a, the outer coordinates being equal.
        pairs = isl.Map.from_domain_and_range(a, b)
        for k in range(axis):
            pairs = pairs.equate(isl.dim_type.in_, k, isl.dim_type.out, k)
        return bool(pairs.order_ge(isl.dim_type.in_, axis, isl.dim_type.out, axis).is_empty())

    ordered: list[isl.Set] = []
    for p in pieces:
        for k, q in enumerate(ordered):
            if before(p, q):
                if not all(before(p, r) for r in ordered[k:]):
                    return None
                ordered.insert(k, p)
                break
            if not before(q, p):
                return None
        else:
            ordered.append(p)
    return ordered


def _substitution(s: Statement, time: Expr, var: Index, outer: tuple[Index, ...]) -> dict[Index, Expr]:
    found = index_in(time, s, outer)
    if found is None:
        return {}
    index, sign = found
    # time = sign*index + rest = var  ->  index = sign*(var - rest)
    rest = time - index if sign > 0 else time + index
    return {index: var - rest if sign > 0 else rest - var}


def _moved_read(d: Dependence, choice: LoopChoice, var: Index, outer: tuple[Index, ...]) -> Read | None:
    if d.read is None:
        return None
    moved = substitute(d.read, _substitution(d.target, choice.time(d.target), var, outer))
    assert isinstance(moved, Read)
    return moved


def _enter(s: Statement, time: Expr, var: Index, outer: tuple[Index, ...]) -> Statement:
    """The statement inside a loop over `var`, which runs its points with `time` = var."""
    mapping, depth = _substitution(s, time, var, outer), len(outer)
    rest = [i for i in s.domain.indices if i not in mapping]
    indices = (*rest[:depth], var, *rest[depth:])
    if mapping:
        old = [mapping.get(i, i) for i in s.domain.indices]
        space = Domain.where(indices)
        points = sets.preimage(s.domain.set, space.access(old))
        domain = Domain(indices, points)
    else:
        extended = s.domain.extend([var])
        both = extended.restrict(make("eq", var, time))
        order = [*extended.indices]
        space = Domain.where(indices)
        domain = Domain(indices, sets.preimage(both.set, space.access(order)))
    write = tuple(substitute(w, mapping) for w in s.write)
    return Statement(s.tensor, s.mode, domain, write, substitute(s.value, mapping), s.origin)


def _cycle_message(component: Sequence[Statement]) -> str:
    names = list(dict.fromkeys(s.tensor.name for s in component))
    chain = " -> ".join([*names, names[0]])
    first = component[0]
    return (
        f"no index makes progress on the cycle {chain}: each element would need itself\n"
        f"  in {first.origin or repr(first)}\n"
        "  Let one of the reads go back in time (t-1), or define the start separately"
    )
