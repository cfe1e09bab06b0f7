"""The examples through the whole pipeline: compiled equals interpreted, whatever the indices are called."""

import pytest

from tests import oracle
from tests.transforms.systems import EXAMPLES

EACH = list(enumerate(EXAMPLES))


@pytest.mark.parametrize("name", EXAMPLES)
def test_names_and_order_do_not_matter(name):
    oracle.check_renamed(*EXAMPLES[name]())


@pytest.mark.parametrize("number, name", EACH)
def test_compiled_equals_interpreted(number, name):
    """However it is compiled; one transform is left out and run alone, another one for each example."""
    one = oracle.TRANSFORMS[number % len(oracle.TRANSFORMS)]
    oracle.check_compiled(*EXAMPLES[name](), [one])


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", EXAMPLES)
def test_everything_derived(name):
    oracle.check(*EXAMPLES[name]())
