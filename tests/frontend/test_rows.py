"""Reductions inside one whose limits come from data: graphs in rows (CSR), two hops, ragged batches, attention."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mean, Sum, amax, exp, sqrt

N, E, F, B, T = gc.sizes("N E F B T")
n, e, f, b, t, k = gc.indices("n e f b t k")
start, col = gc.Input("start", N + 1, dtype="int64"), gc.Input("col", E, dtype="int64")
val, x, y, L = gc.Input("val", E), gc.Input("x", N, F), gc.Tensor("y", N), gc.Tensor("L")
ROW = (e, start[n], start[n + 1] - 1)
rng = np.random.default_rng(0)
GRAPH = {
    "start": np.array([0, 2, 2, 5]), "col": np.array([0, 1, 1, 2, 0]),
    "val": rng.normal(size=5), "x": rng.normal(size=(3, 2)),
}  # fmt: skip


def rows(term, combine=sum):
    """The reduction of term(row, edge) over the edges of each row."""
    ends = GRAPH["start"]
    return [combine([term(m, q) for q in range(ends[m], ends[m + 1])]) for m in range(3)]


def products(m, q):
    return GRAPH["x"][GRAPH["col"][q]] * GRAPH["x"][m]


def hop(q):
    first, last = GRAPH["start"][GRAPH["col"][q]], GRAPH["start"][GRAPH["col"][q] + 1]
    return np.sqrt((GRAPH["val"][first:last] ** 2).sum())


V = GRAPH["val"]
FORMS = {
    "an exponential": (val[e] * exp(Sum(x[col[e], f] * x[n, f], f)), lambda m, q: V[q] * np.exp(products(m, q).sum())),
    "a maximum": (val[e] * amax(x[col[e], f] * x[n, f], f), lambda m, q: V[q] * products(m, q).max()),
    "up to here": (val[e] * Sum(val[k], (k, start[n], e)), lambda m, q: V[q] * V[GRAPH["start"][m] : q + 1].sum()),
    "from the start": (val[e] * Sum(val[k], (k, 0, e)), lambda m, q: V[q] * V[: q + 1].sum()),
    "two hops": (
        val[e] * sqrt(Sum(val[k] ** 2, (k, start[col[e]], start[col[e] + 1] - 1))), lambda m, q: V[q] * hop(q),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_sums_over_rows(form):
    value, by_hand = FORMS[form]
    system = gc.System(Eq(y[n], Sum(value, ROW)), Eq(L, Sum(y[n] ** 2, n)))
    data = {name: GRAPH[name] for name in (i.name for i in system.ir.inputs)}
    wanted = rows(by_hand)
    np.testing.assert_allclose(system.evaluate(y, **data), wanted, rtol=1e-12)
    np.testing.assert_allclose(system.compile(y)(**data), wanted, rtol=1e-12)
    if form != "two hops":  # the slope of a root of nothing is no number
        assert gc.verify(system, L, **data)


def test_attention_over_neighbours():
    score = Sum(x[col[e], f] * x[n, f], f)
    system = gc.System(Eq(y[n], Sum(val[e] * exp(score), ROW) / (1 + Sum(exp(score), ROW))), Eq(L, Sum(y[n] ** 2, n)))
    weights = lambda m, q: np.exp(products(m, q).sum())
    wanted = np.array(rows(lambda m, q: V[q] * weights(m, q))) / (1 + np.array(rows(weights)))
    np.testing.assert_allclose(system.compile(y)(**GRAPH), wanted, rtol=1e-12)
    assert gc.verify(system, L, **GRAPH)


@pytest.mark.parametrize("lengths", [[4, 1, 2], [1, 1, 1], [4, 4, 4]])
def test_a_ragged_batch(lengths):
    batch, length, z = gc.Input("batch", B, T, F), gc.Input("length", B, dtype="int64"), gc.Tensor("z", B)
    system = gc.System(Eq(z[b], Mean(sqrt(Sum(batch[b, t, f] ** 2, f)), (t, 0, length[b] - 1))))
    data = {"batch": rng.normal(size=(3, 4, 2)), "length": np.array(lengths)}
    norms = np.sqrt((data["batch"] ** 2).sum(2))
    wanted = [norms[m, :count].mean() for m, count in enumerate(lengths)]
    for found in (system.evaluate(z, **data), system.compile(z)(**data)):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_rows_that_overlap_are_right_or_refused():
    """An edge has one value of what depends on its row: where starts decrease it may be in two."""
    system = gc.System(Eq(y[n], Sum(FORMS["an exponential"][0], ROW)))
    run, refused = system.compile(y), 0
    for seed in range(30):
        data = GRAPH | {"start": np.random.default_rng(seed).integers(0, 6, size=4)}
        first = data["start"]
        wanted = [
            sum(V[q] * np.exp(products(m, q).sum()) for q in range(first[m], first[m + 1])) for m in range(3)
        ]  # fmt: skip
        try:
            np.testing.assert_allclose(run(**data), wanted, rtol=1e-12)
        except gc.ArgumentError:
            refused += 1
            assert (np.diff(first) < 0).any()
    assert 0 < refused < 30


def test_the_gradient_reaches_only_what_rows_have():
    system = gc.System(Eq(y[n], Sum(FORMS["an exponential"][0], (e, start[n], start[n + 1] - 2))), Eq(L, Sum(y[n], n)))
    slope = system.compile(D(L, val))(**GRAPH)
    assert (slope != 0).tolist() == [True, False, True, True, False]
