"""Slips of the pen: valid programs with one to three things changed are refused with a message, or mean the same to the
compiler and to the interpreter. `python -m tests.fuzz --mutants` tries as many as one likes."""

import pytest

from tests.fuzz.mutants import check_mutant, check_mutated_system, random_mutant

EACH, BATCHES = 40, 10


def first(few, count):
    """As many batches each time, the others in the night."""
    return [k if k < few else pytest.param(k, marks=pytest.mark.nightly) for k in range(count)]


@pytest.mark.parametrize("batch", first(5, BATCHES))
def test_programs_with_something_changed(batch):
    """All are lowered; of those that are accepted, every fourth is compiled."""
    for seed in range(batch * EACH, (batch + 1) * EACH):
        check_mutant(random_mutant(seed), run=seed % 4 == 0)


@pytest.mark.parametrize("batch", first(2, 4))
def test_systems_with_something_changed(batch):
    for seed in range(batch * 20, (batch + 1) * 20):
        check_mutated_system(seed)
