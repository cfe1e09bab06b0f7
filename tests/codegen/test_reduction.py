"""Sums that run in one loop: over the same points, or over pieces that some sizes leave empty."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Max, Mean, Mod, Piecewise, Prod, Sum, amax, log
from tests.compiled import agree, numbers

N, M = gc.sizes("N M")
n, k, m, i = gc.indices("n k m i")
L, x = gc.Tensor("L"), gc.Input("x", N)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 67, 130])
def test_sums_of_every_kind_over_the_same_points(length, dtype):
    x, y = gc.Input("x", N), gc.Input("y", N)
    names = ("a", "b", "c", "d", "e", "f", "g")
    a, b, c, d, e, f, g = (gc.Tensor(name) for name in names)
    run = gc.System(
        Eq(a, Sum(x[n], n)),
        Eq(b, Sum(x[k] * y[k], k)),
        Eq(c, amax(x[n], n)),
        Eq(d, Mean(y[n], n)),
        Eq(e, Sum(log(y[n]), n)),
        Eq(f, Sum(x[n] + n, n)),
        Eq(g, Sum(Max(x[n], y[n]), n)),
    ).compile(*names, dtype=dtype)
    rng = np.random.default_rng(length)
    u, v = rng.normal(size=length).astype(dtype), rng.uniform(0.5, 2, size=length).astype(dtype)
    wanted = (
        u.sum(), u @ v, u.max(), v.mean(), np.log(v).sum(), (u + np.arange(length)).sum(), np.maximum(u, v).sum()
    )  # fmt: skip
    rtol = 1e-12 if dtype == "float64" else 2e-4
    for found, value in zip(run(x=u, y=v), wanted, strict=True):
        np.testing.assert_allclose(found, value, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 9, 70])
def test_pieces_that_are_empty_for_some_sizes(length):
    """The gradients of a filter's coefficients: sums over n, n >= 1 and n >= 2, in one nest."""
    x, y, loss = gc.Input("x", N, outside=0), gc.Tensor("y", N), gc.Tensor("L")
    p, q, r, s = gc.params("p q r s")
    system = gc.System(
        Eq(y[n], p * x[n] + q * x[n - 1] + r * x[n - 2] - s * y[n - 1]),
        Eq(y[-1], 0),
        Eq(loss, Sum(y[n] ** 2, n)),
    )
    outputs = [loss, *(D(loss, w) for w in (p, q, r, s))]
    arguments = {"x": np.random.default_rng(1).normal(size=length), "p": 0.7, "q": -0.4, "r": 0.3, "s": 0.2}
    run = system.compile(*outputs)
    assert sum(nest.parallel == () and len(nest.statements) > 3 for nest in run.program.nests) >= 1
    for a, b in zip(run(**arguments), system.evaluate(*outputs, **arguments), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_a_sum_that_reads_another_comes_after_it():
    x, total, spread = gc.Input("x", N), gc.Tensor("total"), gc.Tensor("spread")
    run = gc.System(Eq(total, Sum(x[n], n)), Eq(spread, Sum((x[n] - total) ** 2, n))).compile("total", "spread")
    u = np.arange(11.0)
    found = run(x=u)
    assert found.total == u.sum() and found.spread == ((u - u.sum()) ** 2).sum()


@pytest.mark.parametrize("length", [1, 2, 3, 4, 9])
def test_a_sum_over_one_point_that_may_not_be_there(length):
    x, third, squares, both = gc.Input("x", N), gc.Tensor("third"), gc.Tensor("squares"), gc.Tensor("both")
    run = gc.System(
        Eq(third, Sum(Piecewise((x[n], Eq(n, 2)), (0, True)), n)),
        Eq(squares, Sum(x[n] ** 2, n)),
        Eq(both, Sum(Piecewise((x[n], Eq(n, 2)), (3 * x[n], Eq(n, 1)), (0, True)), n)),
    ).compile("third", "squares", "both")
    room = np.full(16, 1e9)
    room[:length] = 1 + np.arange(length)
    found, u = run(x=room[:length]), room[:length]
    assert found.third == (3 if length > 2 else 0) and found.squares == u @ u
    assert found.both == (3 if length > 2 else 0) + (6 if length > 1 else 0)


@pytest.mark.parametrize("length", [1, 2, 3, 9])
def test_contributions_before_under_and_after_a_condition(length):
    """What a branch adds to memory is not lost to a value kept at hand from before it."""
    x, y, total = gc.Input("x", N), gc.Input("y", M), gc.Tensor("total")
    run = gc.System(
        Eq(total, Sum(x[n] * y[m], n, m) + Sum(Piecewise((x[n], Eq(n, 2)), (0, True)), n) + Sum(y[m], m)),
    ).compile("total")
    u, v = 1 + np.arange(float(length)), np.array([2.0, 3.0])
    assert run(x=u, y=v) == u.sum() * 5 + (3 if length > 2 else 0) + 5


@pytest.mark.parametrize("rest", range(8))
def test_sums_over_all_lengths_baked_in(rest):
    for length in range(1 + rest, 100, 8):
        agree([Eq(L, Sum(x[n] * x[n], n))], ["L"], {"x": numbers(length)}, sizes={"N": length})


def test_sums_over_every_third_element():
    agree([Eq(L, Sum(Piecewise((x[n], Eq(Mod(n, 3), 1)), (0, True)), n))], ["L"], {"x": numbers(19)})


@pytest.mark.parametrize("large", [1.5e308, 1.1e-308])
def test_sums_of_logarithms_of_the_largest_and_the_smallest(large):
    data = np.random.default_rng(0).uniform(0.5, 1.1, 80) * large
    agree([Eq(L, Sum(log(x[n]), n))], ["L"], {"x": data}, [np.log(data).sum()])


def test_a_logarithm_subtracted_in_what_is_subtracted():
    h, b, d = *gc.inputs("h b", N), gc.Tensor("d", N)
    equations = [Eq(d[i], b[i] ** 2 / h[i] - log(h[i])), Eq(L, Sum(log(x[i]) - d[i], i))]
    agree(equations, [L], {"x": abs(numbers(37)), "h": abs(numbers(37, seed=1)), "b": numbers(37, seed=2)})


def test_the_largest_logarithm_and_their_product():
    """Logarithms are taken together where they are added."""
    data = 2 + numbers(21) / 9
    agree([Eq(L, amax(log(x[k]), k))], [L], {"x": data}, [np.log(data).max()])
    agree([Eq(L, Prod(log(x[k]), k))], [L], {"x": data}, [np.log(data).prod()])
