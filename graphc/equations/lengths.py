"""How long the range of an index is, where only the call will tell: of two factors of a convolution, which is the short
one."""

from __future__ import annotations

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, indices_of, reads


def length(domain: Domain, value: Expr, index: Index) -> tuple[int, int]:
    """To be compared: a number counts as less than the extent of a parameter (a kernel's, some axes of which go along
    with indices of their own), and that as less than any other size."""
    known = sets.span(domain.set, domain.indices.index(index))
    if known is not None:
        return 0, known[1] - known[0] + 1
    alone = (r for r in reads(value) if any(indices_of(sub) == {index} for sub in r.subs))
    return (1, 0) if any(r.tensor.role == "param" for r in alone) else (2, 0)
