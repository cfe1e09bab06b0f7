"""Integer sets in terms of indices and expressions; `sets` is where most questions go to isl.

A `Domain` is a set of points of some indices, parametric in the sizes: a union of polyhedra, possibly with strides.
Coordinates of a tensor's elements are plain `isl.Set`s of the tensor's rank. Everything asked of sets in the rest of
the compiler (emptiness with a sample point, inclusion, images, bounds) is a function here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import islpy as isl

from graphc.equations import sets
from graphc.equations.expr import (
    Const,
    Expr,
    Index,
    Op,
    Read,
    Size,
    cached,
    conjuncts,
    indices_of,
    make,
    place_of,
    postorder,
)
from graphc.equations.ops import BOUNDARY
from graphc.equations.simplify import affine_parts, never_negative

_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=", "ne": "!="}


def affine_text(e: Expr, names: dict[Index, str]) -> str | None:
    """`e` in isl's syntax, or None where it is not quasi-affine in the indices `names` and the sizes."""
    done: dict[Expr, str | None] = {}
    for node in postorder(e):
        done[node] = _affine_node(node, names, done)
    return done[e]


def _affine_node(node: Expr, names: dict[Index, str], done: dict[Expr, str | None]) -> str | None:
    match node:
        case Const(value=bool(value)):
            return "1 = 1" if value else "1 = 0"
        case Const(value=int(value)):
            return f"({value})"
        case Size(name=name):
            return param_name(name)
        case Index():
            return names.get(node)
        case Op():
            parts = [done[a] for a in node.args]
            if any(p is None for p in parts):
                return None
            return _affine_op(node, [p for p in parts if p is not None])
        case _:
            return None


def _affine_op(node: Op, parts: list[str]) -> str | None:
    match node.name, parts:
        case "add", [a, b]:
            return f"({a} + {b})"
        case "sub", [a, b]:
            return f"({a} - {b})"
        case "neg", [a]:
            return f"(-{a})"
        case "mul", [_, b] if isinstance(node.args[0], Const):
            return f"({node.args[0].value} * {b})"
        case "mul", [a, _] if isinstance(node.args[1], Const):
            return f"({node.args[1].value} * {a})"
        case (("floordiv" | "mod"), [a, _]) if isinstance(node.args[1], Const) and node.args[1].value > 0:
            return (
                f"(floor({a} / {node.args[1].value}))" if node.name == "floordiv" else f"({a} mod {node.args[1].value})"
            )
        case "floor", [a]:
            return a if node.args[0].kind in ("weak", "int") else None
        case (("lt" | "le" | "gt" | "ge" | "eq" | "ne"), [a, b]) if all(x.kind != "real" for x in node.args):
            return f"({a} {_COMPARE[node.name]} {b})"
        case "and", [a, b]:
            return f"({a} and {b})"
        case "or", [a, b]:
            return f"({a} or {b})"
        case "not", [a]:
            return f"(not {a})"
        case _:
            return None


def size_names(*exprs: Expr) -> set[str]:
    """The names of the sizes in these expressions."""
    return set().union(*(_size_names(e) for e in exprs))


@cached
def _size_names(e: Expr) -> frozenset[str]:
    return frozenset(n.name for n in postorder(e) if isinstance(n, Size))


def _params(names: Iterable[str]) -> str:
    return "[" + ", ".join(sorted(map(param_name, names))) + "] -> "


def _slots(n: int, prefix: str = "i") -> list[str]:
    return [f"{prefix}{k}" for k in range(n)]


def integer(value: isl.Val) -> int:
    """The integer that an isl value is. Its own `to_python` goes by a text, whose memory islpy never frees."""
    near = value.get_num_si()  # 0 where 64 bits do not hold it
    return near if value.cmp_si(near) == 0 else int(value.to_python())


def is_affine(e: Expr) -> bool:
    """Whether `e` is quasi-affine in indices and sizes (so that isl can reason about it)."""
    names = {n: "i" for n in postorder(e) if isinstance(n, Index)}
    return affine_text(e, names) is not None


