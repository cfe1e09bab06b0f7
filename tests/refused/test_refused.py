"""Every program in `programs` is refused, with exactly the message in its docstring."""

import importlib.util
import inspect
from pathlib import Path

import pytest

import graphc as gc

_spec = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
programs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(programs)
PROGRAMS = [f for _, f in inspect.getmembers(programs, inspect.isfunction) if f.__module__ == "programs"]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_a_program_is_refused_with_its_message(program):
    with pytest.raises(gc.GraphcError) as caught:
        program()
    assert f"{type(caught.value).__name__}: {caught.value}" == inspect.getdoc(program)


def test_there_are_many():
    assert len(PROGRAMS) >= 30
