"""Sums of products at all sizes around vectors, tiles and blocks, against NumPy."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum

M, N, K, B = gc.sizes("M N K B")
i, j, k, b, m, n = gc.indices("i j k b m n")
A, C = gc.Input("A", M, K), gc.Tensor("C", M, N)
TAILS = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 67]
LAYOUTS = {
    "AB": (gc.Input("Q", K, N), lambda Q: Q[k, j], lambda a, q: a @ q),
    "AB'": (gc.Input("Q", N, K), lambda Q: Q[j, k], lambda a, q: a @ q.T),
}
rng = np.random.default_rng(0)


def tolerance(dtype):
    return {"rtol": 1e-12, "atol": 1e-12} if dtype == "float64" else {"rtol": 2e-4, "atol": 2e-4}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_matrix_products_of_all_sizes(layout, dtype):
    Q, element, wanted = LAYOUTS[layout]
    run = gc.System(Eq(C[i, j], Sum(A[i, k] * element(Q), k))).compile("C", dtype=dtype)
    shapes = [(x, 5, 9) for x in range(68)] + [(6, x, 9) for x in range(68)] + [(7, 13, x) for x in range(68)]
    for rows, columns, inner in [*shapes, (67, 67, 300), (29, 131, 257)]:
        a = rng.normal(size=(rows, inner)).astype(dtype)
        q = rng.normal(size=(inner, columns) if layout == "AB" else (columns, inner)).astype(dtype)
        np.testing.assert_allclose(run(A=a, Q=q), wanted(a, q), **tolerance(dtype))


def test_baked_sizes():
    Q, element, wanted = LAYOUTS["AB'"]
    system = gc.System(Eq(C[i, j], Sum(A[i, k] * element(Q), k)))
    for rows, columns, inner in [(1, 1, 1), (3, 17, 5), (16, 33, 8), (2, 4, 260)]:
        a, q = rng.normal(size=(rows, inner)), rng.normal(size=(columns, inner))
        run = system.compile("C", sizes={"M": rows, "N": columns, "K": inner})
        np.testing.assert_allclose(run(A=a, Q=q), wanted(a, q), rtol=1e-12, atol=1e-12)


def test_integers():
    Q, element, wanted = LAYOUTS["AB"]
    run = gc.System(Eq(C[i, j], Sum(A[i, k] * element(Q), k))).compile("C", dtype="int64")
    for size in TAILS:
        a, q = rng.integers(-9, 9, (3, size)), rng.integers(-9, 9, (size, size))
        np.testing.assert_array_equal(run(A=a, Q=q), wanted(a, q))


def test_transposed_operands_and_results():
    P, Q, D = gc.Input("P", K, M), gc.Input("Q", N, K), gc.Tensor("D", N, M)
    run = gc.System(Eq(D[j, i], Sum(P[k, i] * Q[j, k], k))).compile("D")
    for size in TAILS:
        p, q = rng.normal(size=(size, 7)), rng.normal(size=(11, size))
        np.testing.assert_allclose(run(P=p, Q=q), q @ p, rtol=1e-12, atol=1e-12)


def test_matrix_times_vector_both_ways():
    v, left, right = gc.Input("v", K), gc.Tensor("left", M), gc.Tensor("right", N)
    u, Q = gc.Input("u", K), gc.Input("Q", K, N)
    run = gc.System(Eq(left[i], Sum(A[i, k] * v[k], k)), Eq(right[j], Sum(u[k] * Q[k, j], k))).compile("left", "right")
    for size in TAILS:
        for other in (1, 6, 17):
            a, x, q = rng.normal(size=(other, size)), rng.normal(size=size), rng.normal(size=(size, other))
            found = run(A=a, v=x, u=x, Q=q)
            np.testing.assert_allclose(found.left, a @ x, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(found.right, x @ q, rtol=1e-12, atol=1e-12)


def test_inner_and_outer_products():
    v, u, D, s = gc.Input("v", M), gc.Input("u", M), gc.Tensor("D", M, M), gc.Tensor("s")
    run = gc.System(Eq(D[i, j], v[i] * u[j]), Eq(s, Sum(v[i] * u[i], i))).compile("D", "s")
    for size in [0, *TAILS, 1000]:
        x, y = rng.normal(size=size), rng.normal(size=size)
        found = run(v=x, u=y)
        np.testing.assert_allclose(found.D, np.outer(x, y))
        np.testing.assert_allclose(found.s, x @ y, rtol=1e-11, atol=1e-11)


def test_batches_and_two_summed_indices():
    P, Q, D = gc.Input("P", B, M, K), gc.Input("Q", B, K, N), gc.Tensor("D", B, M, N)
    W, E = gc.Input("W", B, K, N), gc.Tensor("E", M, N)
    run = gc.System(
        Eq(D[b, i, j], Sum(P[b, i, k] * Q[b, k, j], k)), Eq(E[i, j], Sum(P[b, i, k] * W[b, k, j], b, k))
    ).compile("D", "E")  # fmt: skip
    for batch, size in [(0, 3), (1, 1), (2, 17), (5, 9), (3, 33)]:
        p, q = rng.normal(size=(batch, 6, size)), rng.normal(size=(batch, size, 13))
        found = run(P=p, Q=q, W=q)
        np.testing.assert_allclose(found.D, p @ q, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.E, np.einsum("bik,bkj->ij", p, q), rtol=1e-12, atol=1e-12)


def test_three_factors_and_functions_inside():
    v, Q, D = gc.Input("v", K), gc.Input("Q", K, N), gc.Tensor("D", M, N)
    run = gc.System(Eq(D[i, j], Sum(A[i, k] * v[k] * gc.tanh(Q[k, j]), k))).compile("D")
    for size in TAILS:
        a, x, q = rng.normal(size=(5, size)), rng.normal(size=size), rng.normal(size=(size, 18))
        np.testing.assert_allclose(run(A=a, v=x, Q=q), (a * x) @ np.tanh(q), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name, wanted", [("amax", np.max), ("amin", np.min), ("Prod", np.prod)])
def test_other_reductions_of_a_product(name, wanted):
    Q, D = gc.Input("Q", K, N), gc.Tensor("D", M, N)
    run = gc.System(Eq(D[i, j], getattr(gc, name)(A[i, k] * Q[k, j], k))).compile("D")
    for size in (1, 3, 8, 17, 40):
        a, q = rng.normal(size=(7, size)), rng.normal(size=(size, 19))
        np.testing.assert_allclose(run(A=a, Q=q), wanted(a[:, :, None] * q[None], axis=1), rtol=1e-11, atol=1e-300)


def test_nan_and_infinity_pass():
    Q, element, wanted = LAYOUTS["AB"]
    run = gc.System(Eq(C[i, j], Sum(A[i, k] * element(Q), k))).compile("C")
    a, q = rng.normal(size=(9, 20)), rng.normal(size=(20, 33))
    a[2, 3], a[4, 5], q[7, 32], q[0, 0] = np.nan, np.inf, -np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(run(A=a, Q=q), wanted(a, q), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolutions_of_all_lengths(mode):
    x, w = gc.Input("x", N), gc.Param("w", K)
    length = {"full": N + K - 1, "same": N, "valid": N - K + 1}[mode]
    y = gc.Tensor("y", length)
    run = gc.System(Eq(y, gc.conv(x, w, mode))).compile("y")
    for size in range(1, 68):
        for taps in (1, 2, 3, 5, 8):
            if taps <= size:
                a, h = rng.normal(size=size), rng.normal(size=taps)
                np.testing.assert_allclose(run(x=a, w=h), np.convolve(a, h, mode), rtol=1e-11, atol=1e-11)


def test_images_with_channels():
    from scipy.signal import correlate

    Y, X, O, I = gc.sizes("Y X O I")
    o, c = gc.indices("o c")
    image, kernel, S = gc.Input("image", I, Y, X), gc.Param("kernel", O, I, 3, 3), gc.Tensor("S", O, Y - 2, X - 2)
    run = gc.System(Eq(S[o, i, j], Sum(image[c, i + m, j + n] * kernel[o, c, m, n], c, m, n))).compile("S")
    for shape in [(1, 3, 3), (2, 5, 19), (3, 12, 9), (5, 7, 36)]:
        a, h = rng.normal(size=shape), rng.normal(size=(7, shape[0], 3, 3))
        np.testing.assert_allclose(
            run(image=a, kernel=h), [correlate(a, q, "valid")[0] for q in h], rtol=1e-11, atol=1e-11
        )


@pytest.mark.parametrize(
    "channels, height, width", [(1, 1, 1), (3, 2, 3), (2, 3, 3), (40, 3, 3), (5, 9, 70), (7, 1, 300)]
)
def test_kernels_whose_indices_are_walked_as_one_or_not(channels, height, width):
    """Channel, row and column of a kernel follow each other in memory; of a part of it they do not."""
    C, F, Y, X = gc.sizes("C F Y X")
    c, f, y, x = gc.indices("c f y x")
    m, k = gc.index("m", height), gc.index("k", width)
    part, along = gc.index("p", max(1, height - 1)), gc.index("q", max(1, width - 1))
    image, kernel = gc.Input("image", C, Y + height - 1, X + width - 1), gc.Param("kernel", F, C, height, width)
    out, some = gc.Tensor("out", F, Y, X), gc.Tensor("some", F, Y, X)
    run = gc.System(
        Eq(out[f, y, x], Sum(kernel[f, c, m, k] * image[c, y + m, x + k], c, m, k)),
        Eq(some[f, y, x], Sum(kernel[f, c, part, along] * image[c, y + part, x + along], c, part, along)),
    ).compile("out", "some")
    rng = np.random.default_rng(0)
    a = rng.normal(size=(channels, 4 + height, 18 + width))
    w = rng.normal(size=(8, channels, height, width))
    views = np.lib.stride_tricks.sliding_window_view(a, (height, width), (1, 2))
    found = run(image=a, kernel=w)
    np.testing.assert_allclose(found.out, np.einsum("cyxmk,fcmk->fyx", views, w), rtol=1e-10, atol=1e-10)
    rows, columns = max(1, height - 1), max(1, width - 1)
    wanted = np.einsum("cyxmk,fcmk->fyx", views[..., :rows, :columns], w[..., :rows, :columns])
    np.testing.assert_allclose(found.some, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("order", ["ijk", "jik", "jki", "kij", "ikj", "kji"])
def test_three_axes_in_any_order(order):
    """What is read with long strides is copied with its axes in another order, which need not be its own inverse."""
    axes = dict(zip("ijk", (M, N, K), strict=True))
    at = dict(zip("ijk", (i, j, k), strict=True))
    W = gc.Input("W", *(axes[a] for a in order))
    x, y = gc.Input("x", B, N, K), gc.Tensor("y", B, M)
    run = gc.System(Eq(y[b, i], Sum(W[tuple(at[a] for a in order)] * x[b, j, k], j, k))).compile("y")
    for sizes in ((1, 1, 1, 1), (3, 5, 2, 4), (9, 17, 7, 3), (2, 8, 16, 33)):
        n = dict(zip("ijk", sizes, strict=False))
        w, v = rng.normal(size=tuple(n[a] for a in order)), rng.normal(size=(sizes[3], n["j"], n["k"]))
        np.testing.assert_allclose(run(W=w, x=v), np.einsum(f"{order},bjk->bi", w, v), **tolerance("float64"))
