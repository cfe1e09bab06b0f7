"""Statements → nests: neighbours that run over the same points become one nest, and pass values in registers.

A statement joins a nest if their parallel points are the same and it reads what the nest writes only at its own point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, indices_of, reads, substitute
from graphc.equations.simplify import affine_parts
from graphc.schedule.loops import Tree
from graphc.schedule.program import Loop, Nest, Node, Statement, statement_reads


def fuse(tree: Tree, outer: tuple[Index, ...] = ()) -> tuple[Node, ...]:
    """Nests (and loops of nests) in the order of the tree."""
    nodes: list[Node] = []
    for item in tree:
        if isinstance(item, Loop):
            nodes.append(replace(item, body=fuse(list(item.body), (*outer, item.var))))  # type: ignore[arg-type]
            continue
        if not _join(nodes, item):
            nodes.append(Nest(outer, parallel_indices(item, outer), (item,)))
    return tuple(nodes)


def parallel_indices(s: Statement, outer: Sequence[Index]) -> tuple[Index, ...]:
    """The indices whose different values always write different elements, in the order of the axes written."""
    found: dict[Index, None] = {}
    for w in s.write:
        own = indices_of(w) - set(outer)
        if (
            len(own) == 1
            and own <= affine_parts(w)[0].keys()
            and not any(own & indices_of(leaf) for leaf in affine_parts(w)[0] if not isinstance(leaf, Index))
        ):
            found.update(dict.fromkeys(own))
    return tuple(found)


def is_scatter(s: Statement, nest_parallel: Sequence[Index], outer: Sequence[Index]) -> bool:
    """Whether the element written moves with an index that is not parallel."""
    return bool(s.written - set(nest_parallel) - set(outer)) or any(reads(w) for w in s.write)


def _join(nodes: list[Node], s: Statement) -> bool:
    """Put `s` into the latest nest that can take it, going back past what it does not depend on."""
    for k in range(len(nodes) - 1, -1, -1):
        node = nodes[k]
        if isinstance(node, Nest):
            renamed = _fits(node, s)
            if renamed is not None:
                nodes[k] = replace(node, statements=(*node.statements, renamed))
                return True
        if _conflicts(node, s):
            return False
    return False


def _statements(node: Node) -> list[Statement]:
    if isinstance(node, Nest):
        return list(node.statements)
    return [s for child in node.body for s in _statements(child)]


def _conflicts(node: Node, s: Statement) -> bool:
    """Whether `s` must stay behind `node`."""
    needed = {r.tensor for r in statement_reads(s)} | {s.tensor}
    for other in _statements(node):
        if other.tensor in needed or any(r.tensor is s.tensor for r in statement_reads(other)):
            return True
    return False


def _fits(nest: Nest, s: Statement) -> Statement | None:
    """`s` in the nest's indices if it can run point by point with it."""
    own = parallel_indices(s, nest.outer)
    if len(own) != len(nest.parallel) or is_scatter(s, own, nest.outer):
        return None
    if any(is_scatter(q, nest.parallel, nest.outer) for q in nest.statements):
        return None
    if nest.parallel and not _all_plain(nest, s, own):
        return None
    links = _links(nest, s, own)
    if links is None:
        return None
    links = links or dict(zip(own, nest.parallel, strict=True))
    if len(links) != len(own) or len(set(links.values())) != len(own):
        return None
    renamed = rename(s, links)
    if not _same_points(nest, renamed):
        return None
    return renamed if _order_holds(nest, renamed) else None


def _all_plain(nest: Nest, s: Statement, own: tuple[Index, ...]) -> bool:
    """Whether neither the nest nor `s` sums over anything: a sum fills the registers with a tile of its own."""
    return len(s.domain.indices) == len(own) + len(nest.outer) and all(
        len(q.domain.indices) == len(nest.parallel) + len(nest.outer) for q in nest.statements
    )


def rename(s: Statement, links: dict[Index, Index]) -> Statement:
    """The statement with other indices."""
    mapping: dict[Index, Expr] = {**links}
    return Statement(
        s.tensor,
        s.mode,
        s.domain.rename(links),
        tuple(substitute(w, mapping) for w in s.write),
        substitute(s.value, mapping),
        s.origin,
    )


def _links(nest: Nest, s: Statement, own: tuple[Index, ...]) -> dict[Index, Index] | None:
    """How the indices of `s` must be named for its reads of the nest's tensors to be at the nest's own point.

    None if some read is at another point; empty if nothing links them.
    """
    links: dict[Index, Index] = {}
    for q in nest.statements:
        accesses = [r.subs for r in statement_reads(s) if r.tensor is q.tensor]
        if q.tensor is s.tensor:
            accesses.append(s.write)
        for subs in accesses:
            found = _match(q.write, subs, nest.outer)
            if found == "apart":
                continue
            if found is None:
                return None
            for a, b in found.items():  # type: ignore[union-attr]
                if links.setdefault(a, b) is not b or a not in own:
                    return None
        if any(_match(s.write, r.subs, nest.outer) != "apart" for r in statement_reads(q) if r.tensor is s.tensor):
            return None
    return links


def _match(write: tuple[Expr, ...], subs: tuple[Expr, ...], outer: Sequence[Index]) -> dict[Index, Index] | str | None:
    """The renaming that makes `subs` equal `write`; "apart" if they can never be equal here; None if not pointwise."""
    found: dict[Index, Index] = {}
    pointwise = True
    for w, r in zip(write, subs, strict=True):
        w_own, r_own = indices_of(w) - set(outer), indices_of(r) - set(outer)
        if not w_own and not r_own:
            parts, c = affine_parts(r - w)
            if not parts and c:
                return "apart"
            pointwise = pointwise and not parts
            continue
        if len(w_own) == 1 and len(r_own) == 1 and not reads(r):
            (a,), (b,) = r_own, w_own
            pointwise = pointwise and substitute(r, {a: b}) is w and found.setdefault(a, b) is b
        else:
            pointwise = False
    return found if pointwise else None


def _same_points(nest: Nest, s: Statement) -> bool:
    keep = (*nest.outer, *nest.parallel)
    mine, theirs = _ordered(s.domain.project(keep), keep), _ordered(nest.statements[0].domain.project(keep), keep)
    return bool(mine.set.is_equal(theirs.set))


def _ordered(domain: Domain, order: Sequence[Index]) -> Domain:
    if domain.indices == tuple(order):
        return domain
    space = Domain.where(order)
    return Domain(tuple(order), domain.set.apply(space.access(list(domain.indices)).reverse()))


def _order_holds(nest: Nest, s: Statement) -> bool:
    """A start value must come before every contribution to the same tensor, and contributions before its readers."""
    writes = [q for q in nest.statements if q.tensor is s.tensor]
    if s.mode == "set":
        return not writes
    return not any(
        isinstance(r, Read) and r.tensor is s.tensor for q in nest.statements for r in statement_reads(q)
    ) or all(
        _match(s.write, r.subs, nest.outer) == "apart"
        for q in nest.statements
        for r in statement_reads(q)
        if r.tensor is s.tensor
    )
