"""Products and quotients of sizes: two indices that make one axis, `o[t, h*D + d]`, and strides given by a size.

Each program means what NumPy says, with its sizes open and with them baked in.
"""

import pickle

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Mean, Piecewise, Sum, softmax, tanh
from tests.oracle import WAYS, check

T, H, D, N, M, P, Q, R, S, K = gc.sizes("T H D N M P Q R S K")
X, Y, C, F, E = gc.sizes("X Y C F E")
t, u, h, i, j, k, n, c, f, y, x = gc.indices("t u h i j k n c f y x")
d, a, b, p, q = gc.index("d", D), gc.index("a", R), gc.index("b", R), gc.index("p", P), gc.index("q", Q)
rng = np.random.default_rng(0)


def random(*shape):
    return rng.normal(size=shape)


def heads():
    """Attention with the heads side by side in one axis, and a projection over all of it."""
    query, key, value, weights = *gc.inputs("query key value", T, H * D), gc.Param("weights", E, H * D)
    scores, chosen, o, z = *gc.tensors("scores chosen", H, T, T), gc.Tensor("o", T, H * D), gc.Tensor("z", T, E)
    system = gc.System(
        Eq(scores[h, t, u], Sum(query[t, h * D + d] * key[u, h * D + d], d)),
        Eq(chosen[h, t], softmax(scores[h, t])),
        Eq(o[t, h * D + d], Sum(chosen[h, t, u] * value[u, h * D + d], u)),
        Eq(z[t, i], Sum(weights[i, j] * o[t, j], j)),
    )
    given = {name: random(4, 6) for name in ("query", "key", "value")} | {"weights": random(2, 6)}
    apart = {name: v.reshape(4, 2, 3) for name, v in given.items() if name != "weights"}
    e = np.exp(np.einsum("thd,uhd->htu", apart["query"], apart["key"]))
    mixed = np.einsum("htu,uhd->thd", e / e.sum(-1, keepdims=True), apart["value"]).reshape(4, 6)
    return system, {"o": mixed, "z": mixed @ given["weights"].T}, given, {"D": 3}


