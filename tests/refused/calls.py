"""Calls that must be refused: each function is one, and its docstring is the exact message."""

from functools import cache

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, System, floor

T, N, M = gc.sizes("T N M")
t, i, j, n = gc.indices("t i j n")
x, W = gc.Input("x", T, N), gc.Param("W", M, N)
v, w, w_next = gc.Input("v", N), gc.Param("w", N), gc.Tensor("w_next", N)
word, left = gc.Input("word", T, dtype="int64"), gc.Input("left", N, dtype="int64")
y, z, h, L = gc.Tensor("y", T, M), gc.Tensor("z", T), gc.Tensor("h", N), gc.Tensor("L")
X, WEIGHTS = np.arange(15.0).reshape(5, 3), np.ones((4, 3))
SYSTEM = System(Eq(y[t, j], Sum(W[j, i] * x[t, i], i)))


@cache
def _product():
    return SYSTEM.compile("y")


@cache
def _powers():
    base = gc.Param("base")
    return System(Eq(z[0], 1), Eq(z[t], base * z[t - 1])).compile("z")


@cache
def _convolution():
    kernel, c = gc.Param("w", M), gc.Tensor("c", N - M + 1)
    return System(Eq(c[i], Sum(v[i + j] * kernel[j], j))).compile("c")


@cache
def _picked():
    rows = gc.Input("x", M, N)
    return System(Eq(z[t], rows[word[t], 0])).compile("z")


@cache
def _tree():
    return System(Eq(h[n], h[left[n]] + v[n]), Eq(h[0], v[0])).compile("h")


@cache
def _step():
    return System(Eq(w_next[i], w[i] - v[i])).compile(update={w: w_next})


def missing_argument():
    """
    ArgumentError: missing argument W
      Pass W=.. of shape (M, N)
    """
    _product()(x=X)


def unknown_argument():
    """
    ArgumentError: unknown argument bias
      The arguments are x, W, and the sizes M, N, T
    """
    _product()(x=X, W=WEIGHTS, bias=X)


def single_precision():
    """
    ArgumentError: x has dtype float32, but float64 is wanted
      Pass x=x.astype('float64'), or compile with dtype='float32'
    """
    _product()(x=X.astype("float32"), W=WEIGHTS)


def complex_numbers():
    """
    ArgumentError: x has dtype complex128, but float64 is wanted
      Arguments are real numbers or integers: convert it first
    """
    _product()(x=X + 1j, W=WEIGHTS)


def objects():
    """
    ArgumentError: x has dtype object, but float64 is wanted
      Arguments are real numbers or integers: convert it first
    """
    _product()(x=X.astype(object), W=WEIGHTS)


def nothing():
    """
    ArgumentError: x: NoneType is not an array of numbers: NumPy makes object of it
      Pass a NumPy array, or lists of numbers of equal lengths
    """
    _product()(x=None, W=WEIGHTS)


def text():
    """
    ArgumentError: x: str is not an array of numbers: NumPy makes <U7 of it
      Pass a NumPy array, or lists of numbers of equal lengths
    """
    _product()(x="numbers", W=WEIGHTS)


def lists_of_unequal_lengths():
    """
    ArgumentError: x: this list cannot be read as an array of numbers
      Pass a NumPy array, or lists of numbers of equal lengths
    """
    _product()(x=[[1.0, 2.0], [3.0]], W=WEIGHTS)


def masked_elements():
    """
    ArgumentError: x is a masked array, and 1 element of it masked: equations have no masks
      Say what stands there: x.filled(0), or multiply by a mask in the equations
    """
    _product()(x=np.ma.masked_less(X, 1), W=WEIGHTS)


def one_axis_too_few():
    """
    ArgumentError: x has 1 dimension (3,), but is declared with 2: x(T, N)
      Add axes of one element: x[None], x[:, None]
    """
    _product()(x=X[0], W=WEIGHTS)


def one_axis_too_many():
    """
    ArgumentError: x has 3 dimensions (1, 5, 3), but is declared with 2: x(T, N)
      Select or reshape; for many samples at once see System.batch
    """
    _product()(x=X[None], W=WEIGHTS)


