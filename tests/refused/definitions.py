"""Programs that define too much, too little or something else: docstrings are the exact messages."""

import sympy as sp

import graphc as gc
from graphc import D, Eq, Mean, Sum, System, softmax, tanh

T, N, H, C = gc.sizes("T N H C")
t, u, i, j, k, n = gc.indices("t u i j k n")
x, W, b = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("b", H)
p, v = gc.Param("p"), gc.Input("v", N)
a, s, z, L = gc.Tensor("a", T, H), gc.Tensor("s", T, H), gc.Tensor("z", T), gc.Tensor("L")
word, left = gc.Input("word", T, dtype="int64"), gc.Input("left", N, dtype="int64")
G, q = gc.Tensor("G", N, N), gc.Tensor("q", N)


# -- definitions


def undefined_tensor():
    """
    DefinitionError: a is read, but no equation defines it
      in Eq(s[t], tanh(a[t]))
      Define it, or make it an input: gc.Input("a", T, H)
    """
    System(Eq(s[t], tanh(a[t])))


def defined_twice():
    """
    DefinitionError: s[0, 0] is defined twice, for example with H = 3, T = 3
      in Eq(s[t], b)
      and Eq(s[t, i], b[i])
      Say which holds there, Eq(s[0, 0], ..), or divide the indices with a Piecewise
    """
    System(Eq(s[t], b), Eq(s[t, i], b[i]))


def corner_defined_twice():
    """
    DefinitionError: G[0, 0] is defined twice, for example with N = 3
      in Eq(G[0, j], 0)
      and Eq(G[i, 0], 1)
      Say which holds there, Eq(G[0, 0], ..), or divide the indices with a Piecewise
    """
    System(Eq(G[0, j], 0), Eq(G[i, 0], 1), Eq(G[i, j], G[i - 1, j - 1]))


def scalar_defined_twice():
    """
    DefinitionError: L is defined twice
      in Eq(L, 1)
      and Eq(L, p)
      Say which holds there, Eq(L, ..), or divide the indices with a Piecewise
    """
    System(Eq(L, 1), Eq(L, p))


def input_on_the_left():
    """
    DefinitionError: x is an input, given at the call; an equation cannot define it
      in Eq(x[t], 0)
      Define a tensor: gc.Tensor("x_next", ..)
    """
    System(Eq(x[t], 0))


def expression_on_the_left():
    """
    DefinitionError: the left side s[t] + 1 is not a tensor or an element of one
      in Eq(s[t] + 1, b)
      Name what the equation defines: Eq(y[i], ..)
    """
    System(Eq(s[t] + 1, b))


def gradient_on_the_left():
    """
    DefinitionError: D(L, W) stands on the left, but a gradient is defined by its loss
      in Eq(D(L, W), 0)
      Give it another name
    """
    System(Eq(D(L, W), 0), Eq(L, Sum(W)))


def true_equation():
    """
    DefinitionError: equation 1 is True: SymPy found both sides equal, nothing is left of it
      The left side must be a tensor or an element of one, and different from the right side
    """
    System(Eq(z[t], z[t]))


def no_equation():
    """
    DefinitionError: z[t] + 1, in place 1, is not an equation
      Write Eq(left, right)
    """
    System(z[t] + 1)


def index_only_on_the_right():
    """
    DefinitionError: the index j stands on the right but not on the left, and no reduction binds it
      in Eq(z[t], x[t, j])
      Put it on the left (z[t, j]) or reduce over it (Sum(.., j))
    """
    System(Eq(z[t], x[t, j]))


def index_without_range():
    """
    DefinitionError: nothing gives the index k a range
      in Eq(z[t], Sum(x[t, 0], k))
      Say which: k = gc.index("k", 3), or (k, 0, 2) in the reduction
    """
    System(Eq(z[t], Sum(x[t, 0], k)))


def reduction_of_nothing():
    """
    DefinitionError: Sum(x[t, 0]) has nothing to reduce: x[t, 0] has no free axis
      in Eq(z[t], Sum(x[t, 0]))
      Say over which index: Sum(x[t, 0], i)
    """
    System(Eq(z[t], Sum(x[t, 0])))


def softmax_of_a_scalar():
    """
    DefinitionError: softmax(x[t, 0]) has nothing to reduce: x[t, 0] has no free axis
      in Eq(z[t], softmax(x[t, 0]))
      Say over which index: softmax(x[t, 0], i)
    """
    System(Eq(z[t], softmax(x[t, 0])))


