"""How nests run is chosen by the scheduler, stands in the program and is printed."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Mod, Piecewise, Sum, tanh
from graphc.schedule.costs import Machine
from graphc.schedule.plans import planned
from tests.compiled import agree, numbers
from tests.schedule.build import N, T, i, j, program, t

x, W, s, L = gc.Input("x", T, N), gc.Param("W", N, N), gc.Tensor("s", T, N), gc.Tensor("L")
RNN = Eq(s[t, i], tanh(Sum(W[i, j] * s[t - 1, j], j) + x[t, i])), Eq(s[-1, i], 0)
K = gc.sizes("K")
k = gc.indices("k")
A, B, y = gc.Input("A", N, N), gc.Input("B", N, N), gc.Tensor("y", N, N)


def headings(system, *outputs, registers=32):
    """The nests' first lines."""
    text = str(planned(program(system, *outputs), Machine(registers, lanes=8, bits=64)))
    return [line.strip() for line in text.splitlines() if line.strip().startswith(("parallel", "once", "for"))]


def test_vectors_run_along_what_is_contiguous_and_rows_along_what_shares_them():
    A, B, C = gc.Input("A", T, N), gc.Input("B", N, N), gc.Tensor("C", T, N)
    system = gc.System(Eq(C[t, j], Sum(A[t, i] * B[i, j], i)))
    assert "parallel t, j:    # j in vectors x 2, t in 14 rows" in headings(system, "C")
    assert "parallel t, j:    # j in vectors x 2, t in 6 rows" in headings(system, "C", registers=16)


def test_sums_over_everything_run_along_vectors():
    assert "once:    # i in vectors, then added up" in headings(gc.System(*RNN, Eq(L, Sum(s[t, i] ** 2, t, i))), "L")


def test_what_no_vector_can_run_along_has_no_heading():
    y, z = gc.Tensor("y", N), gc.Input("z", N)
    strided = Eq(y[i], Piecewise((z[i], Eq(Mod(i, 3), 0)), (0, True)))
    assert "parallel i:" in headings(gc.System(strided), "y")


def test_each_nest_and_loop_of_a_compiled_function_has_its_plan():
    run = gc.System(*RNN, Eq(L, Sum(s[t, i] ** 2, t, i))).compile(L, gc.D(L, W))
    p = run.program
    assert p.how.plans.keys() == set(p.nests) and p.how.lags.keys() == set(p.loops)
    assert "in vectors" in str(p)


def test_a_state_stays_in_registers_and_an_update_has_a_plan():
    a, y, u, v = gc.Input("a", T), gc.Tensor("y", T), gc.Input("u", N), gc.Tensor("v", N)
    p = planned(program(gc.System(Eq(y[t], y[t - 1] / 2 + a[t]), Eq(y[-1], 0)), "y"), Machine(32, lanes=8, bits=64))
    assert [depth for lags in p.how.lags.values() for _, depth in lags.values()] == [1]
    run = gc.System(Eq(v[i], 2 * u[i])).compile(v, update={u: v})
    assert len(run.program.how.copies) == 1
    data = np.arange(3.0)
    run(u=data)
    np.testing.assert_array_equal(data, [0, 2, 4])


@pytest.mark.parametrize("wanted", [np.triu, np.tril])
def test_one_triangle_of_a_product(wanted):
    A, B, C = gc.Input("A", N, K), gc.Input("B", K, N), gc.Tensor("C", N, N)
    product = Piecewise((Sum(A[i, k] * B[k, j], k), i <= j if wanted is np.triu else i >= j), (0, True))
    for size in (5, 11):
        a, b = numbers(size, 4), numbers(4, size, seed=1)
        agree([Eq(C[i, j], product)], [C], {"A": a, "B": b}, [wanted(a @ b)])


def test_a_product_under_a_condition_on_row_and_summed_index():
    """The condition differs from row to row of a tile."""
    term = Piecewise((A[i, k] * B[k, j], Eq(Mod(i + k, 2), 0)), (0, True))
    agree([Eq(y[i, j], Sum(term, k))], [y], {"A": numbers(9, 9), "B": numbers(9, 9, seed=1)})
