"""The whole of scheduling on one page: System → Program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphc.equations.domain import assume
from graphc.equations.system import System, Tensor
from graphc.schedule.blocks import in_blocks
from graphc.schedule.chain import shorten_chains
from graphc.schedule.dependence import dependences
from graphc.schedule.exact import needs_equal_bits
from graphc.schedule.fuse import fuse
from graphc.schedule.interior import split_interior
from graphc.schedule.layout import pack
from graphc.schedule.loops import build_loops
from graphc.schedule.program import Broken, Program
from graphc.schedule.rings import with_rings
from graphc.schedule.skew import skew
from graphc.schedule.statements import statements
from graphc.schedule.storage import buffers


def schedule(system: System, outputs: Sequence[Tensor], update: Mapping[Tensor, Tensor]) -> Program:
    """The program that computes `outputs` (and the new values of updated arguments)."""
    system = pack(system)
    system = skew(system, statements(system), [*outputs, *update.values()])
    found = split_interior(statements(system), assume(system.sizes, (), least=0))
    broken: list[Broken] = []
    tree = build_loops(found, dependences(found, system), system, broken)
    body = fuse(tree if needs_equal_bits(found) else shorten_chains(tree))
    found_buffers = with_rings(body, buffers(system, outputs, update), keep=frozenset(update.values()))
    body, found_buffers = in_blocks(body, found_buffers, keep=frozenset(update.values()))
    return Program(system, tuple(outputs), found_buffers, body, dict(update), tuple(broken))
