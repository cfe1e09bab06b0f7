"""Programs with borders and sizes of their own: values and gradients, and into how few pieces they fall.

Absolute times are no test; what takes the time is how many nests and functions are made.
"""

import re

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Piecewise, Sum, log, sigmoid, sqrt, tanh

T, C, F, Y, X, P, K, N, M = gc.sizes("T C F Y X P K N M")
t, f, g, c, i, j, p, q, k, m, n = gc.indices("t f g c i j p q k m n")
L = gc.Tensor("L")
rng = np.random.default_rng(0)


def same_convolutions(kernel):
    """A convolutional LSTM: four gates, each with a convolution of the input and one of the state."""
    x = gc.Input("x", T, C, Y, X, outside=0)
    h, s = gc.tensors("h s", T, F, Y, X)
    half, gates, equations, params = (kernel - 1) // 2, [], [], []
    for name in "abcd":
        W, U = gc.Param(f"W{name}", F, C, kernel, kernel), gc.Param(f"U{name}", F, F, kernel, kernel)
        gate = gc.Tensor(f"gate_{name}", T, F, Y, X)
        of_input = Sum(W[f, c, p, q] * x[t, c, i + p - half, j + q - half], c, p, q)
        of_state = Sum(U[f, g, p, q] * h[t - 1, g, i + p - half, j + q - half], g, p, q)
        equations.append(Eq(gate[t, f, i, j], of_input + of_state))
        gates.append(gate[t, f, i, j])
        params += [W, U]
    return gc.System(
        *equations,
        Eq(s[t, f, i, j], sigmoid(gates[0]) * s[t - 1, f, i, j] + sigmoid(gates[1]) * tanh(gates[2])),
        Eq(h[t, f, i, j], sigmoid(gates[3]) * tanh(s[t, f, i, j])),
        Eq(s[-1, f, i, j], 0),
        Eq(h[-1, f, i, j], 0),
        Eq(L, Sum(h[t, f, i, j] ** 2, t, f, i, j)),
    ), params


def cavity():
    """A lid-driven cavity: in each step some iterations for the pressure, then the velocities (Barba and Forsyth, "CFD
    Python", step 11)."""
    wide, high = gc.sizes("wide high", min=3)
    rho, nu, dt, dx, dy = gc.params("rho nu dt dx dy")
    b, u, v = gc.tensors("b u v", T, high, wide)
    pressure, inner = gc.Tensor("pressure", T, K, high, wide), gc.index("inner", wide - 2)
    inside = (j >= 1) & (j < high - 1) & (i >= 1) & (i < wide - 1)

    def U(row, column):
        return u[t - 1, j + row, i + column]

    def V(row, column):
        return v[t - 1, j + row, i + column]

    def Q(row, column, step=K - 1):
        return pressure[t, step, j + row, i + column]

    east, north, before = (U(0, 1) - U(0, -1)) / (2 * dx), (V(1, 0) - V(-1, 0)) / (2 * dy), k - 1
    cross = (U(1, 0) - U(-1, 0)) / (2 * dy) * (V(0, 1) - V(0, -1)) / (2 * dx)
    around = (Q(0, 1, before) + Q(0, -1, before)) * dy**2 + (Q(1, 0, before) + Q(-1, 0, before)) * dx**2

    def moved(W, slope):
        carried = U(0, 0) * (W(0, 0) - W(0, -1)) / dx + V(0, 0) * (W(0, 0) - W(-1, 0)) / dy
        spread = (W(0, 1) - 2 * W(0, 0) + W(0, -1)) / dx**2 + (W(1, 0) - 2 * W(0, 0) + W(-1, 0)) / dy**2
        return W(0, 0) - dt * carried - dt / (2 * rho) * slope + nu * dt * spread

    def rim(column):
        return Piecewise((0, Eq(j, high - 1)), (pressure[t, k, 1, column], Eq(j, 0)), (pressure[t, k, j, column], True))

    return gc.System(
        Eq(b[t, j, i], Piecewise((rho * ((east + north) / dt - east**2 - 2 * cross - north**2), inside), (0, True))),
        Eq(pressure[t, k, j, i], (around - dx**2 * dy**2 * b[t, j, i]) / (2 * (dx**2 + dy**2))),
        Eq(pressure[t, k, j, 0], rim(1)),
        Eq(pressure[t, k, j, wide - 1], rim(wide - 2)),
        Eq(pressure[t, k, 0, inner + 1], pressure[t, k, 1, inner + 1]),
        Eq(pressure[t, k, high - 1, inner + 1], 0),
        Eq(pressure[t, -1, j, i], pressure[t - 1, K - 1, j, i]),
        Eq(pressure[-1, K - 1, j, i], 0),
        Eq(u[t, j, i], Piecewise((moved(U, (Q(0, 1) - Q(0, -1)) / dx), inside), (1, Eq(j, high - 1)), (0, True))),
        Eq(v[t, j, i], Piecewise((moved(V, (Q(1, 0) - Q(-1, 0)) / dy), inside), (0, True))),
        Eq(u[-1, j, i], 0),
        Eq(v[-1, j, i], 0),
        Eq(L, Sum(u[T - 1, j, i] ** 2 + v[T - 1, j, i] ** 2, j, i)),
    ), [nu, rho]


