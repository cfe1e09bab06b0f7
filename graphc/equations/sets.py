"""isl's operations that every system needs, each answer kept for the next that asks the same.

The same questions come up in most systems and all the time in systems that are built again, so answers save time; and
islpy loses 32 bytes of each set that an operation takes over: asked anew, they would add up in a process that compiles
for days.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import islpy as isl

_MOST = 20_000  # answers; then the one that was not asked for longest goes
_SET = isl.dim_type.set
# Those asked for last at the end. (Not an OrderedDict: isl simplifies a set in its place, so that two keys may become
# equal later, and then it fails.)
_answers: dict[tuple[Any, ...], Any] = {}

P = ParamSpec("P")
R = TypeVar("R")


class _Written:
    """A set or map as a key: equal to those with the same pieces, constraints and names in the same order.

    It holds what it stands for: an address alone would soon be that of another set."""

    __slots__ = ("hash", "points")

    def __init__(self, points: isl.Set | isl.Map) -> None:
        self.points, self.hash = points, hash(points)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Written):
            return False
        return self.points is other.points or (self.hash == other.hash and _same(self.points, other.points))


def remembered(ask: Callable[P, R]) -> Callable[P, R]:
    """`ask`, a pure function of sets, maps and values, asked once for what is written alike.

    That sets are equal is not enough: equal ones whose constraints stand in another order make other code, and what a
    system compiles to must not depend on what was compiled before.
    """

    @wraps(ask)
    def answered(*given: P.args, **_: P.kwargs) -> R:
        key = (ask, *(_Written(g) if isinstance(g, (isl.Set, isl.Map)) else g for g in given))
        if key in _answers:
            answer = _answers.pop(key)  # now the one asked for last
        else:
            answer = ask(*given)  # type: ignore[call-arg]
        _answers[key] = answer
        while len(_answers) > _MOST:
            del _answers[next(iter(_answers))]
        return cast("R", answer)

    return answered


def _same(a: isl.Set | isl.Map, b: isl.Set | isl.Map) -> bool:
    if not (isinstance(a, isl.Set) and isinstance(b, isl.Set)) or not a.get_space().is_equal(b.get_space()):
        return False  # a map is read from its text, of which there is one already
    left, right = a.get_basic_sets(), b.get_basic_sets()
    if any(a.get_dim_name(_SET, k) != b.get_dim_name(_SET, k) for k in range(a.dim(_SET))):
        return False
    return len(left) == len(right) and all(x.plain_is_equal(y) for x, y in zip(left, right, strict=True))


@remembered
def read_set(text: str) -> isl.Set:
    return isl.Set(text)


@remembered
def read_map(text: str) -> isl.Map:
    return isl.Map(text)


@remembered
def apply(points: isl.Set, relation: isl.Map) -> isl.Set:
    return points.apply(relation)


@remembered
def preimage(points: isl.Set, relation: isl.Map) -> isl.Set:
    return points.apply(relation.reverse())


@remembered
def intersect(a: isl.Set, b: isl.Set) -> isl.Set:
    return a.intersect(b)


@remembered
def subtract(a: isl.Set, b: isl.Set) -> isl.Set:
    return a.subtract(b)


@remembered
def union(a: isl.Set, b: isl.Set) -> isl.Set:
    return a.union(b)


@remembered
def coalesce(points: isl.Set) -> isl.Set:
    return points.coalesce()


@remembered
def intersect_params(points: isl.Set, context: isl.Set) -> isl.Set:
    return points.intersect_params(context)


@remembered
def gist_params(points: isl.Set, context: isl.Set) -> isl.Set:
    return points.gist_params(context)


@remembered
def remove_redundancies(points: isl.Set) -> isl.Set:
    return points.remove_redundancies()


@remembered
def gist(points: isl.Set, known: isl.Set) -> isl.Set:
    return points.gist(known)


@remembered
def simple_hull(points: isl.Set, context: isl.Set) -> isl.Set:
    """A convex superset without strides, holes or conditions on sizes that the context ensures."""
    return isl.Set.from_basic_set(points.gist_params(context).remove_divs().simple_hull()).drop_unused_params()


@remembered
def project_out(points: isl.Set, axes: tuple[int, ...]) -> isl.Set:
    for k in sorted(axes, reverse=True):
        points = points.project_out(_SET, k, 1)
    return points


@remembered
def span(points: isl.Set, axis: int) -> tuple[int, int] | None:
    """The least and the largest coordinate on an axis at any sizes; None where sizes stretch it, or there is none."""
    line = points.project_out(isl.dim_type.param, 0, points.dim(isl.dim_type.param))
    line = line.project_out(_SET, axis + 1, line.dim(_SET) - axis - 1).project_out(_SET, 0, axis)
    if line.is_empty() or not line.is_bounded():
        return None
    return line.dim_min_val(0).get_num_si(), line.dim_max_val(0).get_num_si()


@remembered
def extend(points: isl.Set, count: int) -> isl.Set:
    """Times all integers on each of `count` further axes."""
    return points.insert_dims(_SET, points.dim(_SET), count)


@remembered
def pieces(points: isl.Set) -> tuple[isl.Set, ...]:
    """Disjoint basic sets that make up the set."""
    return tuple(map(isl.Set.from_basic_set, points.make_disjoint().coalesce().get_basic_sets()))


@remembered
def params(points: isl.Set) -> isl.Set:
    return points.params()


@remembered
def nowhere(like: isl.Set) -> isl.Set:
    """No points, in the space of `like`."""
    return isl.Set.empty(like.get_space())


@remembered
def basic(points: isl.Set) -> isl.BasicSet:
    """The one basic set that the points are, or else a convex superset of them."""
    parts = points.get_basic_sets()
    if len(parts) == 1:
        return parts[0]
    return points.simple_hull() if parts else isl.BasicSet.empty(points.get_space())


@remembered
def flat(points: isl.Set) -> isl.BasicSet:
    """`basic` without integer divisions."""
    return basic(points).remove_divs()


@remembered
def outline(points: isl.Set) -> isl.BasicSet:
    """`flat` without constraints that follow from others."""
    return flat(points).remove_redundancies()
