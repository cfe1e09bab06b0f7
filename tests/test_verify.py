"""A certificate holds for a right system, and says what fails for a wrong one."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh
from graphc.certificate import Certificate, Check, _error, verify

T, H = gc.sizes("T H")
t, i, j = gc.indices("t i j")
x, W, s, total = gc.Input("x", T, H), gc.Param("W", H, H), gc.Tensor("s", T, H), gc.Tensor("L")
rnn = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0), Eq(total, Sum(s[t, i] ** 2, t, i)))
ARGUMENTS = {"x": np.random.default_rng(0).normal(size=(5, 3)), "W": np.random.default_rng(1).normal(size=(3, 3))}


def test_certificate_of_a_recurrence():
    certificate = verify(rnn, "L", **ARGUMENTS)
    assert certificate
    assert [c.law for c in certificate.checks] == [
        "value: compiled = interpreted",
        "dL/dx: compiled = interpreted",
        "dL/dW: compiled = interpreted",
        "gradient = difference",
        "reverse = forward mode",
    ]


def test_wrong_derivative_is_found(monkeypatch):
    from graphc.equations import ops
    from graphc.equations.ops import OPS, OpInfo

    right = OPS["tanh"]
    monkeypatch.setitem(ops.OPS, "tanh", OpInfo(1, right.numpy, right.sympy, (lambda a, y: 1 + y * y,), flops=20))
    failed = [c.law for c in verify(rnn, "L", **ARGUMENTS).checks if not c.holds]
    assert failed == ["gradient = difference"]


def test_certificate_prints_as_a_table():
    table = Certificate((Check("value", 0.0, 1e-10), Check("gradient", 0.5, 1e-6)))
    assert not table
    assert str(table).split("\n") == [
        "law        error     allowed",
        "value      0.0e+00   1.0e-10",
        "gradient   5.0e-01   1.0e-06   FAILS",
    ]


def test_missing_argument():
    with pytest.raises(gc.ArgumentError, match="verify: missing argument W"):
        verify(rnn, "L", x=ARGUMENTS["x"])


def test_sizes_come_from_arguments_that_a_gradient_does_not_read():
    flat = gc.System(Eq(total, Sum(gc.floor(x[t, i]) * W[i, i], t, i)))
    assert verify(flat, "L", **ARGUMENTS)


def test_places_without_a_value_must_be_the_same():
    nan = np.array([1.0, np.nan])
    assert _error(nan, np.array([1.0, 3.0])) == np.inf and _error(np.array([1.0, 3.0]), nan) == np.inf
    assert _error(nan, nan) == 0


@pytest.mark.parametrize("name", ["exact", "seed", "sizes"])
def test_arguments_called_as_options(name):
    """They cannot be passed: the message says so."""
    given = gc.Input(name, T)
    system = gc.System(Eq(total, Sum(given[t] ** 2, t)))
    with pytest.raises(gc.ArgumentError, match="must be called otherwise"):
        system.evaluate("L", **{name: np.ones(3)}) if name == "exact" else gc.verify(system, "L", **{name: np.ones(3)})


def test_an_argument_called_system():
    given = gc.Input("system", T)
    assert gc.verify(gc.System(Eq(total, Sum(given[t] ** 2, t))), "L", system=np.arange(3.0))