def patches():
    image, kernels, z = gc.Input("image", Y, X), gc.Param("kernels", F, P, P), gc.Tensor("z", Y // P, X // P, F)
    r = gc.index("r", P)
    system = gc.System(Eq(z[y, x, f], Sum(kernels[f, p, r] * image[y * P + p, x * P + r], p, r)))
    given = {"image": random(5, 7), "kernels": random(3, 2, 2)}
    cut = given["image"][:4, :6].reshape(2, 2, 3, 2)
    return system, {"z": np.einsum("ypxr,fpr->yxf", cut, given["kernels"])}, given, {"P": 2}


def pixel_shuffle():
    deep, wide = gc.Input("deep", C * R * R, Y, X), gc.Tensor("wide", C, Y * R, X * R)
    system = gc.System(Eq(wide[c, y * R + a, x * R + b], deep[c * R * R + a * R + b, y, x]))
    given = {"deep": random(8, 2, 3)}
    wanted = given["deep"].reshape(2, 2, 2, 2, 3).transpose(0, 3, 1, 4, 2).reshape(2, 4, 6)
    return system, {"wide": wanted}, given, {"R": 2}


def image_to_columns():
    image, columns = gc.Input("image", C, Y, X), gc.Tensor("columns", C * P * Q, Y - P + 1, X - Q + 1)
    system = gc.System(Eq(columns[c * P * Q + p * Q + q, y, x], image[c, y + p, x + q]))
    given = {"image": random(2, 4, 5)}
    windows = np.lib.stride_tricks.sliding_window_view(given["image"], (2, 3), axis=(1, 2))
    return system, {"columns": windows.transpose(0, 3, 4, 1, 2).reshape(12, 3, 3)}, given, {"P": 2, "Q": 3}


def strided_convolution():
    signal, taps, z = gc.Input("signal", N), gc.Param("taps", K), gc.Tensor("z", (N - K) // S + 1)
    system = gc.System(Eq(z[t], Sum(signal[S * t + k] * taps[k], k)))
    given = {"signal": random(8), "taps": random(3)}
    return system, {"z": np.correlate(given["signal"], given["taps"])[::2]}, given, {"S": 2}


def kronecker():
    A, B, Z = gc.Param("A", N, M), gc.Param("B", P, Q), gc.Tensor("Z", N * P, M * Q)
    system = gc.System(Eq(Z[i * P + p, j * Q + q], A[i, j] * B[p, q]))
    given = {"A": random(2, 3), "B": random(4, 2)}
    return system, {"Z": np.kron(given["A"], given["B"])}, given, {}


def block_diagonal():
    blocks, Z = gc.Param("blocks", N, P, P), gc.Tensor("Z", N * P, N * P)
    r, v, z = gc.index("r", P), gc.Input("v", N * P), gc.Tensor("z", N * P)
    system = gc.System(
        Eq(Z[i * P + p, j * P + r], Piecewise((blocks[i, p, r], Eq(i, j)), (0, True))),
        Eq(z[k], Sum(Z[k, n] * v[n], n)),
    )
    given = {"blocks": random(2, 3, 3), "v": random(6)}
    return system, {"z": np.einsum("npr,nr->np", given["blocks"], given["v"].reshape(2, 3)).ravel()}, given, {}


def flattened():
    """A reshape between a convolution and a dense layer, in vector notation."""
    row, column = gc.index("row", Y), gc.index("column", X)
    image, bias, dense = gc.Input("image", C, Y, X), gc.Param("bias", C * Y * X), gc.Param("dense", F, C * Y * X)
    flat, z = gc.Tensor("flat", C * Y * X), gc.Tensor("z", F)
    system = gc.System(
        Eq(flat[c * Y * X + row * X + column], image[c, row, column] ** 2), Eq(z, dense @ tanh(flat + bias))
    )
    given = {"image": random(2, 2, 3), "bias": random(12), "dense": random(2, 12)}
    wanted = given["dense"] @ np.tanh((given["image"] ** 2).ravel() + given["bias"])
    return system, {"z": wanted}, given, {}


PROGRAMS = [
    heads, patches, pixel_shuffle, image_to_columns, strided_convolution, kronecker, block_diagonal, flattened,
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_a_program_means_what_numpy_says(program):
    system, wanted, given, sizes = program()
    calls = (system.evaluate(*wanted, **given, **sizes), system.compile(*wanted)(**given, **sizes),
             system.compile(*wanted, sizes=sizes)(**given))  # fmt: skip
    for found in calls:
        found = found if isinstance(found, tuple) else (found,)
        for one, other in zip(found, wanted.values(), strict=True):
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("program", [patches, pixel_shuffle], ids=lambda program: program.__name__)
@pytest.mark.parametrize("transforms", WAYS)
def test_all_laws_hold(program, transforms):
    system, _, given, sizes = program()
    check(system, None, given | sizes, second=False, transforms=transforms)


o, w = gc.tensors("o w", T, H * D)
v = gc.Input("v", T, H * D)
state = gc.System(Eq(o[t, h * D + d], o[t - 1, h * D + d] / 2 + v[t, h * D + d]), Eq(o[-1], 0))
values = random(2, 6)
wanted = np.array([values[0], values[1] + values[0] / 2])


def test_indices_without_a_range_count_in_their_blocks():
    plain = gc.index("d")
    free = gc.System(Eq(o[t, h * D + plain], 2 * v[t, h * D + plain]))
    literal = gc.System(Eq(gc.Tensor("z", 6)[3 * h + plain], gc.Input("s", 2, 3)[h, plain]))
    assert free.compile(o)(v=values, D=3).tolist() == free.compile(o, sizes={"D": 3})(v=values).tolist()
    assert literal.evaluate("z", s=values[:, :3]).tolist() == values[:, :3].ravel().tolist()


def test_a_recurrence_over_divided_axes():
    np.testing.assert_allclose(state.compile(o)(v=values, D=3), wanted)
    np.testing.assert_allclose(state.unfold(t, 2).compile("o_1")(v=values, D=3), wanted[1])
    np.testing.assert_allclose(state.batch("B", v).compile(o)(v=values[None], D=3), wanted[None])
    np.testing.assert_allclose(pickle.loads(pickle.dumps(state.compile(o)))(v=values, D=3), wanted)


def test_a_gradient_and_an_update_have_the_shape_that_is_declared():
    W, W_next, L = gc.Param("W", H * D), gc.Tensor("W_next", H * D), gc.Tensor("L")
    step = gc.System(Eq(L, Sum(W[h * D + d] ** 2 * v[t, h * D + d], t, h, d)), Eq(W_next[j], W[j] - gc.D(L, W)[j] / 4))
    weights, slope = values[0].copy(), 2 * values[0] * values.sum(0)
    np.testing.assert_allclose(step.compile(gc.D(L, W))(W=weights, v=values, D=3), slope)
    forward = gc.jvp(step, L, {W: gc.Input("V", H * D)}).compile("L_dot")
    np.testing.assert_allclose(forward(W=weights, v=values, V=values[1], D=3), slope @ values[1])
    step.compile(L, update={W: W_next})(W=weights, v=values, D=3)
    np.testing.assert_allclose(weights, values[0] - slope / 4)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"v": random(2, 6)}, r"size D cannot be inferred: axis 1 of v, H \* D = 6, does not tell it"),
        ({"v": random(2, 7), "D": 3}, r"v has 7 elements, and H \* D = 7 has no solution in whole numbers at D = 3"),
        ({"v": random(2, 7), "D": 3, "H": 2}, "axis 1 of argument v has 7 elements"),
        ({"v": random(2, 3, 2), "D": 3}, "v has 3 dimensions"),
    ],
)
def test_arguments_that_do_not_fit(given, message):
    with pytest.raises(gc.ArgumentError, match=message):
        state.compile(o)(**given)


