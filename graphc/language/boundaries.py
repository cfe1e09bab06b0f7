"""What `outside=` may say: which element inside stands for one outside. A rule is one entry here, under NumPy's name
for it (`numpy.pad`)."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Near = tuple[Any, Any]  # how far from the border an index stands for one outside (None: however far), and that index


@dataclass(frozen=True)
class Kit:
    """The operations that a rule is made of, on whatever stands for integers."""

    minimum: Callable[[Any, Any], Any] = min
    maximum: Callable[[Any, Any], Any] = max
    mod: Callable[[Any, Any], Any] = operator.mod
    plus: Callable[[Any, Any], Any] = operator.add
    minus: Callable[[Any, Any], Any] = operator.sub


@dataclass(frozen=True)
class Boundary:
    """`bent(kit, i, n)`: the index of 0 .. n - 1 that stands for i, n being at least 1. `near(i, first, last)`: the
    same by shifts and turns on either side of first .. last. `op`: the scalar operation that the first is."""

    op: str
    bent: Callable[[Kit, Any, Any], Any]
    near: Callable[[Any, Any, Any], tuple[Near, Near]]


def _turned(at_border: int) -> Boundary:
    """The elements backwards, the one at the border once (-1) or twice (1)."""

    def bent(kit: Kit, i: Any, n: Any) -> Any:
        period = kit.plus(n, n) if at_border > 0 else kit.maximum(kit.minus(kit.plus(n, n), 2), 1)
        place = kit.mod(i, period)
        back = kit.minus(period, place)
        return kit.minimum(place, kit.minus(back, 1) if at_border > 0 else back)

    def near(i: Any, first: Any, last: Any) -> tuple[Near, Near]:
        if at_border > 0:
            return (2 * first - last - 1, 2 * first - 1 - i), (2 * last - first + 1, 2 * last + 1 - i)
        return (2 * first - last, 2 * first - i), (2 * last - first, 2 * last - i)

    return Boundary("symmetric" if at_border > 0 else "mirror", bent, near)


def _shifted(i: Any, first: Any, last: Any) -> tuple[Near, Near]:
    n = last - first + 1
    return (first - n, i + n), (last + n, i - n)


BOUNDARIES = {
    "edge": Boundary(
        "clip",
        lambda kit, i, n: kit.minimum(kit.maximum(i, 0), kit.minus(n, 1)),
        lambda i, first, last: ((None, first), (None, last)),
    ),
    "reflect": _turned(-1),
    "symmetric": _turned(1),
    "wrap": Boundary("mod", lambda kit, i, n: kit.mod(i, n), _shifted),
}
BENT = {b.op: b for b in BOUNDARIES.values()}
NAMED = ", ".join(f'"{name}"' for name in list(BOUNDARIES)[:-1]) + f' or "{list(BOUNDARIES)[-1]}"'
