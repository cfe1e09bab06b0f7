"""Literals that 64 bits do not hold: real numbers beside real numbers, and refused beside integers.

What is computed with integers is exact modulo 2**64; a literal from 2**63 on would make real numbers of it, of 53 bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sympy as sp

from graphc.errors import UnsupportedError
from graphc.frontend.names import Written
from graphc.language import notation as nt
from graphc.language import reductions as rd
from graphc.language import symbols as sy

# Operations that give integers of integers: all arguments are computed with alike.
_ALIKE = (
    sp.Add, sp.Mul, sp.Max, sp.Min, sp.Abs, sp.Mod, sp.Rel, sp.Piecewise, rd.Cases, sp.Tuple, rd.Sum, rd.Prod, rd.amax,
    rd.amin, sp.Sum, sp.Product, nt.Contract, nt.Transpose, nt.Convolution,
)  # fmt: skip

# The kind of a value (weak: an integer that adapts), and the large literal in it that would make it real.
Status = tuple[str, sp.Expr | None]


def refuse_large(written: Written, kinds: Mapping[sy.Tensor, str], whole: bool) -> None:
    """UnsupportedError where a literal beyond 64 bits meets integers. `whole`: the left side holds integers."""
    found: dict[sp.Basic, Status] = {}
    for e in _postorder(written.eq.rhs):
        found[e] = _leaf(e, kinds) or _status(e, found, written)
    literal = found[written.eq.rhs][1]
    if whole and literal is not None:
        raise _refused(written, literal)


def _leaf(e: sp.Basic, kinds: Mapping[sy.Tensor, str]) -> Status | None:
    if isinstance(e, sp.Integer):
        return "weak", None if -(2**63) <= e < 2**63 else e
    if isinstance(e, sy.Tensor):
        return kinds.get(e, "real"), None
    if isinstance(e, rd.argmax | rd.argmin):
        return "int", None
    if isinstance(e, sp.Symbol) or (e.is_Boolean and not isinstance(e, sp.Rel)):
        return "weak", None
    return None


def _status(e: sp.Basic, found: Mapping[sp.Basic, Status], written: Written) -> Status:
    if isinstance(e, sy.Access):
        return found[e.base]
    if isinstance(e, sp.floor | sp.ceiling):  # of a rational combination: one floor division
        factors = [f for a in sp.Add.make_args(e.args[0]) for f in sp.Mul.make_args(a)]
        parts = [found[f] for f in factors if not isinstance(f, sp.Rational)]
        parts += [("weak", sp.Integer(f.q)) for f in factors if isinstance(f, sp.Rational) and f.q >= 2**63]
        parts += [found[f] for f in factors if isinstance(f, sp.Integer)]
    elif isinstance(e, sp.Pow) and isinstance(e.exp, sp.Integer) and e.exp >= 0:
        parts = [found[e.base]]
    elif isinstance(e, _ALIKE):
        several = isinstance(e, sp.Piecewise | sp.Tuple | rd.Cases | nt.Contract) or not isinstance(e, sy.Notation)
        parts = [found[a] for a in (e.args if several else e.args[: 2 if isinstance(e, nt.Convolution) else 1])]
    else:
        return "real", None
    met = {kind for kind, _ in parts}
    literal = next((large for _, large in parts if large is not None), None)
    inexact = isinstance(e, sp.Mod | sp.floor | sp.ceiling) and not e.is_number  # 53 bits do not tell, of an index too
    if literal is not None and ("int" in met or (inexact and "real" not in met)):
        raise _refused(written, literal)
    kind = "real" if "real" in met else "int" if "int" in met else "weak"
    return ("weak", None) if isinstance(e, sp.Rel) else (kind, literal if kind == "weak" else None)


def _refused(written: Written, literal: sp.Expr) -> Exception:
    return written.error(
        UnsupportedError, f"{literal} does not fit into 64 bits, and meets integers, which are computed in 64 bits",
        "Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; "
        "write 2.0**63 for real numbers",
    )  # fmt: skip


def _postorder(root: sp.Basic) -> Iterator[sp.Basic]:
    """Each part once, its arguments first."""
    seen: set[sp.Basic] = set()
    stack = [(root, False)]
    while stack:
        e, ready = stack.pop()
        if ready:
            yield e
        elif e not in seen:
            seen.add(e)
            stack.append((e, True))
            stack.extend((a, False) for a in e.args if isinstance(a, sp.Basic))
