"""The network is the slides' recurrence, and forecasts held-out years better than the last value and AR(9) do."""

import numpy as np
import pytest

from examples import sunspots


@pytest.fixture(scope="module")
def errors():
    return sunspots.main()


def test_the_network_forecasts(errors):
    assert errors["network"] < 0.6 * errors["last value"]
    assert errors["network"] < errors["AR(9)"]


def test_the_pictures_are_saved(errors):
    for name in ("sunspots.png", "sunspots_unfolded.svg"):
        assert (sunspots.ROOT / "out" / name).stat().st_size > 1000


def test_the_recurrence():
    rnn, *_ = sunspots.model()
    rng, h = np.random.default_rng(0), 3
    w = {
        "W": rng.normal(size=(h, h)),
        "U": rng.normal(size=h),
        "V": rng.normal(size=h),
        "b": rng.normal(size=h),
        "c": 0.5,
    }
    x, s, expected = rng.normal(size=20), np.zeros(h), []
    for now in x:
        s = np.tanh(w["b"] + w["W"] @ s + w["U"] * now)
        expected.append(0.5 + w["V"] @ s)
    np.testing.assert_allclose(rnn.compile("o")(x=x, **w), expected, rtol=1e-12)


def test_autoregression_finds_a_linear_recurrence():
    series = [1.0, 2.0]
    for _ in range(31):
        series.append(0.5 + 0.9 * series[-1] - 0.8 * series[-2])
    series = np.array(series)
    found = sunspots.autoregression(series, np.arange(len(series)) < 20, order=2)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], series[2:], atol=1e-10)
