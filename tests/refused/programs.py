"""Programs that must be refused: each function is one, and its docstring is the exact message."""

import sympy as sp

import graphc as gc
from graphc import D, Eq, Mean, Piecewise, Sum, System, exp, softmax, tanh

T, N, H, C, K = gc.sizes("T N H C K")
t, u, i, j, k, m, n = gc.indices("t u i j k m n")
x, W, U, b = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("b", H)
p, v = gc.Param("p"), gc.Input("v", N)
a, s, y, z, L = gc.Tensor("a", T, H), gc.Tensor("s", T, H), gc.Tensor("y", T, C), gc.Tensor("z", T), gc.Tensor("L")
word, left = gc.Input("word", T, dtype="int64"), gc.Input("left", N, dtype="int64")
G, q = gc.Tensor("G", N, N), gc.Tensor("q", N)


# -- shapes


def vector_addition():
    System(Eq(s[t], b + x[t]))


def vector_addition_of_other_rank():
    System(Eq(s[t], b + W))


def function_of_other_shape():
    System(Eq(y[t], tanh(W @ b)))


def contraction():
    System(Eq(s[t], W @ x[t]))


def contraction_of_a_scalar():
    System(Eq(s[t], p @ b))


def index_over_two_sizes():
    System(Eq(z[t], Sum(W[i, j] * x[t, i] * x[t, j], i, j)))


def left_index_over_another_size():
    System(Eq(s[t, i], x[t, i]))


def subscript_with_a_free_axis():
    System(Eq(z[t], v[word]))


def convolution_of_other_rank():
    System(Eq(q, gc.conv(v, W)))


def strides_of_other_rank():
    System(Eq(q, gc.conv(v, b, stride=(1, 2))))


def gradient_of_a_vector():
    System(Eq(q[i], v[i] * p), Eq(L, Sum(D(q, p))))


# -- domains


def no_start_value():
    System(Eq(s[t], tanh(W @ s[t - 1])))


def no_start_value_in_index_notation():
    System(Eq(s[t, i], tanh(Sum(W[i, j] * s[t - 1, j], j))))


def one_start_value_too_few():
    System(Eq(z[t], z[t - 1] + z[t - 2]), Eq(z[0], 1))


def reading_past_the_end():
    System(Eq(z[t], x[t + 1, 0]))


def reading_a_fixed_element():
    System(Eq(L, v[3]))


def not_a_factor_of_the_sum():
    System(Eq(gc.Tensor("c", N + K - 1)[i], Sum(exp(v[i - m]), (m, 0, K - 1))))


def outside_the_triangle():
    System(Eq(G[i, j], Piecewise((v[i], j <= i))), Eq(q[i], G[i, N - 1]))


# -- causality


def cycle_of_two():
    System(Eq(s[t], tanh(a[t])), Eq(a[t], W @ s[t]))


def cycle_of_one():
    System(Eq(z[t], tanh(z[t]) + 1))


def cycle_of_a_scalar():
    System(Eq(L, tanh(L)))


def cycle_back_and_forth():
    System(Eq(z[t], z[t - 1] + z[t + 1]), Eq(z[-1], 0), Eq(z[T], 0))


def loss_that_depends_on_its_gradient():
    System(Eq(q[i], v[i] - D(L, v)[i]), Eq(L, Sum(q * v)))


# -- definitions


def undefined_tensor():
    System(Eq(s[t], tanh(a[t])))


def defined_twice():
    System(Eq(s[t], b), Eq(s[t, i], b[i]))


def corner_defined_twice():
    System(Eq(G[0, j], 0), Eq(G[i, 0], 1), Eq(G[i, j], G[i - 1, j - 1]))


def scalar_defined_twice():
    System(Eq(L, 1), Eq(L, p))


def input_on_the_left():
    System(Eq(x[t], 0))


def expression_on_the_left():
    System(Eq(s[t] + 1, b))


def gradient_on_the_left():
    System(Eq(D(L, W), 0), Eq(L, Sum(W)))


def true_equation():
    System(Eq(z[t], z[t]))


def no_equation():
    System(z[t] + 1)


def index_only_on_the_right():
    System(Eq(z[t], x[t, j]))


def index_without_range():
    System(Eq(z[t], Sum(x[t, 0], k)))


def reduction_of_nothing():
    System(Eq(z[t], Sum(x[t, 0])))


def softmax_of_a_scalar():
    System(Eq(z[t], softmax(x[t, 0])))


def unknown_symbol():
    System(Eq(z[t], sp.Symbol("alpha") * z[t - 1]), Eq(z[-1], 0))


def two_tensors_of_one_name():
    System(Eq(z[t], gc.Input("w", T)[t] + gc.Input("w", T, N)[t, 0]))


def size_and_index_of_one_name():
    System(Eq(q[i], v[gc.index("N")] + 0 * i), Eq(z[t], 0))


def real_subscript():
    System(Eq(z[t], v[x[t, 0]]))


def fractional_subscript():
    System(Eq(z[t], x[t / 2, 0]))


def range_read_from_data():
    System(Eq(z[t], Sum(x[u, 0], (u, 0, word[t]))))


def not_one_to_one():
    System(Eq(q[i + j], 0))


# -- what is not supported


def scatter():
    System(Eq(q[left[n]], v[n]))


def unknown_function():
    System(Eq(z[t], sp.zeta(x[t, 0])))


def product_of_sizes():
    System(Eq(gc.Tensor("flat", T * N)[k], 0))


def quadratic_left_side():
    System(Eq(q[i**2], 0))


def mean_of_an_unranged_index():
    System(Eq(L, Mean(v[i + j], i, j)))


def gradient_in_integers():
    System(Eq(L, Sum(D(Sum(v[word[t]], t), word)[t] * word[t], t)))
