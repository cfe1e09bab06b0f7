"""Systems the tests of this folder look at."""

from functools import cache

import graphc as gc
from graphc import Eq
from graphc.equations.system import System
from tests.view.build import build


def rnn() -> System:
    """The recurrent network with hidden-to-hidden feedback, softmax and cross-entropy."""
    return build(
        "input x T N; input target T C; param W H H; param U H N; param V C H; param b H; param c C; "
        "tensor a T H; tensor s T H; tensor o T C; tensor o_max T; tensor o_sum T; tensor y T C; tensor L",
        """
        a[t,i] += b[i]                      for 0 <= t < T, 0 <= i < H
        a[t,i] += W[i,j]*s[t-1,j]           for 0 <= t < T, 0 <= i < H, 0 <= j < H
        a[t,i] += U[i,k]*x[t,k]             for 0 <= t < T, 0 <= i < H, 0 <= k < N
        s[t,i] = tanh(a[t,i])               for 0 <= t < T, 0 <= i < H
        s[t-1,i] = 0                        for 0 <= t < 1, 0 <= i < H
        o[t,i] += c[i]                      for 0 <= t < T, 0 <= i < C
        o[t,i] += V[i,j]*s[t,j]             for 0 <= t < T, 0 <= i < C, 0 <= j < H
        o_max[t] max= o[t,k]                for 0 <= t < T, 0 <= k < C
        o_sum[t] += exp(o[t,k] - o_max[t])  for 0 <= t < T, 0 <= k < C
        y[t,i] = exp(o[t,i] - o_max[t]) / o_sum[t]  for 0 <= t < T, 0 <= i < C
        L += -(target[t,k]*log(y[t,k])) / T for 0 <= t < T, 0 <= k < C
        """,
    )


def small() -> System:
    """docs/architecture.md's example."""
    return build(
        "input x T H; param W H H; tensor s_sum T H; tensor s T H; tensor L",
        """
        s_sum[t,i] += W[i,j]*s[t-1,j]  for 0 <= t < T, 0 <= i < H, 0 <= j < H
        s_sum[t,i] += x[t,i]           for 0 <= t < T, 0 <= i < H
        s[t,i] = tanh(s_sum[t,i])      for 0 <= t < T, 0 <= i < H
        s[-1,i] = 0                    for 0 <= i < H
        L += s[t,i]*s[t,i]             for 0 <= t < T, 0 <= i < H
        """,
    )


def small_gradient() -> System:
    """The same with its gradient, as `differentiate` writes it."""
    return build(
        "input x T H; param W H H; tensor s_sum T H; tensor s T H; tensor L; "
        "tensor dL; tensor ds T H; tensor ds_sum T H; tensor dW H H",
        """
        s_sum[t,i] += W[i,j]*s[t-1,j]  for 0 <= t < T, 0 <= i < H, 0 <= j < H
        s_sum[t,i] += x[t,i]           for 0 <= t < T, 0 <= i < H
        s[t,i] = tanh(s_sum[t,i])      for 0 <= t < T, 0 <= i < H
        s[-1,i] = 0                    for 0 <= i < H
        L += s[t,i]*s[t,i]             for 0 <= t < T, 0 <= i < H
        dL = 1
        ds[t,i] += dL*2*s[t,i]         for 0 <= t < T, 0 <= i < H
        ds[t-1,j] += ds_sum[t,i]*W[i,j]  for 0 <= t < T, 0 <= i < H, 0 <= j < H
        ds_sum[t,i] = ds[t,i]*(1 - s[t,i]*s[t,i])  for 0 <= t < T, 0 <= i < H
        dW[i,j] += ds_sum[t,i]*s[t-1,j]  for 0 <= t < T, 0 <= i < H, 0 <= j < H
        """,
    )


def unfolded(steps: int = 3) -> System:
    """The recurrent network (without its loss) written out for some steps."""
    declared = "input x 3 N; param W H H; param U H N; param V C H; param b H; param c C; input s0 H; tensor L"
    lines = []
    for k in range(steps):
        declared += f"; tensor a_{k} H; tensor s_{k} H; tensor y_{k} C"
        before = f"s_{k - 1}[j]" if k else "s0[j]"
        lines += [
            f"a_{k}[i] += b[i] for 0 <= i < H",
            f"a_{k}[i] += W[i,j]*{before} for 0 <= i < H, 0 <= j < H",
            f"a_{k}[i] += U[i,j]*x[{k},j] for 0 <= i < H, 0 <= j < N",
            f"s_{k}[i] = tanh(a_{k}[i]) for 0 <= i < H",
            f"y_{k}[i] += c[i] for 0 <= i < C",
            f"y_{k}[i] += V[i,j]*s_{k}[j] for 0 <= i < C, 0 <= j < H",
            f"L += y_{k}[i]*y_{k}[i] for 0 <= i < C",
        ]
    return build(declared, "\n".join(lines))