def kalman():
    """Kalman's filter for any number of states and observations; its gain by Cholesky's factor of the innovations'
    covariance."""
    l = gc.index("l")
    y, A, H = gc.Input("y", T, M), gc.Param("A", N, N), gc.Param("H", M, N)
    noise_in, noise_out = gc.Param("noise_in", N, N), gc.Param("noise_out", M, M)
    x, ahead, spread, expected = *gc.tensors("x ahead", T, N), *gc.tensors("spread expected", T, N, N)
    seen, R, S = gc.Tensor("seen", T, M, N), gc.Tensor("R", T, M, M), gc.Tensor("S", T, M, M)
    gain, error, white = gc.Tensor("gain", T, M, N), *gc.tensors("error white", T, M)
    left = S[t, m, n] - Sum(R[t, m, l] * R[t, n, l], (l, 0, n - 1))
    diagonal = sqrt(S[t, m, m] - Sum(R[t, m, l] ** 2, (l, 0, m - 1)))
    return gc.System(
        Eq(ahead[t], A @ x[t - 1]),
        Eq(expected[t], A @ spread[t - 1] @ A.T + noise_in),
        Eq(seen[t], H @ expected[t]),
        Eq(S[t], seen[t] @ H.T + noise_out),
        Eq(R[t, m, n], Piecewise((diagonal, Eq(m, n)), (left / R[t, n, n], n < m), (0, True))),
        Eq(error[t], y[t] - H @ ahead[t]),
        Eq(white[t, m], (error[t, m] - Sum(R[t, m, l] * white[t, l], (l, 0, m - 1))) / R[t, m, m]),
        Eq(gain[t, m, j], (seen[t, m, j] - Sum(R[t, m, l] * gain[t, l, j], (l, 0, m - 1))) / R[t, m, m]),
        Eq(x[t, i], ahead[t, i] + Sum(gain[t, m, i] * white[t, m], m)),
        Eq(spread[t, i, j], expected[t, i, j] - Sum(gain[t, m, i] * gain[t, m, j], m)),
        Eq(x[-1, i], 0),
        Eq(spread[-1, i, j], noise_in[i, j]),
        Eq(L, Sum(white[t, m] ** 2 / 2 + log(R[t, m, m]), t, m)),
    ), [A, H, noise_in, noise_out]


def agree(system, wrt, arguments, sizes=()):
    """Value and gradients are those of the interpreter, at all these arguments, with one function."""
    graded = system.grad(L, wrt)
    outputs = (L, *(gc.D(L, w) for w in wrt))
    run = graded.compile(*outputs)
    for given in arguments:
        for found, wanted in zip(run(**given), graded.evaluate(*outputs, **given), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)
    return run


