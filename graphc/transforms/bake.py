"""Sizes become numbers: in dimensions, in expressions and in every set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphc.equations.domain import fix_sizes
from graphc.equations.expr import Const, Expr, Read, Size, substitute, transform
from graphc.equations.sizes import not_below
from graphc.equations.system import Equation, System, Tensor, Term


def bake(system: System, sizes: Mapping[str, int]) -> tuple[System, dict[Tensor, Tensor]]:
    """`system` at these sizes, and what became of each tensor."""
    not_below(system.least, sizes)
    values: dict[Expr, Expr] = {Size(name): Const(value) for name, value in sizes.items()}
    composed = {name: substitute(e, values) for name, e in system.composed.items()}
    sizes = {**sizes, **{name: int(e.value) for name, e in composed.items() if isinstance(e, Const)}}
    values = {Size(name): Const(value) for name, value in sizes.items()}
    moved: dict[Tensor, Tensor] = {}
    for t in system.tensors:
        dims = tuple(substitute(d, values) for d in t.dims)
        moved[t] = t if dims == t.dims else replace(t, dims=dims)

    def visit(node: Expr) -> Expr | None:
        return Read(moved.get(node.tensor, node.tensor), node.subs) if isinstance(node, Read) else values.get(node)

    def fix(eq: Equation) -> Equation:
        terms = tuple(
            Term(tm.domain.with_set(fix_sizes(tm.domain.set, dict(sizes))),
                 tuple(transform(w, visit) for w in tm.write), transform(tm.value, visit), tm.origin)
            for tm in eq.terms
        )  # fmt: skip
        return replace(eq, tensor=moved[eq.tensor], defined=fix_sizes(eq.defined, dict(sizes)), terms=terms)

    fixed = {name: v for name, v in system.fixed.items() if name not in sizes}
    inputs, equations = tuple(moved[t] for t in system.inputs), tuple(fix(eq) for eq in system.equations)
    return replace(system, inputs=inputs, equations=equations, fixed=fixed, composed=composed), moved