def test_a_size_follows_from_a_product():
    assert state.compile(o)(v=values, H=2).shape == (2, 6)
    square = gc.System(Eq(gc.Tensor("z", C)[c], Sum(gc.Input("s", C * R * R)[c * R * R + a * R + b], a, b)))
    assert square.compile("z")(s=np.ones(18), C=2).tolist() == [9, 9]


mixed = [Eq(o[t, h * D + d], v[t, h * D + d]), Eq(w[t, j], o[t, j] - Piecewise((o[t, j - 1], j > 0), (0, True)))]


def test_what_goes_by_other_blocks_is_refused_and_works_in_numbers():
    system = gc.System(*mixed)
    with pytest.raises(
        gc.UnsupportedError, match=r"o\[t, d\+h\*D\] writes an axis of o in blocks, and j - 1"
    ) as caught:
        system.compile(w)
    assert 'sizes={"D": ..}' in str(caught.value)
    difference = np.diff(values, prepend=0)
    np.testing.assert_allclose(system.compile(w, sizes={"D": 3})(v=values), difference)
    np.testing.assert_allclose(gc.System(*mixed, sizes={"D": 3}).compile(w)(v=values), difference)
    np.testing.assert_allclose(system.evaluate(w, v=values, D=3), difference)


def test_reads_that_leave_their_block_are_places_in_the_axis():
    """`d + 1` is the next block's first element where d is the last of its own: no 0, and no mistake."""
    z = gc.Tensor("z", T, H - 1)
    system = gc.System(Eq(z[t, h], Sum(v[t, h * D + d + 1], d)))
    for call in (system.compile(z)(v=values, D=3), system.compile(z, sizes={"D": 3})(v=values)):
        np.testing.assert_allclose(call, values[:, 1:4].sum(1, keepdims=True))


def test_a_bound_index_needs_its_range():
    with pytest.raises(gc.DefinitionError, match="nothing gives the index k a range"):
        gc.System(Eq(gc.Tensor("z", H)[h], Sum(v[0, h * D + k], k)))


def test_an_inner_index_must_stay_in_its_block():
    wide = gc.index("wide", K)
    with pytest.raises(gc.UnsupportedError, match="in blocks"):
        gc.System(Eq(o[t, h * D + wide], 0)).compile(o)


def test_what_waits_for_sizes_derives_and_pickles():
    sparse, s, L = gc.Tensor("sparse", (K - 1) * S + 1), gc.Input("s", K), gc.Tensor("L")
    waiting = gc.System(Eq(sparse[S * k], s[k] ** 2), Eq(L, Sum(sparse[S * k] * s[k], k)))
    with pytest.raises(gc.UnsupportedError, match="not affine"):
        waiting.compile(L)
    gradient = pickle.loads(pickle.dumps(waiting.grad(L, s)))
    np.testing.assert_allclose(gradient.compile("D(L, s)", sizes={"S": 2})(s=values[0]), 3 * values[0] ** 2)
    np.testing.assert_allclose(waiting.evaluate(L, s=values[0], S=2), (values[0] ** 3).sum())
    assert gc.verify(waiting, L, s=values[0], S=2)


def test_quotients_of_sizes():
    """What is left over counts too: 7 elements in blocks of 3 are 2 blocks, or 3 that are begun."""
    from graphc import ceiling

    whole, begun, s = gc.Tensor("whole", N // P), gc.Tensor("begun", ceiling(N / P)), gc.Input("s", N)
    system = gc.System(Eq(whole[i], Mean(s[i * P + p], p)), Eq(begun[i], s[i * P]))
    first, second = system.compile(whole, begun)(s=np.arange(7.0), P=3)
    assert first.tolist() == [1, 4] and second.tolist() == [0, 3, 6]
    with pytest.raises(gc.ArgumentError, match="has no value at"):
        system.compile(whole)(s=np.arange(7.0), P=0)


def test_blocks_whose_number_is_a_quotient_wait_for_sizes():
    image, token = gc.Input("image", Y, X), gc.Tensor("token", (Y // P) * (X // P))
    q = gc.index("q", P)
    system = gc.System(Eq(token[j * (X // P) + i], Sum(image[j * P + p, i * P + q], p, q)))
    pixels = np.arange(24.0).reshape(4, 6)
    wanted = pixels.reshape(2, 2, 3, 2).sum((1, 3)).ravel()
    assert np.array_equal(system.compile(token, sizes={"P": 2, "Y": 4, "X": 6})(image=pixels), wanted)
    assert np.array_equal(system.evaluate(token, image=pixels, P=2), wanted)
    with pytest.raises(gc.UnsupportedError, match=r'sizes=."P": .., "X": ...'):
        system.compile(token)