def unknown_symbol():
    """
    DefinitionError: alpha is neither a size nor an index nor a tensor
      in Eq(z[t], alpha*z[t-1])
      Make it one: gc.sizes("alpha"), gc.index("alpha"), or gc.Param("alpha") for a scalar
    """
    System(Eq(z[t], sp.Symbol("alpha") * z[t - 1]), Eq(z[-1], 0))


def two_tensors_of_one_name():
    """
    DefinitionError: w names two things: an input of dimensions (T) and an input of dimensions (T, N)
      Rename one of them
    """
    System(Eq(z[t], gc.Input("w", T)[t] + gc.Input("w", T, N)[t, 0]))


def size_and_index_of_one_name():
    """
    DefinitionError: N names two things: an index and a size
      Rename one of them
    """
    System(Eq(q[i], v[gc.index("N")] + 0 * i), Eq(z[t], 0))


def real_subscript():
    """
    DefinitionError: the subscript x[t, 0] of v[x[t,0]] reads x, which is not an integer tensor
      in Eq(z[t], v[x[t,0]])
      Declare it so, gc.Input("x", .., dtype="int64"), or round it: floor(x[..])
    """
    System(Eq(z[t], v[x[t, 0]]))


def fractional_subscript():
    """
    DefinitionError: the subscript t/2 of x[t/2, 0] is not an integer
      in Eq(z[t], x[t/2, 0])
      Use floor division (i//2), or give it as data: gc.Input("J", .., dtype="int64")
    """
    System(Eq(z[t], x[t / 2, 0]))


def range_read_from_data_of_an_index_that_nothing_holds():
    """
    DefinitionError: the limits of u are read from data, and nothing says how many points there can be
      in Eq(z[t], Sum(u**2, (u, 0, word[t])))
      Read a tensor at u, under no condition: Sum(x[u], ..)
    """
    System(Eq(z[t], Sum(u**2, (u, 0, word[t]))))


def position_in_a_range_read_from_data():
    """
    UnsupportedError: the limits of argmax(x[u, 0], (u, 0, word[t])) are read from data
      in Eq(z[t], argmax(x[u, 0], (u, 0, word[t])))
      Sum, Prod, Mean, amax, amin and logsumexp take such limits; here give a whole axis, and conditions
    """
    System(Eq(z[t], gc.argmax(x[u, 0], (u, 0, word[t]))))


def not_one_to_one():
    """
    DefinitionError: the left side q[i+j] writes one element from several values of its indices
      in Eq(q[i+j], 0)
      Give each index an axis of its own
    """
    System(Eq(q[i + j], 0))


def every_second_and_every_third():
    """
    DefinitionError: q[0] is defined twice, for example with N = 3
      in Eq(q[2*i], 0)
      and Eq(q[3*i], 1)
      Say which holds there, Eq(q[0], ..), or divide the indices with a Piecewise
    """
    System(Eq(q[2 * i], 0), Eq(q[3 * i], 1), Eq(q[i], v[i]))


def shifted_sum_index():
    """
    DefinitionError: Sum over i + 1: a reduction runs over an index, or a triple (index, first, last)
      Write Sum(.., i) or Sum(.., (i, 0, 2)); a shift belongs into the body
    """
    System(Eq(L, Sum(v[i], i + 1)))


def range_of_two_numbers():
    """
    DefinitionError: Sum over (i, 0): a reduction runs over an index, or a triple (index, first, last)
      Write Sum(.., i) or Sum(.., (i, 0, 2)); a shift belongs into the body
    """
    System(Eq(L, Sum(v[i], (i, 0))))


def name_with_a_blank():
    """
    DefinitionError: the name of a tensor must be a Python identifier, not 'my input'
      Use letters, digits and underscores, a letter first
    """
    gc.Input("my input", N)


def gradient_with_respect_to_an_expression():
    """
    DefinitionError: D(L, 2*W): a gradient is with respect to a tensor
      Name a tensor
    """
    System(Eq(L, Sum(W)), Eq(z[t], D(L, 2 * W)[0, 0]))


