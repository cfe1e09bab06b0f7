"""A system over many samples at once: what depends on the named inputs gains a leading axis, the rest stays shared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, Size, transform
from graphc.equations.graphs import reached
from graphc.equations.system import Equation, System, Tensor, Term


def batch(system: System, size: Size | str, inputs: Sequence[Tensor]) -> System:
    """`system` in which `inputs`, and every tensor that depends on them, have one more axis of `size` in front."""
    size = Size(size) if isinstance(size, str) else size
    moved = {
        t: replace(t, dims=(size, *t.dims), joined=tuple(k + 1 for k in t.joined)) for t in dependents(system, inputs)
    }
    b = Index(size.name.lower())

    def lift(node: Expr) -> Expr | None:
        return Read(moved[node.tensor], (b, *node.subs)) if isinstance(node, Read) and node.tensor in moved else None

    def over_samples(eq: Equation) -> Equation:
        if eq.tensor not in moved:
            return eq
        box = Domain.box((b,), (size,))
        terms = tuple(
            Term(Domain((b, *tm.domain.indices), box.set.flat_product(tm.domain.set)),
                 (b, *(transform(w, lift) for w in tm.write)), transform(tm.value, lift), tm.origin)
            for tm in eq.terms
        )  # fmt: skip
        return replace(eq, tensor=moved[eq.tensor], defined=box.set.flat_product(eq.defined), terms=terms)

    return replace(
        system,
        inputs=tuple(moved.get(t, t) for t in system.inputs),
        equations=tuple(over_samples(eq) for eq in system.equations),
    )


def dependents(system: System, tensors: Sequence[Tensor]) -> set[Tensor]:
    """These tensors and all that depend on them."""
    users: dict[Tensor, list[Tensor]] = {}
    for eq in system.equations:
        for _, read in eq.reads():
            users.setdefault(read.tensor, []).append(eq.tensor)
    return reached(users, tensors)
