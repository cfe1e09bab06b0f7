"""How nests run, as trees: walked point by point on machines of several kinds; moves change no point; errors planted
into trees are found."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

import graphc as gc
from graphc import Eq, Sum, exp
from graphc.equations.bounds import Bounds
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Index, Read, Size
from graphc.equations.system import Tensor
from graphc.schedule import costs
from graphc.schedule.build import schedule
from graphc.schedule.costs import Machine
from graphc.schedule.moves import fuse, mark, order, peel, split
from graphc.schedule.plans import planned
from graphc.schedule.program import Program, Statement
from graphc.schedule.tree import Call, Cut, Do, For, Guard, Keep, Packed, Tree, nodes_of
from graphc.schedule.verify import verify
from graphc.schedule.verify_plans import TreeRun, VerifyError
from graphc.transforms import optimise
from tests.oracle import graded
from tests.schedule.build import N, T, i, j, program, t
from tests.transforms.systems import EXAMPLES

SMALL = Machine(16, lanes=2, bits=64)  # so that blocks of vectors, single ones and masked ones all run at small sizes
MACHINES = [SMALL, Machine(32, lanes=4, bits=32, rounds=False)]
A, B, C = gc.Input("A", T, N), gc.Input("B", N, N), gc.Tensor("C", T, N)
PRODUCT = gc.System(Eq(C[t, j], Sum(A[t, i] * B[i, j], i)))
P, Q, R = gc.Input("P", T, N), gc.Tensor("Q", T, N), gc.Tensor("R", N, T)
ALIKE = gc.System(Eq(Q[t, i], exp(P[t, i])), Eq(R[i, t], exp(B[i, t % N])), Eq(C[t, i], exp(A[t, i])))
SIZES = {"T": 9, "N": 7}


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_statement_runs_at_each_of_its_points_on_any_machine(name: str):
    system, loss, _ = EXAMPLES[name]()
    found, outputs = graded(system, loss)
    scheduled = schedule(optimise(found, frozenset(outputs)), outputs, {})
    sizes = {n: max(5 + k % 3, found.least.get(n, 0)) for k, n in enumerate(found.sizes)}
    for machine in MACHINES:
        assert verify(planned(scheduled, machine), sizes | found.fixed, most=10**6)


def test_what_moves_along_vectors_and_rows_is_not_packed():
    M = gc.Input("M", T, N, N)
    p = planned(program(gc.System(Eq(C[t, j], Sum(M[t, i, j] * B[i, j], i))), "C"), SMALL)
    (packed,) = [n for r in p.how.routines for n in nodes_of(r.tree) if isinstance(n, Packed)]
    assert len(packed.panels) == 1 and verify(p, SIZES)


def changed(p: Program, change: Callable[[Tree], Tree]) -> Program:
    """The program with the trees of all nests, and of routines, changed."""

    def of(tree: Tree) -> Tree:
        found = []
        for node in change(tree):
            if isinstance(node, For | Guard):
                node = replace(node, body=of(node.body))
            elif isinstance(node, Call):
                node = replace(node, routine=replace(node.routine, tree=of(node.routine.tree)))
            found.append(node)
        return tuple(found)

    plans = {
        nest: replace(
            plan,
            guards=of(plan.tree)[0].conditions if plan.guards else (),
            parts=tuple(replace(part, tree=of(part.tree)) for part in plan.parts),
        )
        for nest, plan in p.how.plans.items()
    }
    return replace(p, how=replace(p.how, plans=plans))


def each(kind: type, change: Callable) -> Callable[[Tree], Tree]:
    return lambda tree: tuple(change(n) if isinstance(n, kind) else n for n in tree)


def later(b: Bounds) -> Bounds:
    return replace(b, lowers=tuple(x + 1 for x in b.lowers))


def other_operand(c: Call) -> Call:
    return replace(c, strides=(c.strides[2], *c.strides[1:]))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (each(Packed, lambda p: replace(p, row=replace(p.row, sizes=(6, 2)))), "never has the values"),
        (
            each(Packed, lambda p: replace(p, panels=tuple(s for s in p.keep.terms[0][0].reads))),
            "outside the loop|packed",
        ),
        (each(Packed, lambda p: replace(p, keep=replace(p.keep, loops=tuple(map(later, p.keep.loops))))), "begin at 0"),
        (each(Packed, lambda p: replace(p, vec=replace(p.vec, bounds=later(p.vec.bounds)))), "miss"),
        (each(Call, other_operand), "another place"),
        (
            each(Call, lambda c: replace(c, groups=(c.groups[0], c.groups[1], c.groups[2] * 2))),
            "more than once|another",
        ),
    ],
)
def test_errors_in_tiles_panels_and_calls_are_found(change: Callable, complaint: str):
    good = planned(program(PRODUCT, "C"), SMALL)
    assert any(isinstance(n, Call) for plan in good.how.plans.values() for n in nodes_of(plan.tree))
    assert verify(good, SIZES)
    with pytest.raises(VerifyError, match=complaint):
        verify(changed(good, change), SIZES)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (each(For, lambda f: replace(f, bounds=later(f.bounds))), "miss"),
        (each(For, lambda f: replace(f, body=f.body * 2)), "more than once"),
        (each(Guard, lambda g: replace(g, conditions=())), "also reach|outside|more than once"),
        (each(Keep, lambda k: replace(k, loops=tuple(map(later, k.loops)))), "miss"),
        (each(Keep, lambda k: replace(k, cut=Cut(Index("nowhere"), 4, 2))), "cut where it has no loop"),
    ],
)
def test_errors_in_loops_guards_and_sums_are_found(change: Callable, complaint: str):
    L, s = gc.Tensor("L"), gc.Tensor("s", T, N)
    states = Eq(s[t, i], s[t - 1, i] / 2 + A[t, i]), Eq(s[-1, i], 0)
    system = gc.System(*states, Eq(L, Sum(s[t, i] * P[t, i], t, i)))
    found, outputs = graded(system.ir, system.tensor("L"))
    good = planned(schedule(optimise(found, frozenset(outputs)), outputs, {}), SMALL)
    for sizes in (SIZES, {"T": 0, "N": 3}):
        assert verify(good, sizes)
    with pytest.raises(VerifyError, match=complaint):
        for sizes in (SIZES, {"T": 0, "N": 3}):
            verify(changed(good, change), sizes)


def test_nests_of_one_shape_share_code_and_say_so():
    p = planned(program(ALIKE, "Q", "C"), SMALL)
    calls = [n for plan in p.how.plans.values() for n in nodes_of(plan.tree) if isinstance(n, Call)]
    assert len(calls) == 2 and len(p.how.routines) == 1
    assert str(p).count("shape0(") == 3 and "shape0" in p.fingerprint()
    assert verify(p, SIZES)


# Moves ----------------------------------------

a, b = Index("a"), Index("b")
X = Tensor("X", (Size("T"), Size("N")), "tensor", "real")
S = Statement(X, "set", Domain.box((a, b), X.dims), (a, b), Const(1))


def box() -> Tree:
    bounds = [Bounds(i, (Const(0),), (n - 1,)) for i, n in zip((a, b), X.dims, strict=True)]
    return (For(bounds[0], "points", (1,), (For(bounds[1], "points", (1,), (Do(S),)),)),)


@cache
def some_program() -> Program:
    return planned(program(PRODUCT, "C"), SMALL)


def points(tree: Tree, rows: int, columns: int):
    return TreeRun(some_program(), {Size("T"): rows, Size("N"): columns}).run(tree)


lengths = st.integers(0, 11)
MOVES = {
    "split": lambda n: split(box(), b, n),
    "split twice": lambda n: split(split(box(), b, 4), a, n),
    "order": lambda n: order(box(), (b, a)),
    "vectors": lambda n: mark(box(), b, "vectors", (n, 1)),
    "rows": lambda n: mark(box(), a, "rows", dict.fromkeys((n, 2, 1)) if n > 2 else (n, 1)),
    "peel": lambda n: peel(box(), a, n),
}


@pytest.mark.parametrize("name", MOVES)
@given(rows=lengths, columns=lengths, n=st.integers(1, 6))
def test_a_move_changes_no_point(name: str, rows: int, columns: int, n: int):
    assert points(MOVES[name](n), rows, columns) == points(box(), rows, columns)


@given(rows=lengths, columns=lengths)
def test_fused_trees_run_both(rows: int, columns: int):
    more = replace(S, value=Const(2))
    (outer,) = box()
    (inner,) = outer.body
    other = (replace(outer, body=(replace(inner, body=(Do(more),)),)),)
    both = fuse(box(), other)
    assert len(both) == 1 and len(both[0].body) == 1
    assert points(both, rows, columns) == points(box(), rows, columns) + points(other, rows, columns)
    apart = fuse(box(), mark(other, b, "vectors", (1,)))
    assert len(apart[0].body) == 2


def test_what_cannot_change_places_is_refused():
    triangle = Bounds(b, (Const(0),), (a,))
    tree = (For(Bounds(a, (Const(0),), (Size("T") - 1,)), "points", (1,), (For(triangle, "points", (1,), (Do(S),)),)),)
    with pytest.raises(ValueError, match="depends on another"):
        order(tree, (b, a))
    with pytest.raises(ValueError, match="directly one inside the other"):
        order(tree, (b, Index("c")))


# Code generation follows ----------------------------------------


def test_code_generation_makes_no_choice():
    """No number of `costs` is known there, nor a name of one."""
    names = [n for n in vars(costs) if n.isupper()]
    assert len(names) > 10
    for path in sorted((Path(gc.__file__).parent / "codegen").rglob("*.py")):
        text = path.read_text()
        assert "schedule.costs" not in text, path
        assert not [n for n in names if re.search(rf"\b{n}\b", text)], path


def test_reads_of_a_routine_are_its_own():
    p = planned(program(PRODUCT, "C"), SMALL)
    for routine in p.how.routines:
        for node in nodes_of(routine.tree):
            if isinstance(node, Packed):
                ((s, _),) = node.keep.terms
                assert {r.tensor for r in (*s.reads, Read(s.tensor, s.write))} <= set(routine.tensors)
