"""Recurrences that decay into subnormals: same bits as NumPy, same time a step, control registers as they were.

Flushing subnormals to zero makes them fast and wrong; switching it on and not off again makes the caller wrong.
"""

import ctypes
import mmap
import platform
import sys
import time

import numpy as np
import pytest
from scipy.signal import lfilter

import graphc as gc
from graphc import Eq, Sum

T, N = gc.sizes("T N")
t, i = gc.indices("t i")
a, L = gc.Param("a"), gc.Tensor("L")
LIMITS = {"float64": (5e-324, 2.0**-1022), "float32": (1e-45, 2.0**-126)}


@pytest.fixture(scope="module")
def control():
    """Reads MXCSR (x86) or FPCR (ARM): rounding, flush-to-zero, masks. Sticky flags are left out."""
    if sys.platform != "linux":
        pytest.skip("calls code of its own")
    code, mask = {
        "x86_64": (bytes.fromhex("0fae5c24fc8b4424fcc3"), 0xFFC0),  # stmxcsr [rsp-4]; mov eax, [rsp-4]; ret
        "aarch64": (bytes.fromhex("00443bd5c0035fd6"), 0xFFFFFFFF),  # mrs x0, fpcr; ret
    }.get(platform.machine(), (b"", 0))
    if not code:
        pytest.skip("neither x86-64 nor AArch64")
    room = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    room.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(room))
    function = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)
    yield lambda: function() & mask  # `room` lives as long


def decays(dtype):
    """y[t] = a y[t-1] for many states side by side, and one state alone, with the gradient in a."""
    y, z, x = gc.Tensor("y", T, N), gc.Tensor("z", T), gc.Input("x", N)
    return gc.System(
        Eq(y[t, i], a * y[t - 1, i]), Eq(y[-1, i], x[i]), Eq(z[t], z[t - 1] * a), Eq(z[-1], x[0]),
        Eq(L, Sum(y) + Sum(z)),
    ).compile("y", "z", "L", gc.D(L, a), dtype=dtype)  # fmt: skip


@pytest.mark.parametrize("dtype", LIMITS)
def test_results_are_numpys_to_the_last_subnormal_bit(dtype):
    """Each state passes 2^-1022 (2^-126) and goes on to the least subnormal, and to zero, as IEEE rounds it."""
    number = np.dtype(dtype).type
    start, factor = np.array([1, -3, 1e-30, 7, 2, 1e9, -1e-20, 1, 1], dtype), number(0.47)
    steps = 1600 if dtype == "float64" else 260
    rows, state = [], start
    with np.errstate(under="ignore"):
        for _ in range(steps):
            state = state * factor
            rows.append(state)
    wanted = np.array(rows)
    found = decays(dtype)(a=factor, x=start, T=steps)
    least, normal = LIMITS[dtype]
    assert (np.abs(wanted[np.nonzero(wanted)]).min() < 3 * least) and (
        (wanted != 0) & (abs(wanted) < normal)
    ).sum() > 99
    np.testing.assert_array_equal(found.y.view(f"i{wanted.itemsize}"), wanted.view(f"i{wanted.itemsize}"))
    np.testing.assert_array_equal(found.z.view(f"i{wanted.itemsize}"), wanted[:, 0].copy().view(f"i{wanted.itemsize}"))


@pytest.mark.parametrize("dtype", LIMITS)
def test_operations_on_subnormals_are_numpys(dtype):
    """Sums, products, quotients, roots and comparisons of subnormals, in vectors and tails."""
    x, y = gc.Input("x", N), gc.Input("y", N)
    values = {"sum": x[i] + y[i], "product": x[i] * y[i], "quotient": x[i] / y[i], "root": gc.sqrt(x[i]),
              "larger": gc.Max(x[i], y[i]), "choice": gc.Piecewise((1, x[i] > 0), (2, True))}  # fmt: skip
    run = gc.System(*(Eq(gc.Tensor(name, N)[i], e) for name, e in values.items())).compile(*values, dtype=dtype)
    least, normal = (np.dtype(dtype).type(v) for v in LIMITS[dtype])
    rng = np.random.default_rng(0)
    for n in (1, 3, 8, 17):
        p, q = (least * rng.integers(1, 1000, n).astype(dtype) for _ in range(2))
        p[::3] = normal / 2
        with np.errstate(all="ignore"):
            wanted = p + q, p * q, p / q, np.sqrt(p), np.maximum(p, q), np.ones(n, dtype)
        for mine, theirs in zip(run(x=p, y=q), wanted, strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("dtype", LIMITS)
def test_a_decayed_recurrence_takes_no_longer_a_step(dtype):
    """The same steps over normal and over subnormal numbers: flat, as far as the processor is; SciPy's loop in C over
    the same numbers says how far that is (1.3 on Zen 3; tens where subnormals are left to microcode)."""
    y, x = gc.Tensor("y", T), gc.Input("x", T)
    run = gc.System(Eq(y[t], a * y[t - 1] + x[t]), Eq(y[-1], 0), Eq(L, Sum(y**2))).compile(L, gc.D(L, a), dtype=dtype)
    number, steps = np.dtype(dtype).type, 20_000
    least, _ = LIMITS[dtype]
    impulses = {"normal": np.ones(steps, dtype), "subnormal": np.full(steps, 100 * least, dtype)}

    def ratio(call):
        times = dict.fromkeys(impulses, 1e9)
        for _ in range(20):
            for kind, impulse in impulses.items():
                start = time.thread_time()
                call(impulse)
                times[kind] = min(times[kind], time.thread_time() - start)
        return times["subnormal"] / times["normal"]

    mine = ratio(lambda impulse: run(a=number(0.5), x=impulse))
    theirs = ratio(lambda impulse: lfilter(number([1]), number([1, -0.5]), impulse))
    assert mine < 2 * max(theirs, 1), (mine, theirs)


@pytest.mark.parametrize("dtype", LIMITS)
def test_the_control_register_is_left_as_it_was(dtype, control):
    """Neither compiling nor calling switches on flush-to-zero or another rounding, for itself or for the caller."""
    before = control()
    assert before & (0x8040 if before < 0x10000 else 1 << 24) == 0
    run = decays(dtype)
    assert control() == before
    run(a=np.dtype(dtype).type(0.47), x=np.ones(9, dtype), T=2000)
    assert control() == before
    assert np.float64(5e-324) * np.float64(1.0) > 0


def test_a_caller_with_another_rounding_gets_it_and_keeps_it(control):
    """fesetround(FE_UPWARD) around a call: the code neither sets it back nor assumes another."""
    libm = ctypes.CDLL(None)
    upward = {"x86_64": 0x800, "aarch64": 0x400000}[platform.machine()]
    y, x = gc.Tensor("y", N), gc.Input("x", N)
    run = gc.System(Eq(y[i], x[i] + a)).compile(y)
    given = np.full(9, 1.0)
    assert (run(x=given, a=1e-30) == 1).all()
    old = libm.fegetround()
    try:
        assert libm.fesetround(upward) == 0
        found = run(x=given, a=1e-30)
        kept = libm.fegetround()
    finally:
        libm.fesetround(old)
    assert kept == upward and (found == np.nextafter(1, 2)).all()
