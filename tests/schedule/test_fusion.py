"""Neighbours over the same points are one nest; sums have nests of their own; borders are split from the interior."""

import pytest

import graphc as gc
from graphc import Eq, Sum, exp, tanh
from tests.compiled import agree, numbers
from tests.schedule.build import K, N, T, i, j, m, n, program, t

x, X = gc.Input("x", T), gc.Input("X", T, N)
P, Q, R = (gc.Tensor(name, T, N) for name in "PQR")
L = gc.Tensor("L")
H = gc.sizes("H")
k = gc.indices("k")
z, A, y = gc.Tensor("z", N), gc.Input("A", N, N), gc.Tensor("y", N, N)


def parallel(p):
    return [len(nest.parallel) for nest in p.nests]


def test_elementwise_neighbours_are_one_nest():
    p = program(gc.System(Eq(P[t, i], tanh(X[t, i])), Eq(Q[t, i], P[t, i] * 2), Eq(R[t, i], P[t, i] + Q[t, i])), *"PQR")
    assert len(p.nests) == 1 and parallel(p) == [2]


def test_indices_need_not_have_the_same_names():
    p = program(gc.System(Eq(P[t, i], tanh(X[t, i])), Eq(Q[m, n], exp(P[m, n]))), "P", "Q")
    assert p.fingerprint() == "P+Q"


def test_a_read_beside_the_own_point_keeps_them_apart():
    shifted = Eq(Q[t, i], gc.Piecewise((P[t, i - 1], i > 0), (0, True)))
    assert len(program(gc.System(Eq(P[t, i], tanh(X[t, i])), shifted), "P", "Q").nests) >= 2
    transposed = gc.Tensor("Z", N, T)
    assert len(program(gc.System(Eq(P[t, i], tanh(X[t, i])), Eq(transposed[i, t], P[t, i])), "P", "Z").nests) >= 1


def test_a_loss_stands_behind_what_it_sums():
    p = program(gc.System(Eq(P[t, i], tanh(X[t, i])), Eq(L, Sum(P[t, i], t, i))), "P", "L")
    assert p.fingerprint().startswith("P") and p.fingerprint().endswith("L")


def test_a_convolution_has_an_interior_and_rims():
    w, F = gc.Param("w", 3), gc.Tensor("F", N + 2)
    y = gc.Input("y", N)
    p = program(gc.System(Eq(F[i], Sum(y[i - m] * w[m], m))), "F")
    sums = [s for nest in p.nests for s in nest.statements if s.mode == "sum"]
    inner = sums[0]
    assert len(sums) > 1
    # In the interior the sum runs over the whole kernel: its bounds do not mention the element written.
    from graphc.equations.bounds import loop_bounds
    from graphc.equations.domain import assume
    from graphc.equations.expr import indices_of

    (written,) = inner.written
    (summed,) = [k for k in inner.domain.indices if k is not written]
    (bounds,) = loop_bounds(inner.domain, [written], [summed], assume(p.system.sizes))
    assert not any(indices_of(e) for e in (bounds.lower, bounds.upper))


def test_a_matrix_product_is_one_sum():
    W, Y = gc.Param("W", N, N), gc.Tensor("Y", T, N)
    p = program(gc.System(Eq(Y[t, i], Sum(W[j, i] * X[t, j], j))), "Y")
    assert [len(s.domain.indices) for nest in p.nests for s in nest.statements if s.mode == "sum"] == [3]


def test_strided_and_dilated_sums_have_no_borders():
    y, w, F = gc.Input("y", N), gc.Param("w", K), gc.Tensor("F", (N - 3 * K + 2) // 2 + 1)
    p = program(gc.System(Eq(F[i], Sum(y[2 * i + 3 * m] * w[m], m))), "F")
    assert sum(s.mode == "sum" for nest in p.nests for s in nest.statements) == 1


def test_each_and_the_next_of_a_tensor_with_an_end_value():
    x = gc.Input("x", N)
    w, r = gc.Param("w"), gc.Tensor("r", N)
    equations = [Eq(r[N], 1), Eq(r[i], exp(w * x[i])), Eq(z[i], r[i] - r[i + 1])]
    agree(equations, [r, z], {"w": 0.3, "x": numbers(37)})


def test_an_element_of_the_diagonal_beside_each_of_its_row():
    """y[i, i] is read where y[i, j] is, at other points of the same loop."""
    z = gc.Tensor("z", N, N)
    agree([Eq(y[i, j], exp(A[i, j])), Eq(z[i, j], y[i, j] / y[i, i])], [y, z], {"A": numbers(9, 9)})
    agree([Eq(y[i, j], exp(A[i, j])), Eq(z[i, j], y[i, j] / y[j, j])], [y, z], {"A": numbers(9, 9)})


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_row_written_apart_and_read_last(count):
    """With one row the last one is the first: only for two and more are they apart."""
    row, rows, u, last = gc.Input("row", H), gc.Input("rows", N, H), gc.Tensor("u", N, H), gc.Tensor("last", N, H)
    agree([
        Eq(u[k, i], exp(rows[k, i])), Eq(u[0, i], exp(row[i])), Eq(last[k, i], rows[k, i]),
        Eq(last[0, i], u[N - 1, H - 1 - i] * 2),
    ], [u, last], {"row": numbers(40), "rows": numbers(count, 40, seed=1)})  # fmt: skip
