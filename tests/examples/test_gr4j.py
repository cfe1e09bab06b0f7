"""GR4J equals the package hydrogr, and its gradient equals differences."""

import hydrogr
import numpy as np
import pandas as pd
import pytest

from examples import gr4j

PARAMETERS = [(350.0, 0.0, 90.0, 1.7), (120.0, -1.5, 30.0, 0.9), (20.0, 2.5, 30.0, 3.3), (2000.0, 0.5, 300.0, 9.6)]


@pytest.fixture(scope="module")
def data():
    return gr4j.series()


@pytest.fixture(scope="module")
def run():
    return gr4j.compile_model()


def call(run, inputs, x):
    q, loss, *slopes = run(**inputs, **dict(zip(gr4j.NAMES, x, strict=True)))
    return q, float(loss), np.array(slopes)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # how hydrogr asks pandas for a frequency
@pytest.mark.parametrize("x", PARAMETERS)
def test_the_simulation_equals_hydrogr(run, data, x):
    days = pd.date_range(data["day"][0], data["day"][-1], freq="D")
    table = pd.DataFrame({"precipitation": data["P"], "evapotranspiration": data["E"]}, index=days)
    reference = hydrogr.ModelGr4j({f"X{k + 1}": value for k, value in enumerate(x)})
    wanted = reference.run(table)["flow"].to_numpy()
    q, _, _ = call(run, gr4j.arguments(data, "2013-01-01", "2017-01-01"), x)
    np.testing.assert_allclose(q, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("x", PARAMETERS)
def test_the_gradient_equals_differences(run, data, x):
    inputs = gr4j.arguments(data, "2013-01-01", "2015-01-01")
    _, _, slopes = call(run, inputs, x)
    for slope, step in zip(slopes, 1e-6 * np.diag((100.0, 1.0, 100.0, 1.0)), strict=True):
        up, down = call(run, inputs, x + step), call(run, inputs, x - step)
        np.testing.assert_allclose(slope, (up[1] - down[1]) / (2 * step.sum()), rtol=1e-5, atol=1e-9)


def test_one_minus_the_loss_is_the_efficiency_of_the_days_that_weigh(run, data):
    inputs = gr4j.arguments(data, "2013-01-01", "2015-01-01")
    q, loss, _ = call(run, inputs, PARAMETERS[0])
    chosen = inputs["w"] > 0
    assert chosen.sum() == 730
    observed = data["discharge"][chosen]
    efficiency = 1 - np.sum((q[chosen] - observed) ** 2) / np.sum((observed - observed.mean()) ** 2)
    np.testing.assert_allclose(1 - loss, efficiency, rtol=1e-12)


def test_calibration_finds_the_same_river_from_every_start(run, data):
    fits = [gr4j.calibrate(run, gr4j.arguments(data, "2013-01-01", "2015-01-01"), start) for start in gr4j.STARTS]
    assert all(1 - fit.fun > 0.69 for fit in fits)
    for fit in fits:
        np.testing.assert_allclose(fit.x, fits[0].x, rtol=1e-2)


def test_parameters_map_to_the_unit_cube_and_back():
    for x in PARAMETERS:
        np.testing.assert_allclose(gr4j.from_unit(gr4j.to_unit(np.array(x))), x, rtol=1e-12, atol=1e-12)


def test_the_example_runs(capsys):
    gr4j.main()
    assert "out/gr4j.png" in capsys.readouterr().out
