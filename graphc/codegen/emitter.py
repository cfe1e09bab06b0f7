"""The state of code generation, and the value of an expression at one point of a tile.

A *tile* is what one pass of a nest's body computes: `rows` consecutive values of one index times `chunks` vectors along
another. An expression's value is asked for at (row, chunk); what does not depend on the row or on the vector axis is
computed once and shared, which is what makes a product-sum over a tile a register-blocked contraction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from llvmlite import ir

from graphc.codegen.values import I64, Values
from graphc.equations.expr import Const, Expr, Index, Op, Read, Size, above_reads, postorder
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System, Tensor
from graphc.schedule.plans import NestPlan
from graphc.schedule.program import Loop, Nest
from graphc.schedule.registers import Lags


@dataclass(frozen=True, eq=False)
class Ref:
    """A buffer in the running kernel: its address, the stride of each axis in elements, its lowest coordinates.

    `padded`: whole vectors may be read and written at its end, so that no access to it needs a mask. `spaced`: rows may
    lie further apart than they are long. `total`: the elements of all of it, what is between rows included.
    """

    pointer: ir.Value
    strides: tuple[ir.Value, ...]
    lowers: tuple[Expr, ...]
    extents: tuple[ir.Value, ...]
    ring: tuple[int, int] | None = None
    dims: tuple[Expr, ...] = ()
    padded: bool = False
    total: ir.Value | None = None


@dataclass(frozen=True, eq=False)
class Tile:
    """rows values of `row` times `chunks` vectors of `lanes` along `vec`; `mask` for the last, partial vector."""

    row: Index | None = None
    rows: int = 1
    vec: Index | None = None
    lanes: int = 1
    chunks: int = 1
    mask: ir.Value | None = None

    def points(self) -> Iterator[tuple[int, int]]:
        return ((r, c) for r in range(self.rows) for c in range(self.chunks))


SCALAR = Tile()


@dataclass
class Scope:
    """What is already computed where we are: values by (expression, row, chunk), and elements just written."""

    values: dict[object, ir.Value] = field(default_factory=dict)


class Emitter(Values):
    """Emits into the current block. `sizes`, `refs` and `env` give sizes, buffers and index variables their values."""

    def __init__(self, system: System, dtype: str, lanes: int) -> None:
        super().__init__(dtype)
        self.system = system
        self.lanes = lanes
        self.sizes: dict[str, ir.Value] = {}
        self.refs: dict[Tensor, Ref] = {}
        self.env: dict[Index, ir.Value] = {}
        self.scopes: list[Scope] = [Scope()]
        self.tile = SCALAR
        self.carried: dict[Read, ir.Value] = {}
        self.errors: dict[Tensor, Tensor] = {}  # see Program
        self.bad: ir.Value | None = None  # where an index read from data that is out of range is noted
        self.plans: Mapping[Nest, NestPlan] = {}
        self.lags: Mapping[Loop, Lags] = {}
        self.windows = 1  # the longest stride at which contiguous vectors are loaded
        self.checks: list[tuple[Read, int]] = []
        # What the loops around compute, outermost first: the axis, the current step along it and its direction.
        self.order: dict[Tensor, tuple[tuple[int, Expr, int], ...]] = {}
        self._mentions: dict[tuple[Expr, Index], bool] = {}

    # Scopes and loops ----------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append(Scope())
        yield
        self.scopes.pop()

    def known(self, key: object) -> ir.Value | None:
        for s in reversed(self.scopes):
            if key in s.values:
                return s.values[key]
        return None

    def remember(self, key: object, value: ir.Value) -> ir.Value:
        self.scopes[-1].values[key] = value
        return value

    def forget(self, tensor: Tensor) -> None:
        """Elements of the tensor kept at hand are not to be used any more: a loop or branch ahead changes them."""
        for scope in self.scopes:
            stale = [
                k for k in scope.values if isinstance(k, tuple) and isinstance(k[0], Read) and k[0].tensor is tensor
            ]
            for key in stale:
                del scope.values[key]

    @contextmanager
    def loop(self, first: ir.Value, last: ir.Value, step: int | ir.Value = 1, name: str = "i") -> Iterator[ir.Value]:
        """for i = first; i <= last (>= for a negative step); i += step. A step that is a value must be positive."""
        b = self.builder
        before = b.block
        head, body = b.append_basic_block(name), b.append_basic_block(name + ".body")
        done = b.append_basic_block(name + ".done")
        b.branch(head)
        b.position_at_end(head)
        i = b.phi(I64, name=name)
        i.add_incoming(first, before)
        b.cbranch(b.icmp_signed(">=" if isinstance(step, int) and step < 0 else "<=", i, last), body, done)
        b.position_at_end(body)
        with self.scope():
            yield i
        by = ir.Constant(I64, step) if isinstance(step, int) else step
        i.add_incoming(b.add(i, by, flags=("nsw",)), b.block)
        b.branch(head)
        b.position_at_end(done)

    @contextmanager
    def only_if(self, condition: ir.Value, likely: bool | None = None) -> Iterator[None]:
        with self.builder.if_then(condition, likely), self.scope():
            yield

    def alloca(self, ty: ir.Type, name: str = "") -> ir.Value:
        """Stack memory, placed in the entry block so that it becomes registers."""
        with self.builder.goto_entry_block():
            return self.builder.alloca(ty, name=name)

    # Dependence on the tile ------------------------------------------------------------------------------------------

    def mentions(self, e: Expr, index: Index | None) -> bool:
        """Whether the value of `e` moves with `index`."""
        if index is None:
            return False
        for node in postorder(e) if (e, index) not in self._mentions else ():
            if (node, index) not in self._mentions:
                self._mentions[node, index] = node is index or any(self._mentions[a, index] for a in node.args)
        return self._mentions[e, index]

    def place(self, e: Expr, row: int, chunk: int) -> tuple[int, int]:
        """(row, chunk) as far as `e` depends on them: -1 where it does not."""
        return (
            row if self.mentions(e, self.tile.row) else -1,
            chunk if self.mentions(e, self.tile.vec) else -1,
        )

    # Values ----------------------------------------------------------------------------------------------------------

    def value(self, e: Expr, row: int = 0, chunk: int = 0) -> ir.Value:
        """The value of `e` at a point of the tile: a vector where it moves along the vector axis."""
        r, c = self.place(e, row, chunk)
        found = self.known((e, r, c))
        if found is not None:
            return found
        for node in above_reads(e):
            r, c = self.place(node, row, chunk)
            if self.known((node, r, c)) is None:
                self.remember((node, r, c), self._node(node, row, chunk))
        result = self.known((e, *self.place(e, row, chunk)))
        assert result is not None
        return result

    def _node(self, node: Expr, row: int, chunk: int) -> ir.Value:
        from graphc.codegen.memory import load

        match node:
            case Const():
                return self.literal(node)
            case Size(name=name):
                return self.sizes[name]
            case Index():
                return self._index(node, row, chunk)
            case Read():
                return load(self, node, row, chunk)
            case Op(name=name, args=args):
                values, flags = [self.value(a, row, chunk) for a in args], self.flags
                if name == "sub" and all(isinstance(a, Op) and a.name == "mul" for a in args):
                    self.flags = ()  # x*x - y*y is 0 where x = y, its root no NaN: both products are rounded
                found = self.op(name, values, [a.kind for a in args], node.kind)
                self.flags = flags
                return found
        raise AssertionError(node)

    def _index(self, index: Index, row: int, chunk: int) -> ir.Value:
        base = self.env[index]
        if index is self.tile.row:
            return self.builder.add(base, ir.Constant(I64, row)) if row else base
        if index is self.tile.vec:
            start = chunk * self.tile.lanes
            iota = ir.Constant(ir.VectorType(I64, self.tile.lanes), list(range(start, start + self.tile.lanes)))
            return self.builder.add(self.splat(base, self.tile.lanes), iota)
        return base

    def scalar(self, e: Expr) -> ir.Value:
        """The integer value of `e` at the tile's first point."""
        tile, self.tile = self.tile, SCALAR
        try:
            parts, constant = affine_parts(e)
            total: ir.Value = ir.Constant(I64, constant)
            for leaf, k in parts.items():
                v = self.value(leaf)
                v = self.product(v, ir.Constant(I64, k))
                total = self._plus(total, v)
            return total
        finally:
            self.tile = tile

    def _plus(self, a: ir.Value, b: ir.Value) -> ir.Value:
        if isinstance(a, ir.Constant) and isinstance(b, ir.Constant):
            return ir.Constant(I64, a.constant + b.constant)
        return b if _is_zero(a) else a if _is_zero(b) else self.builder.add(a, b)

    def sum_of(self, values: Sequence[ir.Value]) -> ir.Value:
        total: ir.Value = ir.Constant(I64, 0)
        for v in values:
            total = self._plus(total, v)
        return total

    def product(self, a: ir.Value, b: ir.Value) -> ir.Value:
        """a*b of 64-bit integers, with nothing emitted for 0 and 1."""
        for x, y in ((a, b), (b, a)):
            if isinstance(x, ir.Constant):
                if x.constant == 0:
                    return ir.Constant(I64, 0)
                if x.constant == 1:
                    return y
        if isinstance(a, ir.Constant) and isinstance(b, ir.Constant):
            return ir.Constant(I64, a.constant * b.constant)
        key = ("product", a.get_reference(), b.get_reference())
        found = self.known(key)
        return found if found is not None else self.remember(key, self.builder.mul(a, b, flags=("nsw",)))

    def pointer(self, base: ir.Value, offset: ir.Value, ty: ir.Type) -> ir.Value:
        return self.builder.gep(base, [offset], inbounds=True, source_etype=ty)


def _is_zero(v: ir.Value) -> bool:
    return isinstance(v, ir.Constant) and v.constant == 0
