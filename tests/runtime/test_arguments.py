"""What a call takes, and what it refuses, with the whole message."""

import numpy as np
import pytest

import graphc as gc
from graphc import ArgumentError, Eq, Sum
from tests.compiled import agree, numbers

T, N, M, K = gc.sizes("T N M K")
t, i, j = gc.indices("t i j")
x, W, q = gc.Input("x", T, N), gc.Param("W", M, N), gc.Input("q", T, dtype="int64")
y = gc.Tensor("y", T, M)
SYSTEM = gc.System(Eq(y[t, j], Sum(W[j, i] * x[t, i], i)))
PICKED = gc.System(Eq(gc.Tensor("z", T)[t], x[q[t], 0]))
rng = np.random.default_rng(0)
X, WEIGHTS = rng.normal(size=(5, 3)), rng.normal(size=(4, 3))
ODD = {
    "transposed": lambda a: np.asfortranarray(a),
    "every second": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 1)[::2, ::2],
    "reversed": lambda a: np.ascontiguousarray(a[::-1, ::-1])[::-1, ::-1],
    "unaligned": lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
    "part of a larger one": lambda a: np.pad(a, 2)[2:-2, 2:-2],
    "a list of lists": lambda a: a.tolist(),
}
v, a, c, n = gc.Tensor("v", N), gc.Input("a", N, dtype="int64"), gc.Input("c"), gc.Input("n", dtype="int64")
REAL, L = np.array([1.0, 2.5, -3.0]), gc.Tensor("L")


@pytest.fixture(scope="module")
def product():
    return SYSTEM.compile("y")


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("form", [*ODD, "read-only"])
def test_arrays_may_have_any_strides(product, form):
    make = ODD.get(form, read_only)
    given = make(X)
    np.testing.assert_allclose(product(x=given, W=make(WEIGHTS)), X @ WEIGHTS.T, rtol=1e-14)
    np.testing.assert_array_equal(np.asarray(given), X)


def test_stretched_arrays_of_stride_zero(product):
    row = np.broadcast_to(X[0], (7, 3))
    np.testing.assert_allclose(product(x=row, W=WEIGHTS), np.tile(WEIGHTS @ X[0], (7, 1)), rtol=1e-14)


class Interface:
    """Anything with NumPy's array interface."""

    def __init__(self, array):
        self.array, self.__array_interface__ = array, array.__array_interface__


