"""Every program of the files beside this one is refused, with exactly the message in its docstring."""

import inspect

import pytest

import graphc as gc
from tests.refused import calls, compilations, definitions, derivations, domains, shapes

PROGRAMS = [
    f
    for module in (shapes, domains, definitions, derivations, compilations, calls)
    for name, f in inspect.getmembers(module, inspect.isfunction)
    if f.__module__ == module.__name__ and not name.startswith("_")
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_a_program_is_refused_with_its_message(program):
    with pytest.raises(gc.GraphcError) as caught:
        program()
    assert f"{type(caught.value).__name__}: {caught.value}" == inspect.getdoc(program)


def test_each_message_says_where_or_what_to_do():
    assert [f.__name__ for f in PROGRAMS if len(inspect.getdoc(f).splitlines()) < 2] == []


def test_there_are_many():
    assert len(PROGRAMS) >= 120
