"""The loop IR: how one nest runs, as a tree that code generation follows and the verifier walks.

    Tree = Node*
    Node = For(bounds, kind, sizes, body)     one index; kind: "points" one by one
                                              | "vectors": so many vectors at once, `sizes` in turn, the last masked
                                              | "rows": so many values at once in registers, `sizes` in turn
         | Guard(conditions, body)            where all of them hold
         | Do(statement)                      element = value or element (+)= value, at each point of the tile around
         | Keep(terms, loops, ..)             reductions in registers over `loops`; then each joins its element
         | Clear(tensor)                      all of its buffer to zero
         | Packed(keep, vec, row, panels, ..) a contraction in cache blocks
         | Call(routine, ..)                  code that nests of one shape share

After Halide (Ragan-Kelley and others 2013), Exo (Ikarashi and others 2022) and the impero of GEM. The moves that make
such trees are in `moves`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphc.equations.bounds import Bounds
from graphc.equations.expr import Expr, Index, Read
from graphc.equations.ops import SIGNS
from graphc.equations.printing import show
from graphc.equations.system import Tensor
from graphc.schedule.program import Statement


@dataclass(frozen=True, eq=False)
class For:
    bounds: Bounds
    kind: str
    sizes: tuple[int, ...]
    body: Tree

    @property
    def index(self) -> Index:
        return self.bounds.index


@dataclass(frozen=True, eq=False)
class Guard:
    conditions: tuple[Expr, ...]
    body: Tree


@dataclass(frozen=True, eq=False)
class Do:
    statement: Statement


@dataclass(frozen=True)
class Cut:
    """A long sum's loop over `index` in pieces of `length` steps, whose sums go through a cascade, `fan` a level."""

    index: Index
    length: int
    fan: int


@dataclass(frozen=True, eq=False)
class Keep:
    """Reductions over the same `loops`, and their terms. `along`: so many vectors along the innermost loop, the lanes
    added up at the end; 0: an accumulator for each point of the tile. `logs`: sums of logarithms as products."""

    terms: tuple[tuple[Statement, Expr], ...]
    loops: tuple[Bounds, ...]
    along: int = 0
    cut: Cut | None = None
    logs: bool = False


@dataclass(frozen=True, eq=False)
class Clear:
    tensor: Tensor


@dataclass(frozen=True, eq=False)
class Packed:
    """A reduction over tiles of `vec` and `row`, both "For" without a body, in blocks of at most `depth` summed points.

    What is read along the vectors and not along the rows is copied into `panels` first. `fan`: of more blocks than
    that, partial sums go through a cascade; 0: they are not rounded."""

    keep: Keep
    vec: For
    row: For
    panels: tuple[Read, ...]
    depth: int
    fan: int
    most_rows: int


@dataclass(frozen=True, eq=False)
class Routine:
    """Code of one shape. Operands are tensors x0, x1, .. whose elements begin where a call says; `strides` says for
    each of an operand's axes how far apart its neighbours are: a number, or which stride argument. Extents and other
    integers, arguments too, are the sizes `sizes`. `apart`: the operands that share no element with another."""

    number: int
    indices: tuple[Index, ...]  # one for each group of a call
    tensors: tuple[Tensor, ...]
    strides: tuple[tuple[int | str, ...], ...]
    sizes: tuple[str, ...]
    apart: frozenset[Tensor]
    fused: bool
    tree: Tree

    @property
    def name(self) -> str:
        return f"shape{self.number}"


@dataclass(frozen=True, eq=False)
class Call:
    """`routine` for the elements `reads`, an operand each, over `groups` of loops, each group one long loop; it does
    what `statements` say.

    `extents`: the groups whose lengths are arguments. `strides`: the (operand, group) whose stride each stride argument
    is. `integers` follow the lengths. `rows`: the group of which at most `rows[1]` at once are handed on where more
    than `rows[2]` terms are summed over the groups `summed`."""

    routine: Routine
    reads: tuple[Read, ...]
    groups: tuple[tuple[Bounds, ...], ...]
    extents: tuple[int, ...]
    strides: tuple[tuple[int, int], ...]
    statements: tuple[Statement, ...]
    integers: tuple[Expr, ...] = ()
    summed: tuple[int, ...] = ()
    rows: tuple[int, int, int] | None = None


