"""Where values live: rings of the last steps, blocks of what is used up, whole tensors only where needed."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh
from graphc.equations.expr import Const
from graphc.schedule.blocks import BLOCK
from tests.schedule.build import N, T, i, program, seed_rnn, t, workspace

x, s, last = gc.Input("x", T), gc.Tensor("s", T), gc.Tensor("last")
X, W, S = gc.Input("X", T, N), gc.Param("W", N, N), gc.Tensor("S", T, N)
L = gc.Tensor("L")


def chain(lag, *more):
    return gc.System(Eq(s[t], tanh(s[t - 1] + s[t - lag] + x[t])), *(Eq(s[-k], 0) for k in range(1, lag + 1)), *more)


@pytest.mark.parametrize("lag, slots", [(1, 2), (2, 4), (3, 4), (4, 8)])
def test_of_a_state_whose_end_is_asked_for_only_the_last_steps_are_kept(lag, slots):
    (_, ring), *others = workspace(program(chain(lag, Eq(last, s[T - 1])), "last")).values()
    assert ring == (0, slots) and not others


def test_what_is_returned_is_kept_whole():
    assert workspace(program(chain(2), "s")) == {}


def test_what_a_gradient_reads_again_is_kept_whole():
    p = program(chain(1, Eq(L, Sum(s[t] ** 2, t))), L, wrt=[x])
    extent, ring = workspace(p)["s"]
    assert ring is None and extent[0] is not Const(1)


def test_memory_of_a_last_state_does_not_depend_on_the_number_of_steps():
    system = gc.System(Eq(S[t], tanh(W @ S[t - 1] + W @ X[t])), Eq(S[-1], 0), Eq(L, Sum(S[T - 1, i], i)))
    run = system.compile("L")
    for steps in (200, 20_000):
        run(X=np.zeros((steps, 3)), W=np.zeros((3, 3)))
    shapes = [found.workspace for found in run._shapes.values()]
    assert shapes[0] == shapes[1]


def test_what_a_loop_uses_up_is_made_in_blocks():
    system = gc.System(Eq(S[t], tanh(W @ S[t - 1] + W @ X[t])), Eq(S[-1], 0))
    found = workspace(program(system, "S"))
    (extent,) = [extent for name, (extent, _) in found.items() if name.startswith("S_sum")]
    assert extent[0] is Const(BLOCK)
    assert "t_block" in program(system, "S").fingerprint()


def test_what_is_asked_for_too_is_not_made_in_blocks():
    system, _ = seed_rnn()
    assert "t_block" in program(system, "L").fingerprint()
    assert "t_block" not in program(system, "L", "a").fingerprint()


def test_transposed_copies_are_made_once():
    system, _ = seed_rnn()
    copies = [b.tensor.name for b in program(system, "L").buffers.values() if b.tensor.name.endswith("_p")]
    assert sorted(copies) == ["U_p", "V_p", "W_p"]
