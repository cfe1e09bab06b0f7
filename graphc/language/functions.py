"""Functions with a derivative of one's own: `scalar_function` (surrogate gradients), and `stop_gradient`.

A `Definition` holds value and derivatives as expressions in `Argument`s; called, it gives an `Applied`, which is its
value to everything but differentiation. All are SymPy objects equal by content.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from sympy.core.symbol import Str

from graphc.errors import DefinitionError, counted
from graphc.language.reductions import Reduction
from graphc.language.symbols import Argument, Notation, identifier


class stop_gradient(sp.Function):
    """Its argument, of which no derivative is taken: a constant to D, grad and jvp."""

    nargs = 1
    is_extended_real = True

    @classmethod
    def eval(cls, x: sp.Expr) -> sp.Expr | None:
        return x if x.is_number else None

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        return sp.S.Zero

    def _eval_is_integer(self) -> bool | None:
        return self.args[0].is_integer


class Definition(sp.Basic):
    """What `scalar_function` gives; call it with expressions. args: name, arguments, value, derivatives."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return str(self.args[0])

    @property
    def arguments(self) -> sp.Tuple:
        return self.args[1]

    @property
    def value(self) -> sp.Expr:
        return self.args[2]

    @property
    def derivatives(self) -> sp.Tuple:
        return self.args[3]

    def __call__(self, *given: Any) -> Applied:
        if len(given) != len(self.arguments):
            raise DefinitionError(
                f"{self.name}({', '.join(map(str, given))}): {self.name} takes "
                f"{counted(len(self.arguments), 'argument')}, not {len(given)}\n"
                f"  Write {self.name}({', '.join(a.name for a in self.arguments)})"
            )
        return Applied(self, *map(sp.sympify, given))

    def _sympystr(self, printer: Any) -> str:
        return self.name

    _sympyrepr = _sympystr


class Applied(sp.Expr):
    """A `Definition` of some arguments."""

    __slots__ = ()
    is_commutative = True
    is_extended_real = True

    @property
    def definition(self) -> Definition:
        return self.args[0]

    @property
    def given(self) -> tuple[sp.Expr, ...]:
        return self.args[1:]

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return set().union(*(a.free_symbols for a in self.given))

    def formula(self, e: sp.Expr) -> sp.Expr:
        """An expression in the definition's arguments, of the given ones."""
        return e.xreplace(dict(zip(self.definition.arguments, self.given, strict=True)))

    def _eval_derivative(self, s: Any) -> sp.Expr:
        slopes = zip(self.definition.derivatives, self.given, strict=True)
        return sp.Add(*(self.formula(d) * a.diff(s) for d, a in slopes))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self.formula(self.definition.value)._eval_evalf(prec)

    def _sympystr(self, printer: Any) -> str:
        return f"{self.definition.name}({', '.join(map(printer._print, self.given))})"

    _sympyrepr = _sympystr

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        name = printer._print(sp.Symbol(self.definition.name))
        text = rf"\operatorname{{{name}}}\left({', '.join(map(printer._print, self.given))}\right)"
        return text if exp is None else rf"{text}^{{{exp}}}"


def scalar_function(name: str, value: Callable[..., Any], derivative: Any) -> Definition:
    """A function of numbers: `value` as it is computed, `derivative` where it is differentiated.

    Both are Python functions of SymPy expressions (`lambda x: Heaviside(x)`); of several arguments, `derivative` is a
    sequence, one for each. A number is a constant derivative: 1 lets gradients straight through. Second derivatives are
    those of `derivative`. DefinitionError for what is not of this form, or looks at more than its arguments."""
    name = identifier(name, "a function")
    names = _argument_names(name, value)
    arguments = [Argument(n) for n in names]
    wanted = ", ".join([f"lambda {', '.join(names)}: .."] * len(names))
    rules = list(derivative) if isinstance(derivative, Sequence) else [derivative]
    if len(rules) != len(arguments):
        raise DefinitionError(
            f"{name} has {counted(len(arguments), 'argument')} ({', '.join(names)}) and "
            f"{counted(len(rules), 'derivative')}\n"
            f"  Give one for each argument: derivative=[{wanted}]"
        )
    parts = [_expression(name, f, arguments) for f in (value, *rules)]
    return Definition(Str(name), sp.Tuple(*arguments), parts[0], sp.Tuple(*parts[1:]))


def _argument_names(name: str, value: Any) -> list[str]:
    if isinstance(value, sp.Lambda):
        return [str(v) for v in value.variables]
    if not callable(value):
        raise DefinitionError(f"the value of {name} is {value}, which is no function\n  Write lambda x: {value}")
    parameters = inspect.signature(value).parameters.values()
    if not parameters or any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
        raise DefinitionError(
            f"the value of {name} does not say how many arguments it takes\n  Name each of them: lambda x, y: .."
        )
    return [p.name for p in parameters]


def _expression(name: str, f: Any, arguments: list[Argument]) -> sp.Expr:
    formula = isinstance(f, sp.Lambda) or (callable(f) and not isinstance(f, sp.Basic))
    if formula and len(_argument_names(name, f)) != len(arguments):
        raise DefinitionError(
            f"a derivative of {name} has the arguments {', '.join(_argument_names(name, f))}\n"
            f"  It is a function of all those of the value: lambda {', '.join(a.name for a in arguments)}: .."
        )
    e = sp.sympify(f(*arguments) if formula else f)
    if not isinstance(e, sp.Expr):
        raise DefinitionError(f"{name}: {e} is no number\n  For a condition write Piecewise((1, {e}), (0, True))")
    strange = sorted(e.atoms(Notation, Reduction, sp.Symbol) - set(arguments), key=str)
    if strange:
        raise DefinitionError(
            f"{name} looks at {strange[0]}, which is not among its arguments ({', '.join(a.name for a in arguments)})\n"
            f"  Make it one: it would have no gradient"
        )
    return e