def sizes_that_contradict_each_other():
    """
    ArgumentError: axis 1 of argument W has 2 elements, but W(M, N) has N = 3 there (N = 3 from x)
      Pass shapes that agree, or give the axes different sizes
    """
    _product()(x=X, W=WEIGHTS[:, :2])


def size_that_contradicts_a_shape():
    """
    ArgumentError: axis 0 of argument x has 5 elements, but x(T, N) has T = 3 there (T = 3 from the call)
      Pass shapes that agree, or give the axes different sizes
    """
    _product()(x=X, W=WEIGHTS, T=3)


def size_that_was_baked_in():
    """
    ArgumentError: size T = 5, but T = 4 was baked in when compiled
      Leave sizes={'T': 4} away in compile(..) to choose it at each call
    """
    SYSTEM.compile("y", sizes={T: 4})(x=X[:4], W=WEIGHTS, T=5)


def size_that_nobody_tells():
    """
    ArgumentError: size T cannot be inferred: no argument's shape tells it
      Pass it by name: T=..
    """
    _powers()(base=2.0)


def negative_size():
    """
    ArgumentError: size T = -1 must be an integer of at least 0
      Pass a Python int: T=10
    """
    _powers()(base=2.0, T=-1)


def size_that_is_no_integer():
    """
    ArgumentError: size T = 2.5 must be an integer of at least 0
      Pass a Python int: T=10
    """
    _powers()(base=2.0, T=2.5)


def size_beyond_all_memory():
    """
    ArgumentError: z(T) has 2305843009213693952 elements at T = 2305843009213693952
      That is more than memory can address
    """
    _powers()(base=2.0, T=2**61)


def kernel_longer_than_the_signal():
    """
    ArgumentError: dimension -M + N + 1 of c is negative (-2) at M = 5, N = 2
      Call with another M and N
    """
    _convolution()(v=np.ones(2), w=np.ones(5))


def negative_index():
    """
    ArgumentError: index -1 read from data is outside axis 0 of x, which has 5 elements
      in Eq(z[t], x[word[t], 0])
      Indices run from 0 to 4, none from the end; for zeros outside, give x outside=0
    """
    _picked()(x=X, word=[0, -1])


def index_past_the_end():
    """
    ArgumentError: index 5 read from data is outside axis 0 of x, which has 5 elements
      in Eq(z[t], x[word[t], 0])
      Indices run from 0 to 4, none from the end; for zeros outside, give x outside=0
    """
    _picked()(x=X, word=[0, 5])


def indices_that_are_no_integers():
    """
    ArgumentError: word has dtype float64, but int64 is wanted
      Indices are integers: pass word=word.astype('int64')
    """
    _picked()(x=X, word=np.array([0.0, 1.0]))


def child_behind_its_parent():
    """
    ArgumentError: index 2 read from data points at an element of h that is not computed yet
      in Eq(h[n], v[n] + h[left[n]])
      Order the elements so that each reads only those before it (children before their parents)
    """
    _tree()(left=[0, 2, 0], v=np.ones(3))


def computed_subscript_past_the_end():
    """
    ArgumentError: the subscript t * t = 9 is outside axis 0 of x, which has 5 elements
      in Eq(z[t], x[t**2, 0])
      Indices run from 0 to 4, none from the end; for zeros outside, give x outside=0
    """
    System(Eq(z[t], x[t * t, 0])).compile("z")(x=X)


def first_element_of_nothing():
    """
    DomainError: with N = 0, v[0] reads v[0], which does not exist
      in Eq(L, v[0])
      Call with at least one element
    """
    System(Eq(L, v[0])).compile("L")(v=np.ones(0))


def gradient_of_the_first_element_of_nothing():
    """
    DomainError: with N = 0, dv[0] contributes to dv[0], which does not exist
      in Eq(h[0], v[0])
      Call with at least one element
    """
    system = System(Eq(h[i], 2 * h[i - 1]), Eq(h[0], v[0]), Eq(L, Sum(h)))
    system.compile(D(L, v))(v=np.ones(0))


def updated_argument_that_is_shared():
    """
    ArgumentError: w is updated in place but shares memory with v
      Pass v=v.copy()
    """
    _step()(w=X[0], v=X[0])


