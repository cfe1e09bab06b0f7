"""The winners of a maximum are found by comparing each term with it: the term must round as it did in the maximum.

Terms were computed with a fused multiply-add in one place and without in the other, so that none of them equalled the
largest, and its gradient was lost; `argmax` then pointed nowhere.
"""

import itertools
from functools import cache

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Max, Sum, amax, amin, argmax, argmin, tanh
from graphc.compiler import TRANSFORMS, compile
from tests.compiled import both

T, N = gc.sizes("T N")
t, i, j, k = gc.indices("t i j k")
L = gc.Tensor("L")
A, B, C = gc.inputs("A B C", N, N)
FORMS = {
    "a*b + c": lambda a, b, c: a * b + c,
    "a + b**2": lambda a, b, c: a + b**2,
    "a*b + b*c - a*c": lambda a, b, c: a * b + b * c - a * c,
    "a + b + c + a*b": lambda a, b, c: a + b + c + a * b,
    "0.3*tanh(a*b + c) - b*c": lambda a, b, c: 0.3 * tanh(a * b + c) - b * c,
}
x, y = gc.Input("x", N), gc.Tensor("y", N)
SELECT = (amax, argmax), (amin, argmin)


@cache
def selecting(extreme, place, form):
    """The extremes of a form over one index, their places and gradients."""
    o, q = gc.Tensor("o", N, N), gc.Tensor("q", N, N)
    value = FORMS[form](A[i, k], B[k, j], C[i, k])
    system = gc.System(
        Eq(o[i, j], extreme(value, k)), Eq(q[i, j], place(value, k)), Eq(L, Sum(o[i, j] + o[i, j] ** 2, i, j))
    )
    return system, (o, q, D(L, A), D(L, B))


def numbers(form, n, dtype):
    rng = np.random.default_rng(n)
    data = {x: rng.normal(size=(n, n)).astype(dtype) for x in "ABC"}
    return {x: v for x, v in data.items() if x != "C" or form != "a + b**2"}


@cache
def interpreted(extreme, place, form, n):
    system, outputs = selecting(extreme, place, form)
    return system.evaluate(*outputs, **numbers(form, n, "float64"))


def compiled(system, outputs, **options):
    """With the transforms, and without those that happen to name what is computed twice."""
    graded = system.grad(L, [A, B])
    return compile(graded.ir, [graded.tensor(t) for t in outputs], **options)


def cases():
    """Minima are maxima of what is negated, and what rounds alike is one question in both precisions: of each form some
    each time, the others by night."""
    every = itertools.product([TRANSFORMS, ("gather", "merge", "hoist")], ["float64", "float32"], FORMS, SELECT)
    for passes, dtype, form, (extreme, place) in every:
        again = (extreme is amin) + (dtype == "float32") + (passes is not TRANSFORMS) > 1
        name = f"{extreme.__name__}-{form}-{dtype}-{'all' if passes is TRANSFORMS else 'some'} passes"
        yield pytest.param(form, extreme, place, dtype, passes, id=name, marks=[pytest.mark.nightly] * again)


@pytest.mark.parametrize(("form", "extreme", "place", "dtype", "passes"), [*cases()])
def test_of_every_maximum_some_term_is_the_winner(form, extreme, place, dtype, passes):
    system, outputs = selecting(extreme, place, form)
    run = compiled(system, outputs, dtype=dtype, passes=passes)
    for n in (3, 8, 17, 33):
        found = run(**numbers(form, n, dtype))
        assert found.q.min() >= 0 and found.q.max() < n
        if dtype == "float64":
            for a, b in zip(found, interpreted(extreme, place, form, n), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)


@cache
def best_path(passes):
    """The gradient of the largest sum along a path."""
    a, E = gc.Tensor("a", T, N), gc.Param("E", T, N)
    system = gc.System(
        Eq(a[t, j], amax(a[t - 1, i] * A[i, j] + B[i, j] + E[t, i] + C[i, j], i)),
        Eq(a[-1, j], 0),
        Eq(L, amax(a[T - 1, j], j)),
    )
    graded = system.grad(L)
    return compile(graded.ir, [graded.tensor(D(L, E))], passes=passes)


@pytest.mark.parametrize("passes", [TRANSFORMS, ()])
@pytest.mark.parametrize("n", [2, 5, 16, 40])
def test_each_step_of_the_best_path_gets_a_gradient(n, passes):
    """In a loop the addend that the last step hands on is added last: where the sum is compared, too, or nowhere."""
    run, rng = best_path(passes), np.random.default_rng(n)
    found = run(E=rng.normal(size=(50, n)), **{x: rng.normal(size=(n, n)) for x in "ABC"})
    np.testing.assert_array_equal(np.count_nonzero(found, axis=1), 1)


def test_the_larger_of_two_equal_computations_shares():
    y, (u, v, w) = gc.Tensor("y", N), gc.inputs("u v w", N)
    system = gc.System(Eq(y[i], Max(u[i] * v[i] + w[i], w[i] + v[i] * u[i])), Eq(L, Sum(y)))
    data = dict(zip("uvw", np.random.default_rng(0).normal(size=(3, 37)), strict=True))
    np.testing.assert_allclose(system.compile(D(L, w))(**data), np.ones(37))


def test_differences_of_equal_products_are_zero():
    """A fused multiply-add makes 1e-18 of them, and NaN of their root."""
    (b, u, v), r = gc.inputs("b u v", N), np.random.default_rng(0).random((2, 100))
    np.testing.assert_array_equal(both(Eq(y[i], gc.sqrt(x[i] ** 2 - b[i] ** 2)), x=r[0], b=r[0]), 0)
    determinant = Eq(y[i], gc.floor(x[i] * b[i] - u[i] * v[i]))
    np.testing.assert_array_equal(both(determinant, x=r[0], b=r[1], u=r[1], v=r[0]), 0)
