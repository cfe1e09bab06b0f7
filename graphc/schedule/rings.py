"""Rings: of a tensor that a time loop computes and nobody reads far back, only the last steps are kept.

A tensor whose elements are read at most k steps after they are written, inside the loop or right behind its end, needs
k + 1 slots along the loop's axis instead of one per step. The number of slots is a power of two: a bit mask finds the
slot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from graphc.equations.expr import Const, Expr, place_of
from graphc.equations.system import Tensor
from graphc.schedule.program import Buffer, Loop, Nest, Node, Statement

MAX_SLOTS = 16
Subs = tuple[Expr, ...]


@dataclass(frozen=True)
class Access:
    """One subscript along the loop's axis, by a write or a read; `loop` is the loop it stands in, if any."""

    sub: Expr
    writes: bool
    loop: Loop | None
    after: bool


def with_rings(body: tuple[Node, ...], buffers: dict[Tensor, Buffer], keep: frozenset[Tensor]) -> dict[Tensor, Buffer]:
    """The buffers, those of recurrent tensors (but for `keep`) cut down to the steps that are still needed."""
    found = dict(buffers)
    loops = _outermost(body)
    touched = _touched(body)
    for tensor, group in loops.items():
        if buffers[tensor].role != "workspace" or tensor in keep or any(g.var is not group[0].var for g in group):
            continue
        axis, ahead = group[0].along[tensor]
        slots = _slots(ahead, group, _accesses(axis, group, touched[tensor]))
        if slots is not None:
            found[tensor] = replace(buffers[tensor], ring=(axis, slots))
    return found


def _outermost(body: tuple[Node, ...]) -> dict[Tensor, list[Loop]]:
    """The top-level loops that compute each recurrent tensor: the segments of one time loop share its variable."""
    found: dict[Tensor, list[Loop]] = {}
    for node in body:
        if isinstance(node, Loop):
            for tensor in node.along:
                found.setdefault(tensor, []).append(node)
    return found


def _slots(ahead: int, group: list[Loop], accesses: list[Access]) -> int | None:
    step = group[0].step
    first = (group[0].lower if step > 0 else group[0].upper) + ahead
    last = (group[-1].upper if step > 0 else group[-1].lower) + ahead
    need = 1
    early: list[int] = []
    for a in accesses:
        if a.loop is not None:
            lag = (a.loop.var + ahead - a.sub) * step
            back = _number(lag)
            if back is None or back < 0 or (a.writes and back):
                return None
            need = max(need, back + 1)
        elif a.writes:
            before = _number((first - a.sub) * step)
            if before is None or a.after:
                return None
            early.append(before)
        else:
            behind = _number((last - a.sub) * step)
            if behind is None or behind < 0 or not a.after:
                return None
            need = max(need, behind + 1)
    slots = 1 << (need - 1).bit_length()
    room = all(-slots < b < max(slots, 2) for b in early) and max(early, default=0) - min(early, default=0) < slots
    return slots if slots <= MAX_SLOTS and room else None


def _number(e: Expr) -> int | None:
    return int(e.value) if isinstance(e, Const) else None


def _touched(body: tuple[Node, ...]) -> dict[Tensor, list[tuple[int, Node, Subs, bool]]]:
    """Per tensor, in order: (position and node of the body, subscripts, whether written)."""
    found: dict[Tensor, list[tuple[int, Node, Subs, bool]]] = {}
    for k, node in enumerate(body):
        for s in _statements(node):
            found.setdefault(s.tensor, []).append((k, node, s.write, True))
            for r in s.reads:
                found.setdefault(r.tensor, []).append((k, node, r.subs, False))
    return found


def _accesses(axis: int, group: list[Loop], touched: list[tuple[int, Node, Subs, bool]]) -> list[Access]:
    own: set[Node] = set(group)
    first = min(k for k, node, _, _ in touched if node in own)
    return [
        Access(place_of(subs[axis]), writes, node if node in own and isinstance(node, Loop) else None, k >= first)
        for k, node, subs, writes in touched
    ]


def _statements(node: Node) -> list[Statement]:
    if isinstance(node, Nest):
        return list(node.statements)
    return [s for child in node.body for s in _statements(child)]