def is_plain(sub: Expr) -> bool:
    """Whether each index moves a subscript by steps of one length; a quotient of sizes, (P - 1)//2, is like a size."""
    leaves, _ = affine_parts(sub)
    return all(isinstance(leaf, Index | Size) or (not indices_of(leaf) and is_affine(leaf)) for leaf in leaves)


@dataclass(frozen=True, eq=False)
class Domain:
    """The points of `indices` that lie in `set` (an `isl.Set` with one dimension an index, in this order)."""

    indices: tuple[Index, ...]
    set: isl.Set

    @staticmethod
    def where(indices: Sequence[Index], *conditions: Expr) -> Domain:
        """All integer points at which the (affine, boolean) conditions hold."""
        names = dict(zip(indices, _slots(len(indices)), strict=True))
        texts = []
        for c in conditions:
            text = affine_text(c, names)
            if text is None:
                raise ValueError(f"not affine: {c!r}")
            texts.append(text)
        head = _params(size_names(*conditions)) + "{ [" + ", ".join(names.values()) + "]"
        return Domain(tuple(indices), sets.read_set(head + (" : " + " and ".join(texts) if texts else "") + " }"))

    @staticmethod
    def box(indices: Sequence[Index], dims: Sequence[Expr]) -> Domain:
        """0 <= index < dim for each."""
        zero = Const(0)
        return Domain.where(
            indices,
            *(
                make(op, a, b)
                for i, d in zip(indices, dims, strict=True)
                for op, a, b in (("ge", i, zero), ("lt", i, d))
            ),
        )

    def with_set(self, points: isl.Set) -> Domain:
        return Domain(self.indices, points)

    def restrict(self, *conditions: Expr) -> Domain:
        return self & Domain.where(self.indices, *conditions)

    def __and__(self, other: Domain) -> Domain:
        assert self.indices == other.indices
        return self.with_set(sets.intersect(self.set, other.set))

    def __sub__(self, other: Domain) -> Domain:
        assert self.indices == other.indices
        return self.with_set(sets.subtract(self.set, other.set))

    def is_empty(self) -> bool:
        return bool(self.set.is_empty())

    def access(self, subs: Sequence[Expr], dims: Sequence[Expr] | None = None) -> isl.Map:
        """The map from a point to the coordinates `subs`. A subscript that is not affine (an index read from data)
        may be anything, or anything within its axis if `dims` are given."""
        known = tuple(None if dims is None else (Const(0), dims[k]) for k in range(len(subs)))
        return _access(self.indices, tuple(subs), known)

    def image(self, subs: Sequence[Expr], dims: Sequence[Expr] | None = None) -> isl.Set:
        """The coordinates that `subs` takes over this domain."""
        return sets.apply(self.set, self.access(subs, dims))

    def reach(self, subs: Sequence[Expr], dims: Sequence[Expr]) -> isl.Set:
        """The coordinates that `subs` can take at all: an index from data any within its axis, to which the run holds
        it, and so what a boundary rule bends inside; what is computed otherwise may be a start value's, too."""
        return sets.apply(self.set, self._way(subs, dims))

    def reaching(self, subs: Sequence[Expr], dims: Sequence[Expr], points: isl.Set) -> isl.Set:
        """The points of this domain whose `subs` can be in `points`, in the sense of `reach`."""
        return sets.intersect(self.set, sets.preimage(points, self._way(subs, dims)))

    def _way(self, subs: Sequence[Expr], dims: Sequence[Expr]) -> isl.Map:
        subs = [place_of(s) for s in subs]
        known = tuple((Const(0), d) if has_reads(s) else _bent(s, d) for s, d in zip(subs, dims, strict=True))
        return _access(self.indices, tuple(subs), known)

    def inside(self, subs: Sequence[Expr], points: isl.Set) -> Domain:
        """The part of this domain whose `subs` lie in `points`."""
        return self.with_set(sets.intersect(self.set, sets.preimage(points, self.access(subs))))

    def rename(self, mapping: dict[Index, Index]) -> Domain:
        return Domain(tuple(mapping.get(i, i) for i in self.indices), self.set)

    def extend(self, indices: Sequence[Index]) -> Domain:
        """This domain times all integers for each further index."""
        return Domain(self.indices + tuple(indices), sets.extend(self.set, len(indices)))

    def project(self, keep: Sequence[Index]) -> Domain:
        """The shadow on the indices `keep` (in this domain's order)."""
        others = tuple(k for k, i in enumerate(self.indices) if i not in keep)
        return Domain(tuple(i for i in self.indices if i in keep), sets.project_out(self.set, others))

    @cached_property
    def pieces(self) -> tuple[Domain, ...]:
        """Disjoint convex pieces (basic sets) that make up this domain."""
        return tuple(map(self.with_set, sets.pieces(self.set)))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.indices, str(self.set))

    def __repr__(self) -> str:
        shown, taken = self.set, set[str]()
        for k, index in enumerate(self.indices):
            name = index.name if index.name not in taken else f"{index.name}_{k}"
            taken.add(name)
            shown = shown.set_dim_name(isl.dim_type.set, k, name)
        return str(shown)


