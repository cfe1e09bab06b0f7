"""`D(U[t], q)[t, i]`: the gradient of each element of a loss, inside a recurrence and outside, against NumPy."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Sum, exp, log, tanh
from tests import oracle

T, N, H = gc.sizes("T N H")
t, i, j, k, n = gc.indices("t i j k n")
q, p, half, G = gc.tensors("q p half G", T, N)
U, L = gc.Tensor("U", T), gc.Tensor("L")
q0, p0, h, W = gc.Input("q0", N), gc.Input("p0", N), gc.Param("h"), gc.Param("W", N, N)
rng = np.random.default_rng(0)
STARTS = [Eq(q[0], q0), Eq(p[0], p0)]
ARGS = {"q0": rng.normal(size=3), "p0": rng.normal(size=3), "h": np.array(0.1)}


def slope(system, of, name, arguments, step=1e-6):
    """d of / d argument, by central differences: the axes of both."""
    x = np.asarray(arguments[name])
    columns = []
    for z in np.ndindex(x.shape):
        by = np.zeros_like(x)
        by[z] = step
        high, low = (system.evaluate(of, **{**arguments, name: y}) for y in (x + by, x - by))
        columns.append((high - low) / (2 * step))
    return np.moveaxis(np.array(columns), 0, -1).reshape(*np.shape(columns[0]), *x.shape)


def agree(system, outputs, wanted, arguments):
    """The interpreter and the compiled function give what is wanted, to the last digits."""
    for f in (system.evaluate, lambda *o, **a: system.compile(*o)(**a)):
        for found, want in zip(f(*outputs, L, **arguments), wanted, strict=False):
            np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)


def law(system, arguments):
    """The gradient of L against differences, and forward against reverse mode."""
    oracle.check_gradient(system.ir, system.tensor(L), arguments)
    oracle.check_forward_mode(system.ir, system.tensor(L), arguments)
    assert oracle.same_pickled(system)


# -- in recurrences ---------------------------------------------------------------------------------------------------


def leapfrog(force, q, p, h, steps):
    found = [(q, p)]
    for _ in range(steps - 1):
        p = p + h / 2 * force(q)
        q = q + h * p
        p = p + h / 2 * force(q)
        found.append((q, p))
    return tuple(np.array(part) for part in zip(*found, strict=True))


def by_leapfrog(energy):
    kicks = [Eq(half[t, i], p[t, i] - h / 2 * D(U[t], q)[t, i]), Eq(p[t], half[t - 1] - h / 2 * D(U[t], q)[t])]
    return gc.System(*STARTS, Eq(U[t], energy), *kicks, Eq(q[t], q[t - 1] + h * half[t - 1]), Eq(L, Sum(q**2)))


def test_leapfrog_in_a_potential_keeps_the_energy():
    """Henon and Heiles's."""
    x, y = gc.Input("q0", 2), gc.Input("p0", 2)
    (a, b, c), e = gc.tensors("q p half", T, 2), gc.Tensor("E", T)
    system = gc.System(
        Eq(a[0], x), Eq(b[0], y), Eq(a[t], a[t - 1] + h * c[t - 1]),
        Eq(U[t], (a[t, 0] ** 2 + a[t, 1] ** 2) / 2 + a[t, 0] ** 2 * a[t, 1] - a[t, 1] ** 3 / 3),
        Eq(c[t, i], b[t, i] - h / 2 * D(U[t], a)[t, i]), Eq(b[t, i], c[t - 1, i] - h / 2 * D(U[t], a)[t, i]),
        Eq(e[t], U[t] + Sum(b[t, i] ** 2, i) / 2), Eq(L, Sum(e)),
    )  # fmt: skip
    arguments = {"q0": np.array([0.1, 0.2]), "p0": np.array([0.3, -0.1]), "h": 0.05, "T": 100}
    force = lambda q: -np.array([q[0] + 2 * q[0] * q[1], q[1] + q[0] ** 2 - q[1] ** 2])
    agree(system, (a, b), leapfrog(force, arguments["q0"], arguments["p0"], 0.05, 100), arguments)
    energy = system.evaluate(e, **arguments)
    assert np.ptp(energy) < 1e-3 * energy[0]


def test_a_proposal_of_hybrid_monte_carlo_from_data():
    X, y = gc.Input("X", H, N), gc.Input("y", H)
    system = by_leapfrog(Sum(log(1 + exp(-y[k] * Sum(X[k, j] * q[t, j], j))), k) + Sum(q[t, j] ** 2, j) / 2)
    data = {"X": rng.normal(size=(5, 3)), "y": rng.choice([-1.0, 1.0], 5)}
    force = lambda q: (data["y"] / (1 + np.exp(data["y"] * (data["X"] @ q)))) @ data["X"] - q
    agree(system, (q, p), leapfrog(force, *ARGS.values(), 8), {**ARGS, **data, "T": 8})


