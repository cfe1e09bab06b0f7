"""Nests of one shape share a routine: layers alike add calls and no code; operands that may meet are not told apart."""

from __future__ import annotations

import numpy as np

import graphc as gc
from graphc import Eq, Sum, exp, sigmoid, sqrt, tanh
from graphc.equations.system import System, Tensor
from graphc.schedule.build import schedule
from graphc.schedule.costs import Machine
from graphc.schedule.plans import planned
from graphc.schedule.tree import Call, nodes_of
from graphc.transforms import optimise
from tests.oracle import graded

T, B, H = gc.sizes("T B H")
t, b, i, j, k = gc.indices("t b i j k")
q = gc.index("q", 4)
MACHINE = Machine(16, lanes=4, bits=64)


def stack(layers: int) -> tuple[System, tuple[Tensor, ...]]:
    """LSTM layers, and the gradient of a sum in all parameters."""
    x, L = gc.Input("x", T, B, H), gc.Tensor("L")
    equations, below = [], x
    for n in range(layers):
        W, U, bias = gc.Param(f"W{n}", 4, H, H), gc.Param(f"U{n}", 4, H, H), gc.Param(f"b{n}", 4, H)
        z, (c, h) = gc.Tensor(f"z{n}", T, B, 4, H), gc.tensors(f"c{n} h{n}", T, B, H)
        gates = bias[q, i] + Sum(W[q, i, j] * h[t - 1, b, j], j) + Sum(U[q, i, k] * below[t, b, k], k)
        write, keep, new, show = (z[t, b, gate, i] for gate in range(4))
        equations += [
            Eq(z[t, b, q, i], gates),
            Eq(c[t, b, i], sigmoid(keep) * c[t - 1, b, i] + sigmoid(write) * tanh(new)),
            Eq(h[t, b, i], sigmoid(show) * tanh(c[t, b, i])),
            Eq(c[-1, b, i], 0),
            Eq(h[-1, b, i], 0),
        ]
        below = h
    system = gc.System(*equations, Eq(L, Sum(below[t, b, i] ** 2, t, b, i)))
    found, outputs = graded(system.ir, system.tensor("L"))
    return found, tuple(outputs)


def plan_of(layers: int):
    system, outputs = stack(layers)
    return planned(schedule(optimise(system, frozenset(outputs)), outputs, {}), MACHINE)


def calls(p) -> list[Call]:
    return [n for plan in p.how.plans.values() for n in nodes_of(plan.tree) if isinstance(n, Call)]


def test_layers_alike_add_calls_and_no_code():
    two, three = plan_of(2), plan_of(3)
    assert len(three.how.routines) == len(two.how.routines)
    assert len(calls(three)) > len(calls(two)) > len(two.how.routines)


def test_operands_of_a_tensor_that_is_written_may_meet():
    """In the cell's backward step dc[t] is written and dc[t + 1] read: at some sizes one address, of a ring of one."""
    p = plan_of(2)
    meeting = {r.number: [x for x in r.tensors if x not in r.apart] for r in p.how.routines}
    touched = {
        read.tensor.name
        for call in calls(p)
        for read, own in zip(call.reads, call.routine.tensors, strict=True)
        if own in meeting[call.routine.number]
    }
    assert {"dc0", "dc1", "c0", "c1"} <= touched
    assert all(x in r.apart for r in p.how.routines for x in r.tensors if len(r.tensors) == 3)


def test_shared_code_computes_what_each_nest_would():
    """Equal shapes with other strides, extents and sizes in their values; one transposed, one with another constant."""
    M, N = gc.sizes("M N")
    m, n = gc.indices("m n")
    x, w = gc.Input("x", M, N), gc.Input("w", N, M)
    y, z, u, v = gc.Tensor("y", M, N), gc.Tensor("z", N, M), gc.Tensor("u", M, N), gc.Tensor("v", N, M)
    r, s, c = gc.Tensor("r", M), gc.Tensor("s", N), gc.Tensor("c", N)
    run = gc.System(
        Eq(y[m, n], exp(x[m, n]) / N),
        Eq(z[n, m], exp(w[n, m]) / M),
        Eq(u[m, n], exp(w[n, m]) / M),
        Eq(v[n, m], exp(w[n, m]) / 7),
        Eq(r[m], Sum(sqrt(y[m, n]), n)),
        Eq(s[n], Sum(sqrt(z[n, m]), m)),
        Eq(c[n], Sum(sqrt(u[m, n]), m)),
    ).compile("y", "z", "u", "v", "r", "s", "c")
    assert "shape0" in str(run.program)
    rng = np.random.default_rng(0)
    for shape in ((3, 5), (17, 9), (1, 1), (0, 4), (8, 16)):
        a, d = rng.normal(size=shape), rng.normal(size=shape[::-1])
        wanted = [np.exp(a) / shape[1], np.exp(d) / max(shape[0], 1), np.exp(d).T / max(shape[0], 1), np.exp(d) / 7]
        wanted += [np.sqrt(wanted[0]).sum(1), np.sqrt(wanted[1]).sum(1), np.sqrt(wanted[2]).sum(0)]
        for found, right in zip(run(x=a, w=d), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-13)
