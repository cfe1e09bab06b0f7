"""SymPy's scalar vocabulary as operations of the table `ops`: which function is which, numbers, floors of rationals.

`apply(e, args)` gives the expression for a SymPy node whose arguments are built already.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import reduce as fold

import sympy as sp
from sympy.core.function import AppliedUndef

from graphc.equations.expr import Const, Expr, Op, make, transform
from graphc.equations.ops import OPS
from graphc.errors import UnsupportedError
from graphc.language.boundaries import BENT

# SymPy's name -> the operation's, where they differ. Everything else of one argument that is in OPS has its own name.
_NAMES = {"Abs": "abs", "Mod": "mod", "Heaviside": "heaviside", "ceiling": "ceil", "re": "re", "Pow": "pow"}
_COMPARE: dict[type, str] = {
    sp.StrictLessThan: "lt", sp.LessThan: "le", sp.StrictGreaterThan: "gt", sp.GreaterThan: "ge",
    sp.Equality: "eq", sp.Unequality: "ne",
}  # fmt: skip


MOST_ORDER = 16  # of a polygamma that a user writes; its derivatives go on


class Undefined(Expr):
    """Where a Piecewise without a default says nothing."""

    __slots__ = ()

    def __init__(self) -> None:
        self.args, self.kind = (), "weak"


UNDEFINED = Undefined()
NOWHERE = 2**62 + 2**44  # nor are small multiples of it, modulo 2**64, anywhere
NAN = Const(math.nan)


def number(e: sp.Expr) -> Expr | None:
    """A SymPy number as a constant, None if it is not one."""
    if isinstance(e, sp.Integer):
        return Const(int(e))
    if isinstance(e, sp.Rational):
        return Const(Fraction(int(e.p), int(e.q)))
    if isinstance(e, sp.Float | sp.NumberSymbol):
        return Const(float(e))
    if e is sp.oo or e is sp.S.NegativeInfinity:
        return Const(math.inf if e is sp.oo else -math.inf)
    if e is sp.nan:
        return NAN
    if e is sp.true or e is sp.false:
        return Const(e is sp.true)
    return None


def _chain(name: str) -> Callable[[Sequence[Expr]], Expr]:
    return lambda args: fold(lambda a, b: make(name, a, b), args)


def add(args: Sequence[Expr]) -> Expr:
    """A sum; a first negative addend goes behind a positive one, so that `b - a` needs no negation."""
    first = next((k for k, a in enumerate(args) if not (isinstance(a, Op) and a.name == "neg")), 0)
    return _chain("add")([args[first], *args[:first], *args[first + 1 :]])


def _gelu(x: Expr) -> Expr:
    return x * Const(Fraction(1, 2)) * (1 + make("erf", x * Const(math.sqrt(0.5))))


def _polygamma(n: Expr, x: Expr) -> Expr:
    if not (isinstance(n, Const) and isinstance(n.value, int) and 0 <= n.value <= MOST_ORDER):
        raise UnsupportedError(
            f"polygamma({n!r}, ..): the order is not an integer from 0 to {MOST_ORDER}\n  Write a literal; 0 is digamma"
        )
    return make("polygamma", n, x) if n.value else make("digamma", x)


_SPECIAL: dict[str, Callable[[Sequence[Expr]], Expr]] = {
    "Max": _chain("maximum"),
    "Min": _chain("minimum"),
    "And": _chain("and"),
    "Or": _chain("or"),
    "gelu": lambda args: _gelu(args[0]),
    "KroneckerDelta": lambda args: make("select", make("eq", args[0], args[1]), 1, 0),
    "ITE": lambda args: make("or", make("and", args[0], args[1]), make("and", make("not", args[0]), args[2])),
    "Not": lambda args: make("not", args[0]),
    "sec": lambda args: 1 / make("cos", args[0]),
    "csc": lambda args: 1 / make("sin", args[0]),
    "cot": lambda args: 1 / make("tan", args[0]),
    "sech": lambda args: 1 / make("cosh", args[0]),
    "csch": lambda args: 1 / make("sinh", args[0]),
    "coth": lambda args: 1 / make("tanh", args[0]),
    "log2": lambda args: make("log", args[0]) * Const(1 / math.log(2)),
    "log10": lambda args: make("log", args[0]) * Const(1 / math.log(10)),
    "exp2": lambda args: make("pow", Const(2), args[0]),
    "Identity": lambda args: args[0],
    "stop_gradient": lambda args: make("stop", args[0]),
    "polygamma": lambda args: _polygamma(*args),
    "trigamma": lambda args: _polygamma(Const(1), args[0]),
}


def apply(e: sp.Basic, args: Sequence[Expr]) -> Expr:
    """The operation that the SymPy node `e` applies, of `args`."""
    compare = _COMPARE.get(type(e))
    if compare is not None:
        return make(compare, *args)
    name = type(e).__name__
    special = _SPECIAL.get(name)
    if special is not None and not isinstance(e, AppliedUndef):
        return special(args)
    name = _NAMES.get(name, name)
    info = OPS.get(name)
    if (
        info is None
        or info.arity != len(args)
        or isinstance(e, AppliedUndef)
        or name in ("stop", "select", "only", "toint", "toreal", *BENT.keys() - {"mod"})
    ):
        raise UnsupportedError(
            f"{e} uses {type(e).__name__}, which graphc has no operation for\n"
            "  Write it with the functions there are: exp log sqrt tanh sin cos erf Abs Max Min floor Mod Piecewise ..."
        )
    return make(name, *args)


def without_fractions(e: sp.Rel, build: Callable[[sp.Expr], Expr]) -> sp.Rel:
    """A comparison of rational combinations of integers, times their denominators: of 2*N > i - j SymPy makes
    N > i/2 - j/2, which are no integers any more."""
    addends = [a.as_coeff_Mul() for side in e.args if isinstance(side, sp.Expr) for a in sp.Add.make_args(side)]
    den = math.lcm(*(int(c.q) for c, _ in addends if isinstance(c, sp.Rational)))
    if den == 1 or any(not isinstance(c, sp.Rational) or build(rest).kind == "real" for c, rest in addends):
        return e
    return type(e)(*(den * side for side in e.args), evaluate=False)


def power(base: Expr, exponent: Expr) -> Expr:
    return make("pow", base, exponent)


def piecewise(pairs: Sequence[tuple[Expr, Expr]]) -> Expr:
    """Nested selects; without a default the rest is UNDEFINED."""
    out: Expr = UNDEFINED
    for value, condition in reversed(pairs):
        out = make("select", condition, value, out)
    return out


def floor_of(e: sp.Expr, build: Callable[[sp.Expr], Expr], up: bool = False) -> Expr:
    """floor (or ceiling) of a rational combination of integers as one floor division; else the operation."""
    above, below = sp.fraction(e)
    if isinstance(e, sp.Add) and not all(sp.fraction(a)[1].is_number for a in e.args):
        above, below = sp.fraction(sp.together(e))
    if not below.is_number:
        top, bottom = build(above), build(below)
        if {top.kind, bottom.kind} <= {"weak", "int"}:
            return -make("floordiv", -top, bottom) if up else make("floordiv", top, bottom)
    parts: list[tuple[sp.Rational, Expr]] = []
    for addend in sp.Add.make_args(e):
        c, rest = addend.as_coeff_Mul()
        leaf = build(rest)
        if not isinstance(c, sp.Rational) or leaf.kind == "real":
            return make("ceil" if up else "floor", build(e))
        parts.append((c, leaf))
    den = math.lcm(*(int(c.q) for c, _ in parts))
    total: Expr = Const(0)
    for c, leaf in parts:
        total = total + int(c * den) * leaf
    if den == 1:
        return total
    return -make("floordiv", -total, Const(den)) if up else make("floordiv", total, Const(den))


def in_integers(e: Expr) -> Expr:
    """A whole number, computed in integers of 64 bits from where a real one is rounded.

    What they do not hold becomes one that is no place and no index: far below or above; above what is not a number."""

    def visit(node: Expr) -> Expr | None:
        if isinstance(node, Op) and node.name in ("floor", "ceil") and node.kind == "real":
            held = make("select", make("gt", node, Const(-(2**62))), node, Const(-NOWHERE))
            return make("toint", make("select", make("lt", node, Const(2**62)), held, Const(NOWHERE)))
        return None

    return transform(e, visit)


def product(e: sp.Mul, build: Callable[[sp.Expr], Expr]) -> Expr:
    """A product: numerator over denominator, the literal in front."""
    above: list[Expr] = []
    below: list[Expr] = []
    negative = False
    for factor in e.args:
        if isinstance(factor, sp.Rational):
            negative = factor < 0
            c = abs(factor)
            if max(c.p, c.q) >= 2**63:  # two floats may overflow where their quotient does not
                above.append(Const(Fraction(int(c.p), int(c.q))))
                continue
            if c.p != 1:
                above.append(Const(int(c.p)))
            if c.q != 1:
                below.append(Const(int(c.q)))
            continue
        if isinstance(factor, sp.Pow) and factor.args[1].is_Rational and factor.args[1] < 0:
            base, exponent = factor.args
            below.append(power(build(base), number(-exponent) or Const(1)))
        else:
            above.append(build(factor))
    top = _chain("mul")(above) if above else Const(1)
    out = make("div", top, _chain("mul")(below)) if below else top
    return make("neg", out) if negative else out
