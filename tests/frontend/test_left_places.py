"""Left sides at places from data, under a reduction: each element is the reduction of all that is put there."""

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Prod, Sum, amax, amin, floor, tanh
from tests.compiled import agree, numbers

N, M, F, B = gc.sizes("N M F B")
n, e, i, b = gc.indices("n e i b")
src, dst = gc.Input("src", M, dtype="int64"), gc.Input("dst", M, dtype="int64")
v, msg, X = gc.Input("v", M), gc.Input("msg", M, F), gc.Input("X", N, F)
y, out, L = gc.Tensor("y", N), gc.Tensor("out", N, F), gc.Tensor("L")
places = np.array([2, 0, 2, 4, 2, 0])
x = gc.Input("x", N)


@pytest.mark.parametrize(
    "options", [{}, {"dtype": "float32"}, {"sizes": {"N": 5}}, {"sizes": {"N": 5, "M": 6}, "unfold": True}]
)
def test_sums_of_segments(options):
    values = numbers(6, 3).astype(options.get("dtype", "float64"))
    given = {"dst": places, "msg": values} | ({} if "sizes" in options else {"N": 5})
    wanted = np.zeros((5, 3))
    np.add.at(wanted, places, values)
    for left, right in ((out[dst[e], i], msg[e, i]), (out[dst[e]], msg[e])):
        equations = [Eq(left, Sum(right, e)), Eq(L, Sum(out**2))]
        agree(equations, [out, D(L, msg)], given, [wanted, 2 * wanted[places]], **options)


def test_other_reductions():
    """Where nothing is put, there is what the reduction gives for nothing."""
    values = numbers(6)
    for reduce, ufunc, start in ((amax, np.maximum, -np.inf), (amin, np.minimum, np.inf), (Prod, np.multiply, 1)):
        wanted = np.full(5, float(start))
        ufunc.at(wanted, places, values)
        agree([Eq(y[dst[e]], reduce(v[e], e))], [y], {"dst": places, "v": values, "N": 5}, [wanted])


def test_counts():
    """The place alone says what the index runs over; it may be computed."""
    bins, count = gc.Tensor("bins", M, dtype="int64"), gc.Tensor("count", N, dtype="int64")
    given = {"v": np.array([0.1, 0.7, 0.72, 0.999, 0.0]), "N": 4}
    agree([Eq(bins[e], floor(v[e] * N)), Eq(count[bins[e]], Sum(1, e))], [count], given, [np.array([2, 0, 2, 1])])


def test_two_places_and_an_index_that_stays():
    u, A, r = gc.Input("u", B, M), gc.Tensor("A", B, N, N), gc.Input("r", B, M, dtype="int64")
    given = {"u": numbers(2, 6), "r": np.stack([places, places[::-1]]), "dst": places, "N": 5}
    wanted = np.zeros((2, 5, 5))
    for k in range(2):
        np.add.at(wanted[k], (given["r"][k], places), given["u"][k])
    equations = [Eq(A[b, r[b, e], dst[e]], Sum(u[b, e], e)), Eq(L, Sum(A**2))]
    agree(equations, [A, D(L, u)], given)
    agree(equations, [A], given, [wanted])


def test_messages_in_a_recurrence():
    T, t = gc.sizes("T"), gc.index("t")
    g, arrived, u = gc.Tensor("g", T, N), gc.Tensor("arrived", T, N), gc.Input("u", T, N)
    equations = [Eq(arrived[t, dst[e]], Sum(g[t - 1, src[e]] * v[e], e)), Eq(g[t, n], tanh(arrived[t, n] + u[t, n]))]
    equations += [Eq(g[-1, n], 0), Eq(L, Sum(g**2))]
    given = {"dst": places, "src": np.array([0, 1, 3, 3, 4, 2]), "v": numbers(6), "u": numbers(3, 5)}
    agree(equations, [g, D(L, u), D(L, v)], given)


@pytest.mark.parametrize("bad", [-1, 5])
def test_a_place_outside_is_an_error(bad):
    net = gc.System(Eq(y[dst[e]], Sum(v[e], e)))
    given = {"dst": np.where(np.arange(6) == 3, bad, places), "v": numbers(6), "N": 5}
    for run in (net.compile(y), lambda **given: net.evaluate(y, **given)):
        with pytest.raises(gc.ArgumentError, match="outside axis 0 of y"):
            run(**given)


def test_no_places_and_no_elements():
    net = gc.System(Eq(y[dst[e]], Sum(v[e], e))).compile(y)
    nothing = {"dst": np.zeros(0, np.int64), "v": numbers(0)}
    assert net(**nothing, N=3).tolist() == [0, 0, 0]
    assert net(**nothing, N=0).tolist() == []
    with pytest.raises(gc.GraphcError, match="does not exist"):
        net(dst=np.zeros(1, np.int64), v=numbers(1), N=0)


@pytest.mark.parametrize("reduce", [Sum, Prod, amax, amin])
@pytest.mark.parametrize("start", [sp.Integer(1), n + 1, Sum(v[e], e) + n])
def test_start_values_before_what_is_put_at_places(reduce, start):
    T, t = gc.sizes("T"), gc.index("t")
    s, u = gc.Tensor("s", T, N), gc.Input("u", T, M)
    equations = [Eq(s[t, dst[e]], reduce(s[t - 1, src[e]] * u[t, e], e)), Eq(s[-1, n], start)]
    everywhere = np.array([2, 0, 1, 4, 3, 0])
    given = {"dst": everywhere, "src": places, "u": numbers(3, 6), "N": 5} | ({"v": numbers(6)} if start.has(v) else {})
    wanted = []
    previous = {1: np.ones(5), n + 1: np.arange(5) + 1.0}.get(start, numbers(6).sum() + np.arange(5))
    for row in given["u"]:
        each = previous[places] * row
        numpys = {Sum: np.sum, Prod: np.prod, amax: np.max, amin: np.min}[reduce]
        previous = np.array([numpys(each[everywhere == k]) for k in range(5)])
        wanted.append(previous)
    for order in (equations, equations[::-1]):
        agree(order, [s], given, [np.array(wanted)])
        if reduce is not Prod:
            agree([*order, Eq(L, Sum(s**2))], [s, D(L, u)], given)


def test_another_equation_that_may_meet_what_is_put_at_places():
    T, t = gc.sizes("T"), gc.index("t")
    s = gc.Tensor("s", T, N)
    with pytest.raises(gc.UnsupportedError, match="and has another equation"):
        gc.System(Eq(s[t, dst[e]], Sum(v[e], e)), Eq(s[0, n], 1))


def test_left_sides_that_are_no_place():
    v = gc.Tensor("v", N)
    with pytest.raises(gc.DefinitionError):
        gc.System(Eq(v[sp.floor(i / 2)], x[0] + i))
