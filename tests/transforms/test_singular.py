"""Gradients at and beside singular points: sqrt(0), untaken branches, log(0), 0**p; and at every length.

jax#972: NaN for lengths of four and more only, where vector code took both branches and masked lanes were computed.
"""

import numpy as np
import pytest

import graphc as gc
from graphc import Abs, Eq, Max, Min, Piecewise, Prod, Sum, amax, exp, log, sqrt
from tests.compiled import agree

N = gc.sizes("N")
i = gc.indices("i")
x, L = gc.Input("x", N), gc.Tensor("L")
LENGTHS = (*range(1, 20), 31, 64, 65)
TINY, LEAST = np.finfo(float).tiny, 5e-324

GUARDED = {
    "a root": (Piecewise((sqrt(x[i]), x[i] > 0), (0, True)), lambda v: v > 0, lambda v: 0.5 / np.sqrt(v), 0),
    "a logarithm": (Piecewise((log(x[i]), x[i] > 0), (2 * x[i], True)), lambda v: v > 0, lambda v: 1 / v, 2),
    "a quotient": (Piecewise((1 / x[i], Abs(x[i]) > 0), (x[i], True)), lambda v: v != 0, lambda v: -1 / v**2, 1),
    "a power": (Piecewise((x[i] ** 1.5, x[i] > 0), (-x[i], True)), lambda v: v > 0, lambda v: 1.5 * np.sqrt(v), -1),
    "sin(x)/x": (
        Piecewise((gc.sin(x[i]) / x[i], Abs(x[i]) > 0), (1, True)), lambda v: v != 0,
        lambda v: (v * np.cos(v) - np.sin(v)) / v**2, 0,
    ),
    "an exponential far out": (Piecewise((exp(x[i]), x[i] < 9), (x[i], True)), lambda v: v < 9, np.exp, 1),
}  # fmt: skip
v, w = gc.Tensor("v", N), gc.Input("w", N)


@pytest.mark.parametrize("what", GUARDED)
def test_a_branch_not_taken_gives_the_gradient_of_the_one_taken(what):
    """jax#972 and its kin: 0 * inf from the branch not taken is NaN; in vectors, for lengths of four and more only."""
    value, taken, slope, otherwise = GUARDED[what]
    run = gc.System(Eq(L, Sum(value, i))).compile("L", gc.D(L, x))
    for n in LENGTHS:
        given = np.resize([0.0, 4.0, -2.0, 1e9 if "exponential" in what else 0.25, -0.0, 1.0, 0.0], n)
        found = run(x=given)
        with np.errstate(all="ignore"):
            wanted = np.where(taken(given), slope(given), otherwise)
        assert np.isfinite(found.L)
        np.testing.assert_allclose(found[1], wanted, rtol=1e-13)


def test_infinite_slopes_are_infinite_and_nothing_beside_them_is_touched():
    """d sqrt(0) = inf, d log(0) = inf, d 0**0.5 = inf, as IEEE has it; beside zero, finite; no NaN elsewhere."""
    run = gc.System(Eq(L, Sum(sqrt(x[i]), i))).compile(gc.D(L, x))
    both = gc.System(Eq(L, Sum(log(x[i]) + x[i] ** 0.5, i))).compile(gc.D(L, x))
    for n in LENGTHS:
        given = np.resize([0.0, 1.0, TINY, 4.0, LEAST], n)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(run(x=given), 0.5 / np.sqrt(given), rtol=1e-14)
            np.testing.assert_allclose(both(x=given), 1 / given + 0.5 * given**-0.5, rtol=1e-13)


def test_a_gradient_of_zero_through_an_infinite_slope_is_zero_only_where_the_language_says_so():
    """0 * d sqrt(0): nothing says that a factor of zero beats an infinite slope, so it is NaN, as in NumPy; a branch
    not taken is no factor, so there it is 0."""
    w = gc.Input("w", N)
    plain = gc.System(Eq(L, Sum(w[i] * sqrt(x[i]), i))).compile(gc.D(L, x))
    branch = gc.System(Eq(L, Sum(Piecewise((sqrt(x[i]), w[i] > 0), (0, True)), i))).compile(gc.D(L, x))
    for n in LENGTHS:
        found = plain(x=np.zeros(n), w=np.resize([0.0, 1.0], n))
        np.testing.assert_array_equal(found, np.resize([np.nan, np.inf], n))
        np.testing.assert_array_equal(branch(x=np.zeros(n), w=np.resize([0.0, 1.0], n)), np.resize([0, np.inf], n))


