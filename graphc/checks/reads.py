"""What must hold of a system: every tensor read is defined, every read stays inside, every cycle makes progress.

`check(system, reads)` raises the error that says where this fails, with a counter-example; `reads` remembers how the
user wrote each read, and with how many subscripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import islpy as isl

from graphc.checks import mends
from graphc.checks.progress import check_progress
from graphc.equations import sets
from graphc.equations.domain import is_affine, sample, size_names
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, postorder
from graphc.equations.ops import OPS
from graphc.equations.printing import AsWritten, as_text
from graphc.equations.sizes import dim_value
from graphc.equations.system import Equation, System, Tensor, Term, reads_of
from graphc.errors import DefinitionError, DomainError, ShapeError, UnsupportedError, complain
from graphc.language.notation import D


@dataclass(frozen=True, eq=False)
class Gradient:
    """A gradient that equations read before it is put in place: `tensor`, with the axes of the loss and then those of
    `wrt`, stands for it until then."""

    tensor: Tensor
    loss: Tensor
    wrt: Tensor
    said: D
    where: str


def check(system: System, reads: AsWritten, gradients: Iterable[Gradient] = ()) -> None:
    """Raise DefinitionError, ShapeError, DomainError or CausalityError if the system has no meaning.

    A read of one of `gradients`, which are not in place yet, is one of its loss and one of what it is taken in."""
    standing = {g.tensor: g for g in gradients}
    for eq in system.equations:
        for term in eq.terms:
            for read in reads_of(term):
                gradient = standing.get(read.tensor)
                for meant in _meant(read, gradient):
                    _defined(system, term, meant, gradient)
                    _inside(system, eq.tensor, term, meant, reads)
    check_progress(system, reads)


def _meant(read: Read, gradient: Gradient | None) -> tuple[Read, ...]:
    if gradient is None:
        return (read,)
    n = len(gradient.loss.dims)
    return Read(gradient.loss, read.subs[:n]), Read(gradient.wrt, read.subs[n:])


def without_hollow_starts(system: System) -> System:
    """Start values that fall outside their tensor at small sizes, less the points at which they read what is not there.

    `Eq(y[1], x[1] + y[0])` says nothing at T = 1, where neither y[1] nor x[1] is an element."""
    while True:
        changed = [_without_hollow(eq, system) for eq in system.equations]
        if all(a is b for a, b in zip(changed, system.equations, strict=True)):
            return system
        system = system.with_equations(changed)


def _without_hollow(eq: Equation, system: System) -> Equation:
    terms, defined = [], eq.defined
    for term in eq.terms:
        hollow = _hollow(eq.tensor, term, system)
        if hollow is not None:
            defined = defined - term.domain.with_set(hollow).image(term.write)
            term = replace(term, domain=term.domain.with_set(sets.coalesce(term.domain.set - hollow)))
        terms.append(term)
    if all(a is b for a, b in zip(terms, eq.terms, strict=True)):
        return eq
    return replace(eq, terms=tuple(terms), defined=sets.coalesce(defined))


def _hollow(tensor: Tensor, term: Term, system: System) -> isl.Set | None:
    """The points of a start value beyond the declared elements that read outside what they read; None if none do."""
    if not any(isinstance(w, Const) and w.value >= 1 for w in term.write):
        return None
    beyond = sets.intersect_params((term.domain - term.domain.inside(term.write, tensor.box)).set, system.context)
    if beyond.is_empty():
        return None
    bad = None
    for read in reads_of(term):
        if read.tensor.given or read.tensor in system.by_tensor:
            image = sets.intersect_params(term.domain.image(read.subs, read.tensor.dims), system.context)
            outside = term.domain.inside(read.subs, image - system.defined(read.tensor)).set
            bad = outside if bad is None else bad | outside
    if bad is None or (bad & beyond).is_empty():
        return None
    return bad & beyond


def _defined(system: System, term: Term, read: Read, gradient: Gradient | None) -> None:
    t = read.tensor
    if not t.given and t not in system.by_tensor:
        what, mend = f"{t.name} is read, but no equation defines it", f"Define it, or make it an input: {_as_input(t)}"
        if gradient is not None:
            what, mend = f"{gradient.said}: no equation defines {t.name}", f"Define it: Eq({t.name}, ..)"
        raise DefinitionError(complain(what, str(term.origin), mend))


def _as_input(t: Tensor) -> str:
    return f'gc.Input("{t.name}"{"".join(f", {d!r}" for d in t.dims)})'


def _inside(system: System, written: Tensor, term: Term, read: Read, reads: AsWritten) -> None:
    defined = system.defined(read.tensor)
    image = sets.intersect_params(term.domain.image(read.subs, read.tensor.dims), system.context)
    if image.is_subset(defined):
        return
    outside = term.domain.inside(read.subs, image - defined)
    sizes, point = sample(outside.set, system.context) or ({}, ())
    at: dict[Expr, int] = dict(zip(outside.indices, point, strict=True))
    form, shown = reads.get(read, (as_text(read), len(read.subs)))
    text = str(form)
    _same_sizes(written, term, read, text)
    where = _values(read, at, shown)
    _same_block(read, term, at, sizes, text)
    places = _declared(read, at, sizes)[:shown]
    element = f"{read.tensor.name}[{', '.join(map(str, places))}]" if shown else read.tensor.name
    moment = f" at {where}" if where else ""
    given = read.tensor.given
    why = (
        f"but its dimensions are ({', '.join(map(repr, read.tensor.shape))})" if given else "which no equation defines"
    )
    example = f"\n  for example with {', '.join(f'{k} = {v}' for k, v in sorted(sizes.items()))}" if sizes else ""
    mend = mends.of(written, term, read, outside, image - defined, element, form, shown)
    mend += mends.larger(outside.set, system)
    raise DomainError(complain(f"{text}{moment} reads {element}, {why}", f"{term.origin}{example}", mend))


def _declared(read: Read, at: Mapping[Any, int], sizes: Mapping[str, int]) -> list[int | str]:
    """The subscripts at a point, one for each axis of the user's."""
    found: list[int | str] = []
    for k, s in enumerate(read.subs):
        value = integer(s, at, sizes)
        if k in read.tensor.joined and isinstance(found[-1], int) and isinstance(value, int):
            found[-1] = found[-1] * dim_value(read.tensor.dims[k], sizes) + value
        elif k not in read.tensor.joined:
            found.append(value)
    return found


