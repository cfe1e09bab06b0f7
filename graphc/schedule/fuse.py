"""Statements → nests: neighbours that run over the same points become one nest, and pass values in registers.

A statement joins a nest if their parallel points are the same and it reads what the nest writes only at its own point.
A contraction and the elementwise function of its result stay two nests, not a product with an epilogue. The state of a
step stays in the first cache between them, which costs about 1 % of the product; and contractions of one shape share
one function, which halves the compile time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd

from graphc.equations import sets
from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Read, indices_of, reads, substitute
from graphc.equations.simplify import affine_parts
from graphc.equations.system import Tensor
from graphc.schedule.loops import Tree
from graphc.schedule.program import Loop, Nest, Node, Statement, statement_reads

LARGEST = 500  # nodes in one nest: no register file holds more, and LLVM takes longer than in proportion


def fuse(tree: Tree, outer: tuple[Index, ...] = ()) -> tuple[Node, ...]:
    """Nests (and loops of nests) in the order of the tree."""
    nodes = _Nodes(outer)
    for item in tree:
        if isinstance(item, Loop):
            nodes.append(replace(item, body=fuse(list(item.body), (*outer, item.var))))  # type: ignore[arg-type]
        else:
            nodes.put(item)
    return tuple(n.nest() if isinstance(n, _Open) else n for n in nodes.nodes)


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


class _Open:
    """A nest that is being put together, with tables of what it writes and reads."""

    def __init__(self, outer: tuple[Index, ...], s: Statement) -> None:
        self.outer, self.parallel = outer, parallel_indices(s, outer)
        self.statements: list[Statement] = []
        self.writers: dict[Tensor, list[Statement]] = {}
        self.readers: dict[Tensor, list[Read]] = {}
        self.points = _points(s, (*self.outer, *self.parallel))
        self.size = 0
        # A sum fills the registers with a tile of its own, so that nothing joins it (or is joined by it).
        plain = not self.parallel or len(s.domain.indices) == len(self.parallel) + len(outer)
        self.sums, self.loose = not self.parallel and not outer and s.is_sum, False
        self.takes = plain and not is_scatter(s, self.parallel, outer)
        self.add(s)

    def add(self, s: Statement) -> None:
        self.statements.append(s)
        self.sums = self.sums and s.is_sum
        self.loose = self.sums and len(self.statements) > 1  # each runs under conditions of its own
        self.size += s.size
        self.writers.setdefault(s.tensor, []).append(s)
        for r in statement_reads(s):
            self.readers.setdefault(r.tensor, []).append(r)

    def nest(self) -> Nest:
        return Nest(self.outer, self.parallel, tuple(self.statements))


class _Nodes:
    """The nodes so far; which nests may take more; where each tensor was last written and read."""

    def __init__(self, outer: tuple[Index, ...]) -> None:
        self.outer = outer
        self.nodes: list[Loop | _Open] = []
        self.open: list[int] = []
        self.written: dict[Tensor, int] = {}
        self.read: dict[Tensor, int] = {}

    def append(self, loop: Loop) -> None:
        self.nodes.append(loop)
        for s in _statements(loop):
            self._note(s, len(self.nodes) - 1)

    def put(self, s: Statement) -> None:
        """Into the latest nest that can take it, going back as far as what it depends on; else into a new one."""
        first = max(self.read.get(s.tensor, -1), *(self.written.get(t, -1) for t in (s.tensor, *_tensors_read(s))))
        for k in reversed(self.open):
            if k < first:
                break
            nest = self.nodes[k]
            assert isinstance(nest, _Open)
            renamed = _fits(nest, s)
            if renamed is not None:
                nest.add(renamed)
                self._note(s, k)
                if nest.size >= LARGEST:
                    self.open.remove(k)
                return
        nest = _Open(self.outer, s)
        self.nodes.append(nest)
        self._note(s, len(self.nodes) - 1)
        if nest.takes:
            self.open.append(len(self.nodes) - 1)

    def _note(self, s: Statement, place: int) -> None:
        self.written[s.tensor] = max(place, self.written.get(s.tensor, -1))
        for t in _tensors_read(s):
            self.read[t] = max(place, self.read.get(t, -1))


def _tensors_read(s: Statement) -> list[Tensor]:
    return [r.tensor for r in statement_reads(s)]


def _statements(node: Node) -> list[Statement]:
    if isinstance(node, Nest):
        return list(node.statements)
    return [s for child in node.body for s in _statements(child)]


def _fits(nest: _Open, s: Statement) -> Statement | None:
    """`s` in the nest's indices if it can run point by point with it."""
    own = parallel_indices(s, nest.outer)
    if len(own) != len(nest.parallel) or is_scatter(s, own, nest.outer):
        return None
    if own and len(s.domain.indices) != len(own) + len(nest.outer):
        return None
    links = _links(nest, s, own)
    if links is None:
        return None
    links = links or dict(zip(own, nest.parallel, strict=True))
    if len(links) != len(own) or len(set(links.values())) != len(own):
        return None
    renamed = rename(s, links)
    if not (nest.sums and s.is_sum):
        here = _points(renamed, (*nest.outer, *nest.parallel)).set
        if nest.loose or not here.is_equal(nest.points.set):
            return None
    return renamed if _order_holds(nest, renamed) else None


