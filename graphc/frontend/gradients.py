"""`D(L, W)` and `D(U[t], q)[t, i]` in equations: placeholders while equations are lowered, put in place once they are.

`element` lifts a read: of a tensor with the axes of the loss and then those of what it is differentiated in. `resolve`
makes the adjoints (`transforms.differentiate`), those first whose loss depends on no gradient that is not there yet. A
gradient at an earlier step of a recurrence does not count; the check afterwards sees whether the cycle makes progress.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from graphc.checks.reads import Gradient
from graphc.equations.expr import Const, Expr, Read, substitute
from graphc.equations.graphs import reached
from graphc.equations.printing import AsWritten, as_text
from graphc.equations.system import System, Tensor, Term, dependencies, reads_of
from graphc.errors import CausalityError, DefinitionError, ShapeError, UnsupportedError, complain, counted
from graphc.frontend.names import atoms
from graphc.frontend.reduce import Operand, all_indices
from graphc.language import symbols as sy
from graphc.language.notation import D

if TYPE_CHECKING:
    from graphc.frontend.lift import Env, Lifter
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
    needs = _needs(equations)
    for e in equations:
        for d in gradients_in(e):
            if d.wrt.is_integer:
                raise DefinitionError(complain(f"{d}: {d.wrt} holds integers, and has no gradient", str(e)))
            if isinstance(d.loss, sy.Tensor) and not isinstance(d.loss, D):
                if d.loss.dims:
                    what = f"{d} needs a scalar, and {d.loss} has dimensions ({', '.join(map(str, d.loss.dims))})"
                    element = f"{d.loss}[{', '.join('tijklmn'[: d.loss.rank])}]"
                    mend = f"Sum it, D(Sum({d.loss}), {d.wrt}), or say which element, D({element}, {d.wrt})"
                    raise ShapeError(complain(what, str(e), mend))
                found[d] = d.loss
            elif d not in found and not d.each and not _in_cycle(d.loss, e, needs):
                if d.loss not in made:
                    made[d.loss] = sy.Tensor(_free("loss", taken))
                found[d] = made[d.loss]
    return found, [sp.Eq(t, loss, evaluate=False) for loss, t in made.items()]


def _needs(equations: Iterable[sp.Basic]) -> dict[sp.Basic, set[sp.Basic]]:
    """The tensors that the equations of each tensor read."""
    found: dict[sp.Basic, set[sp.Basic]] = {}
    for e in equations:
        if isinstance(e, sp.Eq):
            found.setdefault(_written(e), set()).update(atoms(e.rhs, sy.Tensor))
    return found


def _written(e: sp.Eq) -> sp.Basic:
    return e.lhs.base if isinstance(e.lhs, sy.Access) else e.lhs


def _in_cycle(loss: sp.Expr, e: sp.Basic, needs: Mapping[sp.Basic, set[sp.Basic]]) -> bool:
    """Whether the loss is an element of a tensor that depends on what the equation defines: `U[0]` in that of p[0]. Its
    gradient is then one of those of all elements, of which only some may depend on it."""
    if not (isinstance(loss, sy.Access) and isinstance(loss.base, sy.Tensor) and len(loss.subs_) == loss.base.rank):
        return False
    return isinstance(e, sp.Eq) and _written(e) in reached(needs, [loss.base])


def _free(wanted: str, taken: set[str]) -> str:
    name, k = wanted, 1
    while name in taken:
        k += 1
        name = f"{wanted}_{k}"
    taken.add(name)
    return name


def element(lifter: Lifter, d: D, access: sp.Expr, subs: tuple[Expr, ...], env: Env) -> Expr:
    """An element of a gradient, `access`: that of the loss's element at this point."""
    shown = len(access.subs_) if isinstance(access, sy.Access) else 0
    loss, of = _loss(lifter, d, env)
    gradient = lifter.names.gradient(d, loss, lifter.written.origin.equation)
    read = Read(gradient.tensor, of + subs)
    lifter.written.reads.setdefault(read, (access, len(of) + shown))
    below = d.wrt[access.subs_] if isinstance(access, sy.Access) else d.wrt
    lifter.written.reads.setdefault(Read(gradient.wrt, subs), (below, shown))
    return read