def updated_argument_that_is_read_only():
    """
    ArgumentError: w is updated in place, so it must be a writable, aligned, C-contiguous array
      Make one before the first call: w = np.ascontiguousarray(w).copy()
    """
    _step()(w=np.broadcast_to(1.0, 3), v=X[0])


def updated_argument_with_gaps():
    """
    ArgumentError: w is updated in place, so it must be a writable, aligned, C-contiguous array
      Make one before the first call: w = np.ascontiguousarray(w).copy()
    """
    _step()(w=X[:, 0], v=X[:, 1].copy())


def updated_argument_that_is_a_list():
    """
    ArgumentError: w is updated in place, so it must be a NumPy array, not list
      Make one before the first call: w = np.array(w)
    """
    _step()(w=[1.0, 2.0], v=X[0, :2].copy())


def more_runs_than_can_be_counted():
    """
    ArgumentError: loop(1180591620717411303424): the number of runs must be an integer of at least 1, below 2**63
      Write f.loop(100, x=.., W=..)
    """
    _step().loop(2**70, w=X[0].copy(), v=X[0])


def unsigned_integers_to_the_interpreter():
    """
    ArgumentError: word holds 9223372036854775813
      Integers go from -2**63 to 2**63 - 1
    """
    System(Eq(z[t], word[t])).evaluate(z, word=np.array([2**63 + 5], np.uint64))


def updates_in_a_list():
    """
    ArgumentError: update=[W] does not say which argument gets which value
      Write update={W: W_next}
    """
    SYSTEM.compile("y", update=[W])


def end_value_from_data():
    """
    ArgumentError: index 3 read from data is outside axis 0 of z, which has 3 elements
      in Eq(h[i], z[left[i]])
      Indices run from 0 to 2, none from the end; for zeros outside, give z outside=0
    """
    System(Eq(z[t], z[t + 1] + 1), Eq(z[T], 5), Eq(h[i], z[left[i]])).compile(h)(left=np.array([0, 3]), T=3)


def update_of_what_gives_only_a_copy():
    """
    ArgumentError: w is updated in place, so it must be a NumPy array, not Lazy
      Make one before the first call: w = np.array(w)
    """

    class Lazy:
        def __array__(self, dtype=None, copy=None):
            return X[0].copy()

    _step()(w=Lazy(), v=X[0])


def start_value_from_data():
    """
    ArgumentError: index -1 read from data is outside axis 0 of z, which has 3 elements
      in Eq(h[i], z[left[i]])
      Indices run from 0 to 2, none from the end; for zeros outside, give z outside=0
    """
    System(Eq(z[t], z[t - 1] + 1), Eq(z[-1], 5), Eq(h[i], z[left[i]])).compile(h)(left=np.array([0, -1]), T=3)


def sizes_in_a_row():
    """
    ArgumentError: sizes= takes sizes by name, {'T': 100}
      An input of that name must be called otherwise
    """
    SYSTEM.evaluate("y", sizes=[4, 5], x=X, W=WEIGHTS)


def no_runs():
    """
    ArgumentError: loop(0): the number of runs must be an integer of at least 1, below 2**63
      Write f.loop(100, x=.., W=..)
    """
    _step().loop(0, w=X[0].copy(), v=X[0])


def taps_of_an_even_number():
    """
    ArgumentError: axis 0 of argument taps has 4 elements, and 2 * M + 1 = 4 has no solution in whole numbers
      Pass 3 or 5
    """
    taps = gc.Input("taps", 2 * M + 1)
    System(Eq(h[i], Sum(taps[j] * v[i + j - M], j))).compile("h")(taps=np.ones(4), v=np.ones(9))


def transposed_argument():
    """
    ArgumentError: argument x has shape (3, 5), which agrees with the others only as x(T, N) of shape (5, 3)
      Pass it transposed, x.T, if that is meant, or shapes that agree
    """
    _product()(x=X.T, W=WEIGHTS)


def one_length_among_three():
    """
    ArgumentError: axis 0 of argument v has 4 elements, but v(N) has N = 3 there (N = 3 from w)
      Pass shapes that agree, or give the axes different sizes
    """
    u = gc.Input("u", N)
    System(Eq(h[i], v[i] * w[i] * u[i])).evaluate("h", v=np.ones(4), w=np.ones(3), u=np.ones(3))


