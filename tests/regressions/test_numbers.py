"""Integers beyond what fits, powers of integers, sizes and axes of nothing: what a call must get right or refuse."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, argmax, exp, log, sigmoid

N, M, K = gc.sizes("N M K")
i, j, k = gc.indices("i j k")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
a, J = gc.Input("a", N, dtype="int64"), gc.Input("J", M, dtype="int64")
c, n = gc.Input("c"), gc.Input("n", dtype="int64")
A, o = gc.Input("A", N, N), gc.Tensor("o", M)
REAL, WHOLE = np.array([1.0, 2.5, -3.0]), np.array([300001, 7, -300001])


def both(equation, **arguments):
    """The compiled value, which must be the interpreter's."""
    system = gc.System(equation)
    name = getattr(equation.lhs, "base", equation.lhs).name
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


def test_numbers_of_python_are_not_cut_off():
    """dtype="int64" took 2.5 for 2, and 2**63 for a negative number."""
    run = gc.System(Eq(y[i], x[i] * c)).compile("y", dtype="int64")
    np.testing.assert_array_equal(run(x=[1, 2.0], c=3.0), [3, 6])
    for given in ({"x": [1, 2.5], "c": 2}, {"x": [1, 2], "c": 2.5}, {"x": [1, np.nan], "c": 2}):
        with pytest.raises(
            gc.ArgumentError, match=r"[xc] holds (2\.5|nan), and the function was compiled for integers"
        ):
            run(**given)
    for large in (2**63, 2.0**63):
        with pytest.raises(gc.ArgumentError, match=r"c holds 9[.2]"):
            run(x=[1, 2], c=large)
    assert run(x=[1], c=2**63 - 1) == 2**63 - 1
    with pytest.raises(gc.ArgumentError, match="n holds 9223372036854775808"):
        gc.System(Eq(y[i], a[i] + n)).compile("y")(a=[1], n=2**63)


def test_the_mean_of_nothing_is_nan_however_empty():
    found = both(Eq(y[i], gc.Mean(x[j], (j, 0, i - 3))), x=np.arange(6.0))
    np.testing.assert_array_equal(found, [np.nan, np.nan, np.nan, 0, 0.5, 1])
    nothing = both(Eq(L, gc.Mean(A[i, j], (i, 2, N - 1), (j, 2, N - 1))), A=np.ones((1, 1)))
    assert np.isnan(nothing)


def test_sums_of_several_equations_are_added_in_their_order():
    """Kahan's summation: taken into each other and reordered, its equations compensated nothing."""
    terms = np.array([1.0] + [1e-16] * 1000)
    s, p, e, d = gc.tensors("s p e d", N)
    kahan = gc.System(
        Eq(p[i], x[i] - e[i - 1]), Eq(s[i], s[i - 1] + p[i]), Eq(d[i], s[i] - s[i - 1]), Eq(e[i], d[i] - p[i]),
        Eq(s[-1], 0), Eq(e[-1], 0),
    )  # fmt: skip
    assert kahan.compile(s)(x=terms)[-1] == kahan.evaluate(s, x=terms)[-1] == 1.0000000000001
    assert terms.cumsum()[-1] == 1


def test_what_each_step_lost_is_found_outside_the_cycle():
    terms = np.random.default_rng(0).normal(size=100) * 10.0 ** np.arange(12).repeat(9)[:100][::-1]
    s, p, e = gc.tensors("s p e", N)
    steps = gc.System(Eq(s[i], s[i - 1] + x[i]), Eq(s[-1], 0), Eq(p[i], s[i] - s[i - 1]), Eq(e[i], x[i] - p[i]))
    lost = steps.compile(e)(x=terms)
    np.testing.assert_array_equal(lost, steps.evaluate(e, x=terms))
    assert (lost != 0).sum() > 20


def test_what_a_sum_lost_is_found():
    """Knuth's two-sum, without a recurrence: s + f is x + b exactly."""
    b, s, p, e, r, f = gc.Input("b", N), *gc.tensors("s p e r f", N)
    one, other = np.random.default_rng(0).normal(size=(2, 100)) * np.logspace(0, 12, 100)
    two_sum = gc.System(
        Eq(s[i], x[i] + b[i]), Eq(p[i], s[i] - x[i]), Eq(y[i], s[i] - p[i]), Eq(r[i], b[i] - p[i]),
        Eq(e[i], x[i] - y[i]), Eq(f[i], e[i] + r[i]),
    )  # fmt: skip
    for lost, u, v in zip(two_sum.compile(f)(x=one, b=other), one, other, strict=True):
        assert Fraction(u + v) + Fraction(lost) == Fraction(u) + Fraction(v)


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


# -- indices and sizes among real numbers ----------------------------------------------------------------------------


