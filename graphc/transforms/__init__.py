"""Transforms: System -> System, each with the same values by `evaluate` before and after.

`PASSES` lists those that optimise in the order in which they run. Elements nobody reads go first, so that nothing is
done for them; equal work is shared before readers take their producers in; plain left sides let contributions meet;
what is then still invariant leaves its loop.
"""

from __future__ import annotations

from collections.abc import Callable

from graphc.equations.system import System, Tensor
from graphc.transforms.deltas import deltas
from graphc.transforms.gather import gather
from graphc.transforms.hoist import hoist
from graphc.transforms.inline import inline
from graphc.transforms.merge import merge
from graphc.transforms.prune import prune
from graphc.transforms.share import share
from graphc.transforms.stabilise import stabilise

Pass = Callable[[System, frozenset[Tensor]], System]

PASSES: tuple[tuple[str, Pass], ...] = (
    ("prune", prune),
    ("stabilise", stabilise),
    ("deltas", deltas),
    ("share", share),
    ("inline", inline),
    ("gather", gather),
    ("merge", merge),
    ("hoist", hoist),
    ("prune again", prune),
)


def optimise(system: System, outputs: frozenset[Tensor]) -> System:
    """All passes in order."""
    for _, apply in PASSES:
        system = apply(system, outputs)
    return system
