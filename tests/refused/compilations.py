"""Compilations and other uses of a system that must be refused: docstrings are the exact messages."""

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, System, tanh

T, N, M = gc.sizes("T N M")
t, i, j, k = gc.indices("t i j k")
x, W = gc.Input("x", T, N), gc.Param("W", M, N)
v = gc.Input("v", N)
word = gc.Input("word", T, dtype="int64")
y, z, L = gc.Tensor("y", T, M), gc.Tensor("z", T), gc.Tensor("L")
X, WEIGHTS = np.arange(15.0).reshape(5, 3), np.ones((4, 3))
SYSTEM = System(Eq(y[t, j], Sum(W[j, i] * x[t, i], i)))


def update_of_other_dimensions():
    """
    ShapeError: update={v: z}: v(N) holds real numbers, and z(T) holds real numbers
      The new value needs the dimensions of the old one
    """
    System(Eq(z[t], x[t, 0] * Sum(v[i], i))).compile(update={v: z})


def update_of_something_computed():
    """
    ArgumentError: update={y: x}: y is not an argument
      Say which argument gets the value of which tensor: update={W: W_next}
    """
    SYSTEM.compile(update={y: x})


def unknown_output():
    """
    ArgumentError: there is no tensor state
      There are x, W, y
    """
    SYSTEM.compile("state")


def output_that_is_given():
    """
    DefinitionError: x is given at the call: there is nothing to compute
      Ask for a tensor that is defined
    """
    SYSTEM.compile("x")


def unknown_size():
    """
    ArgumentError: no size is called Q
      The sizes are M, N, T
    """
    SYSTEM.compile("y", sizes={"Q": 3})


def half_a_size():
    """
    ArgumentError: size N = 2.5 must be an integer of at least 0
      Pass a Python int: N=10
    """
    SYSTEM.compile("y", sizes={"N": 2.5})


def unknown_dtype():
    """
    ArgumentError: dtype 'float16' is not one of float64, float32, int64
      Write dtype="float32"
    """
    SYSTEM.compile("y", dtype="float16")


def unfolding_a_number_of_steps():
    """
    ArgumentError: unfold=3: True writes every recurrence out, False and "auto" write loops
      For a number of steps write system.unfold(t, 3).compile(..)
    """
    SYSTEM.compile("y", unfold=3)


def more_threads_than_one():
    """
    UnsupportedError: threads=2: a call runs on one thread
      Leave it away; a function may be called from several threads at once
    """
    SYSTEM.compile("y", threads=2)


def unfolding_an_index_that_is_not_there():
    """
    DefinitionError: no left side has the index k
      There are j, t
    """
    SYSTEM.unfold(k, 3)


def unfolding_nothing():
    """
    ArgumentError: unfold(t, 0): there is no step to write out
      Give at least 1
    """
    SYSTEM.unfold(t, 0)


def gradient_of_a_matrix():
    """
    ShapeError: D(y, ..): y(T, M) is not a scalar
      Sum it over its axes first
    """
    SYSTEM.grad(y)


def gradient_with_respect_to_integers():
    """
    DefinitionError: D(L, word): word holds integers, and has no gradient
      Leave it out of wrt=[..]
    """
    System(Eq(L, Sum(x[word[t], 0], t))).grad(L, word)


def gradient_that_is_not_in_the_system():
    """
    ArgumentError: there is no tensor L
      There are x, W, y
    """
    SYSTEM.evaluate(D(L, W), x=X, W=WEIGHTS)


def batch_of_something_computed():
    """
    ArgumentError: batch: y is computed, not given at the call
      Name the inputs that differ from sample to sample; what depends on them follows
    """
    SYSTEM.batch("B", [y])


def direction_of_another_shape():
    """
    ShapeError: jvp: W(M, N) cannot move along V(N, M)
      A direction is a real tensor of the same dimensions
    """
    gc.jvp(SYSTEM, y, {W: gc.Input("V", N, M)})


def evaluating_without_an_argument():
    """
    ArgumentError: missing argument W
      Pass W=.., of shape (M, N)
    """
    SYSTEM.evaluate("y", x=X)


def evaluating_on_text():
    """
    ArgumentError: argument x has dtype <U7, but x(T, N) holds real numbers
      Convert it first
    """
    SYSTEM.evaluate("y", x="numbers", W=WEIGHTS)


def evaluating_exactly_what_is_not_rational():
    """
    UnsupportedError: tanh has no exact value
      Evaluate without exact=True
    """
    System(Eq(z[t], tanh(x[t, 0]))).evaluate("z", x=X, exact=True)


def certificate_without_its_data():
    """
    ArgumentError: verify: missing argument x
      Pass x=..
    """
    gc.verify(System(Eq(L, Sum(x))), L)


def function_saved_under_no_name():
    """
    ArgumentError: 'my-model' is not a C identifier, which symbols need
      Save under another name: f.save('model')
    """
    SYSTEM.compile(y).save("out/my-model")


# -- tensors of the same name


def gradient_in_a_namesake():
    """
    ArgumentError: v is an input of dimensions (N) in this system, not an input of dimensions (N), outside=0
      Use the tensor that its equations have, or its name, "D(L, v)"
    """
    System(Eq(L, Sum(v))).compile(L, D(L, gc.Input("v", N, outside=0)))


def gradient_of_a_namesake():
    """
    ArgumentError: L is a tensor without dimensions in this system, not a tensor of dimensions (T)
      Use the tensor that its equations have, or its name, "L"
    """
    System(Eq(L, Sum(W))).grad(gc.Tensor("L", T), W)


def output_of_other_dimensions():
    """
    ArgumentError: y is a tensor of dimensions (T, M) in this system, not a tensor of dimensions (M, T)
      Use the tensor that its equations have, or its name, "y"
    """
    SYSTEM.evaluate(gc.Tensor("y", M, T), x=X, W=WEIGHTS)


def samples_of_a_namesake():
    """
    ArgumentError: x is an input of dimensions (T, N) in this system, not a parameter of dimensions (T, N)
      Use the tensor that its equations have, or its name, "x"
    """
    SYSTEM.batch("B", [gc.Param("x", T, N)])


def direction_of_a_namesake():
    """
    ArgumentError: x is an input of dimensions (T, N) in this system, not an input of dimensions (M, N)
      Use the tensor that its equations have, or its name, "x"
    """
    gc.jvp(SYSTEM, y, {W: gc.Input("x", M, N)})


def update_of_a_namesake():
    """
    ArgumentError: v is an input of dimensions (N) in this system, not an input of dimensions (N), dtype=int64
      Use the tensor that its equations have, or its name, "v"
    """
    new = gc.Tensor("new", N)
    System(Eq(new, 2 * v)).compile(update={gc.Input("v", N, dtype="int64"): new})


def a_stride_without_its_value():
    """
    UnsupportedError: correlate(v, kernel, mode="same", stride=T) reads beyond its signal, in steps of a size
      in Eq(o, correlate(v, kernel, mode="same", stride=T))
      Take mode="valid", which stays inside, or numbers
      Or give sizes their values: sizes={"T": ..} in compile, or gc.System(.., sizes=..)
    """
    kernel, o = gc.Input("kernel", M), gc.Tensor("o", (N - 1) // T + 1)
    System(Eq(o, gc.correlate(v, kernel, mode="same", stride=T))).compile(o)
