"""Every entry of the table of operations: its derivative against SymPy's and against differences, its exact value."""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from graphc.equations.expr import make
from graphc.equations.ops import BOUNDARY, OPS
from graphc.equations.system import System, Tensor
from graphc.language.boundaries import BENT
from graphc.reference.evaluate import evaluate
from graphc.transforms.differentiate import gradients
from tests.transforms.systems import define, given, term

a, b, y = given("a"), given("b"), Tensor("y")
SMOOTH = sorted(
    name
    for name, info in OPS.items()
    if info.arity <= 2 and any(p is not None for p in info.partials) and name not in ("mod", "polygamma")
)
# A point inside the domain of every operation, and for those defined elsewhere one there.
POINTS = {"acosh": (1.7, 0.4), "pow": (1.3, 0.6)}


def scalar(name: str) -> System:
    arguments = [a[()], b[()]][: OPS[name].arity]
    return System((a, b), (define("assign", term(y[()], make(name, *arguments))),))


@pytest.mark.parametrize("name", SMOOTH)
def test_partials_equal_differences(name):
    system = scalar(name)
    found, d = gradients(system, y, [a, b])
    at = dict(zip("ab", POINTS.get(name, (0.7, 0.4)), strict=True))
    slopes = evaluate(found, [d[a], d[b]], at)
    for variable, slope in zip("ab"[: OPS[name].arity], slopes, strict=False):
        h = 1e-5
        up, down = (evaluate(system, [y], at | {variable: at[variable] + e})[0] for e in (h, -h))
        assert slope == pytest.approx((up - down) / (2 * h), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", [n for n in SMOOTH if n not in ("sigmoid", "softplus", "relu", "maximum", "minimum")])
def test_partials_equal_sympy(name):
    system = scalar(name)
    found, d = gradients(system, y, [a, b])
    at = dict(zip("ab", POINTS.get(name, (0.7, 0.4)), strict=True))
    symbols = sp.symbols("a b", real=True)
    value = OPS[name].sympy(*symbols[: OPS[name].arity])
    for variable, tensor in list(zip(symbols, (a, b), strict=True))[: OPS[name].arity]:
        wanted = float(sp.diff(value, variable).subs({symbols[0]: at["a"], symbols[1]: at["b"]}))
        assert evaluate(found, [d[tensor]], at)[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    "name", [n for n, info in OPS.items() if info.exact and info.arity <= 2 and info.kind != "bool" and n != "pow"]
)
def test_exact_value_equals_the_rounded_one(name):
    info = OPS[name]
    whole = info.kind == "int" or name in BENT
    for left, right in [(Fraction(7, 4), Fraction(1, 2)), (Fraction(-5, 2), Fraction(2)), (Fraction(0), Fraction(3))]:
        values = [int(left), 3] if whole else [left, right]
        exact = info.exact(*values[: info.arity])
        rounded = info.numpy(*[(int if whole else np.float64)(v) for v in values[: info.arity]])
        assert float(exact) == float(rounded)


def test_power_at_zero():
    system = scalar("pow")
    found, d = gradients(system, y, [a, b])
    slopes = evaluate(found, [d[a], d[b]], {"a": 0.0, "b": 2.0})
    assert [float(v) for v in slopes] == [0.0, 0.0]


def test_power_of_a_half_is_no_square_root():
    """As C99 has it, and native code: oo at -oo, +0 at -0."""
    found = evaluate(scalar("pow"), [y], {"a": -np.inf, "b": 0.5}), evaluate(scalar("pow"), [y], {"a": -0.0, "b": 0.5})
    assert float(found[0][0]) == np.inf
    assert not np.signbit(found[1][0])


SPECIAL = [
    ("relu", np.inf, np.inf), ("relu", -np.inf, 0), ("relu", np.nan, np.nan), ("softplus", np.inf, np.inf),
    ("softplus", -np.inf, 0), ("softplus", 800, 800), ("sigmoid", np.inf, 1), ("sigmoid", -np.inf, 0),
    ("sigmoid", -800, 0), ("erf", np.inf, 1), ("erfc", 10, math.erfc(10)), ("tanh", np.inf, 1), ("log", 0, -np.inf),
    ("sqrt", -1, np.nan),
]  # fmt: skip


@pytest.mark.parametrize(("name", "at", "wanted"), SPECIAL)
def test_special_values(name, at, wanted):
    assert evaluate(scalar(name), [y], {"a": float(at)})[0] == pytest.approx(wanted, nan_ok=True)


def test_every_partial_has_its_argument():
    for name, info in OPS.items():
        assert len(info.partials) in (0, info.arity), name


@pytest.mark.parametrize("extent", [1, 2, 3, 5])
def test_boundary_rules_are_those_of_numpy_pad(extent):
    base = np.arange(extent)
    for rule, op in BOUNDARY.items():
        padded = np.pad(base, 4, mode=rule)
        assert [OPS[op].numpy(k - 4, extent) for k in range(extent + 8)] == padded.tolist()
