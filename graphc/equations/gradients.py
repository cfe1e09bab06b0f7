"""`D(L, W)` in equations: read as a placeholder while equations are lowered, put in place once they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import sympy as sp

from graphc.equations.errors import CausalityError, DefinitionError, ShapeError
from graphc.equations.expr import Expr, Read, substitute
from graphc.equations.names import Names
from graphc.equations.system import System, Tensor, Term, dependencies, reads_of
from graphc.language import symbols as sy
from graphc.language.notation import D


def gradients_in(e: sp.Basic) -> Iterator[D]:
    """Every D in `e`, those inside the losses of others first."""
    for d in sorted(e.atoms(D), key=str):
        yield from gradients_in(d.loss)
        yield d


def loss_equations(equations: Iterable[sp.Basic]) -> tuple[dict[D, sy.Tensor], list[sp.Eq]]:
    """The scalar tensor that each D differentiates, and equations for those that are expressions."""
    found: dict[D, sy.Tensor] = {}
    made: dict[sp.Expr, sy.Tensor] = {}
    equations = list(equations)
    taken = {t.name for e in equations for t in e.atoms(sy.Tensor)} | {
        s.name for e in equations for s in e.free_symbols
    }
    for e in equations:
        for d in gradients_in(e):
            if isinstance(d.loss, sy.Tensor) and not isinstance(d.loss, D):
                if d.loss.dims:
                    raise ShapeError(
                        f"{d} needs a scalar, and {d.loss} has axes of sizes {', '.join(map(str, d.loss.dims))}\n  in {e}\n"
                        f"  Sum it first: D(Sum({d.loss}), {d.wrt})"
                    )
                found[d] = d.loss
            elif d not in found:
                if d.loss not in made:
                    made[d.loss] = sy.Tensor(_free("loss", taken))
                found[d] = made[d.loss]
    return found, [sp.Eq(t, loss, evaluate=False) for loss, t in made.items()]


def _free(wanted: str, taken: set[str]) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    taken.add(name)
    return name


def resolve(system: System, names: Names, losses: Mapping[D, sy.Tensor]) -> tuple[System, dict[Tensor, Tensor]]:
    """`system` with the equations of its gradients, and {placeholder: gradient}."""
    pending = dict(names.gradients)
    found: dict[Tensor, Tensor] = {}
    while pending:
        waiting = set(pending.values())
        ready = [d for d in pending if not dependencies(system, [names.tensor(losses[d])]) & waiting]
        if not ready:
            first, *rest = map(str, pending)
            raise CausalityError(
                f"{' and '.join([first, *rest])} depend on themselves: a loss must not depend on its own gradient"
            )
        loss = losses[ready[0]]
        group = [d for d in ready if losses[d] == loss]
        system, new = _differentiate(system, names.tensor(loss), {pending.pop(d): names.tensor(d.wrt) for d in group})
        found.update(new)
    return system, found


def _differentiate(
    system: System, loss: Tensor, wanted: Mapping[Tensor, Tensor]
) -> tuple[System, dict[Tensor, Tensor]]:
    from graphc.transforms.differentiate import gradients

    for t in wanted.values():
        if t.kind == "int":
            raise DefinitionError(f"D({loss.name}, {t.name}): {t.name} holds integers, and has no gradient")
    system = replace(system, inputs=tuple(t for t in system.inputs if t not in wanted))
    grown, made = gradients(system, loss, list(dict.fromkeys(wanted.values())))
    found = {placeholder: made[t] for placeholder, t in wanted.items()}
    return replace_tensors(grown, found), found


def replace_tensors(system: System, new: Mapping[Tensor, Tensor]) -> System:
    """`system` reading the tensors `new[t]` where it reads `t`."""
    return system.with_equations(
        replace(eq, terms=tuple(reread(term, new) for term in eq.terms)) for eq in system.equations
    )


def reread(term: Term, new: Mapping[Tensor, Tensor]) -> Term:
    """`term` reading the tensors `new[t]` where it reads `t`."""
    mapping: dict[Expr, Expr] = {r: Read(new[r.tensor], r.subs) for r in reads_of(term) if r.tensor in new}
    if not mapping:
        return term
    return replace(term, value=substitute(term.value, mapping), write=tuple(substitute(w, mapping) for w in term.write))
