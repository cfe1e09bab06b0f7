"""Conditions that stay conditions: tests for NaN and infinities, and Piecewise, And, Or, Not that see what is gone.

Python decides `t == 0` and `x[i] != x[i]` on the spot, SymPy `Eq(x[i], x[i])` and `Abs(x[i]) < oo` by the rules of the
reals: a branch or a condition would vanish without a word. What is decided before it gets here is refused.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.logic.boolalg import BooleanFunction

from graphc.errors import DefinitionError
from graphc.language.symbols import Argument, Tensor


class _Test(BooleanFunction):
    """A question about a value that no rule of the reals answers: only numbers are decided."""

    nargs = 1

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        return rf"\operatorname{{{type(self).__name__}}}\left({printer._print(self.args[0])}\right)"


class isnan(_Test):
    """Whether a value is not a number. A condition, for Piecewise; integers never are."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        return sp.sympify(x is sp.nan) if sp.sympify(x).is_number else None


class isfinite(_Test):
    """Whether a value is neither NaN nor infinite. A condition, for Piecewise; integers always are."""

    @classmethod
    def eval(cls, x: Any) -> Any:
        return sp.sympify(bool(sp.sympify(x).is_finite)) if sp.sympify(x).is_number else None


class _OfSymPy(type(sp.And)):  # type: ignore[misc]
    """A class that makes and stands for objects of the SymPy class it derives from."""

    def __instancecheck__(cls, e: object) -> bool:
        return isinstance(e, cls.__bases__[0])


class Piecewise(sp.Piecewise, metaclass=_OfSymPy):
    """SymPy's Piecewise of pairs (value, condition): the first condition that holds chooses; the last may be True.

    DefinitionError if another is True or False already: Python's `==` compares names, not values. Where SymPy would
    decide one (x <= 0 is the rest of x > 0 to it; so is NaN), what comes out is of this class, else of SymPy's."""

    def __new__(cls, *pairs: Any, **options: Any) -> Any:
        for k, pair in enumerate(pairs):
            if isinstance(pair, tuple | list) and len(pair) == 2:  # SymPy gives pairs of its own when it rebuilds
                decided, shown = _decided(pair[1]), ", ".join(f"({', '.join(map(str, p))})" for p in map(tuple, pairs))
                if decided is False or (decided and k < len(pairs) - 1):
                    raise DefinitionError(_message("Piecewise", shown, pair[1]))
                refuse_decided("Piecewise", pair[0], shown)
        made = sp.Piecewise(*pairs, **options)
        plain = sp.Piecewise.__new__(cls, *pairs, evaluate=False)
        if not plain.is_Piecewise or not any(c.has(Tensor, Argument) for _, c in plain.args):
            return made
        same = made.is_Piecewise and len(made.args) == len(plain.args) and _default(made) is _default(plain)
        return made if same else plain


def _default(e: Any) -> bool:
    return e.args[-1][1] is sp.true


class And(sp.And, metaclass=_OfSymPy):
    """SymPy's And. DefinitionError if a condition is True or False already."""

    def __new__(cls, *conditions: Any, **options: Any) -> Any:
        return _joined(sp.And, conditions, options)


class Or(sp.Or, metaclass=_OfSymPy):
    """SymPy's Or. DefinitionError if a condition is True or False already."""

    def __new__(cls, *conditions: Any, **options: Any) -> Any:
        return _joined(sp.Or, conditions, options)


class Not(sp.Not, metaclass=_OfSymPy):
    """SymPy's Not. DefinitionError if the condition is True or False already."""

    def __new__(cls, condition: Any, **options: Any) -> Any:
        return _joined(sp.Not, (condition,), options)


def _joined(kind: Any, conditions: tuple[Any, ...], options: dict[str, Any]) -> Any:
    for c in conditions:
        refuse_decided(kind.__name__, c, ", ".join(map(str, conditions)))
    return kind(*conditions, **options)


def refuse_decided(name: str, value: Any, shown: str = "") -> None:
    """DefinitionError for a truth value where a number or a condition is wanted."""
    if _decided(value) is not None:
        raise DefinitionError(_message(name, shown or str(value), value))


def _decided(condition: Any) -> bool | None:
    """The truth value that a condition has already; None of one that is still open."""
    e = sp.sympify(condition)
    return bool(e) if e is sp.true or e is sp.false else None


def _message(name: str, arguments: str, condition: Any) -> str:
    return (
        f"a condition of {name}({arguments}) is {condition} already: Python or SymPy decided it\n"
        "  Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if"
    )