def _loss(lifter: Lifter, d: D, env: Env) -> tuple[Tensor, tuple[Expr, ...]]:
    """The tensor that a D differentiates, and which element of it."""
    if d in lifter.names.losses:
        return lifter.names.tensor(lifter.names.losses[d]), ()
    e = d.loss
    if shape := lifter.shape(e):
        what = f"{d} needs a scalar, and {e} has {counted(len(shape), 'free axis', 'free axes')}"
        raise lifter.written.error(ShapeError, what, f"Sum it first: D(Sum({e}), {d.wrt})")
    if isinstance(e, sy.Access) and isinstance(e.base, sy.Tensor) and not isinstance(e.base, D):
        of = tuple(lifter.subscript(e, s, env) for s in e.subs_)
        tensor = lifter.names.tensor(e.base)
        lifter.written.reads.setdefault(Read(tensor, of), (e, len(of)))
        return tensor, of
    key = ("loss", e, id(env))
    if key not in lifter.made:
        lifter.made[key] = env, _whole(lifter, e, lifter.build(e, (), env))
    loss = lifter.made[key][1]
    assert isinstance(loss, Read)
    return loss.tensor, loss.subs


def _whole(lifter: Lifter, e: sp.Expr, body: Expr) -> Read:
    """A tensor for an expression that is differentiated, with an axis for each index it depends on."""
    axes = tuple(sorted(all_indices(body), key=lambda i: i.name))
    for i in axes:
        if i not in lifter.bounds:
            what = f"D of {e} runs over {i!r}, which a reduction binds"
            named = f"U[{', '.join(a.name for a in axes)}]"
            mend = f'Give it a name: Eq({named}, {e}) with gc.Tensor("U", ..), and take D({named}, ..)'
            raise lifter.written.error(DefinitionError, what, mend)
    ranges = tuple(lifter.bounds[i] for i in axes)
    loss = Tensor(lifter.names.fresh("loss"), tuple(high - low for low, high in ranges))
    lifter.wholes.append(Operand(loss, axes, ranges, body))
    return Read(loss, tuple(i - low for i, (low, _) in zip(axes, ranges, strict=True)))


def resolve(
    system: System, gradients: Iterable[Gradient], reads: AsWritten
) -> tuple[System, dict[Gradient, Tensor], AsWritten]:
    """`system` with the equations of these gradients, the tensors that hold them, and how their reads were written."""
    pending = list(gradients)
    found: dict[Gradient, Tensor] = {}
    reads = dict(reads)
    system = replace(system, inputs=tuple(t for t in system.inputs if t not in {g.tensor for g in pending}))
    while pending:
        group: list[Ready] = []
        refused: list[UnsupportedError] = []
        for loss in dict.fromkeys(g.loss for g in pending):
            try:
                group = group or _ready(system, loss, pending)
            except UnsupportedError as error:  # others may have to be there first
                refused.append(error)
        if not group and refused:
            raise refused[0]
        if not group:
            first = pending[0]
            what = f"{first.said.loss} depends on its own gradient {first.said}"
            mend = "Give the updated value a name of its own"
            mend += ", or read the gradient at an earlier step" if first.loss.dims else ""
            raise CausalityError(complain(what, first.where, mend))
        group = [r for r in group if r.apart is group[0].apart]
        done = {r.gradient for r in group}
        pending = [g for g in pending if g not in done]
        system = _put(system, group, found, reads)
    return system, found, reads


@dataclass(frozen=True, eq=False)
class Ready:
    """A gradient that can be put in place, and how its adjoints lie; `apart`: other steps are asked for, too."""

    gradient: Gradient
    seeds: Seeds
    apart: bool = False