def test_gradient_descent_unrolled_has_gradients():
    A, y, w, l = gc.Input("A", H, N), gc.Input("y", H), gc.Tensor("w", T + 1, N), gc.Tensor("l", T + 1)
    system = gc.System(
        Eq(w[0], q0), Eq(l[t], Sum((Sum(A[n, i] * w[t, i], i) - y[n]) ** 2, n)),
        Eq(w[t + 1], w[t] - h * D(l[t], w)[t]), Eq(L, l[T]),
    )  # fmt: skip
    arguments = {"A": rng.normal(size=(4, 3)), "y": rng.normal(size=4), "q0": ARGS["q0"], "h": np.array(0.02), "T": 3}
    v = arguments["q0"]
    for _ in range(3):
        v = v - 0.04 * (arguments["A"] @ v - arguments["y"]) @ arguments["A"]
    agree(system, (L,), [((arguments["A"] @ v - arguments["y"]) ** 2).sum()], arguments)
    law(system, arguments)


def test_a_hamiltonian_network_learns_from_its_path():
    """Symplectic Euler with the energies of (q[t], p[t]) and of (q[t-1], p[t])."""
    A, B, c, seen = gc.Param("A", H, N), gc.Param("B", H, N), gc.Param("c", H), gc.Input("seen", T, N)
    V, M = gc.tensors("V M", T)
    energy = lambda q, p: Sum(c[k] * tanh(Sum(A[k, i] * q[i], i) + Sum(B[k, i] * p[i], i)), k)
    system = gc.System(
        *STARTS, Eq(V[t], energy(q[t], p[t])), Eq(M[t], energy(q[t - 1], p[t])), Eq(M[0], 0),
        Eq(p[t], p[t - 1] - h * D(V[t - 1], q)[t - 1]), Eq(q[t], q[t - 1] + h * D(M[t], p)[t]),
        Eq(L, Sum((q - seen) ** 2)),
    )  # fmt: skip
    weights = {"A": rng.normal(size=(4, 3)), "B": rng.normal(size=(4, 3)), "c": rng.normal(size=4)}
    arguments = {**ARGS, **weights, "seen": rng.normal(size=(10, 3))}

    def path(A, B, c, q0, p0, h, seen):
        at = lambda q, p: c * (1 - np.tanh(A @ q + B @ p) ** 2)
        q, p, found = q0, p0, [q0]
        for _ in range(9):
            p = p - h * at(q, p) @ A
            q = q + h * at(q, p) @ B
            found.append(q)
        return np.array(found)

    agree(system, (q,), [path(**arguments)], arguments)
    found = system.compile(*(D(L, w) for w in (A, B, c)))(**arguments)
    for g, name in zip(found, weights, strict=True):
        moved = lambda d, name=name: ((path(**{**arguments, name: d}) - arguments["seen"]) ** 2).sum()
        way = rng.normal(size=g.shape)
        both = [moved(weights[name] + e * way) for e in (1e-6, -1e-6)]
        np.testing.assert_allclose(np.vdot(g, way), (both[0] - both[1]) / 2e-6, rtol=1e-6)


def test_a_recurrence_that_runs_backwards():
    system = gc.System(
        Eq(q[T, i], q0[i]), Eq(U[t], Sum(W[i, j] * q[t + 1, i] * q[t + 1, j], i, j)),
        Eq(q[t], q[t + 1] - h * D(U[t], q)[t + 1]), Eq(L, Sum(q)),
    )  # fmt: skip
    arguments = {"q0": ARGS["q0"], "h": np.array(0.1), "W": rng.normal(size=(3, 3)), "T": 4}
    want = [ARGS["q0"]]
    for _ in range(4):
        want.insert(0, want[0] - 0.1 * (arguments["W"] + arguments["W"].T) @ want[0])
    agree(system, (q,), [np.array(want[:4])], arguments)


def test_an_element_in_its_own_recurrence_by_number():
    """The first half kick: U[0] depends on q[0] alone, though U does on p."""
    system = gc.System(
        Eq(q[0], q0), Eq(p[0, i], p0[i] - h / 2 * D(U[0], q)[0, i]), Eq(U[t], Sum(q[t, i] ** 4, i)),
        Eq(q[t], q[t - 1] + h * p[t - 1]), Eq(p[t], p[t - 1] - h * D(U[t], q)[t]),
    )  # fmt: skip
    a, b = ARGS["q0"], ARGS["p0"] - 0.2 * ARGS["q0"] ** 3
    for _ in range(3):
        a = a + 0.1 * b
        b = b - 0.4 * a**3
    np.testing.assert_allclose(system.evaluate(p, T=4, **ARGS)[-1], b, rtol=1e-12)


