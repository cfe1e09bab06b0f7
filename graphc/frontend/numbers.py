"""Equations that have a meaning only where sizes are numbers: for which sizes, found by trying."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import sympy as sp

from graphc.errors import GraphcError
from graphc.frontend.lower import lower
from graphc.frontend.names import atoms
from graphc.language import symbols as sy

# Numbers for sizes, and for those by which something is divided, at which equations are asked whether they mean
# something: blocks, `u*(X//P) + w`, are only told apart where there are several.
PROBES = ((4, 4), (2, 2), (3, 3), (6, 2))


def mended_by(error: GraphcError, equations: Sequence[sp.Basic], fixed: Mapping[str, int]) -> frozenset[str]:
    """The sizes of which (small) numbers give these equations a meaning, which have none without; empty if none do."""
    divisors = _divisors(equations)
    for names, (value, divisor) in itertools.product(filter(None, dict.fromkeys(error.open)), PROBES):
        try:
            lower(equations, fixed={**fixed, **{n: divisor if n in divisors else value for n in names}})
        except GraphcError:
            continue
        return names
    return frozenset()


def _divisors(equations: Sequence[sp.Basic]) -> set[str]:
    """The sizes by which something is divided, in equations and in dimensions."""
    dims = [d for e in equations for t in atoms(e, sy.Tensor) for d in t.dims]
    quotients = [p for e in (*equations, *dims) for p in atoms(e, sp.Pow) if p.exp.is_negative]
    return {s.name for p in quotients for s in atoms(p, sy.Size)}
