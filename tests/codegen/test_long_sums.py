"""Long sums: the rounding error grows with the logarithm of their length at most, and no term is lost on the way.

Errors are relative to the sum of the magnitudes. Data: equal (every addition rounds the same way), random, cancelling.
"""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Mean, Piecewise, Sum, exp, log, logsumexp

M, N, K, T, B = gc.sizes("M N K T B")
i, j, k, m, n, t, b = gc.indices("i j k m n t b")
x, X, L = gc.Input("x", N), gc.Input("X", M, N), gc.Tensor("L")
J = gc.Input("J", N, dtype="int64")
EPS = float(np.finfo("float32").eps)


def equal(*shape):
    return np.full(shape, 0.1, "float32")


def random(*shape):
    return np.random.default_rng(0).uniform(0, 1, shape).astype("float32")


def cancelling(*shape):
    values = np.random.default_rng(0).normal(size=shape).astype("float32").reshape(-1)
    half = len(values) // 2
    values[half : 2 * half] = -np.random.default_rng(1).permutation(values[:half])
    return values.reshape(shape)


DATA = pytest.mark.parametrize("data", [equal, random, cancelling])


def error(found, terms, axis=None):
    terms = np.asarray(terms, "float64")
    return np.max(np.abs(found - terms.sum(axis)) / np.abs(terms).sum(axis))


@DATA
def test_the_error_of_a_long_sum_grows_with_the_logarithm_of_its_length(data):
    run = gc.System(Eq(L, Sum(x[n], n))).compile("L", dtype="float32")
    for length in (10**3, 10**4, 10**5, 10**6, 10**7):
        values = data(length)
        assert error(run(x=values), values) < EPS * np.log2(length)


@DATA
@pytest.mark.parametrize("shape", [(1000, 600), (300_000, 2), (3, 200_000), (20_000, 30)])
def test_sums_along_each_axis_and_both(data, shape):
    both, rows, columns = gc.Tensor("both"), gc.Tensor("rows", M), gc.Tensor("columns", N)
    run = gc.System(
        Eq(both, Sum(X[m, n], m, n)), Eq(rows[m], Sum(X[m, n], n)), Eq(columns[n], Sum(X[m, n], m))
    ).compile("both", "rows", "columns", dtype="float32")  # fmt: skip
    values = data(*shape)
    found = run(X=values)
    for result, axis in zip(found, (None, 1, 0), strict=True):
        assert error(result, values, axis) < EPS * np.log2(values.size)