def _same_block(read: Read, term: Term, at: Mapping[Any, int], sizes: Mapping[str, int], text: str) -> None:
    """Of two indices that make one axis, `h*D + d`, the inner must stay in its block: the next one begins there."""
    for k in read.tensor.joined:
        place = integer(read.subs[k], at, sizes)
        if isinstance(place, int) and not 0 <= place < dim_value(read.tensor.dims[k], sizes):
            dim = read.tensor.dims[k]
            what = f"{text} leaves, with {read.subs[k]!r} = {place}, its block of {dim!r} = {dim_value(dim, sizes)}"
            mend = f"Keep {read.subs[k]!r} within its block, or bake it in: compile(sizes={{..}}) with {dim!r}"
            raise UnsupportedError(complain(what, str(term.origin), mend))


def _same_sizes(written: Tensor, term: Term, read: Read, text: str) -> None:
    """An index that stands alone on axes of unrelated sizes is a mistake in the shapes, not in a subscript."""
    for write, size in zip(term.write, written.dims, strict=True):
        for axis, (sub, dim) in enumerate(zip(read.subs, read.tensor.dims, strict=True)):
            if isinstance(sub, Index) and sub is write and _unrelated(size, dim):
                left = f"the index {sub!r} runs over an axis of size {size!r} on the left"
                what = f"{left}, and over axis {axis} of {text}, of size {dim!r}"
                raise ShapeError(complain(what, str(term.origin), "Use an index of its own for each size"))


def _unrelated(a: Expr, b: Expr) -> bool:
    left, right = size_names(a), size_names(b)
    return bool(left or right) and not left & right


def _values(read: Read, at: Mapping[Any, int], shown: int) -> str:
    """`t = 0, i = 2` for the indices that the subscripts shown contain."""
    used = [n for n in postorder(*read.subs[:shown]) if isinstance(n, Index) and n in at]
    return ", ".join(f"{i.name} = {at[i]}" for i in used)


def integer(e: Expr, at: Mapping[Any, int], sizes: Mapping[str, int]) -> int | str:
    """The value of a subscript at a point; its text where it is read from data."""
    if not is_affine(e):
        return repr(e)
    values: dict[Expr, Any] = {}
    for n in postorder(e):
        match n:
            case Const(value=v):
                values[n] = v
            case Size(name=name):
                values[n] = sizes.get(name, 1)
            case Index():
                values[n] = at.get(n, 0)
            case Op(name=name, args=args):
                values[n] = OPS[name].numpy(*(values[a] for a in args))
    return int(values[e])