def arguments_without_names():
    """
    ArgumentError: 2 arguments without a name
      Write f(x=.., W=..)
    """
    _product()(X, WEIGHTS)


def arguments_of_a_loop_without_names():
    """
    ArgumentError: 1 argument without a name
      Write f.loop(3, v=.., w=..)
    """
    _step().loop(3, X[0])


class LikeTorch:
    """What of a PyTorch tensor a call looks at."""

    def __init__(self, array, requires_grad=False):
        self.array, self.requires_grad = array, requires_grad

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self.array.__dlpack__(**options)

    def float(self):
        return LikeTorch(self.array.astype("float32"))

    double = long = float


def a_tensor_of_another_dtype():
    """
    ArgumentError: x has dtype float32, but float64 is wanted
      Pass x=x.double(), or compile with dtype='float32'
    """
    _product()(x=LikeTorch(X.astype("float32")), W=WEIGHTS)


def a_tensor_that_records_gradients():
    """
    ArgumentError: x: this LikeTorch cannot be read as an array of numbers
      It records gradients of its own: pass x=x.detach()
    """
    _product()(x=LikeTorch(X, requires_grad=True), W=WEIGHTS)


def a_list_of_reals_for_indices():
    """
    ArgumentError: left has dtype float64, but int64 is wanted
      Indices are integers: pass left=np.asarray(left).astype('int64')
    """
    System(Eq(z[t], z[t - 1] + 1), Eq(z[-1], 5), Eq(h[i], z[left[i]])).compile(h)(left=[0.0, 1.0], T=3)


def element_put_outside():
    """
    ArgumentError: index -1 read from data is outside axis 0 of total, which has 3 elements
      in Eq(total[put[t]], Sum(x[t, 0], t))
      Indices run from 0 to 2; drop other points before the call
      Or compare: Eq(total[k], Sum(Piecewise((.., Eq(put[t], k)), (0, True)), t))
    """
    put, total = gc.Input("put", T, dtype="int64"), gc.Tensor("total", N, outside=0)
    System(Eq(total[put[t]], Sum(x[t, 0], t))).compile(total)(put=[0, -1, 2, 0, 0], x=X, N=3)


def rounded_subscript_past_the_end():
    """
    ArgumentError: index -4 read from data is outside axis 0 of x, which has 5 elements
      in Eq(z[t], x[t-floor(d[t]), 0])
      Indices run from 0 to 4, none from the end; for zeros outside, give x outside=0
    """
    d = gc.Input("d", T)
    System(Eq(z[t], x[t - floor(d[t]), 0])).compile(z)(x=X, d=np.array([0.0, 5, 0, 0, 0]))


def rounded_subscript_of_no_number():
    """
    ArgumentError: the subscript t - floor(d[t]) is outside axis 0 of x: floor(d[t]) is NaN, infinite or too large
      in Eq(z[t], x[t-floor(d[t]), 0])
      Indices run from 0 to 4, none from the end; for zeros outside, give x outside=0
    """
    d = gc.Input("d", T)
    System(Eq(z[t], x[t - floor(d[t]), 0])).compile(z)(x=X, d=np.array([0, np.nan, 0, 0, 0]))


def rounded_subscript_of_an_infinite_number_when_evaluated():
    """
    ArgumentError: index floor(d[t]) at t = 1 is outside axis 0 of x(T, N): floor(d[t]) is NaN, infinite or too large
      in Eq(z[t], x[floor(d[t]), 0])
    """
    d = gc.Input("d", T)
    System(Eq(z[t], x[floor(d[t]), 0])).evaluate(z, x=X, d=np.array([0, -np.inf, 0, 0, 0]))


def no_square():
    """
    ArgumentError: axis 0 of argument square has 5 elements, and M * M = 5 has no solution in whole numbers
      Pass 4 or 9
    """
    System(Eq(L, Sum(gc.Input("square", M * M)))).compile(L)(square=np.ones(5))


def no_multiple_of_a_known_factor():
    """
    ArgumentError: axis 0 of argument heads has 8 elements, and M * N = 8 has no solution in whole numbers at N = 3
      Pass 6 or 9
    """
    System(Eq(L, Sum(gc.Input("heads", M * N)) + Sum(v))).compile(L)(heads=np.ones(8), v=np.ones(3))