def test_indices_and_sizes_are_real_before_they_are_multiplied():
    """64 bits do not hold what they multiply to: sums of moments, and factors that correct a bias, were noise."""
    found = both(Eq(y[i], x[i] * (i + 1) * (i + 2) * (i + 3) * 10**6), x=np.ones(9))
    np.testing.assert_allclose(found, [10**6 * (k + 1) * (k + 2) * (k + 3) for k in range(9)])
    assert (both(Eq(y[i], 10**18 * i), N=20) > 0).sum() == 19
    total = gc.System(Eq(L, Sum(x[i] * i**2 * (i + 1) ** 2 * (i + 2) ** 2, i)))
    wanted = float(sum(k**2 * (k + 1) ** 2 * (k + 2) ** 2 for k in range(3000)))
    for found in (total.compile(L)(x=np.ones(3000)), total.evaluate(L, x=np.ones(3000))):
        np.testing.assert_allclose(found, wanted)
    kurtosis = gc.System(Eq(L, c * N * (N + 1) / ((N - 1) * (N - 2) * (N - 3))))
    for size in (10, 2_200_000, 10**7):
        wanted = size * (size + 1) / ((size - 1) * (size - 2) * (size - 3))
        np.testing.assert_allclose(kurtosis.compile(L)(c=1.0, N=size), wanted)
    exact = gc.System(Eq(y[i], 10**18 * i * (i + 1))).evaluate("y", N=12, exact=True)
    assert list(exact) == [10**18 * k * (k + 1) for k in range(12)]


def test_integers_of_tensors_and_of_subscripts_stay_integers():
    w = gc.Tensor("w", N, dtype="int64")
    np.testing.assert_array_equal(both(Eq(w[i], i * i * 3), N=5), 3 * np.arange(5) ** 2)
    np.testing.assert_array_equal(both(Eq(y[i], x[i * (i + 1) // 2 % N]), x=np.arange(5.0)), [0, 1, 3, 1, 0])


def test_the_mean_of_large_integers():
    """Nanoseconds since 1970: their sum passes 64 bits."""
    times = 1_700_000_000_000_000_000 + np.arange(8)
    np.testing.assert_allclose(both(Eq(L, gc.Mean(a[i], i)), a=times), times.mean())


def test_quotients_of_numbers_beyond_floats():
    value = x[i] * sp.binomial(1400, 700) / sp.Integer(4) ** 700 + x[i] * sp.Rational(10**400 + 1, 7 * 10**400)
    np.testing.assert_allclose(both(Eq(y[i], value), x=np.ones(1)), 0.02132055 + 1 / 7, rtol=1e-6)


def test_differences_of_equal_products_are_zero():
    """A fused multiply-add makes 1e-18 of them, and NaN of their root."""
    (b, u, v), r = gc.inputs("b u v", N), np.random.default_rng(0).random((2, 100))
    np.testing.assert_array_equal(both(Eq(y[i], gc.sqrt(x[i] ** 2 - b[i] ** 2)), x=r[0], b=r[0]), 0)
    determinant = Eq(y[i], gc.floor(x[i] * b[i] - u[i] * v[i]))
    np.testing.assert_array_equal(both(determinant, x=r[0], b=r[1], u=r[1], v=r[0]), 0)


def test_infinity_is_no_start_among_integers():
    shortest = gc.System(Eq(y[0], gc.oo), Eq(y[i], gc.Min(y[i - 1] + 1, x[i])))
    np.testing.assert_array_equal(shortest.compile("y")(x=np.array([9.0, 9, 9])), [np.inf, 9, 9])
    with pytest.raises(gc.UnsupportedError, match="y is infinite, which has no value among the integers"):
        shortest.compile("y", dtype="int64")
    longest = gc.System(Eq(y[-1], -gc.oo), Eq(y[i], gc.Max(y[i - 1], x[i])))
    np.testing.assert_array_equal(longest.compile("y", dtype="int64")(x=np.array([3, 1, 4])), [3, 3, 4])


# -- rational numbers ------------------------------------------------------------------------------------------------


def test_what_is_no_rational_number_is_nan_and_may_be_dropped():
    def exact(value, **arguments):
        return list(gc.System(Eq(y[i], value)).evaluate("y", exact=True, **arguments))

    nothing = sp.Ne(x[i], 0)
    for guarded in (gc.floor(1 / x[i]), gc.ceiling(1 / x[i]), gc.Mod(2, x[i]), x[i] ** -3, gc.Max(1 / x[i], -5)):
        assert exact(Piecewise((guarded, nothing), (7, True)), x=[2, 0])[1] == 7
    assert np.isnan(float(exact(gc.Max(1 / x[i], 5), x=[0])[0]))
    assert np.isnan(float(gc.System(Eq(L, gc.amax(1 / x[i], i))).evaluate("L", x=[1, 0, -3], exact=True)))
    w = gc.Tensor("w", N, dtype="int64")
    with pytest.raises(gc.UnsupportedError, match="has no exact value"):
        gc.System(Eq(w[i], gc.floor(x[i]))).evaluate("w", x=[10**30], exact=True)
