"""A 3×3 correlation of 64 channels to 64 on 56², one image, float32, zeros outside: a layer of ResNet-50."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from benchmarks.harness import Bar, Call, Case, Contender, Options, Report, run
from benchmarks.peers import jitted, torch_tensors

CHANNELS, SIDE = 64, 56


@cache
def data() -> tuple[np.ndarray, np.ndarray]:
    """The image [channel, row, column] and the kernels [out, in, row, column]."""
    rng = np.random.default_rng(0)
    image = rng.standard_normal((CHANNELS, SIDE, SIDE), dtype=np.float32)
    return image, rng.standard_normal((CHANNELS, CHANNELS, 3, 3), dtype=np.float32) / 24


def reference() -> Sequence[Any]:
    """Nine shifted products in float64."""
    image, kernel = (array.astype(np.float64) for array in data())
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    shifts = [(m, n) for m in range(3) for n in range(3)]
    return [sum(np.tensordot(kernel[:, :, m, n], padded[:, m : m + SIDE, n : n + SIDE], 1) for m, n in shifts)]


def with_graphc(baked: bool) -> Call:
    """By the finite support of what stands under a sum; sizes given at compile time, or read at the call."""
    import graphc as gc
    from graphc import Eq, Sum

    F, C, Y, X = gc.sizes("F C Y X")
    f, c, i, j = gc.indices("f c i j")
    m, n = gc.index("m", 3), gc.index("n", 3)
    image, kernel = gc.Input("image", C, Y, X), gc.Param("kernel", F, C, 3, 3)
    out = gc.Tensor("out", F, Y, X)
    system = gc.System(Eq(out[f, i, j], Sum(kernel[f, c, m, n] * image[c, i + m - 1, j + n - 1], c, m, n)))
    sizes = {"F": CHANNELS, "C": CHANNELS, "Y": SIDE, "X": SIDE} if baked else {}
    function = system.compile(out, sizes=sizes, dtype="float32")
    x, w = data()
    return lambda: function(image=x, kernel=w)


def with_torch(channels_last: bool) -> Call:
    """oneDNN through PyTorch; with the channels last in memory it needs no reordering."""
    import torch

    x, w = torch_tensors(*data())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    batch, weights = x[None].contiguous(memory_format=layout), w.contiguous(memory_format=layout)

    def call() -> Any:
        with torch.inference_mode():
            return torch.nn.functional.conv2d(batch, weights, padding=1)[0]

    return call


def with_jax() -> Call:
    """`lax.conv_general_dilated`."""
    import jax

    def convolve(x: Any, w: Any) -> Any:
        return jax.lax.conv_general_dilated(x[None], w, (1, 1), "SAME")[0]

    return jitted(convolve, *data())


def reports(options: Options) -> list[Report]:
    """The table of this workload."""
    case = Case(
        f"3×3 convolution {CHANNELS}→{CHANNELS} at {SIDE}², f32",
        reference,
        (
            Contender("graphc", lambda: with_graphc(True), ("graphc",)),
            Contender("graphc, symbolic sizes", lambda: with_graphc(False), ("graphc",)),
            Contender("oneDNN by PyTorch, channels last", lambda: with_torch(True), ("torch",)),
            Contender("oneDNN by PyTorch, channels first", lambda: with_torch(False), ("torch",)),
            Contender("JAX", with_jax, ("jax",)),
        ),
        (Bar("graphc", "ceiling", 2.0),),
        dtype="float32",
        rtol=1e-4,
        flops=2.0 * 9 * CHANNELS**2 * SIDE**2,
    )
    return [run(case, options)]
