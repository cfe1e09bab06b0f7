"""Contractions as functions of their own: one per *shape* of access, shared by all nests of that shape.

Matrix products, batched products, convolutions, their gradients and recurrent steps differ in strides and extents, not in
what the inner loops do. A sum over a box whose reads are affine is therefore emitted as a function of pointers, strides and
extents: its key says per access and index whether the stride is 0, 1 or a number given at run time. The seed RNN with its
gradient has eight contractions and two such functions, and compiles in a quarter of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import islpy as isl
from llvmlite import ir

from graphc.codegen.emitter import Emitter, Ref
from graphc.codegen.memory import Access, access, is_plain
from graphc.codegen.tiling import Plan, inner_bounds, inner_indices
from graphc.codegen.values import I64, PTR
from graphc.equations.bounds import Bounds
from graphc.equations.domain import Domain, assume
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, above_reads, indices_of, reads, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.schedule.fuse import is_scatter
from graphc.schedule.program import Nest, Statement

SMALL = 8  # extents up to this, if known, are written into the function so that its loops unroll


@dataclass(frozen=True)
class Operand:
    """One access of a contraction: where its first element is, and how far each index moves it."""

    read: Read
    pointer: ir.Value
    strides: tuple[ir.Value, ...]

    @property
    def shape(self) -> tuple[object, ...]:
        """Per index: 0 or 1 if known to be that, else "n"."""
        return tuple(s.constant if isinstance(s, ir.Constant) and s.constant in (0, 1) else "n" for s in self.strides)


def emit_contraction(e: Emitter, nest: Nest, chosen: Plan, level: int, context: isl.Set) -> bool:
    """Call the contraction that does the remaining loops of the nest; False if it is not of this form."""
    if len(nest.statements) != 1 or chosen.vec is None:
        return False
    (s,) = nest.statements
    remaining = chosen.order[level:]
    if {b.index for b in remaining} != {i for i in (chosen.vec, chosen.row) if i is not None}:
        return False
    inner = inner_bounds(s, nest, context) if inner_indices(s, nest) else []
    if not inner or is_scatter(s, nest.parallel, nest.outer) or not _is_box(remaining, inner) or not _fits(s):
        return False
    bounds = [*remaining, *inner]
    for b in bounds:
        e.env[b.index] = e.scalar(b.lower)
    with e.scope():
        indices = tuple(b.index for b in bounds)
        found = [_operand(e, Read(s.tensor, s.write), indices), *(_operand(e, r, indices) for r in reads(s.value))]
        extents = [e.builder.add(e.builder.sub(e.scalar(b.upper), e.env[b.index]), ir.Constant(I64, 1)) for b in bounds]
    for b in bounds:
        del e.env[b.index]
    extents = [_folded(x, b) for x, b in zip(extents, bounds, strict=True)]
    operands = [o for o in found if o is not None]
    if len(operands) < len(found):
        return False
    _call(e, s, chosen, indices, operands, extents)
    return True


def _folded(extent: ir.Value, b: Bounds) -> ir.Value:
    length = b.upper - b.lower + 1
    return ir.Constant(I64, int(length.value)) if isinstance(length, Const) else extent


def _is_box(outer: Sequence[Bounds], inner: Sequence[Bounds]) -> bool:
    tile = {b.index for b in (*outer, *inner)}
    return not any(
        b.guards or any(tile & indices_of(x) for x in (*b.lowers, *b.uppers)) for b in (*outer, *inner)
    )


def _fits(s: Statement) -> bool:
    """Whether the value is made of affine reads and literals only."""
    for node in above_reads(s.value):
        if isinstance(node, Index | Size) or (isinstance(node, Read) and not all(is_plain(x) for x in node.subs)):
            return False
    return True


def _operand(e: Emitter, read: Read, indices: Sequence[Index]) -> Operand | None:
    found = access(e, read.tensor, read.subs)
    assert isinstance(found, Access)
    ref, ty = e.refs[read.tensor], e.type_of(read.tensor.kind)
    if ref.ring is not None and set(indices) & indices_of(read.subs[ref.ring[0]]):
        return None
    strides = []
    for i in indices:
        parts = [
            e.product(ir.Constant(I64, affine_parts(sub)[0].get(i, 0)), stride)
            for sub, stride in zip(read.subs, ref.strides, strict=True)
        ]
        strides.append(e.sum_of(parts))
    return Operand(read, e.pointer(ref.pointer, found.offset, ty), tuple(strides))


def _call(
    e: Emitter,
    s: Statement,
    chosen: Plan,
    indices: tuple[Index, ...],
    operands: list[Operand],
    extents: list[ir.Value],
) -> None:
    known = tuple(x.constant if isinstance(x, ir.Constant) and x.constant <= SMALL else "n" for x in extents)
    pattern = _pattern(s.value, {o.read: k for k, o in enumerate(operands)})
    roles = tuple("row" if i is chosen.row else "vec" if i is chosen.vec else "sum" for i in indices)
    kinds = tuple(o.read.kind for o in operands)
    key = (pattern, s.mode, roles, tuple(o.shape for o in operands), known, kinds, chosen.rows, chosen.chunks)
    function = e.contractions.get(key)
    if function is None:
        function = e.contractions[key] = _define(e, s, chosen, roles, operands, known, len(e.contractions))
    arguments = [o.pointer for o in operands]
    for o in operands:
        arguments += [stride for stride, shape in zip(o.strides, o.shape, strict=True) if shape == "n"]
    arguments += [x for x, k in zip(extents, known, strict=True) if k == "n"]
    e.builder.call(function, arguments)


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
            lines.append((node.name, tuple(numbers[a] for a in node.args)))
            numbers[node] = ("line", len(lines) - 1)
    return (*lines, numbers[value])


def _define(
    e: Emitter,
    s: Statement,
    chosen: Plan,
    roles: tuple[str, ...],
    operands: list[Operand],
    known: tuple[object, ...],
    number: int,
) -> ir.Function:
    """The function: the same nest over canonical tensors whose strides and extents are arguments."""
    from graphc.codegen.nest import run_plan

    free = sum(shape == "n" for o in operands for shape in o.shape) + sum(k == "n" for k in known)
    function_type = ir.FunctionType(ir.VoidType(), [PTR] * len(operands) + [I64] * free)
    function = ir.Function(e.builder.module, function_type, f"contraction{number}")
    function.linkage = "internal"
    function.attributes.add("noinline")
    numbers = iter(function.args[len(operands) :])
    inner = Emitter(e.dtype, e.lanes, e.registers)
    inner.builder = ir.IRBuilder(function.append_basic_block("entry"))
    start = inner.builder.append_basic_block("start")
    inner.builder.branch(start)
    inner.builder.position_at_end(start)
    indices = tuple(Index(f"{role[0]}{k}") for k, role in enumerate(roles))
    mapping: dict[Expr, Expr] = {}
    target: Read | None = None
    for k, (o, pointer) in enumerate(zip(operands, function.args, strict=False)):
        pointer.add_attribute("noalias")
        moving = [n for n, shape in enumerate(o.shape) if shape != 0]
        strides = tuple(next(numbers) if o.shape[n] == "n" else ir.Constant(I64, 1) for n in moving)
        tensor = Tensor(f"x{k}", tuple(Size(f"n{n}") for n in moving), "tensor", o.read.kind)
        inner.refs[tensor] = Ref(pointer, strides, tuple(Const(0) for _ in moving), ())
        read = Read(tensor, tuple(indices[n] for n in moving))
        if k == 0:
            target = read
        else:
            mapping[o.read] = read
    inner.sizes = {f"n{n}": ir.Constant(I64, k) if k != "n" else next(numbers) for n, k in enumerate(known)}
    assert target is not None
    dims = [Const(k) if isinstance(k, int) else Size(f"n{n}") for n, k in enumerate(known)]
    domain = Domain.box(indices, dims)
    parallel = tuple(i for i, role in zip(indices, roles, strict=True) if role != "sum")
    statement = Statement(target.tensor, s.mode, domain, target.subs, substitute(s.value, mapping))
    nest = Nest((), parallel, (statement,))
    vec = next(i for i, role in zip(indices, roles, strict=True) if role == "vec")
    row = next((i for i, role in zip(indices, roles, strict=True) if role == "row"), None)
    order = tuple(
        Bounds(i, (Const(0),), (dims[indices.index(i)] - 1,)) for i in (vec, row) if i is not None
    )
    plan = Plan(order, vec, row, chosen.rows, chosen.chunks)
    run_plan(inner, nest, plan, assume([f"n{n}" for n, k in enumerate(known) if k == "n"], (), least=0))
    inner.builder.ret_void()
    return function
