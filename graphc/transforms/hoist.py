"""Expensive work leaves the loops that do not change it.

- In an equation of a recurrence: a subexpression that depends on no tensor of the cycle (exp(x[t]) inside a scalar
  recurrence) gets a tensor of its own, computed outside the sequential loop for all steps at once.
- In any term: a subexpression that does not depend on all of its indices (log(z[t]) under a sum over k) likewise.
"""

from __future__ import annotations

from dataclasses import replace

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder, substitute
from graphc.equations.system import Equation, System, Tensor, Term
from graphc.transforms.build import Names
from graphc.transforms.cost import expensive, flops, value_nodes
from graphc.transforms.share import name_value, ordered_indices, shadow
from graphc.transforms.unfold import cycles

WORTH = 8  # operations before an inexpensive subexpression leaves a recurrence


def hoist(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with such subexpressions named."""
    cycle_of: dict[Tensor, set[Tensor]] = {t: part for part in cycles(system) for t in part}
    names, added = Names(system), list[Equation]()
    equations = []
    for eq in system.equations:
        terms = []
        for term in eq.terms:
            found = _invariants(term, cycle_of.get(eq.tensor, set()))
            replacements: dict[Expr, Expr] = {}
            for node in found:
                indices = ordered_indices(node)
                own = tuple(Index(i.name) for i in indices)
                renaming: dict[Expr, Expr] = dict(zip(indices, own, strict=True))
                domain = Domain(own, shadow(term.domain, indices))
                added.append(name_value(system, domain, substitute(node, renaming), names, eq))
                replacements[node] = Read(added[-1].tensor, indices)
            terms.append(replace(term, value=substitute(term.value, replacements)) if found else term)
        equations.append(replace(eq, terms=tuple(terms)) if terms != list(eq.terms) else eq)
    return system.with_equations(equations + added)


def _invariants(term: Term, cycle: set[Tensor]) -> list[Expr]:
    """The largest subexpressions of a term's value that are worth leaving it."""
    if not expensive(term.value) and flops(term.value) < WORTH:
        return []
    reads_cycle, indices = _dependence(term.value, cycle)
    whole = len(term.domain.indices)
    steps = term.value in reads_cycle

    def leaves(node: Expr) -> bool:
        if node is term.value or node in reads_cycle or not isinstance(node, Op) or node.kind != "real":
            return False
        if not steps and len(indices[node]) == whole:
            return False
        if all(isinstance(n, Const | Size | Index | Op) for n in value_nodes(node)):
            return False
        if len(indices[node]) < whole and expensive(node):
            return True
        return steps and (expensive(node) or flops(node) >= WORTH)

    found: dict[Expr, None] = {}
    stack, seen = [term.value], {term.value}
    while stack:
        node = stack.pop()
        if leaves(node):
            found[node] = None
            continue
        for child in () if isinstance(node, Read) else node.args:
            if child not in seen:
                seen.add(child)
                stack.append(child)
    return list(found)


def _dependence(value: Expr, cycle: set[Tensor]) -> tuple[set[Expr], dict[Expr, frozenset[Index]]]:
    """The nodes that depend on a tensor of the cycle, and the indices of each node."""
    dependent: set[Expr] = set()
    indices: dict[Expr, frozenset[Index]] = {}
    for node in postorder(value):
        if (isinstance(node, Read) and node.tensor in cycle) or any(child in dependent for child in node.args):
            dependent.add(node)
        own = frozenset((node,)) if isinstance(node, Index) else frozenset[Index]()
        indices[node] = own.union(*(indices[child] for child in node.args))
    return dependent, indices
