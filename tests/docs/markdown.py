"""Runs the code of a Markdown page, top to bottom, as one program; tells what it prints and what the page shows.

A block ```python is run; a block ```text right after it is what it prints. `python -m tests.docs.markdown PAGE ...`
writes what the code prints now into the pages.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Code, the line of the page it starts at, and the span of the output shown for it (None: none is shown)."""

    code: str
    line: int
    shown: str | None
    span: tuple[int, int] | None


def blocks(page: str) -> list[Block]:
    """The page's pieces of Python."""
    found, fences = [], list(FENCE.finditer(page))
    for k, fence in enumerate(fences):
        if fence[1] != "python":
            continue
        line = page[: fence.start(2)].count("\n") + 1
        after = fences[k + 1] if k + 1 < len(fences) else None
        if after is not None and after[1] == "text" and not page[fence.end() : after.start()].strip():
            found.append(Block(fence[2], line, after[2], after.span(2)))
        else:
            found.append(Block(fence[2], line, None, None))
    return found


def run(file: Path) -> Iterator[tuple[Block, str]]:
    """Each block with what it prints. Tracebacks name lines of the page; files are written to a temporary folder."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder:
        for block in blocks(file.read_text(encoding="utf-8")):
            code = compile("\n" * (block.line - 1) + block.code, str(file), "exec", dont_inherit=True)
            printed = io.StringIO()
            before = os.getcwd()
            os.chdir(folder)
            try:
                with contextlib.redirect_stdout(printed):
                    exec(code, scope)
            finally:
                os.chdir(before)
            yield block, printed.getvalue()


def clean(text: str) -> str:
    """Without spaces at the ends of lines, which no page can show."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def write(file: Path) -> None:
    """Put what the code prints into the page."""
    page = file.read_text(encoding="utf-8")
    for block, printed in reversed(list(run(file))):
        if block.span is not None:
            page = page[: block.span[0]] + clean(printed) + "\n" + page[block.span[1] :]
    file.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(Path(argument).resolve())