def lstm() -> System:
    gates = "fgqz"
    declared = "input x T N; tensor c T H; tensor h T H"
    lines = []
    for g, f in zip(gates, ("sigmoid", "sigmoid", "sigmoid", "tanh"), strict=True):
        declared += f"; param W{g} H H; param U{g} H N; param b{g} H; tensor {g} T H; tensor {g}_sum T H"
        lines += [
            f"{g}_sum[t,i] += b{g}[i] for 0 <= t < T, 0 <= i < H",
            f"{g}_sum[t,i] += W{g}[i,j]*h[t-1,j] for 0 <= t < T, 0 <= i < H, 0 <= j < H",
            f"{g}_sum[t,i] += U{g}[i,k]*x[t,k] for 0 <= t < T, 0 <= i < H, 0 <= k < N",
            f"{g}[t,i] = {f}({g}_sum[t,i]) for 0 <= t < T, 0 <= i < H",
        ]
    lines += [
        "c[t,i] = f[t,i]*c[t-1,i] + g[t,i]*z[t,i] for 0 <= t < T, 0 <= i < H",
        "c[-1,i] = 0 for 0 <= i < H",
        "h[t,i] = q[t,i]*tanh(c[t,i]) for 0 <= t < T, 0 <= i < H",
        "h[-1,i] = 0 for 0 <= i < H",
    ]
    return build(declared, "\n".join(lines))


def cnn() -> System:
    of_s = "0 <= b < B, 0 <= f < F, 0 <= i < Y-2, 0 <= j < X-2"
    of_p = "0 <= b < B, 0 <= f < F, 0 <= i < Y//2-1, 0 <= j < X//2-1"
    return build(
        "input I B Y X; param K F 3 3; param k F; param D C F Y//2-1 X//2-1; param d C; "
        "tensor S B F Y-2 X-2; tensor R B F Y-2 X-2; "
        "tensor P B F Y//2-1 X//2-1; tensor o B C; tensor y B C; tensor o_max B; tensor o_sum B",
        f"""
        S[b,f,i,j] += k[f]  for {of_s}
        S[b,f,i,j] += I[b,i+m,j+n]*K[f,m,n]  for {of_s}, 0 <= m < 3, 0 <= n < 3
        R[b,f,i,j] = maximum(S[b,f,i,j], 0)  for {of_s}
        P[b,f,i,j] max= R[b,f,2*i+m,2*j+n]  for {of_p}, 0 <= m < 2, 0 <= n < 2
        o[b,c] += d[c]  for 0 <= b < B, 0 <= c < C
        o[b,c] += D[c,f,i,j]*P[b,f,i,j]  for 0 <= b < B, 0 <= c < C, 0 <= f < F, 0 <= i < Y//2-1, 0 <= j < X//2-1
        o_max[b] max= o[b,c]  for 0 <= b < B, 0 <= c < C
        o_sum[b] += exp(o[b,c] - o_max[b])  for 0 <= b < B, 0 <= c < C
        y[b,c] = exp(o[b,c] - o_max[b]) / o_sum[b]  for 0 <= b < B, 0 <= c < C
        """,
    )


@cache
def written(name: str) -> gc.System:
    """Systems in the language: the seed network, its gradient, its unfolding, gates unfolded."""
    T, N, H, C = gc.sizes("T N H C")
    t, i, k = gc.indices("t i k")
    x, target = gc.Input("x", T, N), gc.Input("target", T, C)
    if name == "gates unfolded":
        W, U = gc.params("W1 W2 W3 W4", H, H), gc.params("U1 U2 U3 U4", H, N)
        c, h, *gates = gc.tensors("c h f g o z", T, H)
        f, g, o, z = gates
        rules = [Eq(v[t], gc.sigmoid(w @ h[t - 1] + u @ x[t])) for v, w, u in zip(gates, W, U, strict=True)]
        rules += [Eq(c[t, i], f[t, i] * c[t - 1, i] + g[t, i] * z[t, i]), Eq(h[t, i], o[t, i] * gc.tanh(c[t, i]))]
        return gc.System(*rules, Eq(h[-1], 0), Eq(c[-1], 0)).unfold(t, 3)
    W, U, V = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H)
    b, c = gc.Param("b", H), gc.Param("c", C)
    a, s = gc.tensors("a s", T, H)
    o, y = gc.tensors("o y", T, C)
    L = gc.Tensor("L")
    system = gc.System(
        Eq(a[t], b + W @ s[t - 1] + U @ x[t]),
        Eq(s[t], gc.tanh(a[t])),
        Eq(s[-1], 0),
        Eq(o[t], c + V @ s[t]),
        Eq(y[t], gc.softmax(o[t])),
        Eq(L, -gc.Sum(target[t, k] * gc.log(y[t, k]), t, k) / T),
    )
    if name == "network":
        return system
    return system.grad(L) if name == "network's gradient" else system.grad(L).unfold(t, 3)
