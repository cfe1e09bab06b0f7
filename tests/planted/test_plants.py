"""The errors to plant still fit the code; `make planted` plants them."""

import ast
from functools import cache
from pathlib import Path

import pytest

import graphc
from tests.planted.more_plants import MORE
from tests.planted.places import planted_in
from tests.planted.plants import PLANTS
from tests.planted.plants_of_conditions import CONDITIONS


@cache
def meaning(path):
    return ast.dump(ast.parse(path.read_text()))


@pytest.mark.parametrize("plant", (*PLANTS, *MORE, *CONDITIONS), ids=lambda p: p.what)
def test_what_is_to_be_changed_stands_there_once(plant):
    path, changed = planted_in(Path(graphc.__file__).parent, plant.where, plant.before, plant.after)
    assert ast.dump(ast.parse(changed)) != meaning(path)
    for path in plant.found_by.split():
        assert (Path(__file__).parents[2] / path.split("::")[0]).exists()
