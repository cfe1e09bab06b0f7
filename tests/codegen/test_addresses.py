"""Products of indices and strides beyond 32 bits (tf#127164), and code of another machine (numba#10128)."""

import mmap
import pickle
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from graphc.codegen import target, vectormath

N, M, K = gc.sizes("N M K")
i, j, k = gc.indices("i j k")


def untouched(rows, columns, dtype):
    """Zeros that become memory only where they are touched."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000  # Linux: nothing is set aside
    return np.frombuffer(mmap.mmap(-1, rows * columns * np.dtype(dtype).itemsize, flags), dtype).reshape(rows, columns)


@pytest.mark.skipif(sys.platform != "linux", reason="needs address space for which there is no memory")
@pytest.mark.parametrize(("rows", "columns", "dtype"), [(70_000, 70_000, "float32"), (3, 2**31 + 7, "float32"),
                                                        (2**31 + 7, 2, "float64")])  # fmt: skip
def test_products_of_indices_and_strides_have_64_bits(rows, columns, dtype):
    """tf#127164: row * columns in 32 bits wraps around, and another element, or none, is read. Single elements,
    vectors along a row, a strided column; the last row lies beyond 2^32 bytes and, mostly, beyond 2^31 elements."""
    X = untouched(rows, columns, dtype)
    x, q, v = gc.Input("x", N, M), gc.Input("q", K, dtype="int64"), gc.Input("v", 9)
    run = gc.System(
        Eq(gc.Tensor("one", K)[k], x[q[k], M - 1 - q[k] % 2]),
        Eq(gc.Tensor("row", K)[k], Sum(x[q[k], gc.Max(M - 9, 0) + j] * v[j], (j, 0, gc.Min(M, 9) - 1))),
        Eq(gc.Tensor("corner"), x[N - 1, M - 1]),
    ).compile("one", "row", "corner", dtype=dtype)
    at = np.array([0, rows - 1, rows // 2, rows - 2])
    last = max(columns - 9, 0)
    rng = np.random.default_rng(0)
    for place in at:
        X[place, last:] = rng.integers(1, 99, columns - last)
    weight = np.arange(9, dtype=dtype)
    found = run(x=X, q=at, v=weight)
    np.testing.assert_array_equal(found.one, X[at, columns - 1 - at % 2])
    np.testing.assert_array_equal(found.row, X[at, last:] @ weight[: columns - last])
    assert found.corner == X[-1, -1] != 0


def test_integers_computed_from_indices_and_sizes_have_64_bits():
    """tf#127164 in values: i*i*N + M overflows 32 bits at modest sizes; so does a flat position in three axes."""
    y = gc.Tensor("y", N, dtype="int64")
    run = gc.System(Eq(y[i], (i * i * N + M) * M - i)).compile(y)
    given = {"N": 5000, "M": 3_000_000_019}
    at = np.arange(5000)
    np.testing.assert_array_equal(run(**given), (at * at * 5000 + given["M"]) * given["M"] - at)


FAR_APART = """
import mmap, numpy as np, graphc as gc
n, i = gc.sizes("n"), gc.indices("i")
x, y = gc.Input("x", n), gc.Tensor("y", n)
READ, BOTH = mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE
def maps(size, count):  # the rights alternate, so that neighbours stay apart
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000
    return [mmap.mmap(-1, size, flags=flags, prot=BOTH if k % 2 else READ) for k in range(count)]
def run(k):
    f = gc.System(gc.Eq(y[i], k * gc.sin(x[i]) + gc.tanh(x[i]) + gc.erf(x[i]) + gc.exp(x[i]) ** x[i])).compile(y)
    assert f(x=np.zeros(3)).tolist() == [1, 1, 1]
run(2)
filled = [maps(1 << bits, 400) for bits in (24, 20, 16, 14, 13)]
holes = maps(4096, 200)
large = maps(3 << 30, 1)
for hole in holes[::2]:
    hole.close()
run(3)
print("right")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="lays out the address space as Linux does")
def test_code_is_loaded_where_large_arrays_leave_room():
    """Its constants must lie within 2^31 bytes of the code. With page-sized holes on this side of an array of three
    gigabytes they did not, and LLVM ended the process; so did a large module in a process of a gigabyte."""
    done = subprocess.run([sys.executable, "-c", FAR_APART], capture_output=True, text=True)
    assert done.stdout == "right\n", done.stderr[-500:]


def baseline():
    """The oldest machine of this kind: no vectors beyond those that every one has, no fused multiply-add."""
    here = target.host()
    if not here.triple.startswith("x86_64"):
        pytest.skip("x86-64")
    features = "+64bit,+cmov,+cx8,+fxsr,+sse,+sse2"
    return replace(here, cpu="x86-64", features=features, vector_bits=128, registers=16)


def a_function():
    x, y = gc.Input("x", N), gc.Tensor("y", N)
    return gc.System(Eq(y[i], gc.exp(x[i]) * x[i] + y[i - 1] / 2), Eq(y[-1], 0)).compile(y)


def test_a_pickled_function_is_compiled_for_the_machine_that_loads_it(monkeypatch):
    """numba#10128: a cached kernel was served to a processor without its instructions. A pickle holds equations, no
    code; what loads it, on a machine without AVX and FMA (played here), compiles for that."""
    run = a_function()
    stored = pickle.dumps(run)
    assert b"\x7fELF" not in stored and b"define " not in stored and target.host().cpu.encode() not in stored
    old = baseline()
    from graphc import compiler

    for module in (target, vectormath, compiler):
        monkeypatch.setattr(module, "host", lambda: old)
    again = pickle.loads(stored)
    assert "mulpd" in again.assembly and not any(mark in again.assembly for mark in ("ymm", "zmm", "vfmadd", "vmul"))
    given = np.linspace(-3, 3, 41)
    np.testing.assert_allclose(again(x=given), run(x=given), rtol=1e-14)
