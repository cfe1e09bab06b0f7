"""What planning a nest may look at besides the nest: the machine, where tensors live, which lengths are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import islpy as isl

from graphc.equations.bounds import Bounds
from graphc.equations.domain import assume
from graphc.equations.expr import Const, Expr, Index, Read, Size, indices_of, make, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.schedule.costs import BLOCK, FAN, Machine
from graphc.schedule.exact import needs_equal_bits
from graphc.schedule.program import Buffer, Program
from graphc.schedule.tree import Cut


@dataclass(frozen=True, eq=False)
class Facts:
    program: Program
    machine: Machine
    _strides: dict[Tensor, tuple[Expr, ...]] = field(default_factory=dict)

    @cached_property
    def context(self) -> isl.Set:
        """The sizes a call may have."""
        return assume(self.program.system.sizes, (), least=0)

    @cached_property
    def fixed(self) -> dict[Expr, Expr]:
        return {Size(n): Const(v) for n, v in self.program.system.fixed.items()}

    @cached_property
    def fused(self) -> bool:
        """Whether a product and a sum may be rounded as one."""
        return not needs_equal_bits(s for nest in self.program.nests for s in nest.statements)

    def is_rounded(self, mode: str, kind: str) -> bool:
        """Whether a reduction adds numbers that are rounded."""
        return mode == "sum" and kind == "real" and self.machine.rounds

    def keeps_error(self, tensor: Tensor) -> bool:
        """Whether what rounding leaves out of the tensor's sums is kept beside them."""
        return self.machine.rounds and tensor in self.program.errors

    def length(self, b: Bounds) -> int | None:
        """How many points a loop has, if that is known."""
        length = substitute(b.upper - b.lower + 1, self.fixed)
        return int(length.value) if isinstance(length, Const) else None

    def cut(self, sums: int, loops: Sequence[Bounds], points: int = 1, rest: int = 0) -> Cut | None:
        """Where rounded sums over these loops are cut, the innermost of which takes so many points a step, and up to
        `rest` steps more at its end: the innermost loop within which more than BLOCK terms may follow one another.

        None where there are no sums or none is that long.
        """
        terms = 1
        for b in reversed(loops) if sums else ():
            length = self.length(b)
            steps = length if length is None or b is not loops[-1] else length // points + rest
            if steps is None or steps * terms > BLOCK:
                return Cut(b.index, 1 << (BLOCK // terms).bit_length() - 1, FAN)
            terms *= max(1, steps)
        return None

    def stride(self, read: Read, index: Index) -> Expr:
        """By how many elements an affine access moves with the index."""
        total: Expr = Const(0)
        for sub, stride in zip(read.subs, self.strides(read.tensor), strict=True):
            if index in indices_of(sub):
                total = total + Const(affine_parts(sub)[0].get(index, 0)) * stride
        return total

    def strides(self, tensor: Tensor) -> tuple[Expr, ...]:
        """How far apart neighbours on each axis lie; rows that may lie further apart than they are long, by a size of
        their own."""
        if tensor not in self._strides:
            self._strides[tensor] = self._strides_of(self.program.buffers[tensor])
        return self._strides[tensor]

    def _strides_of(self, buffer: Buffer) -> tuple[Expr, ...]:
        found: list[Expr] = []
        total: Expr = Const(1)
        for axis in reversed(range(len(buffer.extent))):
            found.insert(0, total)
            length = Const(buffer.ring[1]) if buffer.ring and buffer.ring[0] == axis else buffer.extent[axis]
            length = substitute(length, self.fixed)
            if buffer.is_spaced(axis):
                width = self.machine.bits // 8 if buffer.tensor.kind == "real" else 8
                if isinstance(length, Const):
                    length = Const(buffer.spaced(int(length.value), width))
                else:
                    length = Size(f"row of {length!r}, {width}")
            total = make("mul", length, total)
        return tuple(found)

    def goes_round(self, read: Read, indices: Sequence[Index]) -> bool:
        """Whether one of the indices moves an access along an axis of which only the last steps are kept."""
        ring = self.program.buffers[read.tensor].ring
        return ring is not None and bool(set(indices) & indices_of(read.subs[ring[0]]))
