"""Whole networks, values and gradients, against JAX in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, log, sigmoid, softmax, tanh

T, N, H, C, B = gc.sizes("T N H C B")
t, i, j, k, b = gc.indices("t i j k b")
L = gc.Tensor("L")
rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def double():
    with jax.enable_x64(True):
        yield


def agree(system, wanted, shapes, wrt, arguments=None):
    """Value and gradients of L equal those of `wanted(**arguments)`."""
    given = {name: rng.normal(size=shape) / 2 for name, shape in shapes.items()} | (arguments or {})
    params = [p for p in wrt if p.name in given]
    run = system.compile("L", *(gc.D(L, p) for p in params))
    value, *slopes = run(**given)
    by_jax = jax.jit(jax.value_and_grad(lambda moved: wanted(**{**given, **moved})))
    expected, gradients = by_jax({p.name: given[p.name] for p in params})
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    for p, slope in zip(params, slopes, strict=True):
        np.testing.assert_allclose(slope, gradients[p.name], rtol=1e-7, atol=1e-10, err_msg=p.name)


def scan(step, start, *xs):
    return jax.lax.scan(lambda state, x: (lambda new: (new, new))(step(state, *x)), start, xs)[1]


@pytest.mark.parametrize("steps", [2, 65])
def test_the_recurrent_network_of_the_books(steps):
    x, target = gc.Input("x", T, N), gc.Input("target", T, C)
    W, U, V = gc.Param("W", H, H), gc.Param("U", H, N), gc.Param("V", C, H)
    bias, c = gc.Param("b", H), gc.Param("c", C)
    a, s, y = gc.Tensor("a", T, H), gc.Tensor("s", T, H), gc.Tensor("y", T, C)
    system = gc.System(
        Eq(a[t], bias + W @ s[t - 1] + U @ x[t]), Eq(s[t], tanh(a[t])), Eq(s[-1], 0),
        Eq(y[t], softmax(c + V @ s[t])), Eq(L, -Sum(target[t, k] * log(y[t, k]), t, k) / T),
    )  # fmt: skip

    def wanted(x, target, W, U, V, b, c):
        s = scan(lambda s, x: jnp.tanh(b + W @ s + U @ x), jnp.zeros(5), x)
        return -(target * jax.nn.log_softmax(c + s @ V.T)).sum() / len(x)

    shapes = {"x": (steps, 3), "target": (steps, 4), "W": (5, 5), "U": (5, 3), "V": (4, 5), "b": (5,), "c": (4,)}
    agree(system, wanted, shapes, [W, U, V, bias, c])


def test_a_batch_of_recurrent_networks():
    x, W, U, h = gc.Input("x", T, B, N), gc.Param("W", H, H), gc.Param("U", H, N), gc.Tensor("h", T, B, H)
    system = gc.System(
        Eq(h[t, b, i], tanh(Sum(W[i, j] * h[t - 1, b, j], j) + Sum(U[i, j] * x[t, b, j], j))), Eq(h[-1, b, i], 0),
        Eq(L, Sum(h[T - 1, b, i] ** 2, b, i)),
    )  # fmt: skip

    def wanted(x, W, U):
        return (scan(lambda h, x: jnp.tanh(h @ W.T + x @ U.T), jnp.zeros((7, 9)), x)[-1] ** 2).sum()

    agree(system, wanted, {"x": (70, 7, 3), "W": (9, 9), "U": (9, 3)}, [W, U, x])


def test_a_long_short_term_memory():
    x, W, U = gc.Input("x", T, N), gc.Param("W", 4, H, H), gc.Param("U", 4, H, N)
    z, c, h = gc.Tensor("z", T, 4, H), gc.Tensor("c", T, H), gc.Tensor("h", T, H)
    system = gc.System(
        Eq(z[t, k, i], Sum(W[k, i, j] * h[t - 1, j], j) + Sum(U[k, i, j] * x[t, j], j)),
        Eq(c[t, i], sigmoid(z[t, 0, i]) * c[t - 1, i] + sigmoid(z[t, 1, i]) * tanh(z[t, 2, i])),
        Eq(h[t, i], sigmoid(z[t, 3, i]) * tanh(c[t, i])),
        Eq(c[-1, i], 0), Eq(h[-1, i], 0), Eq(L, Sum(h[t, i] ** 2, t, i)),
    )  # fmt: skip

    def wanted(x, W, U):
        def step(state, x):
            c, h = state
            f, g, r, o = (W @ h) + (U @ x)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(g) * jnp.tanh(r)
            return c, jax.nn.sigmoid(o) * jnp.tanh(c)

        return (scan(step, (jnp.zeros(6), jnp.zeros(6)), x)[1] ** 2).sum()

    agree(system, wanted, {"x": (67, 3), "W": (4, 6, 6), "U": (4, 6, 3)}, [W, U, x])


def test_a_gated_recurrent_unit():
    x, W, U = gc.Input("x", T, N), gc.Param("W", 3, H, H), gc.Param("U", 3, H, N)
    r, z, h = gc.Tensor("r", T, H), gc.Tensor("z", T, H), gc.Tensor("h", T, H)
    proposed = tanh(Sum(U[2, i, j] * x[t, j], j) + Sum(W[2, i, j] * r[t, j] * h[t - 1, j], j))
    system = gc.System(
        Eq(r[t, i], sigmoid(Sum(U[0, i, j] * x[t, j], j) + Sum(W[0, i, j] * h[t - 1, j], j))),
        Eq(z[t, i], sigmoid(Sum(U[1, i, j] * x[t, j], j) + Sum(W[1, i, j] * h[t - 1, j], j))),
        Eq(h[t, i], (1 - z[t, i]) * h[t - 1, i] + z[t, i] * proposed), Eq(h[-1, i], 0),
        Eq(L, Sum(h[t, i] ** 2, t, i)),
    )  # fmt: skip

    def wanted(x, W, U):
        def step(h, x):
            r, z = jax.nn.sigmoid(U[0] @ x + W[0] @ h), jax.nn.sigmoid(U[1] @ x + W[1] @ h)
            return (1 - z) * h + z * jnp.tanh(U[2] @ x + W[2] @ (r * h))

        return (scan(step, jnp.zeros(6), x) ** 2).sum()

    agree(system, wanted, {"x": (66, 3), "W": (3, 6, 6), "U": (3, 6, 3)}, [W, U, x])


def test_a_network_that_reads_both_ways():
    x, W, f, g = gc.Input("x", T, N), gc.Param("W", N, N), gc.Tensor("f", T, N), gc.Tensor("g", T, N)
    system = gc.System(
        Eq(f[t], tanh(W @ f[t - 1] + W @ x[t])), Eq(f[-1], 0), Eq(g[t], tanh(W @ g[t + 1] + W @ x[t])), Eq(g[T], 0),
        Eq(L, Sum(f[t, i] * g[t, i], t, i)),
    )  # fmt: skip

    def wanted(x, W):
        step = lambda h, x: jnp.tanh(W @ h + W @ x)
        return (scan(step, jnp.zeros(4), x) * scan(step, jnp.zeros(4), x[::-1])[::-1]).sum()

    agree(system, wanted, {"x": (130, 4), "W": (4, 4)}, [W, x])


def test_convolution_pooling_dense_and_softmax():
    Y, X, O = gc.sizes("Y X O")
    o, m, n = gc.indices("o m n")
    two, too = gc.index("two", 2), gc.index("too", 2)
    image, kernel = gc.Input("image", B, Y, X), gc.Param("kernel", O, 3, 3)
    dense, target = gc.Param("dense", C, O, (Y - 2) // 2, (X - 2) // 2), gc.Input("target", B, C)
    F = gc.Tensor("F", B, O, Y - 2, X - 2)
    P, z = gc.Tensor("P", B, O, (Y - 2) // 2, (X - 2) // 2), gc.Tensor("z", B, C)
    system = gc.System(
        Eq(F[b, o, i, j], gc.relu(Sum(image[b, i + m, j + n] * kernel[o, m, n], m, n))),
        Eq(P[b, o, i, j], gc.amax(F[b, o, 2 * i + two, 2 * j + too], two, too)),
        Eq(z[b, k], Sum(dense[k, o, i, j] * P[b, o, i, j], o, i, j)),
        Eq(L, -Sum(target[b, k] * log(softmax(z[b])[k]), b, k) / B),
    )  # fmt: skip

    def wanted(image, kernel, dense, target):
        F = jax.lax.conv_general_dilated(image[:, None], kernel[:, None], (1, 1), "VALID")
        F = jax.nn.relu(F)[:, :, : 2 * (F.shape[2] // 2), : 2 * (F.shape[3] // 2)]
        P = F.reshape(*F.shape[:2], F.shape[2] // 2, 2, -1, 2).max((3, 5))
        return -(target * jax.nn.log_softmax(jnp.einsum("koij,boij->bk", dense, P))).sum() / len(image)

    shapes = {"image": (3, 9, 10), "kernel": (4, 3, 3), "dense": (5, 4, 3, 4), "target": (3, 5)}
    agree(system, wanted, shapes, [kernel, dense, image])


def test_causal_attention():
    M = gc.sizes("M")
    u = gc.index("u")
    q, keys, values = gc.Param("q", T, N), gc.Param("keys", T, N), gc.Param("values", T, M)
    a, y = gc.Tensor("a", T, T), gc.Tensor("y", T, M)
    system = gc.System(
        Eq(a[t, u], gc.exp(Sum(q[t, i] * keys[u, i], i))),
        Eq(y[t, j], Sum(a[t, u] * values[u, j], (u, 0, t)) / Sum(a[t, u], (u, 0, t))),
        Eq(L, Sum(y[t, j] ** 2, t, j)),
    )

    def wanted(q, keys, values):
        scores = jnp.where(jnp.tri(len(q), dtype=bool), q @ keys.T, -jnp.inf)
        return ((jax.nn.softmax(scores) @ values) ** 2).sum()

    agree(system, wanted, {"q": (19, 5), "keys": (19, 5), "values": (19, 7)}, [q, keys, values])


def test_an_embedding_and_a_ragged_batch():
    V = gc.sizes("V")
    word, length = gc.Input("word", B, T, dtype="int64"), gc.Input("length", B, dtype="int64")
    E, W, h = gc.Param("E", V, H), gc.Param("W", H, H), gc.Tensor("h", T, B, H)
    system = gc.System(
        Eq(h[t, b, i], tanh(Sum(W[i, j] * h[t - 1, b, j], j) + E[word[b, t], i])), Eq(h[-1, b, i], 0),
        Eq(L, Sum(h[length[b] - 1, b, i] ** 2, b, i)),
    )  # fmt: skip
    words, lengths = rng.integers(0, 6, (4, 9)), np.array([1, 9, 5, 2])

    def wanted(E, W, word, length):
        h = scan(lambda h, e: jnp.tanh(h @ W.T + e), jnp.zeros((4, 3)), E[words].transpose(1, 0, 2))
        return sum((h[n - 1, b] ** 2).sum() for b, n in enumerate(lengths))

    agree(system, wanted, {"E": (6, 3), "W": (3, 3)}, [E, W], {"word": words, "length": lengths})


Y, X, P = gc.sizes("Y X P")
y, x, p, q, u, v = gc.indices("y x p q u v")
IMAGE, KERNEL = gc.Param("I", B, C, Y, X), gc.Param("K", H, C, P, P)
LAYOUT = ("NCHW", "OIHW", "NCHW")


def squares(value, *dims):
    """L, the sum of squares of a layer's output."""
    o = gc.Tensor("o", *dims)
    at = (b, i, y, x)[: len(dims)]
    return gc.System(Eq(o[at], value), Eq(L, Sum(o[at] ** 2, *at)))


