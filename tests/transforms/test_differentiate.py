"""Gradients: of every kind of equation, against differences, to second order."""

import pytest

from tests import oracle
from tests.transforms.systems import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_gradient(name):
    oracle.check_gradient(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_forward_mode_is_the_transpose(name):
    oracle.check_dot_product(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_second_gradient(name):
    oracle.check_second_gradient(*EXAMPLES[name]())