def parts_of_a_concatenation_without_ends():
    """
    DefinitionError: z[0, 0] is defined twice, for example with H = 3, N = 3, T = 3
      in Eq(z[t, i], s[t-1, i])
      and Eq(z[t, k+H], x[t, k])
      Say where i ends, i = gc.index("i", H)
    """
    both = gc.Tensor("z", T, H + N)
    System(Eq(both[t, i], s[t - 1, i]), Eq(both[t, H + k], x[t, k]), Eq(s[t, i], both[t, i]), Eq(s[-1, i], 0))


def sum_without_its_index():
    """
    DefinitionError: Sum(W[i, j]*s[t-1, j]) has nothing to reduce: W[i, j]*s[t-1, j] has no free axis
      in Eq(s[t, i], Sum(W[i, j]*s[t-1, j]))
      Say over which index: Sum(W[i, j]*s[t-1, j], j)
    """
    System(Eq(s[t, i], Sum(W[i, j] * s[t - 1, j])), Eq(s[-1, i], 0))


# -- what is not supported


def scatter():
    """
    UnsupportedError: the left side q[left[n]] is at places from data, and nothing says what becomes of those that meet in one
      in Eq(q[left[n]], v[n])
      Reduce over n: Eq(q[left[n]], Sum(.., n)), with nothing around the Sum (Prod, amax, amin); or say for each element what it is: q[k] = Sum(Piecewise((.., Eq(index[i], k)), (0, True)), i)
    """  # noqa: E501
    System(Eq(q[left[n]], v[n]))


def scatter_beside_another_equation():
    """
    UnsupportedError: q is written at places from data, and has another equation
      in Eq(q[left[n]], Sum(v[n], n))
      Give one of them a tensor of its own, and add the two: Eq(q[k], .. + ..)
    """
    System(Eq(q[left[n]], Sum(v[n], n)), Eq(q[0], 1))


def unknown_function():
    """
    UnsupportedError: zeta(x[t, 0]) uses zeta, which graphc has no operation for
      in Eq(z[t], zeta(x[t, 0]))
      Write it with the functions there are: exp log sqrt tanh sin cos erf Abs Max Min floor Mod Piecewise ...
    """
    System(Eq(z[t], sp.zeta(x[t, 0])))


def root_of_a_size():
    """
    UnsupportedError: a dimension of side is sqrt(N), which is not made of sums, products and floor divisions
      Give it a size of its own
    """
    System(Eq(gc.Tensor("side", gc.sqrt(N))[k], 0))


def quadratic_left_side():
    """
    UnsupportedError: the subscript i**2 on the left is not affine
      in Eq(q[i**2], 0)
      Use sums and multiples of indices, and sizes
    """
    System(Eq(q[i**2], 0))


def reads_that_leave_an_index_no_value():
    """
    DefinitionError: no i keeps all subscripts inside: v[i-1], v[i+N-1]
      in Eq(L, Sum(Piecewise((v[i-1], i > 0), (v[i+N-1], True)), i))
      Give a range, and conditions to each read: (i, 0, 2) in the reduction
    """
    System(Eq(L, Sum(gc.Piecewise((v[i - 1], i > 0), (v[i + N - 1], True)), i)))


def mean_of_an_unranged_index():
    """
    DefinitionError: nothing gives the index i a range
      in Eq(L, Mean(v[i+j], i, j))
      Say which: i = gc.index("i", 3), or (i, 0, 2) in the reduction
    """
    System(Eq(L, Mean(v[i + j], i, j)))


def gradient_in_integers():
    """
    DefinitionError: D(Sum(v[word[t]], t), word): word holds integers, and has no gradient
      in Eq(L, Sum(D(Sum(v[word[t]], t), word)[t]*word[t], t))
    """
    System(Eq(L, Sum(D(Sum(v[word[t]], t), word)[t] * word[t], t)))


def integers_from_reals():
    """
    DefinitionError: c holds integers, and the right side is a real number
      in Eq(c[i], v[i]/2)
      Use floor(..), or leave dtype away
    """
    System(Eq(gc.Tensor("c", N, dtype="int64")[i], v[i] / 2))


def one_index_twice():
    """
    DefinitionError: Sum(W[i, i], i, i) runs over the same index twice
      in Eq(L, Sum(W[i, i], i, i))
      Use an index for each
    """
    System(Eq(L, Sum(W[i, i], i, i)))


