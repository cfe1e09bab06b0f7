"""`D(L, W)` in equations: read as a placeholder while equations are lowered, put in place once they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from graphc.equations.errors import CausalityError, DefinitionError, ShapeError
from graphc.equations.expr import Expr, Read, substitute
from graphc.equations.names import Names, atoms, complain
from graphc.equations.system import System, Tensor, Term, dependencies, reads_of
from graphc.language import symbols as sy
from graphc.language.notation import D


def gradients_in(e: sp.Basic) -> Iterator[D]:
    """Every D in `e`, those inside the losses of others first."""
    for d in sorted(atoms(e, D), key=str):
        yield from gradients_in(d.loss)
        yield d


@dataclass(frozen=True)
class Loss:
    """What a D differentiates, and the equation it stands in."""

    tensor: sy.Tensor
    where: str


def losses(equations: Iterable[sp.Basic]) -> tuple[dict[D, Loss], list[sp.Eq]]:
    """The loss of each D, and equations for those that are expressions."""
    found: dict[D, Loss] = {}
    made: dict[sp.Expr, sy.Tensor] = {}
    equations = list(equations)
    taken = {s.name for e in equations for s in atoms(e, sp.Symbol, sy.Tensor)}
    for e in equations:
        for d in gradients_in(e):
            if d.wrt.is_integer:
                raise DefinitionError(complain(f"{d}: {d.wrt} holds integers, and has no gradient", str(e)))
            if isinstance(d.loss, sy.Tensor) and not isinstance(d.loss, D):
                if d.loss.dims:
                    what = f"{d} needs a scalar, and {d.loss} has dimensions ({', '.join(map(str, d.loss.dims))})"
                    raise ShapeError(complain(what, str(e), f"Sum it first: D(Sum({d.loss}), {d.wrt})"))
                found.setdefault(d, Loss(d.loss, str(e)))
            elif d not in found:
                if d.loss not in made:
                    made[d.loss] = sy.Tensor(_free("loss", taken))
                found[d] = Loss(made[d.loss], str(e))
    return found, [sp.Eq(t, loss, evaluate=False) for loss, t in made.items()]


def _free(wanted: str, taken: set[str]) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    taken.add(name)
    return name


def resolve(system: System, names: Names, of: Mapping[D, Loss]) -> tuple[System, dict[Tensor, Tensor]]:
    """`system` with the equations of its gradients, and {placeholder: gradient}."""
    pending = dict(names.gradients)
    known = set(system.tensors)
    for d in pending:
        for t in (of[d].tensor, d.wrt):
            if names.tensor(t) not in known and t.role == "tensor":
                raise DefinitionError(complain(f"{d}: no equation defines {t}", of[d].where, f"Define it: Eq({t}, ..)"))
    found: dict[Tensor, Tensor] = {}
    while pending:
        waiting = set(pending.values())
        ready = [d for d in pending if not dependencies(system, [names.tensor(of[d].tensor)]) & waiting]
        if not ready:
            d = next(iter(pending))
            what = f"{d.loss} depends on its own gradient {d}"
            raise CausalityError(complain(what, of[d].where, "Give the updated value a name of its own"))
        loss = of[ready[0]].tensor
        group = [d for d in ready if of[d].tensor == loss]
        system, new = _differentiate(system, names.tensor(loss), {pending.pop(d): names.tensor(d.wrt) for d in group})
        found.update(new)
    return system, found


def _differentiate(
    system: System, loss: Tensor, wanted: Mapping[Tensor, Tensor]
) -> tuple[System, dict[Tensor, Tensor]]:
    from graphc.transforms.differentiate import gradients

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
