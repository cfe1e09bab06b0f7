"""Rows of the workspace do not lie a multiple of 1024 bytes apart: they would drive each other out of the cache."""

import numpy as np
import pytest
from llvmlite import ir

import graphc as gc
from graphc import D, Eq, Sum, exp, tanh
from graphc.codegen.emitter import Emitter
from graphc.codegen.entry import strides_of
from graphc.codegen.values import I64
from graphc.equations.expr import Const
from graphc.schedule.program import Buffer

T, C, K = gc.sizes("T C K")
t, c, k = gc.indices("t c k")
x, W, L = gc.Input("x", T, C), gc.Param("W", C, C), gc.Tensor("L")
s, z = gc.tensors("s z", T, C)
across = gc.Tensor("across", C, T)
word, E = gc.Input("word", T, dtype="int64"), gc.Param("E", K, C)
SYSTEM = gc.System(
    Eq(z[t, c], exp(-(x[t, c] ** 2)) + E[word[t], c] ** 2),
    Eq(across[c, t], Sum(W[c, k] * z[t, k], k)),
    Eq(s[t, c], tanh(across[c, t] + s[t - 1, c])), Eq(s[-1, c], 0),
    Eq(L, Sum(s[t, c] ** 2 * tanh(across[c, t]), t, c)),
)  # fmt: skip


@pytest.mark.parametrize("dtype, line", [("float32", 16), ("float64", 8)])
@pytest.mark.parametrize("length", [128, 256, 1000, 1024, 1030, 4096])
def test_rows_are_no_multiple_of_1024_bytes_apart(length, dtype, line):
    tensor = SYSTEM.ir.by_name["across"]
    e = Emitter(SYSTEM.ir, dtype, 8)
    e.sizes = {"C": ir.Constant(I64, 3), "T": ir.Constant(I64, length)}
    apart = {}
    for role in ("workspace", "output"):
        strides, total = strides_of(e, Buffer(tensor, (Const(0), Const(0)), tensor.dims, role))
        apart[role] = strides[0].constant
        assert strides[1].constant == 1 and total.constant == 3 * strides[0].constant
    assert apart["output"] == length  # which is not ours to choose
    assert apart["workspace"] == (length + line if length * 64 % (line * 1024) == 0 else length)


@pytest.mark.parametrize("dtype, time, width", [("float64", 128, 3), ("float64", 2, 128), ("float32", 256, 2)])
def test_what_is_read_from_rows_apart_is_what_was_put_there(dtype, time, width):
    """A drive stored across time, transposed copies, a gradient that is a scatter and starts as zeros."""
    outputs = [L, D(L, W), D(L, E)]
    rng = np.random.default_rng(0)
    given = {
        "x": rng.normal(size=(time, width)), "W": rng.normal(size=(width, width)) / width,
        "E": rng.normal(size=(5, width)) / 3, "word": rng.integers(0, 5, time),
    }  # fmt: skip
    wanted = SYSTEM.evaluate(*outputs, **given)
    found = SYSTEM.compile(*outputs, dtype=dtype)(
        **{n: v.astype(dtype) if v.dtype.kind == "f" else v for n, v in given.items()}
    )
    tolerance = 1e-9 if dtype == "float64" else 1e-3
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())


def test_products_summed_over_rows_and_along_them():
    """Rows that lie apart are not walked as one."""
    M = gc.sizes("M")
    m, n = gc.indices("m n")
    p, q, gram = gc.Input("p", M, T, C), gc.Tensor("q", M, T, C), gc.Tensor("gram", M, M)
    run = gc.System(Eq(q[m, t, c], exp(p[m, t, c])), Eq(gram[m, n], Sum(q[m, t, c] * q[n, t, c], t, c))).compile("gram")
    for width in (127, 128, 256):
        values = np.random.default_rng(0).normal(size=(7, 3, width))
        np.testing.assert_allclose(run(p=values), np.einsum("mtc,ntc->mn", np.exp(values), np.exp(values)), rtol=1e-12)