@pytest.mark.nightly
def test_same_convolutions_of_any_kernel():
    system, params = same_convolutions(P)

    def arguments(steps, rows, columns, kernel):
        given = {w.name: rng.normal(size=(2, 2, kernel, kernel)) for w in params}
        return given | {"x": rng.normal(size=(steps, 2, rows, columns))}

    cases = [(2, 3, 4, 1), (2, 3, 4, 2), (1, 4, 3, 3), (3, 2, 5, 4), (2, 3, 3, 5), (2, 1, 2, 6)]
    run = agree(system, params, [arguments(*case) for case in cases])
    literal, moved = same_convolutions(3)
    baked = literal.grad(L, moved).compile(L, *(gc.D(L, w) for w in moved))
    given = arguments(2, 5, 6, 3)
    for found, wanted in zip(run(**given), baked(**given), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)
    assert contractions(run) <= 4
    assert run.stats["nests"] <= baked.stats["nests"]
    assert run.stats["code_bytes"] < 1.5 * baked.stats["code_bytes"]


def contractions(run):
    return len(re.findall(r"^define internal .*@contraction\d+\(", run.llvm_ir, re.MULTILINE))


def test_the_cavity():
    system, params = cavity()

    def arguments(steps, iterations, rows, columns):
        numbers = {"rho": 1.2, "nu": 0.1, "dt": 0.05, "dx": 0.5, "dy": 0.4}
        return {k: np.array(v) for k, v in numbers.items()} | {
            "T": steps,
            "K": iterations,
            "high": rows,
            "wide": columns,
        }

    run = agree(system, params, [arguments(*c) for c in [(3, 2, 4, 5), (1, 1, 3, 3), (2, 1, 3, 4), (1, 3, 5, 4)]])
    assert system.compile("u", "v").stats["nests"] <= 36
    assert run.stats["nests"] <= 120


def test_the_filter():
    system, params = kalman()

    def arguments(steps, states, observed):
        given = {"y": rng.normal(size=(steps, observed)), "A": rng.normal(size=(states, states)) / 2}
        noise = {"noise_in": np.eye(states), "noise_out": np.eye(observed)}
        return given | noise | {"H": rng.normal(size=(observed, states))}

    run = agree(system, params, [arguments(s, n, m) for s in (1, 2, 4) for n in (1, 3) for m in (1, 2, 3, 5)])
    value = system.compile("x", L)
    assert [loop.var.name for loop in value.program.loops].count("t") == 1
    assert value.stats["nests"] <= 50
    assert run.stats["nests"] <= 115


@pytest.mark.parametrize("shift", [(P - 1) // 2, P // 2, (P + 2) // 3])
def test_one_axis_at_all_small_sizes(shift):
    x, w, y = gc.Input("x", N), gc.Param("w", P), gc.Tensor("y", N)
    system = gc.System(Eq(y[i], Sum(w[p] * x[i + p - shift], p)), Eq(L, Sum(y[i] ** 3, i)))
    run = system.grad(L, [w, x]).compile(y, gc.D(L, w), gc.D(L, x))
    for size in range(1, 8):
        for kernel in range(7):
            s, a, b = int(shift.subs(P, kernel)), rng.normal(size=size), rng.normal(size=kernel)
            places = np.add.outer(np.arange(size), np.arange(kernel) - s)
            reads = np.where((places >= 0) & (places < size), a[places.clip(0, size - 1)], 0)
            value, dw, dx = run(x=a, w=b)
            np.testing.assert_allclose(value, reads @ b, atol=1e-12)
            slope = 3 * value**2
            np.testing.assert_allclose(dw, slope @ reads, atol=1e-11)
            wanted = np.zeros(size)
            for e, d in np.ndindex(places.shape):
                if 0 <= places[e, d] < size:
                    wanted[places[e, d]] += slope[e] * b[d]
            np.testing.assert_allclose(dx, wanted, atol=1e-11)
    assert gc.verify(system, L, x=rng.normal(size=5), w=rng.normal(size=4))
