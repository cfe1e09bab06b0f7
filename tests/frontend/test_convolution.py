"""`conv` and `correlate` mean what NumPy's and SciPy's functions of these names mean."""

import numpy as np
import pytest
from scipy import signal

import graphc as gc
from graphc import Eq, Sum
from tests.compiled import agree, numbers

Y, X, P, Q, K, N = gc.sizes("Y X P Q K N")
i, j, m, n, c, d, b = gc.indices("i j m n c d b")
x, y, z = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("z", N)


def array(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def value(expr, dims, **arguments):
    S = gc.Tensor("S", *dims)
    return gc.System(Eq(S, expr)).evaluate(S, **arguments)


def length(mode, n, k, stride=1, dilation=1):
    whole = {"full": n + (k - 1) * dilation, "same": n, "valid": n - (k - 1) * dilation}[mode]
    return (whole - 1) // stride + 1


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["conv", "correlate"])
def test_one_axis_is_scipys(name, mode, k):
    x, w = array(7), array(k, seed=1)
    I, K = gc.Input("I", Y), gc.Param("K", P)
    ours = value(getattr(gc, name)(I, K, mode=mode), [length(mode, Y, P)], I=x, K=w)
    theirs = {"conv": signal.convolve, "correlate": signal.correlate}[name](x, w, mode)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    if name == "conv":
        np.testing.assert_allclose(ours, np.convolve(x, w, mode), rtol=1e-12)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["conv", "correlate"])
def test_two_axes_are_scipys(name, mode):
    x, w = array(5, 6), array(2, 3, seed=1)
    I, K = gc.Input("I", Y, X), gc.Param("K", P, Q)
    ours = value(getattr(gc, name)(I, K, mode=mode), [length(mode, Y, P), length(mode, X, Q)], I=x, K=w)
    theirs = {"conv": signal.convolve, "correlate": signal.correlate}[name](x, w, mode)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_stride_takes_every_sth_and_dilation_spreads_the_kernel():
    x, w = array(11), array(3, seed=1)
    I, K = gc.Input("I", Y), gc.Param("K", P)
    spread = np.zeros(5)
    spread[::2] = w
    for mode in ("full", "same", "valid"):
        dims = [length(mode, Y, P, 3, 2)]
        ours = value(gc.conv(I, K, mode=mode, stride=3, dilation=2), dims, I=x, K=w)
        np.testing.assert_allclose(ours, np.convolve(x, spread, mode)[::3], rtol=1e-12)


def test_the_slides_two_forms_and_conv_are_one():
    I, K = gc.Input("I", Y, X), gc.Param("K", P, Q)
    S = gc.Tensor("S", Y + P - 1, X + Q - 1)
    forms = [
        Eq(S[i, j], Sum(I[m, n] * K[i - m, j - n], m, n)),
        Eq(S[i, j], Sum(I[i - m, j - n] * K[m, n], m, n)),
        Eq(S[i, j], Sum(Sum(I[m, n] * K[i - m, j - n], m), n)),
        Eq(S, gc.conv(I, K)),
        Eq(S[i], gc.conv(I, K)[i]),
        Eq(S[i, j], gc.conv(K, I)[i, j]),
    ]
    x, w = array(4, 5), array(3, 2, seed=1)
    for form in forms:
        np.testing.assert_allclose(gc.System(form).evaluate(S, I=x, K=w), signal.convolve2d(x, w), rtol=1e-12)


def test_channels_and_batches_by_indices():
    B, C, D = gc.sizes("B C D")
    x, K = gc.Input("x", B, D, Y, X), gc.Param("K", C, D, P, Q)
    F = gc.Tensor("F", B, C, Y - P + 1, X - Q + 1)
    layer = gc.System(Eq(F[b, c], Sum(gc.correlate(x[b, d], K[c, d], mode="valid"), d)))
    a, w = array(2, 3, 6, 5), array(4, 3, 3, 2, seed=1)
    theirs = sum(
        np.array([[signal.correlate(a[q, r], w[s, r], "valid") for s in range(4)] for q in range(2)]) for r in range(3)
    )
    np.testing.assert_allclose(layer.evaluate(F, x=a, K=w), theirs, rtol=1e-12)
    (eq,) = layer.ir.equations  # one contraction, no tensor between
    assert len(eq.terms) == 1


