"""Does every cycle of equations make progress? Allen and Kennedy's argument on tensors.

For each strongly connected set of tensors, look for one axis a tensor (or a sum of axes, for skewed recurrences) along
which no read goes forward, up to shifting tensors against each other. The reads that go strictly backward can never
close a cycle; drop them, and look at what is still connected. If nothing can be dropped, a cycle that returns to the
element it started from is looked for; if there is one, the system has no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import islpy as isl

from graphc.equations import sets
from graphc.equations.domain import integer, is_affine
from graphc.equations.expr import Const, Expr, Index, Read, substitute
from graphc.equations.graphs import Graph
from graphc.equations.printing import AsWritten
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Equation, System, Tensor, Term, reads_of
from graphc.errors import CausalityError, complain

Form = tuple[int, ...]  # coefficients of a tensor's axes
CYCLES = 200  # how many cycles are tried for a counter-example


@dataclass(frozen=True, eq=False)
class Edge:
    """`target`, written by `term`, reads `read`."""

    target: Tensor
    term: Term
    read: Read

    @property
    def source(self) -> Tensor:
        return self.read.tensor


def check_progress(system: System, reads: AsWritten) -> None:
    """Raise CausalityError, with the cycle, if some element depends on itself."""
    edges = [Edge(eq.tensor, term, r) for eq in system.equations for term, r in _reads(eq) if not r.tensor.given]
    for part in _connected(edges):
        _progress(part, system, reads)


def _reads(eq: Equation) -> Iterator[tuple[Term, Read]]:
    for term in eq.terms:
        for read in reads_of(term):
            yield term, read


def _connected(edges: Sequence[Edge]) -> list[list[Edge]]:
    """The edges inside each strongly connected set of tensors."""
    graph = Graph((e.target, e.source) for e in edges)
    number = {t: k for k, part in enumerate(graph.components()) for t in part}
    parts: dict[int, list[Edge]] = {}
    for e in edges:
        if number[e.target] == number[e.source]:
            parts.setdefault(number[e.target], []).append(e)
    return list(parts.values())


def _progress(edges: list[Edge], system: System, reads: AsWritten) -> None:
    todo = [edges]
    while todo:
        part = todo.pop()
        rest = _drop(part, system)
        if rest is None:
            _refuse(part, system, reads)
        else:
            todo += _connected(rest)


# -- axes on which a set of tensors progresses ---------------------------------------------------------------------


def _drop(edges: Sequence[Edge], system: System) -> list[Edge] | None:
    """The edges that an axis of progress leaves, None if there is no such axis."""
    for forms in _choices(edges):
        for sign in (1, -1):
            steps = {e: _least(e, forms[e.target], forms[e.source], sign, system) for e in edges}
            shift = _shifts(edges, steps)
            if shift is None:
                continue
            rest = [e for e in edges if (steps[e] or 0) + shift[e.target] - shift[e.source] <= 0]
            if len(rest) < len(edges):
                return rest
    return None


def _choices(edges: Sequence[Edge]) -> Iterator[dict[Tensor, Form]]:
    """Ways to give each tensor one axis, or the same sum of axes."""
    tensors = list(dict.fromkeys(t for e in edges for t in (e.target, e.source)))
    first = tensors[0]
    for axis in range(len(first.dims)):
        chosen = _spread({first: axis}, edges)
        if len(chosen) == len(tensors):
            yield {t: _unit(k, len(t.dims)) for t, k in chosen.items()}
    ranks = {len(t.dims) for t in tensors}
    if len(ranks) == 1:
        (rank,) = ranks
        for a, b in combinations(range(rank), 2):
            for p, q in ((1, 1), (1, -1), (2, 1), (1, 2)):
                form = tuple(p if k == a else q if k == b else 0 for k in range(rank))
                yield dict.fromkeys(tensors, form)


def _unit(axis: int, rank: int) -> Form:
    return tuple(int(k == axis) for k in range(rank))


def _spread(chosen: dict[Tensor, int], edges: Sequence[Edge]) -> dict[Tensor, int]:
    """Carry the choice of an axis along the edges: the axis of the other end that moves with it."""
    links: dict[Tensor, list[tuple[Tensor, Sequence[Expr], Sequence[Expr]]]] = {}
    for e in edges:
        links.setdefault(e.target, []).append((e.source, e.term.write, e.read.subs))
        links.setdefault(e.source, []).append((e.target, e.read.subs, e.term.write))
    todo = list(chosen)
    while todo:
        known = todo.pop()
        for other, here, there in links.get(known, ()):
            if other not in chosen and there:
                found = partner(here[chosen[known]], there, chosen[known])
                chosen[other] = min(chosen[known], len(there) - 1) if found is None else found
                todo.append(other)
    return chosen


def partner(sub: Expr, others: Sequence[Expr], axis: int) -> int | None:
    """The axis whose subscript differs from `sub` by a constant, `axis` before others; None if there is none."""
    same = [k for k, o in enumerate(others) if isinstance(o - sub, Const)]
    return axis if axis in same else same[0] if same else None


def _combine(form: Form, subs: Sequence[Expr]) -> Expr:
    total: Expr = Const(0)
    for k, s in zip(form, subs, strict=True):
        total = total + k * s
    return total


def _least(e: Edge, target: Form, source: Form, sign: int, system: System) -> int | None:
    """How far back the read goes at least; None if that has no bound."""
    return least(sign * (_combine(target, e.term.write) - _combine(source, e.read.subs)), e.term, system)


def least(step: Expr, term: Term, system: System) -> int | None:
    """The smallest value of an integer expression over a term's points; None if there is none."""
    if isinstance(step, Const):
        return int(step.value)
    if not is_affine(step):
        return None
    image = sets.intersect_params(term.domain.image((step,)), system.context)
    if image.is_empty():
        return 1
    found = image.dim_min_val(0)
    return integer(found) if found.is_int() else None


