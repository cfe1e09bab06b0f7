"""An elementwise tensor that is cheap, or read once, disappears into its readers.

It stays where that would repeat work (a reader with more indices than it has, such as a contraction, reads each element
many times), where a comparison for equality needs the very value (the winners of a maximum), where an output or a
subscript asks for it, and where a subscript from data, or computed, is to be held to its axis. All readers take it in,
or none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from graphc.equations.domain import bent_inside, has_reads, is_affine
from graphc.equations.expr import Const, Expr, Index, Op, Read, indices_of, is_sum, of_kind, postorder, substitute
from graphc.equations.graphs import Graph
from graphc.equations.ops import SELECTIONS
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import writes_once
from graphc.transforms.cost import expensive, flops, size, value_nodes

LARGEST = 80  # nodes of a value after substitution: chains of any length stay a list of statements
CHEAP = 4  # operations that may be repeated for a second or third reader
READERS = 3


def inline(system: System, outputs: frozenset[Tensor]) -> System:
    """`system` without the tensors that their readers can do without."""
    work = _Work(system, outputs)
    for eq in system.equations:
        work.try_inline(eq.tensor)
    return work.result(system)


@dataclass
class _Producer:
    """tensor[indices] = value, for every element."""

    indices: tuple[Expr, ...]
    value: Expr
    cost: int
    expensive: bool
    size: int


class _Work:
    """The terms of every equation, and for each tensor the places (equation, position of the term) that read it."""

    def __init__(self, system: System, outputs: frozenset[Tensor]) -> None:
        self.outputs = outputs
        self.equations = {eq.tensor: _as_assignment(eq) for eq in system.equations}
        self.terms = {eq.tensor: list(eq.terms) for eq in system.equations}
        self.places: dict[Tensor, dict[tuple[Tensor, int], None]] = {}
        for tensor, terms in self.terms.items():
            for k in range(len(terms)):
                self.register(tensor, k)

    def register(self, tensor: Tensor, k: int) -> None:
        for read in self.terms[tensor][k].reads:
            self.places.setdefault(read.tensor, {})[tensor, k] = None

    def result(self, system: System) -> System:
        kept = [self.equations[eq.tensor] for eq in system.equations if eq.tensor in self.equations]
        return system.with_equations(replace(eq, terms=tuple(self.terms[eq.tensor])) for eq in kept)

    def try_inline(self, tensor: Tensor) -> None:
        if tensor in self.outputs:
            return
        producer = _producer(self.equations[tensor], self.terms[tensor])
        places = [place for place in self.places.get(tensor, {}) if place[0] in self.equations]
        if producer is None or any(t is tensor for t, _ in places):
            return
        uses = [
            (self.equations[t], self.terms[t][k], read)
            for t, k in places
            for read in self.terms[t][k].reads
            if read.tensor is tensor
        ]
        if not uses or not self.worth(producer, uses):
            return
        for t, k in places:
            self.terms[t][k] = _substituted(self.terms[t][k], tensor, producer)
            self.register(t, k)
        del self.equations[tensor]

    def worth(self, producer: _Producer, uses: list[tuple[Equation, Term, Read]]) -> bool:
        copy = isinstance(producer.value, Read | Const)
        if not copy and len(uses) > 1 and (producer.expensive or producer.cost > CHEAP or len(uses) > READERS):
            return False
        return all(
            read in value_nodes(term.value)
            and not any(read in postorder(w) for w in term.write)
            and all(_is_known(s, d) for s, d in zip(read.subs, read.tensor.dims, strict=True))
            and not _in_subscript(term.value, read)
            and (copy or (_each_once(term, read) and not _compared(eq, term, read)))
            and (producer.size <= 3 or size(term.value) + producer.size <= LARGEST)
            and not self.regroups(producer, eq, term, read)
            for eq, term, read in uses
        )

    def regroups(self, producer: _Producer, eq: Equation, term: Term, read: Read) -> bool:
        """Whether a sum that the user named would lose its place in a sum whose addends `schedule.chain` may reorder:
        equations say which is added first (Kahan's summation), and only what is written in one has no order."""
        return (
            is_sum(producer.value)
            and not read.tensor.auxiliary
            and any(read in n.args for n in value_nodes(term.value) if is_sum(n))
            and eq.tensor in self.recurrent
        )

    @cached_property
    def recurrent(self) -> set[Tensor]:
        """The tensors that need themselves, when this is first asked; taking tensors in makes no others so."""
        graph = Graph((t, r.tensor) for t, terms in self.terms.items() for term in terms for r in term.reads)
        return {t for part in graph.cyclic() for t in part}


def _as_assignment(eq: Equation) -> Equation:
    """A reduction with one contribution to each element is that contribution."""
    if eq.reduce == "assign" or len(eq.terms) != 1 or eq.terms[0].reduced:
        return eq
    return replace(eq, reduce="assign") if writes_once(eq.terms[0], eq.defined) else eq


def _producer(eq: Equation, terms: list[Term]) -> _Producer | None:
    if eq.reduce != "assign" or len(terms) != 1:
        return None
    (term,) = terms
    if not all(isinstance(w, Index) for w in term.write) or set(term.write) != set(term.domain.indices):
        return None
    if len(set(term.write)) != len(term.write):
        return None
    value = term.value
    return _Producer(term.write, value, flops(value), expensive(value), size(value))


def _is_known(sub: Expr, dim: Expr) -> bool:
    """Whether a subscript lies within its axis without being looked at when it is read."""
    return is_affine(sub) or (bent_inside(sub, dim) and not has_reads(sub))


def _each_once(term: Term, read: Read) -> bool:
    """Whether the term reads no element of the tensor twice: every index of its domain steps through it."""
    return set(term.domain.indices) <= set().union(*(indices_of(s) for s in read.subs), set())


def _compared(eq: Equation, term: Term, read: Read) -> bool:
    """Whether the very value matters: in a maximum, or under == (rounding could differ where it is computed again)."""
    if eq.reduce in SELECTIONS:
        return True
    equalities = [n for n in value_nodes(term.value) if isinstance(n, Op) and n.name in ("eq", "ne")]
    return any(read in value_nodes(n) for n in equalities)


def _in_subscript(value: Expr, read: Read) -> bool:
    return any(read in postorder(*node.subs) for node in value_nodes(value) if isinstance(node, Read))


def _substituted(term: Term, tensor: Tensor, producer: _Producer) -> Term:
    found = {
        node: of_kind(substitute(producer.value, dict(zip(producer.indices, node.subs, strict=True))), tensor.kind)
        for node in value_nodes(term.value)
        if isinstance(node, Read) and node.tensor is tensor
    }
    return replace(term, value=substitute(term.value, found)) if found else term
