"""Readers of a recurrence that run in its loop, so that only its last steps are kept, and those that do not."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Mod, Piecewise, Sum, amax, amin, tanh
from graphc.equations.exclusive import LOCK
from graphc.schedule.verify import verify
from tests.schedule.build import K, M, N, T, i, j, k, program, t, workspace

R = gc.sizes("R")
r = gc.index("r")
x, c, w = gc.Input("x", N, M), gc.Input("c", N, M), gc.Input("w", N, M)
a, h = gc.Input("a", T), gc.Input("h", K)
at = gc.Input("at", R, dtype="int64")
u, e, p = gc.tensors("u e p", T, N, M)
o, m, L = gc.Tensor("o", T), gc.Tensor("m", N, M), gc.Tensor("L")
q, rows, snap = gc.Tensor("q", T, R), gc.Tensor("rows", T, N), gc.Tensor("snap", T // 3, N, M)

FORWARDS = [Eq(u[t, i, j], u[t - 1, i, j] * c[i, j] + a[t] * tanh(u[t - 1, i, j])), Eq(u[0, i, j], x[i, j])]
BACKWARDS = [Eq(u[t, i, j], u[t + 1, i, j] * c[i, j] + a[t] * tanh(u[t + 1, i, j])), Eq(u[T - 1, i, j], x[i, j])]
MOVING = Eq(e[t, i, j], 0.9 * e[t - 1, i, j] + 0.1 * u[t, i, j]), Eq(e[-1, i, j], 0)

READERS = {
    "one place": (o, [Eq(o[t], u[t, 0, 0])]),
    "places from data": (q, [Eq(q[t, r], u[t, at[r], 0])]),
    "the energy": (o, [Eq(o[t], Sum(u[t, i, j] ** 2, i, j))]),
    "a weighted sum of each row": (rows, [Eq(rows[t, i], Sum(u[t, i, j] * w[i, j], j))]),
    "the range": (o, [Eq(o[t], amax(u[t, i, j], i, j) - amin(u[t, i, j], i, j))]),
    "what changed": (o, [Eq(o[t], Sum((u[t, i, j] - u[t - 1, i, j]) ** 2, i, j)), Eq(o[0], 0)]),
    "each third step": (snap, [Eq(snap[k, i, j], u[3 * k, i, j])]),
    "the largest of all": (m, [Eq(m[i, j], amax(u[t, i, j], t))]),
    "the mean": (m, [Eq(m[i, j], Sum(u[t, i, j], t) / T)]),
    "the sum of all": (L, [Eq(L, Sum(a[t] * u[t, i, j] ** 2, t, i, j))]),
    "a step that has been normalised": (
        o,
        [Eq(p[t, i, j], u[t, i, j] / (1 + Sum(u[t, i, j] ** 2, i, j))), Eq(o[t], Sum(p[t, i, j] * w[i, j], i, j))],
    ),
}
FORWARDS_ONLY = {
    "the middle": (m, [Eq(m[i, j], u[T // 2, i, j])]),
    "a moving average's end": (m, [*MOVING, Eq(m[i, j], e[T - 1, i, j])]),
    "a largest so far": (
        m,
        [Eq(p[t, i, j], Max(p[t - 1, i, j], u[t, i, j])), Eq(p[-1, i, j], 0), Eq(m[i, j], p[T - 1, i, j])],
    ),
}
CASES = {
    **{name: (FORWARDS, *case) for name, case in (READERS | FORWARDS_ONLY).items()},
    **{name + ", backwards": (BACKWARDS, *case) for name, case in READERS.items() if name != "what changed"},
}
SHAPES = [(7, 2, 3), (1, 2, 2), (2, 2, 1), (0, 2, 2), (5, 0, 3)]


def arguments(run, sizes):
    """Random arguments of a function at these sizes."""
    rng = np.random.default_rng(0)
    known = {"x": "NM", "c": "NM", "w": "NM", "a": "T", "at": "R"}
    named = [tensor.name for tensor in run.kernel.arguments if tensor.given]
    found = {n: rng.normal(size=[sizes[s] for s in known[n]]) for n in named}
    if "at" in found:
        found["at"] = rng.integers(0, max(1, sizes["N"]), sizes["R"])
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_reader_that_keeps_step_leaves_the_last_steps_of_a_field(name):
    equations, wanted, more = CASES[name]
    system = gc.System(*equations, *more)
    run = system.compile(wanted.name)
    buffers = {b.tensor.name: b for b in run.program.buffers.values() if b.role == "workspace"}
    fields = [b for b in buffers.values() if len(b.extent) == 3]
    assert fields and all(b.ring is not None for b in fields)
    for steps, rows_, columns in SHAPES:
        sizes = {"T": steps, "N": rows_, "M": columns, "R": 2}
        given = arguments(run, sizes)
        if "at" in given and not rows_ * columns:
            continue
        try:
            found = run(**given)
        except gc.GraphcError:
            assert not steps * rows_ * columns
            continue
        np.testing.assert_allclose(found, system.evaluate(wanted.name, **given), rtol=1e-9, atol=1e-12)
        with LOCK:
            verify(run.program, {n: v for n, v in sizes.items() if n in run.system.sizes})


def rings(system, *outputs, wrt=None):
    return {n: ring for n, (_, ring) in workspace(program(system, *outputs, wrt=wrt)).items()}


def test_several_readers_of_one_field_join_together():
    many = [Eq(o[t], u[t, 0, 0]), Eq(m[i, j], amax(u[t, i, j], t)), Eq(snap[k, i, j], u[3 * k, i, j])]
    assert rings(gc.System(*FORWARDS, *many), "o", "m", "snap")["u"] is not None


def test_where_one_reader_wants_all_steps_none_joins():
    system = gc.System(*FORWARDS, Eq(o[t], u[t, 0, 0]), Eq(m[i, j], u[T - 1, i, j] - u[T // 2, i, j]))
    assert rings(system, "o", "m") == {"u": None}


def test_what_is_returned_or_differentiated_is_kept_whole():
    system = gc.System(*FORWARDS, Eq(o[t], u[t, 0, 0]), Eq(L, Sum(o[t] ** 2, t)))
    assert rings(system, "L", "u") == {}
    assert rings(system, L, wrt=[x])["u"] is None


def test_a_product_over_all_of_time_stays_one_product_outside():
    S, y = gc.Tensor("S", T, N), gc.Tensor("y", T, K)
    W, V, X = gc.Param("W", N, N), gc.Param("V", K, N), gc.Input("X", T, N)
    p = program(gc.System(Eq(S[t], tanh(W @ S[t - 1] + X[t])), Eq(S[-1], 0), Eq(y[t], V @ S[t])), "y")
    assert p.fingerprint().endswith(") | y")


def test_two_fields_with_a_reader_of_both_keep_their_order():
    v = gc.Tensor("v", T, N, M)
    system = gc.System(
        *FORWARDS,
        Eq(v[t, i, j], v[t - 1, i, j] * c[i, j] + 1),
        Eq(v[0, i, j], w[i, j]),
        Eq(o[t], Sum(u[t, i, j] * v[t, i, j], i, j)),
        Eq(m[i, j], amax(v[t, i, j] - u[t, i, j], t)),
    )
    run = system.compile("o", "m")
    given = arguments(run, {"T": 5, "N": 2, "M": 3})
    for found, wanted in zip(run(**given), system.evaluate("o", "m", **given), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("wanted, count", [("m", 1), ("L", 6)])
def test_a_sum_that_a_loop_carries_keeps_its_digits(wanted, count):
    system = gc.System(
        Eq(u[t, i, j], 1.0 * u[t - 1, i, j]),
        Eq(u[0, i, j], x[i, j]),
        Eq(m[i, j], Sum(u[t, i, j], t)),
        Eq(L, Sum(u[t, i, j], t, i, j)),
    )
    run = system.compile(wanted, dtype="float32")
    found = run(x=np.full((2, 3), 0.1, np.float32), T=100_000)
    np.testing.assert_allclose(found, 100_000 * count * float(np.float32(0.1)), rtol=1e-6)


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 3e38])
def test_a_carried_sum_of_what_is_not_finite_is_what_a_plain_one_is(bad):
    system = gc.System(*FORWARDS, Eq(m[i, j], Sum(u[t, i, j], t)))
    given = {"x": np.array([[bad, 1]], np.float32), "c": np.ones((1, 2), np.float32), "a": np.zeros(4, np.float32)}
    with np.errstate(all="ignore"):
        wanted = [[np.float32(bad) * 4, 4]]
        np.testing.assert_array_equal(system.compile("m", dtype="float32")(**given), wanted)


def test_segments_in_which_nothing_runs_are_left_out():
    v = gc.Tensor("v", T, N, outside="reflect")
    system = gc.System(
        Eq(v[t, i], tanh(v[t - 1, i - 2] * v[t - 1, i + 1])), Eq(v[-1, i], x[i, 0]), Eq(L, Sum(v[t, i] ** 2, t, i))
    )
    forward = gc.jvp(system, "L", {x: gc.Input("way", N, M)})
    run = forward.compile("L_dot")
    for steps, rows_ in ((4, 5), (1, 1), (3, 2), (0, 2), (2, 0)):
        given = {"x": np.ones((rows_, 1)), "way": np.ones((rows_, 1)), "T": steps}
        np.testing.assert_allclose(run(**given), forward.evaluate("L_dot", **given), rtol=1e-12)


@pytest.mark.parametrize("form", range(4))
def test_readers_see_start_values_where_the_loop_has_guards(form):
    """A field whose step falls into many pieces runs in one loop with guards, from the first step that anything needs:
    a reader's, of the start values inside the field."""
    Y, X, T = gc.sizes("Y X T")
    t, i, j = gc.indices("t i j")
    u0, L = gc.Input("u0", Y, X), gc.Tensor("L")
    u, o = gc.Tensor("u", T, Y, X, outside="wrap"), gc.Tensor("o", T)
    before, ahead = u[t - 1, i, j] / 2, u[t + 1, i, j] / 2
    middle = gc.And(i > j, Eq(Mod(t, 2), 0))
    step, first = [
        (Piecewise((before, gc.And(Eq(j, 1), i < Y - 1)), (0, True)), 0),
        (Piecewise((1, middle), (0, True)) + before, 0),
        (Piecewise((0, gc.Ne(i, j)), (1, i > j), (2, j > 0), (3, i > 0), (before, True)), 0),
        (Piecewise((ahead, gc.And(Eq(j, 1), Eq(i, Y // 2), Eq(Mod(i + j, 2), 0))), (0, True)), T - 1),
    ][form]
    system = gc.System(
        Eq(u[first, i, j], u0[i, j]), Eq(u[t, i, j], step),
        Eq(o[t], Sum(u[t, i, j] ** 2, i, j)), Eq(L, Sum(u[t, i, j] ** 2, t, i, j)),
    )  # fmt: skip
    data = np.random.default_rng(0).normal(size=(5, 6))
    for asked in (o, L):
        run = system.compile(asked)
        for steps in (1, 2, 6):
            np.testing.assert_allclose(run(u0=data, T=steps), system.evaluate(asked, u0=data, T=steps), rtol=1e-12)
