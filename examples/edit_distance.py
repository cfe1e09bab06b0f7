"""Edit distance: an integer recurrence on two axes at once, and the alignment that its table tells.

`python examples/edit_distance.py kitten sitting` compares any two words.
R. Wagner and M. Fischer: The string-to-string correction problem, Journal of the ACM 21, 1974.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import graphc as gc
from graphc import Eq, Min, Piecewise

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]


def model() -> gc.System:
    """d[i, j], the fewest insertions, deletions and replacements that turn i letters of a into j letters of b."""
    M, N = gc.sizes("M N")
    i, j = gc.indices("i j")
    a, b = gc.Input("a", M, dtype="int64"), gc.Input("b", N, dtype="int64")
    d, distance = gc.Tensor("d", M + 1, N + 1), gc.Tensor("distance")
    replaced = Piecewise((0, gc.Eq(a[i - 1], b[j - 1])), (1, True))
    return gc.System(
        Eq(d[i, j], Min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + replaced)),
        Eq(d[i, 0], i),
        Eq(d[0, j], j),
        Eq(distance, d[M, N]),
    )


def letters(word: str) -> Array:
    """The word's letters as integers."""
    return np.array([ord(c) for c in word], np.int64)


def alignment(d: Array, a: str, b: str) -> list[tuple[str, str]]:
    """Pairs of letters, a gap where a letter is inserted or deleted, along a cheapest way through the table."""
    i, j, pairs = len(a), len(b), []
    while i or j:
        if i and j and d[i, j] == d[i - 1, j - 1] + (a[i - 1] != b[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((a[i], b[j]))
        elif i and d[i, j] == d[i - 1, j] + 1:
            i -= 1
            pairs.append((a[i], "-"))
        else:
            j -= 1
            pairs.append(("-", b[j]))
    return pairs[::-1]


def on_the_way(pairs: list[tuple[str, str]]) -> set[tuple[int, int]]:
    """The table's elements that an alignment passes."""
    i = j = 0
    found = {(0, 0)}
    for x, y in pairs:
        i, j = i + (x != "-"), j + (y != "-")
        found.add((i, j))
    return found


def main(a: str = "recurrence", b: str = "convergence") -> None:
    console, system = Console(), model()
    console.print(system, highlight=False)
    distances = system.compile("distance", "d", dtype="int64")
    distance, d = distances(a=letters(a), b=letters(b))

    pairs = alignment(d, a, b)
    way = on_the_way(pairs)
    table = Table("", "", *b, title=f"{a} → {b}: {distance} edits")
    for i in range(len(a) + 1):
        row = (f"[bold green]{d[i, j]}[/]" if (i, j) in way else f"[dim]{d[i, j]}[/]" for j in range(len(b) + 1))
        table.add_row(a[i - 1] if i else "", *row)
    console.print(table)
    console.print(" ".join(x for x, _ in pairs))
    console.print(" ".join("|" if x == y else "." for x, y in pairs))
    console.print(" ".join(y for _, y in pairs))


if __name__ == "__main__":
    main(*sys.argv[1:3])
