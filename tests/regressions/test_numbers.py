"""Integers beyond what fits, powers of integers, sizes and axes of nothing: what a call must get right or refuse."""

import numpy as np
import pytest

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, argmax, exp, log, sigmoid

N, M, K = gc.sizes("N M K")
i, j, k = gc.indices("i j k")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
a, J = gc.Input("a", N, dtype="int64"), gc.Input("J", M, dtype="int64")
A, o = gc.Input("A", N, N), gc.Tensor("o", M)
REAL, WHOLE = np.array([1.0, 2.5, -3.0]), np.array([300001, 7, -300001])


def both(equation, **arguments):
    """The compiled value, which must be the interpreter's."""
    system = gc.System(equation)
    name = equation.lhs.base.name
    found = system.compile(name)(**arguments)
    np.testing.assert_array_equal(found, system.evaluate(name, **arguments))
    return found


def test_integers_that_64_bits_do_not_hold_are_real_numbers():
    np.testing.assert_allclose(both(Eq(y[i], x[i] + 10**30), x=REAL), 1e30)
    np.testing.assert_allclose(both(Eq(y[i], x[i] * 2**63), x=REAL), REAL * 2.0**63)
    np.testing.assert_allclose(both(Eq(y[i], gc.Max(x[i], 10**20)), x=REAL), 1e20)
    assert np.isinf(both(Eq(y[i], x[i] + 10**400), x=REAL)).all()


def test_powers_of_integers_are_exact():
    np.testing.assert_array_equal(both(Eq(y[i], a[i] ** 3), a=WHOLE), WHOLE**3)
    np.testing.assert_array_equal(both(Eq(y[i], gc.Mod(a[i] ** 3, 1000)), a=WHOLE), WHOLE**3 % 1000)
    np.testing.assert_array_equal(both(Eq(y[i], a[i] ** 39), a=np.array([3, -1, 0])), [3**39, -1, 0])
    np.testing.assert_allclose(both(Eq(y[i], a[i] ** -2), a=np.array([2, -1, 4])), [0.25, 1, 1 / 16])


def test_a_choice_of_integers_by_data_without_a_default_is_nan():
    np.testing.assert_array_equal(both(Eq(y[i], Piecewise((a[i], a[i] > 1))), a=np.array([1, 2, 3])), [np.nan, 2, 3])


@pytest.mark.parametrize("value", [0.5 * x[i], Piecewise((1, x[i] >= 6.5), (0, True)), x[i] / 2, gc.ceiling(x[i] / 2)])
def test_integers_only_refuses_what_is_no_integer(value):
    with pytest.raises(gc.UnsupportedError, match="has no value among the integers"):
        gc.System(Eq(y[i], value)).compile("y", dtype="int64")


def test_unsigned_integers_that_do_not_fit_are_refused():
    run = gc.System(Eq(y[i], a[i] + x[i])).compile("y")
    np.testing.assert_array_equal(run(a=np.array([2**63 - 1], np.uint64), x=np.ones(1)), [2.0**63])
    with pytest.raises(gc.ArgumentError, match="a holds 18446744073709551615"):
        run(a=np.array([2**64 - 1], np.uint64), x=np.ones(1))


def test_a_flat_position_among_dependent_ranges_is_refused():
    with pytest.raises(gc.UnsupportedError, match="no flat position: its ranges depend on each other"):
        gc.System(Eq(L, argmax(A[i, j], (i, 0, N - 1), (j, 0, i))))


def test_an_output_asked_for_twice_is_there_twice():
    system = gc.System(Eq(y[i], 2 * x[i]), Eq(L, Sum(y)))
    first, loss, again = system.compile("y", "L", "y")(x=REAL)
    np.testing.assert_array_equal(first, 2 * REAL)
    np.testing.assert_array_equal(again, 2 * REAL)
    assert loss == 1 and again is not first


@pytest.mark.parametrize("number", [3, np.int32(3), np.uint8(3), np.array(3, ">i8")])
def test_a_scalar_integer_may_be_of_any_integer_type(number):
    d = gc.Input("d", dtype="int64")
    np.testing.assert_array_equal(gc.System(Eq(y[i], x[i] * d)).compile("y")(x=REAL, d=number), 3 * REAL)


def test_a_shape_that_would_make_a_size_negative_is_refused():
    h = gc.Input("h", N + 3)
    system = gc.System(Eq(L, h[0] + h[1] + h[2]))
    assert system.compile("L")(h=np.ones(3)) == 3
    for run in (system.compile("L"), lambda **given: system.evaluate("L", **given)):
        with pytest.raises(gc.ArgumentError, match=r"size N would be -1 \(from h\)"):
            run(h=np.ones(2))


@pytest.mark.parametrize("rows", [N, N - 1])
def test_a_table_without_rows_is_neither_read_nor_given_a_gradient(rows):
    """A bad index is replaced by 0, and there is no element 0 either."""
    E, z = gc.Input("E", rows, K), gc.Tensor("z", M, K)
    n = 0 if rows is N else 1
    system = gc.System(Eq(z[i, k], E[J[i], k]), Eq(L, Sum(z**2)))
    for outputs in (("z",), ("L", D(L, E))):
        run = system.compile(*outputs)
        with pytest.raises(gc.DomainError, match="which does not exist"):
            run(E=np.ones((0, 1000)), J=np.zeros(3, np.int64), **({} if rows is N else {"N": n}))
        run(E=np.ones((0, 1000)), J=np.zeros(0, np.int64), **({} if rows is N else {"N": n}))


def test_a_computed_subscript_sees_the_boundary_rule():
    q = gc.Input("q", N, outside=0)
    np.testing.assert_array_equal(both(Eq(o[i], q[i * i - 3]), q=REAL, M=5), [0, 0, 2.5, 0, 0])


def test_quotients_of_indices_are_subscripts():
    found = both(Eq(y[i], Sum(x[i // (j + 1)], (j, 0, 2))), x=REAL)
    np.testing.assert_array_equal(found, [sum(REAL[p // (q + 1)] for q in range(3)) for p in range(3)])


@pytest.mark.parametrize("name", ["Mod", "Min", "MAX", "Or", "True", "nan", "Infinity"])
def test_sizes_may_be_called_what_isl_means_something_by(name):
    n, v = gc.sizes(name), gc.Input("v", gc.sizes(name))
    assert gc.System(Eq(gc.Tensor("w", n)[i], v[i] + n)).compile("w")(v=np.ones(2)).tolist() == [3, 3]


def test_the_entropy_of_a_named_probability_does_not_overflow():
    p, t = gc.Tensor("p", N), gc.Input("t", N)
    loss = -Sum(t[i] * log(p[i]) + (1 - t[i]) * log(1 - p[i]), i)
    value, slope = gc.System(Eq(p[i], sigmoid(x[i])), Eq(L, loss)).compile("L", D(L, x))(
        x=np.full(1, 40.0), t=np.zeros(1)
    )
    assert value == 40 and slope == 1


def test_exp_minus_one_keeps_its_digits():
    found = gc.System(Eq(y[i], exp(x[i]) - 1)).compile("y")(x=np.full(1, 1e-12))
    np.testing.assert_allclose(found, 1e-12, rtol=1e-11)
