"""Layouts: a copy with other axis order of what a contraction would read with long strides (System → System).

In `a[t,i] += W[i,j]*s[t-1,j]` vectors run along `i`, the last axis written, but `W` has elements along `j` together.
`W` is the same at every step, so a transposed copy made once, `W_p[j,i] = W[i,j]`, pays for itself.
"""

from __future__ import annotations

from dataclasses import replace

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, indices_of, reads, substitute
from graphc.equations.system import Equation, System, Tensor, Term, dependencies


def pack(system: System) -> System:
    """The system with transposed copies where contractions want them."""
    packed: dict[tuple[Tensor, int], Tensor] = {}
    equations = []
    for eq in system.equations:
        if eq.reduce == "assign" or not eq.tensor.dims:
            equations.append(eq)
            continue
        equations.append(replace(eq, terms=tuple(_pack_term(eq, t, system, packed) for t in eq.terms)))
    copies = [_copy(source, axis, copy) for (source, axis), copy in packed.items()]
    return system.with_equations([*copies, *equations]) if packed else system


def _pack_term(eq: Equation, term: Term, system: System, packed: dict[tuple[Tensor, int], Tensor]) -> Term:
    last = term.write[-1]
    if not term.reduced or not isinstance(last, Index):
        return term
    mapping: dict[Expr, Expr] = {}
    for read in reads(term.value):
        axis = _stray_axis(read, last)
        if axis is None or not _reused(read, term) or not _whole(read.tensor, system):
            continue
        if eq.tensor in dependencies(system, [read.tensor]):
            continue
        copy = packed.get((read.tensor, axis))
        if copy is None:
            order = _order(read.tensor, axis)
            dims = tuple(read.tensor.dims[a] for a in order)
            copy = Tensor(_free_name(system, packed, read.tensor.name + "_p"), dims, "tensor", read.tensor.kind)
            packed[read.tensor, axis] = copy
        mapping[read] = Read(copy, tuple(read.subs[a] for a in _order(read.tensor, axis)))
    return replace(term, value=substitute(term.value, mapping)) if mapping else term


def _free_name(system: System, packed: dict[tuple[Tensor, int], Tensor], wanted: str) -> str:
    taken = {t.name for t in packed.values()}
    name, k = system.fresh_name(wanted), 1
    while name in taken:
        k += 1
        name = system.fresh_name(f"{wanted}{k}")
    return name


def _order(tensor: Tensor, axis: int) -> list[int]:
    return [a for a in range(len(tensor.dims)) if a != axis] + [axis]


def _stray_axis(read: Read, vector: Index) -> int | None:
    """The axis, not the last, along which alone the vector index moves the read, if the whole declared box is there."""
    moving = [a for a, s in enumerate(read.subs) if vector in indices_of(s)]
    if len(moving) != 1 or moving[0] == len(read.subs) - 1 or read.subs[moving[0]] is not vector:
        return None
    return moving[0]


def _whole(tensor: Tensor, system: System) -> bool:
    """Whether exactly the declared box of the tensor is defined."""
    return bool(system.defined(tensor).is_equal(tensor.box))


def _reused(read: Read, term: Term) -> bool:
    """Whether the same element is read at several points of the term."""
    used = set().union(*(indices_of(s) for s in read.subs))
    return bool(set(term.domain.indices) - used)


def _copy(source: Tensor, axis: int, copy: Tensor) -> Equation:
    indices = tuple(Index(f"i{k}") for k in range(len(copy.dims)))
    order = _order(source, axis)
    subs = tuple(indices[order.index(a)] for a in range(len(source.dims)))
    term = Term(Domain.box(indices, copy.dims), indices, Read(source, subs))
    return Equation(copy, "assign", copy.box, (term,))