def test_a_field_on_a_ring_goes_down_its_energy():
    """What stands outside is part of the way from u to the energy: heat conduction, as a gradient."""
    u, last = gc.Tensor("u", T, N, outside="wrap"), (j, 0, N - 1)
    system = gc.System(
        Eq(u[0, j], q0[j]), Eq(U[t], Sum((u[t, j + 1] - u[t, j]) ** 2, last) / 2),
        Eq(u[t, j], u[t - 1, j] - h * D(U[t - 1], u)[t - 1, j]), Eq(L, Sum(u[t, j] ** 2, t, last)),
    )  # fmt: skip
    want = [rng.normal(size=6)]
    for _ in range(3):
        want.append(want[-1] + 0.1 * (np.roll(want[-1], 1) + np.roll(want[-1], -1) - 2 * want[-1]))
    agree(system, (u,), [np.array(want)], {"q0": want[0], "h": 0.1, "T": 4})


def test_unfolded_it_is_the_same():
    system = by_leapfrog(Sum(W[i, j] * tanh(q[t, i]) * q[t, j], i, j))
    arguments = {**ARGS, "W": rng.normal(size=(3, 3))}
    np.testing.assert_allclose(system.unfold(t, 4).evaluate(p, **arguments), system.evaluate(p, T=4, **arguments))


def test_a_chain_of_trajectories_has_two_recurrences():
    """Hybrid Monte Carlo: leapfrog over l, from where the trajectory before was left or came back to."""
    l, (a, b, c), E = gc.indices("l"), gc.tensors("q p half", T, H + 1, N), gc.Tensor("E", T, H + 1)
    place, momentum, chance = gc.Tensor("place", T, N), gc.Input("momentum", T, N), gc.Input("chance", T)
    energy = lambda l: E[t, l] + Sum(b[t, l, i] ** 2, i) / 2
    system = gc.System(
        Eq(place[-1, i], q0[i]), Eq(a[t, 0, i], place[t - 1, i]), Eq(b[t, 0, i], momentum[t, i]),
        Eq(E[t, l], Sum(W[i, j] * a[t, l, i] * a[t, l, j], i, j)), Eq(a[t, l], a[t, l - 1] + h * c[t, l - 1]),
        Eq(c[t, l], b[t, l] - h / 2 * D(E[t, l], a)[t, l]), Eq(b[t, l], c[t, l - 1] - h / 2 * D(E[t, l], a)[t, l]),
        Eq(U[t], energy(0) - energy(H)),
        Eq(place[t, i], gc.Piecewise((a[t, H, i], log(chance[t]) < U[t]), (a[t, 0, i], True))),
    )  # fmt: skip
    w, kicks, draws = np.eye(3) + 0.1, rng.normal(size=(4, 3)), rng.uniform(size=4)
    x, want = ARGS["q0"], []
    for v, r in zip(kicks, draws, strict=True):
        path = leapfrog(lambda q: -2 * w @ q, x, v, 0.4, 4)
        first, last = (path[0][k] @ w @ path[0][k] + path[1][k] @ path[1][k] / 2 for k in (0, 3))
        x = path[0][3] if np.log(r) < first - last else x
        want.append(x)
    arguments = {"q0": ARGS["q0"], "momentum": kicks, "chance": draws, "W": w, "h": 0.4, "H": 3}
    np.testing.assert_allclose(system.evaluate(place, **arguments), want, rtol=1e-12)


@pytest.mark.parametrize(
    "force",
    [
        D(U[t - 1], q)[t - 1, i],
        D(U[t - 1], q[t - 1, i]),
        D(U[t - 1], q[t - 1])[i],
        sp.diff(U[t - 1], q[t - 1, i]),
        D(Sum(q[t - 1, j] ** 4, j), q[t - 1, i]),
        D(Sum(q[t - 1, i] ** 4, i), q)[t - 1, i],
        Sum(D(U[t - 1], q)[t - 1, j] * gc.Piecewise((1, Eq(i, j)), (0, True)), j),
    ],
    ids=str,
)
def test_ways_to_write_it(force):
    """One step of symplectic Euler in the potential Sum(q**4)."""
    energy = Eq(U[t], Sum(q[t, i] ** 4, i))
    system = gc.System(*STARTS, energy, Eq(p[t, i], p[t - 1, i] - h * force), Eq(q[t], q[t - 1] + h * p[t]))
    a, b = ARGS["q0"], ARGS["p0"]
    for _ in range(2):
        b = b - 0.1 * 4 * a**3
        a = a + 0.1 * b
    np.testing.assert_allclose(system.evaluate(q, T=3, **ARGS)[-1], a, rtol=1e-12)