def test_the_operand_may_be_an_expression():
    I, K = gc.Input("I", Y), gc.Param("K", P)
    x, w = array(7), array(3, seed=1)
    ours = value(gc.conv(gc.relu(I) + 1, K), [Y + P - 1], I=x, K=w)
    np.testing.assert_allclose(ours, np.convolve(np.maximum(x, 0) + 1, w), rtol=1e-12)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["conv", "correlate"])
@pytest.mark.parametrize("step, apart", [(2, 1), (3, 2), (1, 1)])
def test_strides_that_are_sizes(name, mode, step, apart):
    R, x, w, f = gc.sizes("R"), array(11), array(3, seed=1), getattr(gc, name)
    I, K, L = gc.Input("I", Y), gc.Param("K", P), gc.Tensor("L")

    def strided(s):
        o = gc.Tensor("o", length(mode, Y, P, s, apart))
        return gc.System(Eq(o, f(I, K, mode=mode, stride=s, dilation=apart)), Eq(L, Sum(o**2)))

    open_, wanted = strided(R), strided(step).evaluate("o", "D(L, K)", I=x, K=w)
    baked = open_.compile("o", "D(L, K)", sizes={"R": step})
    run = open_.compile("o", "D(L, K)") if mode == "valid" else baked
    for found in (
        open_.evaluate("o", "D(L, K)", I=x, K=w, R=step),
        baked(I=x, K=w),
        run(I=x, K=w, R=step),
    ):
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-11)


def test_a_dilation_that_is_a_size():
    E, x, w = gc.sizes("E"), array(11), array(3, seed=1)
    o = gc.Tensor("o", Y - (P - 1) * E)
    system = gc.System(Eq(o, gc.correlate(gc.Input("I", Y), gc.Param("K", P), mode="valid", dilation=E)))
    wanted = signal.correlate(x, [w[0], 0, w[1], 0, w[2]], "valid")
    np.testing.assert_allclose(system.compile(o, sizes={"E": 2})(I=x, K=w), wanted, rtol=1e-12)
    np.testing.assert_allclose(system.evaluate(o, I=x, K=w, E=2), wanted, rtol=1e-12)


def test_a_stride_that_is_a_size_over_an_expression():
    R = gc.sizes("R")
    x, w = array(3, 9), array(2, seed=1)
    I, K, o = gc.Input("I", Q, Y), gc.Param("K", P), gc.Tensor("o", Q, (Y - P) // R + 1)
    system = gc.System(Eq(o[j], gc.correlate(I[j] ** 2, K, mode="valid", stride=R)))
    wanted = [signal.correlate(row**2, w, "valid")[::2] for row in x]
    np.testing.assert_allclose(system.compile(o, sizes={"R": 2})(I=x, K=w), wanted, rtol=1e-12)


@pytest.mark.parametrize("length", [3, 4])
@pytest.mark.parametrize("dilation", [2, 3])
def test_same_size_under_dilation(length, dilation):
    w = gc.Param("w", K)
    equations = [
        Eq(y, gc.conv(x, w, mode="same", dilation=dilation)), Eq(z, gc.correlate(x, w, mode="same", dilation=dilation)),
    ]  # fmt: skip
    a, b = numbers(15), numbers(length)
    wide = np.zeros((length - 1) * dilation + 1)
    wide[::dilation] = b
    start = (len(wide) - 1) // 2
    wanted = [np.convolve(a, w)[start : start + 15] for w in (wide, wide[::-1])]
    agree(equations, [y, z], {"x": a, "w": b}, wanted)
