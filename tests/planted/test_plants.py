"""The errors to plant still fit the code; `make planted` plants them."""

from pathlib import Path

import pytest

import graphc
from tests.planted.more_plants import MORE
from tests.planted.plants import PLANTS
from tests.planted.plants_of_conditions import CONDITIONS


@pytest.mark.parametrize("plant", (*PLANTS, *MORE, *CONDITIONS), ids=lambda p: p.what)
def test_what_is_to_be_changed_stands_there_once(plant):
    text = (Path(graphc.__file__).parent / plant.file).read_text()
    assert text.count(plant.before) == 1
    assert text.replace(plant.before, plant.after) != text
    for path in plant.found_by.split():
        assert (Path(__file__).parents[2] / path.split("::")[0]).exists()
