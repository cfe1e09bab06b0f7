"""Derivations that must be refused: each function is one, and its docstring is the exact message."""

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, System
from graphc.library import adam

T, N = gc.sizes("T N")
t, i = gc.indices("t i")
v, w = gc.Input("v", N), gc.Param("w", N)
z, h, L = gc.Tensor("z", T), gc.Tensor("h", N), gc.Tensor("L")


def second_direction_of_one_output():
    """
    ArgumentError: jvp: there is a tensor L_dot already
      Call jvp on the system without it, once for each direction
    """
    net, along = System(Eq(L, Sum(w[i] * v[i], i))), (gc.Input("dw", N), gc.Input("dv", N))
    gc.jvp(gc.jvp(net, L, {w: along[0]}), L, {v: along[1]})


def direction_that_nothing_defines():
    """
    ArgumentError: jvp: no equation defines the direction dw
      Make it an input: gc.Input("dw", ..)
    """
    gc.jvp(System(Eq(L, Sum(w[i] * v[i], i))), L, {w: gc.Tensor("dw", N)})


def other_steps_than_there_are():
    """
    ArgumentError: unfold(t, 5): t runs over 3 steps already
      Write unfold(t, 3)
    """
    System(Eq(z[t], z[t - 1] + 1), Eq(z[-1], 0)).unfold(t, 3).unfold(t, 5)


def steps_of_two_sizes():
    """
    UnsupportedError: unfold(t, 5): t runs over axes of several sizes, N, T
      Use an index of its own for each, or compile(sizes={..}, unfold=True)
    """
    System(Eq(z[t], z[t - 1] + 1), Eq(z[-1], 0), Eq(h[t], 2 * h[t - 1]), Eq(h[-1], 1)).unfold(t, 5)


def gradient_of_an_expression_after_a_gradient():
    """
    ArgumentError: D(L**2, ..): L**2 is no tensor, and this system was derived: no equation can be added to it
      Give it a name before grad, batch or unfold: Eq(gc.Tensor("loss_0"), L**2)
    """
    System(Eq(L, Sum(w[i] * v[i], i))).grad(L, w).compile(D(L**2, w))


def memory_of_a_weight_that_is_not_given():
    """
    ArgumentError: start: no array for w
      Pass the weights by name: w=..
    """
    adam(L, [w]).start(v=np.ones(3))
