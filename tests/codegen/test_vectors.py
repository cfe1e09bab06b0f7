"""Elementwise code, gathers, reductions along vectors and scatters, at every length around the vector's."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, exp, log, sqrt, tanh
from tests.compiled import agree, numbers

N, M = gc.sizes("N M")
i, j, n, m = gc.indices("i j n m")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
q = gc.Input("q", M, dtype="int64")
LENGTHS = range(68)
rng = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_elementwise(dtype):
    run = gc.System(Eq(y[i], exp(x[i]) * 2 - tanh(x[i]) / (1 + x[i] ** 2))).compile("y", dtype=dtype)
    for size in LENGTHS:
        a = rng.normal(size=size).astype(dtype)
        wanted = np.exp(a) * 2 - np.tanh(a) / (1 + a**2)
        tolerance = {"rtol": 1e-13} if dtype == "float64" else {"rtol": 3e-6, "atol": 1e-6}
        np.testing.assert_allclose(run(x=a), wanted, **tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("step", [2, 3, 4, 5])
def test_every_so_many(step, dtype):
    z = gc.Tensor("z", (N + step - 1) // step)
    run = gc.System(Eq(z[i], 2 * x[step * i])).compile("z", dtype=dtype)
    for size in LENGTHS[1:]:
        a = rng.normal(size=size).astype(dtype)
        np.testing.assert_array_equal(run(x=a), 2 * a[::step])


@pytest.mark.parametrize("form", ["reversed", "shifted", "strided", "halved", "index", "branch"])
def test_accesses(form):
    value, wanted, length = {
        "reversed": (x[N - 1 - i] + 1, lambda a: a[::-1] + 1, N),
        "shifted": (gc.Piecewise((x[i - 1], i > 0), (x[0], True)), lambda a: np.concatenate([a[:1], a[:-1]]), N),
        "strided": (2 * x[2 * i], lambda a: 2 * a[::2][: len(a) // 2], N // 2),
        "halved": (x[i // 2] * 3, lambda a: 3 * np.repeat(a, 2), 2 * N),
        "index": (x[i] * i + N, lambda a: a * np.arange(len(a)) + len(a), N),
        "branch": (gc.Piecewise((x[i], x[i] > 0), (x[i] ** 2 + i, True)),
                   lambda a: np.where(a > 0, a, a**2 + np.arange(len(a))), N),
    }[form]  # fmt: skip
    z = gc.Tensor("z", length)
    run = gc.System(Eq(z[i], value)).compile("z")
    for size in LENGTHS[1:]:
        a = rng.normal(size=size)
        np.testing.assert_allclose(run(x=a), wanted(a), rtol=1e-14)


def test_columns_and_transposes():
    X, Z, c = gc.Input("X", M, N), gc.Tensor("Z", N, M), gc.Tensor("c", M)
    run = gc.System(Eq(Z[i, m], X[m, i]), Eq(c[m], X[m, 0])).compile("Z", "c")
    for rows in (1, 2, 7, 8, 9, 33):
        for columns in (1, 3, 8, 17):
            a = rng.normal(size=(rows, columns))
            found = run(X=a)
            np.testing.assert_array_equal(found.Z, a.T)
            np.testing.assert_array_equal(found.c, a[:, 0])


def test_gathers():
    z = gc.Tensor("z", M)
    run = gc.System(Eq(z[m], x[q[m]] * 2)).compile("z")
    for size in LENGTHS:
        a, at = rng.normal(size=11), rng.integers(0, 11, size)
        np.testing.assert_array_equal(run(x=a, q=at), 2 * a[at])


def test_gathered_rows():
    E, Z = gc.Param("E", N, gc.sizes("H")), gc.Tensor("Z", M, gc.sizes("H"))
    run = gc.System(Eq(Z[m, j], E[q[m], j])).compile("Z")
    for width in (1, 3, 8, 17):
        table, at = rng.normal(size=(6, width)), rng.integers(0, 6, 19)
        np.testing.assert_array_equal(run(E=table, q=at), table[at])


@pytest.mark.parametrize(
    "name, wanted", [("Sum", np.sum), ("Prod", np.prod), ("amax", np.max), ("amin", np.min), ("Mean", np.mean)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_reductions_along_vectors(name, wanted, dtype):
    run = gc.System(Eq(L, getattr(gc, name)(gc.cos(x[i]), i))).compile("L", dtype=dtype)
    for size in [*LENGTHS[1:], 255, 1000]:
        a = rng.normal(size=size).astype(dtype)
        tolerance = {"rtol": 1e-12} if dtype == "float64" else {"rtol": 3e-4, "atol": 1e-5}
        np.testing.assert_allclose(run(x=a), wanted(np.cos(a.astype(float))), **tolerance)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", ["Sum", "amax", "logsumexp"])
def test_reductions_of_either_axis(name, axis):
    X, z = gc.Input("X", M, N), gc.Tensor("z", (N, M)[axis])
    run = gc.System(Eq(z[(j, m)[axis]], getattr(gc, name)(X[m, j], (m, j)[axis]))).compile("z")
    wanted = {"Sum": np.sum, "amax": np.max, "logsumexp": np.logaddexp.reduce}[name]
    for rows in (1, 2, 7, 17, 40):
        for columns in (1, 3, 8, 9, 33):
            a = rng.normal(size=(rows, columns))
            np.testing.assert_allclose(run(X=a), wanted(a, axis=axis), rtol=1e-12, atol=1e-13)


def test_largest_of_nothing_but_nan_or_infinity():
    run = gc.System(Eq(L, gc.amax(x[i], i))).compile("L")
    for size in (1, 5, 8, 9, 31):
        a = np.full(size, -np.inf)
        assert run(x=a) == -np.inf
        a[size // 2] = np.nan
        assert np.isnan(run(x=a))


def test_argmax_takes_the_first_of_equals():
    X, z = gc.Input("X", M, N), gc.Tensor("z", M, dtype="int64")
    run = gc.System(Eq(z[m], gc.argmax(X[m, j], j))).compile("z")
    for size in (1, 2, 7, 8, 9, 17):
        a = rng.integers(0, 3, (6, size)).astype(float)
        np.testing.assert_array_equal(run(X=a), a.argmax(1))


def test_scatters():
    """The gradient of a gather adds up what comes from equal places."""
    w = gc.Input("w", M)
    system = gc.System(Eq(L, Sum(w[m] * x[q[m]] ** 2, m)))
    run = system.compile(gc.D(L, x))
    for size in LENGTHS:
        a, at, weights = rng.normal(size=5), rng.integers(0, 5, size), rng.normal(size=size)
        wanted = np.zeros(5)
        np.add.at(wanted, at, 2 * weights * a[at])
        np.testing.assert_allclose(run(x=a, q=at, w=weights), wanted, rtol=1e-12, atol=1e-13)


def test_scatters_through_floor_division():
    system = gc.System(Eq(L, Sum(x[n // 2] * gc.Input("w", 2 * N)[n], n)))
    run = system.compile(gc.D(L, x))
    for size in LENGTHS:
        weights = rng.normal(size=2 * size)
        np.testing.assert_allclose(run(x=np.zeros(size), w=weights), weights.reshape(size, 2).sum(1), rtol=1e-14)


def test_triangles():
    w, z = gc.Input("w", N, N), gc.Tensor("z", N)
    run = gc.System(Eq(z[i], Sum(w[i, j] * x[j], (j, 0, i)))).compile("z")
    for size in LENGTHS:
        a, b = rng.normal(size=(size, size)), rng.normal(size=size)
        np.testing.assert_allclose(run(w=a, x=b), np.tril(a) @ b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["only even", "every third", "odd sums"])
def test_conditions_with_strides(kind):
    condition, wanted = {
        "only even": (gc.Eq(gc.Mod(i, 2), 0), lambda k: k % 2 == 0),
        "every third": (gc.Eq(gc.Mod(i + 1, 3), 0), lambda k: (k + 1) % 3 == 0),
        "odd sums": (gc.Ne(gc.Mod(i, 2), 0), lambda k: k % 2 == 1),
    }[kind]
    run = gc.System(Eq(y[i], gc.Piecewise((x[i] * 2, condition), (-x[i], True)))).compile("y")
    for size in LENGTHS:
        a = rng.normal(size=size)
        np.testing.assert_allclose(run(x=a), np.where(wanted(np.arange(size)), 2 * a, -a))


def test_a_recurrence_that_differs_between_even_and_odd_steps():
    run = gc.System(
        Eq(y[i], gc.Piecewise((y[i - 2] * 2, gc.Eq(gc.Mod(i, 2), 0)), (x[i], True))), Eq(y[-1], 7), Eq(y[-2], 0.5)
    ).compile("y")  # fmt: skip
    for size in (0, 1, 2, 3, 8, 65):
        a = rng.normal(size=size)
        wanted = np.where(np.arange(size) % 2 == 0, 0.5 * 2.0 ** (np.arange(size) // 2 + 1), a)
        np.testing.assert_allclose(run(x=a), wanted)


@pytest.mark.parametrize("length", [3, 9, 17, 31])
def test_backwards_to_the_end_of_an_array(length):
    o, data = gc.Tensor("o", N), numbers(length)
    agree([Eq(o[n], exp(x[N - 1 - n]))], ["o"], {"x": data}, [np.exp(data[::-1])])


def test_masked_lanes_raise_nothing():
    """What stands beyond the end of a vector is computed by no lane that counts: its zeros make no NaN in a sum."""
    LENGTHS = (*range(1, 20), 31, 64, 65)
    for value, meaning in [
        (log(x[i]), np.log),
        (1 / x[i], lambda v: 1 / v),
        (sqrt(x[i] - 1), lambda v: np.sqrt(v - 1)),
    ]:
        run = gc.System(Eq(L, Sum(value, i))).compile("L", gc.D(L, x))
        for n in LENGTHS:
            given = np.linspace(1.5, 3, n)
            found = run(x=given)
            np.testing.assert_allclose(found.L, meaning(given).sum(), rtol=1e-13)
            assert np.isfinite(found[1]).all()
