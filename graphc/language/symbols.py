"""Sizes, indices, tensors and their elements, as SymPy expressions.

All are frozen and equal by content, so SymPy's caches, `subs`, printers and `pickle` work on them. Elements are
extended real numbers to SymPy (integers where `dtype` says so): it may simplify by the rules of the reals, and `-oo`
stays a possible start value. Nothing here says what a program means; that is `graphc.equations`.
"""

from __future__ import annotations

import unicodedata
from functools import reduce
from typing import Any

import sympy as sp

from graphc.errors import DefinitionError, ShapeError, UnsupportedError, counted
from graphc.language.arithmetic import Arithmetic
from graphc.language.boundaries import BOUNDARIES, NAMED

INTEGERS = ("int64", "int32")
_DTYPES = ("float64", "float32", *INTEGERS)


def identifier(name: Any, what: str) -> str:
    """The name, if Python could have it. DefinitionError if not."""
    if not isinstance(name, str) or not name.isidentifier():
        raise DefinitionError(
            f"the name of {what} must be a Python identifier, not {name!r}\n"
            "  Use letters, digits and underscores, a letter first"
        )
    return unicodedata.normalize("NFKC", name)  # as Python does with the names of arguments


class Size(Arithmetic, sp.Symbol):
    """A size: a positive integer known when the system is compiled or called. It is never below `least`, if given:
    equations are checked for such sizes only, and calls with smaller ones are refused."""

    __slots__ = ("least",)
    least: int | None

    def __new__(cls, name: str, least: Any = None, **_: Any) -> Size:
        self = sp.Symbol.__xnew__(cls, identifier(name, "a size"), integer=True, nonnegative=True)
        self.least = _least(name, least)
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), *(() if self.least is None else (str(self.least),)))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.least), {}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Size, (self.name, self.least)


class Index(Arithmetic, sp.Symbol):
    """An integer variable. Its range is 0 .. extent-1 if `extent` is given; else where it stands gives it."""

    __slots__ = ("extent",)
    extent: sp.Expr | None

    def __new__(cls, name: str, extent: Any = None, **_: Any) -> Index:
        self = sp.Symbol.__xnew__(cls, identifier(name, "an index"), integer=True)
        self.extent = None if extent is None else _extent(self.name, extent)
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), sp.Integer(-1) if self.extent is None else self.extent)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.name, self.extent), {}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Index, (self.name, self.extent)


class Argument(sp.Symbol):
    """What stands for an argument of a `scalar_function` in its definition."""

    __slots__ = ()

    def __new__(cls, name: str, **_: Any) -> Argument:
        return sp.Symbol.__xnew__(cls, identifier(name, "an argument"), extended_real=True)

    @property
    def free_symbols(self) -> set[sp.Basic]:
        """As a tensor's: SymPy does not solve conditions for it."""
        return {self, sp.Symbol(self.name)}

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return Argument, (self.name,)


class UnsupportedDerivative(UnsupportedError, AttributeError):
    """SymPy was asked for a derivative by an element; to who only asks whether it has some property, it has not."""


class Notation(Arithmetic, sp.Expr):
    """What can be subscripted, contracted with `@` and transposed with `.T`."""

    __slots__ = ()
    is_commutative = True
    is_extended_real = True
    __iter__ = None  # Python would otherwise count subscripts up without end

    @property
    def _diff_wrt(self) -> bool:
        """What SymPy asks before it differentiates: by what stands in it literally, which is not what was meant."""
        raise UnsupportedDerivative(
            f"diff(.., {self}): SymPy takes derivatives of expressions, and does not see the equations behind them\n"
            f"  Write D(.., {self})"
        )

    def diff(self, *symbols: Any, **options: Any) -> Any:
        """`U[t].diff(q[t, i])` is `D(U[t], q[t, i])`."""
        if symbols and all(isinstance(s, Access | Tensor) for s in symbols):
            from graphc.language.notation import D

            return reduce(D, symbols, self)
        return super().diff(*symbols, **options)

    def _eval_Mod(self, divisor: Any) -> sp.Expr:
        """As it stands: SymPy would take what can be subscripted for a list, and ask for its length."""
        return sp.Mod(self, divisor, evaluate=False)

    def _pretty(self, printer: Any) -> Any:
        from sympy.printing.pretty.stringpict import prettyForm

        return prettyForm(str(self))

    def __matmul__(self, other: Any) -> sp.Expr:
        from graphc.language.notation import Contract

        return Contract(self, other)

    def __rmatmul__(self, other: Any) -> sp.Expr:
        from graphc.language.notation import Contract

        return Contract(other, self)

    def __getitem__(self, subs: Any) -> Access:
        return Access(self, *(subs if isinstance(subs, tuple | sp.Tuple) else (subs,)))

    @property
    def T(self) -> sp.Expr:
        """The axes in reverse order."""
        from graphc.language.notation import Transpose

        return Transpose(self)


