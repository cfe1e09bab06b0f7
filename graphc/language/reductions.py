"""Reductions over indices, and the functions SymPy lacks: `Sum(e, i, (u, 0, t))`, `softmax(o[t])`, `sigmoid(x)`, ...

An index may have a range, SymPy's way with both ends included. Without indices, `softmax` and `logsumexp` take the last
free axis of a vector-notation argument, the others take all its free axes.
"""

from __future__ import annotations

import math
from typing import Any

import sympy as sp

from graphc.errors import DefinitionError
from graphc.language.conditions import refuse_decided
from graphc.language.symbols import Index, Notation


class Reduction(Notation):
    """`args` are the body and one Tuple (index,) or (index, first, last) for each index."""

    __slots__ = ()
    keeps = False  # whether the indices stay free in the result (softmax)
    big = ""

    def __new__(cls, body: Any, *over: Any) -> Reduction:
        if not (over and all(isinstance(o, sp.Tuple) for o in over)):  # as SymPy gives when it rebuilds
            refuse_decided(cls.__name__, body, ", ".join(map(str, (body, *over))))
        parts = [sp.sympify(body), *(_limit(cls, o) for o in over)]
        return sp.Expr.__new__(cls, *(_kept_together(part, {}) for part in parts))

    @property
    def body(self) -> sp.Expr:
        return self.args[0]

    @property
    def limits(self) -> tuple[sp.Tuple, ...]:
        return self.args[1:]

    @property
    def bound_symbols(self) -> list[sp.Symbol]:
        return [] if self.keeps else [limit[0] for limit in self.limits]

    @property
    def canonical_variables(self) -> dict[sp.Symbol, sp.Symbol]:
        """None: SymPy would put nameless symbols into the place of the indices, inside log(..) for example."""
        return {}

    @property
    def free_symbols(self) -> set[sp.Symbol]:
        ends: set[sp.Symbol] = set().union(*(e.free_symbols for limit in self.limits for e in limit[1:]))
        return (self.body.free_symbols | ends) - set(self.bound_symbols)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        """The indices bound here are nobody else's: where `new` has one of their names, they get another."""
        own = set(self.bound_symbols)
        if old in own:
            return self
        caught = own & getattr(new, "free_symbols", set()) if old in self.free_symbols else set()
        if not caught:
            return None
        taken = {str(s) for s in self.body.free_symbols | self.free_symbols | new.free_symbols}
        renamed: dict[sp.Basic, sp.Basic] = {}
        for index in sorted(caught, key=str):
            name = str(index)
            while name in taken:
                name += "_"
            taken.add(name)
            renamed[index] = Index(name, getattr(index, "extent", None))
        limits = [limit.xreplace(renamed) for limit in self.limits]
        return type(self)(self.body.xreplace(renamed), *limits)._subs(old, new)

    def _sympystr(self, printer: Any) -> str:
        texts = [printer._print(limit[0] if len(limit) == 1 else limit) for limit in self.limits]
        return f"{type(self).__name__}({', '.join([printer._print(self.body), *texts])})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        body = printer.parenthesize(self.body, 50) if self.big.startswith("\\sum") else printer._print(self.body)
        if not self.big:
            text = rf"\operatorname{{{type(self).__name__}}}\left({body}\right)"
        elif not self.limits:
            text = rf"{self.big} {body}"
        else:
            under = r"\\".join(self._under(printer, limit) for limit in self.limits)
            under = under if len(self.limits) == 1 else rf"\substack{{{under}}}"
            text = rf"{self.big}_{{{under}}} {body}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"

    @staticmethod
    def _under(printer: Any, limit: sp.Tuple) -> str:
        name = printer._print(limit[0])
        if len(limit) == 1:
            return str(name)
        return rf"{printer._print(limit[1])} \le {name} \le {printer._print(limit[2])}"


class Cases(Notation):
    """A Piecewise inside a reduction. SymPy folds those that stand in conditions, and would take the conditions of this
    one out of what binds their indices."""

    __slots__ = ()

    def _eval_is_integer(self) -> bool | None:
        return True if all(value.is_integer for value, _ in self.args) else None

    @property
    def plain(self) -> sp.Expr:
        return sp.Piecewise(*self.args, evaluate=False)

    def _sympystr(self, printer: Any) -> str:
        return str(printer._print(self.plain))

    _sympyrepr = _sympystr

    _latex = _sympystr


