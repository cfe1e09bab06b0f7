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
    """
    ShapeError: axis 0 of x[t] has size N, axis 0 of b has size H
      in Eq(s[t], b + x[t])
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(s[t], b + x[t]))


def vector_addition_of_other_rank():
    """
    ShapeError: b has 1 free axis (H), W has 2 free axes (H, H)
      in Eq(s[t], W + b)
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(s[t], b + W))


def function_of_other_shape():
    """
    ShapeError: axis 0 of y[t] has size C, axis 0 of tanh(W @ b) has size H
      in Eq(y[t], tanh(W @ b))
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(y[t], tanh(W @ b)))


def contraction():
    """
    ShapeError: W @ x[t] contracts axis 1 of W, of size H, with axis 0 of x[t], of size N
      in Eq(s[t], W @ x[t])
      `@` contracts the last free axis with the first, which need equal sizes; .T transposes
    """
    System(Eq(s[t], W @ x[t]))


def contraction_of_a_scalar():
    """
    ShapeError: p in p @ b has no free axis to contract
      in Eq(s[t], p @ b)
      Multiply scalars with *
    """
    System(Eq(s[t], p @ b))


def index_over_two_sizes():
    """
    ShapeError: the index i runs over an axis of size N in x[t, i] and over one of size H in W[i, j]
      in Eq(z[t], Sum(x[t, i]*x[t, j]*W[i, j], i, j))
      Give it a range if that is meant: (i, 0, N - 1)
    """
    System(Eq(z[t], Sum(W[i, j] * x[t, i] * x[t, j], i, j)))


def left_index_over_another_size():
    """
    ShapeError: the index i runs over an axis of size H on the left, and over axis 1 of x[t, i], of size N
      in Eq(s[t, i], x[t, i])
      Use an index of its own for each size
    """
    System(Eq(s[t, i], x[t, i]))


def subscript_with_a_free_axis():
    """
    ShapeError: the subscript word of v[word] has 1 free axis (T); a subscript is one integer
      in Eq(z[t], v[word])
      Give it an index: word[t]
    """
    System(Eq(z[t], v[word]))


def convolution_of_other_rank():
    """
    ShapeError: v has 1 free axis (N), W has 2 free axes (H, H)
      in Eq(q, conv(v, W))
      A convolution runs over all free axes: subscript the others
    """
    System(Eq(q, gc.conv(v, W)))


def strides_of_other_rank():
    """
    ShapeError: conv(v, b, stride=(1, 2)) has 2 strides for 1 axes
      in Eq(q, conv(v, b, stride=(1, 2)))
      Give one, or one for each axis
    """
    System(Eq(q, gc.conv(v, b, stride=(1, 2))))


def gradient_of_a_vector():
    """
    ShapeError: D(q, p) needs a scalar, and q has dimensions (N)
      in Eq(L, Sum(D(q, p)))
      Sum it first: D(Sum(q), p)
    """
    System(Eq(q[i], v[i] * p), Eq(L, Sum(D(q, p))))


# -- domains


def no_start_value():
    """
    DomainError: s[t-1] at t = 0 reads s[-1], which no equation defines
      in Eq(s[t], tanh(W @ s[t-1]))
      for example with H = 3, T = 3
      Define it: Eq(s[-1], ..)
    """
    System(Eq(s[t], tanh(W @ s[t - 1])))


def no_start_value_in_index_notation():
    """
    DomainError: s[t-1, j] at t = 0, j = 0 reads s[-1, 0], which no equation defines
      in Eq(s[t, i], tanh(Sum(W[i, j]*s[t-1, j], j)))
      for example with H = 3, T = 3
      Define it: Eq(s[-1, 0], ..)
    """
    System(Eq(s[t, i], tanh(Sum(W[i, j] * s[t - 1, j], j))))


def one_start_value_too_few():
    """
    DomainError: z[t-2] at t = 1 reads z[-1], which no equation defines
      in Eq(z[t], z[t-2] + z[t-1])
      for example with T = 3
      Define it: Eq(z[-1], ..)
    """
    System(Eq(z[t], z[t - 1] + z[t - 2]), Eq(z[0], 1))


def reading_past_the_end():
    """
    DomainError: x[t+1, 0] at t = 2 reads x[3, 0], but its dimensions are (T, N)
      in Eq(z[t], x[t+1, 0])
      for example with N = 3, T = 3
      Say what stands outside: outside=0, "edge", "reflect" or "wrap" for x; or keep the index inside
    """
    System(Eq(z[t], x[t + 1, 0]))


def reading_a_fixed_element():
    """
    DomainError: v[3] reads v[3], but its dimensions are (N)
      in Eq(L, v[3])
      for example with N = 3
      Say what stands outside: outside=0, "edge", "reflect" or "wrap" for v; or keep the index inside
    """
    System(Eq(L, v[3]))


def not_a_factor_of_the_sum():
    """
    DomainError: v[i-m] at i = 0, m = 1 reads v[-1], but its dimensions are (N)
      in Eq(c[i], Sum(exp(v[i-m]), (m, 0, K - 1)))
      for example with K = 3, N = 3
      Say what stands outside: outside=0, "edge", "reflect" or "wrap" for v; or keep the index inside
    """
    System(Eq(gc.Tensor("c", N + K - 1)[i], Sum(exp(v[i - m]), (m, 0, K - 1))))


def outside_the_triangle():
    """
    DomainError: G[i, N-1] at i = 0 reads G[0, 2], which no equation defines
      in Eq(q[i], G[i, N-1])
      for example with N = 3
      Define it: Eq(G[0, 2], ..)
    """
    System(Eq(G[i, j], Piecewise((v[i], j <= i))), Eq(q[i], G[i, N - 1]))


# -- causality


def cycle_of_two():
    """
    CausalityError: a cycle makes no progress: s[t] -> a[t] -> s[t]
      in Eq(s[t], tanh(a[t]))
      and Eq(a[t], W @ s[t])
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(s[t], tanh(a[t])), Eq(a[t], W @ s[t]))


