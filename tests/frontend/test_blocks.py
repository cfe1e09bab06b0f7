"""Start and end values as blocks: what equations say of elements beyond the dimensions is neither dropped nor cut."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh
from tests import oracle

T, X, K, M = gc.sizes("T X K M")
t, j, k, n = gc.indices("t j k n")
m, r = gc.index("m", 2), gc.index("r", 2)
e, start, w, a = gc.Input("e", T), gc.Input("start", M), gc.Input("w", K), gc.Param("a", M)
two = gc.Input("two", 2)
s, z, h = gc.Tensor("s", T), gc.Tensor("z", T, outside=0), gc.Tensor("h", T)
u, g, u0 = gc.Tensor("u", T, X), gc.Input("g", T, 2), gc.Input("u0", 2, X)


def lagged(lags, past, known):
    """s[t] = e[t] + sum of lags[k] * s[t-1-k], the past known."""
    full = np.concatenate([past, np.zeros(len(known))])
    for i, value in enumerate(known, start=len(past)):
        full[i] = value + sum(c * full[i - 1 - k] for k, c in enumerate(lags))
    return full[len(past) :]


SYSTEMS = {
    "an index with a range": [Eq(h[t], e[t] + Sum(a[k] * h[t - 1 - k], k)), Eq(h[m - 2], two[m])],
    "a plain index": [Eq(h[t], e[t] + Sum(a[k] * h[t - 1 - k], k)), Eq(h[k - M], start[k])],
    "counted backwards": [Eq(h[t], e[t] + Sum(a[k] * h[t - 1 - k], k)), Eq(h[-1 - k], start[M - 1 - k])],
    "limits written out": [Eq(h[t], e[t] + Sum(a[k] * h[t - 1 - k], (k, 0, M - 1))), Eq(h[k - M], start[k])],
    "zero outside": [Eq(z[t], e[t] + Sum(a[k] * z[t - 1 - k], k)), Eq(z[k - M], start[k]), Eq(h[t], z[t])],
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_block_of_start_values_is_read(name):
    rng = np.random.default_rng(0)
    known = {"e": rng.normal(size=6), "start": rng.normal(size=2), "a": rng.normal(size=2)}
    wanted = lagged(known["a"], known["start"], known["e"])
    system = gc.System(*SYSTEMS[name])
    if name == "an index with a range":
        known["two"] = known.pop("start")
    np.testing.assert_allclose(system.evaluate(h, **known), wanted)
    np.testing.assert_allclose(system.compile(h)(**known), wanted)


@pytest.mark.parametrize("transforms", oracle.WAYS)
@pytest.mark.parametrize(
    "equations",
    [
        [Eq(h[t], tanh(e[t] + a[0] * h[t - M])), Eq(h[k - M], start[k])],
        [Eq(h[t], tanh(e[t] + Sum(w[n] * h[t + 1 + n], n))), Eq(h[T + k], w[k])],
        [Eq(u[t, j], 2 * u[t - 1, j] - u[t - 2, j - 1] + tanh(u[t - 1, j + 1])), Eq(u[k - 2, j], u0[k, j]),
         Eq(u[t, -1], 0), Eq(u[t, X], g[t, 0]), Eq(u[m - 2, -1], two[m]), Eq(u[m - 2, X], 0)],
        [Eq(u[t, j], u[t - 1, j - 2] * u[t - 1, j + 1]), Eq(u[t, r - 2], g[t, r]), Eq(u[t, X], 1),
         Eq(u[-1, j], u0[0, j]), Eq(u[-1, r - 2], two[r]), Eq(u[-1, X], 1)],
    ],
    ids=["lag of a size", "end values", "two steps and rims", "a rim of two"],
)  # fmt: skip
def test_all_laws_with_gradients_in_blocks(equations, transforms):
    oracle.check(gc.System(*equations), second=False, transforms=transforms)


def test_what_a_range_passes_is_not_cut():
    """h[-2] and h[-1], given with h[T] and h[T+1], are there for readers at either end."""
    y, b = gc.Tensor("y", T), gc.Input("b", 2)
    system = gc.System(Eq(h[t], e[t]), Eq(h[m - 2], two[m]), Eq(h[T + r], b[r]), Eq(y[t], h[t - 2] + h[t + 2]))
    found = system.evaluate(y, e=np.arange(3.0), two=[10.0, 20], b=[30.0, 40])
    assert found.tolist() == [10 + 2, 20 + 30, 0 + 40]


def test_a_shifted_left_side_whose_range_meets_the_dimensions_keeps_to_them():
    x, f = gc.Input("x", T + 1), gc.Tensor("f", T)
    system = gc.System(Eq(f[0], 1), Eq(f[n + 1], f[n] + x[n]))
    assert system.evaluate(f, x=np.ones(4)).tolist() == [1, 2, 3]
