"""Where an error is planted: in a function, whichever file holds it, at the tokens of an expression, however they are
laid out."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENDMARKER}
Span = tuple[int, int]


def planted_in(home: Path, where: str, before: str, after: str) -> tuple[Path, str]:
    """The file that holds function (or class, or module) `where`, and its text with `after` in the place of `before`.

    `where` is as much of room.module.Class.function as tells it apart. Raises LookupError unless both are there once.
    """
    path, (first, last) = _place(home, where)
    lines = path.read_text().splitlines(keepends=True)
    start = sum(map(len, lines[:first]))
    inside = "".join(lines[first:last])
    found = list(_matches(inside, before))
    if len(found) != 1:
        raise LookupError(f"{len(found)} times in {where} ({path.name}): {before}")
    ((begin, end),) = found
    text = "".join(lines)
    return path, text[: start + begin] + after.strip() + text[start + end :]


def _place(home: Path, where: str) -> tuple[Path, Span]:
    parts = tuple(where.split("."))
    found = [place for name, place in _names(home) if name[-len(parts) :] == parts]
    if len(found) != 1:
        raise LookupError(f"{len(found)} functions, classes or modules are called {where}")
    return found[0]


@cache
def _names(home: Path) -> tuple[tuple[tuple[str, ...], tuple[Path, Span]], ...]:
    """Every function, class and module by its full name, with its lines."""
    return tuple(entry for path in sorted(home.rglob("*.py")) for entry in _names_in(home, path))


def _names_in(home: Path, path: Path) -> Iterator[tuple[tuple[str, ...], tuple[Path, Span]]]:
    text = path.read_text()
    module = path.relative_to(home).with_suffix("").parts
    yield module, (path, (0, text.count("\n") + 1))
    todo: list[tuple[tuple[str, ...], ast.AST]] = [(module, ast.parse(text))]
    while todo:
        name, node = todo.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                own = (*name, child.name)
                first = min([child.lineno, *(d.lineno for d in child.decorator_list)])
                yield own, (path, (first - 1, child.end_lineno or first))
                todo.append((own, child))
            else:
                todo.append((name, child))


def _matches(text: str, before: str) -> Iterator[Span]:
    """Where the tokens of `before` stand in a text, one after the other, as offsets."""
    tokens, wanted = list(_tokens(text)), [t for t, _ in _tokens(before)]
    for k in range(len(tokens) - len(wanted) + 1):
        if [t for t, _ in tokens[k : k + len(wanted)]] == wanted:
            yield tokens[k][1][0], tokens[k + len(wanted) - 1][1][1]


def _tokens(text: str) -> Iterator[tuple[str, Span]]:
    """The tokens of a piece of Python, which may stop anywhere, without what only lays them out."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in _LAYOUT:
                (a, b), (c, d) = token.start, token.end
                yield token.string, (starts[a - 1] + b, starts[c - 1] + d)
    except (tokenize.TokenError, IndentationError):
        return
