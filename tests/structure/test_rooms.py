"""The layout shows the pipeline: imports point from later rooms to earlier ones, and nothing is long."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import graphc

HOME = Path(graphc.__file__).parent
# Each room may import from those above it in this list.
ROOMS = (
    ("errors", "locks", "trace", "options"),
    ("language",),
    ("equations",),
    ("reference",),
    ("checks",),
    ("transforms",),
    ("frontend",),
    ("schedule",),
    ("codegen",),
    ("runtime",),
    ("compiler",),
    ("view",),
    ("certificate",),
    ("model", "waiting"),
    ("__init__",),
    ("library",),
    ("cli",),
)
LEVEL = {room: k for k, rooms in enumerate(ROOMS) for room in rooms}
UPWARDS = {
    ("runtime/function.py", "compiler"): "a function that is unpickled is compiled again",
}
LINES, FUNCTION = 400, 60
FILES = sorted(HOME.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(HOME).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports from, inside functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "graphc":
            parts = node.module.split(".")
            names = [alias.name for alias in node.names]
            yield from [parts[1]] if len(parts) > 1 else (n if n in LEVEL else "__init__" for n in names)
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.split(".")[1] if "." in alias.name else "__init__"
                for alias in node.names
                if alias.name.split(".")[0] == "graphc"
            )


def test_every_file_is_in_a_room():
    assert {room(path) for path in FILES} == LEVEL.keys()


def test_imports_point_to_earlier_rooms():
    upwards = {
        (str(path.relative_to(HOME)), other)
        for path in FILES
        for other in imports(path)
        if LEVEL[other] > LEVEL[room(path)]
    }
    assert upwards == UPWARDS.keys()
    assert len(UPWARDS) <= 2


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(HOME)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert text.count("\n") <= LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < FUNCTION, node.name
