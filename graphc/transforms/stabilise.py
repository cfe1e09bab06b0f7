"""Expressions that lose digits or overflow become those that do not: log softmax, log1p, expm1, log sigmoid.

Rules as data, tried in order, the rewrite as the trailing comment. Under a logarithm a read of a tensor that one
equation defines elementwise is looked through, so that the log of a softmax is found where the user names the softmax.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from graphc.equations.expr import Const, Expr, Index, Op, Read, make, of_kind, substitute, transform
from graphc.equations.system import Equation, System, Tensor

ONE = Const(1)
_SEEN_THROUGH = frozenset(("exp", "div", "mul", "sigmoid", "sub"))


def stabilise(system: System, outputs: frozenset[Tensor] = frozenset()) -> System:
    """`system` with the rules applied to every value."""

    def look(node: Expr) -> Expr | None:
        """What an elementwise tensor holds at this point."""
        if not isinstance(node, Read) or node.tensor.given:
            return None
        return _definition(system.by_tensor[node.tensor], node)

    def visit(node: Expr) -> Expr | None:
        if isinstance(node, Op) and node.name == "log":
            for rule in LOG_RULES:
                for argument in (node.args[0], _seen_through(node.args[0], look)):
                    if (found := rule(argument)) is not None:
                        return found
        if isinstance(node, Op) and node.name in ("add", "sub"):
            return _sub(*node.args) if node.name == "sub" else _add(*node.args)
        return None

    equations = []
    for eq in system.equations:
        terms = tuple(
            replace(tm, value=new) if (new := transform(tm.value, visit)) is not tm.value else tm for tm in eq.terms
        )
        equations.append(eq if terms == eq.terms else replace(eq, terms=terms))
    return system.with_equations(equations)


def _seen_through(e: Expr, look: Callable[[Expr], Expr | None]) -> Expr:
    """`e` and its arguments with elementwise tensors looked through."""
    e = look(e) or e
    if isinstance(e, Op) and e.name in ("add", "sub", "mul", "div"):
        return make(e.name, *(look(a) or a for a in e.args))
    return e


def _definition(eq: Equation, read: Read) -> Expr | None:
    if eq.reduce != "assign" or len(eq.terms) != 1:
        return None
    (term,) = eq.terms
    if not isinstance(term.value, Op) or term.value.name not in _SEEN_THROUGH:
        return None
    if set(term.write) != set(term.domain.indices) or not all(isinstance(w, Index) for w in term.write):
        return None
    return of_kind(substitute(term.value, dict(zip(term.write, read.subs, strict=True))), read.tensor.kind)


def _log_exp(e: Expr) -> Expr | None:
    match e:
        case Op(name="exp", args=(x,)):
            return x  # log(exp(x)) -> x
        case Op(name="div", args=(Op(name="exp", args=(x,)), z)):
            return x - make("log", z)  # log(exp(x)/z) -> x - log(z)
        case Op(name="mul", args=(Op(name="exp", args=(x,)), z)) | Op(name="mul", args=(z, Op(name="exp", args=(x,)))):
            return x + make("log", z)  # log(exp(x)*z) -> x + log(z)
    return None


def _log_sigmoid(e: Expr) -> Expr | None:
    match e:
        case Op(name="sigmoid", args=(x,)):
            return -make("softplus", -x)  # log(sigmoid(x)) -> -softplus(-x)
        case Op(name="sub", args=(one, Op(name="sigmoid", args=(x,)))) if one is ONE:
            return -make("softplus", x)  # log(1 - sigmoid(x)) -> -softplus(x)
    return None


def _log_sum(e: Expr) -> Expr | None:
    match e:
        case Op(name="add", args=(Op(name="exp", args=(x,)), Op(name="exp", args=(y,)))):
            # log(exp(x) + exp(y)) -> high + softplus(low - high): no overflow, and smooth where x = y
            first = make("ge", x, y)
            high, low = make("select", first, x, y), make("select", first, y, x)
            known = make("le", make("abs", low - high), Const(math.inf))  # not of two equal infinities
            return make("select", known, high + make("softplus", low - high), (x + y) / 2)
        case Op(name="add", args=(one, Op(name="exp", args=(x,)))) if one is ONE:
            return make("softplus", x)  # log(1 + exp(x)) -> softplus(x)
        case Op(name="add", args=(Op(name="exp", args=(x,)), one)) if one is ONE:
            return make("softplus", x)  # log(exp(x) + 1) -> softplus(x)
    return None


def _log1p(e: Expr) -> Expr | None:
    match e:
        case Op(name="add", args=(one, x)) if one is ONE and x.kind == "real":
            return make("log1p", x)  # log(1 + x) -> log1p(x)
        case Op(name="add", args=(x, one)) if one is ONE and x.kind == "real":
            return make("log1p", x)  # log(x + 1) -> log1p(x)
        case Op(name="sub", args=(one, x)) if one is ONE and x.kind == "real":
            return make("log1p", -x)  # log(1 - x) -> log1p(-x)
    return None


LOG_RULES: tuple[Callable[[Expr], Expr | None], ...] = (_log_exp, _log_sigmoid, _log_sum, _log1p)


def _add(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case (Const(value=-1), Op(name="exp", args=(x,))) | (Op(name="exp", args=(x,)), Const(value=-1)):
            return make("expm1", x)  # exp(x) + -1 -> expm1(x)
    return None


def _sub(a: Expr, b: Expr) -> Expr | None:
    match a, b:
        case Op(name="exp", args=(x,)), _ if b is ONE:
            return make("expm1", x)  # exp(x) - 1 -> expm1(x)
        case _, Op(name="sigmoid", args=(x,)) if a is ONE:
            return make("sigmoid", -x)  # 1 - sigmoid(x) -> sigmoid(-x)
    return None
