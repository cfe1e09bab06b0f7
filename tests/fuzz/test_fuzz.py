"""Some random programs in every run of the tests; `make fuzz N=1000 SEED=7` runs as many as one likes."""

import pytest

from tests.fuzz.compare import Refused, check
from tests.fuzz.programs import random_program

COUNT = 16


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_programs(seed):
    try:
        check(random_program(10**9 + seed), ("plain", "passes"))
    except Refused:
        pytest.skip("refused, which is right for some")


@pytest.mark.parametrize("seed", range(4))
def test_random_integer_programs(seed):
    try:
        check(random_program(10**9 + seed, integer=True), ("plain", "passes"))
    except Refused:
        pytest.skip("refused, which is right for some")


def test_a_seed_always_gives_the_same_program():
    assert random_program(7).text() == random_program(7).text()
    assert random_program(7).text() != random_program(8).text()