@cached
def _access(indices: tuple[Index, ...], subs: tuple[Expr, ...], known: tuple[tuple[Expr, Expr] | None, ...]) -> isl.Map:
    """`known`: for each subscript, should it not be affine, the least it can be and how many from there, if known."""
    names = dict(zip(indices, _slots(len(indices)), strict=True))
    outs, conditions, used = _slots(len(subs), "o"), [], set()
    for e, out, within in zip(subs, outs, known, strict=True):
        text = affine_text(e, names)
        if text is not None:
            conditions.append(f"{out} = {text}")
            used |= size_names(e)
        elif within is not None:
            low, count = (affine_text(b, {}) for b in within)
            conditions.append(f"{low} <= {out} < {low} + {count}")
            used |= size_names(*within)
    body = "{ [" + ", ".join(names.values()) + "] -> [" + ", ".join(outs) + "]"
    return sets.read_map(_params(used) + body + (" : " + " and ".join(conditions) if conditions else "") + " }")


def _restore(indices: tuple[Index, ...], text: str) -> Domain:
    return Domain(indices, isl.Set(text))


def box_set(dims: Sequence[Expr]) -> isl.Set:
    """The coordinates of a tensor with these dimensions: 0 <= c < dim on each axis."""
    names = _slots(len(dims))
    texts = [f"0 <= {n} < {affine_text(d, {})}" for n, d in zip(names, dims, strict=True)]
    return sets.read_set(
        _params(size_names(*dims))
        + "{ ["
        + ", ".join(names)
        + "]"
        + (" : " + " and ".join(texts) if texts else "")
        + " }"
    )


def point_set(rank: int) -> isl.Set:
    """No coordinates at all, of the given rank."""
    return isl.Set("{ [" + ", ".join(_slots(rank)) + "] }").subtract(isl.Set("{ [" + ", ".join(_slots(rank)) + "] }"))


def assume(
    sizes: Iterable[str], dims: Iterable[Expr] = (), least: int = 1, own: Mapping[str, int] | None = None
) -> isl.Set:
    """The parameter values a program is checked for: each size at least `least`, or a least value of its `own`; no
    dimension negative."""
    names = sorted(sizes)
    texts = [f"{param_name(n)} >= {max(least, (own or {}).get(n, least))}" for n in names]
    texts += [f"{affine_text(d, {})} >= 0" for d in dims]
    return sets.read_set(_params(names) + "{ : " + (" and ".join(texts) if texts else "1 = 1") + " }")


