"""Statements → loops: which part of the program runs step after step, and what can run at once.

Allen and Kennedy's scheme (1987) on statements: take the strongly connected components of the dependence graph in
order; one without a cycle is parallel in all its indices and stands outside every loop; a cycle gets the sequential
loop on which it makes progress, what that loop carries is removed, and its body is treated likewise. isl decides each
question about a dependence, but its own scheduler is not used: so sixty coupled states take milliseconds, and the
program reads as the user wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import islpy as isl

from graphc.equations import sets
from graphc.equations.bounds import extreme, loop_bounds
from graphc.equations.domain import Domain, assume
from graphc.equations.expr import Const, Expr, Index, Read, make, substitute
from graphc.equations.graphs import Graph
from graphc.equations.system import System, Tensor
from graphc.errors import CausalityError
from graphc.schedule.choice import LoopChoice, choose_loop, index_in
from graphc.schedule.dependence import Dependence, components, is_cyclic, sizes_where_real, within
from graphc.schedule.program import Broken, Loop, Statement
from graphc.schedule.readers import join_readers

Tree = list["Statement | Loop"]
MAX_RANGES = 4  # more different ranges than this in one loop and it is run with guards instead of in segments


def build_loops(
    statements: Sequence[Statement],
    deps: Sequence[Dependence],
    system: System,
    broken: list[Broken],
    kept: frozenset[Tensor],
    outer: tuple[Index, ...] = (),
) -> Tree:
    """The statements in an order of execution, cycles wrapped in sequential loops. Loop bodies hold trees.

    `kept`: tensors that are asked for whole. The sizes of 0 at which the order is wrong are added to `broken`.
    """
    tree: Tree = []
    for component, own, choice in arrange(statements, deps, system, kept, outer):
        if not is_cyclic(component, own):
            tree.extend(component)
            continue
        if choice is None:
            tree.extend(build_loops(component, _real(component, own, system, broken), system, broken, kept, outer))
            continue
        if choice.broken is not None:
            broken.append(Broken(choice.broken, tuple(component)))
        tree.extend(_loop(component, own, choice, system, broken, kept, outer))
    return tree


def arrange(
    statements: Sequence[Statement],
    deps: Sequence[Dependence],
    system: System,
    kept: frozenset[Tensor],
    outer: tuple[Index, ...] = (),
) -> Iterator[tuple[list[Statement], list[Dependence], LoopChoice | None]]:
    """What runs together, in order, with the dependences in it; for a cycle its loop, if it has one."""
    tied = _tied(_rims(statements, deps, system, outer), deps)
    joined = [] if outer else join_readers(statements, tied, deps, system, kept)
    choices = {j.cycle[0]: j.choice for j in joined}
    parts = components(statements, [*tied, *(d for j in joined for d in j.order())])
    for component, own in zip(parts, within(parts, deps), strict=True):
        choice = next((choices[s] for s in component if s in choices), None)
        if choice is None and is_cyclic(component, own):
            choice = choose_loop(component, own, system, outer)
        yield component, own, choice


def inside(
    component: Sequence[Statement], deps: Sequence[Dependence], choice: LoopChoice, var: Index, outer: tuple[Index, ...]
) -> tuple[dict[Statement, Statement], dict[Dependence, Dependence]]:
    """The statements of a loop over `var` as they are inside it, and the dependences that it does not carry."""
    moved = {s: _enter(s, choice.time(s), var, outer) for s in component}
    left = [d for d in deps if d not in choice.carried]
    return moved, {d: Dependence(moved[d.source], moved[d.target], _moved_read(d, choice, var, outer)) for d in left}


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
    graph = Graph(((d.source, d.target) for d in deps), [s, *component])
    inside = set(component)
    before, after = graph.ancestors(s), graph.descendants(s)
    return bool(before & inside) or bool((after & graph.ancestors(component[0])) - inside - {s})


def _loop(
    component: list[Statement],
    deps: list[Dependence],
    choice: LoopChoice,
    system: System,
    broken: list[Broken],
    kept: frozenset[Tensor],
    outer: tuple[Index, ...],
) -> Tree:
    """One loop per segment of the iterations in which the same statements run, in order of time."""
    core = [s for s in component if s not in choice.times]
    name = next((f[0].name for s in core if (f := index_in(choice.time(s), s, outer))), "t")
    var = Index(name)
    moved, left = inside(component, deps, choice, var, outer)
    for s in choice.times:
        carried = s.mode == "sum" and s.tensor not in choice.axes
        moved[s] = replace(moved[s], carried=carried) if carried else moved[s]
    context = assume(system.sizes, (), least=0)
    known = (*outer, var)
    tree: Tree = []
    shadows = {s: m.domain.project(known) for s, m in moved.items()}
    own = [_widened(shadows[s], system) if choice.times else shadows[s] for s in core]
    others = [shadows[s] for s in choice.times]
    for segment in _segments(own, others, choice.step, len(outer), context):
        part = {s: _restrict(m, segment) for s, m in moved.items()}
        part = {s: m for s, m in part.items() if not sets.intersect_params(m.domain.set, context).is_empty()}
        if not part:
            continue
        reads = {d: m.read for d, m in left.items() if d.source in part and d.target in part}
        late = [s for s in choice.times if segment is None and not _beyond(own, [shadows[s]], context).set.is_empty()]
        timed = [part[s] for s in (*core, *late) if s in part] or list(part.values())
        ranges = [loop_bounds(m.domain.project(known), outer, [var], context)[0] for m in timed]
        lower = extreme("minimum", list(dict.fromkeys(r.lower for r in ranges)))
        upper = extreme("maximum", list(dict.fromkeys(r.upper for r in ranges)))
        once = lower is upper and not any(s in part for s in core)
        if once:  # readers of a start value: no loop for one step
            part = {s: _at(m, var, lower) for s, m in part.items()}
            reads = {d: r and _substituted(r, {var: lower}) for d, r in reads.items()}
        body_deps = [Dependence(part[d.source], part[d.target], r) for d, r in reads.items()]
        running = [part[s] for s in component if s in part]
        body = build_loops(running, body_deps, system, broken, kept, outer if once else known)
        if once:
            tree.extend(body)
            continue
        along = {t: (axes[0], choice.shifts[t]) for t, axes in choice.axes.items() if len(axes) == 1}
        tree.append(Loop(var, lower, upper, choice.step, tuple(body), along))  # type: ignore[arg-type]
    return tree


def _at(s: Statement, var: Index, value: Expr) -> Statement:
    """The statement at one iteration of a loop it has entered, outside that loop."""
    rest = [i for i in s.domain.indices if i is not var]
    domain = s.domain.restrict(make("eq", var, value)).project(rest)
    write = tuple(substitute(w, {var: value}) for w in s.write)
    return replace(s, domain=domain, write=write, value=substitute(s.value, {var: value}))


def _substituted(read: Read, known: dict[Expr, Expr]) -> Read:
    changed = substitute(read, known)
    assert isinstance(changed, Read)
    return changed


def _restrict(s: Statement, segment: Domain | None) -> Statement:
    if segment is None:
        return s
    rest = [i for i in s.domain.indices if i not in segment.indices]
    return replace(s, domain=s.domain & segment.extend(rest))


def _segments(
    ranges: list[Domain], others: list[Domain], step: int, axis: int, context: isl.Set
) -> list[Domain | None]:
    """Split the iterations so that in each segment every statement runs always or never, ordered in time: the inner
    code has no guards, and scalar states stay in registers (index-set splitting).

    [None] (one loop over everything, with guards) where all ranges agree or no order holds for all sizes. For `others`
    there are no segments, and guards, but where nothing else runs.
    """
    different: list[Domain] = []
    for r in ranges:
        r = r.with_set(sets.coalesce(sets.intersect_params(r.set, context)))
        same = next((k for k, d in enumerate(different) if _agree(r.set, d.set)), None)
        if same is None:
            different.append(r)
        else:
            different[same] = r.with_set(sets.coalesce(sets.union(different[same].set, r.set)))
    if others:
        rest = _beyond(different, others, context)
        if not rest.set.is_empty():
            different.append(rest)
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
    ordered = _fewer(ordered, axis)
    return [different[0].with_set(p) for p in (ordered if step > 0 else ordered[::-1])]


def _agree(a: isl.Set, b: isl.Set) -> bool:
    """Whether two ranges are the same wherever both have steps. Which of them has any, sizes say (no sum of a
    triangular solution has terms at N = 1): a segment for that would be the whole loop once more."""
    both = sets.intersect_params(a, sets.params(b))
    return not both.is_empty() and bool(both.is_equal(sets.intersect_params(b, sets.params(a))))


def _widened(iterations: Domain, system: System) -> Domain:
    """The iterations and, at sizes of 0, those there would be if no other axis were empty: readers run at them."""
    wide = sets.gist_params(iterations.set, system.context)
    return iterations.with_set(sets.coalesce(sets.union(iterations.set, wide)))


def _beyond(ranges: list[Domain], others: list[Domain], context: isl.Set) -> Domain:
    """The iterations of `others` that are in none of the ranges."""
    rest = others[0].set
    for r in others[1:]:
        rest = sets.union(rest, r.set)
    for r in ranges:
        rest = sets.subtract(rest, r.set)
    return ranges[0].with_set(sets.coalesce(sets.intersect_params(rest, context)))


def _fewer(ordered: list[isl.Set], axis: int) -> list[isl.Set]:
    """Pieces of different sizes put together where that gives one: the only step is as much the last of several."""
    for a, b in combinations(ordered, 2):
        if sets.params(a).is_disjoint(sets.params(b)):
            both = sets.coalesce(sets.union(a, b))
            rest = _in_order([*(p for p in ordered if p is not a and p is not b), both], axis)
            if len(both.get_basic_sets()) == 1 and rest is not None:
                return _fewer(rest, axis)
    return ordered


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
    return _substituted(d.read, dict(_substitution(d.target, choice.time(d.target), var, outer).items()))


def _enter(s: Statement, time: Expr, var: Index, outer: tuple[Index, ...]) -> Statement:
    """The statement inside a loop over `var`, which runs its points with `time` = var."""
    mapping: dict[Expr, Expr] = dict(_substitution(s, time, var, outer).items())
    depth = len(outer)
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
        mapping = _in_step(s, time, var)
    write = tuple(substitute(w, mapping) for w in s.write)
    return replace(s, domain=domain, write=write, value=substitute(s.value, mapping))


def _in_step(s: Statement, time: Expr, var: Index) -> dict[Expr, Expr]:
    """What a statement reads at its own time, less a constant, by the loop's variable: u[50*k] at 50*k is u[t]."""
    found: dict[Expr, Expr] = {}
    for r in s.reads:
        subs = tuple(var + d if isinstance(d := sub - time, Const) else sub for sub in r.subs)
        if subs != r.subs:
            found[r] = Read(r.tensor, subs)
    return found


def _cycle_message(component: Sequence[Statement]) -> str:
    names = list(dict.fromkeys(s.tensor.name for s in component))
    chain = " -> ".join([*names, names[0]])
    first = component[0]
    return (
        f"no index makes progress on the cycle {chain}: each element would need itself\n"
        f"  in {first.origin or repr(first)}\n"
        "  Let one of the reads go back in time (t-1), or define the start separately"
    )
