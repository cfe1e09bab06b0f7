"""Bound indices: each reduction's own, whatever stands around it or is put into it.

sympy#21891: substitution into a sum captured its bound index. Sums implied inside functions: the index must be bound
inside the function, and the gradient must come out of it.
"""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Max, Piecewise, Prod, Sum, amax, exp, log, logsumexp, softmax, sqrt, tanh
from tests.differences import slopes

N, M = gc.sizes("N M")
i, j, k = gc.indices("i j k")
x, W, L = gc.Input("x", N), gc.Input("W", N, N), gc.Tensor("L")
rng = np.random.default_rng(0)

CAPTURES = {
    "a product of sums over one name": (
        Sum(x[i], i) * Sum(x[i] ** 2, i) * Sum(i * x[i], i),
        lambda x, W: x.sum() * (x**2).sum() * (np.arange(len(x)) @ x),
    ),
    "a sum in a sum over the same name": (
        Sum(x[i] * Sum(x[i] ** 2, i), i), lambda x, W: x.sum() * (x**2).sum(),
    ),
    "a limit that is the outer index of the same name": (
        Sum(x[i] * Sum(x[i], (i, 0, i)), i), lambda x, W: x @ x.cumsum(),
    ),
    "names exchanged inside": (
        Sum(W[i, j] * Sum(W[j, i] * x[i], i), i, j), lambda x, W: (W.sum(0)) @ (W @ x),
    ),
    "a power of a sum": (Sum(Sum(W[i, j] * x[j], j) ** 3, i), lambda x, W: ((W @ x) ** 3).sum()),
    "a product over the same name as a sum in it": (
        Prod(1 + Sum(W[i, j] * x[j], j) / 9, i) + Sum(Prod(1 + W[j, i] / 9, i) * x[j], j),
        lambda x, W: np.prod(1 + W @ x / 9) + np.prod(1 + W / 9, 1) @ x,
    ),
    "a sum read at an index that is bound around it": (
        Sum(x[j] * Sum(x[i] * Sum(W[i, j] * W[j, k], k), i), j),
        lambda x, W: np.einsum("j,i,ij,jk->", x, x, W, W),
    ),
}  # fmt: skip
IMPLIED = {
    "exp": (Sum(exp(Sum(W[i, j] * x[j], j) / 4), i), lambda x, W: np.exp(W @ x / 4).sum()),
    "exp in vector notation": (Sum(exp((W @ x) / 4)), lambda x, W: np.exp(W @ x / 4).sum()),
    "tanh in tanh": (
        Sum(tanh(Sum(W[i, j] * tanh(Sum(W[j, k] * x[k], k)), j)), i), lambda x, W: np.tanh(W @ np.tanh(W @ x)).sum(),
    ),
    "a sum and the same index outside it": (
        Sum(x[i] * exp(-Sum(x[i] ** 2, i) / 9), i), lambda x, W: x.sum() * np.exp(-(x**2).sum() / 9),
    ),
    "values of a Piecewise": (
        Sum(Piecewise((Sum(W[i, j] * x[j], j), x[i] > 0), (tanh(Sum(W[j, i] * x[j], j)), True)), i),
        lambda x, W: np.where(x > 0, W @ x, np.tanh(x @ W)).sum(),
    ),
    "values of a Piecewise on indices": (
        Sum(Piecewise((Sum(x[j], (j, 0, i)) ** 2, i < 2), (Sum(x[j] * W[i, j], (j, i, N - 1)), True)), i),
        lambda x, W: (x.cumsum()[:2] ** 2).sum() + sum(x[p:] @ W[p, p:] for p in range(2, len(x))),
    ),
    "a condition of a Piecewise": (
        Sum(Piecewise((x[i] ** 2, Sum(W[i, j], j) > 0), (3 * x[i], True)), i),
        lambda x, W: np.where(W.sum(1) > 0, x**2, 3 * x).sum(),
    ),
    "maxima, roots and quotients": (
        Sum(Max(Sum(W[i, j] * x[j], j), Sum(W[j, i] * x[j], j)) / sqrt(1 + Sum(x[j] ** 2, j)), i),
        lambda x, W: (np.maximum(W @ x, x @ W) / np.sqrt(1 + x @ x)).sum(),
    ),
    "logarithm of a sum of exponentials of sums": (
        log(Sum(exp(Sum(W[i, j] * x[j], j)), i)) + logsumexp(W @ x),
        lambda x, W: 2 * np.log(np.exp(W @ x).sum()),
    ),
    "a softmax of a product": (
        Sum(softmax(W @ x)[i] * i, i), lambda x, W: np.exp(W @ x) @ np.arange(len(x)) / np.exp(W @ x).sum(),
    ),
    "a largest sum": (
        exp(amax(Sum(W[i, j] * x[j], j), i)), lambda x, W: np.exp((W @ x).max()),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", [*CAPTURES, *IMPLIED])
def test_value_and_gradient_bind_each_index_where_it_is_written(what):
    """sympy#21891: a captured index gives another value for N > 1; a gradient that leaves its scope another slope."""
    value, meaning = {**CAPTURES, **IMPLIED}[what]
    wrt = [tensor for tensor in (x, W) if value.has(tensor)]
    run = gc.System(Eq(L, value)).compile("L", *(gc.D(L, tensor) for tensor in wrt))
    for n in (1, 2, 3, 5, 9):
        v, matrix = rng.normal(size=n), rng.normal(size=(n, n))
        found = run(**{tensor.name: {x: v, W: matrix}[tensor] for tensor in wrt})
        np.testing.assert_allclose(found.L, meaning(v, matrix), rtol=1e-11, atol=1e-13)
        by_x = slopes(lambda v, m=matrix: meaning(v, m), v)
        np.testing.assert_allclose(found[1], by_x, rtol=1e-6, atol=1e-8)
        if W in wrt:
            by_w = slopes(lambda m, v=v: meaning(v, m), matrix)
            np.testing.assert_allclose(found[2], by_w, rtol=1e-6, atol=1e-8)


def test_an_index_on_the_left_may_be_bound_again_on_the_right():
    """sympy#21891: in y[i] = x[i]*Sum(x[i], i) the summed i is another; so is it where y is put into its readers."""
    y, z = gc.Tensor("y", N), gc.Tensor("z", N)
    run = gc.System(
        Eq(y[i], x[i] * Sum(x[i], i)), Eq(z[j], Sum(W[j, i] * y[i], i) + y[j]), Eq(L, Sum(j * z[j], j))
    ).compile("y", "z", gc.D(L, x))  # fmt: skip
    for n in (1, 2, 4, 9, 17):
        v, matrix = rng.normal(size=n), rng.normal(size=(n, n))
        found = run(x=v, W=matrix)
        np.testing.assert_allclose(found.y, v * v.sum(), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found.z, (matrix + np.eye(n)) @ (v * v.sum()), rtol=1e-11, atol=1e-12)
        back = np.arange(n) @ (matrix + np.eye(n))
        np.testing.assert_allclose(found[2], back * v.sum() + back @ v, rtol=1e-10, atol=1e-11)


def test_one_reduction_used_at_two_places_keeps_both_places():
    """A sum over j named once and read at i and at k: its own index must not become one of theirs."""
    s, y = gc.Tensor("s", N), gc.Tensor("y", N, N)
    run = gc.System(
        Eq(s[i], Sum(W[i, j] * x[j], j)), Eq(y[j, k], s[j] * s[k] + s[j]), Eq(L, Sum(W[k, j] * y[j, k], j, k))
    ).compile("y", gc.D(L, x))
    for n in (1, 2, 5, 9):
        v, matrix = rng.normal(size=n), rng.normal(size=(n, n))
        found, product = run(x=v, W=matrix), matrix @ v
        np.testing.assert_allclose(found.y, np.outer(product, product) + product[:, None], rtol=1e-11, atol=1e-13)
        slope = slopes(lambda v, m=matrix: np.sum(m.T * (np.outer(m @ v, m @ v) + (m @ v)[:, None])), v)
        np.testing.assert_allclose(found[1], slope, rtol=1e-6, atol=1e-7)


def test_a_sum_inside_what_is_convolved():
    """The signal is an expression of its own indices, the summed one of a product inside it among them."""
    kernel, y, z = gc.Input("kernel", M), gc.Tensor("y", N + M - 1), gc.Tensor("z", N + M - 1)
    system = gc.System(
        Eq(y, gc.conv(W @ x, kernel)),
        Eq(z, gc.conv(softmax(x) * logsumexp(W), kernel)),
        Eq(L, Sum(y[i] * z[i], i)),
    )
    for n, m in ((1, 1), (4, 2), (5, 5)):
        data = {"x": rng.normal(size=n), "W": rng.normal(size=(n, n)), "kernel": rng.normal(size=m)}
        e = np.exp(data["x"])
        wanted = [
            np.convolve(signal, data["kernel"])
            for signal in (data["W"] @ data["x"], e / e.sum() * np.log(np.exp(data["W"]).sum(1)))
        ]
        for found in (system.evaluate("y", "z", **data), system.compile("y", "z")(**data)):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


def test_a_condition_inside_softmax_guards_its_read():
    """The exponentials are a tensor of their own: the condition went with the sum, not with them."""
    X, Y = gc.Input("X", N, M), gc.Tensor("Y", N, M)
    before = Piecewise((X[i - 1, j], i > 0), (0, True))
    system = gc.System(Eq(Y[i, j], softmax(X[i, j] + before, j)), Eq(L, Sum(Y**2 * X)))
    run = system.compile("Y", gc.D(L, X))
    for n, m in ((1, 1), (4, 3), (3, 17)):
        data = rng.normal(size=(n, m))
        found, wide = run(X=data), data + np.vstack([np.zeros((1, m)), data[:-1]])
        powers = np.exp(wide)
        np.testing.assert_allclose(found.Y, powers / powers.sum(1, keepdims=True), rtol=1e-12)

        def loss(x):
            powers = np.exp(x + np.vstack([np.zeros((1, x.shape[1])), x[:-1]]))
            return np.sum((powers / powers.sum(1, keepdims=True)) ** 2 * x)

        np.testing.assert_allclose(found[1], slopes(loss, data), rtol=1e-6, atol=1e-7)


def test_the_index_that_softmax_keeps_runs_as_on_the_left():
    """`x[i + 1]` gives an index of its own all i at which it is inside, but this one has its values from the left."""
    X, Y = gc.Input("X", N + 1), gc.Tensor("Y", N)
    found = gc.System(Eq(Y[i], softmax(X[i + 1], i))).compile("Y")(X=np.arange(5.0))
    np.testing.assert_allclose(found, np.exp(np.arange(4)) / np.exp(np.arange(4)).sum())


def test_conditions_inside_reductions_inside_conditions():
    """SymPy folds the conditions of a Piecewise; those in a reduction are not to come out of what binds their index."""
    data, table = rng.normal(size=9), rng.normal(size=(9, 9))
    A, v = gc.Input("A", N, N), gc.Tensor("v", N)

    def found(value, **arguments):
        system = gc.System(Eq(v[i], value))
        result = system.evaluate(v, **arguments)
        np.testing.assert_allclose(system.compile(v)(**arguments), result, rtol=1e-12)
        return result

    first = Sum(Piecewise((x[i], i < 2), (0, True)), (i, 0, N - 1))  # the letter of the left side
    np.testing.assert_array_equal(found(Piecewise((1, first > x[i]), (0, True)), x=data), data[:2].sum() > data)
    positive = Sum(Piecewise((1, A[i, j] > 0), (0, True)), j)
    np.testing.assert_array_equal(found(Piecewise((1, positive > 4), (0, True)), A=table), (table > 0).sum(1) > 4)
    np.testing.assert_array_equal(found(Piecewise((1, Eq(positive, 5)), (0, True)), A=table), (table > 0).sum(1) == 5)
    largest = amax(Piecewise((x[j], x[j] < 1), (0, True)), j)
    np.testing.assert_array_equal(found(Piecewise((1, largest > x[i]), (2, True)), x=data),
                                  np.where(np.where(data < 1, data, 0).max() > data, 1, 2))  # fmt: skip
    inner = Piecewise((positive, x[i] > 0), (0, True))
    wanted = np.where(data > 0, (table > 0).sum(1), 0) > 3
    np.testing.assert_array_equal(found(Piecewise((1, inner > 3), (0, True)), x=data, A=table), wanted)
    rank = Sum(Piecewise((1, x[k] < x[j]), (0, True)), k)
    np.testing.assert_array_equal(found(Sum(Piecewise((x[j], Eq(rank, i)), (0, True)), j), x=data), np.sort(data))


def test_what_is_put_into_a_reduction_is_not_caught_by_its_index():
    """`subs` gives the bound index another name where it stands in what is put in."""
    A, v, u = gc.Input("A", N, N), gc.Input("v", N), gc.Tensor("u", N)
    table, vector = rng.normal(size=(4, 4)), rng.normal(size=4)
    rows = Sum(A[i, j] * v[j], j)
    shown = [str(rows.subs(i, j)), str(Sum(A[i, j], (j, 0, i)).subs(i, j)), str(rows.subs(j, 2)), str(rows.subs(k, j))]
    assert shown == ["Sum(v[j_]*A[j, j_], j_)", "Sum(A[j, j_], (j_, 0, j))", str(rows), str(rows)]
    found = gc.System(Eq(u[j], rows.subs(i, j))).compile(u)(A=table, v=vector)
    np.testing.assert_allclose(found, table @ vector, rtol=1e-12)
    twice = Sum(Sum(A[i, j] * v[k], k), j).subs(i, j)
    found = gc.System(Eq(u[j], twice)).compile(u)(A=table, v=vector)
    np.testing.assert_allclose(found, table.sum(1) * vector.sum(), rtol=1e-12)
