"""Sixty coupled scalar states over T = 614 steps: value and gradient in three parameters, float64.

s_i[t] = tanh(p0 s_i[t-1] + p1 s_{i-1}[t-1] + p2 x[t]) around a ring, L = sum_i s_i[T-1]². Written twice: as sixty
scalar recurrences, and as one recurrence over a vector; each against JAX written the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, Verdict, run
from benchmarks.peers import jitted

STATES, T = 60, 614
P = (0.7, -0.5, 0.3)  # of opposite signs: the states do not fall into step, the gradients differ


def data() -> tuple[np.ndarray, np.ndarray]:
    """The input x and the states before the first step."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(T), rng.standard_normal(STATES)


def reference() -> Sequence[Any]:
    """Value and gradient, back through time."""
    x, start = data()
    s = np.empty((T + 1, STATES))
    s[0] = start
    for t in range(T):
        s[t + 1] = np.tanh(P[0] * s[t] + P[1] * np.roll(s[t], 1) + P[2] * x[t])
    ds, gradient = 2 * s[T], np.zeros(3)
    for t in reversed(range(T)):
        da = ds * (1 - s[t + 1] ** 2)
        gradient += [da @ s[t], da @ np.roll(s[t], 1), da.sum() * x[t]]
        ds = P[0] * da + P[1] * np.roll(da, -1)
    return [np.sum(s[T] ** 2), *gradient]


def _graphc(vector: bool, gradient: bool) -> Call:
    import graphc as gc
    from graphc import Eq, Sum, tanh

    size, n = gc.sizes("T K")
    t, i = gc.indices("t i")
    x, start = gc.Input("x", size), gc.Input("start", STATES if not vector else n)
    p = gc.params("p0 p1 p2")
    loss = gc.Tensor("L")
    if vector:
        s = gc.Tensor("s", size, n)
        equations = [
            Eq(s[t, i], tanh(p[0] * s[t - 1, i] + p[1] * s[t - 1, i - 1] + p[2] * x[t])),
            Eq(s[t, 0], tanh(p[0] * s[t - 1, 0] + p[1] * s[t - 1, n - 1] + p[2] * x[t])),
            Eq(s[-1, i], start[i]),
            Eq(loss, Sum(s[size - 1, i] ** 2, i)),
        ]
    else:
        states = gc.tensors(" ".join(f"s{k}" for k in range(STATES)), size)
        equations = []
        for k, s in enumerate(states):
            equations.append(Eq(s[t], tanh(p[0] * s[t - 1] + p[1] * states[k - 1][t - 1] + p[2] * x[t])))
            equations.append(Eq(s[-1], start[k]))
        equations.append(Eq(loss, sum(s[size - 1] ** 2 for s in states)))
    outputs = [loss, *(gc.D(loss, q) for q in p)] if gradient else [loss]
    function = gc.System(*equations).compile(*outputs, sizes={"K": STATES} if vector else None, dtype="float64")
    series, before = data()
    return lambda: function(x=series, start=before, p0=P[0], p1=P[1], p2=P[2])


def _jax(vector: bool, gradient: bool) -> Call:
    import jax
    import jax.numpy as jnp

    def loss(p: Any, x: Any, start: Any) -> Any:
        if vector:

            def step(s: Any, now: Any) -> Any:
                return jnp.tanh(p[0] * s + p[1] * jnp.roll(s, 1) + p[2] * now), None

            end, _ = jax.lax.scan(step, start, x, unroll=2)
            return jnp.sum(end**2)

        def scalar_step(s: Any, now: Any) -> Any:
            return tuple(jnp.tanh(p[0] * s[k] + p[1] * s[k - 1] + p[2] * now) for k in range(STATES)), None

        ends, _ = jax.lax.scan(scalar_step, tuple(start[k] for k in range(STATES)), x)
        return sum(s**2 for s in ends)

    return jitted(jax.value_and_grad(loss) if gradient else loss, np.array(P), *data())