def sample(points: isl.Set, context: isl.Set | None = None) -> tuple[dict[str, int], tuple[int, ...]] | None:
    """A small concrete point: ({size: value}, coordinates); None if there is none."""
    if context is not None:
        points = sets.intersect_params(points, context)
    if points.is_empty():
        return None
    n_params, n_dims = points.dim(isl.dim_type.param), points.dim(isl.dim_type.set)
    names = [size_name(points.get_dim_name(isl.dim_type.param, k)) for k in range(n_params)]
    flat = points.move_dims(isl.dim_type.set, 0, isl.dim_type.param, 0, n_params) if n_params else points
    # Small but not degenerate: a size of 1 makes a poor example, so try larger ones first.
    for floor in (3, 2, 1, 0):
        trial = flat
        for k in range(n_params):
            trial = trial.lower_bound_val(isl.dim_type.set, k, isl.Val(floor))
        if not trial.is_empty():
            flat = trial
            break
    point = flat.lexmin().sample_point()
    values = [integer(point.get_coordinate_val(isl.dim_type.set, k)) for k in range(n_params + n_dims)]
    return dict(zip(names, values[:n_params], strict=True)), tuple(values[n_params:])


def subset(a: isl.Set, b: isl.Set, context: isl.Set | None = None) -> bool:
    """Whether a lies in b for all sizes the context allows."""
    if context is not None:
        a = sets.intersect_params(a, context)
    return bool(a.is_subset(b))


def fix_sizes(points: isl.Set, sizes: dict[str, int]) -> isl.Set:
    """The set at concrete sizes (the parameters given are projected away)."""
    for k in reversed(range(points.dim(isl.dim_type.param))):
        name = size_name(points.get_dim_name(isl.dim_type.param, k))
        if name in sizes:
            points = points.fix_val(isl.dim_type.param, k, isl.Val(sizes[name]))
            points = points.project_out(isl.dim_type.param, k, 1)
    return points


def has_reads(e: Expr) -> bool:
    """Whether an index of `e` comes from data."""
    return any(isinstance(n, Read) for n in postorder(e))


def bent_inside(sub: Expr, dim: Expr) -> bool:
    """Whether a boundary rule, or the condition of the place, keeps a subscript within an axis of this length."""
    if isinstance(sub, Op) and sub.name == "only":
        condition, place = sub.args
        within = {make("ge", place, Const(0)), make("lt", place, dim)}
        return within <= {Const(True), *conjuncts(condition)}
    return _bent(sub, dim) == (Const(0), dim)


def _bent(sub: Expr, dim: Expr) -> tuple[Expr, Expr] | None:
    """The range in which a boundary rule keeps a subscript: the least it can be, and how many from there."""
    match sub:
        case Op(name=name, args=(_, count)) if name in BOUNDARY.values():
            return (Const(0), count) if count is dim or never_negative(count) else None
        case Op(name=("add" | "sub") as name, args=(a, Const() as by)) if (found := _bent(a, dim)) is not None:
            return make(name, found[0], by), found[1]
    return None


def size_of_param(name: str) -> Size:
    """The size that an isl parameter stands for."""
    return Size(size_name(name))


# What isl's own syntax means by these words; a size may still be called so.
_RESERVED = re.compile(
    r"(exists|and|or|not|implies|infty|infinity|NaN|min|max|rat|true|false|mod|floord?|ceild?|[io]\d+)$",
    re.IGNORECASE,
)
_SPELLED = "__size_"


def param_name(size: str) -> str:
    """The isl parameter for a size: its name, spelled otherwise where isl could not read that."""
    if size.isascii() and size.isidentifier() and not _RESERVED.match(size) and not size.startswith(_SPELLED):
        return size
    return _SPELLED + "".join(
        c if c.isascii() and (c.isidentifier() or c.isdigit()) else f"_u{ord(c):x}_" for c in size
    )


def size_name(param: str) -> str:
    """The size that an isl parameter stands for; `param_name` backwards."""
    if not param.startswith(_SPELLED):
        return param
    return re.sub(r"_u([0-9a-f]+)_", lambda m: chr(int(m[1], 16)), param.removeprefix(_SPELLED))
