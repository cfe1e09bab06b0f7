"""The examples through the whole pipeline: compiled equals interpreted, whatever the indices are called."""

import pytest

from tests import oracle
from tests.transforms.systems import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_names_and_order_do_not_matter(name):
    oracle.check_renamed(*EXAMPLES[name]())


@pytest.mark.parametrize("name", EXAMPLES)
def test_compiled_equals_interpreted(name):
    oracle.check_compiled(*EXAMPLES[name]())
