"""Every cycle of equations must make progress; along which axis, and in which direction, is found."""

import pytest

import graphc as gc
from graphc import Eq, Min, Piecewise, Sum, amin, tanh

T, N = gc.sizes("T N")
t, i, j, k, n = gc.indices("t i j k n")
x, A = gc.Input("x", T), gc.Input("A", N, N)
a, b, c, s = gc.tensors("a b c s", T)
u, d, G = gc.Tensor("u", T, N), gc.Tensor("d", N, N), gc.Tensor("G", N, N)
p, left = gc.Tensor("p", N), gc.Input("left", N, dtype="int64")
g, r = gc.Input("g", T), gc.Tensor("r", T)


@pytest.mark.parametrize(
    "equations",
    [
        [Eq(s[-1], 0), Eq(s[t], s[t - 1] + x[t])],
        [Eq(s[T], 0), Eq(s[t], s[t + 1] + x[t])],
        [Eq(s[-1], 0), Eq(a[t], s[t - 1]), Eq(b[t], a[t]), Eq(s[t], b[t])],
        [Eq(s[-1], 0), Eq(s[-2], 0), Eq(a[T], 0), Eq(a[t], s[t - 2]), Eq(s[t], a[t + 1])],
        [Eq(s[-1], 0), Eq(a[-1], 0), Eq(s[t], a[t - 1]), Eq(a[t], tanh(s[t]) + a[t - 1])],
        [Eq(d[0, j], j), Eq(d[i, 0], i), Eq(d[i, j], Min(d[i - 1, j], d[i, j - 1], d[i - 1, j - 1]))],
        [Eq(u[-1, i], 0), Eq(u[t, -1], 0), Eq(u[t, N], 0), Eq(u[-1, N], 0), Eq(u[t, i], u[t, i - 1] + u[t - 1, i + 1])],
        [Eq(p[i], A[i, i] - Sum(A[i, j] * p[j], (j, 0, i - 1)))],
        [Eq(p[i], A[i, i] - Sum(A[i, j] * p[j], (j, i + 1, N - 1)))],
        [Eq(d[i, i], 0), Eq(d[i, j], Piecewise((amin(d[i, k] + d[k + 1, j], (k, i, j - 1)), i < j), (0, True)))],
        [Eq(d[i, j], Piecewise((d[i - 1, j + 1], (i > 0) & (j < N - 1)), (A[i, j], True)))],
        [Eq(p[n], Piecewise((1, n < 2), (p[left[n]], True)))],
    ],
    ids=[
        "forward", "backward", "three tensors", "a read ahead within a longer lag", "one behind the other",
        "two axes",
        "along a line, then in time", "triangular", "triangular from below", "on a difference of axes",
        "along diagonals",
        "data decides",
    ],
)  # fmt: skip
def test_a_recurrence_is_accepted(equations):
    gc.System(*equations)


@pytest.mark.parametrize(
    "equations, cycle",
    [
        ([Eq(s[t], s[t])], None),
        ([Eq(s[t], tanh(s[t]))], r"s\[t\] -> s\[t\]"),
        ([Eq(s[t], a[t]), Eq(a[t], b[t]), Eq(b[t], s[t])], r"s\[t\] -> a\[t\] -> b\[t\] -> s\[t\]"),
        ([Eq(s[0], 1), Eq(s[t], a[t - 1]), Eq(a[t], s[t + 1] + 1), Eq(a[T - 1], 0)], r"s\[t\] -> a\[t-1\] -> s\[t\]"),
        ([Eq(p[i], Sum(A[i, j] * p[j], j))], r"p\[i\] -> p\[j\]"),
        ([Eq(p[i], p[N - 1 - i])], r"p\[i\] -> p\[N-i-1\]"),
        ([Eq(s[-1], 0), Eq(s[T], 0), Eq(s[t], s[t - 1] + s[t + 1])], r"s\[t\] -> s\[t\+1\] -> s\[t\]"),
    ],
)
def test_a_cycle_without_progress_is_refused(equations, cycle):
    with pytest.raises(gc.GraphcError, match=cycle) as caught:
        gc.System(*equations)
    assert cycle is None or isinstance(caught.value, gc.CausalityError)


def test_two_tensors_that_need_each_other_at_one_step_are_refused():
    v = gc.Tensor("v", T)
    with pytest.raises(gc.CausalityError):
        gc.System(Eq(r[t], v[t] + g[t]), Eq(v[t], r[t] / 2))
