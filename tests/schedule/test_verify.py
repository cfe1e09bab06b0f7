"""The verifier: right programs pass at all sizes, and a program with anything moved is caught."""

from dataclasses import replace

import pytest

import graphc as gc
from graphc import Eq, Sum, compiler, tanh
from graphc.equations.exclusive import LOCK
from graphc.equations.expr import Const, Read, make, substitute
from graphc.schedule.program import Loop, Nest, Statement
from graphc.schedule.verify import VerifyError, verify, verify_small
from tests import oracle
from tests.schedule.build import N, T, i, program, t
from tests.transforms.systems import EXAMPLES

x, s, last = gc.Input("x", T), gc.Tensor("s", T), gc.Tensor("last")
X, W, S = gc.Input("X", T, N), gc.Param("W", N, N), gc.Tensor("S", T, N)
L = gc.Tensor("L")
CHAIN = gc.System(Eq(s[t], tanh(s[t - 1] + s[t - 3] + x[t])), *(Eq(s[-k], 0) for k in (1, 2, 3)), Eq(last, s[T - 1]))
RNN = gc.System(Eq(S[t], tanh(W @ S[t - 1] + W @ X[t])), Eq(S[-1], 0), Eq(L, Sum(S[T - 1, i], i)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_and_their_gradients(name):
    with LOCK:
        oracle.check_programs(*EXAMPLES[name]())


def test_every_compilation_is_checked_where_one_asks_for_it(monkeypatch):
    seen = []
    monkeypatch.setattr(compiler, "verify_small", seen.append)
    CHAIN.compile("last")
    assert not seen
    monkeypatch.setenv("GRAPHC_VERIFY", "1")
    run = CHAIN.compile("last")
    assert seen == [run.program]
    verify_small(run.program)


BACK = gc.System(Eq(S[t], tanh(W @ S[t + 1] + W @ X[t])), Eq(S[T], 0))


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 63, 64, 65, 129])
def test_rings_and_blocks_at_all_lengths(steps):
    assert verify(program(CHAIN, "last"), {"T": steps}) if steps else True
    for system in (RNN, BACK):
        p = program(system, "S")
        assert "t_block" in p.fingerprint() and verify(p, {"T": steps, "N": 2})


def caught(p, sizes, message):
    with pytest.raises(VerifyError, match=message):
        verify(p, sizes)


def changed(p, what, how):
    """The program with `how` applied to every loop (what = Loop) or to every statement (what = Statement)."""

    def of(node):
        if isinstance(node, Loop):
            node = replace(node, body=tuple(map(of, node.body)))
            return how(node) if what is Loop else node
        return replace(node, statements=tuple(map(how, node.statements))) if what is Statement else node

    return replace(p, body=tuple(map(of, p.body)))


def test_too_short_a_ring_is_caught():
    p = program(CHAIN, "last")
    short = {k: replace(b, ring=(0, 2)) if b.ring else b for k, b in p.buffers.items()}
    caught(replace(p, buffers=short), {"T": 5}, r"reads s\[-1\], but there is s\[-3\]")


def test_too_small_a_buffer_is_caught():
    p = program(RNN, "S")
    small = {
        k: replace(b, extent=(Const(32), *b.extent[1:])) if b.extent[0] is Const(64) else b
        for k, b in p.buffers.items()
    }
    caught(replace(p, buffers=small), {"T": 70, "N": 2}, "outside its buffer")


def test_a_loop_in_the_wrong_direction_is_caught():
    p = changed(program(CHAIN, "s"), Loop, lambda loop: replace(loop, step=-loop.step))
    caught(p, {"T": 5}, "not written yet")


def test_a_loop_that_ends_too_early_is_caught():
    p = changed(program(CHAIN, "s"), Loop, lambda loop: replace(loop, upper=loop.upper - 1))
    caught(p, {"T": 5}, r"s\[4\] is not computed at the end")


def test_another_order_is_caught():
    p = program(CHAIN, "last")
    caught(replace(p, body=p.body[::-1]), {"T": 5}, "not written yet")


def test_a_missing_start_is_caught():
    p = program(RNN, "S", passes=False)
    starts = [k for k, node in enumerate(p.body) if isinstance(node, Nest) and node.statements[0].value is Const(0)]
    caught(
        replace(p, body=p.body[: starts[0]] + p.body[starts[0] + 1 :]),
        {"T": 3, "N": 2},
        "not written yet|no start value",
    )


def test_points_that_write_one_element_are_caught():
    y = gc.Tensor("y", T)
    p = program(gc.System(Eq(y[t], tanh(x[t]) * 2)), "y")
    caught(changed(p, Statement, lambda q: replace(q, write=(Const(0),))), {"T": 3}, "independent point")


def test_a_recurrence_made_parallel_is_caught():
    y = gc.Tensor("y", T)
    p = program(gc.System(Eq(y[t], tanh(x[t]) * 2)), "y")

    def recurrent(q):
        (index,) = q.write
        restricted = q.domain.restrict(make("gt", index, Const(0)))
        return replace(q, domain=restricted, value=q.value + Read(q.tensor, (index - 1,)))

    (nest,) = changed(p, Statement, recurrent).nests
    first = replace(nest, parallel=(), statements=(replace(p.nests[0].statements[0], write=(Const(0),)),))
    once = replace(
        first,
        statements=(
            replace(
                first.statements[0], domain=first.statements[0].domain.restrict(make("eq", nest.parallel[0], Const(0)))
            ),
        ),
    )
    caught(replace(p, body=(once, nest)), {"T": 3}, "independent point|not written yet")


def test_a_contribution_twice_is_caught():
    y = gc.Tensor("y", T)
    p = program(gc.System(Eq(y[t], Sum(X[t, i], i))), "y")
    body = [n for node in p.body for n in ((node, node) if node.statements[0].mode == "sum" else (node,))]
    caught(replace(p, body=tuple(body)), {"T": 2, "N": 2}, "one contribution too many")


def test_a_sum_over_too_little_is_caught():
    y = gc.Tensor("y", T)
    p = program(gc.System(Eq(y[t], Sum(X[t, i], i))), "y")

    def less(q):
        if q.mode != "sum":
            return q
        (summed,) = [k for k in q.domain.indices if k.name == "i"]
        return replace(q, domain=q.domain.restrict(make("gt", summed, Const(0))))

    caught(changed(p, Statement, less), {"T": 2, "N": 2}, "is not computed at the end")


def test_reads_one_step_off_are_caught():
    p = program(CHAIN, "s")

    def off(q):
        outer = [k for k in q.domain.indices if k.name == "t"]
        return replace(q, value=substitute(q.value, {outer[0]: outer[0] + 1})) if outer else q

    caught(changed(p, Statement, off), {"T": 5}, "not written yet|outside its buffer")
