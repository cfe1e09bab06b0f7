"""Calls with sizes at which a program's order does not hold."""

from __future__ import annotations

from collections.abc import Mapping

from graphc.checks.empty import zero_sizes
from graphc.equations.domain import fix_sizes
from graphc.equations.exclusive import LOCK
from graphc.errors import CausalityError
from graphc.schedule.program import Program


def refuse_broken_order(program: Program, sizes: Mapping[str, int]) -> None:
    """CausalityError if at these sizes some element would be read before it is computed: `s[t - P]` at P = 0."""
    with LOCK:
        for broken in program.broken:
            if not fix_sizes(broken.sizes, dict(sizes)).is_empty():
                names = dict.fromkeys(s.tensor.name for s in broken.cycle)
                origin = next((s.origin for s in broken.cycle if s.origin), broken.cycle[0])
                raise CausalityError(
                    f"with {zero_sizes(sizes)}, elements of {' and '.join(names)} would be read before they are "
                    f"computed\n  in {origin}\n  Call with sizes of at least 1"
                )
