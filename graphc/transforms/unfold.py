"""A recurrence written out: one tensor a step. The result has no cycle through it; its dependence graph is the DAG.

    s[t, i] = tanh(a[t, i])   for 0 <= t < 3      becomes      s_0[i] = tanh(a_0[i]),  s_1[i] = ..,  s_2[i] = ..

Every index in a subscript along a split axis is enumerated; the tensor itself stays, assembled from its steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Set
from dataclasses import replace

import islpy as isl

from graphc.equations.domain import Domain, has_reads
from graphc.equations.expr import Const, Expr, Index, Read, indices_of, substitute, transform
from graphc.equations.graphs import Graph
from graphc.equations.points import points
from graphc.equations.system import Equation, System, Tensor, Term, reads_of
from graphc.errors import UnsupportedError
from graphc.transforms.bake import bake
from graphc.transforms.build import Names

SET, PARAM = isl.dim_type.set, isl.dim_type.param


def unfold(system: System, axes: Mapping[Tensor, int], size: str | None = None, n: int = 0) -> System:
    """`system` with every tensor of `axes` split along that axis, at `size` = n where a size is given.

    Tensors on the same cycles, those of a gradient among them, are split along with them. Raises UnsupportedError where
    the number of steps is not a number or a step is read from data."""
    wanted = dict(axes)
    if size is not None:
        system, moved = bake(system, {size: n})
        wanted = {moved[t]: axis for t, axis in axes.items()}
    return _split(system, follow(system, {t: a for t, a in wanted.items() if not t.given}))


def unfold_all(system: System, sizes: Mapping[str, int]) -> System:
    """`system` at these sizes with every recurrence written out."""
    system, _ = bake(system, sizes)
    while axes := _next_axes(system):
        system = _split(system, axes)
    return system


def steps_of(system: System, axes: Set[tuple[Tensor, int]]) -> set[tuple[Tensor, int]]:
    """For tensors that are assembled from their steps: the same axes of the steps, which lack the one of time."""
    found = set()
    for tensor, axis in axes:
        for term in system.by_tensor[tensor].terms if tensor in system.by_tensor else ():
            time = next((a for a, w in enumerate(term.write) if isinstance(w, Const)), axis)
            if time != axis and isinstance(term.value, Read):
                found.add((term.value.tensor, axis - (axis > time)))
    return found


def cycles(system: System) -> list[set[Tensor]]:
    """The sets of tensors that depend on each other."""
    graph = Graph((eq.tensor, r.tensor) for eq in system.equations for _, r in eq.reads())
    return [set(part) for part in graph.cyclic()]


def follow(system: System, axes: Mapping[Tensor, int]) -> dict[Tensor, int]:
    """`axes`, and for every other recurrent tensor the axis that runs along with them: the one where an equation puts
    the index by which it steps through a tensor whose axis is known."""
    found = dict(axes)
    recurrent = set().union(*cycles(system))
    progress = True
    while progress:
        progress = False
        for eq in system.equations:
            for term in eq.terms:
                for one, other in itertools.permutations(_accesses(eq, term, recurrent), 2):
                    if one.tensor in found and other.tensor not in found:
                        axis = _common_axis(one.subs[found[one.tensor]], other)
                        if axis is not None:
                            found[other.tensor], progress = axis, True
    return found


def _accesses(eq: Equation, term: Term, tensors: set[Tensor]) -> list[Read]:
    candidates = [Read(eq.tensor, term.write), *reads_of(term)]
    return [r for r in candidates if r.tensor in tensors]


def _common_axis(step: Expr, access: Read) -> int | None:
    for axis, sub in enumerate(access.subs):
        if indices_of(step) & indices_of(sub) and not has_reads(sub):
            return axis
    return None


def _next_axes(system: System) -> dict[Tensor, int]:
    """One axis to split for each cycle: one on which most of its reads make a step."""
    axes: dict[Tensor, int] = {}
    for part in cycles(system):
        steps: dict[tuple[Tensor, int], int] = {}
        for tensor in part:
            for term, read in system.by_tensor[tensor].reads():
                for axis, (w, r) in enumerate(zip(term.write, read.subs, strict=False)):
                    if read.tensor in part and w is not r and not has_reads(r) and not has_reads(w):
                        steps[tensor, axis] = steps.get((tensor, axis), 0) + 1
        steps = steps or {(t, axis): 1 for t in part for axis in range(len(t.dims)) if not _by_data(system, t, axis)}
        if not steps:
            names = " -> ".join(t.name for t in part)
            raise UnsupportedError(
                f"unfold: the order of the cycle {names} is read from data, so it cannot be written out\n"
                "  Compile it with its loop: unfold=False"
            )
        first, axis = max(steps, key=lambda key: steps[key])
        found = follow(system, {first: axis})
        axes |= {t: a for t, a in found.items() if t in part}
    return axes


def _by_data(system: System, tensor: Tensor, axis: int) -> bool:
    """Whether some access to a tensor takes its place on an axis from data."""
    return any(
        access.tensor is tensor and has_reads(access.subs[axis])
        for eq in system.equations
        for term in eq.terms
        for access in (Read(eq.tensor, term.write), *reads_of(term))
    )


def _split(system: System, axes: Mapping[Tensor, int]) -> System:
    names = Names(system)
    steps = {t: _steps(system, t, axis, names) for t, axis in axes.items()}
    equations: list[Equation] = []
    for eq in system.equations:
        parts = [part for term in eq.terms for part in _enumerate(eq, term, axes, steps)]
        if eq.tensor not in steps:
            equations.append(replace(eq, terms=tuple(term for _, term in parts)))
            continue
        axis = axes[eq.tensor]
        at: dict[Expr, list[Term]] = {}
        for _, term in parts:
            at.setdefault(term.write[axis], []).append(_drop(term, axis))
        for c, tensor in steps[eq.tensor].items():
            terms = tuple(at.get(Const(c), ()))
            equations.append(Equation(tensor, eq.reduce, _slice(eq.defined, axis, c), terms, eq.origin))
        equations.append(_assembled(eq, axis, steps[eq.tensor]))
    return system.with_equations(equations)


def _steps(system: System, tensor: Tensor, axis: int, names: Names) -> dict[int, Tensor]:
    """The tensor of each step: s_0, s_1, .. and s_m1 for step -1."""
    line = _line(system.defined(tensor), axis)
    if line is None:
        size = tensor.dims[axis]
        raise UnsupportedError(
            f"unfold: how many steps {tensor.name} has along axis {axis}, of size {size!r}, is not known\n"
            f"  Give it: system.unfold(t, 3) for the index t of that axis, or compile(sizes={{..}}, unfold=True)"
        )
    dims = tensor.dims[:axis] + tensor.dims[axis + 1 :]
    text = {c: f"{tensor.name}_{c}" if c >= 0 else f"{tensor.name}_m{-c}" for c in line}
    heads = (axis,) if axis in tensor.joined else (axis, axis + 1)  # what followed a first part is first now
    joined = tuple(k - (k > axis) for k in tensor.joined if k not in heads)
    return {c: replace(tensor, name=names.fresh(text[c]), dims=dims, joined=joined) for c in line}


def _line(region: isl.Set, axis: int) -> list[int] | None:
    """The values of one coordinate, in order; None if their number depends on a size."""
    rank = region.dim(SET)
    shadow = region.project_out(SET, axis + 1, rank - axis - 1).project_out(SET, 0, axis)
    flat = shadow.project_out(PARAM, 0, shadow.dim(PARAM))
    return sorted(int(c) for c in points(flat)[:, 0]) if flat.is_bounded() else None


def _enumerate(
    eq: Equation, term: Term, axes: Mapping[Tensor, int], steps: Mapping[Tensor, Mapping[int, Tensor]]
) -> list[tuple[Equation, Term]]:
    """The term at each value of the indices by which it steps through split tensors."""
    along: set[Index] = set()
    for access in _accesses(eq, term, set(steps)):
        sub = access.subs[axes[access.tensor]]
        if has_reads(sub):
            raise UnsupportedError(
                f"unfold: {access!r} takes its step from data, so it cannot be written out\n  Compile it with its loop"
            )
        along |= indices_of(sub)
    chosen = [i for i in term.domain.indices if i in along]
    shadow = term.domain.project(chosen).set
    flat = shadow.project_out(PARAM, 0, shadow.dim(PARAM))
    if not flat.is_bounded():
        raise UnsupportedError(f"unfold: how many steps {term.value!r} takes is not known\n  Give its size")
    found = []
    for row in sorted(map(tuple, points(flat).tolist())):
        part = _at(term, dict(zip(chosen, row, strict=True)))
        if not part.domain.is_empty():
            found.append((eq, _redirect(part, axes, steps)))
    return found


def _at(term: Term, values: Mapping[Index, int]) -> Term:
    """The term at fixed values of some of its indices."""
    domain = term.domain
    region = domain.set
    for k in reversed(range(len(domain.indices))):
        if domain.indices[k] in values:
            region = region.fix_val(SET, k, isl.Val(values[domain.indices[k]])).project_out(SET, k, 1)
    rest = tuple(i for i in domain.indices if i not in values)
    constants: dict[Expr, Expr] = {i: Const(v) for i, v in values.items()}
    write = tuple(substitute(w, constants) for w in term.write)
    return Term(Domain(rest, region), write, substitute(term.value, constants), term.origin)


def _redirect(term: Term, axes: Mapping[Tensor, int], steps: Mapping[Tensor, Mapping[int, Tensor]]) -> Term:
    """Reads of split tensors become reads of their steps."""

    def visit(node: Expr) -> Expr | None:
        if not isinstance(node, Read) or node.tensor not in steps:
            return None
        axis = axes[node.tensor]
        step = node.subs[axis]
        assert isinstance(step, Const)
        return Read(steps[node.tensor][int(step.value)], node.subs[:axis] + node.subs[axis + 1 :])

    return replace(term, value=transform(term.value, visit), write=tuple(transform(w, visit) for w in term.write))


def _drop(term: Term, axis: int) -> Term:
    return replace(term, write=term.write[:axis] + term.write[axis + 1 :])


def _slice(region: isl.Set, axis: int, value: int) -> isl.Set:
    return region.fix_val(SET, axis, isl.Val(value)).project_out(SET, axis, 1)


def _assembled(eq: Equation, axis: int, steps: Mapping[int, Tensor]) -> Equation:
    """The whole tensor from its steps."""
    terms = []
    for c, tensor in steps.items():
        indices = tuple(Index(f"i{k}") for k in range(len(tensor.dims)))
        write = (*indices[:axis], Const(c), *indices[axis:])
        terms.append(Term(Domain(indices, _slice(eq.defined, axis, c)), write, Read(tensor, indices), eq.origin))
    return Equation(eq.tensor, "assign", eq.defined, tuple(terms), eq.origin)
