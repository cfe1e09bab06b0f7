"""Nothing outside arguments, results and workspace is touched: each lies against a page that must not be."""

import ctypes
import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, compiler, sin, tanh
from tests import oracle
from tests.codegen.guarded import PAGE, beside, call_guarded
from tests.transforms.systems import EXAMPLES

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mprotect")
SIDES = ("before", "after")


def run_guarded(run, side, **arguments):
    return oracle.listed(call_guarded(run, side, arguments))


def test_the_forbidden_pages_are_forbidden():
    for side, offset in (("before", -8), ("after", 24)):
        code = (
            "import numpy as np, ctypes; from tests.codegen.guarded import beside;"
            f"a = beside(np.zeros(3), {side!r}); print(a.sum());"
            f"ctypes.c_double.from_address(a.ctypes.data + {offset}).value"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True)
        assert done.stdout == b"0.0\n" and done.returncode == -11
    a = beside(np.zeros(3), "after")
    assert (a.ctypes.data + a.nbytes) % PAGE == 0
    assert ctypes.c_double.from_address(a.ctypes.data + 16).value == 0


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_and_their_gradients(name):
    system, loss, arguments = EXAMPLES[name]()
    graded, outputs = oracle.graded(system, loss)
    wanted = oracle.values(graded, outputs, arguments)
    arrays, given = oracle.split(system, arguments)
    needed = {k: np.asarray(v, np.int64 if graded.by_name[k].kind == "int" else np.float64) for k, v in arrays.items()}
    run = compiler.compile(graded, outputs)
    for side in SIDES:
        oracle.same(run_guarded(run, side, **needed, **given), wanted, rtol=1e-9, atol=1e-9)


T, N, M, K = gc.sizes("T N M K")
t, i, j, k = gc.indices("t i j k")
rng = np.random.default_rng(0)


@pytest.mark.parametrize("step", [2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
def test_vectors_of_every_so_many(side, step):
    x, z = gc.Input("x", N), gc.Tensor("z", (N + step - 1) // step)
    run = gc.System(Eq(z[i], 2 * x[step * i])).compile("z", dtype="float32")
    for size in range(1, 40 * step):
        a = rng.normal(size=size).astype(np.float32)
        oracle.same(run_guarded(run, side, x=a), [2 * a[::step]])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("side", SIDES)
def test_contractions_of_all_sizes(side, dtype):
    A, Q, C = gc.Input("A", M, K), gc.Input("Q", N, K), gc.Tensor("C", M, N)
    run = gc.System(Eq(C[i, j], Sum(A[i, k] * Q[j, k], k))).compile("C", dtype=dtype)
    for shape in [(x, 5, 3) for x in range(1, 20)] + [(3, x, 5) for x in range(1, 36)] + [(2, 9, x) for x in range(20)]:
        a = rng.normal(size=(shape[0], shape[2])).astype(dtype)
        q = rng.normal(size=(shape[1], shape[2])).astype(dtype)
        (found,) = run_guarded(run, side, A=a, Q=q)
        np.testing.assert_allclose(found, a @ q.T, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("side", SIDES)
def test_recurrences_of_all_lengths(side):
    x, W, s, L = gc.Input("x", T, N), gc.Param("W", N, N), gc.Tensor("s", T, N), gc.Tensor("L")
    rnn = gc.System(Eq(s[t], tanh(W @ s[t - 1] + W @ x[t])), Eq(s[-1], 0), Eq(L, Sum(s[T - 1, i] ** 2, i)))
    run = rnn.compile("L", gc.D(L, W), gc.D(L, x))
    for steps, width in [(1, 1), (2, 3), (3, 9), (63, 2), (64, 3), (65, 5), (129, 4)]:
        given = {"x": rng.normal(size=(steps, width)), "W": rng.normal(size=(width, width)) / width}
        wanted = run(**given)
        for a, b in zip(run_guarded(run, side, **given), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@cache
def borders(rule):
    x, c, w, L = gc.Input("x", T, N, outside=rule), gc.Input("c", N, outside=rule), gc.Param("w", 3), gc.Tensor("L")
    s, h = gc.Tensor("s", T, N), gc.Tensor("h", T, N)
    system = gc.System(
        Eq(h[t, i], c[i - 3] * x[t, i - 3] + x[t, i + 2] * x[t, i]),
        Eq(s[t, i], tanh(s[t - 1, i] * c[i + 2] + Sum(w[j] * h[t, i - j], j))),
        Eq(s[-1, i], 0),
        Eq(L, Sum(sin(s[t, i]), t, i)),
    )
    return system.compile("L", gc.D(L, x), gc.D(L, c), gc.D(L, w))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("rule", ["edge", "reflect", "symmetric", "wrap"])
def test_a_sum_without_terms_leaves_its_element_alone(rule, side):
    """The adjoint of a border is a sum into the array's first and last element, which an empty array does not have."""
    run = borders(rule)
    for steps, width in [(0, 0), (0, 3), (1, 0), (3, 0), (2, 2), (70, 0)]:
        given = {"x": rng.normal(size=(steps, width)), "c": rng.normal(size=width), "w": rng.normal(size=3)}
        wanted = oracle.listed(run(**given))
        for a, b in zip(run_guarded(run, side, **given), wanted, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("bad", [-1, 7, 2**31, 2**62, -(2**62)])
def test_bad_indices_touch_nothing(bad):
    x, q, z, L = gc.Input("x", N), gc.Input("q", M, dtype="int64"), gc.Tensor("z", M), gc.Tensor("L")
    system = gc.System(Eq(z[k], x[q[k]]), Eq(L, Sum(z[k] ** 2, k)))
    run = system.compile("z", gc.D(L, x))
    for place in (0, 5, 8):
        at = np.arange(9) % 7
        at[place] = bad
        for side in SIDES:
            with pytest.raises(gc.ArgumentError, match=f"index {bad} read from data"):
                run_guarded(run, side, x=np.ones(7), q=at)


def test_addresses_beyond_two_gigabytes():
    """Only the pages that are touched become memory, so that such an array costs nothing."""
    rows = columns = 70_000
    try:
        X = np.zeros((rows, columns), np.float32)
    except MemoryError:
        pytest.skip("no address space")
    x, q, p, z = (
        gc.Input("x", N, M),
        gc.Input("q", K, dtype="int64"),
        gc.Input("p", K, dtype="int64"),
        gc.Tensor("z", K),
    )
    corner = gc.Tensor("corner")
    run = gc.System(Eq(z[k], x[q[k], p[k]]), Eq(corner, x[N - 1, M - 1])).compile("z", "corner", dtype="float32")
    at = np.array([0, rows - 1, rows // 2, rows - 1, 31_000]), np.array([5, columns - 1, 3, 0, 69_999])
    X[at] = values = np.arange(1, 6, dtype=np.float32)
    found = run(x=X, q=at[0], p=at[1])
    np.testing.assert_array_equal(found.z, values)
    assert found.corner == values[1]
