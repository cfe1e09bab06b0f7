"""gamma, loggamma, digamma, polygamma: special values, arguments below 0, derivatives of derivatives."""

import mpmath
import numpy as np
import pytest
import scipy.special

import graphc as gc
from graphc import D, Eq, Sum, digamma, gamma, loggamma, polygamma
from tests import oracle
from tests.codegen.exhaustive import evaluate
from tests.codegen.references import PRECISE, error

N, i = gc.sizes("N"), gc.index("i")
x, y, L = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("L")
ORDERS = (1, 2, 3, 6)
POLES = np.array([0.0, -0.0, -1, -2, -1e20, -np.inf, np.inf, np.nan])
SPECIAL = {
    "gamma": [np.inf, -np.inf, np.nan, np.nan, np.nan, np.nan, np.inf, np.nan],
    "loggamma": [np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf, np.nan],  # as C99's lgamma
    "digamma": [-np.inf, np.inf, np.nan, np.nan, np.nan, np.nan, np.inf, np.nan],
}
FUNCTIONS = {"gamma": gamma, "loggamma": loggamma, "digamma": digamma}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_values_of_the_interpreter(name):
    """Those of native code: test_special_values.py."""
    system = gc.System(Eq(y[i], FUNCTIONS[name](x[i])))
    np.testing.assert_array_equal(system.evaluate(y, x=POLES), SPECIAL[name])


def test_under_and_overflow():
    """The smallest arguments, and where gamma over- and underflows: gradually."""
    places = np.array([5e-324, 1e-310, -1e-308, 171.62, 171.7, -170.3, -177.3, -180.5, -300.7, 1e300])
    with np.errstate(all="ignore"):
        wanted = np.append(scipy.special.gamma(places[:6]), [2.2e-323, -0.0, -0.0, np.inf])
    found = evaluate("gamma", places)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-322)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


@pytest.mark.parametrize("name", ["loggamma", "digamma"])
def test_absolute_errors_below_zero(name):
    """Near a zero there a number has no relative error that would be small."""
    places = -np.random.default_rng(0).uniform(0, 20, 400)
    function = PRECISE.digamma if name == "digamma" else lambda v: PRECISE.re(PRECISE.loggamma(v))
    wanted = np.array([float(function(v)) for v in places.tolist()])
    assert (np.abs(evaluate(name, places) - wanted) <= 2e-15 + 2 * np.spacing(np.abs(wanted))).all()
    np.testing.assert_array_max_ulp(
        evaluate(name, places.astype("float32")),
        np.array([float(function(v)) for v in places.astype("float32").tolist()]).astype("float32"),
        maxulp=1,
    )


@pytest.mark.parametrize("order", ORDERS)
def test_polygamma(order):
    rng = np.random.default_rng(order)
    places = np.concatenate([rng.uniform(0, 30, 200), 2.0 ** rng.uniform(-40, 40, 100)])
    system = gc.System(Eq(y[i], polygamma(order, x[i])))
    for dtype, bound in (("float64", 2.2 + order / 2), ("float32", 0.51)):
        v = places.astype(dtype)
        found = system.compile(y, dtype=dtype)(x=v).tolist()
        errors = [error(f, PRECISE.psi(order, PRECISE.mpf(p)), dtype) for f, p in zip(found, v.tolist(), strict=True)]
        assert max(errors) <= bound
    below = -rng.uniform(0, 10, 50)
    found = system.compile(y)(x=np.concatenate([below, POLES]))
    np.testing.assert_allclose(found[:50], [float(mpmath.psi(order, v)) for v in below.tolist()], rtol=1e-11)
    np.testing.assert_array_equal(found[50:], system.evaluate(y, x=POLES))


def test_everything_derived_from_them():
    """loggamma, digamma, trigamma and tetragamma: two derivatives of each are taken."""
    w = gc.Param("w", N)
    loss = Sum(loggamma(2 + w[i] ** 2) + gamma(1 + x[i] ** 2 / 4) * digamma(1 + w[i] ** 2), i)
    system = gc.System(Eq(L, loss))
    arguments = {"w": np.array([0.3, -1.2, 2.0]), "x": np.array([-0.7, 0.1, 3.0])}
    oracle.check_gradient(system.ir, system.tensor(L), arguments)
    oracle.check_second_gradient(system.ir, system.tensor(L), arguments)
    for output in (L, D(L, w), D(Sum(D(L, w) ** 2), w)):
        np.testing.assert_allclose(
            system.compile(output)(**arguments), system.evaluate(output, **arguments), rtol=1e-13, atol=1e-13
        )


def test_the_third_derivative():
    w, G, H = gc.Param("w", N), gc.Tensor("G"), gc.Tensor("H")
    thrice = gc.System(
        Eq(L, Sum(loggamma(w[i]), i)), Eq(G, Sum(D(L, w)[i], i)), Eq(H, Sum(D(G, w)[i], i)), Eq(y[i], D(H, w)[i])
    )
    at = np.array([0.3, 1.7, 4.2, 11.0])
    np.testing.assert_allclose(thrice.compile(y)(w=at), scipy.special.polygamma(2, at), rtol=1e-14)
    np.testing.assert_allclose(thrice.evaluate(y, w=at), scipy.special.polygamma(2, at), rtol=1e-14)


def test_they_print():
    text = gc.System(Eq(y[i], loggamma(x[i]) + polygamma(1, x[i]))).latex()
    assert r"\log\Gamma(x_{i})" in text and r"\psi^{(1)}(x_{i})" in text
