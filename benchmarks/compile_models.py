"""Compile time of whole models, value and all gradients, beside JAX's `jit` of the same: processor time, each a fresh
process, median of three. JAX compiles again for each shape; graphc has all sizes symbolic but for the kernel's
and the heads' number.

    stack(n)       n LSTM layers, T, B, H symbolic           JAX: a `lax.scan` each
    residual       eight 3 x 3 convolutions, batch normalised, in pairs with a residual connection
    transformer    one block: attention of 4 heads, layer normalisation, a feed-forward network with relu
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import time
from typing import Any

from benchmarks.harness import Options, Report, Row, Verdict
from benchmarks.worker import fresh

ROUNDS = 3
LAYERS = (1, 2, 4, 8, 16, 32)
GROWTH = 1.15  # the exponent of n that stacks may have
LIMITS = {"stack 4": 1.1, "residual": 2.0, "transformer": 2.0}


def graphc_model(name: str, layers: int = 1) -> float:
    """Seconds of processor time to build the equations and compile them."""
    import graphc as gc

    start = time.process_time()
    equations, params = {"stack": _stack, "residual": _residual, "transformer": _transformer}[name](layers)
    loss = gc.Tensor("L")
    system = gc.System(*equations)
    system.compile(loss, *(gc.D(loss, p) for p in params), dtype="float32")
    return time.process_time() - start


def _stack(layers: int) -> tuple[list[Any], list[Any]]:
    import graphc as gc
    from graphc import Eq, Sum, sigmoid, tanh

    T, B, H = gc.sizes("T B H")
    t, b, i, j, k = gc.indices("t b i j k")
    q = gc.index("q", 4)
    x, v, loss = gc.Input("x", T, B, H), gc.Input("v", T, B, H), gc.Tensor("L")
    equations, params, below = [], [], x
    for n in range(layers):
        W, U, bias = gc.Param(f"W{n}", 4, H, H), gc.Param(f"U{n}", 4, H, H), gc.Param(f"b{n}", 4, H)
        z, (c, h) = gc.Tensor(f"z{n}", T, B, 4, H), gc.tensors(f"c{n} h{n}", T, B, H)
        gates = bias[q, i] + Sum(W[q, i, j] * h[t - 1, b, j], j) + Sum(U[q, i, k] * below[t, b, k], k)
        write, keep, new, show = (z[t, b, gate, i] for gate in range(4))
        equations += [
            Eq(z[t, b, q, i], gates),
            Eq(c[t, b, i], sigmoid(keep) * c[t - 1, b, i] + sigmoid(write) * tanh(new)),
            Eq(h[t, b, i], sigmoid(show) * tanh(c[t, b, i])),
            Eq(c[-1, b, i], 0),
            Eq(h[-1, b, i], 0),
        ]
        params += [W, U, bias]
        below = h
    equations.append(Eq(loss, Sum(below[t, b, i] * v[t, b, i], t, b, i)))
    return equations, params


def _residual(_: int) -> tuple[list[Any], list[Any]]:
    import graphc as gc
    from graphc import Eq, Mean, Sum, relu, sqrt

    B, C, Y, X = gc.sizes("B C Y X")
    n, f, c, i, j, b, y, x = gc.indices("n f c i j b y x")
    u, v = gc.index("u", 3), gc.index("v", 3)
    image, loss = gc.Input("image", B, C, Y, X, outside=0), gc.Tensor("L")
    equations, params, below, before = [], [], image, image
    for k in range(8):
        K, scale, shift = gc.Param(f"K{k}", C, C, 3, 3), gc.Param(f"g{k}", C), gc.Param(f"s{k}", C)
        a, z = gc.Tensor(f"a{k}", B, C, Y, X), gc.Tensor(f"z{k}", B, C, Y, X, outside=0)
        m, d = gc.Tensor(f"m{k}", C), gc.Tensor(f"d{k}", C)
        normal = scale[f] * (a[n, f, i, j] - m[f]) / sqrt(d[f] + 1e-5) + shift[f]
        equations += [
            Eq(a[n, f, i, j], Sum(K[f, c, u, v] * below[n, c, i + u - 1, j + v - 1], c, u, v)),
            Eq(m[f], Mean(a[b, f, y, x], b, y, x)),
            Eq(d[f], Mean((a[b, f, y, x] - m[f]) ** 2, b, y, x)),
            Eq(z[n, f, i, j], relu(normal + before[n, f, i, j]) if k % 2 else relu(normal)),
        ]
        params += [K, scale, shift]
        below = z
        before = z if k % 2 else before
    equations.append(Eq(loss, Sum(below[n, f, i, j] ** 2, n, f, i, j)))
    return equations, params


def _transformer(_: int) -> tuple[list[Any], list[Any]]:
    import graphc as gc
    from graphc import Eq, Mean, Sum, relu, softmax, sqrt

    B, T, N, F, E = gc.sizes("B T N F E")
    n, t, s, i, j, e, f = gc.indices("n t s i j e f")
    h = gc.index("h", 4)
    x, loss = gc.Input("x", B, T, N), gc.Tensor("L")
    Q, K, V = (gc.Param(name, 4, E, N) for name in ("Q", "K", "V"))
    O, W1, W2 = gc.Param("O", N, 4, E), gc.Param("W1", F, N), gc.Param("W2", N, F)
    g1, s1, g2, s2 = (gc.Param(name, N) for name in ("g1", "s1", "g2", "s2"))
    q, k, v, a = (gc.Tensor(name, B, 4, T, E) for name in ("q", "k", "v", "a"))
    w, y, p = gc.Tensor("w", B, 4, T, T), gc.Tensor("y", B, T, N), gc.Tensor("p", B, T, F)
    xn, yn, z = (gc.Tensor(name, B, T, N) for name in ("xn", "yn", "z"))

    def normal(into: Any, of: Any, scale: Any, shift: Any) -> list[Any]:
        m, d = gc.Tensor(f"{into.name}_m", B, T), gc.Tensor(f"{into.name}_d", B, T)
        return [
            Eq(m[n, t], Mean(of[n, t, i], i)),
            Eq(d[n, t], Mean((of[n, t, i] - m[n, t]) ** 2, i)),
            Eq(into[n, t, i], scale[i] * (of[n, t, i] - m[n, t]) / sqrt(d[n, t] + 1e-5) + shift[i]),
        ]

    scores = Sum(q[n, h, t, e] * k[n, h, s, e], e) / sqrt(E)
    equations = [
        *normal(xn, x, g1, s1),
        *(Eq(o[n, h, t, e], Sum(P[h, e, i] * xn[n, t, i], i)) for o, P in ((q, Q), (k, K), (v, V))),
        Eq(w[n, h, t, s], softmax(scores, s)),
        Eq(a[n, h, t, e], Sum(w[n, h, t, s] * v[n, h, s, e], s)),
        Eq(y[n, t, i], x[n, t, i] + Sum(O[i, h, e] * a[n, h, t, e], h, e)),
        *normal(yn, y, g2, s2),
        Eq(p[n, t, f], relu(Sum(W1[f, i] * yn[n, t, i], i))),
        Eq(z[n, t, i], y[n, t, i] + Sum(W2[i, f] * p[n, t, f], f)),
        Eq(loss, Sum(z[n, t, j] ** 2, n, t, j)),
    ]
    return equations, [Q, K, V, O, W1, W2, g1, s1, g2, s2]


# The same in JAX ----------------------------------------


def jax_model(name: str, layers: int = 1) -> float:
    """Seconds of processor time to trace and compile value and gradient for one shape."""
    import jax

    function, shapes = {"stack": _jax_stack, "residual": _jax_residual, "transformer": _jax_transformer}[name](layers)
    given = jax.tree.map(
        lambda s: jax.ShapeDtypeStruct(s, "float32"),
        shapes,
        is_leaf=lambda s: isinstance(s, tuple) and isinstance(s[0], int),
    )
    start = time.process_time()
    jax.jit(jax.value_and_grad(function)).lower(*given).compile()
    return time.process_time() - start


def _jax_stack(layers: int) -> tuple[Any, list[Any]]:
    import jax
    import jax.numpy as jnp

    T, B, H = 30, 32, 64

    def loss(params: Any, x: Any, v: Any) -> Any:
        for W, U, bias in params:
            inner = jnp.einsum("qik,tbk->tbqi", U, x) + bias

            def step(state: Any, u: Any, W: Any = W) -> Any:
                c, h = state
                z = u + jnp.einsum("qij,bj->bqi", W, h)
                c = jax.nn.sigmoid(z[:, 1]) * c + jax.nn.sigmoid(z[:, 0]) * jnp.tanh(z[:, 2])
                h = jax.nn.sigmoid(z[:, 3]) * jnp.tanh(c)
                return (c, h), h

            _, x = jax.lax.scan(step, (jnp.zeros((B, H)),) * 2, inner)
        return jnp.sum(x * v)

    return loss, [[((4, H, H), (4, H, H), (4, H))] * layers, (T, B, H), (T, B, H)]


def _jax_residual(_: int) -> tuple[Any, list[Any]]:
    import jax
    import jax.numpy as jnp

    B, C, Y, X = 8, 16, 32, 32

    def loss(params: Any, image: Any) -> Any:
        x = before = image
        for k, (K, scale, shift) in enumerate(params):
            a = jax.lax.conv_general_dilated(x, K, (1, 1), "SAME")
            m = a.mean((0, 2, 3), keepdims=True)
            d = ((a - m) ** 2).mean((0, 2, 3), keepdims=True)
            x = scale[:, None, None] * (a - m) / jnp.sqrt(d + 1e-5) + shift[:, None, None]
            x = jax.nn.relu(x + before) if k % 2 else jax.nn.relu(x)
            before = x if k % 2 else before
        return jnp.sum(x**2)

    return loss, [[((C, C, 3, 3), (C,), (C,))] * 8, (B, C, Y, X)]


def _jax_transformer(_: int) -> tuple[Any, list[Any]]:
    import jax
    import jax.numpy as jnp

    B, T, N, F, H, E = 8, 64, 64, 256, 4, 16

    def normal(x: Any, scale: Any, shift: Any) -> Any:
        m = x.mean(-1, keepdims=True)
        return scale * (x - m) / jnp.sqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-5) + shift

    def loss(params: Any, x: Any) -> Any:
        Q, K, V, O, W1, W2, g1, s1, g2, s2 = params
        xn = normal(x, g1, s1)
        q, k, v = (jnp.einsum("hei,nti->nhte", P, xn) for P in (Q, K, V))
        w = jax.nn.softmax(jnp.einsum("nhte,nhse->nhts", q, k) / math.sqrt(E))
        y = x + jnp.einsum("ihe,nhte->nti", O, jnp.einsum("nhts,nhse->nhte", w, v))
        z = y + jax.nn.relu(normal(y, g2, s2) @ W1.T) @ W2.T
        return jnp.sum(z**2)

    return loss, [[*[(H, E, N)] * 3, (N, H, E), (F, N), (N, F), *[(N,)] * 4], (B, T, N)]


# Reports ----------------------------------------


def reports(options: Options) -> list[Report]:
    """The table, and how stacks grow."""
    cases = [(f"stack {n}", "stack", n) for n in LAYERS] + [
        ("residual", "residual", 1),
        ("transformer", "transformer", 1),
    ]
    rows, verdicts, ours = [], [], {}
    for label, name, layers in cases:
        for who in ("jax",) if options.peers_only else ("graphc", "jax"):
            row = Row(f"{label}: {who}")
            rows.append(row)
            if importlib.util.find_spec(who) is None:
                row.note = f"{who} is not installed"
                continue
            row.compile_s = statistics.median(
                fresh("compile_models", f"{who}_model", name, layers) for _ in range(ROUNDS)
            )
            if who == "graphc":
                ours[label] = row.compile_s
    for label, limit in LIMITS.items():
        verdicts.append(Verdict(f"graphc: seconds to compile {label}", ours.get(label), limit))
    first, last = (ours.get(f"stack {n}") for n in (LAYERS[0], LAYERS[-1]))
    exponent = math.log(last / first, LAYERS[-1] / LAYERS[0]) if first and last else None
    verdicts.append(Verdict("graphc: exponent of the growth of stacks", exponent, GROWTH))
    return [Report("Compile time of models, value and all gradients", rows, verdicts)]
