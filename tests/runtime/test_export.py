"""`save`: object files and headers that a C program links, several of them, without Python."""

import ctypes
import re
import shutil
import subprocess

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh

T, N = gc.sizes("T N")
t, i, j = gc.indices("t i j")
x, W, word = gc.Input("x", T, N), gc.Param("W", N, N), gc.Input("word", T, dtype="int64")
s, y, L = gc.Tensor("s", T, N), gc.Tensor("y", T), gc.Tensor("L")
RNN = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0.5), Eq(L, Sum(s**2)))
PICKED = gc.System(Eq(y[t], 2 * x[word[t], 0]))
CALLER = """
#include "{0}.h"
#include "{1}.h"
int64_t bytes(const int64_t *sizes) {{ return {0}_workspace(sizes) + {1}_workspace(sizes); }}
void both(void *const *a, void *const *b, const int64_t *one, const int64_t *other, void *space, int64_t *bad)
{{ {0}_kernel(a, one, space, bad); {1}_kernel(b, other, space, bad); }}
"""
rng = np.random.default_rng(0)


def linked(folder, functions):
    """One library of all of them and of a C file that includes their headers, without warnings."""
    for name, function in functions.items():
        function.save(folder / name)
    (folder / "caller.c").write_text(CALLER.format(*functions))
    objects = [f"{name}.o" for name in functions]
    command = ["gcc", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", "all.so", "caller.c", *objects, "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "all.so"))


def addresses(*arrays):
    return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")
def test_saved_functions_run_in_one_program(tmp_path):
    rnn, picked = RNN.compile("s", "L", gc.D(L, W), dtype="float32"), PICKED.compile("y")
    library = linked(tmp_path, {"rnn": rnn, "picked": picked})
    X, weights, words = rng.normal(size=(5, 3)), rng.normal(size=(3, 3)), np.array([4, 0, 0, 2, 1])
    given = {"x": X.astype("f4"), "W": weights.astype("f4")}
    order = re.findall(r"^   \d+: (\w+), ", (tmp_path / "rnn.h").read_text(), re.MULTILINE)
    room = {"s": np.full((6, 3), np.nan, "f4"), "L": np.full((), np.nan, "f4"), "dW": np.full((3, 3), np.nan, "f4")}
    arrays = [(given | room)[name] for name in order]
    found, bad = np.full(5, np.nan), np.zeros(2, np.int64)
    sizes = {"T": 5, "N": 3}
    one, other = (np.array([sizes[n] for n in f.kernel.sizes]) for f in (rnn, picked))
    space = np.zeros(1 << 20, np.uint8)
    begin = -space.ctypes.data % 64
    places = (one.ctypes.data, other.ctypes.data, space.ctypes.data + begin, bad.ctypes.data)
    library.both(addresses(*arrays), addresses(X, words, found), *map(ctypes.c_void_p, places))
    assert not bad.any()
    want = rnn(**given)
    np.testing.assert_array_equal(room["s"][1:], want.s)
    np.testing.assert_array_equal(room["s"][0], 0.5)
    np.testing.assert_array_equal(room["L"], want.L)
    np.testing.assert_array_equal(room["dW"], want[2])
    np.testing.assert_array_equal(found, 2 * X[words, 0])


def test_the_header_says_what_goes_where(tmp_path):
    RNN.compile("s").save(tmp_path / "net")
    text = (tmp_path / "net.h").read_text()
    assert ": x, input, double, row-major T x N\n" in text
    assert "sizes, in order: N, T\n   sizes baked in: none\n" in text
    assert "s, output, double, row-major (T + 1) x N, from s[-1, 0]\n" in text
    assert "PyObject" not in text and "void net_kernel(" in text


def test_the_header_says_what_is_written_over_baked_in_and_needed(tmp_path):
    step = compiled_step(sizes={"N": 3})
    step.save(tmp_path / "step")
    text = (tmp_path / "step.h").read_text()
    assert "w, read and written over, double, row-major N\n" in text and "const double" not in text
    assert "sizes, in order: none\n   sizes baked in: N = 3\n" in text
    features = {f[1:] for f in step.target.features.split(",") if f.startswith("+")}
    assert step.target.cpu in text and features <= set(re.findall(r"[\w.-]+", text))


def compiled_step(**options):
    w, more, w_next = gc.Param("w", N), gc.Input("more", N), gc.Tensor("w_next", N)
    return gc.System(Eq(w_next[i], w[i] + more[i])).compile("w_next", update={w: w_next}, **options)


MAIN = """
#include "step.h"
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    double w[3] = {1, 2, 3}, more[3] = {1, 1, 2}, w_next[3];
    int64_t sizes[1] = {3}, bad[2] = {0, 0};
    void *arguments[3];
    ORDER
    void *space = aligned_alloc(64, (size_t) step_workspace(sizes) / 64 * 64 + 64);
    step_kernel(arguments, sizes, space, bad);
    step_kernel_loop(arguments, sizes, space, bad, 10);
    printf("%g %g %g %d\\n", w[0], w[1], w[2], (int) bad[0]);
    return 0;
}
"""


@pytest.mark.parametrize("compiler, suffix", [("gcc", "c"), ("g++", "cpp")])
def test_c_and_cpp_programs_run_a_saved_step_many_times(compiler, suffix, tmp_path):
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    step = compiled_step()
    step.save(tmp_path / "step")
    order = "".join(f"arguments[{k}] = {t.name}; " for k, t in enumerate(step.kernel.arguments))
    (tmp_path / f"main.{suffix}").write_text(MAIN.replace("ORDER", order))
    command = [compiler, "-Wall", "-Wextra", "-Werror", "-o", "main", f"main.{suffix}", "step.o", "-lm"]
    subprocess.run(command, cwd=tmp_path, check=True)
    ran = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert ran.stdout == "12 13 25 0\n"
