"""Checks."""

from __future__ import annotations

from collections.abc import Mapping

from graphc.equations.expr import Read
from graphc.equations.system import System


def check(system: System, reads: Mapping[Read, tuple[str, int]]) -> None:
    pass