Node = For | Guard | Do | Keep | Clear | Packed | Call
Tree = tuple[Node, ...]


def nodes_of(tree: Tree) -> Iterator[Node]:
    """All nodes of a tree, those of routines that it calls left out."""
    for node in tree:
        yield node
        if isinstance(node, For | Guard):
            yield from nodes_of(node.body)


def routines_of(trees: Sequence[Tree]) -> list[Routine]:
    """The routines that trees call, in order of their numbers."""
    found = {n.routine.number: n.routine for tree in trees for n in nodes_of(tree) if isinstance(n, Call)}
    return [found[k] for k in sorted(found)]


# As text ----------------------------------------


def lines_of(tree: Tree, depth: int = 0) -> list[str]:
    """The tree as pseudo-code."""
    found: list[str] = []
    for node in tree:
        head, inside = _lines(node)
        found += [*("    " * depth + line for line in head)]
        found += lines_of(inside, depth + 1)
    return found


def _lines(node: Node) -> tuple[list[str], Tree]:
    match node:
        case For(bounds=b, kind=kind, sizes=sizes, body=body):
            return [f"for {_range(b)}{_kind(kind, sizes)}:"], body
        case Guard(conditions=conditions, body=body):
            return [f"if {' and '.join(map(show, conditions))}:"], body
        case Do(statement=s):
            return [repr(s)], ()
        case Clear(tensor=tensor):
            return [f"clear {tensor.name}"], ()
        case Keep():
            return _keep(node), ()
        case Packed():
            return _packed(node), ()
        case Call():
            return [_call(node)], ()


def _range(b: Bounds) -> str:
    return f"{b.index.name} = {show(b.lower)} .. {show(b.upper)}"


def _kind(kind: str, sizes: tuple[int, ...]) -> str:
    if kind == "points":
        return ""
    if kind == "vectors":
        return ", vectors" + (f" x {sizes[0]}" if sizes[0] > 1 else "")
    return f", rows of {', '.join(map(str, sizes))}"


def _keep(k: Keep) -> list[str]:
    pad, lines = "", []
    for n, b in enumerate(k.loops):
        last = n == len(k.loops) - 1
        how = f", vectors x {k.along}, lanes then added up" if last and k.along else ""
        cut = f", sums of {k.cut.length} steps apart" if k.cut is not None and k.cut.index is b.index else ""
        lines.append(f"{pad}{'sum' if k.terms[0][0].mode == 'sum' else 'reduce'} over {_range(b)}{how}{cut}:")
        pad += "    "
    for s, value in k.terms:
        subs = f"[{', '.join(map(show, s.write))}]" if s.write else ""
        logs = "    # logarithms as one of a product" if k.logs else ""
        lines.append(f"{pad}{s.tensor.name}{subs} {SIGNS[s.mode]} {show(value)}{logs}")
    return lines


def _packed(p: Packed) -> list[str]:
    names = ", ".join(b.index.name for b in p.keep.loops)
    packs = [f"        pack {show(r)}" for r in p.panels]
    ((s, _),) = p.keep.terms
    return [
        f"for {_range(p.vec.bounds)}{_kind('vectors', p.vec.sizes)}:",
        f"    for {names} in blocks of at most {p.depth}:",
        *packs,
        f"        for {_range(p.row.bounds)}{_kind('rows', p.row.sizes)}:",
        f"            sum over {names} of the block: {s!r}",
    ]


def _call(c: Call) -> str:
    what = "; ".join(map(repr, c.statements))
    return f"{c.routine.name}({', '.join(show(r) for r in c.reads)})    # {what}"