def _shifts(edges: Sequence[Edge], steps: Mapping[Edge, int | None]) -> dict[Tensor, int] | None:
    """Shifts of the tensors under which no read goes forward (Bellman and Ford); None if there are none."""
    tensors = {t: 0 for e in edges for t in (e.target, e.source)}
    if any(s is None for s in steps.values()):
        return None
    for _ in range(len(tensors) + 1):
        changed = False
        for e in edges:
            bound = (steps[e] or 0) + tensors[e.target]
            if tensors[e.source] > bound:
                tensors[e.source], changed = bound, True
        if not changed:
            return tensors
    return None


# -- cycles without progress ---------------------------------------------------------------------------------------


def _refuse(edges: Sequence[Edge], system: System, reads: AsWritten) -> None:
    """Raise if a cycle through these edges certainly returns to its first element."""
    between: dict[tuple[Tensor, Tensor], list[Edge]] = {}
    for e in edges:
        between.setdefault((e.target, e.source), []).append(e)
    order = {eq.tensor: k for k, eq in enumerate(system.equations)}
    closed: list[list[Edge]] = []
    for cycle in islice(Graph(between).cycles(), CYCLES):
        first = min(range(len(cycle)), key=lambda k: order[cycle[k]])
        closed += _paths([*cycle[first:], *cycle[:first]], between)
    twice = [[*p, *q] for p, q in combinations(closed, 2) if p[0].target is q[0].target]
    for path in (*closed, *twice[:CYCLES]):
        if _returns(path, system):
            raise CausalityError(_message(path, reads))


def _paths(cycle: Sequence[Tensor], between: Mapping[tuple[Tensor, Tensor], list[Edge]]) -> Iterator[list[Edge]]:
    """The edges along a cycle of tensors; where there are several, each of them in turn."""
    paths: list[list[Edge]] = [[]]
    for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        paths = [[*p, e] for p in paths for e in between[a, b]][:CYCLES]
    yield from paths


def _returns(path: Sequence[Edge], system: System) -> bool:
    """Whether some element certainly reaches itself along this path."""
    total: isl.Map | None = None
    for e in path:
        if not all(is_affine(s) for s in (*e.term.write, *e.read.subs)):
            return False
        points = e.term.domain
        back = points.access(e.term.write).intersect_domain(points.set).reverse()
        step = back.apply_range(points.access(e.read.subs))
        total = step if total is None else total.apply_range(step)
    assert total is not None
    same = total & isl.Map.identity(total.get_space())
    return not sets.intersect_params(same, system.context).is_empty()


def _message(path: Sequence[Edge], reads: AsWritten) -> str:
    """`s[t] -> a[t] -> s[t]`, and the equations it goes through."""
    shown = {e.source: reads.get(e.read, ("", len(e.read.subs)))[1] for e in path}
    at: Sequence[Expr] = path[0].term.write
    steps = [_element(path[0].target, at, shown)]
    for e in path:
        at = tuple(substitute(s, _solved(e.term.write, at)) for s in e.read.subs)
        steps.append(_element(e.source, at, shown))
    last = path[0].target
    ends = list(zip(path[0].term.write, at, strict=True))[: shown.get(last, len(at))]
    same = {tuple(sorted((repr(a), repr(b)))) for a, b in ends if repr(a) != repr(b)}
    if same:  # the element read last is the first one only there
        steps[-1] += f", the same where {' and '.join(' = '.join(pair) for pair in sorted(same))}"
    where = "\n  and ".join(dict.fromkeys(str(e.term.origin) for e in path))
    mend = "Read an earlier element somewhere on the cycle, or solve the equations by hand"
    return complain(f"a cycle makes no progress: {' -> '.join(steps)}", where, mend)


def _solved(write: Sequence[Expr], at: Sequence[Expr]) -> dict[Expr, Expr]:
    """The indices of an equation at which it writes the element `at`, where that is easily seen."""
    found: dict[Expr, Expr] = {}
    for w, x in zip(write, at, strict=True):
        parts, constant = affine_parts(w)
        if len(parts) == 1 and isinstance(leaf := next(iter(parts)), Index) and parts[leaf] == 1:
            found[leaf] = x - constant
    return found


def _element(t: Tensor, at: Sequence[Expr], shown: Mapping[Tensor, int]) -> str:
    n = shown.get(t, len(at))
    return f"{t.name}[{', '.join(repr(s).replace(' ', '') for s in at[:n])}]" if n else t.name
