"""Vector notation's own operations: `@`, `.T`, `conv`, `correlate`; and `D`, the gradient as a tensor."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from graphc.errors import DefinitionError, UnsupportedError
from graphc.language.symbols import Access, Index, Notation, Size, Tensor

MODES = ("full", "same", "valid")


class Contract(Notation):
    """`left @ right`: the last axis of the left with the first free axis of the right, summed over."""

    __slots__ = ()

    def __new__(cls, left: Any, right: Any) -> Contract:
        return sp.Expr.__new__(cls, sp.sympify(left), sp.sympify(right))

    def _eval_is_integer(self) -> bool | None:
        return True if self.args[0].is_integer and self.args[1].is_integer else None

    def _sympystr(self, printer: Any) -> str:
        return " @ ".join(printer.parenthesize(a, 49) for a in self.args)

    precedence = 50
    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = r" \, ".join(printer.parenthesize(a, 49) for a in self.args)
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Transpose(Notation):
    """The axes in reverse order."""

    __slots__ = ()

    def __new__(cls, of: Any) -> sp.Expr:
        return of.args[0] if isinstance(of, Transpose) else sp.Expr.__new__(cls, sp.sympify(of))

    def _eval_is_integer(self) -> bool | None:
        return self.args[0].is_integer

    def _sympystr(self, printer: Any) -> str:
        return f"{printer.parenthesize(self.args[0], 60)}.T"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"{{{printer.parenthesize(self.args[0], 60)}}}^\top"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Convolution(Notation):
    """conv or correlate of two operands of equal rank; args: signal, kernel, then the options as SymPy objects."""

    __slots__ = ()

    @property
    def mode(self) -> str:
        return str(self.args[2])

    @property
    def stride(self) -> sp.Tuple:
        return self.args[3]

    @property
    def dilation(self) -> sp.Tuple:
        return self.args[4]

    @property
    def flips(self) -> bool:
        return bool(self.args[5])

    def _sympystr(self, printer: Any) -> str:
        name = "conv" if self.flips else "correlate"
        texts = [printer._print(a) for a in self.args[:2]]
        if self.mode != "full":
            texts.append(f'mode="{self.mode}"')
        for option, value in (("stride", self.stride), ("dilation", self.dilation)):
            if value not in (sp.Tuple(), sp.Tuple(1)):
                texts.append(f"{option}={printer._print(value[0] if len(value) == 1 else value)}")
        return f"{name}({', '.join(texts)})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        sign = r" \ast " if self.flips else r" \star "
        text = rf"\left({printer._print(self.args[0])}{sign}{printer._print(self.args[1])}\right)"
        return text if exp is None else rf"{text}^{{{exp}}}"


def _steps(value: Any, what: str) -> sp.Tuple:
    steps = sp.Tuple(*value) if isinstance(value, tuple | list | sp.Tuple) else sp.Tuple(value)
    if not all(isinstance(s, Size) or (isinstance(s, sp.Integer) and s >= 1) for s in steps):
        raise UnsupportedError(
            f"{what}={value!r}: a {what} is a positive integer or a size, or one for each axis\n"
            f"  Write {what}=1, or {what}=(1, 2)"
        )
    return steps


def _convolution(signal: Any, kernel: Any, mode: str, stride: Any, dilation: Any, flips: bool) -> Convolution:
    if mode not in MODES:
        raise UnsupportedError(
            f'mode={mode!r}: the modes are "full", "same" and "valid"\n'
            '  "valid" keeps what needs no padding, "same" the length of the signal'
        )
    return sp.Expr.__new__(
        Convolution, sp.sympify(signal), sp.sympify(kernel), Str(mode), _steps(stride, "stride"),
        _steps(dilation, "dilation"), sp.true if flips else sp.false,
    )  # fmt: skip


def conv(signal: Any, kernel: Any, mode: str = "full", stride: Any = 1, dilation: Any = 1) -> Convolution:
    """True convolution over all free axes (the kernel is flipped), `scipy.signal.convolve`'s sizes and alignment:
    "full" n + k - 1, "same" n, "valid" n - k + 1 elements an axis, of which a stride takes every s-th."""
    return _convolution(signal, kernel, mode, stride, dilation, True)


def correlate(signal: Any, kernel: Any, mode: str = "full", stride: Any = 1, dilation: Any = 1) -> Convolution:
    """Correlation over all free axes (the kernel is not flipped), `scipy.signal.correlate`'s sizes and alignment;
    "valid" is the layer that networks call a convolution."""
    return _convolution(signal, kernel, mode, stride, dilation, False)


class D(Tensor):
    """The gradient of a scalar with respect to a tensor: of a tensor without dimensions, an element, or an expression.

    A loss that depends on indices, `U[t]`, gives a gradient for each of their values: `D(U[t], q)[t, i]`."""

    __slots__ = ("loss", "wrt")
    loss: sp.Expr
    wrt: Tensor

    def __new__(cls, loss: Any, wrt: Any) -> Any:
        """`D(loss, q[t, i])` is `D(loss, q)[t, i]`."""
        loss = sp.sympify(loss)
        if isinstance(wrt, Access) and isinstance(wrt.base, Tensor):
            return cls(loss, wrt.base)[wrt.subs_]
        if not isinstance(wrt, Tensor):
            raise DefinitionError(f"D({loss}, {wrt}): a gradient is with respect to a tensor\n  Name a tensor")
        self = sp.AtomicExpr.__new__(cls)
        self.name, self.dims, self.dtype, self.outside = f"D({loss}, {wrt})", wrt.dims, "", ""
        self.loss, self.wrt = loss, wrt
        return self

    @property
    def each(self) -> bool:
        """Whether there is a gradient for each value of some index."""
        return any(isinstance(s, Index) for s in self.loss.free_symbols)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        return D(self.loss._subs(old, new), self.wrt)

    def _xreplace(self, rule: Any) -> tuple[Any, bool]:
        if self in rule:
            return rule[self], True
        loss, changed = self.loss._xreplace(rule)
        return (D(loss, self.wrt), True) if changed else (self, False)

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.loss, self.wrt

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        return self.loss.free_symbols

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return D, (self.loss, self.wrt)

    def _sympystr(self, printer: Any) -> str:
        return self.name

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return self.latex_at(printer, self.wrt, exp)

    def latex_at(self, printer: Any, wrt: sp.Expr, exp: str | None = None) -> str:
        """The quotient of differentials, `wrt` (the tensor, or an element of it) below."""
        loss, below = printer._print(self.loss), printer._print(wrt)
        top = rf"\partial {loss}" if isinstance(self.loss, Tensor | Access) else rf"\partial \left({loss}\right)"
        text = rf"\frac{{{top}}}{{\partial {below}}}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"
