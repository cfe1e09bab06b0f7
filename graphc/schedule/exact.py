"""Programs in which a value is compared for equality with one computed elsewhere: both must have the same bits.

The gradient of a maximum goes to the terms that equal it, and argmax is the place of the first such term; each term is
computed again to be compared. Where the compiler may round differently from place to place (fused multiply-adds,
another order of addends), no term would equal its own maximum, and the gradient would be lost. So such a program is
compiled without fused multiply-adds, contractions aside, and its addends keep their order. Measured on a best path and
on pooling, with gradients, that costs 1 % and less.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphc.equations.expr import Expr, Op, above_reads
from graphc.schedule.program import Statement

_ROUNDED = frozenset(("add", "sub", "mul", "neg"))


def needs_equal_bits(statements: Iterable[Statement]) -> bool:
    """Whether some statement compares for equality a value whose rounding is the compiler's choice."""
    return any(compares_rounded(s.value) for s in statements)


def compares_rounded(value: Expr) -> bool:
    """Whether a sum of more than two addends, or of products, stands under == or != in a value."""
    equalities = (n for n in above_reads(value) if isinstance(n, Op) and n.name in ("eq", "ne"))
    return any(_has_choice(a) for n in equalities for a in n.args if a.kind == "real")


def _has_choice(e: Expr) -> bool:
    sums = (n for n in above_reads(e) if isinstance(n, Op) and n.name in ("add", "sub") and n.kind == "real")
    return any(isinstance(a, Op) and a.name in _ROUNDED for n in sums for a in n.args)
