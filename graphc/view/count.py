"""How many points a domain has and how many operations an expression takes, as formulas in the sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import islpy as isl
import sympy as sp

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Op, Size, postorder
from graphc.equations.ops import OPS
from graphc.view.sets import bounds, pieces


def points(domain: Domain, context: isl.Set) -> tuple[Any, bool]:
    """The number of points, and whether it is exact or only an upper bound (the box around the domain)."""
    for turned in (domain, _reversed(domain)):
        total: Any = sp.Integer(0)
        for piece in pieces(turned, context):
            count: Any = sp.Integer(1)
            for index in reversed(turned.indices):
                if index in piece.fixed:
                    count = sp.expand(count.subs(_symbol(index), _formula(piece.fixed[index])))
                    continue
                lowers, uppers = bounds(piece, index, context)
                if len(lowers) != 1 or len(uppers) != 1 or piece.others:
                    break
                low, high, symbol = _formula(lowers[0]), _formula(uppers[0]), _symbol(index)
                whole = sp.summation(count, (symbol, low, high)) if count.has(symbol) else count * (high - low + 1)
                count = sp.expand(whole)
            else:
                total += count
                continue
            break
        else:
            return sp.expand(total), True
    return _box(domain, context), False


def operations(value: Expr) -> int:
    """The floating-point operations of one evaluation, by the table's weights; index arithmetic is not counted."""
    return sum(OPS[n.name].flops for n in postorder(value) if isinstance(n, Op) and n.kind not in ("weak", "bool"))


def text(formula: Any) -> str:
    """A formula in the sizes, as `2·H²·T`."""
    shown = str(formula)
    for power, sign in (("**2", "²"), ("**3", "³")):
        shown = shown.replace(power, sign)
    return shown.replace("**", "^").replace("*", "·")


def _reversed(domain: Domain) -> Domain:
    return Domain(domain.indices[::-1], domain.image(domain.indices[::-1]))


def _symbol(index: Index) -> sp.Symbol:
    return sp.Symbol(f"{index.name}#{index.uid}", integer=True)


def _formula(e: Expr) -> Any:
    done: dict[Expr, Any] = {}
    for n in postorder(e):
        done[n] = _node(n, done)
    return done[e]


def _node(n: Expr, done: Mapping[Expr, Any]) -> Any:
    match n:
        case Const(value=value):
            return sp.Rational(str(value)) if not isinstance(value, bool) else sp.Integer(value)
        case Size(name=name):
            return sp.Symbol(name, integer=True, positive=True)
        case Index():
            return _symbol(n)
        case Op(name="floordiv", args=(a, b)):
            return sp.floor(done[a] / done[b])
        case Op(name="ceil", args=(a,)):
            return sp.ceiling(done[a])
        case Op():
            return OPS[n.name].sympy(*(done[a] for a in n.args))
    raise AssertionError(n)


def _box(domain: Domain, context: isl.Set) -> Any:
    """The product of the extents of the domain's shadows on its axes."""
    total: Any = sp.Integer(1)
    for index in domain.indices:
        extent: Any = sp.Integer(0)
        for piece in pieces(domain.project((index,)), context):
            if index in piece.fixed:
                extent += 1
            else:
                highs = [_formula(u) for u in piece.uppers.get(index, ())]
                lows = [_formula(low) for low in piece.lowers.get(index, ())]
                extent += sp.Min(*highs) - sp.Max(*lows) + 1
        total = sp.expand(total * extent)
    return total
