"""How axes are divided into blocks that subscripts count in, `o[t, h*D + d]`: see `factored`.

Strides are those that composite subscripts have; an index that runs over several blocks has them, too, and so have all
axes that it runs over. Where one subscript does not go by them, the axes that hang together stay whole.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from graphc.equations import sets
from graphc.equations.composed import Composed, of_sizes, polynomial, product
from graphc.equations.domain import Domain, assume, is_affine, size_names
from graphc.equations.expr import Const, Expr, Index, Read, Size, indices_of
from graphc.equations.graphs import Graph, reached
from graphc.equations.simplify import affine_sum
from graphc.equations.system import Tensor
from graphc.errors import GraphcError, UnsupportedError
from graphc.frontend.left import Draft
from graphc.frontend.names import Names
from graphc.frontend.ranges import within as inside
from graphc.frontend.reduce import all_reads, reduces

Axis = tuple[Tensor, int]


@dataclass(frozen=True)
class Count:
    """A number of elements: a literal times sizes."""

    literal: int = 1
    sizes: tuple[Expr, ...] = ()

    def __mul__(self, other: Count) -> Count:
        both = sorted((*self.sizes, *other.sizes), key=repr)
        return Count(self.literal * other.literal, tuple(both))

    def over(self, other: Count) -> Count | None:
        """The quotient, if it is one."""
        rest = list(self.sizes)
        for size in other.sizes:
            if size not in rest:
                return None
            rest.remove(size)
        return None if self.literal % other.literal else Count(self.literal // other.literal, tuple(rest))

    def beyond(self, other: Count) -> bool:
        """Whether this is a multiple of the other, and not the same."""
        return self != other and self.over(other) is not None

    @property
    def value(self) -> Expr:
        return self.literal * product(self.sizes)


ONE = Count()


@dataclass(frozen=True, eq=False)
class Use:
    """A subscript on an axis: digit * stride, summed, the largest stride first; no digits where it is no such sum."""

    axis: Axis
    sub: Expr
    digits: tuple[tuple[Count, Expr], ...]
    draft: Draft
    writes: bool

    @property
    def composite(self) -> bool:
        """Whether it counts in blocks of a size."""
        return bool(self.digits) and not is_affine(self.sub)

    def spans(self, length: Count) -> Iterator[tuple[Count, Expr, Count]]:
        """(stride, digit, the next stride above) on an axis of this length."""
        above = length
        for stride, digit in self.digits:
            yield stride, digit, above
            above = stride


@dataclass(eq=False)
class Plan:
    """How axes are divided: the strides of each, and those within the indices that run over several parts."""

    names: Names
    ruled: set[Tensor]
    lengths: dict[Axis, Count] = field(default_factory=dict)
    uses: list[Use] = field(default_factory=list)
    ranges: dict[Index, Expr] = field(default_factory=dict)  # how many values an index takes, from 0 on
    counts: dict[Index, Count] = field(default_factory=dict)  # where that is a product
    strides: dict[Axis, set[Count]] = field(default_factory=dict)
    inner: dict[Index, set[Count]] = field(default_factory=dict)
    links: Graph[Axis | Index] = field(default_factory=Graph)  # both ways


def plan_of(drafts: Sequence[Draft], names: Names) -> Plan | None:
    """How the axes of these equations are divided; None if none is.

    Raises UnsupportedError where an equation writes blocks of an axis that another takes otherwise."""
    plan = Plan(names, {t for user, t in names.tensors.items() if user.outside})
    for draft in drafts:
        _collect(draft, plan)
    if not any(use.composite for use in plan.uses):
        return None
    _divide(plan)
    _give_up(plan)
    return plan if any(plan.strides.values()) else None


# -- what there is ----------------------------------------------------------------------------------------------------


def _count(e: Expr, composed: Composed) -> Count | None:
    """A positive product of sizes as such."""
    parts = polynomial(e, composed.known)
    if len(parts) != 1:
        return None
    ((factors, k),) = parts.items()
    return Count(k, tuple(sorted(factors, key=repr))) if k > 0 and all(isinstance(f, Size) for f in factors) else None


def _collect(draft: Draft, plan: Plan) -> None:
    """The uses in one equation, and how far its indices run."""
    composed, tensor = plan.names.composed, plan.names.tensor(draft.left.tensor)
    write = Read(tensor, draft.parsed.write)
    for symbol, index in draft.parsed.env.items():
        extent = getattr(symbol, "extent", None)
        if isinstance(index, Index) and extent is not None:
            _known(plan, index, plan.names.integer(extent))
    _alone(plan, write, {*draft.parsed.axes, *draft.parsed.env.values()})
    _reductions(draft.value, plan)
    for read in (write, *all_reads(draft.value), *(r for o in draft.lifter.operands for r in all_reads(o.value))):
        for k, (sub, dim) in enumerate(zip(read.subs, read.tensor.dims, strict=True)):
            length = _count(dim, composed)
            if length is not None:
                plan.lengths[read.tensor, k] = length
            # What convolutions read stays as it is, places from data, and what has a rule for what stands outside.
            apart = draft.lifter.operands or draft.places or read.tensor in plan.ruled
            digits = () if apart else _digits(sub, composed)
            plan.uses.append(use := Use((read.tensor, k), sub, digits, draft, read is write))
            if read is write and use.composite and length is not None:
                _in_blocks(plan, use, length)


def _in_blocks(plan: Plan, use: Use, length: Count) -> None:
    """Indices of a left side that have no range of their own count in their blocks: nothing else tells them apart."""
    for stride, digit, above in use.spans(length):
        block = above.over(stride)
        if isinstance(digit, Index) and block is not None:
            plan.counts.setdefault(digit, block)


def _known(plan: Plan, index: Index, length: Expr) -> None:
    plan.ranges.setdefault(index, length)
    found = _count(length, plan.names.composed)
    if found is not None:
        plan.counts.setdefault(index, found)


def _alone(plan: Plan, read: Read, indices: set[Expr]) -> None:
    for sub, dim in zip(read.subs, read.tensor.dims, strict=True):
        if isinstance(sub, Index) and sub in indices:
            _known(plan, sub, dim)


def _reductions(value: Expr, plan: Plan) -> None:
    for r in reduces(value):
        free: set[Expr] = set()
        for b in r.bound:
            if b.low is Const(0) and b.high is not None:
                _known(plan, b.index, b.high)
            elif b.low is None:
                free.add(b.index)
        for read in all_reads(r.body):
            _alone(plan, read, free)
        _reductions(r.body, plan)


def _digits(sub: Expr, composed: Composed) -> tuple[tuple[Count, Expr], ...]:
    """A subscript by its strides; nothing where it has products of indices."""
    groups: dict[tuple[Expr, ...], dict[Expr, int]] = {}
    for factors, k in polynomial(sub, composed.known).items():
        sizes: tuple[Expr, ...] = tuple(sorted((f for f in factors if isinstance(f, Size)), key=repr))
        rest = [f for f in factors if not isinstance(f, Size)]
        if len(rest) > 1 or (rest and of_sizes(rest[0])):
            return ()
        groups.setdefault(sizes, {})[rest[0] if rest else Const(1)] = k
    found = []
    for sizes, parts in groups.items():
        places = [k for leaf, k in parts.items() if leaf is not Const(1)]
        step = math.gcd(*parts.values()) if places else 1
        constant = parts.pop(Const(1), 0)
        digit = affine_sum({leaf: k // step for leaf, k in parts.items()}, constant // step)
        found.append((Count(step, sizes), digit))
    found = sorted(found or [(ONE, Const(0))], key=lambda part: _size(part[0]))
    return tuple(found) if _is_chain([stride for stride, _ in found]) else ()


def _is_chain(strides: Sequence[Count]) -> bool:
    """Whether each, from the second on, divides the one before."""
    return all(a.beyond(b) for a, b in itertools.pairwise(strides))


def descending(strides: set[Count]) -> list[Count]:
    """The largest first."""
    return sorted(strides, key=_size)


def _size(s: Count) -> tuple[int, int]:
    return -len(s.sizes), -s.literal


# -- how axes are divided ---------------------------------------------------------------------------------------------


def _divide(plan: Plan) -> None:
    """Strides that composite subscripts have, and what follows for the indices that run over them and their axes."""
    for use in plan.uses:
        length = plan.lengths.get(use.axis)
        if length is None or not use.composite:
            continue
        for stride, digit, above in use.spans(length):
            ends = {stride}
            if isinstance(digit, Index) and digit in plan.counts:
                ends.add(stride * plan.counts[digit])
            plan.strides.setdefault(use.axis, set()).update(s for s in ends if s.beyond(ONE) and above.over(s))
            plan.strides[use.axis] -= {length}
    changed = True
    while changed:
        before = sum(map(len, plan.strides.values())) + sum(map(len, plan.inner.values()))
        for use in plan.uses:
            for stride, digit, _ in use.spans(plan.lengths.get(use.axis, ONE)):
                if isinstance(digit, Index) and digit in plan.counts and use.axis in plan.lengths:
                    _meet(plan, use.axis, stride, digit)
        for g in plan.names.gradients.values():  # a gradient has the axes of the loss, then those of what it is by
            of = [(t, k) for t in (g.loss, g.wrt) for k in range(len(t.dims))]
            for axis, (t, k) in enumerate(of):
                both = plan.strides.get((t, k), set()) | plan.strides.get((g.tensor, axis), set())
                if both:
                    plan.strides[t, k], plan.strides[g.tensor, axis] = set(both), set(both)
                    plan.lengths[g.tensor, axis] = plan.lengths[t, k] = _count(t.dims[k], plan.names.composed) or ONE
                    plan.links.add([((t, k), (g.tensor, axis)), ((g.tensor, axis), (t, k))])
        changed = before < sum(map(len, plan.strides.values())) + sum(map(len, plan.inner.values()))


def _meet(plan: Plan, axis: Axis, stride: Count, index: Index) -> None:
    """What divides an axis within the reach of an index divides the index, and the other way round."""
    reach = plan.counts[index]
    inner = plan.inner.setdefault(index, set())
    strides = plan.strides.get(axis, set())
    inner |= {q for s in strides if (q := s.over(stride)) is not None and q.beyond(ONE) and reach.beyond(q)}
    if inner:
        plan.strides[axis] = strides | {stride * q for q in inner}
        plan.links.add([(axis, index), (index, axis)])


def _give_up(plan: Plan) -> None:
    """Leave axes in one that not all subscripts divide alike, and what is linked with them."""
    bad: dict[Axis | Index, Use] = {}
    for use in plan.uses:
        if plan.strides.get(use.axis) and not _conforms(use, plan):
            bad.setdefault(use.axis, use)
        for index in indices_of(use.sub):
            if plan.inner.get(index) and (use.axis not in plan.lengths or all(d is not index for _, d in use.digits)):
                bad.setdefault(index, use)
    for thing, use in bad.items():
        linked = reached(plan.links.after, [thing])
        for other in plan.uses:
            if other.axis in linked and other.writes and other.composite:
                raise _mixed(other, use)
        plan.strides = {axis: found for axis, found in plan.strides.items() if axis not in linked}
        plan.inner = {index: found for index, found in plan.inner.items() if index not in linked}


def _conforms(use: Use, plan: Plan) -> bool:
    """Whether a subscript goes by the strides of its axis."""
    length, strides = plan.lengths[use.axis], plan.strides[use.axis]
    if not use.digits or not _is_chain([length, *descending(strides), ONE]):
        return False
    for stride, digit, above in use.spans(length):
        within = {s for s in strides if s.beyond(stride) and above.beyond(s)}
        block = above.over(stride)
        if block is None or block == ONE or stride not in strides | {ONE}:
            return False
        if digit is Const(0):
            continue
        if isinstance(digit, Index) and digit in plan.counts:
            end = stride * plan.counts[digit]
            inner = {stride * q for q in plan.inner.get(digit, ())}
            if above.over(end) is None or any(end.beyond(s) and s not in inner for s in within):
                return False
        elif within or not (above == length or isinstance(digit, Index) or _stays(digit, block, plan)):
            return False
    return True


def _stays(digit: Expr, block: Count, plan: Plan) -> bool:
    """Whether a sum of indices stays within a block."""
    indices = tuple(indices_of(digit))
    ranges = [plan.ranges[i] for i in indices if i in plan.ranges]
    length = plan.names.composed.affine(block.value)
    if len(ranges) < len(indices) or not is_affine(digit):
        return False
    box = Domain.box(indices, ranges)
    beyond = box - box.restrict(*inside(digit, length))
    return bool(sets.intersect_params(beyond.set, assume(size_names(length, *ranges))).is_empty())


def _mixed(written: Use, other: Use) -> GraphcError:
    left, (tensor, axis) = written.draft.left.written, other.axis
    place = f"{other.sub!r}, on axis {axis} of {tensor.name} in {other.draft.left.written.eq},"
    if other is written:
        place = f"{other.sub!r} does not stay within them"
    else:
        place += " does not go by them"
    return left.error(
        UnsupportedError,
        f"{left.eq.lhs} writes an axis of {written.axis[0].name} in blocks, and {place}",
        "Go by the same blocks, or declare the blocks as axes of their own",
    )
