"""SymPy equations -> System: the pipeline of this folder on one page, from `lower(equations)`.

Left sides give index sets; vector notation is lifted; affine conditions split equations; the more particular left side
wins; ranges of bound indices are inferred; nested reductions become tensors of their own (`terms`); boundary rules
become equations; gradients are put in place; everything is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import islpy as isl
import sympy as sp

from graphc.checks import reads as check
from graphc.checks.progress import check_progress
from graphc.equations import sets
from graphc.equations.composed import Composed, affine_at_numbers
from graphc.equations.domain import Domain, is_affine, size_names
from graphc.equations.expr import Expr, Index, Read, make, postorder
from graphc.equations.graphs import reached
from graphc.equations.sizes import not_below, solve_sizes
from graphc.equations.system import Equation, Origin, System, Tensor, Term
from graphc.errors import DefinitionError, GraphcError, UnsupportedError
from graphc.frontend import boundary, limits, particular
from graphc.frontend.factored import factored
from graphc.frontend.gradients import losses, resolve
from graphc.frontend.guards import guarded
from graphc.frontend.left import Draft, Left, parse, places_of, refuse_nothing, scope_of, target
from graphc.frontend.lift import Lifter
from graphc.frontend.literals import refuse_large
from graphc.frontend.names import Names, Written, atoms, integer_tensors, is_whole
from graphc.frontend.ranges import Ranges, Scope, within
from graphc.frontend.reduce import Operand, Reduce, renamed
from graphc.frontend.split import choices_apart, split
from graphc.frontend.terms import Builder
from graphc.frontend.widen import widened
from graphc.language import symbols as sy
from graphc.language.boundaries import BOUNDARIES
from graphc.language.notation import D


@dataclass(eq=False)
class Piece:
    """A part of one of the user's equations: where it holds, what it says there."""

    written: Written
    tensor: Tensor
    write: tuple[Expr, ...]
    scope: Scope
    value: Expr
    left: Scope  # what the left side alone says
    places: Mapping[Index, Expr] = field(default_factory=dict)  # data that say where an index of `write` is


@dataclass(eq=False)
class Lowered:
    """The system, and what of the user's each thing in it is."""

    system: System
    tensors: dict[sy.Tensor, Tensor]
    axes: dict[str, set[tuple[Tensor, int]]] = field(default_factory=dict)
    open: frozenset[str] = frozenset()  # sizes that would make affine what is not, were they numbers


def lower(
    equations: Sequence[sp.Basic],
    place: tuple[str, int] = ("", 0),
    closed: bool = True,
    fixed: Mapping[str, int] | None = None,
) -> Lowered:
    """The system that these equations mean, with numbers for the sizes that are `fixed`. Raises a GraphcError that
    says what is wrong.

    Unless `closed`, tensors that no equation defines are taken as given, and nothing is checked across equations."""
    lefts, of = _read(equations, place)
    try:
        names = Names(*_kinds(lefts), set() if closed else {left.tensor for left in lefts}, fixed)
        try:
            return _lowered(lefts, of, names, closed)
        except GraphcError as error:
            error.open = frozenset(names.composed.open), frozenset(names.composed.open | names.composed.bases)
            raise
    except RecursionError:
        raise _too_deep(lefts) from None


def _too_deep(lefts: Sequence[Left]) -> UnsupportedError:
    """SymPy's expressions are walked by recursion, of which Python allows some 1000 calls."""
    deepest = max(lefts, key=lambda left: _depth(left.written.eq.rhs))
    return UnsupportedError(
        f"the right side of {deepest.written.eq.lhs} has functions nested {_depth(deepest.written.eq.rhs)} deep: "
        "Python's recursion ends before\n  Give a part of it a name of its own, and read that: Eq(part[i], ..)"
    )


def _depth(e: sp.Basic) -> int:
    level, deepest = [e], 1
    while level := list(dict.fromkeys(a for outer in level for a in outer.args)):
        deepest += 1
    return deepest


