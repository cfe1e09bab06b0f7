"""What is put in the place of a read is computed with as the tensor's elements are: reals, or integers of 64 bits."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq

N = gc.sizes("N")
i = gc.index("i")
a, b = gc.tensors("a b", N)
n, m = gc.tensors("n m", N, dtype="int64")
q = gc.Input("q", N, dtype="int64")
LARGE = {"q": np.array([2**62 + 1, -3, 5, 2**63 - 1])}

REALS = {
    "a literal times an index": (Eq(a[i], 2**62), Eq(b[i], a[i] * i), {"N": 10}),
    "an index times a literal": (Eq(a[i], i), Eq(b[i], a[i] * 2**60), {"N": 100}),
    "a sum of indices": (Eq(a[i], i + 1), Eq(b[i], a[i] * i * a[i] * (i + 2)), {"N": 10**5}),
}
INTEGERS = {
    "multiples of multiples": (Eq(n[i], 2**40 * q[i]), Eq(m[i], 2**40 * n[i]), LARGE),
    "multiples that add up": (Eq(n[i], 2**62 * q[i]), Eq(m[i], n[i] + n[i] + 2**62 * q[i]), LARGE),
    "literals that add up": (Eq(n[i], q[i] + 2**62), Eq(m[i], n[i] + 2**62), LARGE),
    "a literal": (Eq(n[i], 2**40), Eq(m[i], 2**40 * n[i] + n[i] ** 2 + q[i]), LARGE),
    "the least integer": (Eq(n[i], -(2**63)), Eq(m[i], -n[i]), {"N": 3}),
    "sizes that are baked": (Eq(n[i], q[i] * N), Eq(m[i], n[i] * N * N * N), LARGE | {"N": 4}),
    "a congruential generator": (
        Eq(m[0], 42),
        Eq(m[i], 6364136223846793005 * m[i - 1] + 1442695040888963407),
        {"N": 9},
    ),
}


@pytest.mark.parametrize(("first", "second", "arguments"), REALS.values(), ids=REALS)
def test_reals_do_not_wrap(first, second, arguments):
    system = gc.System(first, second)
    np.testing.assert_allclose(system.compile(b)(**arguments), system.evaluate(b, **arguments), rtol=1e-15)


@pytest.mark.parametrize(("first", "second", "arguments"), INTEGERS.values(), ids=INTEGERS)
def test_integers_wrap(first, second, arguments):
    system = gc.System(first, second)
    for options in ({}, {"sizes": {"N": arguments.get("N", 4)}}):
        found = system.compile(m, **options)(**{k: v for k, v in arguments.items() if k != "N" or not options})
        np.testing.assert_array_equal(found, system.evaluate(m, **arguments))


def test_a_generator_modulo_two_to_the_64():
    wanted = [42]
    for _ in range(8):
        wanted.append((6364136223846793005 * wanted[-1] + 1442695040888963407) % 2**64)
    _, step, arguments = INTEGERS["a congruential generator"]
    found = gc.System(Eq(m[0], 42), step).compile(m)(**arguments)
    assert [int(v) % 2**64 for v in found] == wanted
