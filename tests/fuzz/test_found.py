"""What random programs found, each as small as it could be made. All once gave an error or a wrong value."""

import numpy as np
import pytest

from tests.fuzz.compare import VARIANTS, check
from tests.fuzz.programs import Argument, Program, Step

T, N, R, TN = ("T",), ("N",), ("R",), ("T", "N")


def program(sizes, arguments, *steps, integer=False):
    """Arguments by name: dims, or (dims, how); steps: (equations..., {tensor: dims})."""
    given = []
    for name, what in arguments.items():
        dims, how = what if what and isinstance(what[0], tuple) else (what, "real")
        given.append(Argument(name, dims, how, "Param" if name.startswith("w") else "Input"))
    made = tuple(Step(tuple(s[-1].items()), s[:-1]) for s in steps)
    return Program(sizes, tuple(given), made, 5, integer)


FOUND = {
    "a condition with a stride, in vectors": program(
        {"T": 9, "N": 2}, {"x": T},
        ("Eq(y[t], Piecewise((x[t], Eq(Mod(t, 2), 0)), (-2, True)))", {"y": T}),
    ),
    "a condition with a stride, in a loop": program(
        {"T": 6, "N": 2}, {"x": T, "w": ()},
        ("Eq(s[t], tanh(Piecewise((sin(s[t-2]), Eq(Mod(t, 2), 0)), (x[t], True))))", "Eq(s[-1], w)", "Eq(s[-2], 0.5)",
         {"s": T}),
    ),
    "unfolded, with sizes that are gone": program(
        {"T": 3, "N": 2}, {"x": TN}, ("Eq(y, logsumexp(x[t, i]*sin(x[t, i]), t, i))", {"y": ()}),
    ),
    "blocks of a loop whose end is one of two": program(
        {"T": 5, "N": 2}, {"x": T, "z": N},
        ("Eq(f[t], tanh(f[t-1] + x[t]))", "Eq(f[-1], 0)", {"f": T}),
        ("Eq(b[t], sin(b[t+1]*0.9 + f[t]))", "Eq(b[T], 0.2)", {"b": T}),
        ("Eq(s[t, i], tanh(s[t-3, i] + cos(s[t-3, i]) - Max(b[t], x[t])))", "Eq(s[0, i], z[i])", "Eq(s[1, i], -z[i])",
         "Eq(s[2, i], 2)", {"s": TN}),
    ),
    "a wavefront whose companion recurs elsewhere": program(
        {"T": 4, "N": 5}, {"x": TN},
        ("Eq(d[t, i], sin(d[t-1, i] + d[t, i-2] + x[t, i]))", "Eq(d[-1, i], 0.1*i)", "Eq(d[t, -1], 0.1*t)",
         "Eq(d[t, -2], 0.1*t)", {"d": TN}),
    ),
    "sizes baked in where a product with one falls away": program(
        {"T": 5, "N": 1, "M": 4}, {"x": TN, "z": ("T", "M")},
        ("Eq(a[t, u], Piecewise((exp(Sum(x[t, i]*x[u, i], i)/N), u <= t), (0, True)))", "Eq(c[t], Sum(a[t, u], u))",
         "Eq(y[t, j], Sum(a[t, u]*z[u, j], u)/c[t])", {"a": ("T", "T"), "c": T, "y": ("T", "M")}),
    ),
    "a condition on several pieces": program(
        {"T": 3, "N": 9, "R": 2}, {"x": TN, "w": R},
        ("Eq(y[t], gc.correlate(x[t], w, 'same', 2, 3))", {"y": ("T", "(N + 1)//2")}),
    ),
    "a constant among the contributions to a sum": program(
        {"T": 3, "N": 2}, {"x": TN},
        ("Eq(z[t, i], tanh(x[t, i]))", {"z": TN}), ("Eq(y[t, i], 0)", {"y": TN}),
    ),
    "tensor expressions under Mod": program(
        {"T": 9}, {"x": T, "q": (T, "values")}, ("Eq(y[t], Mod(x[t], 3) + Mod(q[t], 3) + q[t] % 2)", {"y": T}),
    ),
    "a reduction under log": program(
        {"T": 4, "N": 3}, {"x": TN}, ("Eq(y[t, i], log(4 + x[t, i] - logsumexp(x[t, j], j)))", {"y": TN}),
    ),
    "means under a condition, all sizes baked in": program(
        {"T": 4, "N": 2}, {"x": T}, ("Eq(h, Mean(x[t]**2, t) + Sum(x[t], t)*Mean(sin(x[t]), t))", {"h": ()}),
    ),
    "a number under a function that SymPy lacks": program(
        {"N": 4}, {"x": N}, ("Eq(y[i], Max(x[i], softplus(2) - gelu(1)) + Min(x[i], relu(1)*sigmoid(-1)))", {"y": N}),
    ),
    "the place of the largest, walked": program(
        {"T": 4, "N": 3}, {"x": TN}, ("Eq(y[t], x[t, argmax(x[t, i], i)]*argmin(x[t, i], i))", {"y": T}),
    ),
    "data read at a computed place, walked": program(
        {"T": 3, "N": 4, "M": 2}, {"x": TN, "q": (("M",), "index:N"), "w": ("M",)},
        ("Eq(d[t, i], sin(d[t-1, i] + d[t, i-2] + x[t, i]))", "Eq(d[-1, i], 0.1*i)", "Eq(d[t, -1], 0.1*t)",
         "Eq(d[t, -2], 0.1*t)", {"d": TN}),
        ("Eq(y[t, j], d[t, q[j]]*w[j])", {"y": ("T", "M")}),
    ),
    "a power of integers": program(
        {"T": 4, "N": 3}, {"x": TN}, ("Eq(y[t], amax(x[t, i]**3, i))", {"y": T}), integer=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    with np.errstate(all="ignore"):
        check(FOUND[name], VARIANTS if "size" in name else ("plain", "passes", "loss"))
