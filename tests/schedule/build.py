"""Programs from the public language, for tests of what the scheduler chooses."""

from __future__ import annotations

from typing import Any

import graphc as gc
from graphc.equations.exclusive import LOCK
from graphc.schedule.build import schedule
from graphc.schedule.program import Program
from graphc.transforms import optimise

T, N, M, K = gc.sizes("T N M K")
t, i, j, k, m, n, u = gc.indices("t i j k m n u")


def program(system: gc.System, *outputs: Any, wrt: Any = None, passes: bool = True) -> Program:
    """The program that computes these outputs, or the first one's gradients too."""
    tensors = [system.tensor(o) for o in outputs]
    if wrt is not None:
        loss, system = tensors[0], system.grad(outputs[0], wrt)
        tensors = [loss, *(system.tensor(gc.D(outputs[0], w)) for w in wrt)]
    with LOCK:
        ir = optimise(system.ir, frozenset(tensors)) if passes else system.ir
        return schedule(ir, tensors, {})


def workspace(p: Program) -> dict[str, tuple[Any, Any]]:
    """{tensor: (extents, ring)} of what is neither given nor returned."""
    return {b.tensor.name: (b.extent, b.ring) for b in p.buffers.values() if b.role == "workspace"}


def seed_rnn() -> tuple[gc.System, dict[str, Any]]:
    """The recurrent network of the books, with softmax and cross-entropy."""
    H, C = gc.sizes("H C")
    x, target = gc.Input("x", T, N), gc.Input("target", T, C)
    W, U, V = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H)
    b, c = gc.Param("b", H), gc.Param("c", C)
    a, s = gc.tensors("a s", T, H)
    o, y = gc.tensors("o y", T, C)
    L = gc.Tensor("L")
    system = gc.System(
        gc.Eq(a[t], b + W @ s[t - 1] + U @ x[t]),
        gc.Eq(s[t], gc.tanh(a[t])),
        gc.Eq(s[-1], 0),
        gc.Eq(o[t], c + V @ s[t]),
        gc.Eq(y[t], gc.softmax(o[t])),
        gc.Eq(L, -gc.Sum(target[t, k] * gc.log(y[t, k]), t, k) / T),
    )
    return system, {v.name: v for v in (x, target, W, U, V, b, c, s, y, L)}
