"""The stencil equals NumPy's slices; a sine decays as theory says; the rim stays as it is."""

import numpy as np
import pytest

from examples import heat


@pytest.fixture(scope="module")
def run():
    return heat.model().compile("last")


def steps_of(u, r, n):
    u = u.copy()
    for _ in range(n):
        around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
        u[1:-1, 1:-1] += r * (around - 4 * u[1:-1, 1:-1])
    return u


@pytest.mark.parametrize("shape", [(17, 23), (3, 3), (2, 5), (1, 1)])
@pytest.mark.parametrize("n", [0, 1, 2, 30])
def test_the_stencil(run, shape, n):
    u0 = np.random.default_rng(0).random(shape)
    np.testing.assert_allclose(run(u0=u0, r=0.2, N=n), steps_of(u0, 0.2, n), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("k, l", [(1, 1), (2, 5), (8, 3)])
def test_a_sine_keeps_its_shape_and_decays(run, k, l):
    wave, factor = heat.sine(33, k, l)
    np.testing.assert_allclose(run(u0=wave, r=heat.RATE, N=200), factor**200 * wave, rtol=0, atol=1e-13)


def test_the_rim_keeps_its_temperature(run):
    u0 = heat.plate(33)
    found = run(u0=u0, r=heat.RATE, N=50)
    for side in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        np.testing.assert_array_equal(found[side], u0[side])


def test_the_example_runs(capsys):
    heat.main()
    assert "out/heat.png" in capsys.readouterr().out
