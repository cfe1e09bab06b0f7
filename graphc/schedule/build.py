"""The whole of scheduling on one page: System → Program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from graphc.schedule.program import Broken, Nest, Node, Program, nodes_of
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
    kept = frozenset([*outputs, *update.values()])
    tree = build_loops(found, dependences(found, system), system, broken, kept)
    body = fuse(tree if needs_equal_bits(found) else shorten_chains(tree))
    found_buffers = with_rings(body, buffers(system, outputs, update), keep=frozenset(update.values()))
    body, found_buffers = in_blocks(body, found_buffers, keep=frozenset(update.values()))
    errors = {t: replace(t, name=system.fresh_name(t.name + "_error")) for t in carried_sums(body)}
    found_buffers |= {e: replace(found_buffers[t], tensor=e, role="workspace") for t, e in errors.items()}
    return Program(system, tuple(outputs), found_buffers, body, dict(update), tuple(broken), errors)


def carried_sums(body: Sequence[Node]) -> list[Tensor]:
    """The real tensors to which a loop adds step by step for all of time: added one by one, a million terms would lose
    digits that a sum made at once keeps. No cascade of partial sums can be kept over the steps, so what rounding left
    out stands beside them (`Program.errors`)."""
    nests = [n for n in nodes_of(body) if isinstance(n, Nest)]
    return list(dict.fromkeys(s.tensor for n in nests for s in n.statements if s.carried and s.tensor.kind == "real"))
