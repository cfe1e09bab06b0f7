"""What to say of an index read from data, or computed, that is no element of what it subscripts."""

from __future__ import annotations

from collections.abc import Sequence

from graphc.equations.domain import has_reads
from graphc.equations.expr import Expr, Read, indices_of, place_of, postorder
from graphc.equations.printing import no_place
from graphc.errors import ArgumentError, complain
from graphc.schedule.program import Statement


def bad_index(read: Read, axis: int, value: int, extent: int, statements: Sequence[Statement]) -> ArgumentError:
    """The error for subscript `axis` of `read`, that had this value on an axis of `extent` elements."""
    name, sub = read.tensor.name, read.subs[axis]
    where, written = _reader(read, axis, statements)
    why = no_place(sub, value)
    found = f"index {value} read from data" if has_reads(sub) else f"the subscript {sub!r} = {value}"
    found = f"the subscript {sub!r}" if why else found
    if 0 <= value < extent:
        what = f"{found} points at an element of {name} that is not computed yet"
        mend = "Order the elements so that each reads only those before it (children before their parents)"
        return ArgumentError(complain(what, where, mend))
    what = f"{found} is outside axis {axis} of {name}{why or f', which has {extent} elements'}"
    mend = f"Indices run from 0 to {extent - 1}, none from the end; for zeros outside, give {name} outside=0"
    if written:  # no rule for what stands outside says where to put something
        place = ", ".join("k" if k == axis else ".." for k in range(len(read.tensor.shape)))
        over = ", ".join(sorted(i.name for i in indices_of(sub)))
        each = f"Eq({name}[{place}], Sum(Piecewise((.., Eq({sub!r}, k)), (0, True)), {over}))"
        mend = f"Indices run from 0 to {extent - 1}; drop other points before the call\n  Or compare: {each}"
    return ArgumentError(complain(what, where, mend))


def _reader(read: Read, axis: int, statements: Sequence[Statement]) -> tuple[str, bool]:
    """The equation, as the user wrote it, that has this subscript; whether on its left side."""
    t, sub = read.tensor, read.subs[axis]
    for s in statements:
        if s.origin and any(r.tensor is t and r.subs[axis] is sub for r in s.reads):
            return str(s.origin), False
    for s in statements:
        if s.origin and s.tensor is t and _has(s.write[axis], sub):
            return str(s.origin), str(s.origin).startswith(f"Eq({t.name}[")  # else what an adjoint adds to
    return f"{t.name}[.. {sub!r} ..]", False


def _has(write: Expr, sub: Expr) -> bool:
    return place_of(write) is sub or sub in postorder(write)
