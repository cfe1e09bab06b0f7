"""Neighbours over the same points are one nest; sums have nests of their own; borders are split from the interior."""

import graphc as gc
from graphc import Eq, Sum, exp, tanh
from tests.schedule.build import K, N, T, i, j, m, n, program, t

x, X = gc.Input("x", T), gc.Input("X", T, N)
P, Q, R = (gc.Tensor(name, T, N) for name in "PQR")
L = gc.Tensor("L")


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
