"""Shorter chains: in a sequential loop, sums are ordered so that what the last step hands on is added last.

`h[t] = e[t]*e[t]*a + h[t-1]*b + w` becomes `(e[t]*e[t]*a + w) + h[t-1]*b`: all but one fused multiply-add can be done
before the last step has finished. A sum has no order in its equation, so this is a choice, made here, and only where
it shortens a chain: statements outside cycles stay as they were written, and `inline` keeps named sums apart.
"""

from __future__ import annotations

from dataclasses import replace

from graphc.equations.expr import Const, Expr, Op, Read, above_reads, is_sum, make, rebuild
from graphc.schedule.loops import Tree
from graphc.schedule.program import Loop, Statement

LATEST = 1_000_000


def shorten_chains(tree: Tree, loops: tuple[Loop, ...] = ()) -> Tree:
    """The tree with every sum in a loop reordered by how soon its addends are known."""
    found: Tree = []
    for item in tree:
        if isinstance(item, Loop):
            found.append(replace(item, body=tuple(shorten_chains(list(item.body), (*loops, item)))))  # type: ignore[arg-type]
        else:
            found.append(replace(item, value=_reordered(item, loops[-1])) if loops else item)
    return found


def _reordered(s: Statement, loop: Loop) -> Expr:
    """The value with the latest addend of each sum outermost."""
    ready: dict[Expr, int] = {}
    done: dict[Expr, Expr] = {}
    inner = {a for n in above_reads(s.value) if is_sum(n) for a in n.args if is_sum(a)}
    for node in above_reads(s.value):
        if isinstance(node, Read):
            ready[node] = _lateness(node, loop)
            done[node] = node
            continue
        ready[node] = max((ready[a] for a in node.args), default=0)
        if is_sum(node) and node not in inner:
            done[node] = _sum(sorted(_addends(node), key=lambda a: ready[a[1]]), done)
        else:
            done[node] = rebuild(node, tuple(done[a] for a in node.args))
    return done[s.value]


def _addends(e: Expr) -> list[tuple[bool, Expr]]:
    """(positive, addend) of a sum, in order."""
    todo: list[tuple[bool, Expr]] = [(True, e)]
    found = []
    while todo:
        sign, node = todo.pop()
        if is_sum(node):
            left, right = node.args
            todo.append((sign if isinstance(node, Op) and node.name == "add" else not sign, right))
            todo.append((sign, left))
        else:
            found.append((sign, node))
    return found


def _sum(addends: list[tuple[bool, Expr]], done: dict[Expr, Expr]) -> Expr:
    first = next((k for k, (sign, _) in enumerate(addends) if sign), 0)
    addends = [addends[first], *addends[:first], *addends[first + 1 :]] if addends[first][0] else addends
    total = done[addends[0][1]] if addends[0][0] else make("neg", done[addends[0][1]])
    for sign, a in addends[1:]:
        total = make("add" if sign else "sub", total, done[a])
    return total


def _lateness(read: Read, loop: Loop) -> int:
    """0 for what is known before the loop, more the later a step of it provides the value: lag 1 is the last."""
    found = loop.along.get(read.tensor)
    if found is None:
        return 0
    axis, ahead = found
    lag = loop.var + ahead - read.subs[axis]
    return LATEST - abs(int(lag.value)) if isinstance(lag, Const) else LATEST