class Tensor(Notation, sp.AtomicExpr):
    """A name with dimensions, defined by equations. Without dimensions it is a scalar and stands for its value.

    dtype: "int64" or "int32" makes its elements integers; others are chosen when compiling.
    outside: what reads outside the dimensions give: 0, "edge", "reflect", "symmetric" or "wrap" (numpy.pad's names).
    """

    __slots__ = ("dims", "dtype", "name", "outside")
    role = "tensor"
    name: str
    dims: tuple[sp.Expr, ...]
    dtype: str
    outside: str

    def __new__(cls, name: str, *dims: Any, dtype: Any = None, outside: Any = None) -> Tensor:
        self = sp.AtomicExpr.__new__(cls)
        self.name = identifier(name, "a tensor")
        self.dims = tuple(_dimension(name, d) for d in dims)
        self.dtype = _dtype(name, dtype)
        self.outside = _outside(name, outside)
        return self

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def shape(self) -> tuple[sp.Expr, ...]:
        return self.dims

    @property
    def free_symbols(self) -> set[sp.Basic]:
        """Itself and its name, as SymPy's IndexedBase has it: an element is no function of its index alone, so that
        SymPy does not solve conditions on elements for the index."""
        return {self, sp.Symbol(self.name)}

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.role, self.dtype, self.outside, *self.dims)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _restore, (type(self), self.name, self.dims, self.dtype, self.outside)

    def _eval_is_integer(self) -> bool | None:
        return True if self.dtype in INTEGERS else None

    def _sympystr(self, printer: Any) -> str:
        return self.name

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = printer._print(sp.Symbol(self.name))
        return text if exp is None else f"{{{text}}}^{{{exp}}}"


class Input(Tensor):
    """A tensor given at each call."""

    __slots__ = ()
    role = "input"


class Param(Tensor):
    """A tensor given at each call, and trainable."""

    __slots__ = ()
    role = "param"


class Access(Notation):
    """`tensor[subs]`. With fewer subscripts than axes, the remaining axes stay free (vector notation)."""

    __slots__ = ()

    def __new__(cls, base: sp.Expr, *subs: Any) -> Access:
        if isinstance(base, Access):
            base, subs = base.args[0], (*base.args[1:], *subs)
        subs = tuple(_subscript(base, s) for s in subs)
        if isinstance(base, Tensor) and len(subs) > base.rank:
            text = f"{base}[{', '.join(map(compact, subs))}]"
            mend = f"Give at most {base.rank}" if base.rank else "Write it as it stands: " + str(base)
            raise ShapeError(
                f"{text} has {counted(len(subs), 'subscript')}, but {base} has {counted(base.rank, 'axis', 'axes')}: "
                f"{base}({', '.join(map(str, base.dims))})\n  {mend}, or declare {base} with more dimensions"
            )
        return sp.Expr.__new__(cls, base, *subs)

    @property
    def base(self) -> sp.Expr:
        return self.args[0]

    @property
    def subs_(self) -> tuple[sp.Expr, ...]:
        return self.args[1:]

    def _eval_is_integer(self) -> bool | None:
        return self.args[0].is_integer

    def _sympystr(self, printer: Any) -> str:
        base = printer._print(self.args[0])
        if self.args[0].is_Add or base.startswith("-") or ("@" in base and "(" not in base):
            base = f"({base})"
        return f"{base}[{', '.join(printer._print(s).replace(' ', '') for s in self.args[1:])}]"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        from graphc.language.notation import D

        if isinstance(self.base, D):
            return self.base.latex_at(printer, self.base.wrt[self.subs_], exp)
        text = f"{{{printer._print(self.args[0])}}}_{{{','.join(printer._print(s) for s in self.args[1:])}}}"
        return text if exp is None else f"{text}^{{{exp}}}"


def compact(e: Any) -> str:
    """An integer expression without spaces: `t-1`."""
    return str(e).replace(" ", "")


def _restore(cls: type[Tensor], name: str, dims: tuple[Any, ...], dtype: str, outside: str) -> Tensor:
    return cls(name, *dims, dtype=dtype or None, outside=outside or None)


