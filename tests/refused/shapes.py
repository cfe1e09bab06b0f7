"""Programs whose sizes or ranks do not agree: each function is one, and its docstring is the exact message."""

import graphc as gc
from graphc import D, Eq, Sum, System, softmax, tanh

T, N, H, C = gc.sizes("T N H C")
t, i, j = gc.indices("t i j")
x, W, U, b = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("b", H)
p, v = gc.Param("p"), gc.Input("v", N)
s, y, z, L = gc.Tensor("s", T, H), gc.Tensor("y", T, C), gc.Tensor("z", T), gc.Tensor("L")
word = gc.Input("word", T, dtype="int64")
q = gc.Tensor("q", N)


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
      Sum it, D(Sum(q), p), or say which element, D(q[t], p)
    """
    System(Eq(q[i], v[i] * p), Eq(L, Sum(D(q, p))))


def too_many_subscripts():
    """
    ShapeError: x[t, i, 0] has 3 subscripts, but x has 2 axes: x(T, N)
      Give at most 2, or declare x with more dimensions
    """
    System(Eq(z[t], x[t, i, 0]))


def subscript_of_a_scalar():
    """
    ShapeError: p[t] has 1 subscript, but p has 0 axes: p()
      Write it as it stands: p, or declare p with more dimensions
    """
    System(Eq(z[t], p[t]))


def sum_of_matrix_and_its_product():
    """
    ShapeError: s[t] has 1 free axis (H), W @ U has 2 free axes (H, N)
      in Eq(s[t], W @ U)
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(s[t], W @ U))


def softmax_of_another_shape():
    """
    ShapeError: axis 0 of y[t] has size C, axis 0 of softmax(W @ b) has size H
      in Eq(y[t], softmax(W @ b))
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(y[t], softmax(W @ b)))


def slice():
    """
    UnsupportedError: v is subscripted with slice(0, 3, None); a subscript is one integer expression
      Leave trailing axes away (`x[t]`), or use an index (`x[t, i]`)
    """
    System(Eq(L, Sum(v[0:3])))


def no_stride():
    """
    UnsupportedError: stride=0: a stride is a positive integer or a size, or one for each axis
      Write stride=1, or stride=(1, 2)
    """
    System(Eq(q, gc.conv(v, b, mode="same", stride=0)))


def unknown_mode():
    """
    UnsupportedError: mode='half': the modes are "full", "same" and "valid"
      "valid" keeps what needs no padding, "same" the length of the signal
    """
    System(Eq(q, gc.correlate(v, b, mode="half")))


def dimension_that_is_an_index():
    """
    DefinitionError: a dimension of h is t, and t is not a size
      Make it one: t = gc.sizes("t")
    """
    gc.Tensor("h", t, N)


def negative_dimension():
    """
    DefinitionError: a dimension of h is -1, which is not a size or a non-negative integer
      Make a size, n = gc.sizes("n"), or give a number
    """
    gc.Tensor("h", -1)


def unknown_boundary_rule():
    """
    UnsupportedError: v has outside='mirror'; a boundary rule is 0, "edge", "reflect", "symmetric" or "wrap"
      For another value outside, write a Piecewise
    """
    gc.Input("v", N, outside="mirror")


def gradient_of_another_rank():
    """
    ShapeError: q[i] has 0 free axes (), D(L, W)[i] has 1 free axis (H)
      in Eq(q[i], D(L, W)[i])
      Only scalars broadcast; use index notation to say which axes meet
    """
    System(Eq(L, Sum(W)), Eq(q[i], D(L, W)[i]))
