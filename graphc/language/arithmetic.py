"""Arithmetic of the user's objects: SymPy's, with conditions refused by name where Python would only say TypeError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from sympy.logic.boolalg import BooleanAtom, BooleanFunction

from graphc.errors import DefinitionError

_CONDITIONS = (sp.core.relational.Relational, BooleanFunction, BooleanAtom)  # symbols are Boolean to SymPy, too


class Arithmetic:
    """`x[t]*(t > 0)` is a DefinitionError that says what to write.

    Comparisons are not the user's objects but SymPy's, and so is what it makes of several objects: `t > 0 and t < 2`
    and `2*x[t]*(t > 0)` remain its TypeErrors, since classes of our own in their places would equal none of SymPy's."""

    __slots__ = ()


def _refusing(name: str) -> Callable[[Any, Any], Any]:
    plain = getattr(sp.Expr, name)

    def method(self: Any, other: Any) -> Any:
        if isinstance(other, _CONDITIONS):
            raise DefinitionError(
                f"{self} and {other} are combined as numbers, and {other} is a condition\n"
                f"  Make a number of it: Piecewise((1, {other}), (0, True))"
            )
        return plain(self, other)

    return method


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    for _side in ("__", "__r"):
        setattr(Arithmetic, f"{_side}{_name}__", _refusing(f"{_side}{_name}__"))