def _dimension(name: str, dim: Any) -> sp.Expr:
    e = sp.sympify(dim)
    if not isinstance(e, sp.Expr) or e.is_integer is False or e.is_negative:
        raise DefinitionError(
            f"a dimension of {name} is {dim}, which is not a size or a non-negative integer\n"
            '  Make a size, n = gc.sizes("n"), or give a number'
        )
    strange = sorted((s for s in e.free_symbols if not isinstance(s, Size)), key=str)
    if strange:
        raise DefinitionError(
            f"a dimension of {name} is {dim}, and {strange[0]} is not a size\n  Make it one: {strange[0]} = "
            f'gc.sizes("{strange[0]}")'
        )
    return e


def _extent(name: str, extent: Any) -> sp.Expr:
    e: Any = None if isinstance(extent, str) else sp.sympify(extent)
    whole = isinstance(e, sp.Expr) and not e.is_Float and e.is_integer is not False
    if not whole or e.is_negative or not all(isinstance(s, Size) for s in e.free_symbols):
        raise DefinitionError(
            f"the index {name} runs over {extent!r}, which is not a size or a non-negative integer\n"
            f'  {name} = gc.index("{name}", 3) runs over 0 .. 2; other limits stand in a reduction, ({name}, -1, 1), '
            f"or {name} is shifted: x[{name} - 1]"
        )
    return e


def _dtype(name: str, dtype: Any) -> str:
    if dtype is None or dtype == "":
        return ""
    text = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None) or str(dtype)
    text = {"int": "int64", "float": "float64"}.get(text, text)
    if text not in _DTYPES:
        raise UnsupportedError(
            f"{name} has dtype {dtype!r}; graphc has {', '.join(_DTYPES)}\n"
            '  Leave it away for real numbers; float32 is chosen when compiling: compile(dtype="float32")'
        )
    return text


def _outside(name: str, rule: Any) -> str:
    if rule is None or rule == "":
        return ""
    if rule in BOUNDARIES:
        return str(rule)
    if rule == "zero" or (not isinstance(rule, str) and rule == 0):
        return "zero"
    raise UnsupportedError(
        f"{name} has outside={rule!r}; a boundary rule is 0, {NAMED}\n  For another value outside, write a Piecewise"
    )


def _subscript(base: Any, s: Any) -> sp.Expr:
    if isinstance(s, slice) or s is Ellipsis or s is None:
        raise UnsupportedError(
            f"{base} is subscripted with {s}; a subscript is one integer expression\n"
            "  Leave trailing axes away (`x[t]`), or use an index (`x[t, i]`)"
        )
    e = sp.sympify(s)
    if not isinstance(e, sp.Expr):
        raise UnsupportedError(
            f"{base} is subscripted with {s!r}; a subscript is one integer expression\n"
            "  Use an index, a size, a number or a sum of such"
        )
    return e


def _one_or_several(made: list[Any], names: Any) -> Any:
    if not made:
        raise DefinitionError(f'no name in {names!r}\n  Give one or more, with blanks between: gc.sizes("T N")')
    return made[0] if len(made) == 1 else tuple(made)


def _least(name: str, least: Any) -> int | None:
    if least is None:
        return None
    if isinstance(least, bool) or not hasattr(least, "__index__") or least.__index__() < 1:
        raise DefinitionError(
            f"min={least!r} of the size {name} is not an integer of at least 1\n"
            "  Leave it away: equations are checked for sizes of at least 1"
        )
    return int(least.__index__())


def _split(names: Any) -> list[str]:
    return names.replace(",", " ").split() if isinstance(names, str) else list(names)


def sizes(names: Any, min: Any = None) -> Any:
    """`T, H = sizes("T H")`; one name gives one size. With `min=2` they are never below 2: `W[1, 0]` is an element of
    every W(H, H) then, and a call with a smaller one is an ArgumentError."""
    return _one_or_several([Size(n, min) for n in _split(names)], names)


def index(name: str, extent: Any = None) -> Index:
    """An index; with `extent` (an integer or an expression of sizes) it runs over 0 .. extent-1."""
    return Index(name, extent)


def indices(names: Any, extent: Any = None) -> Any:
    """`t, i = indices("t i")`; one name gives one index."""
    return _one_or_several([Index(n, extent) for n in _split(names)], names)


def inputs(names: Any, *dims: Any, **options: Any) -> Any:
    """Several inputs of the same dimensions."""
    return _one_or_several([Input(n, *dims, **options) for n in _split(names)], names)


def params(names: Any, *dims: Any, **options: Any) -> Any:
    """Several parameters of the same dimensions."""
    return _one_or_several([Param(n, *dims, **options) for n in _split(names)], names)


def tensors(names: Any, *dims: Any, **options: Any) -> Any:
    """Several tensors of the same dimensions."""
    return _one_or_several([Tensor(n, *dims, **options) for n in _split(names)], names)
