"""Concrete sizes from the shapes of arguments: a dimension that is a bare size tells it, affine ones follow.

    x(T, N) of shape (10, 3), w(K) of shape (4,), y(T + K - 1)   gives   T = 10, N = 3, K = 4

Everything is checked: shapes that contradict each other or leave a size open are an ArgumentError, and so are values of
the wrong kind (`as_argument`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.equations.domain import size_names
from graphc.equations.errors import ArgumentError, counted
from graphc.equations.expr import Const, Expr, Op, Size, postorder
from graphc.equations.ops import OPS
from graphc.equations.simplify import affine_parts
from graphc.equations.system import System, Tensor

Array = npt.NDArray[Any]
MOST = 1 << 59  # elements of one tensor


def dim_value(dim: Expr, sizes: Mapping[str, int]) -> int:
    """The value of an integer expression of sizes."""
    done: dict[Expr, int] = {}
    for node in postorder(dim):
        match node:
            case Const(value=value):
                done[node] = int(value)
            case Size(name=name):
                done[node] = sizes[name]
            case _:
                assert isinstance(node, Op)
                exact: Any = OPS[node.name].exact
                done[node] = int(exact(*(done[a] for a in node.args)))
    return done[dim]


def solve_sizes(system: System, shapes: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> dict[str, int]:
    """The value of every size of `system`, from the shapes of its arguments by name and the sizes given.

    Raises ArgumentError where they contradict each other or leave a size open."""
    try:
        return _solved(system, shapes, given)
    except ArgumentError as error:
        turned = [
            n for n, s in shapes.items() if len(s) == 2 and s[0] != s[1] and _fit_turned(n, system, shapes, given)
        ]
        if len(turned) != 1:
            raise
        what, *_ = str(error).splitlines()
        (name,) = turned
        raise ArgumentError(f"{what}\n  All shapes agree if {name} is transposed: pass {name}={name}.T") from None


def _fit_turned(name: str, system: System, shapes: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> bool:
    """Whether the shapes agree with one matrix transposed."""
    try:
        _solved(system, {**shapes, name: shapes[name][::-1]}, given)
    except ArgumentError:
        return False
    return True


def _solved(system: System, shapes: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> dict[str, int]:
    tensors = {t.name: t for t in system.inputs}
    known = _stated(system, given)
    source = dict.fromkeys(known, "the call")
    dims = [(tensors[name], k, d, int(shape[k])) for name, shape in shapes.items()
            for k, d in enumerate(_rank(tensors[name], shape))]  # fmt: skip
    progress = True
    while progress:
        progress = False
        for affine in (False, True):
            for tensor, _, dim, extent in dims:
                found = _solve(dim, extent, known, affine)
                if found is not None:
                    known[found[0]], progress = found[1], True
                    source[found[0]] = tensor.name
            if progress:
                break
    _consistent(dims, known, source)
    for name in system.sizes:
        if name not in known:
            raise ArgumentError(
                f"size {name} cannot be inferred: no argument's shape tells it\n  Pass it by name: {name}=.."
            )
    for name, value in known.items():
        if value < 0:
            raise ArgumentError(
                f"size {name} would be {value} (from {source[name]})\n  Pass shapes that agree, or another {name}"
            )
    for t in system.tensors:
        _fits(t, known)
    return {name: known[name] for name in system.sizes}


def _fits(t: Tensor, known: Mapping[str, int]) -> None:
    """ArgumentError if a dimension is negative, or there are more elements than can be addressed."""
    count = 1
    for d in t.dims:
        extent = dim_value(d, known)
        if extent < 0:
            which = " and ".join(sorted(size_names(d)))
            raise ArgumentError(
                f"dimension {d!r} of {t.name} is negative ({extent}) {_at(d, known)}\n  Call with another {which}"
            )
        count *= extent
    if count >= MOST:
        sizes = ", ".join(f"{n} = {known[n]}" for n in sorted(size_names(*t.dims)))
        raise ArgumentError(f"{t!r} has {count} elements at {sizes}\n  That is more than memory can address")


def whole(name: str, value: Any) -> int:
    """A size as an integer of at least 0."""
    number: int = value.__index__() if hasattr(value, "__index__") and np.ndim(value) == 0 else -1
    if number < 0:
        raise ArgumentError(f"size {name} = {value!r} must be an integer of at least 0\n  Pass a Python int: {name}=10")
    return number


def _stated(system: System, given: Mapping[str, int]) -> dict[str, int]:
    known = dict(system.fixed)
    for name, value in given.items():
        if name not in system.sizes and name not in known:
            raise ArgumentError(f"unknown size {name}\n  The sizes are {', '.join(system.sizes) or 'none'}")
        if known.get(name, value) != value:
            raise ArgumentError(
                f"size {name} = {value} was passed, but {name} = {known[name]} was baked in when compiled\n"
                "  Leave it away in compile(sizes=..) to choose it at each call"
            )
        known[name] = whole(name, value)
    return known


def _rank(tensor: Tensor, shape: Sequence[int]) -> tuple[Expr, ...]:
    if len(shape) != len(tensor.dims):
        raise ArgumentError(
            f"argument {tensor.name} has {counted(len(shape), 'axis', 'axes')}, shape {tuple(shape)}, "
            f"but {tensor!r} has {len(tensor.dims)}\n  Reshape it"
        )
    return tensor.dims


def _solve(dim: Expr, extent: int, known: Mapping[str, int], affine: bool) -> tuple[str, int] | None:
    """The size that `dim = extent` tells: a bare one, or the only open one of an affine dimension."""
    if isinstance(dim, Size):
        return None if dim.name in known else (dim.name, extent)
    if not affine:
        return None
    parts, constant = affine_parts(dim)
    rest, open_ = extent - constant, []
    for leaf, k in parts.items():
        if size_names(leaf) <= known.keys():
            rest -= k * dim_value(leaf, known)
        else:
            open_.append((leaf, k))
    if len(open_) != 1 or not isinstance(open_[0][0], Size) or rest % open_[0][1]:
        return None
    return open_[0][0].name, rest // open_[0][1]


def _consistent(dims: list[tuple[Tensor, int, Expr, int]], known: Mapping[str, int], source: Mapping[str, str]) -> None:
    for tensor, k, dim, extent in dims:
        names = sorted(size_names(dim))
        if not set(names) <= known.keys() or dim_value(dim, known) == extent:
            continue
        others = [f"{n} = {known[n]} from {source[n]}" for n in names if source[n] != tensor.name]
        because = f" ({', '.join(others)})" if others else f" ({_at(dim, known)})" if names else ""
        raise ArgumentError(
            f"axis {k} of argument {tensor.name} has {extent} elements, but {tensor!r} has {dim!r} = "
            f"{dim_value(dim, known)} there{because}\n  Pass shapes that agree, or give the axes different sizes"
        )


def _at(dim: Expr, known: Mapping[str, int]) -> str:
    return "at " + ", ".join(f"{n} = {known[n]}" for n in sorted(size_names(dim)))


def refuse_beyond(tensor: Tensor, array: Array) -> None:
    """ArgumentError if numbers from 2**63 on are among those of an integer tensor."""
    if (array.dtype.kind == "u" and array.dtype.itemsize == 8) or array.dtype.kind == "f":
        beyond = array[array >= 2.0**63] if array.dtype.kind == "f" else array[array > 2**63 - 1]
        if beyond.size:
            raise ArgumentError(f"{tensor.name} holds {beyond.flat[0]}\n  Integers go from -2**63 to 2**63 - 1")


def as_argument(tensor: Tensor, value: Any, exact: bool = False) -> Array:
    """An argument as an array of the kind its tensor wants."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
        raise ArgumentError(
            f"argument {tensor.name} is a masked array, and equations have no masks\n"
            f"  Say what stands there: {tensor.name}.filled(0)"
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ArgumentError(
            f"argument {tensor.name} cannot be read as an array ({error})\n  Pass lists of numbers of equal lengths"
        ) from error
    if tensor.kind == "int":
        if array.dtype.kind not in "iub" and array.size:
            raise ArgumentError(
                f"argument {tensor.name} has dtype {array.dtype}, but {tensor!r} holds integers\n"
                f"  Pass {tensor.name}.astype('int64')"
            )
        refuse_beyond(tensor, array)
        return array.astype(np.int64)
    if array.dtype.kind not in ("iubfO" if exact else "iubf"):
        raise ArgumentError(
            f"argument {tensor.name} has dtype {array.dtype}, but {tensor!r} holds real numbers\n  Convert it first"
        )
    if not exact:
        return array.astype(np.float64)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ArgumentError(f"argument {tensor.name} is not finite, so it has no exact value")
    return fractions(array)


def fractions(array: Array) -> Array:
    """Elementwise Fractions; what is not rational (NaN, infinity) stays a float."""

    def convert(v: Any) -> Any:
        return v if isinstance(v, float) and not np.isfinite(v) else Fraction(v)

    flat = [convert(v) for v in array.ravel().tolist()]
    out = np.empty(len(flat), object)
    out[:] = flat
    return out.reshape(array.shape)