def test_norms_extremes_and_products_at_zero():
    """Abs at 0 has slope 0; a tie of extremes shares its gradient; a product with zeros is exact, not 0/0."""
    run = gc.System(
        Eq(gc.Tensor("a"), Sum(Abs(x[i]), i)), Eq(gc.Tensor("b"), amax(x[i], i)), Eq(gc.Tensor("c"), Prod(x[i], i)),
        Eq(gc.Tensor("d"), Sum(Max(x[i], 0) + Min(x[i], 0), i)),
    )  # fmt: skip
    slopes = run.compile(*(gc.D(gc.Tensor(name), x) for name in "abcd"))
    for n in LENGTHS:
        found = slopes(x=np.zeros(n))
        np.testing.assert_array_equal(found[0], np.zeros(n))
        np.testing.assert_allclose(found[1], np.full(n, 1 / n), rtol=1e-15)
        np.testing.assert_array_equal(found[2], np.ones(n) if n == 1 else np.zeros(n))
        np.testing.assert_array_equal(found[3], np.ones(n))
        given = np.arange(n, dtype=float) - n // 2  # a single zero
        others = np.array([np.prod(np.delete(given, k)) for k in range(n)])
        np.testing.assert_allclose(slopes(x=given)[2], others, rtol=1e-12)


def test_the_logarithm_of_two_equal_exponentials():
    """Its slopes at a tie are 1/2 and 1/2, its curvature 1/4; equal infinities are no numbers to subtract."""
    a, b, slope = gc.Param("a"), gc.Param("b"), gc.Tensor("slope")
    system = gc.System(Eq(L, log(exp(a) + exp(b))), Eq(slope, gc.D(L, a)))
    run = system.compile(L, gc.D(L, a), gc.D(L, b), gc.D(slope, a), gc.D(slope, b))
    near = np.nextafter(1.0, 2)
    for other in (1.0, near):
        np.testing.assert_allclose(run(a=1.0, b=other), [1 + np.log(2), 0.5, 0.5, 0.25, -0.25], rtol=1e-12)
    np.testing.assert_array_equal(run(a=-1e10, b=3.0), [3, 0, 1, 0, 0])
    for one in (-np.inf, np.inf):
        found = run(a=one, b=one)
        assert found[0] == one and not np.isnan(found).any()
    assert run(a=-np.inf, b=np.inf)[0] == np.inf and run(a=-np.inf, b=2.0)[0] == 2
    assert np.isnan(run(a=np.nan, b=0.0)[0]) and np.isnan(run(a=0.0, b=np.nan)[0])


def test_a_chain_that_starts_at_a_tie():
    """The free energy of an Ising chain in a field u: at u = 0 its slope is half the number of steps."""
    up, down, u = gc.Tensor("up", N), gc.Tensor("down", N), gc.Param("u")
    chain = gc.System(
        Eq(up[i], log(exp(up[i - 1] + u) + exp(down[i - 1]))), Eq(down[i], log(exp(down[i - 1] + u) + exp(up[i - 1]))),
        Eq(up[-1], 0), Eq(down[-1], 0), Eq(L, up[N - 1]),
    )  # fmt: skip
    np.testing.assert_allclose(chain.compile(L, gc.D(L, u))(u=0.0, N=10), [10 * np.log(2), 5])


def test_a_sum_of_two_exponentials_of_which_one_is_nan():
    one, other = np.array([1, np.nan, 2, np.inf, -np.inf, 3]), np.array([np.nan, 1, 2, np.inf, -np.inf, 4])
    with np.errstate(all="ignore"):
        wanted = np.log(np.exp(one) + np.exp(other))
    agree([Eq(v[i], log(exp(x[i]) + exp(w[i])))], [v], {"x": one, "w": other}, [wanted])