OTHERS = {
    "logarithms": (Eq(L, Mean(log(x[n]), n)), lambda v: np.log(v) / v.size),
    "functions": (Eq(L, Sum(exp(-x[n]), n)), lambda v: np.exp(-v)),
    "products": (Eq(L, Sum(x[n] * x[N - 1 - n], n)), lambda v: v * v[::-1]),
    "a part": (Eq(L, Sum(Piecewise((x[n], n > 4), (0, True)), n)), lambda v: v[5:]),
    "every third": (Eq(L, Sum(Piecewise((x[n], Eq(gc.Mod(n, 3), 0)), (0, True)), n)), lambda v: v[::3]),
    "neighbours": (Eq(L, Sum(x[n] + Piecewise((x[n - 1], n > 0), (0, True)), n)), lambda v: v + np.append(0, v[:-1])),
    "at places from data": (Eq(L, Sum(x[J[n]], n)), lambda v: v),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_sums_of_other_terms(kind):
    equation, terms = OTHERS[kind]
    run = gc.System(equation).compile("L", dtype="float32")
    places = {"J": np.arange(10**6)} if kind == "at places from data" else {}
    for data in (equal, random):
        values = np.maximum(data(10**6), np.float32(0.01))
        found = run(x=values, **places)
        assert error(found, terms(values.astype("float64"))) < EPS * np.log2(values.size)


def test_what_a_logsumexp_and_a_softmax_add_up():
    y = gc.Tensor("y", N)
    run = gc.System(Eq(L, logsumexp(x[n], n)), Eq(y[n], gc.softmax(x[k], k).subs(k, n))).compile("L", dtype="float32")
    values = equal(10**7)
    assert abs(run(x=values) - (np.float64(values[0]) + np.log(1e7))) < 17 * EPS


@DATA
@pytest.mark.parametrize("time, batch, rows, columns", [(100, 32, 16, 30), (20_000, 32, 2, 5), (20_001, 1, 300, 3)])
def test_outer_products_over_time_and_batch(data, time, batch, rows, columns):
    """The gradient of a recurrent layer's weights; many blocks, more rows than a long sum takes at a time."""
    e, s, W = gc.Input("e", T, B, M), gc.Input("s", T, B, N), gc.Tensor("W", M, N)
    shifted = Piecewise((s[t - 1, b, n], t > 0), (0, True))
    run = gc.System(Eq(W[m, n], Sum(e[t, b, m] * shifted, t, b))).compile("W", dtype="float32")
    left, right = data(time, batch, rows), equal(time, batch, columns) * 3
    one, other = left[1:].reshape(-1, rows).astype("float64"), right[:-1].reshape(-1, columns).astype("float64")
    found = run(e=left, s=right)
    products = "ki,kj->ij"  # without BLAS and its threads
    wrong = np.abs(found - np.einsum(products, one, other)) / np.einsum(products, np.abs(one), np.abs(other))
    assert wrong.max() < 3 * EPS * np.log2(time * batch)  # within a block of 256 terms, equal ones cost 25 EPS


AROUND = [1, 127, 128, 129, 255, 256, 257, 4095, 4096, 4097, 65_537, 131_072, 700_003]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_no_term_is_lost_or_counted_twice(dtype):
    """Sums of small whole numbers have no rounding: every order gives the same. In rows, columns and all together."""
    both, rows, columns = gc.Tensor("both"), gc.Tensor("rows", M), gc.Tensor("columns", N)
    run = gc.System(
        Eq(both, Sum(X[m, n], m, n)), Eq(rows[m], Sum(X[m, n], n)), Eq(columns[n], Sum(X[m, n], m))
    ).compile("both", "rows", "columns", dtype=dtype)  # fmt: skip
    rng = np.random.default_rng(0)
    for length in AROUND:
        for shape in ((1, length), (length, 1), (3, length), (length, 5)):
            values = rng.integers(-4, 5, shape).astype(dtype)
            found = run(X=values)
            assert found.both == values.sum()
            np.testing.assert_array_equal(found.rows, values.sum(1))
            np.testing.assert_array_equal(found.columns, values.sum(0))


def test_the_last_level_takes_what_comes():
    run = gc.System(Eq(L, Sum(x[n], n))).compile("L")
    values = np.random.default_rng(0).integers(-4, 5, 14_000_001).astype("float64")
    for length in (4_200_000, 14_000_001):
        assert run(x=values[:length]) == values[:length].sum()


@pytest.mark.parametrize("terms", [255, 257, 4097, 8191, 8192, 8193, 16_384, 300_001])
@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 17), (257, 2), (300, 33)])
def test_no_term_of_a_product_is_lost_or_counted_twice(terms, rows, columns):
    if terms * rows * columns > 2 * 10**7:
        pytest.skip("takes long, and shorter ones have as many rows")
    P, Q, C = gc.Input("P", K, M), gc.Input("Q", K, N), gc.Tensor("C", M, N)
    start = gc.Input("start", M, N)
    run = gc.System(Eq(C[m, n], start[m, n] + Sum(P[k, m] * Q[k, n], k))).compile("C", dtype="float32")
    rng = np.random.default_rng(0)
    p, q = (rng.integers(-2, 3, (terms, size)).astype("float32") for size in (rows, columns))
    first = rng.integers(-9, 9, (rows, columns)).astype("float32")
    np.testing.assert_array_equal(run(P=p, Q=q, start=first), first + np.einsum("ki,kj->ij", p, q))


def test_sums_of_integers_are_exact_and_wrap():
    whole = gc.Input("whole", N, dtype="int64")
    run = gc.System(Eq(L, Sum(whole[n], n))).compile("L", dtype="int64")
    values = np.random.default_rng(0).integers(-(2**62), 2**62, 100_003)
    assert run(whole=values) == values.sum()
    assert "levels" not in run.llvm_ir and "take" not in run.llvm_ir


def test_infinities_and_nan_come_through():
    run = gc.System(Eq(L, Sum(x[n], n))).compile("L", dtype="float32")
    values = equal(10**6)
    for place in (0, 5_000, 999_999):
        values[place] = np.inf
        assert run(x=values) == np.inf
        values[place] = np.nan
        assert np.isnan(run(x=values))
        values[place] = 0
    values[3], values[-3] = np.inf, -np.inf
    assert np.isnan(run(x=values))


def test_a_sum_known_to_be_short_has_no_cascade():
    run = gc.System(Eq(L, Sum(x[n], n))).compile("L", dtype="float32", sizes={"N": 100})
    assert "take" not in run.llvm_ir
    assert error(run(x=random(100)), random(100)) < EPS
