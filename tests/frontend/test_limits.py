"""Reductions whose limits come from data: as many points as the data say, held to the axis of what is read."""

import itertools

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Mean, Piecewise, Prod, Sum, amax, exp, logsumexp
from tests.compiled import agree, numbers

N, M, F, T = gc.sizes("N M F T")
n, e, i, k, t = gc.indices("n e i k t")
ptr, col = gc.Input("ptr", N + 1, dtype="int64"), gc.Input("col", M, dtype="int64")
val, v, K = gc.Input("val", M), gc.Input("v", N), gc.Input("K", M, F)
y, z, L = gc.Tensor("y", N), gc.Tensor("z", N, F), gc.Tensor("L")
row = (e, ptr[n], ptr[n + 1] - 1)
starts = np.array([0, 3, 3, 7, 9])  # the second row is empty
given = {"ptr": starts, "col": np.array([3, 0, 1, 1, 2, 2, 0, 3, 3]), "val": numbers(9), "v": numbers(4)}


def only(**arguments):
    return {name: a for name, a in given.items() if name in ("ptr", "val")} | arguments


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"sizes": {"N": 4, "M": 9}, "unfold": True}])
def test_sparse_matrix_times_vector(options):
    dense = np.zeros((4, 4))
    np.add.at(dense, (np.repeat(np.arange(4), np.diff(starts)), given["col"]), given["val"])
    arguments = {name: a.astype(options.get("dtype", float)) if a.dtype == float else a for name, a in given.items()}
    equations = [Eq(y[n], Sum(val[e] * v[col[e]], row)), Eq(L, Sum(y**2))]
    product = dense @ given["v"]
    agree(equations, [y, D(L, v)], arguments, [product, 2 * dense.T @ product], **options)
    agree(equations, [D(L, val)], arguments, **options)


def test_sparse_matrix_times_matrix():
    equations = [Eq(z[n, i], Sum(val[e] * K[e, i], row)), Eq(L, Sum(z**2))]
    agree(equations, [z, D(L, K), D(L, val)], only(K=numbers(9, 3)))


def test_other_reductions():
    """Of nothing where a range is empty."""
    rows = [given["val"][a:b] for a, b in itertools.pairwise(starts)]
    with np.errstate(all="ignore"):
        for reduce, one, nothing in (
            (Mean, np.mean, np.nan), (Prod, np.prod, 1), (amax, np.max, -np.inf), (gc.amin, np.min, np.inf),
            (logsumexp, lambda r: np.log(np.exp(r).sum()), -np.inf),
        ):  # fmt: skip
            agree([Eq(y[n], reduce(val[e], row))], [y], only(), [[one(r) if len(r) else nothing for r in rows]])


def test_one_limit_from_data_and_a_longer_body():
    """Lengths of sequences; what is read is read where the index stands, and the rest follows it."""
    length, q, w = gc.Input("length", N, dtype="int64"), gc.Input("q", N, T), gc.Tensor("w", N, T)
    equations = [
        Eq(w[n, t], exp(q[n, t])),
        Eq(y[n], Sum(w[n, k] * (k + 1), (k, 0, length[n] - 1)) + Sum(q[n, k] ** 2, (k, length[n], T - 1))),
        Eq(L, Sum(y**2)),
    ]
    agree(equations, [y, D(L, q)], {"length": np.array([3, 0, 5, 1]), "q": numbers(4, 5)})


def test_a_sum_in_a_sum():
    for total in (Sum(Sum(val[e], row), (n, 0, N - 1)), Sum(Sum(val[e], row) ** 2, (n, 0, N - 1))):
        agree([Eq(L, total)], [L, D(L, val)], only())


@pytest.mark.parametrize("place, value", [(4, 10), (0, -1), (4, 2**63 - 1), (0, -(2**63)), (1, -(2**63))])
def test_limits_outside_are_an_error(place, value):
    wrong = starts.copy()
    wrong[place] = value
    for equations in ([Eq(y[n], Sum(val[e], row))], [Eq(y[n], Sum(val[e], (e, ptr[n], M - 1)))]):
        net = gc.System(*equations)
        if place == 4 and net.ir.equations[0].terms[0].reads[0] is not None and "M - 1" in str(equations[0]):
            continue  # the last start is no row's
        for run in (net.compile(y), lambda net=net, **arguments: net.evaluate(y, **arguments)):
            with pytest.raises(gc.GraphcError, match="outside axis 0 of val"):
                run(**only(ptr=wrong))


def test_empty_axes():
    run = gc.System(Eq(y[n], Sum(val[e], row))).compile(y)
    assert run(ptr=np.zeros(4, np.int64), val=numbers(0)).tolist() == [0, 0, 0]
    assert run(ptr=np.zeros(1, np.int64), val=numbers(3)).tolist() == []


EXTREMES = [-(2**63), -1, 0, 1, 4, 5, 2**63 - 1]


@pytest.mark.parametrize("size", [0, 1, 5, 17])
def test_conditions_that_bound_a_loop(size):
    """A comparison of an index with data is where its loop ends; where there is nothing, nothing is read."""
    a, b, X = gc.Input("a", N, dtype="int64"), gc.Input("b", N, dtype="int64"), gc.Input("X", M, F)
    inside = (a[n] < e) & (e <= b[n]) & (X[e, 0] > -1)
    equations = [
        Eq(z[n, i], Sum(Piecewise((X[e, i] * val[e], inside), (0, True)), e)),
        Eq(y[n], amax(Piecewise((val[e], (e >= a[n]) & (e < b[n])), (-gc.oo, True)), e)),
        Eq(L, Sum(Piecewise((val[e], b[n] > e), (0, True)), n, e)),
    ]
    rng = np.random.default_rng(size)
    ends = {name: rng.choice(EXTREMES, 9) for name in "ab"}
    agree(equations, [z, y, L, D(L, val)], {**ends, "X": numbers(size, 2), "val": numbers(size)}, sizes={"F": 2})


def test_a_row_costs_what_it_has():
    """The loop over a row ends where the row does: 10**5 rows of one entry each would take half a minute otherwise."""
    many = 10**5
    net = gc.System(Eq(y[n], Sum(val[e] * v[col[e]], row))).compile(y)
    big = {"ptr": np.arange(many + 1), "col": np.arange(many), "val": numbers(many), "v": numbers(many)}
    np.testing.assert_array_equal(net(**big), big["val"] * big["v"])