def _ready(system: System, loss: Tensor, pending: Sequence[Gradient]) -> list[Ready]:
    """The gradients of `loss` that need no other that is not there yet."""
    from graphc.transforms.differentiate import active_tensors
    from graphc.transforms.seeds import Mixed, align, stand_ins

    waiting = {g.tensor: g.loss for g in pending}
    view = stand_ins(system, waiting)
    group = [g for g in pending if g.loss is loss]
    if not loss.dims:  # no steps to tell apart
        wrt = [g.wrt for g in group]
        seeds = align(view, loss, wrt, active_tensors(view, wrt, [loss]))
        assert not isinstance(seeds, Mixed)
        if not seeds.live & waiting.keys():
            return [Ready(g, seeds) for g in group]
    ready = []
    for g in group:
        active = active_tensors(view, [g.wrt], [loss])
        seeds = align(view, loss, [g.wrt], active)
        if not isinstance(seeds, Mixed):
            needed = seeds.live & waiting.keys()
            if g.tensor not in needed and (state := seeds.state_between(g.wrt)):
                raise _ambiguous(g, state, seeds.places[g.wrt])
            if needed:
                continue
            strange = [r for r in _reads(system, g) if _where(g, r, seeds) is None]
            if not strange:
                ready.append(Ready(g, seeds))
                continue
        whole = align(view, loss, [g.wrt], active, apart=True)
        if isinstance(whole, Mixed) or whole.live & waiting.keys() or _recurs(view, g.wrt):
            raise _mixed(g, seeds) if isinstance(seeds, Mixed) else _elsewhere(g, strange[0], seeds)
        ready.append(Ready(g, whole, apart=True))
    return ready


def _reads(system: System, g: Gradient) -> list[Read]:
    return [read for eq in system.equations for _, read in eq.reads() if read.tensor is g.tensor]


def _recurs(system: System, t: Tensor) -> bool:
    """Whether a tensor is part of a recurrence."""
    return t in system.by_tensor and t in dependencies(system, {r.tensor for _, r in system.by_tensor[t].reads()})


def _put(
    system: System, group: Sequence[Ready], found: dict[Gradient, Tensor], reads: dict[Read, tuple[Any, int]]
) -> System:
    """Gradients of one loss put in place."""
    from graphc.transforms.differentiate import element_gradients
    from graphc.transforms.pullback import guarded

    loss, apart = group[0].gradient.loss, group[0].apart
    grown, made, seeds = element_gradients(system, loss, [r.gradient.wrt for r in group], apart)
    new: dict[Expr, Expr] = {}
    for ready in group:
        g = ready.gradient
        found[g] = made[g.wrt]
        for read in _reads(grown, g):
            of, subs = read.subs[: len(loss.dims)], read.subs[len(loss.dims) :]
            element = Read(made[g.wrt], seeds.element(g.wrt, of, subs) if g.wrt in seeds.live else subs)
            where = _where(g, read, seeds)
            if where is None or (g.wrt in seeds.live and seeds.places[g.wrt] != ready.seeds.places[g.wrt]):
                raise _elsewhere(g, read, seeds)
            new[read] = guarded(where, element)
            form, shown = reads.get(read, (g.said, len(read.subs)))
            reads[element] = form, shown - len(read.subs) + len(element.subs)
    return replace_reads(grown, new)


def _where(g: Gradient, read: Read, seeds: Seeds) -> Expr | None:
    """The condition under which a read of a gradient is not 0; None where it asks for what was left out."""
    n = len(g.loss.dims)
    return seeds.where(g.wrt, read.subs[:n], read.subs[n:]) if g.wrt in seeds.live else TRUE


def _mixed(g: Gradient, why: Mixed) -> UnsupportedError:
    read, origin = why.edge.read, why.edge.term.origin
    what = f"{g.said}: {g.loss.name} depends on {why.end.name} at other steps, too, through {as_text(read)}"
    return UnsupportedError(complain(what, f"{g.where}\n  and {origin}", _by_copy(g, (None,) * len(g.loss.dims))))


def _elsewhere(g: Gradient, read: Read, seeds: Seeds) -> UnsupportedError:
    places = seeds.places[g.wrt]
    n = len(g.loss.dims)
    of, asked = as_text(Read(g.loss, read.subs[:n])), as_text(Read(g.wrt, read.subs[n:]))
    last, loss = _element(g.wrt, g, places), _element(g.loss, g, ())
    what = (
        f"D({of}, {asked}): {loss} depends on {g.wrt.name} at several steps, and D gives the slope at the last, {last}"
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
    meant = there if axes else _element(copy, g, places)
    return f"Let {g.loss.name} read a copy where that is meant, Eq({there}, {here}), and take D({loss}, {meant})"


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
