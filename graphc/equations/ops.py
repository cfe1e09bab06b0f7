"""The table of scalar operations: one entry each. A new operation is one new entry.

An entry says how many arguments it takes, the kind of its value, what it means (NumPy), what it means on rational
numbers where it means anything there, its partial derivatives as expressions in its arguments `a, b, ..` and its own
value `y`, and how SymPy writes it. Code generation looks operations up by the same names. The derivatives are written
out, and tested against SymPy's: to derive them here would make the import slow.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import sympy as sp

from graphc.equations import special
from graphc.equations.expr import Const, Expr, Op, join, make
from graphc.language.boundaries import BENT, BOUNDARIES, Kit

Partial = Callable[..., Expr]
ZERO, ONE, HALF = Const(0), Const(1), Const(Fraction(1, 2))


@dataclass(frozen=True)
class OpInfo:
    """One scalar operation. `partials[k](*args, y)` is the derivative in argument k; None means zero everywhere."""

    arity: int
    numpy: Callable[..., Any]
    sympy: Callable[..., sp.Basic]
    partials: tuple[Partial | None, ...] = ()
    exact: Callable[..., Any] | None = None
    kind: str = "real"  # "real", "bool", "same" (as the arguments), "select", "int"
    flops: int = field(default=1, compare=False)

    def result_kind(self, args: tuple[Expr, ...]) -> str:
        match self.kind:
            case "same":
                kind = join(*(a.kind for a in args))
                return "weak" if kind == "bool" else kind
            case "select":
                return join(*(a.kind for a in args[1:]))
            case "power":  # integers keep their kind under a literal exponent of at least 0
                base, exponent = args
                whole = isinstance(exponent, Const) and isinstance(exponent.value, int) and exponent.value >= 0
                return "int" if base.kind == "int" and whole else "real"
            case kind:
                return kind


def _where(condition: Expr, yes: Any, no: Any) -> Expr:
    return make("select", condition, yes, no)


def _bending(name: str) -> OpInfo:
    meaning = partial(BENT[name].bent, Kit())
    return OpInfo(2, meaning, lambda i, n: sp.Function(name)(i, n), (None, None), meaning, "same")


def _tie(first: str) -> tuple[Partial, Partial]:
    """Partials of a maximum or minimum of two: 1 to the winner, a half to each at a tie."""

    def share(a: Expr, b: Expr) -> Expr:
        return _where(make(first, a, b), _where(make("eq", a, b), HALF, ONE), ZERO)

    return lambda a, b, y: share(a, b), lambda a, b, y: share(b, a)


def _pow_partials() -> tuple[Partial, Partial]:
    def base(a: Expr, b: Expr, y: Expr) -> Expr:
        if isinstance(b, Const):  # the exponent stays a literal
            return b * make("pow", a, Const(b.value - 1))
        # x**0 is 1 at 0, too: its slope is 0 * x, not 0 * x**-1.
        return b * make("pow", a, _where(make("eq", b, ZERO), ONE, b - 1))

    def exponent(a: Expr, b: Expr, y: Expr) -> Expr:
        # x**e moves with e as y*log(x); at x = 0 the value stays 0 for e > 0, so the slope is 0 there.
        zero = make("and", make("eq", a, ZERO), make("ge", b, ZERO))
        return _where(zero, ZERO, y * make("log", _where(zero, ONE, a)))

    return base, exponent


def _np_sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(np.asarray(x) >= 0, 1 / (1 + e), e / (1 + e))[()]


def _erf(x: Any) -> Any:
    return x if np.isnan(x) else type(x)(math.erf(x))


def _erfc(x: Any) -> Any:
    return x if np.isnan(x) else type(x)(math.erfc(x))


def _safe_pow(a: Any, b: Any) -> Any:
    if isinstance(b, int | Fraction) and Fraction(b).denominator == 1:
        return a ** int(b)
    if np.asarray(b).dtype.kind == "f":
        return np.float_power(a, b)  # power takes 0.5 for a square root, which differs at -oo and -0
    return np.power(a, b)


def _exact_pow(a: Fraction, b: Fraction) -> Fraction:
    if Fraction(b).denominator != 1:
        raise ArithmeticError(f"{a}**({b}) is not a rational number")
    return Fraction(a) ** int(b)


_TWO_OVER_SQRT_PI = Const(2 / math.sqrt(math.pi))

OWN = "own "  # and the function's name: a value whose derivatives are given

_TABLE: dict[str, OpInfo] = {
    "add": OpInfo(2, np.add, lambda a, b: a + b, (lambda a, b, y: ONE, lambda a, b, y: ONE), operator.add, "same"),
    "sub": OpInfo(2, np.subtract, lambda a, b: a - b, (lambda a, b, y: ONE, lambda a, b, y: Const(-1)),
                  operator.sub, "same"),
    "mul": OpInfo(2, np.multiply, lambda a, b: a * b, (lambda a, b, y: b, lambda a, b, y: a), operator.mul, "same"),
    "neg": OpInfo(1, np.negative, lambda a: -a, (lambda a, y: Const(-1),), operator.neg, "same"),
    "div": OpInfo(2, np.true_divide, lambda a, b: a / b, (lambda a, b, y: ONE / b, lambda a, b, y: -(y / b)),
                  lambda a, b: Fraction(a) / b, flops=4),
    "pow": OpInfo(2, _safe_pow, lambda a, b: a**b, _pow_partials(), _exact_pow, "power", flops=20),
    "abs": OpInfo(1, np.abs, sp.Abs, (lambda a, y: make("sign", a),), abs, "same"),
    "sign": OpInfo(1, np.sign, sp.sign, (None,), lambda a: (a > 0) - (a < 0), "same"),
    "floor": OpInfo(1, np.floor, sp.floor, (None,), math.floor, "same"),
    "ceil": OpInfo(1, np.ceil, sp.ceiling, (None,), math.ceil, "same"),
    "floordiv": OpInfo(2, np.floor_divide, lambda a, b: sp.floor(a / b), (None, None), operator.floordiv, "same"),
    "mod": OpInfo(2, np.mod, sp.Mod, (lambda a, b, y: ONE, lambda a, b, y: -make("floor", a / b)), operator.mod, "same",
                  flops=4),
    "maximum": OpInfo(2, np.maximum, sp.Max, _tie("ge"), max, "same"),
    "minimum": OpInfo(2, np.minimum, sp.Min, _tie("le"), min, "same"),
    "relu": OpInfo(1, lambda a: np.maximum(a, 0), lambda a: sp.Function("relu")(a),
                   (lambda a, y: _where(make("gt", a, ZERO), ONE, ZERO),), lambda a: max(a, 0)),
    "heaviside": OpInfo(2, np.heaviside, sp.Heaviside, (None, None),
                        lambda a, h: Fraction(h) if a == 0 else Fraction(a > 0)),
    "stop": OpInfo(1, lambda a: a, lambda a: a, (None,), lambda a: a, "same", flops=0),
    # (value, argument, derivative): the value, which moves with the argument as the derivative says.
    OWN: OpInfo(3, lambda v, a, d: v, lambda v, a, d: v, (lambda v, a, d, y: ONE, lambda v, a, d, y: d, None),
                lambda v, a, d: v, flops=0),
    "exp": OpInfo(1, np.exp, sp.exp, (lambda a, y: y,), flops=20),
    "expm1": OpInfo(1, np.expm1, lambda a: sp.exp(a) - 1, (lambda a, y: y + 1,), flops=20),
    "log": OpInfo(1, np.log, sp.log, (lambda a, y: ONE / a,), flops=20),
    "log1p": OpInfo(1, np.log1p, lambda a: sp.log(1 + a), (lambda a, y: ONE / (1 + a),), flops=20),
    "sqrt": OpInfo(1, np.sqrt, sp.sqrt, (lambda a, y: HALF / y,), flops=4),
    "tanh": OpInfo(1, np.tanh, sp.tanh, (lambda a, y: 1 - y * y,), flops=20),
    "sigmoid": OpInfo(1, _np_sigmoid, lambda a: sp.Function("sigmoid")(a), (lambda a, y: y * (1 - y),), flops=20),
    "softplus": OpInfo(1, lambda a: np.logaddexp(0, a), lambda a: sp.Function("softplus")(a),
                       (lambda a, y: make("sigmoid", a),), flops=40),
    "sin": OpInfo(1, np.sin, sp.sin, (lambda a, y: make("cos", a),), flops=20),
    "cos": OpInfo(1, np.cos, sp.cos, (lambda a, y: -make("sin", a),), flops=20),
    "tan": OpInfo(1, np.tan, sp.tan, (lambda a, y: 1 + y * y,), flops=20),
    "asin": OpInfo(1, np.arcsin, sp.asin, (lambda a, y: ONE / make("sqrt", 1 - a * a),), flops=20),
    "acos": OpInfo(1, np.arccos, sp.acos, (lambda a, y: Const(-1) / make("sqrt", 1 - a * a),), flops=20),
    "atan": OpInfo(1, np.arctan, sp.atan, (lambda a, y: ONE / (1 + a * a),), flops=20),
    "atan2": OpInfo(2, np.arctan2, sp.atan2,
                    (lambda a, b, y: b / (a * a + b * b), lambda a, b, y: -(a / (a * a + b * b))), flops=20),
    "sinh": OpInfo(1, np.sinh, sp.sinh, (lambda a, y: make("cosh", a),), flops=20),
    "cosh": OpInfo(1, np.cosh, sp.cosh, (lambda a, y: make("sinh", a),), flops=20),
    "asinh": OpInfo(1, np.arcsinh, sp.asinh, (lambda a, y: ONE / make("sqrt", a * a + 1),), flops=20),
    "acosh": OpInfo(1, np.arccosh, sp.acosh, (lambda a, y: ONE / make("sqrt", a * a - 1),), flops=20),
    "atanh": OpInfo(1, np.arctanh, sp.atanh, (lambda a, y: ONE / (1 - a * a),), flops=20),
    "erf": OpInfo(1, _erf, sp.erf, (lambda a, y: _TWO_OVER_SQRT_PI * make("exp", -(a * a)),), flops=20),
    "erfc": OpInfo(1, _erfc, sp.erfc, (lambda a, y: -(_TWO_OVER_SQRT_PI * make("exp", -(a * a))),), flops=20),
    "gamma": OpInfo(1, special.gamma, sp.gamma, (lambda a, y: y * make("digamma", a),), flops=40),
    "loggamma": OpInfo(1, special.loggamma, sp.loggamma, (lambda a, y: make("digamma", a),), flops=40),
    "digamma": OpInfo(1, lambda a: special.polygamma(0, a), sp.digamma, (lambda a, y: make("polygamma", ONE, a),),
                      flops=40),
    "polygamma": OpInfo(2, special.polygamma, sp.polygamma, (None, lambda n, a, y: make("polygamma", n + 1, a)),
                        flops=80),
    "lt": OpInfo(2, np.less, sp.Lt, (None, None), operator.lt, "bool"),
    "le": OpInfo(2, np.less_equal, sp.Le, (None, None), operator.le, "bool"),
    "gt": OpInfo(2, np.greater, sp.Gt, (None, None), operator.gt, "bool"),
    "ge": OpInfo(2, np.greater_equal, sp.Ge, (None, None), operator.ge, "bool"),
    "eq": OpInfo(2, np.equal, lambda a, b: sp.Eq(a, b, evaluate=False), (None, None), operator.eq, "bool"),
    "ne": OpInfo(2, np.not_equal, lambda a, b: sp.Ne(a, b, evaluate=False), (None, None), operator.ne, "bool"),
    "and": OpInfo(2, np.logical_and, sp.And, (None, None), lambda a, b: a and b, "bool"),
    "or": OpInfo(2, np.logical_or, sp.Or, (None, None), lambda a, b: a or b, "bool"),
    "not": OpInfo(1, np.logical_not, sp.Not, (None,), operator.not_, "bool"),
    "isnan": OpInfo(1, np.isnan, lambda a: sp.Function("isnan")(a), (None,), lambda a: a != a, "bool"),
    "isfinite": OpInfo(1, np.isfinite, lambda a: sp.Function("isfinite")(a), (None,),
                       lambda a: -math.inf < a < math.inf, "bool"),
    "select": OpInfo(3, lambda c, a, b: a if c else b, lambda c, a, b: sp.Piecewise((a, c), (b, True)),
                     (None, lambda c, a, b, y: _where(c, ONE, ZERO), lambda c, a, b, y: _where(c, ZERO, ONE)),
                     lambda c, a, b: a if c else b, "select"),
    "toreal": OpInfo(1, lambda a: a, lambda a: a, (None,), lambda a: a, flops=0),
    "toint": OpInfo(1, lambda a: int(a), lambda a: a, (None,), int, "int", flops=0),
    "only": OpInfo(2, lambda c, i: i if c else 0, lambda c, i: sp.Function("only")(i, c), (None, None),
                   lambda c, i: i if c else 0, "select"),
    **{name: _bending(name) for name in BENT if name != "mod"},
}  # fmt: skip


class _Table(dict[str, OpInfo]):
    """The operations by name; each function with a derivative of its own is one."""

    def __missing__(self, name: str) -> OpInfo:
        if name.startswith(OWN):
            return self[OWN]
        raise KeyError(name)


OPS = _Table(_TABLE)


def arguments_of(node: Op) -> list[Expr]:
    """What a function with derivatives of its own is applied to: one operation for each argument, the last outside."""
    found: list[Expr] = []
    at: Expr = node
    while isinstance(at, Op) and at.name == node.name:
        found.insert(0, at.args[1])
        at = at.args[0]
    return found


# Operations that always give an index inside an axis of n elements, whatever their first argument: the boundary rules
# (`language/boundaries`; wrap is `mod(i, n)`). A subscript `only(c, i)` is the place i where c
# holds; elsewhere no element is meant, and a select drops what is read or adds nothing: see `guards`.
BOUNDARY = {rule: b.op for rule, b in BOUNDARIES.items()}


@dataclass(frozen=True)
class Reduction:
    """How contributions to one element combine: what it is without any, the operation of two, whether that gives one of
    the two (so that a derivative goes to the winners); and how it is written, in text and in LaTeX."""

    identity: float
    op: str
    selects: bool
    sign: str
    big: str
    assigns: str


REDUCTIONS = {
    "sum": Reduction(0, "add", False, "+=", r"\sum", "{+}{=}"),
    "prod": Reduction(1, "mul", False, "*=", r"\prod", r"{\times}{=}"),
    "max": Reduction(-math.inf, "maximum", True, "max=", r"\max", r"{\max}{=}"),
    "min": Reduction(math.inf, "minimum", True, "min=", r"\min", r"{\min}{=}"),
}
SELECTIONS = frozenset(name for name, r in REDUCTIONS.items() if r.selects)
SIGNS = {"assign": "=", "set": "=", **{name: r.sign for name, r in REDUCTIONS.items()}}  # of equations and statements