def test_what_the_energy_reads_of_the_path_may_be_held_fixed():
    """The copy that the message of an ambiguous gradient asks for: dE/dp is p, though p moves q."""
    E, at = gc.Tensor("E", T), gc.Tensor("p_at", T, N)
    system = gc.System(
        *STARTS, Eq(q[t], q[t - 1] + h * p[t]), Eq(p[t], p[t - 1] - h * D(U[t - 1], q)[t - 1]), Eq(at[t, i], p[t, i]),
        Eq(U[t], Sum(q[t, i] ** 4, i)), Eq(E[t], U[t] + Sum(at[t, i] ** 2, i) / 2), Eq(G[t, i], D(E[t], at[t, i])),
    )  # fmt: skip
    found = system.evaluate(G, p, T=4, **ARGS)
    np.testing.assert_allclose(*found, rtol=1e-14)


# -- outside ----------------------------------------------------------------------------------------------------------

x, J = gc.Input("x", T, N), gc.Tensor("J", T, T, N)
NETWORK = [
    Eq(q[t, i], tanh(Sum(W[i, j] * q[t - 1, j], j) + x[t, i])), Eq(q[-1, i], 0),
    Eq(U[t], Sum(q[t, i] * x[t, i], i) ** 2 + Sum(q[t - 1, i] * q[t, i], i)),
]  # fmt: skip
GIVEN = {"x": rng.normal(size=(4, 3)), "W": rng.normal(size=(3, 3))}


def compare(output, loss, name, pick="", equations=NETWORK, arguments=GIVEN):
    """What an equation for `output` gives, against differences of `loss`."""
    system = gc.System(*equations, output)
    out = output.lhs.base
    want = slope(system, loss, name, arguments)
    for found in (system.evaluate(out, **arguments), system.compile(out)(**arguments)):
        np.testing.assert_allclose(found, np.einsum(pick, want) if pick else want, rtol=1e-6, atol=1e-8)


def test_only_the_last_step_needs_no_axis_more():
    system = gc.System(*NETWORK, Eq(G[t], D(U[t], x)[t]))
    assert "dx(T, N)" in map(repr, system.ir.tensors)
    compare(Eq(G[t], D(U[t], x)[t]), U, "x", "ttj->tj")


def test_all_steps_by_all_steps():
    compare(Eq(J[t, n, i], D(U[t], x)[n, i]), U, "x")


def test_one_gradient_of_shared_weights_for_each_step():
    each = gc.Tensor("each", T, N, N)
    compare(Eq(each[t], D(U[t], W)), U, "W")


def test_one_gradient_for_each_sample_and_a_step_along_it():
    """Meta-learning: one step for each task, from shared weights."""
    data, y, th, own, l = gc.Input("data", T, H, N), gc.Input("y", T, H), gc.Param("th", N), gc.Tensor("own", T, N), U
    miss = lambda w: Sum((tanh(Sum(data[t, n, i] * w[i], i)) - y[t, n]) ** 2, n)
    system = gc.System(Eq(l[t], miss(th)), Eq(own[t, i], th[i] - h * D(l[t], th)[i]), Eq(L, Sum(miss(own[t]), t)))
    sizes = {"data": (2, 4, 3), "y": (2, 4), "th": (3,), "h": ()}
    law(system, {name: rng.normal(size=s) for name, s in sizes.items()})


def test_second_derivatives_element_by_element():
    hessian, energy = gc.Tensor("hessian", T, N, N), Eq(U[t], Sum(W[i, j] * tanh(x[t, i]) * x[t, j], i, j))
    equations = [energy, Eq(G[t], D(U[t], x)[t])]
    compare(Eq(hessian[t, i, j], D(D(U[t], x)[t, i], x)[t, j]), G, "x", "titj->tij", equations)


def test_a_loss_for_each_element_of_two_axes():
    jacobian = gc.Tensor("jacobian", T, N, N, N)
    compare(Eq(jacobian[t, i, j, k], D(q[t, i], W)[j, k]), q, "W", "", [Eq(q[t], tanh(W @ x[t]))])


def test_only_steps_up_to_the_own_one_count():
    kernel, s, row = gc.Input("kernel", T, T), gc.Input("s", T), gc.Tensor("row", T)
    equations = [Eq(U[t], Sum(kernel[t, n] * s[n] ** 2, (n, 0, t)))]
    arguments = {"kernel": rng.normal(size=(4, 4)), "s": rng.normal(size=4)}
    compare(Eq(row[t], D(U[t], s)[t]), U, "s", "tt->t", equations, arguments)


@pytest.mark.parametrize("energy", [gc.amax(x[t]), gc.Prod(x[t, i], i), gc.logsumexp(x[t]), gc.Mean(abs(x[t]))])
def test_reductions(energy):
    compare(Eq(G[t], D(U[t], x)[t]), U, "x", "ttj->tj", [Eq(U[t], energy)], {"x": GIVEN["x"]})
