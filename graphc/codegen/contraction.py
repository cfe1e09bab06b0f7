"""Contractions as functions of their own: one per *shape* of access, shared by all nests of that shape.

Matrix products, batched products, convolutions, their gradients and recurrent steps differ in strides and extents, not
in what the inner loops do. A sum over a box whose reads are affine is therefore emitted as a function of pointers,
strides and extents: its key says per access and index whether the stride is 0, 1 or a number given at run time. The
eight contractions of the seed RNN and its gradient are two such functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from llvmlite import ir

from graphc.codegen.cascade import is_rounded
from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.memory import Access, access
from graphc.codegen.values import FUSED, I64, PTR
from graphc.equations.bounds import Bounds
from graphc.equations.domain import Domain, assume, is_plain
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, above_reads, indices_of, reads, substitute
from graphc.equations.simplify import affine_parts, never_negative
from graphc.equations.system import Tensor
from graphc.schedule.exact import compares_rounded
from graphc.schedule.fuse import is_scatter
from graphc.schedule.program import Nest, Statement
from graphc.schedule.tiles import WINDOWS, Plan, inner_bounds, inner_indices


@dataclass(frozen=True)
class Operand:
    """One access of a contraction: where its first element is, and how far each index moves it."""

    read: Read
    pointer: ir.Value
    strides: tuple[ir.Value, ...]

    def shape(self, vec: int) -> tuple[object, ...]:
        """Per index: 0 if it does not move the access, along the vectors the step if that is short, else "n"."""
        known = [s.constant if isinstance(s, ir.Constant) else -1 for s in self.strides]
        return tuple(0 if k == 0 else k if n == vec and 0 < k <= WINDOWS else "n" for n, k in enumerate(known))


def emit_contraction(e: Emitter, nest: Nest, chosen: Plan, level: int, context: isl.Set) -> bool:
    """Call the contraction that does the remaining loops of the nest; False if it is not of this form."""
    if len(nest.statements) != 1 or chosen.vec is None:
        return False
    (s,) = nest.statements
    if s.tensor in e.errors:
        return False
    remaining = chosen.order[level:]
    if {b.index for b in remaining} != {i for i in (chosen.vec, chosen.row) if i is not None}:
        return False
    inner = inner_bounds(s, nest, context) if inner_indices(s, nest) else []
    if not inner or is_scatter(s, nest.parallel, nest.outer) or not _is_box(remaining, inner) or not _fits(s):
        return False
    bounds = [*remaining, *inner]
    indices = tuple(b.index for b in bounds)
    touched = [Read(s.tensor, s.write), *reads(s.value)]
    if any(_goes_round(e, r, indices) for r in touched):
        return False
    for b in bounds:
        e.env[b.index] = e.scalar(b.lower)
    with e.scope():
        operands = [_operand(e, r, indices) for r in touched]
        extents = [e.builder.add(e.builder.sub(e.scalar(b.upper), e.env[b.index]), ir.Constant(I64, 1)) for b in bounds]
    for b in bounds:
        del e.env[b.index]
    extents = [_folded(e, x, b) for x, b in zip(extents, bounds, strict=True)]
    indices, operands, extents = _collapse(e, nest, bounds, operands, extents)
    _call(e, s, chosen, indices, operands, extents)
    return True


def _folded(e: Emitter, extent: ir.Value, b: Bounds) -> ir.Value:
    """The number of points, at least 0: two indices made one would have the product of two negative lengths."""
    length = b.upper - b.lower + 1
    if isinstance(length, Const):
        return ir.Constant(I64, max(0, int(length.value)))
    if never_negative(length):
        return extent
    zero = ir.Constant(I64, 0)
    return e.builder.select(e.builder.icmp_signed("<", extent, zero), zero, extent)


def _is_box(outer: Sequence[Bounds], inner: Sequence[Bounds]) -> bool:
    tile = {b.index for b in (*outer, *inner)}
    return not any(
        b.guards or b.before or any(tile & indices_of(x) for x in (*b.lowers, *b.uppers)) for b in (*outer, *inner)
    )


def _fits(s: Statement) -> bool:
    """Whether the value is made of affine reads and literals only, and the write is affine too."""
    if not all(is_plain(w) for w in s.write):
        return False
    for node in above_reads(s.value):
        if isinstance(node, Index | Size) or (isinstance(node, Read) and not all(is_plain(x) for x in node.subs)):
            return False
    return True


def _goes_round(e: Emitter, read: Read, indices: Sequence[Index]) -> bool:
    """Whether one of the indices moves an access along an axis of which only the last steps are kept."""
    ring = e.refs[read.tensor].ring
    return ring is not None and bool(set(indices) & indices_of(read.subs[ring[0]]))


def _operand(e: Emitter, read: Read, indices: Sequence[Index]) -> Operand:
    found = access(e, read.tensor, read.subs)
    assert isinstance(found, Access)
    ref, ty = e.refs[read.tensor], e.type_of(read.tensor.kind)
    strides = []
    for i in indices:
        parts = [
            e.product(ir.Constant(I64, affine_parts(sub)[0].get(i, 0)), stride)
            for sub, stride in zip(read.subs, ref.strides, strict=True)
        ]
        strides.append(e.sum_of(parts))
    return Operand(read, e.pointer(ref.pointer, found.offset, ty), tuple(strides))


def _collapse(
    e: Emitter, nest: Nest, bounds: Sequence[Bounds], operands: list[Operand], extents: list[ir.Value]
) -> tuple[tuple[Index, ...], list[Operand], list[ir.Value]]:
    """Neighbouring summed indices that walk every operand as one, made one: (time, batch) is one long index."""
    groups = [[b] for b in bounds]
    k = len(groups) - 2
    while k >= 0 and groups[k][0].index not in nest.parallel:
        if all(_walks_on(e, o, groups[k], groups[k + 1]) for o in operands):
            extents = [*extents[:k], e.product(extents[k], extents[k + 1]), *extents[k + 2 :]]
            operands = [Operand(o.read, o.pointer, (*o.strides[:k], *o.strides[k + 1 :])) for o in operands]
            groups[k : k + 2] = [groups[k] + groups[k + 1]]
        k -= 1
    return tuple(g[-1].index for g in groups), operands, extents


def _walks_on(e: Emitter, o: Operand, outer: Sequence[Bounds], inner: Sequence[Bounds]) -> bool:
    """Whether one step of `outer` moves the operand as far as all steps of `inner`."""
    places = []
    for group in (outer, inner):
        last = group[-1].index
        axes = [a for a, sub in enumerate(o.read.subs) if last in indices_of(sub)]
        if len(axes) > 1 or (axes and affine_parts(o.read.subs[axes[0]])[0].get(last) != 1):
            return False
        places.append(axes[0] if axes else None)
    a, b = places
    if a is None or b is None:
        return a is b
    ref = e.refs[o.read.tensor]
    lengths = tuple(bound.upper - bound.lower + 1 for bound in inner)
    if ref.spaced and b == len(ref.dims) - 1:
        return False
    return a < b and ref.dims[a + 1 : b + 1] == lengths


def _call(
    e: Emitter,
    s: Statement,
    chosen: Plan,
    indices: tuple[Index, ...],
    operands: list[Operand],
    extents: list[ir.Value],
) -> None:
    from graphc.codegen.blocking import groups_of_rows

    roles = tuple("row" if i is chosen.row else "vec" if i is chosen.vec else "sum" for i in indices)
    vec = roles.index("vec")
    # Operands in the order of their shapes, so that `A*B` and `B*A` are one contraction.
    operands = operands[:1] + sorted(operands[1:], key=lambda o: str(o.shape(vec)))
    shapes = tuple(o.shape(vec) for o in operands)
    pattern = _pattern(s.value, {o.read: k for k, o in enumerate(operands)})
    kinds = tuple(o.read.kind for o in operands)
    key = (pattern, s.mode, roles, shapes, kinds, chosen.rows, chosen.chunks)
    function = e.contractions.get(key)
    if function is None:
        function = e.contractions[key] = _define(e, s, chosen, roles, operands, shapes)
    strides = [
        stride
        for o, shape in zip(operands, shapes, strict=True)
        for stride, known_as in zip(o.strides, shape, strict=True)
        if known_as == "n"
    ]
    if chosen.row is None or not is_rounded(e, s.mode, s.tensor.kind):
        e.builder.call(function, [*(o.pointer for o in operands), *strides, *extents])
        return
    row = roles.index("row")
    summed = [n for n, role in zip(extents, roles, strict=True) if role == "sum"]
    with groups_of_rows(e, extents[row], summed) as (first, number):
        pointers = [e.pointer(o.pointer, e.product(first, o.strides[row]), e.type_of(o.read.kind)) for o in operands]
        e.builder.call(function, [*pointers, *strides, *extents[:row], number, *extents[row + 1 :]])


def _pattern(value: Expr, place: dict[Read, int]) -> tuple[object, ...]:
    """The expression with reads numbered: equal for contractions that compute alike."""
    numbers: dict[Expr, object] = {}
    lines: list[object] = []
    for node in above_reads(value):
        if isinstance(node, Read) and node in place:
            numbers[node] = ("read", place[node])
        elif isinstance(node, Const):
            numbers[node] = ("const", repr(node.value))
        elif isinstance(node, Op):
            args = [numbers[a] for a in node.args]
            lines.append((node.name, tuple(sorted(args, key=str) if node.name in ("add", "mul") else args)))
            numbers[node] = ("line", len(lines) - 1)
    return (*lines, numbers[value])


def _define(
    e: Emitter,
    s: Statement,
    chosen: Plan,
    roles: tuple[str, ...],
    operands: list[Operand],
    shapes: tuple[tuple[object, ...], ...],
) -> ir.Function:
    """The function: the same nest over canonical tensors whose strides and extents are arguments."""
    from graphc.codegen.blocking import emit_blocked
    from graphc.codegen.nest import run_plan

    free = sum(known_as == "n" for shape in shapes for known_as in shape) + len(roles)
    function_type = ir.FunctionType(ir.VoidType(), [PTR] * len(operands) + [I64] * free)
    function = ir.Function(e.builder.module, function_type, f"contraction{len(e.contractions)}")
    function.linkage = "internal"
    function.attributes.add("noinline")
    numbers = iter(function.args[len(operands) :])
    inner = Emitter(e.system, e.dtype, e.lanes)
    inner.flags = FUSED if s.mode == "sum" and not compares_rounded(s.value) else e.flags
    inner.builder = ir.IRBuilder(function.append_basic_block("entry"))
    start = inner.builder.append_basic_block("start")
    inner.builder.branch(start)
    inner.builder.position_at_end(start)
    indices = tuple(Index(f"{role[0]}{k}") for k, role in enumerate(roles))
    mapping: dict[Expr, Expr] = {}
    target: Read | None = None
    for k, (o, shape, pointer) in enumerate(zip(operands, shapes, function.args, strict=False)):
        pointer.add_attribute("noalias")
        moving = [n for n, known_as in enumerate(shape) if known_as != 0]
        strides = tuple(next(numbers) if shape[n] == "n" else ir.Constant(I64, shape[n]) for n in moving)
        tensor = Tensor(f"x{k}", tuple(Size(f"n{n}") for n in moving), "tensor", o.read.kind)
        inner.refs[tensor] = Ref(pointer, strides, tuple(Const(0) for _ in moving), ())
        read = Read(tensor, tuple(indices[n] for n in moving))
        if k == 0:
            target = read
        else:
            mapping[o.read] = read
    inner.sizes = {f"n{n}": next(numbers) for n in range(len(roles))}
    assert target is not None
    dims = [Size(f"n{n}") for n in range(len(roles))]
    domain = Domain.box(indices, dims)
    parallel = tuple(i for i, role in zip(indices, roles, strict=True) if role != "sum")
    statement = Statement(target.tensor, s.mode, domain, target.subs, substitute(s.value, mapping))
    nest = Nest((), parallel, (statement,))
    vec = next(i for i, role in zip(indices, roles, strict=True) if role == "vec")
    row = next((i for i, role in zip(indices, roles, strict=True) if role == "row"), None)
    bounds = {i: Bounds(i, (Const(0),), (d - 1,)) for i, d in zip(indices, dims, strict=True)}
    plan = Plan(tuple(bounds[i] for i in (vec, row) if i is not None), vec, row, chosen.rows, chosen.chunks)
    context = assume(inner.sizes, (), least=0)
    if row is None:
        run_plan(inner, nest, plan, context)
    else:
        emit_blocked(inner, statement, plan, [bounds[i] for i in indices if i not in parallel])
    inner.builder.ret_void()
    return function
