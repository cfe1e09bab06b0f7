"""Derivations that must be refused: each function is one, and its docstring is the exact message."""

import numpy as np

import graphc as gc
from graphc import D, Eq, Sum, System, floor
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


# -- gradients of one element at a time

q, p, U, E, F = *gc.tensors("q p", T, N), *gc.tensors("U E", T), gc.Tensor("F", T, N)
start, rate, K = gc.Input("start", N), gc.Param("rate"), gc.Param("K", N, N)
MOVES = [Eq(q[0], start), Eq(p[0], start), Eq(q[t], q[t - 1] + rate * p[t])]
FORCE = Eq(p[t, i], p[t - 1, i] - rate * D(U[t - 1], q)[t - 1, i])
ENERGY = Eq(U[t], Sum(q[t, i] ** 2, i))


def energy_of_all_steps():
    """
    ShapeError: D(U, q) needs a scalar, and U has dimensions (T)
      in Eq(F[t], D(U, q)[t])
      Sum it, D(Sum(U), q), or say which element, D(U[t], q)
    """
    System(*MOVES, FORCE, ENERGY, Eq(F[t], D(U, q)[t]))


def force_of_the_step_that_it_moves():
    """
    CausalityError: U[t] depends on its own gradient D(U[t], q)
      in Eq(p[t, i], -rate*D(U[t], q)[t, i] + p[t-1, i])
      Give the updated value a name of its own, or read the gradient at an earlier step
    """
    System(*MOVES, ENERGY, Eq(p[t, i], p[t - 1, i] - rate * D(U[t], q)[t, i]))


def force_before_there_is_energy():
    """
    DomainError: U[t-1] at t = 0 reads U[-1], which no equation defines
      in Eq(p[t, i], -rate*D(U[t-1], q)[t-1, i] + p[t-1, i])
      for example with N = 3, T = 3
      Define it: Eq(U[-1], ..)
    """
    System(Eq(q[-1], start), Eq(p[-1], start), MOVES[2], FORCE, ENERGY)


def energy_that_moves_with_its_weights():
    """
    UnsupportedError: D(U[t], K): U depends on K at other steps, too, through q[t-1, i]
      in Eq(F[t, i], Sum(D(U[t], K)[i, j], j))
      and Eq(q[t], rate*p[t] + q[t-1])
      Let U read a copy where that is meant, Eq(K_at[t, i, j], K[i, j]), and take D(U[t], K_at[t, i, j])
    """
    j = gc.indices("j")
    energy = Eq(U[t], Sum(K[i, j] * q[t, i] * q[t, j], i, j))
    System(*MOVES, FORCE, energy, Eq(F[t, i], Sum(D(U[t], K)[i, j], j)))


def momentum_that_moves_the_place_too():
    """
    UnsupportedError: D(E[t], p): E depends on p itself and through q, which p moves at the same step
      in Eq(F[t], D(E[t], p)[t])
      Let E read a copy where that is meant, Eq(p_at[t, i], p[t, i]), and take D(E[t], p_at[t, i])
    """
    System(*MOVES, FORCE, ENERGY, Eq(E[t], U[t] + Sum(p[t, i] ** 2, i)), Eq(F[t], D(E[t], p)[t]))


def gradient_of_what_it_decides():
    """
    CausalityError: a cycle makes no progress: p[t, i] -> dw[t, i] -> p[t, i]
      in Eq(p[t, i], D(U[t], w)[i])
      and Eq(U[t], Sum(floor(p[t, i])*w[i], i))
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(U[t], Sum(w[i] * floor(p[t, i]), i)), Eq(p[t, i], D(U[t], w)[i]))


def gradient_of_a_scalar_that_it_decides():
    """
    CausalityError: a cycle makes no progress: h[i] -> dw -> h[i]
      in Eq(h, D(L, w))
      and Eq(L, Sum(floor(h[i])*w[i], i))
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(L, Sum(w[i] * floor(h[i]), i)), Eq(h, D(L, w)))


def gradient_at_an_undefined_step():
    """
    DomainError: q[t-1, 0] at t = 0 reads q[-1, 0], which no equation defines
      in Eq(E[t], D(U[t], q)[t-1, 0])
      for example with N = 3, T = 3
      Define it: Eq(q[-1, 0], ..)
    """
    System(*MOVES, FORCE, ENERGY, Eq(E[t], D(U[t], q)[t - 1, 0]))


def game_of_two_who_move_in_turn():
    """
    UnsupportedError: D(U[t-1], q): U depends on q itself and through p, which q moves at the same step
      in Eq(q[t], -rate*D(U[t-1], q)[t-1] + q[t-1])
      Let U read a copy where that is meant, Eq(q_at[t, i], q[t, i]), and take D(U[t], q_at[t, i])
    """
    first = Eq(q[t], q[t - 1] - rate * D(U[t - 1], q)[t - 1])
    second = [Eq(E[t], Sum(q[t, i] * p[t - 1, i], i)), Eq(E[0], 0), Eq(p[t], p[t - 1] + rate * D(E[t], p)[t - 1])]
    System(*MOVES[:2], Eq(U[t], Sum(q[t, i] * p[t, i], i)), first, *second)


def place_before_the_last():
    """
    UnsupportedError: D(E[t], q[t-1, i]): E[t] depends on q at several steps, and D gives the slope at the last, q[t, i]
      in Eq(F[t, i], D(E[t], q)[t-1, i])
      Let E read a copy where that is meant, Eq(q_at[t, i], q[t, i]), and take D(E[t], q_at[t, i])
    """
    path = [Eq(E[t], Sum(q[t, i] * q[t - 1, i], i)), Eq(E[0], 0)]
    System(*MOVES, FORCE, ENERGY, *path, Eq(F[t, i], D(E[t], q)[t - 1, i]), Eq(F[0, i], 0))


def gradient_under_the_sum_that_binds_its_loss():
    """
    DefinitionError: D of w[i]**2 runs over i, which a reduction binds
      in Eq(L, Sum(D(w[i]**2, w)[i], i))
      Give it a name: Eq(U[i], w[i]**2) with gc.Tensor("U", ..), and take D(U[i], ..)
    """
    System(Eq(L, Sum(D(w[i] ** 2, w)[i], i)))


def gradients_of_all_steps_as_one_output():
    """
    ArgumentError: D(U[t], q) is one gradient for each t, not a tensor
      Give it a name: Eq(G[t, ..], D(U[t], q)[..]) with G = gc.Tensor("G", ..), and ask for G
    """
    System(*MOVES, FORCE, ENERGY).compile(D(U[t], q))


def element_as_output():
    """
    ArgumentError: q[t, i] is not a whole tensor
      Give it a name: Eq(y[..], q[t, i]) with y = gc.Tensor("y", ..), and ask for y
    """
    System(*MOVES, FORCE, ENERGY).compile(q[t, i])