def with_numba() -> Call:
    """By hand; tanh by an exponential in line, so that the loop over the ring is a vector's."""
    import numba

    from benchmarks.bits import exp

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def forward(p0, p1, p2, x, start, s):
        """s[t, 1:] is the ring, s[t, 0] a copy of its end."""
        n = start.size
        s[0, 1:], s[0, 0] = start, start[n - 1]
        for t in range(x.size):
            for i in range(n):
                a = p0 * s[t, i + 1] + p1 * s[t, i] + p2 * x[t]
                e = exp(-2.0 * abs(a))
                s[t + 1, i + 1] = np.copysign((1.0 - e) / (1.0 + e), a)
            s[t + 1, 0] = s[t + 1, n]

    @numba.njit(fastmath=True, error_model="numpy")
    def backward(p0, p1, x, s, da):
        """da[:n] is the adjoint before the tanh, da[n] a copy of its head."""
        steps, n = x.size, s.shape[1] - 1
        value = g0 = g1 = g2 = 0.0
        for i in range(n):
            last = s[steps, i + 1]
            value += last * last
            da[i] = 2.0 * last * (1.0 - last * last)
        for t in range(steps - 1, -1, -1):
            total = 0.0
            for i in range(n):
                g0 += da[i] * s[t, i + 1]
                g1 += da[i] * s[t, i]
                total += da[i]
            g2 += total * x[t]
            da[n] = da[0]
            for i in range(n):
                da[i] = (p0 * da[i] + p1 * da[i + 1]) * (1.0 - s[t, i + 1] * s[t, i + 1])
        return value, g0, g1, g2

    @numba.njit
    def value_and_gradient(p0, p1, p2, x, start, s, da):
        forward(p0, p1, p2, x, start, s)
        return backward(p0, p1, x, s, da)

    x, start = data()
    arguments = (*P, x, start, np.empty((T + 1, STATES + 1)), np.empty(STATES + 1))
    value_and_gradient.compile(tuple(numba.typeof(a) for a in arguments))
    return lambda: value_and_gradient(*arguments)


def _scalars(result: Any) -> list[Any]:
    return [result[0], *np.asarray(result[1])]


def reports(options: Options) -> list[Report]:
    """Value with gradient, then the value alone, for what a gradient costs."""
    both = Case(
        f"Ring of {STATES} states, {T} steps: value and gradient, f64",
        reference,
        (
            Contender("graphc, scalars", lambda: _graphc(False, True), ("graphc",)),
            Contender("graphc, vector", lambda: _graphc(True, True), ("graphc",)),
            Contender("Numba, gradient by hand", with_numba, ("numba",)),
            Contender("JAX, vector carry", lambda: _jax(True, True), ("jax",), _scalars),
            Contender("JAX, scalar carries", lambda: _jax(False, True), ("jax",), _scalars),
        ),
        (
            Bar("graphc, scalars", "JAX, scalar carries", 1 / 20),
            Bar("graphc, vector", "JAX, vector carry", 1 / 3),
        ),
        rtol=1e-8,  # errors grow along 614 steps
    )
    value = Case(
        f"Ring of {STATES} states, {T} steps: value alone, f64",
        lambda: reference()[:1],
        (
            Contender("graphc, scalars", lambda: _graphc(False, False), ("graphc",)),
            Contender("graphc, vector", lambda: _graphc(True, False), ("graphc",)),
            Contender("JAX, vector carry", lambda: _jax(True, False), ("jax",)),
        ),
        rtol=1e-8,
    )
    first, second = run(both, options), run(value, options)
    first.verdicts += [gradient_cost(first, second, name) for name in ("graphc, scalars", "graphc, vector")]
    return [first, second]


def gradient_cost(both: Report, value: Report, name: str) -> Verdict:
    """Value and gradient against the value alone: at most four times."""
    medians = [{row.name: row.median_s for row in one.rows}.get(name) for one in (both, value)]
    with_gradient, alone = medians
    ratio = None if with_gradient is None or alone is None else with_gradient / alone
    return Verdict(f"{name}: with gradient / value alone", ratio, 4.0)
