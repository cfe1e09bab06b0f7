"""What a compilation is asked for, apart from the equations; refused here where it cannot be done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.errors import ArgumentError, UnsupportedError

DTYPES = ("float64", "float32", "int64")


@dataclass(frozen=True)
class Options:
    """`dtype`: of all real numbers, and "int64" for systems of integers. `unfold`: whether recurrences are written out.
    `threads`: how many a call may use. `passes`: the transforms that run."""

    dtype: str
    unfold: bool | str
    threads: int | None
    passes: frozenset[str]

    @staticmethod
    def checked(dtype: Any, unfold: bool | str, threads: int | None, passes: Iterable[str]) -> Options:
        """These options. Raises ArgumentError for what has no meaning, UnsupportedError for more than one thread."""
        options = Options(_name(dtype), unfold, threads, frozenset(passes))
        options._refuse()
        return options

    def _refuse(self) -> None:
        if self.unfold not in (True, False, "auto"):
            raise ArgumentError(
                f'unfold={self.unfold!r}: True writes every recurrence out, False and "auto" write loops\n'
                "  For a number of steps write system.unfold(t, 3).compile(..)"
            )
        if self.threads is not None and not (isinstance(self.threads, int) and self.threads >= 1):
            raise ArgumentError(f"threads={self.threads!r} is not a positive integer\n  Leave it away")
        if self.threads is not None and self.threads > 1:
            raise UnsupportedError(
                f"threads={self.threads}: a call runs on one thread\n"
                "  Leave it away; a function may be called from several threads at once"
            )


def _name(dtype: Any) -> str:
    """The name of a dtype, which may be NumPy's or Python's type."""
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in DTYPES:
        raise ArgumentError(f'dtype {dtype!r} is not one of {", ".join(DTYPES)}\n  Write dtype="float32"')
    return name
