"""Programs that read what is not there, or what depends on itself: docstrings are the exact messages."""

import graphc as gc
from graphc import D, Eq, Piecewise, Sum, System, exp, tanh

T, N, H, C, K = gc.sizes("T N H C K")
t, u, i, j, k, m, n = gc.indices("t u i j k m n")
m3 = gc.index("m", 3)
x, W = gc.Input("x", T, N), gc.Param("W", H, H)
v = gc.Input("v", N)
a, s, y, z, L = gc.Tensor("a", T, H), gc.Tensor("s", T, H), gc.Tensor("y", T, C), gc.Tensor("z", T), gc.Tensor("L")
G, q = gc.Tensor("G", N, N), gc.Tensor("q", N)


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
      Define it: Eq(s[-1, j], ..)
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
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for x; or keep the index inside
    """
    System(Eq(z[t], x[t + 1, 0]))


def reading_a_fixed_element():
    """
    DomainError: v[3] reads v[3], but its dimensions are (N)
      in Eq(L, v[3])
      for example with N = 3
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v; or keep the index inside
      Or, if N is never below 4, say so: gc.sizes("N", min=4)
    """
    System(Eq(L, v[3]))


def not_a_factor_of_the_sum():
    """
    DomainError: v[i-m] at i = 0, m = 1 reads v[-1], but its dimensions are (N)
      in Eq(c[i], Sum(exp(v[i-m]), (m, 0, K - 1)))
      for example with K = 3, N = 3
      Cut the range off at the border: (m, Max(0, i - N + 1), Min(i, K - 1))
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
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


def range_past_the_end():
    """
    DomainError: v[i] at i = 3 reads v[3], but its dimensions are (N)
      in Eq(L, Sum(exp(v[i]), (i, 0, N)))
      for example with N = 3
      v has i = 0 .. N - 1: write (i, 0, N - 1), or leave the limits away
    """
    System(Eq(L, Sum(exp(v[i]), (i, 0, N))))


def no_value_at_the_far_end():
    """
    DomainError: z[t+1] at t = 2 reads z[3], which no equation defines
      in Eq(z[t], z[t+1]/2)
      for example with T = 3
      Define it: Eq(z[T], ..)
    """
    System(Eq(z[t], z[t + 1] / 2))


def two_steps_past_the_end():
    """
    DomainError: v[i+2] at i = 1 reads v[3], but its dimensions are (N)
      in Eq(q[i], v[i] + v[i+2])
      for example with N = 3
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v; or keep the index inside
    """
    System(Eq(q[i], v[i] + v[i + 2]))


def strided_reads_too_far():
    """
    DomainError: v[2*i] at i = 2 reads v[4], but its dimensions are (N)
      in Eq(q[i], v[2*i])
      for example with N = 3
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v; or keep the index inside
    """
    System(Eq(q[i], v[2 * i]))


def neighbours_at_the_rim():
    """
    DomainError: G[i, j-1] at i = 1, j = 0 reads G[1, -1], which no equation defines
      in Eq(G[i, j], G[i, j-1]/2 + G[i-1, j]/2)
      for example with N = 3
      Define it: Eq(G[1, -1], ..)
    """
    System(Eq(G[i, j], (G[i - 1, j] + G[i, j - 1]) / 2), Eq(G[0, j], 0))


def elements_asked_for_that_nobody_defines():
    """
    DomainError: G is asked for, but no equation defines G[0, 1]
      for example with N = 3
      Define it: Eq(G[0, 1], ..), or ask for what reads G
    """
    System(Eq(G[i, i], v[i])).compile("G")


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


def sum_up_to_itself():
    """
    CausalityError: a cycle makes no progress: z[t] -> z[u], the same where t = u
      in Eq(z[t], v[0] + Sum(z[u], (u, 0, t)))
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(z[t], v[0] + Sum(z[u], (u, 0, t))))


def cycle_of_a_transpose():
    """
    CausalityError: a cycle makes no progress: G[i, j] -> G[j, i], the same where i = j
      in Eq(G[i, j], G[j, i] + 1)
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(G[i, j], G[j, i] + 1))