def _kept_together(e: sp.Basic, done: dict[sp.Basic, sp.Basic]) -> sp.Basic:
    """`e` with `Cases` for each Piecewise."""
    if not e.args or isinstance(e, Reduction):
        return e
    if e not in done:
        args = [_kept_together(a, done) for a in e.args]
        same = all(a is b for a, b in zip(args, e.args, strict=True))
        done[e] = Cases(*args) if isinstance(e, sp.Piecewise) else e if same else e.func(*args)
    return done[e]


class Sum(Reduction):
    """The sum over the indices. Tensors that are factors of the body vanish outside their index set."""

    __slots__ = ()
    big = r"\sum"


class Prod(Reduction):
    """The product over the indices."""

    __slots__ = ()
    big = r"\prod"


class Mean(Reduction):
    """The mean over the indices: their sum divided by the number of points."""

    __slots__ = ()
    big = r"\operatorname*{mean}"


class amax(Reduction):
    """The largest value over the indices; NaN if there is one."""

    __slots__ = ()
    big = r"\max"


class amin(Reduction):
    """The smallest value over the indices; NaN if there is one."""

    __slots__ = ()
    big = r"\min"


class logsumexp(Reduction):
    """log(Sum(exp(e))), computed without overflow."""

    __slots__ = ()
    big = r"\operatorname*{logsumexp}"


class softmax(Reduction):
    """exp(e) / Sum(exp(e)), computed without overflow; the indices stay free in the result."""

    __slots__ = ()
    keeps = True
    big = r"\operatorname*{softmax}"


class argmax(Reduction):
    """The index of the largest value, the first one at ties; over several indices the flat position, as NumPy's."""

    __slots__ = ()
    is_integer = True
    big = r"\operatorname*{argmax}"


class argmin(Reduction):
    """The index of the smallest value, the first one at ties; over several indices the flat position, as NumPy's."""

    __slots__ = ()
    is_integer = True
    big = r"\operatorname*{argmin}"


def _limit(cls: type, over: Any) -> sp.Tuple:
    limit = sp.Tuple(*over) if isinstance(over, tuple | list | sp.Tuple) else sp.Tuple(over)
    if len(limit) not in (1, 3) or not isinstance(limit[0], Index):
        raise DefinitionError(
            f"{cls.__name__} over {over}: a reduction runs over an index, or a triple (index, first, last)\n"
            f"  Write {cls.__name__}(.., i) or {cls.__name__}(.., (i, 0, 2)); a shift belongs into the body"
        )
    return limit


class _Elementwise(sp.Function):
    """A function SymPy lacks; for numbers `formula` says it in those it has, so that `Max(x, softplus(2))` can ask."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return x if x is sp.nan else None

    @staticmethod
    def formula(x: sp.Expr) -> sp.Expr:
        raise NotImplementedError

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return sp.N(self.formula(self.args[0]), round(prec * math.log10(2)))


class sigmoid(_Elementwise):
    """1 / (1 + exp(-x))."""

    @staticmethod
    def formula(x: sp.Expr) -> sp.Expr:
        return 1 / (1 + sp.exp(-x))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return self * (1 - self)


class relu(_Elementwise):
    """Max(x, 0)."""

    @staticmethod
    def formula(x: sp.Expr) -> sp.Expr:
        return sp.Max(x, 0)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.Piecewise((1, self.args[0] > 0), (0, True))


class softplus(_Elementwise):
    """log(1 + exp(x)), computed without overflow."""

    @staticmethod
    def formula(x: sp.Expr) -> sp.Expr:
        return sp.log(1 + sp.exp(x))

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sigmoid(self.args[0])


class gelu(_Elementwise):
    """x * (1 + erf(x/sqrt(2))) / 2."""

    @staticmethod
    def formula(x: sp.Expr) -> sp.Expr:
        return x * (1 + sp.erf(x / sp.sqrt(2))) / 2

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        x = self.args[0]
        return (1 + sp.erf(x / sp.sqrt(2))) / 2 + x * sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