def sizes_told(equations: Sequence[sp.Basic], shapes: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """The sizes that the shapes of these arguments tell, of equations that have no meaning without."""
    lefts, _ = _read(equations, ("", 0))
    names = Names(*_kinds(lefts))
    given = [t for left in lefts for t in _tensors(left.written.eq) if t.role != "tensor" and t.name in shapes]
    inputs = tuple(names.tensor(t) for t in dict.fromkeys(given))
    system = System(inputs, (), names.known, names.least, names.composed.known)
    return solve_sizes(system, {t.name: shapes[t.name] for t in inputs}, {})


def _read(equations: Sequence[sp.Basic], place: tuple[str, int]) -> tuple[list[Left], dict[D, sy.Tensor]]:
    """The left sides, and the losses of the gradients."""
    if not equations:
        raise DefinitionError("a system needs at least one equation\n  Write gc.System(Eq(left, right), ..)")
    written = [_written(e, place, k + 1) for k, e in enumerate(equations)]
    of, extra = losses(w.eq for w in written)
    written += [_written(e, place, 0) for e in extra]
    return [target(w) for w in written], of


def _lowered(lefts: Sequence[Left], of: dict[D, sy.Tensor], names: Names, closed: bool) -> Lowered:
    for left in lefts:
        refuse_large(left.written, names.kinds, names.kinds.get(left.tensor) == "int")
    names.losses = of
    for d in of:
        names.tensor(d.wrt)
    ranges = Ranges()
    drafts = factored([_draft(left, lefts, names, ranges) for left in lefts], names)
    pieces = [p for draft in drafts for p in _pieces(draft, ranges)]
    wholes = [(o, draft.left.written) for draft in drafts for o in draft.lifter.wholes]
    _refuse_shared_places(pieces)
    pieces = particular.resolve(pieces)
    ranges.supports = particular.supports(pieces)
    ranges.ruled = {names.tensors[t] for t in names.tensors if t.outside in BOUNDARIES}
    for p in pieces:
        ranges.resolve(p.value, set(p.scope.indices), p.written)
    builder = Builder(ranges, names.fresh)
    made = _assemble(pieces, builder)
    made += _differentiated(wholes, made, names, builder)
    gradients = list(names.gradients.values())
    given = (*(t for t in names.tensors.values() if t.given), *(g.tensor for g in gradients))
    system = System(given, tuple(made + builder.auxiliaries), names.known, names.least, names.composed.known)
    system = boundary.apply(system, {names.tensors[t]: t.outside for t in names.tensors if t.outside}, names.fresh)
    if not closed:
        return Lowered(guarded(system), names.tensors)
    reads = {read: text for left in lefts for read, text in left.written.reads.items()}
    system = guarded(check.without_hollow_starts(system))
    not_below(names.least, names.known)
    check.check(system, reads, gradients)
    system, found, written_as = resolve(system, gradients, reads)
    if any(g.loss.dims for g in gradients):
        check.check(system, written_as)
    elif gradients:
        check_progress(system, written_as)
    scalars = {g.said: t for g, t in found.items() if g.said in of}
    return Lowered(system, {**names.tensors, **scalars}, _axes(drafts), _open(system, names.composed))


def _written(e: sp.Basic, place: tuple[str, int], number: int) -> Written:
    if e is sp.true or e is sp.false or isinstance(e, bool):
        raise DefinitionError(
            f"equation {number} is {e}: SymPy found both sides {'equal' if e else 'different'}, nothing is left of it\n"
            "  The left side must be a tensor or an element of one, and different from the right side"
        )
    if not isinstance(e, sp.Eq):
        raise DefinitionError(f"{e}, in place {number}, is not an equation\n  Write Eq(left, right)")
    return Written(e, Origin(e, *place))


def _kinds(lefts: Sequence[Left]) -> tuple[dict[sy.Tensor, str], set[str]]:
    """Whether each tensor holds integers; and all names that are taken."""
    found: dict[sy.Tensor, None] = {}
    for left in lefts:
        for t in _tensors(left.written.eq):
            found[t] = None
            if isinstance(t, D):
                found[t.wrt] = None
                found.update(dict.fromkeys(_tensors(t.loss)))
    taken = _no_clashes(lefts, list(found))
    return integer_tensors([(left.tensor, left.written.eq.rhs) for left in lefts], found), taken


def _tensors(e: sp.Basic) -> list[sy.Tensor]:
    return sorted(atoms(e, sy.Tensor), key=lambda t: (t.name, len(t.dims), str(t.dims)))


def _no_clashes(lefts: Sequence[Left], tensors: Sequence[sy.Tensor]) -> set[str]:
    """One name, one thing; what an index is called matters in its own equation only. Gives all names."""
    seen: dict[str, sp.Basic] = {}
    sizes = {s for left in lefts for s in atoms(left.written.eq, sy.Size)}
    sizes |= {s for t in tensors for d in t.dims for s in d.free_symbols}
    for thing in (*sorted(sizes, key=lambda s: s.name), *tensors):
        _refuse_clash(seen.setdefault(str(thing), thing), thing)
    indices: set[str] = set()
    for left in lefts:
        here = atoms(left.written.eq, sy.Size, sy.Tensor)
        here |= {s for t in here if isinstance(t, sy.Tensor) for d in t.dims for s in d.free_symbols}
        names = {str(thing): thing for thing in here}
        for index in sorted(atoms(left.written.eq, sy.Index), key=str):
            _refuse_clash(index, names.get(str(index), index))
            indices.add(str(index))
    return seen.keys() | indices


def _refuse_clash(first: sp.Basic, second: sp.Basic) -> None:
    if first != second:
        both = f"{described(first)} and {described(second)}"
        raise DefinitionError(f"{second} names two things: {both}\n  Rename one of them")


def described(thing: sp.Basic) -> str:
    if isinstance(thing, sy.Tensor):
        what = {"input": "an input", "param": "a parameter", "tensor": "a tensor"}[thing.role]
        rule = "0" if thing.outside == "zero" else f'"{thing.outside}"' if thing.outside else ""
        options = "".join(f", {k}={v}" for k, v in (("dtype", thing.dtype), ("outside", rule)) if v)
        dims = f"of dimensions ({', '.join(map(str, thing.dims))})" if thing.dims else "without dimensions"
        return f"{what} {dims}{options}"
    if isinstance(thing, sy.Size):
        return "a size" if thing.least is None else f"a size of at least {thing.least}"
    return "an index"


def _clamped(left: Left, lefts: Sequence[Left]) -> set[sy.Tensor]:
    """The tensors in a cycle with the one of this equation, if it has a lag with Max or Min (`s[Max(t - 3, 0)]`)."""
    accesses = atoms(left.written.eq.rhs, sy.Access)
    if not any(s.has(sp.Max, sp.Min) for access in accesses for s in access.subs_):
        return set()
    return _cycle(left, lefts)


def _cycle(left: Left, lefts: Sequence[Left]) -> set[sy.Tensor]:
    """The tensors in a cycle with the one of this equation."""
    needs: dict[sy.Tensor, set[sy.Tensor]] = {}
    users: dict[sy.Tensor, set[sy.Tensor]] = {}
    for other in lefts:
        for t in atoms(other.written.eq.rhs, sy.Tensor):
            needs.setdefault(other.tensor, set()).add(t)
            users.setdefault(t, set()).add(other.tensor)
    below, above = (reached(edges, edges.get(left.tensor, set())) for edges in (needs, users))
    return below & above


def _draft(left: Left, lefts: Sequence[Left], names: Names, ranges: Ranges) -> Draft:
    """An equation as expressions, one axis an axis of the user's."""
    w = left.written
    recurrent = _cycle(left, lefts) if limits.any_data(w.eq.rhs) else set[sy.Tensor]()
    lifter = Lifter(names, w, ranges.bounds, _clamped(left, lefts), set(map(names.tensor, recurrent)))
    parsed = parse(left, names, lifter)
    right = lifter.shape(w.eq.rhs)
    if right:
        lifter.must_agree(w.eq.lhs, lifter.shape(w.eq.lhs), w.eq.rhs, right)
    scope = scope_of(parsed, left, lifter, ranges) if all(map(is_affine, parsed.write)) else None
    value = lifter.build(w.eq.rhs, parsed.axes, parsed.env)
    tensor = names.tensor(left.tensor)
    value = choices_apart(widened(value, tensor.kind == "real"))
    if tensor.kind == "int" and value.kind == "real":
        if not is_whole(w.eq.rhs):
            what = f"{left.tensor} holds integers, and the right side is a real number"
            raise w.error(DefinitionError, what, "Use floor(..), or leave dtype away")
        value = _rounded(value) if parsed.places else make("toint", value)
    return Draft(left, tensor, lifter, parsed, value, places_of(parsed, left, value, lifter), scope)


def _pieces(draft: Draft, ranges: Ranges) -> list[Piece]:
    w, write, places = draft.left.written, draft.parsed.write, draft.places
    if places:
        ranges.places[draft.value] = tuple(places.values())
    scope = draft.scope or scope_of(draft.parsed, draft.left, draft.lifter, ranges)
    out = [Piece(w, draft.tensor, write, scope.with_(inside=part), v, scope, places) for part, v in split(draft.value)]
    refuse_nothing(draft.left, [p.scope for p in out], draft.tensor.dims)
    for o in draft.lifter.operands:
        out += _operand(o, w, ranges)
    return out


def _refuse_shared_places(pieces: Sequence[Piece]) -> None:
    """Which elements an equation at places from data defines is not known: its tensor may have others only for what
    cannot be among them, as start values are not."""
    for p in pieces:
        others = [q for q in pieces if q.tensor is p.tensor and q.written is not p.written] if p.places else ()
        if any(q.places or particular.meet(p, q) for q in others):
            raise p.written.error(
                UnsupportedError,
                f"{p.tensor.name} is written at places from data, and has another equation",
                f"Give one of them a tensor of its own, and add the two: Eq({p.tensor.name}[k], .. + ..)",
            )


def _rounded(value: Expr) -> Expr:
    """A reduction of whole numbers as one of integers."""
    return Reduce(value.op, value.bound, make("toint", value.body)) if isinstance(value, Reduce) else value


def _operand(o: Operand, w: Written, ranges: Ranges) -> list[Piece]:
    """The equation of a tensor that a convolution reads."""
    axes = tuple(Index(i.name) for i in o.axes)
    write = tuple(i - low for i, (low, _) in zip(axes, o.ranges, strict=True))
    ends = [c for s, n in zip(write, o.tensor.dims, strict=True) for c in within(s, n)]
    ranges.bounds.update(zip(axes, o.ranges, strict=True))
    scope = Scope(axes, tuple(ends), write=write)
    value = renamed(o.value, dict(zip(o.axes, axes, strict=True)))
    return [Piece(w, o.tensor, write, scope.with_(inside=part), v, scope) for part, v in split(value)]


def _differentiated(
    wholes: Sequence[tuple[Operand, Written]], made: Sequence[Equation], names: Names, builder: Builder
) -> list[Equation]:
    """The equations of expressions that are differentiated, at the points for which that is asked."""
    out: list[Equation] = []
    for o, w in reversed(wholes):
        n = len(o.axes)
        standing = {g.tensor for g in names.gradients.values() if g.loss is o.tensor}
        asked = [
            term.domain.image(read.subs[:n])
            for eq in (*made, *out, *builder.auxiliaries)
            for term, read in eq.reads()
            if read.tensor in standing
        ]
        if not asked:
            continue
        defined = sets.coalesce(reduce(sets.union, asked))
        write = tuple(i - low for i, (low, _) in zip(o.axes, o.ranges, strict=True))
        scope = Scope(o.axes, write=write, base=Domain.where(o.axes).inside(write, defined))
        builder.ranges.resolve(o.value, set(o.axes), w)
        builder.begin(o.tensor.name, w)
        out.append(builder.equation(o.tensor, scope, write, o.value))
    return out


def _assemble(pieces: Sequence[Piece], builder: Builder) -> list[Equation]:
    """One equation for each tensor; pieces that reduce in different ways become tensors of their own."""
    groups: dict[Tensor, list[Piece]] = {}
    for p in pieces:
        groups.setdefault(p.tensor, []).append(p)
    return [_equation(tensor, group, builder) for tensor, group in groups.items()]


def _equation(tensor: Tensor, group: Sequence[Piece], builder: Builder) -> Equation:
    reduce = "assign"
    terms: list[Term] = []
    defined: isl.Set | None = None
    for p in sorted(group, key=lambda p: not p.places):  # what is put at places says how it is reduced
        builder.begin(tensor.name, p.written)
        op = builder.kind_of(p.value)
        value = p.value
        if op not in ("assign", reduce) and reduce != "assign":
            value = builder.aside(p.scope, value)
            op = "assign"
        write = tuple(p.places.get(w, w) if isinstance(w, Index) else w for w in p.write)
        terms += builder.terms(p.scope.without(p.places), write, value)
        reduce = reduce if op == "assign" else op
        image = p.scope.domain.image(p.write)
        defined = image if defined is None else sets.union(defined, image)
    assert defined is not None
    return Equation(tensor, reduce, sets.coalesce(defined), tuple(terms), group[0].written.origin)


def _open(system: System, composed: Composed) -> frozenset[str]:
    """The sizes that would make subscripts and conditions affine, were they numbers."""
    found: set[str] = set()
    for eq in system.equations:
        for term in eq.terms:
            for node in postorder(term.value, *term.write):
                places = node.subs if isinstance(node, Read) else (node,) if node.kind == "bool" else ()
                for e in (*places, *term.write):
                    if not is_affine(e) and affine_at_numbers(e):
                        found |= size_names(composed.base(e))
    return frozenset(found)


def _axes(drafts: Sequence[Draft]) -> dict[str, set[tuple[Tensor, int]]]:
    """For each index of the user's: the axes it stands for on left sides."""
    found: dict[str, set[tuple[Tensor, int]]] = {}
    for draft in drafts:
        for symbol, index in draft.parsed.env.items():
            on = {(draft.tensor, axis) for axis, e in enumerate(draft.parsed.write) if index in postorder(e)}
            found.setdefault(str(symbol), set()).update(on)
    return found