def cycle_of_three():
    """
    CausalityError: a cycle makes no progress: a[t, i] -> s[t, i] -> y[t, 0] -> a[t, i]
      in Eq(a[t, i], s[t, i])
      and Eq(s[t, i], tanh(y[t, 0]))
      and Eq(y[t, k], Sum(a[t, i], i))
      Read an earlier element somewhere on the cycle, or solve the equations by hand
    """
    System(Eq(a[t, i], s[t, i]), Eq(s[t, i], tanh(y[t, 0])), Eq(y[t, k], Sum(a[t, i], i)))


# -- limits written out, and equations that apply to nothing
def limits_beyond():
    """
    DomainError: v[t] at t = 3 reads v[3], but its dimensions are (N)
      in Eq(L, Sum(v[t]**2, (t, 1, N)))
      for example with N = 3
      Cut the range off at the border: (t, 1, N - 1)
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(L, Sum(v[t] ** 2, (t, 1, N))))


def limits_beyond_in_a_mean():
    """
    DomainError: v[t] at t = 3 reads v[3], but its dimensions are (N)
      in Eq(L, Mean(log(v[t]), (t, 1, N)))
      for example with N = 3
      Cut the range off at the border: (t, 1, N - 1)
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(L, gc.Mean(gc.log(v[t]), (t, 1, N))))


def limits_of_a_convolution():
    """
    DomainError: v[i-m] at i = 0, m = 1 reads v[-1], but its dimensions are (N)
      in Eq(q[i], Sum(v[i-m]*w[m], (m, 0, K - 1)))
      for example with K = 3, N = 3
      Leave the limits of m away: the sum runs where v is; or say what is outside: outside=0
    """
    System(Eq(q[i], Sum(gc.Input("w", K)[m] * v[i - m], (m, 0, K - 1))))


def start_values_nowhere():
    """
    DefinitionError: G[i, i+N] is no element of G(N, N) at any value of its indices
      in Eq(G[i, i+N], 1)
      For elements beyond the dimensions give the index a range: m = gc.index("m", 2), G[m-2, ..]
    """
    System(Eq(G[i, i + N], 1))


def conditions_that_hold_nowhere():
    """
    DefinitionError: no condition holds at any q[i], so nothing is defined
      in Eq(q[i], Piecewise((v[i], i >= N)))
      q has dimensions (N), counted from 0: mend the conditions
    """
    System(Eq(q[i], Piecewise((v[i], i >= N))))


# -- what helps
def no_value_where_a_shifted_left_side_starts():
    """
    DomainError: z[t] at t = -1 reads z[-1], which no equation defines
      in Eq(z[t+1], 2*z[t])
      for example with T = 3
      Say where it starts: Eq(z[0], ..)
    """
    System(Eq(z[t + 1], 2 * z[t]))


def several_start_values():
    """
    DomainError: s[t-2, i] at t = 0, i = 0 reads s[-2, 0], which no equation defines
      in Eq(s[t, i], s[t-2, i]/2)
      for example with H = 3, T = 3
      Define it: Eq(s[-2, i], ..), Eq(s[-1, i], ..)
    """
    System(Eq(s[t, i], s[t - 2, i] / 2))


# -- windows that leave at the border: no mend may make them sums over everything
def a_window_that_begins_before_the_start():
    """
    DomainError: v[k] at k = -2 reads v[-2], but its dimensions are (N)
      in Eq(q[i], Sum(v[k], (k, i - 2, i)))
      for example with N = 3
      Cut the range off at the border: (k, Max(0, i - 2), i)
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(q[i], Sum(v[k], (k, i - 2, i))))


def a_mean_that_ends_past_the_end():
    """
    DomainError: v[k] at k = 3 reads v[3], but its dimensions are (N)
      in Eq(q[i], Mean(v[k], (k, i, i + 2)))
      for example with N = 3
      Cut the range off at the border: (k, i, Min(i + 2, N - 1))
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(q[i], gc.Mean(v[k], (k, i, i + 2))))