@pytest.mark.parametrize(("stride", "dilation", "padding"), [(2, 1, 0), (2, 1, 1), (1, 2, 0), (3, 2, 2)])
def test_a_convolution_with_steps(stride, dilation, padding):
    image = gc.Param("I", B, C, Y, X, outside=0)
    read = image[b, k, stride * y + dilation * p - padding, stride * x + dilation * q - padding]
    dims = [(n + 2 * padding - dilation * (P - 1) - 1) // stride + 1 for n in (Y, X)]
    system = squares(Sum(read * KERNEL[i, k, p, q], k, p, q), B, H, *dims)

    def wanted(I, K):
        return (
            jax.lax.conv_general_dilated(
                I, K, [stride] * 2, [(padding, padding)] * 2, rhs_dilation=[dilation] * 2, dimension_numbers=LAYOUT
            )
            ** 2
        ).sum()

    agree(system, wanted, {"I": (2, 3, 11, 12), "K": (4, 3, 3, 3)}, [image, KERNEL])


def test_a_transposed_convolution():
    kernel = gc.Param("K", C, H, 3, 3)
    total = Sum(IMAGE[b, k, u, v] * kernel[k, i, y - 2 * u, x - 2 * v], k, u, v)
    system = squares(total, B, H, 2 * Y + 1, 2 * X + 1)

    def wanted(I, K):
        out = jax.lax.conv_transpose(I, K, [2, 2], "VALID", dimension_numbers=("NCHW", "IOHW", "NCHW"))
        return (out**2).sum()

    agree(system, lambda I, K: wanted(I, K[:, :, ::-1, ::-1]), {"I": (2, 3, 5, 6), "K": (3, 4, 3, 3)}, [IMAGE, kernel])


def test_a_strided_convolution_by_channels():
    kernel = gc.Param("K", C, 3, 3)
    total = Sum(IMAGE[b, i, 2 * y + p, 2 * x + q] * kernel[i, p, q], p, q)
    system = squares(total, B, C, (Y - 1) // 2, (X - 1) // 2)

    def wanted(I, K):
        out = jax.lax.conv_general_dilated(
            I, K[:, None], [2, 2], "VALID", dimension_numbers=LAYOUT, feature_group_count=3
        )
        return (out**2).sum()

    agree(system, wanted, {"I": (2, 3, 9, 8), "K": (3, 3, 3)}, [IMAGE, kernel])


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize("kind", ["mean", "max"])
def test_pooling(kind, size, stride):
    m, n = gc.index("m", size), gc.index("n", size)
    read, reduce = IMAGE[b, i, stride * y + m, stride * x + n], gc.Mean if kind == "mean" else gc.amax
    system = squares(reduce(read, m, n), B, C, *((d - size) // stride + 1 for d in (Y, X)))

    def wanted(I):
        start, combine = (-jnp.inf, jax.lax.max) if kind == "max" else (0.0, jax.lax.add)
        out = jax.lax.reduce_window(I, start, combine, (1, 1, size, size), (1, 1, stride, stride), "VALID")
        return ((out if kind == "max" else out / size**2) ** 2).sum()

    agree(system, wanted, {"I": (2, 3, 9, 8)}, [IMAGE])
