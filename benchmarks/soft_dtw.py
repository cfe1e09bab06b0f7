"""Soft-DTW of two series of 512 vectors with 8 components: value and gradient in both series, float64.

R[i, j] = |x[i] - y[j]|² + softmin(R[i-1, j], R[i, j-1], R[i-1, j-1]), softmin = -γ log sum exp(-·/γ), value R[-1, -1]
(Cuturi and Blondel 2017). Elements of one anti-diagonal do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run

STEPS, COMPONENTS, GAMMA, FAR = 512, 8, 1.0, 1e10


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """The two series."""
    rng = np.random.default_rng(0)
    walks = rng.standard_normal((2, STEPS, COMPONENTS)).cumsum(axis=1) * 0.3
    return walks[0].copy(), walks[1].copy()


@cache
def reference() -> Sequence[Any]:
    """By rows, one element at a time; the adjoint E of R by the weights of each softmin."""
    x, y = data()
    n, m = len(x), len(y)
    R = np.full((n + 1, m + 1), np.inf)
    R[0, 0] = 0.0
    distance = ((x[:, None] - y[None]) ** 2).sum(-1)
    weights = np.zeros((n + 2, m + 2, 3))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            three = np.array([R[i - 1, j], R[i, j - 1], R[i - 1, j - 1]])
            least = three.min()
            e = np.exp((least - three) / GAMMA)
            weights[i, j] = e / e.sum()
            R[i, j] = distance[i - 1, j - 1] + least - GAMMA * np.log(e.sum())
    E = np.zeros((n + 2, m + 2))
    E[n, m] = 1.0
    for i in range(n, 0, -1):
        for j in range(m, 0, -1):
            E[i, j] += (
                weights[i + 1, j, 0] * E[i + 1, j]
                + weights[i, j + 1, 1] * E[i, j + 1]
                + weights[i + 1, j + 1, 2] * E[i + 1, j + 1]
            )
    inner = E[1:-1, 1:-1]
    dx = 2 * (inner.sum(1)[:, None] * x - inner @ y)
    dy = 2 * (inner.sum(0)[:, None] * y - inner.T @ x)
    return [R[n, m], dx, dy]


def with_graphc() -> Call:
    """Two recurrence axes; the least of the three is taken out, so that no exponential overflows."""
    from sympy import Min

    import graphc as gc
    from graphc import Eq, Sum, exp, log

    n, m, K = gc.sizes("N M K")
    i, j, k = gc.indices("i j k")
    x, y = gc.Param("x", n, K), gc.Param("y", m, K)
    R, least, value = gc.Tensor("R", n, m), gc.Tensor("least", n, m), gc.Tensor("value")
    three = (R[i - 1, j], R[i, j - 1], R[i - 1, j - 1])
    total = sum(exp((least[i, j] - r) / GAMMA) for r in three)
    system = gc.System(
        Eq(least[i, j], Min(*three)),
        Eq(R[i, j], Sum((x[i, k] - y[j, k]) ** 2, k) + least[i, j] - GAMMA * log(total)),
        Eq(R[-1, -1], 0),
        Eq(R[-1, j], FAR),
        Eq(R[i, -1], FAR),
        Eq(value, R[n - 1, m - 1]),
    )
    function = system.compile(value, gc.D(value, x), gc.D(value, y), sizes={"K": COMPONENTS}, dtype="float64")
    first, second = data()
    return lambda: function(x=first, y=second)


def numba_diagonals() -> Call:
    """By anti-diagonals, stored as rows so that every inner loop is a vector's and reads few arrays (a loop that would
    need more than eight checks for overlap is not vectorised).

    Row d holds the elements i + j = d - 2 in column i + 1, between columns of `FAR`. x and the reversed y are
    transposed: along an anti-diagonal both are then read forwards.
    """
    import numba

    from benchmarks.bits import exp, log

    rate = 1.0 / GAMMA

    @numba.njit(fastmath=True, error_model="numpy")
    def distances(x, y, D):
        n, m = x.shape[1], y.shape[1]
        for d in range(2, n + m + 1):
            first, last = max(1, d - m), min(n, d - 1)
            row, shift = D[d, first : last + 1], m - d
            row[:] = 0.0
            for k in range(COMPONENTS):
                left, right = x[k, first - 1 : last], y[k, first + shift : last + shift + 1]
                for i in range(row.size):
                    row[i] += (left[i] - right[i]) * (left[i] - right[i])

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def forward(D, R, S):
        """S is the softmin, R = D + S."""
        n, m = R.shape[1] - 2, R.shape[0] - R.shape[1]
        R[:2], R[0, 0] = FAR, 0.0
        for d in range(2, n + m + 1):
            first, last = max(1, d - m), min(n, d - 1)
            R[d, first - 1], R[d, last + 1] = FAR, FAR
            above, left, diagonal = R[d - 1, first - 1 : last], R[d - 1, first : last + 1], R[d - 2, first - 1 : last]
            distance, soft, out = D[d, first : last + 1], S[d, first : last + 1], R[d, first : last + 1]
            for i in range(out.size):
                a, b, c = above[i], left[i], diagonal[i]
                least = min(min(a, b), c)
                total = exp((least - a) * rate) + exp((least - b) * rate) + exp((least - c) * rate)
                value = least - GAMMA * log(total)
                soft[i] = value
                out[i] = distance[i] + value
        return R[n + m, n]

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def backward(R, S, E):
        """E is the adjoint of R; the weight of R[i, j] in the softmin S[i', j'] is exp((S[i', j'] - R[i, j])/γ)."""
        n, m = R.shape[1] - 2, R.shape[0] - R.shape[1]
        E[n + m :], E[n + m, n] = 0.0, 1.0
        for d in range(n + m - 1, 1, -1):
            first, last = max(1, d - m), min(n, d - 1)
            E[d, first - 1], E[d, last + 1] = 0.0, 0.0
            next_s, next_e = S[d + 1, first : last + 2], E[d + 1, first : last + 2]
            far_s, far_e = S[d + 2, first + 1 : last + 2], E[d + 2, first + 1 : last + 2]
            r, out = R[d, first : last + 1], E[d, first : last + 1]
            for i in range(out.size):
                down = next_e[i + 1] * exp((next_s[i + 1] - r[i]) * rate)
                right = next_e[i] * exp((next_s[i] - r[i]) * rate)
                out[i] = down + right + far_e[i] * exp((far_s[i] - r[i]) * rate)

    @numba.njit(fastmath=True, error_model="numpy")
    def gradients(x, y, E, dx, dy):
        n, m = x.shape[1], y.shape[1]
        dx[:], dy[:] = 0.0, 0.0
        for d in range(2, n + m + 1):
            first, last = max(1, d - m), min(n, d - 1)
            row, shift = E[d, first : last + 1], m - d
            for k in range(COMPONENTS):
                left, right = x[k, first - 1 : last], y[k, first + shift : last + shift + 1]
                dleft, dright = dx[k, first - 1 : last], dy[k, first + shift : last + shift + 1]
                for i in range(row.size):
                    change = 2.0 * row[i] * (left[i] - right[i])
                    dleft[i] += change
                    dright[i] -= change

    @numba.njit
    def value_and_gradients(x, y, xt, yt, D, R, S, E, dxt, dyt):
        xt[:], yt[:] = x.T, y[::-1].T
        distances(xt, yt, D)
        value = forward(D, R, S)
        backward(R, S, E)
        gradients(xt, yt, E, dxt, dyt)
        return value, dxt.T.copy(), dyt.T[::-1].copy()

    x, y = data()
    shape = (2 * STEPS + 2, STEPS + 2)
    D, R, S, E = (np.zeros(shape) for _ in range(4))
    xt, yt, dxt, dyt = (np.zeros((COMPONENTS, STEPS)) for _ in range(4))
    arguments = (x, y, xt, yt, D, R, S, E, dxt, dyt)
    value_and_gradients.compile(tuple(numba.typeof(a) for a in arguments))
    return lambda: value_and_gradients(*arguments)


def jax_diagonals() -> Call:
    """`lax.scan` over the anti-diagonals of the skewed distances, gradient by JAX."""
    import jax
    import jax.numpy as jnp

    from benchmarks.peers import jitted

    rows, columns = np.meshgrid(np.arange(2 * STEPS - 1), np.arange(STEPS), indexing="ij")
    inside = (rows - columns >= 0) & (rows - columns < STEPS)
    other = np.clip(rows - columns, 0, STEPS - 1)

    def value(x: Any, y: Any) -> Any:
        distance = jnp.where(inside, ((x[None] - y[other]) ** 2).sum(-1), FAR)

        def step(carry: Any, d: Any) -> Any:
            before, last = carry
            shifted = [jnp.concatenate([jnp.full(1, FAR), v[:-1]]) for v in (before, last)]
            three = jnp.stack([shifted[1], last, shifted[0]])
            new = jnp.minimum(d - GAMMA * jax.nn.logsumexp(-three / GAMMA, axis=0), FAR)
            return (last, new), None

        head = jnp.full(STEPS, FAR).at[0].set(distance[0, 0])
        (_, end), _ = jax.lax.scan(step, (jnp.full(STEPS, FAR), head), distance[1:])
        return end[STEPS - 1]

    return jitted(jax.value_and_grad(value, argnums=(0, 1)), *data())


def reports(options: Options) -> list[Report]:
    """The table of this workload."""
    case = Case(
        f"Soft-DTW, {STEPS}² of {COMPONENTS}-vectors: value and gradient in both, f64",
        reference,
        (
            Contender("graphc", with_graphc, ("graphc",)),
            Contender("Numba by diagonals, gradient by hand", numba_diagonals, ("numba",)),
            Contender("JAX by diagonals", jax_diagonals, ("jax",)),
        ),
        (Bar("graphc", "Numba by diagonals, gradient by hand", 2.5),),
        rtol=1e-8,
    )
    return [run(case, options)]