class Capsule:
    """Anything with DLPack."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **how):
        return self.array.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("wrap", [Interface, Capsule])
def test_arrays_of_other_libraries(product, wrap):
    np.testing.assert_allclose(product(x=wrap(X), W=wrap(WEIGHTS)), X @ WEIGHTS.T, rtol=1e-14)


def refused(message, run, **arguments):
    with pytest.raises(ArgumentError) as error:
        run(**arguments)
    assert str(error.value) == message


def test_a_missing_argument(product):
    refused("missing argument W\n  Pass W=.. of shape (M, N)", product, x=X)


def test_an_unknown_argument(product):
    message = "unknown argument U\n  The arguments are W, x, and the sizes M, N, T"
    with pytest.raises(ArgumentError) as error:
        product(x=X, W=WEIGHTS, U=X)
    assert sorted(str(error.value).replace(",", "").split()) == sorted(message.replace(",", "").split())


def test_another_dtype(product):
    refused(
        "x has dtype float32, but float64 is wanted\n  Pass x=x.astype('float64'), or compile with dtype='float32'",
        product, x=X.astype(np.float32), W=WEIGHTS,
    )  # fmt: skip
    refused(
        "x has dtype complex128, but float64 is wanted\n  Arguments are real numbers or integers: convert it first",
        product,
        x=X + 0j,
        W=WEIGHTS,
    )


def test_another_rank(product):
    message = "x has 1 dimension (5,), but is declared with 2: x(T, N)\n  Add axes of one element: x[None], x[:, None]"
    refused(message, product, x=X[:, 0], W=WEIGHTS)


def test_sizes_that_contradict_each_other(product):
    with pytest.raises(ArgumentError, match=r"axis 1 of argument \w has \d elements, but .* = \d there"):
        product(x=X, W=WEIGHTS[:, :2])


def test_what_is_no_array(product):
    with pytest.raises(ArgumentError, match=r"^x: str is not an array of numbers"):
        product(x="zero", W=WEIGHTS)
    with pytest.raises(ArgumentError, match="x"):
        product(x=None, W=WEIGHTS)


@pytest.mark.parametrize("size", [2.5, "4", None, 4.0])
def test_a_size_that_is_no_integer(size):
    y = gc.Tensor("y", T)
    run = gc.System(Eq(y[t], gc.Input("a") * t)).compile("y")
    refused(f"size T = {size!r} must be an integer of at least 0\n  Pass a Python int: T=10", run, a=1.0, T=size)


def test_a_size_that_no_shape_tells_is_passed_by_name():
    y = gc.Tensor("y", T)
    run = gc.System(Eq(y[t], gc.Input("a") * t)).compile("y")
    np.testing.assert_array_equal(run(a=2.0, T=np.int32(4)), [0, 2, 4, 6])
    with pytest.raises(ArgumentError, match="size T cannot be inferred"):
        run(a=2.0)
    with pytest.raises(ArgumentError, match="at least 0"):
        run(a=2.0, T=-1)


def test_a_size_baked_in_stays():
    run = SYSTEM.compile("y", sizes={"N": 3})
    np.testing.assert_allclose(run(x=X, W=WEIGHTS), X @ WEIGHTS.T)
    with pytest.raises(ArgumentError, match="axis 1 of argument"):
        run(x=X[:, :2], W=WEIGHTS[:, :2])


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint32])
def test_indices_may_be_any_integers(dtype):
    run = PICKED.compile("z")
    np.testing.assert_array_equal(run(x=X, q=np.array([4, 0, 2, 2, 1], dtype)), X[[4, 0, 2, 2, 1], 0])


@pytest.mark.parametrize("bad", [5, -1, 2**40, -(2**63)])
@pytest.mark.parametrize("place", [0, 3, 4])
def test_an_index_outside_is_refused_and_the_next_call_is_right(bad, place):
    run = PICKED.compile("z")
    indices = np.array([4, 0, 2, 2, 1])
    indices[place] = bad
    with pytest.raises(ArgumentError) as error:
        run(x=X, q=indices)
    assert (
        str(error.value).splitlines()[0] == f"index {bad} read from data is outside axis 0 of x, which has 5 elements"
    )
    np.testing.assert_array_equal(run(x=X, q=np.arange(5)), X[:, 0])


def test_real_numbers_are_no_indices():
    with pytest.raises(ArgumentError, match="q has dtype float64, but int64 is wanted"):
        PICKED.compile("z")(x=X, q=np.zeros(5))


def test_an_unknown_dtype_or_size_is_refused_when_compiled():
    with pytest.raises(ArgumentError, match="dtype 'float16' is not one of float64, float32, int64"):
        SYSTEM.compile("y", dtype="float16")
    with pytest.raises(ArgumentError, match="no size is called Q"):
        SYSTEM.compile("y", sizes={"Q": 2})
    with pytest.raises(ArgumentError, match=r"size N = -1 must be an integer of at least 0"):
        SYSTEM.compile("y", sizes={"N": -1})


def test_functions_without_integers_are_refused_for_them():
    system = gc.System(Eq(gc.Tensor("z", T)[t], gc.tanh(gc.Input("a", T)[t])))
    with pytest.raises(gc.UnsupportedError, match="tanh has no value among the integers"):
        system.compile("z", dtype="int64")


def test_special_values_pass_as_in_numpy():
    a, z = gc.Input("a", N), gc.Tensor("z", N)
    run = gc.System(Eq(z[i], gc.exp(a[i]) + gc.Max(a[i], 0) - 1 / a[i])).compile("z")
    given = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e308, -1e308, 2.0])
    with np.errstate(all="ignore"):
        wanted = np.exp(given) + np.maximum(given, 0) - 1 / given
    np.testing.assert_allclose(run(a=given), wanted, rtol=1e-14)


def test_sizes_that_stand_in_shapes_with_a_factor():
    long = gc.Input("long", T + 2 * K)
    few, s = gc.Input("few", K), gc.Tensor("s", T)
    data = {"few": numbers(3), "long": numbers(11, seed=1)}
    agree([Eq(s[t], long[t] * Sum(few))], [s], data, [data["long"][:5] * data["few"].sum()])


@pytest.mark.parametrize("wrong", [-1e300, 1e300, 2.0**63, -(2.0**63) * 1.001, np.nan])
def test_numbers_that_no_integer_of_64_bits_is(wrong):
    x = gc.Input("x", N)
    run = gc.System(Eq(v[i], 2 * x[i])).compile(v, dtype="int64")
    assert run(x=[1.0, -(2.0**61)]).tolist() == [2, -(2**62)]
    with pytest.raises(gc.ArgumentError):
        run(x=[1.0, wrong])


def test_unsigned_integers_that_do_not_fit_are_refused():
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    run = gc.System(Eq(y[i], a[i] + x[i])).compile("y")
    np.testing.assert_array_equal(run(a=np.array([2**63 - 1], np.uint64), x=np.ones(1)), [2.0**63])
    with pytest.raises(gc.ArgumentError, match="a holds 18446744073709551615"):
        run(a=np.array([2**64 - 1], np.uint64), x=np.ones(1))


def test_numbers_of_python_are_not_cut_off():
    """dtype="int64" took 2.5 for 2, and 2**63 for a negative number."""
    x, y = gc.Input("x", N), gc.Tensor("y", N)
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


@pytest.mark.parametrize("number", [3, np.int32(3), np.uint8(3), np.array(3, ">i8")])
def test_a_scalar_integer_may_be_of_any_integer_type(number):
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    d = gc.Input("d", dtype="int64")
    np.testing.assert_array_equal(gc.System(Eq(y[i], x[i] * d)).compile("y")(x=REAL, d=number), 3 * REAL)


def test_a_shape_that_would_make_a_size_negative_is_refused():
    h = gc.Input("h", N + 3)
    system = gc.System(Eq(L, h[0] + h[1] + h[2]))
    assert system.compile("L")(h=np.ones(3)) == 3
    for run in (system.compile("L"), lambda **given: system.evaluate("L", **given)):
        with pytest.raises(gc.ArgumentError, match=r"size N would be -1 \(from h\)"):
            run(h=np.ones(2))