def gradient_of_something_undefined():
    """
    DefinitionError: D(L, v): no equation defines L
      in Eq(z[t], Sum(D(L, v)))
      Define it: Eq(L, ..)
    """
    System(Eq(z[t], Sum(D(L, v))))


def empty_system():
    """
    DefinitionError: a system needs at least one equation
      Write gc.System(Eq(left, right), ..)
    """
    System()


def gradient_of_a_computed_tensor_that_is_not():
    """
    DefinitionError: D(L, q): no equation defines q
      in Eq(z[t], Sum(D(L, q)))
      Define it: Eq(q, ..)
    """
    System(Eq(L, Sum(v)), Eq(z[t], Sum(D(L, q))))


def batch_without_a_name():
    """
    DefinitionError: the name of a size must be a Python identifier, not '1a'
      Use letters, digits and underscores, a letter first
    """
    System(Eq(q[i], v[i] + 1)).batch("1a", v)


def element_of_half_precision():
    """
    UnsupportedError: h has dtype 'float16'; graphc has float64, float32, int64, int32
      Leave it away for real numbers; float32 is chosen when compiling: compile(dtype="float32")
    """
    gc.Input("h", N, dtype="float16")


def recurrence_whose_size_is_open():
    """
    UnsupportedError: unfold: how many steps z has along axis 0, of size T, is not known
      Give it: system.unfold(t, 3) for the index t of that axis, or compile(sizes={..}, unfold=True)
    """
    System(Eq(z[t], z[t - 1]), Eq(z[-1], 0)).compile("z", unfold=True)


def tree_written_out():
    """
    UnsupportedError: unfold: the order of the cycle q is read from data, so it cannot be written out
      Compile it with its loop: unfold=False
    """
    System(Eq(q[n], q[left[n]] + v[n]), Eq(q[0], 0)).compile("q", sizes={N: 4}, unfold=True)


def functions_among_integers():
    """
    UnsupportedError: tanh has no value among the integers
      Compile with dtype='float64'
    """
    System(Eq(z[t], tanh(x[t, 0]))).compile("z", dtype="int64")


# -- conditions that are none any more


def piecewise_of_a_comparison_of_names():
    """
    DefinitionError: a condition of Piecewise((v[i], False), (0, True)) is False already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    gc.Piecewise((v[i], i == 0), (0, True))


def piecewise_of_what_is_nan():
    """
    DefinitionError: a condition of Piecewise((0, True), (v[i], True)) is True already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    gc.Piecewise((0, v[i] != v[j]), (v[i], True))


def piecewise_of_what_is_finite():
    """
    DefinitionError: a condition of Piecewise((v[i], True), (0, True)) is True already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    gc.Piecewise((v[i], gc.Abs(v[i]) < gc.oo), (0, True))


def conjunction_with_a_comparison_of_names():
    """
    DefinitionError: a condition of And(i > 0, True) is True already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    gc.And(i > 0, i != j)