def cycle_of_one():
    """
    CausalityError: a cycle makes no progress: z[t] -> z[t]
      in Eq(z[t], tanh(z[t]) + 1)
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(z[t], tanh(z[t]) + 1))


def cycle_of_a_scalar():
    """
    CausalityError: a cycle makes no progress: L -> L
      in Eq(L, tanh(L))
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(L, tanh(L)))


def cycle_back_and_forth():
    """
    CausalityError: a cycle makes no progress: z[t] -> z[t+1] -> z[t]
      in Eq(z[t], z[t-1] + z[t+1])
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(z[t], z[t - 1] + z[t + 1]), Eq(z[-1], 0), Eq(z[T], 0))


def loss_that_depends_on_its_gradient():
    """
    CausalityError: L depends on its own gradient D(L, v)
      in Eq(q[i], -D(L, v)[i] + v[i])
      Give the updated value a name of its own
    """
    System(Eq(q[i], v[i] - D(L, v)[i]), Eq(L, Sum(q * v)))


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
      Declare it so: gc.Input("x", .., dtype="int64")
    """
    System(Eq(z[t], v[x[t, 0]]))


def fractional_subscript():
    """
    DefinitionError: the subscript t/2 of x[t/2, 0] is not an integer
      in Eq(z[t], x[t/2, 0])
      Use floor division: i//2
    """
    System(Eq(z[t], x[t / 2, 0]))


def range_read_from_data():
    """
    DefinitionError: the range of u is read from data, word[t]
      in Eq(z[t], Sum(x[u, 0], (u, 0, word[t])))
      Sum over a whole axis, with a comparison: Piecewise((.., u < n), (0, True))
    """
    System(Eq(z[t], Sum(x[u, 0], (u, 0, word[t]))))


def not_one_to_one():
    """
    DefinitionError: the left side q[i+j] writes one element from several values of its indices
      in Eq(q[i+j], 0)
      Give each index an axis of its own
    """
    System(Eq(q[i + j], 0))


# -- what is not supported


def scatter():
    """
    UnsupportedError: the left side q[left[n]] has a subscript read from data
      in Eq(q[left[n]], v[n])
      Say for each element what it is: q[k] = Sum(Piecewise((.., Eq(index[i], k)), (0, True)), i)
    """
    System(Eq(q[left[n]], v[n]))


def unknown_function():
    """
    UnsupportedError: zeta(x[t, 0]) uses zeta, which graphc has no operation for
      in Eq(z[t], zeta(x[t, 0]))
      Write it with the functions there are: exp log sqrt tanh sin cos erf Abs Max Min floor Mod Piecewise ...
    """
    System(Eq(z[t], sp.zeta(x[t, 0])))


def product_of_sizes():
    """
    UnsupportedError: a dimension of flat is N*T, which is not made of sums, whole multiples and floor divisions
      Keep the axes apart, or give a product a size of its own
    """
    System(Eq(gc.Tensor("flat", T * N)[k], 0))


def quadratic_left_side():
    """
    UnsupportedError: the subscript i**2 on the left is not affine
      in Eq(q[i**2], 0)
      Use sums and multiples of indices, and sizes
    """
    System(Eq(q[i**2], 0))


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
