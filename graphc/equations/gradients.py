"""`D(L, W)` in equations: read as a placeholder while equations are lowered, put in place once they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from graphc.equations.errors import CausalityError, DefinitionError, ShapeError, UnsupportedError
from graphc.equations.expr import Const, Expr, Read, substitute
from graphc.equations.names import AsWritten, Gradient, as_text, atoms, complain
from graphc.equations.system import System, Tensor, Term, reads_of
from graphc.language import symbols as sy
from graphc.language.notation import D

if TYPE_CHECKING:
    from graphc.transforms.seeds import Mixed, Place, Places, Seeds


TRUE = Const(True)


def gradients_in(e: sp.Basic) -> Iterator[D]:
    """Every D in `e`, those inside the losses of others first."""
    for d in sorted(atoms(e, D), key=str):
        yield from gradients_in(d.loss)
        yield d


def losses(equations: Iterable[sp.Basic]) -> tuple[dict[D, sy.Tensor], list[sp.Eq]]:
    """The scalar that each D differentiates, and equations for those that are expressions. (Losses that depend on
    indices stand in the equation that says which.)"""
    found: dict[D, sy.Tensor] = {}
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
                    mend = f"Sum it, D(Sum({d.loss}), {d.wrt}), or say which element, D({_some_element(d.loss)}, {d.wrt})"
                    raise ShapeError(complain(what, str(e), mend))
                found[d] = d.loss
            elif d not in found and not d.each:
                if d.loss not in made:
                    made[d.loss] = sy.Tensor(_free("loss", taken))
                found[d] = made[d.loss]
    return found, [sp.Eq(t, loss, evaluate=False) for loss, t in made.items()]


def _some_element(t: sy.Tensor) -> str:
    return f"{t}[{', '.join('tijklmn'[: t.rank])}]"


def _free(wanted: str, taken: set[str]) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    taken.add(name)
    return name


def resolve(
    system: System, gradients: Iterable[Gradient], reads: AsWritten
) -> tuple[System, dict[Gradient, Tensor], AsWritten]:
    """`system` with the equations of these gradients, the tensors that hold them, and how their reads were written."""
    pending = list(gradients)
    found: dict[Gradient, Tensor] = {}
    reads = dict(reads)
    system = replace(system, inputs=tuple(t for t in system.inputs if t not in {g.tensor for g in pending}))
    while pending:
        group: dict[Gradient, Seeds] = {}
        for loss in dict.fromkeys(g.loss for g in pending):
            group = group or _ready(system, loss, pending)
        if not group:
            first = pending[0]
            what = f"{first.said.loss} depends on its own gradient {first.said}"
            mend = "Give the updated value a name of its own, or read the gradient at an earlier step of a recurrence"
            raise CausalityError(complain(what, first.where, mend))
        pending = [g for g in pending if g not in group]
        system = _put(system, group, found, reads)
    return system, found, reads


def _ready(system: System, loss: Tensor, pending: Sequence[Gradient]) -> dict[Gradient, Seeds]:
    """The gradients of `loss` that need no other that is not there yet, and how their adjoints lie."""
    from graphc.transforms.differentiate import active_tensors
    from graphc.transforms.seeds import Mixed, align, stand_ins

    waiting = {g.tensor: g.loss for g in pending}
    view = stand_ins(system, waiting)
    ready: dict[Gradient, Seeds] = {}
    for g in pending:
        if g.loss is loss:
            seeds = align(view, loss, [g.wrt], active_tensors(view, [g.wrt], [loss]))
            if isinstance(seeds, Mixed):
                raise _mixed(g, seeds)
            if not seeds.live & waiting.keys():
                if state := seeds.state_between(g.wrt):
                    raise _ambiguous(g, state, seeds.places[g.wrt])
                ready[g] = seeds
    return ready


def _put(
    system: System, group: Mapping[Gradient, Seeds], found: dict[Gradient, Tensor], reads: dict[Read, tuple[Any, int]]
) -> System:
    """The gradients of one loss put in place."""
    from graphc.transforms.differentiate import element_gradients
    from graphc.transforms.pullback import guarded

    loss = next(iter(group)).loss
    grown, made, seeds = element_gradients(system, loss, [g.wrt for g in group])
    found.update({g: made[g.wrt] for g in group})
    by_tensor = {g.tensor: g for g in group}
    new: dict[Expr, Expr] = {}
    for eq in grown.equations:
        for _, read in eq.reads():
            g = by_tensor.get(read.tensor)
            if g is not None and read not in new:
                form, shown = reads.get(read, (g.said, len(read.subs)))
                element, where = _found(g, made[g.wrt], read, seeds)
                if where is None or (g.wrt in seeds.live and seeds.places[g.wrt] != group[g].places[g.wrt]):
                    raise _elsewhere(g, form, seeds.places[g.wrt])
                new[read] = guarded(where, element)
                reads[element] = form, shown - len(read.subs) + len(element.subs)
    return replace_reads(grown, new)


def _found(g: Gradient, made: Tensor, read: Read, seeds: Seeds) -> tuple[Read, Expr | None]:
    """The element of the gradient that stands for this read, and where it is not 0."""
    n = len(g.loss.dims)
    of, subs = read.subs[:n], read.subs[n:]
    if g.wrt not in seeds.live:
        return Read(made, subs), TRUE
    return Read(made, seeds.element(g.wrt, of, subs)), seeds.where(g.wrt, of, subs)


def _mixed(g: Gradient, why: Mixed) -> UnsupportedError:
    read, origin = why.edge.read, why.edge.term.origin
    what = f"{g.said}: {g.loss.name} depends on {why.end.name} at other steps, too, through {as_text(read)}"
    return UnsupportedError(complain(what, f"{g.where}\n  and {origin}", _by_copy(g, (None,) * len(g.loss.dims))))


def _elsewhere(g: Gradient, form: object, places: Places) -> UnsupportedError:
    what = (
        f"{form}: of the steps of {g.wrt.name}, {g.said} is the slope at the one that {g.loss.name} depends on most "
        f"directly, {_element(g.wrt, g, places)} for {_element(g.loss, g, ())}, and this is another"
    )
    return UnsupportedError(complain(what, g.where, _by_copy(g, places)))


def _ambiguous(g: Gradient, state: Tensor, places: Places) -> UnsupportedError:
    loss, wrt = g.loss.name, g.wrt.name
    what = f"{g.said}: {loss} depends on {wrt} itself and through {state.name}, which {wrt} moves at the same step"
    return UnsupportedError(complain(what, g.where, _by_copy(g, places)))


def _by_copy(g: Gradient, places: Places) -> str:
    """How to say which reads are meant: those of a copy."""
    loss, copy = _element(g.loss, g, ()), replace(g.wrt, name=f"{g.wrt.name}_at")
    axes = [t for t, p in zip(_letters(g), places, strict=True) if p is None]
    there = f"{copy.name}[{', '.join([*axes, *_subscripts(g.wrt, g, places)])}]"
    here = f"{g.wrt.name}[{', '.join(_subscripts(g.wrt, g, places))}]" if g.wrt.dims else g.wrt.name
    return f"Let {g.loss.name} read a copy where that is meant, Eq({there}, {here}), and take D({loss}, {there})"


def _element(t: Tensor, g: Gradient, places: Places) -> str:
    subs = (
        _letters(g)
        if t is g.loss
        else [
            s if (p := _at(k, places)) is None or not p.shift else f"{s}{-p.shift:+d}"
            for k, s in enumerate(_subscripts(t, g, places))
        ]
    )
    return f"{t.name}[{', '.join(subs)}]" if subs else t.name


def _at(axis: int, places: Places) -> Place | None:
    return next((p for p in places if p is not None and p.axis == axis), None)


def _letters(g: Gradient) -> list[str]:
    """A name for each axis of the loss: the user's where they are as many."""
    own = sorted({str(s) for s in g.said.loss.free_symbols if isinstance(s, sy.Index)})
    return own if len(own) == len(g.loss.dims) else [f"u{k}" for k in range(len(g.loss.dims))]


def _subscripts(t: Tensor, g: Gradient, places: Places) -> list[str]:
    fresh = iter(c for c in "ijklmnopqr" if c not in _letters(g))
    of = {p.axis: name for p, name in zip(places, _letters(g), strict=False) if p is not None}
    return [of.get(k) or next(fresh) for k in range(len(t.dims))]


def replace_reads(system: System, new: Mapping[Expr, Expr]) -> System:
    """`system` with other reads in the place of some."""
    return system.with_equations(
        replace(eq, terms=tuple(_changed(term, new) for term in eq.terms)) for eq in system.equations
    )


def reread(term: Term, new: Mapping[Tensor, Tensor]) -> Term:
    """`term` reading the tensors `new[t]` where it reads `t`."""
    return _changed(term, {r: Read(new[r.tensor], r.subs) for r in reads_of(term) if r.tensor in new})


def _changed(term: Term, new: Mapping[Expr, Expr]) -> Term:
    mapping = {r: new[r] for r in reads_of(term) if r in new}
    if not mapping:
        return term
    return replace(term, value=substitute(term.value, mapping), write=tuple(substitute(w, mapping) for w in term.write))
