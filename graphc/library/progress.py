"""A progress bar around the chunks of a long native loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn


@dataclass(frozen=True)
class Chunk:
    """`steps` to do next; `show` writes a line of text beside the bar."""

    steps: int
    _bar: Progress
    _task: TaskID

    def show(self, text: str) -> None:
        self._bar.update(self._task, text=text)


def chunks(total: int, size: int, label: str = "training", console: Console | None = None) -> Iterator[Chunk]:
    """`total` steps in chunks of `size`, with a bar that moves on after each.

    Between them Python looks at how it goes:

        for chunk in chunks(10_000, 500):
            loss = step.loop(chunk.steps, **arguments)
            chunk.show(f"loss {loss:.4f}")
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[text]}"), console=console) as bar:
        task = bar.add_task(label, total=total, text="")
        for done in range(0, total, size):
            chunk = Chunk(min(size, total - done), bar, task)
            yield chunk
            bar.update(task, advance=chunk.steps)
