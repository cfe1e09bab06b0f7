"""How a program runs on a machine: a tree for each of its nests (`tree`), the routines they share, and what its loops
keep in registers. All choices about loops are made here and in what this calls; code generation follows them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from graphc.equations.domain import Domain
from graphc.equations.expr import Expr, Index, Op, Read, above_reads
from graphc.equations.graphs import Graph
from graphc.equations.ops import OPS
from graphc.equations.system import Tensor
from graphc.schedule.costs import INLINED, PIECE, SHARED_IN_LOOP, WINDOWS, Machine
from graphc.schedule.facts import Facts
from graphc.schedule.guards import nest_guards
from graphc.schedule.limits import with_limits
from graphc.schedule.lowering import tree_of
from graphc.schedule.outline import Shape, outline, shared_shape
from graphc.schedule.program import Loop, Nest, Node, Program, Statement
from graphc.schedule.program import nodes_of as nodes_in
from graphc.schedule.registers import Lags, carried_lags
from graphc.schedule.tiles import Plan, plan
from graphc.schedule.tree import Call, Guard, Keep, Routine, Tree, lines_of, nodes_of, routines_of


@dataclass(frozen=True, eq=False)
class Part:
    """Statements of a nest that run together: their tile, the tree, and its shape where others may be alike."""

    tile: Plan
    tree: Tree
    shape: Shape | None


@dataclass(frozen=True, eq=False)
class NestPlan:
    """`nest`, with limits that data give taken from its values; the conditions (`guards`) on sizes and outer loops
    under which it runs; its parts, one after the other. `copies`: long functions are copied in place, not called."""

    nest: Nest
    guards: tuple[Expr, ...]
    parts: tuple[Part, ...]
    copies: bool = True

    @cached_property
    def tree(self) -> Tree:
        """How it runs."""
        tree = tuple(node for part in self.parts for node in part.tree)
        return (Guard(self.guards, tree),) if self.guards else tree

    @property
    def tiles(self) -> list[Plan]:
        return [part.tile for part in self.parts]

    def __str__(self) -> str:
        """`j in vectors x 2, i in 14 rows`."""
        parts = []
        for t in self.tiles:
            if t.vec is not None:
                parts.append(f"{t.vec.name} in vectors" + (f" x {t.chunks}" if t.chunks > 1 else ""))
            if t.row is not None:
                parts.append(f"{t.row.name} in {t.rows} rows")
        own = [part.tree if part.shape is None else part.shape.tree for part in self.parts]
        kept = [n for tree in own for n in nodes_of(tree) if isinstance(n, Keep) and n.along]
        parts += [f"{n.loops[-1].index.name} in vectors, then added up" for n in kept]
        return ", ".join(dict.fromkeys(parts))

    def tag(self) -> str:
        """`<shape0 v2 r14>`."""
        parts = [n.routine.name for n in nodes_of(self.tree) if isinstance(n, Call)]
        parts += ["if"] if self.guards else []
        parts += [f"v{t.chunks}" for t in self.tiles if t.vec is not None]
        parts += [f"r{t.rows}" for t in self.tiles if t.row is not None]
        return f"<{' '.join(dict.fromkeys(parts))}>" if parts else ""

    def lines(self) -> list[str]:
        """The tree as pseudo-code."""
        return lines_of(self.tree)


@dataclass(frozen=True, eq=False)
class How:
    """The plan of each nest, the routines, what each loop hands on in registers, how arguments are updated, the parts
    in which the body is compiled. `fused`: a product and a sum may be rounded as one. `windows`: the longest stride at
    which contiguous vectors are loaded."""

    machine: Machine
    plans: Mapping[Nest, NestPlan]
    lags: Mapping[Loop, Lags]
    copies: tuple[NestPlan, ...]
    pieces: tuple[tuple[Node, ...], ...]
    fused: bool
    windows: int = WINDOWS
    routines: tuple[Routine, ...] = field(default=())

    def routine_lines(self) -> list[str]:
        """What routines do, over operands that begin where their calls say."""
        lines = []
        for r in self.routines:
            operands = ", ".join(f"{t!r}" for t in r.tensors)
            lines += [f"{r.name}({operands}):", *("    " + line for line in lines_of(r.tree))]
        return lines


def planned(program: Program, machine: Machine) -> Program:
    """The program with a plan for each of its nests, for a machine."""
    planner = _Planner(Facts(program, machine))
    planner.walk(program.body, ())
    many = _scalar_functions(program) > INLINED
    plans = planner.shared()
    plans = {n: replace(p, copies=not many or bool(n.parallel)) for n, p in plans.items()}
    updates = tuple(planner.plan(_updated(old, new), guards=()) for old, new in program.update.items())
    lags = {loop: carried_lags(loop, plans) for loop in program.loops}
    routines = tuple(routines_of([p.tree for p in (*plans.values(), *updates)]))
    fused = planner.facts.fused
    return replace(program, how=How(machine, plans, lags, updates, _pieces(program.body), fused, routines=routines))


class _Planner:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.plans: dict[Nest, NestPlan] = {}
        self.known: dict[object, Routine] = {}

    def walk(self, nodes: Sequence[Node], around: tuple[Loop, ...]) -> None:
        for node in nodes:
            if isinstance(node, Nest):
                context, system = self.facts.context, self.facts.program.system
                self.plans[node] = self.plan(node, nest_guards(node, around, context, system))
            else:
                self.walk(node.body, (*around, node))

    def plan(self, nest: Nest, guards: Sequence[Expr]) -> NestPlan:
        nest = with_limits(nest)
        return NestPlan(nest, tuple(guards), tuple(map(self._part, apart(nest))))

    def _part(self, nest: Nest) -> Part:
        facts = self.facts
        tile = plan(nest, facts.context, facts.machine, facts.program.system)
        tree = tree_of(nest, tile, facts, self.known)
        worth = not nest.outer or sum(s.size for s in nest.statements) >= SHARED_IN_LOOP
        return Part(tile, tree, shared_shape(tree, tile, facts) if worth else None)

    def shared(self) -> dict[Nest, NestPlan]:
        """The plans, with calls instead of parts whose shape occurs again."""
        alike = Counter(part.shape.key for p in self.plans.values() for part in p.parts if part.shape is not None)

        def of(part: Part) -> Part:
            if part.shape is None or alike[part.shape.key] == 1:
                return part
            return replace(part, tree=(outline(part.shape, self.facts, self.known),))

        return {nest: replace(p, parts=tuple(map(of, p.parts))) for nest, p in self.plans.items()}


def apart(nest: Nest) -> list[Nest]:
    """What shares no tensor need not share loops: outside all loops each becomes a nest and may be like another."""
    if nest.outer or not nest.parallel or len(nest.statements) == 1:
        return [nest]
    graph: Graph[Statement] = Graph(nodes=nest.statements)
    user: dict[Tensor, Statement] = {}
    for s in nest.statements:
        for t in (s.tensor, *(r.tensor for r in s.reads)):
            one = user.setdefault(t, s)
            graph.add([(one, s), (s, one)] if one is not s else ())
    place = {s: k for k, s in enumerate(nest.statements)}
    together = sorted((sorted(part, key=place.__getitem__) for part in graph.components()), key=lambda p: place[p[0]])
    return [replace(nest, statements=tuple(part)) for part in together]


def _updated(old: Tensor, new: Tensor) -> Nest:
    """An argument that is given its new value."""
    indices = tuple(Index(f"i{k}") for k in range(len(old.dims)))
    return Nest((), indices, (Statement(old, "set", Domain.box(indices, old.dims), indices, Read(new, indices)),))


def _scalar_functions(program: Program) -> int:
    """How many long functions (exp, tanh, ..) stand in straight-line scalar code."""
    nodes = (n for nest in program.nests if not nest.parallel for s in nest.statements for n in above_reads(s.value))
    return sum(1 for n in nodes if isinstance(n, Op) and OPS[n.name].flops >= 20)


def _pieces(body: Sequence[Node]) -> tuple[tuple[Node, ...], ...]:
    """The program in parts of about PIECE operations; a loop is not cut."""
    pieces: list[list[Node]] = [[]]
    length = 0
    for node in body:
        count = sum(s.size for nest in nodes_in([node]) if isinstance(nest, Nest) for s in nest.statements)
        if length and length + count > PIECE:
            pieces.append([])
            length = 0
        pieces[-1].append(node)
        length += count
    return tuple(map(tuple, pieces))
