"""A comparison of an index with data makes a scatter or a gather: as many points as there are data, not times N."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, KroneckerDelta, Piecewise, Sum, amax, floor, log, tanh
from graphc.transforms.deltas import deltas
from tests.compiled import agree, numbers

N, M, F, T, C = gc.sizes("N M F T C")
n, k, i, j, t, c = gc.indices("n k i j t c")
J, x, y, L = gc.Input("J", M, dtype="int64"), gc.Input("x", M), gc.Tensor("y", N), gc.Tensor("L")
src, dst = gc.Input("src", M, dtype="int64"), gc.Input("dst", M, dtype="int64")
X, W, z, h = gc.Input("X", N, F), gc.Param("W", F, F), gc.Tensor("z", N, F), gc.Tensor("h", N, F)
places = np.array([3, 0, -1, 3, 5, 1, 3, -7, 9])  # some twice, some nowhere
edges = {"src": np.array([0, 1, 3, 3, 2]), "dst": np.array([1, 1, 0, 2, 1])}


def points(system, tensor):
    """How many indices each term of a tensor runs over, once comparisons are gone."""
    return [len(term.domain.indices) for term in deltas(system.ir).by_tensor[system.tensor(tensor)].terms]


SCATTERS = {
    "delta": KroneckerDelta(n, J[k]) * x[k] / 2,
    "piecewise": Piecewise((x[k], Eq(J[k], n)), (0, True)),
    "shifted": -KroneckerDelta(n - 2, J[k]) * x[k],
    "mirrored": KroneckerDelta(J[k], N - 1 - n) * x[k] * n,
    "conditions": Piecewise((Piecewise((x[k], Eq(n, J[k])), (0, True)), x[k] > 0), (0, True)),
    "part": Piecewise((x[k], Eq(n, J[k]) & (n > 1) & (n + k < 8)), (0, True)),
    "two": KroneckerDelta(n, J[k]) * x[k] + KroneckerDelta(n + 1, J[k]) * x[k] ** 2,
}


@pytest.mark.parametrize("name", SCATTERS)
def test_scatter_and_its_gradient(name):
    equations = [Eq(y[n], Sum(SCATTERS[name], k)), Eq(L, Sum(y[n] ** 2 * (n + 1), n))]
    system = gc.System(*equations)
    assert set(points(system, "y")) == {1}
    assert set(points(system.grad(L, [x]), "D(L, x)")) <= {1}
    for size in (5, 0):
        agree(equations, [y, L, D(L, x)], {"J": places, "x": numbers(9), "N": size})


def test_labels():
    """The index that is summed over is the label: cross-entropy reads one element a step."""
    label, p = gc.Input("label", T, dtype="int64"), gc.Input("p", T, C)
    equations = [Eq(L, -Sum(KroneckerDelta(c, label[t]) * log(p[t, c]), t, c))]
    assert points(gc.System(*equations), "L") == [1]
    agree(equations, [L, D(L, p)], {"label": np.array([2, 0, -1, 3, 2]), "p": numbers(5, 3) ** 2})


def test_counts_of_classes_and_bins():
    bins, B = gc.Tensor("bins", M), gc.sizes("B")
    system = [Eq(bins[k], floor(x[k] * B)), Eq(y[n], Sum(KroneckerDelta(n, J[k]), k))]
    assert points(gc.System(*system), "y") == [1]
    agree(
        system, [y], {"J": places, "x": numbers(9), "N": 5, "B": 2}, [np.bincount(places[places >= 0], minlength=5)[:5]]
    )


def test_graph_convolution():
    """As many messages as edges, forwards and back."""
    messages = Sum(KroneckerDelta(n, dst[k]) * X[src[k], i], k)
    equations = [Eq(z[n, i], messages), Eq(h[n, i], tanh(Sum(W[i, j] * z[n, j], j))), Eq(L, Sum(h**2))]
    system = gc.System(*equations)
    assert points(system, "z") == points(system.grad(L, [X]), "D(L, X)") == [2]
    agree(equations, [h, D(L, X), D(L, W)], {**edges, "X": numbers(4, 3), "W": numbers(3, 3)})


def test_layers_of_messages():
    """Inside a recurrence the layers order what is added where."""
    g, u = gc.Tensor("g", T, N), gc.Input("u", T, N)
    step = tanh(Sum(KroneckerDelta(n, dst[k]) * g[t - 1, src[k]], k) + u[t, n])
    agree([Eq(g[t, n], step), Eq(g[-1, n], 0), Eq(L, Sum(g**2))], [g, D(L, u)], {**edges, "u": numbers(3, 4)})


def test_data_that_order_a_recurrence_do_so_still():
    """y[n] waits for what points at it: no order of the edges is one, so that the comparisons stay."""
    acyclic = {"src": np.array([0, 0, 1, 2, 1]), "dst": np.array([1, 2, 2, 3, 3])}
    u = gc.Input("u", N)
    step = tanh(Sum(KroneckerDelta(n, dst[k]) * y[src[k]], k) + u[n])
    agree([Eq(y[n], step), Eq(L, Sum(y**2))], [y, D(L, u)], {**acyclic, "u": numbers(4)})


def test_unpooling_and_its_largest():
    """A maximum of what arrives; where nothing does, what there is for nothing."""
    equations = [Eq(y[n], amax(Piecewise((x[k], Eq(n, J[k])), (-gc.oo, True)), k))]
    assert points(gc.System(*equations), "y") == [1]
    equations += [Eq(L, Sum(Piecewise((y[n] ** 2, y[n] > -9), (0, True)), n))]
    assert set(points(gc.System(*equations).grad(L, [x]), "D(L, x)")) == {1}
    agree(equations, [y, L, D(L, x)], {"J": places, "x": numbers(9), "N": 5})


def test_what_is_not_there_does_not_count():
    """A delta is the literal 0 elsewhere: what is infinite there is not asked for."""
    given = {"J": np.array([0, 1, 7]), "x": np.array([1.0, 2.0, np.inf]), "N": 3}
    agree([Eq(y[n], Sum(KroneckerDelta(n, J[k]) * x[k], k))], [y], given, [np.array([1.0, 2.0, 0.0])])
