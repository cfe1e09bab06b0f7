"""The GARCH likelihood equals a plain loop; its first and second derivatives equal differences."""

import numpy as np
import pytest

from examples import garch

P = np.array([0.06, 0.12, 0.8])


def likelihood(r, p):
    omega, alpha, beta = p
    h, total = np.mean(r**2), 0.0
    for t in range(len(r)):
        if t:
            h = omega + alpha * r[t - 1] ** 2 + beta * h
        total += np.log(h) + r[t] ** 2 / h
    return total / 2


def difference(f, x, h=1e-5):
    return np.stack([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))], axis=-1)


@pytest.fixture(scope="module")
def functions():
    system = garch.model()
    return system.compile("L", "g"), system.compile("Hv")


@pytest.mark.parametrize("n", [1, 2, 500])
def test_the_likelihood_and_its_gradient(functions, n):
    r = garch.simulate(n)
    value, slopes = functions[0](r=r, p=P)
    np.testing.assert_allclose(value, likelihood(r, P), rtol=1e-12)
    np.testing.assert_allclose(slopes, difference(lambda p: likelihood(r, p), P), rtol=1e-6, atol=1e-6)


def test_the_hessian_is_the_derivative_of_the_gradient(functions):
    r = garch.simulate(500)
    found = garch.hessian(functions[1], r, P)
    np.testing.assert_allclose(found, found.T, rtol=1e-9)
    np.testing.assert_allclose(found, difference(lambda p: functions[0](r=r, p=p)[1], P), rtol=1e-6)


def test_the_fit_comes_close_to_the_truth(functions):
    r = garch.simulate(5000)
    found = garch.fit(functions[0], r)
    error = np.sqrt(np.diag(np.linalg.inv(garch.hessian(functions[1], r, found.x))))
    assert np.abs(found.jac).max() < 1e-6
    assert np.all(np.abs(found.x - garch.TRUE) < 3 * error)


def test_the_example_runs(capsys):
    garch.main()
    assert "standard error" in capsys.readouterr().out
