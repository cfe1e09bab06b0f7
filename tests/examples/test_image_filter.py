"""Both forms are SciPy's convolution, and the filter is found from the pictures before and after."""

import numpy as np
import pytest
from scipy.signal import convolve

import graphc as gc
from examples import image_filter


def test_the_filter_is_learned():
    np.testing.assert_allclose(image_filter.main(), image_filter.EMBOSS, atol=1e-3)
    assert (image_filter.ROOT / "out" / "image_filter.png").stat().st_size > 1000


def test_the_forms_are_equivalent_and_correlation_is_another_thing():
    assert gc.equivalent(image_filter.direct, image_filter.commuted)
    assert not gc.equivalent(image_filter.direct, image_filter.correlated)


@pytest.mark.parametrize("form", ["direct", "commuted"])
@pytest.mark.parametrize("shape", [(3, 3), (1, 4), (5, 2)])
def test_the_forms_are_convolution(form, shape):
    rng = np.random.default_rng(0)
    picture, kernel = rng.normal(size=(17, 12)), rng.normal(size=shape)
    found = gc.System(getattr(image_filter, form)).compile("S")(I=picture, K=kernel)
    np.testing.assert_allclose(found, convolve(picture, kernel), atol=1e-13)