def sum_of_a_comparison_of_names():
    """
    DefinitionError: a condition of Sum(False, i) is False already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    Sum(v[i] == v[j], i)


def value_that_is_a_comparison_of_names():
    """
    DefinitionError: a condition of Piecewise((False, i > 0), (0, True)) is False already: Python or SymPy decided it
      Write Eq(t, 0), not t == 0; ask gc.isnan(e), gc.isfinite(e) for NaN and infinity; let numbers choose by if
    """
    gc.Piecewise((v[i] == v[j], i > 0), (0, True))


# -- literals beyond 64 bits among integers


def sum_of_an_integer_and_a_large_literal():
    """
    UnsupportedError: 9223372036854775808 does not fit into 64 bits, and meets integers, which are computed in 64 bits
      in Eq(z[t], word[t] + 9223372036854775808)
      Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; write 2.0**63 for real numbers
    """
    System(Eq(z[t], word[t] + 2**63))


def generator_modulo_what_64_bits_do_not_hold():
    """
    UnsupportedError: 9223372036854775808 does not fit into 64 bits, and meets integers, which are computed in 64 bits
      in Eq(r[t], Mod(5*r[t-1] + 1, 9223372036854775808))
      Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; write 2.0**63 for real numbers
    """
    r = gc.Tensor("r", T, dtype="int64")
    System(Eq(r[0], 1), Eq(r[t], gc.Mod(5 * r[t - 1] + 1, 2**63)))


def integer_that_is_a_large_literal():
    """
    UnsupportedError: 9223372036854775808 does not fit into 64 bits, and meets integers, which are computed in 64 bits
      in Eq(r[t], t + 9223372036854775808)
      Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; write 2.0**63 for real numbers
    """
    r = gc.Tensor("r", T, dtype="int64")
    System(Eq(r[t], t + 2**63))


def integer_compared_with_a_large_literal():
    """
    UnsupportedError: 9223372036854775808 does not fit into 64 bits, and meets integers, which are computed in 64 bits
      in Eq(z[t], Piecewise((1, word[t] < 9223372036854775808), (0, True)))
      Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; write 2.0**63 for real numbers
    """
    System(Eq(z[t], gc.Piecewise((1, word[t] < 2**63), (0, True))))


def quotient_of_an_integer_and_a_large_literal():
    """
    UnsupportedError: 9223372036854775808 does not fit into 64 bits, and meets integers, which are computed in 64 bits
      in Eq(z[t], floor(word[t]/9223372036854775808))
      Integers wrap round beyond -2**63 .. 2**63 - 1, so Mod(.., 2**64) may be left away; write 2.0**63 for real numbers
    """
    System(Eq(z[t], word[t] // 2**63))


def polygamma_of_an_order_from_data():
    """
    UnsupportedError: polygamma(p, ..): the order is not an integer from 0 to 16
      in Eq(q[n], polygamma(p, v[n]))
      Write a literal; 0 is digamma
    """
    System(Eq(q[n], gc.polygamma(p, v[n])))


# -- functions with a derivative of one's own


def function_of_something_else():
    """
    DefinitionError: g looks at v, which is not among its arguments (r)
      Make it one: it would have no gradient
    """
    gc.scalar_function("g", lambda r: r * v[0], derivative=1)


def function_without_a_derivative_for_each_argument():
    """
    DefinitionError: g has 2 arguments (r, s) and 1 derivative
      Give one for each argument: derivative=[lambda r, s: .., lambda r, s: ..]
    """
    gc.scalar_function("g", lambda r, s: r * s, derivative=1)


def derivative_of_other_arguments():
    """
    DefinitionError: a derivative of g has the arguments r, s
      It is a function of all those of the value: lambda r: ..
    """
    gc.scalar_function("g", lambda r: r, derivative=lambda r, s: r)


def function_that_is_a_condition():
    """
    DefinitionError: g: r > 0 is no number
      For a condition write Piecewise((1, r > 0), (0, True))
    """
    gc.scalar_function("g", lambda r: r > 0, derivative=1)


def function_that_is_a_number():
    """
    DefinitionError: the value of g is 3, which is no function
      Write lambda x: 3
    """
    gc.scalar_function("g", 3, derivative=1)


def function_of_any_number_of_arguments():
    """
    DefinitionError: the value of g does not say how many arguments it takes
      Name each of them: lambda x, y: ..
    """
    gc.scalar_function("g", lambda *r: r[0], derivative=1)


def function_called_with_too_many_arguments():
    """
    DefinitionError: g(v[i], 2): g takes 1 argument, not 2
      Write g(r)
    """
    gc.scalar_function("g", lambda r: r, derivative=1)(v[i], 2)


# -- blocks without a range
def start_values_of_any_number():
    """
    DefinitionError: z[0] is defined twice, for example with C = 3, T = 3
      in Eq(z[t], z[t-C] + 1)
      and Eq(z[k-C], 0)
      Say where k ends, k = gc.index("k", C)
    """
    System(Eq(z[t], z[t - C] + 1), Eq(z[k - C], 0))


def start_values_of_a_state():
    """
    DefinitionError: s[0, 0] is defined twice, for example with C = 3, H = 3, T = 3
      in Eq(s[t, i], s[t-C, i] + 1)
      and Eq(s[k-C, i], b[i])
      Say where k ends, k = gc.index("k", C)
    """
    System(Eq(s[t, i], s[t - C, i] + 1), Eq(s[k - C, i], b[i]))


def start_values_of_a_literal_number():
    """
    DefinitionError: z[0] is defined twice, for example with T = 3
      in Eq(z[t], z[t-3] + 1)
      and Eq(z[k-3], 1.0*k)
      Say where k ends, k = gc.index("k", 3)
    """
    System(Eq(z[t], z[t - 3] + 1), Eq(z[k - 3], 1.0 * k))


def start_values_at_the_head_of_an_input():
    """
    DefinitionError: z[0] is defined twice, for example with C = 3, T = 3
      in Eq(z[t], z[t-C] + 1)
      and Eq(z[k-C], whole[k])
      Say where k ends, k = gc.index("k", C)
    """
    System(Eq(z[t], z[t - C] + 1), Eq(z[k - C], gc.Input("whole", T + C)[k]))


def end_values_of_any_number():
    """
    DefinitionError: z[0] is defined twice, for example with T = 3
      in Eq(z[t], z[t+C] + 1)
      and Eq(z[k+T], 0)
      Say where k ends, k = gc.index("k", C)
    """
    System(Eq(z[t], z[t + C] + 1), Eq(z[k + T], 0))


def three_parts_of_which_one_ends():
    """
    DefinitionError: z[3] is defined twice, for example with H = 3, N = 3, T = 3
      in Eq(z[j+N], word[j])
      and Eq(z[k+N+T], b[k])
      Say where j ends, j = gc.index("j", T)
    """
    z = gc.Tensor("z", N + T + H)
    first = gc.index("i", N)
    System(Eq(z[first], v[first]), Eq(z[N + j], word[j]), Eq(z[N + T + k], b[k]))


def two_halves():
    """
    DefinitionError: z[0, 0] is defined twice, for example with C = 3, T = 3
      in Eq(z[t, k], h[t, k] - h[t, k+C])
      and Eq(z[t, k+C], h[t, k] + h[t, k+C])
      Say where k ends, k = gc.index("k", C)
    """
    z, h = gc.Tensor("z", T, 2 * C), gc.Input("h", T, 2 * C)
    System(Eq(z[t, k], h[t, k] - h[t, C + k]), Eq(z[t, C + k], h[t, k] + h[t, C + k]))


# -- conditions as numbers
def a_condition_as_a_factor():
    """
    DefinitionError: word[t] and t > 0 are combined as numbers, and t > 0 is a condition
      Make a number of it: Piecewise((1, t > 0), (0, True))
    """
    System(Eq(z[t], word[t] * (t > 0)))


def a_condition_as_an_addend():
    """
    DefinitionError: z[t-1] and z[t-1] > 0 are combined as numbers, and z[t-1] > 0 is a condition
      Make a number of it: Piecewise((1, z[t-1] > 0), (0, True))
    """
    System(Eq(z[t], (z[t - 1] > 0) + z[t - 1]))


def a_condition_by_an_index():
    """
    DefinitionError: t and Eq(t, 0) are combined as numbers, and Eq(t, 0) is a condition
      Make a number of it: Piecewise((1, Eq(t, 0)), (0, True))
    """
    System(Eq(z[t], t - Eq(t, 0)))


# -- ranges of indices
def limits_for_a_range():
    """
    DefinitionError: the index d runs over (-1, 1), which is not a size or a non-negative integer
      d = gc.index("d", 3) runs over 0 .. 2; other limits stand in a reduction, (d, -1, 1), or d is shifted: x[d - 1]
    """
    gc.index("d", (-1, 1))


def a_negative_range():
    """
    DefinitionError: the index d runs over -1, which is not a size or a non-negative integer
      d = gc.index("d", 3) runs over 0 .. 2; other limits stand in a reduction, (d, -1, 1), or d is shifted: x[d - 1]
    """
    gc.index("d", -1)


def an_index_for_a_range():
    """
    DefinitionError: the index d runs over t + 1, which is not a size or a non-negative integer
      d = gc.index("d", 3) runs over 0 .. 2; other limits stand in a reduction, (d, -1, 1), or d is shifted: x[d - 1]
    """
    gc.index("d", t + 1)


def a_real_number_for_a_range():
    """
    DefinitionError: the index d runs over 2.5, which is not a size or a non-negative integer
      d = gc.index("d", 3) runs over 0 .. 2; other limits stand in a reduction, (d, -1, 1), or d is shifted: x[d - 1]
    """
    gc.indices("d e", 2.5)


def a_name_for_a_range():
    """
    DefinitionError: the index d runs over 'N', which is not a size or a non-negative integer
      d = gc.index("d", 3) runs over 0 .. 2; other limits stand in a reduction, (d, -1, 1), or d is shifted: x[d - 1]
    """
    gc.index("d", "N")