def rename(s: Statement, links: dict[Index, Index]) -> Statement:
    """The statement with other indices."""
    mapping: dict[Index, Expr] = {**links}
    return replace(
        s,
        domain=s.domain.rename(links),
        write=tuple(substitute(w, mapping) for w in s.write),
        value=substitute(s.value, mapping),
    )


def _links(nest: _Open, s: Statement, own: tuple[Index, ...]) -> dict[Index, Index] | None:
    """How the indices of `s` must be named for its reads of the nest's tensors to be at the nest's own point.

    None if some read is at another point; empty if nothing links them.
    """
    links: dict[Index, Index] = {}
    for tensor, subs in [(s.tensor, s.write), *((r.tensor, r.subs) for r in statement_reads(s))]:
        for q in nest.writers.get(tensor, ()):
            found = _match(q.write, subs, nest.outer)
            if found == "apart":
                continue
            if found is None:
                return None
            for a, b in found.items():  # type: ignore[union-attr]
                if links.setdefault(a, b) is not b or a not in own:
                    return None
    return None if _is_read(nest, s) else links


def _is_read(nest: _Open, s: Statement) -> bool:
    """Whether the nest may read an element that `s` writes."""
    return any(_match(s.write, r.subs, nest.outer) != "apart" for r in nest.readers.get(s.tensor, ()))


def _match(write: tuple[Expr, ...], subs: tuple[Expr, ...], outer: Sequence[Index]) -> dict[Index, Index] | str | None:
    """The renaming that makes `subs` equal `write`; "apart" if they can never be equal here; None if not pointwise."""
    found: dict[Index, Index] = {}
    pointwise = True
    for w, r in zip(write, subs, strict=True):
        w_own, r_own = indices_of(w) - set(outer), indices_of(r) - set(outer)
        if _never_equal(w, r, outer):
            return "apart"
        if not w_own and not r_own:
            pointwise = pointwise and not affine_parts(r - w)[0]
            continue
        if len(w_own) == 1 and len(r_own) == 1 and not reads(r):
            (a,), (b,) = r_own, w_own
            pointwise = pointwise and substitute(r, {a: b}) is w and found.setdefault(a, b) is b
        else:
            pointwise = False
    return found if pointwise else None


def _never_equal(a: Expr, b: Expr, outer: Sequence[Index]) -> bool:
    """Whether two subscripts differ whatever values their own indices have: `2*i` and `2*j + 1` (the GCD test)."""
    (one, c), (other, d) = affine_parts(a), affine_parts(b)
    fixed = {leaf for leaf in (*one, *other) if not indices_of(leaf) - set(outer)}
    steps = [one.get(leaf, 0) - other.get(leaf, 0) for leaf in fixed]
    steps += [k for parts in (one, other) for leaf, k in parts.items() if leaf not in fixed]
    step = gcd(*steps)
    return (c - d) % step != 0 if step else c != d


def _points(s: Statement, order: Sequence[Index]) -> Domain:
    """The points of these indices at which a statement runs."""
    return _ordered(s.domain.project(order), order)


def _ordered(domain: Domain, order: Sequence[Index]) -> Domain:
    if domain.indices == tuple(order):
        return domain
    space = Domain.where(order)
    return Domain(tuple(order), sets.preimage(domain.set, space.access(list(domain.indices))))


def _order_holds(nest: _Open, s: Statement) -> bool:
    """A start value must come before every contribution to the same element, and contributions before its readers."""
    if s.mode != "set":
        return not _is_read(nest, s)
    others = nest.writers.get(s.tensor, ())
    return not others or (bool(nest.parallel) and all(_match(q.write, s.write, nest.outer) == "apart" for q in others))
