"""Equations that wait for the values of sizes: what is not affine in them, `Eq(y[S*t + k], ..)`, is so in numbers.

Such a system has no representation until `compile(sizes={"S": 2})` or the like says what they are. What derives from it
is put off until then; and one that has a representation without numbers gets another where they make more of it affine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Self

import sympy as sp

from graphc.errors import ArgumentError, DefinitionError, GraphcError
from graphc.language import symbols as sy

if TYPE_CHECKING:
    from graphc.equations.system import System as Representation
    from graphc.equations.system import Tensor as IRTensor


class Waiting:
    """What a system is made of: its equations, the sizes with values, and the representation, once there is one."""

    equations: tuple[sp.Eq, ...] = ()
    _ir: Representation | None = None
    _refused: GraphcError | None = None  # why there is no representation, until some of the sizes `_open` are known
    _made: tuple[Callable[..., Any], tuple[Any, ...]] | None = None  # how it derives from another system

    _place: tuple[str, int]
    _sizes: dict[str, int]
    _tensors: dict[sy.Tensor, IRTensor]
    _axes: dict[str, set[tuple[IRTensor, int]]]
    _open: frozenset[str]

    def _lower(self) -> None:
        from graphc.equations.sizes import whole
        from graphc.frontend.lower import lower
        from graphc.frontend.numbers import mended_by

        self._sizes = {name: whole(name, value) for name, value in self._sizes.items()}
        with locked():
            try:
                made = lower(self.equations, self._place, fixed=self._sizes)
            except GraphcError as error:
                meant = not isinstance(error, DefinitionError)  # what lacks a range lacks it with numbers, too
                self._open = mended_by(error, self.equations, self._sizes) if meant else frozenset()
                if not self._open:
                    raise
                self._refused = _until_known(error, self._open)
                return
        for name in self._sizes.keys() - made.system.fixed.keys():
            known = ", ".join(sorted({*made.system.sizes, *made.system.fixed})) or "none"
            raise ArgumentError(f"no size is called {name}\n  The sizes are {known}")
        self._ir, self._tensors, self._axes, self._open = made.system, made.tensors, made.axes, made.open

    @property
    def ir(self) -> Representation:
        """The representation. Raises what is wrong with the equations until some sizes are numbers."""
        if self._ir is None:
            assert self._refused is not None
            raise self._refused.with_traceback(None)
        return self._ir

    def _later(self, transform: Callable[..., Any], *arguments: Any) -> Self:
        """What a transform makes of a system that waits for sizes."""
        made = object.__new__(type(self))
        made._refused, made._open, made._made = self._refused, self._open, (transform, (self, *arguments))
        made._tensors, made._axes = {}, {}
        return made

    def _at(self, sizes: Mapping[str, int]) -> Self:
        """This system with numbers for those of these sizes that make it affine."""
        values = {n: v for n, v in sizes.items() if n in self._open}
        if not values:
            return self
        if self._made is not None:
            transform, (parent, *arguments) = self._made
            return transform(parent._at(values), *arguments)
        made = object.__new__(type(self))
        made.__dict__ |= {**self.__dict__, "_ir": None, "_refused": None, "_sizes": {**self._sizes, **values}}
        made._lower()
        return made

    def _at_shapes(self, sizes: Mapping[str, int], arguments: Mapping[str, Any]) -> Self:
        """This system at these sizes and, if it still waits for some, at those that the arguments' shapes tell."""
        from graphc.frontend.lower import sizes_told

        given = {k: v for k, v in arguments.items() if k in self._open}
        made = self._at({**sizes, **given})
        if made._ir is None and made._made is None:
            with locked():
                shapes = {k: _shape(v) for k, v in arguments.items() if k not in given}
                told = sizes_told(made.equations, {k: s for k, s in shapes.items() if s is not None})
            made = made._at(told)
        return made


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of an argument; None where it has none (lists of different lengths), as the call will say."""
    import numpy as np

    try:
        return np.shape(value)
    except ValueError:
        return None


def _until_known(error: GraphcError, sizes: Collection[str]) -> GraphcError:
    """An error that goes away where these sizes are numbers."""
    values = ", ".join(f'"{n}": ..' for n in sorted(sizes))
    return type(error)(
        f"{error}\n  Or give sizes their values: sizes={{{values}}} in compile, or gc.System(.., sizes=..)"
    )


def locked() -> Any:
    from graphc.equations.exclusive import exclusively

    return exclusively()
