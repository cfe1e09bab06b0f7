"""Some random programs in every run of the tests; `make fuzz N=1000 SEED=7` runs as many as one likes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.compare import check, drawn
from tests.fuzz.laws import LAWS, Refused
from tests.fuzz.programs import draw_program, random_program


def compare(program):
    try:
        with np.errstate(all="ignore"):
            check(program, drawn(program))
    except Refused:
        pytest.skip("refused, which is right for some")


@pytest.mark.parametrize("seed", range(8))
def test_random_programs(seed):
    compare(random_program(10**9 + seed))


@pytest.mark.parametrize("seed", range(4))
def test_random_integer_programs(seed):
    compare(random_program(10**9 + seed, integer=True))


@pytest.mark.parametrize("seed", range(6))
def test_random_programs_on_special_values(seed):
    """NaN, infinities, subnormal numbers and zeros of both signs among the arguments."""
    compare(random_program(2 * 10**9 + seed, special=True))


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.randoms(use_true_random=False))
def test_programs_of_hypothesis(rng):
    """Hypothesis takes every decision of the generator, and shrinks them."""
    try:
        with np.errstate(all="ignore"):
            check(draw_program(rng), ("passes",))
    except Refused:
        pass


def test_a_seed_always_gives_the_same_program():
    assert random_program(7).text() == random_program(7).text()
    assert random_program(7).text() != random_program(8).text()


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(2))
def test_laws_of_random_programs(law, seed):
    try:
        with np.errstate(all="ignore"):
            check(random_program(3 * 10**9 + seed), (law,))
    except Refused:
        pytest.skip("refused, which is right for some")