def a_largest_value_around_each_point():
    """
    DomainError: v[k] at k = -3 reads v[-3], but its dimensions are (N)
      in Eq(q[i], amax(v[k], (k, i - K, i + K)))
      for example with K = 3, N = 3
      Cut the range off at the border: (k, Max(0, i - K), Min(i + K, N - 1))
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(q[i], gc.amax(v[k], (k, i - K, i + K))))


def a_reduction_without_finite_support():
    """
    DomainError: v[i-m] at i = 0, m = 1 reads v[-1], but its dimensions are (N)
      in Eq(q[i], amax(v[i-m], m))
      for example with N = 3
      Cut the range off at the border: (m, 0, Min(2, i))
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(q[i], gc.amax(v[i - m3], m3)))


def limits_that_are_no_range_of_another_factor():
    """
    DomainError: v[i-k] at i = 0, k = 1 reads v[-1], but its dimensions are (N)
      in Eq(q[i], Sum(v[i-k], (k, 0, 2)))
      for example with N = 3
      Cut the range off at the border: (k, 0, Min(2, i))
      Or say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for v
    """
    System(Eq(q[i], Sum(v[i - k], (k, 0, 2))))


# -- sizes that may be too small
def two_sizes_that_may_be_too_small():
    """
    DomainError: x[1, 1] reads x[1, 1], but its dimensions are (T, N)
      in Eq(L, x[1, 1])
      for example with N = 1, T = 1
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for x; or keep the index inside
      Or, if N and T are never below 2, say so: gc.sizes("N T", min=2)
    """
    System(Eq(L, x[1, 1]))


def sizes_that_may_be_too_small_by_different_numbers():
    """
    DomainError: x[3, 1] reads x[3, 1], but its dimensions are (T, N)
      in Eq(L, x[3, 1])
      for example with N = 3, T = 3
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for x; or keep the index inside
      Or, if N is never below 2 and T is never below 4, say so: gc.sizes("N", min=2), gc.sizes("T", min=4)
    """
    System(Eq(L, x[3, 1]))


def no_limits_that_could_be_left_away():
    """
    DomainError: x[1, n] at n = 0 reads x[1, 0], but its dimensions are (T, N)
      in Eq(L, Sum(v[n]*x[1, n], n))
      for example with N = 1, T = 1
      Say what stands outside: outside=0, "edge", "reflect", "symmetric" or "wrap" for x; or keep the index inside
      Or, if T is never below 2, say so: gc.sizes("T", min=2)
    """
    System(Eq(L, Sum(x[1, n] * v[n], n)))


# -- start values in a block
def a_lag_by_a_size():
    """
    DomainError: z[t-K] at t = 0 reads z[-3], which no equation defines
      in Eq(z[t], z[t-K] + 1)
      for example with K = 3, T = 3
      Define it: m = gc.index("m", K), Eq(z[m-K], ..)
    """
    System(Eq(z[t], z[t - K] + 1))


def a_lag_by_a_size_of_a_state_of_two_axes():
    """
    DomainError: z[t-K] at t = 0 reads z[-3], which no equation defines
      in Eq(s[t, i], z[t-K] + s[t-K, i])
      for example with H = 3, K = 3, T = 3
      Define it: m = gc.index("m", K), Eq(z[m-K], ..)
    """
    System(Eq(s[t, i], s[t - K, i] + z[t - K]), Eq(z[t], s[t, 0]))


def a_long_lag():
    """
    DomainError: z[t-12] at t = 0 reads z[-12], which no equation defines
      in Eq(z[t], z[t-12] + 1)
      for example with T = 3
      Define it: m = gc.index("m", 12), Eq(z[m-12], ..)
    """
    System(Eq(z[t], z[t - 12] + 1))


def a_lag_by_a_size_from_the_end():
    """
    DomainError: z[t+K] at t = 0 reads z[3], which no equation defines
      in Eq(z[t], z[t+K] + 1)
      for example with K = 3, T = 3
      Define it: m = gc.index("m", K), Eq(z[T+m], ..)
    """
    System(Eq(z[t], z[t + K] + 1))


def a_block_where_m_is_taken():
    """
    DomainError: z[m-K] at m = 0 reads z[-3], which no equation defines
      in Eq(z[m], z[m-K] + 1)
      for example with K = 3, T = 3
      Define it: n = gc.index("n", K), Eq(z[n-K], ..)
    """
    System(Eq(z[m], z[m - K] + 1))
