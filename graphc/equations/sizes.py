"""Concrete sizes from the shapes of arguments: a dimension that is a bare size tells it, affine ones follow.

    x(T, N) of shape (10, 3), w(K) of shape (4,), y(T + K - 1)   gives   T = 10, N = 3, K = 4

Everything is checked: shapes that contradict each other or leave a size open are an ArgumentError, and so are values of
the wrong kind (`as_argument`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from graphc.equations.composed import polynomial
from graphc.equations.domain import size_names
from graphc.equations.expr import Const, Expr, Op, Size, postorder, substitute
from graphc.equations.ops import OPS
from graphc.equations.system import System, Tensor
from graphc.errors import ArgumentError, counted

Array = npt.NDArray[Any]
MOST = 1 << 59  # elements of one tensor


def dim_value(dim: Expr, sizes: Mapping[str, int]) -> int:
    """The value of an integer expression of sizes. Raises ArgumentError where it divides by 0."""
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
                try:
                    done[node] = int(exact(*(done[a] for a in node.args)))
                except ZeroDivisionError as error:
                    what = f"{dim!r} has no value {_at(dim, sizes)}"
                    raise ArgumentError(f"{what}\n  Call with sizes of at least 1") from error
    return done[dim]


def solve_sizes(system: System, shapes: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> dict[str, int]:
    """The value of every size of `system`, from the shapes of its arguments by name and the sizes given.

    Raises ArgumentError where they contradict each other or leave a size open."""
    known = _stated(system, given)
    dims = _dims(system, shapes)
    source = _follow(dims, known)
    if wrong := _contradiction(dims, known, source):
        raise ArgumentError(_transposed(system, shapes, given) or wrong)
    for name in system.sizes:
        if name not in known and name not in system.composed:
            _solvable(name, dims, known)
            raise ArgumentError(
                f"size {name} cannot be inferred: {_untold(name, dims, known)}\n  Pass it by name: {name}=.."
            )
    for name in system.sizes:
        if name in system.composed and name not in known:
            known[name], source[name] = dim_value(system.composed[name], known), "other sizes"
    for name, value in known.items():
        if value < 0:
            raise ArgumentError(
                f"size {name} would be {value} (from {source[name]})\n  Pass shapes that agree, or another {name}"
            )
    not_below(system.least, known, source)
    for t in system.tensors:
        _fits(t, known)
    return {name: known[name] for name in system.sizes}


Dims = list[tuple[Tensor, int, Expr, int]]  # tensor, axis, its dimension, how many elements the argument has there


def _dims(system: System, shapes: Mapping[str, Sequence[int]]) -> Dims:
    tensors = {t.name: t for t in system.inputs}
    made_of: dict[Expr, Expr] = {Size(name): definition for name, definition in system.composed.items()}
    return [
        (tensors[name], k, substitute(d, made_of), int(shape[k]))
        for name, shape in shapes.items()
        for k, d in enumerate(_rank(tensors[name], shape))
    ]


def _follow(dims: Dims, known: dict[str, int]) -> dict[str, str]:
    """Add to the sizes known what the dimensions tell, bare ones first; which argument each size is from."""
    source = dict.fromkeys(known, "the call")
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
    return source


def _untold(name: str, dims: Dims, known: Mapping[str, int]) -> str:
    """Why no shape tells a size."""
    for tensor, k, dim, extent in dims:
        if any(len(m) > 1 and name in size_names(*m) for m in polynomial(dim, {})):
            others = sorted(size_names(dim) & known.keys())
            at = " at " + ", ".join(f"{n} = {known[n]}" for n in others) if others else ""
            return f"axis {k} of {tensor.name}, {dim!r} = {extent}, does not tell it{at}"
    return "no argument's shape tells it"


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


def not_below(least: Mapping[str, int], sizes: Mapping[str, int], source: Mapping[str, str] | None = None) -> None:
    """ArgumentError if a size is below the least value that was promised of it."""
    for name, low in least.items():
        if sizes.get(name, low) < low:
            origin = f" (from {source[name]})" if source else ""
            raise ArgumentError(
                f'size {name} = {sizes[name]}{origin} is below {low}, the least that gc.sizes("{name}", min={low}) '
                f"promises\n  Call with {name} of at least {low}, or declare it with a smaller min"
            )


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
    if len(shape) != len(tensor.shape):
        raise ArgumentError(
            f"argument {tensor.name} has {counted(len(shape), 'axis', 'axes')}, shape {tuple(shape)}, "
            f"but {tensor!r} has {len(tensor.shape)}\n  Reshape it"
        )
    return tensor.shape


def _solve(dim: Expr, extent: int, known: Mapping[str, int], affine: bool) -> tuple[str, int] | None:
    """The size that `dim = extent` tells: a bare one, or the only open one of a sum of products."""
    if isinstance(dim, Size):
        return None if dim.name in known else (dim.name, extent)
    if not affine:
        return None
    open_, rest = _open(dim, extent, known)
    return _root(*open_[0], rest, known) if len(open_) == 1 else None


def _open(dim: Expr, extent: int, known: Mapping[str, int]) -> tuple[list[tuple[tuple[Expr, ...], int]], int]:
    """The products of a dimension with sizes that are not known, each with its factor, and what they must add up to."""
    rest, open_ = extent, []
    for factors, k in polynomial(dim, {}).items():
        if size_names(*factors) <= known.keys():
            rest -= k * math.prod(dim_value(f, known) for f in factors)
        else:
            open_.append((factors, k))
    return open_, rest


def _root(factors: tuple[Expr, ...], k: int, value: int, known: Mapping[str, int]) -> tuple[str, int] | None:
    """The size of which `k` times these factors, all others known, is `value`; None where there is no such number."""
    others = [f for f in factors if size_names(f) <= known.keys()]
    unknown = [f for f in factors if f not in others]
    k *= math.prod(dim_value(f, known) for f in others)
    if len(set(unknown)) != 1 or not isinstance(unknown[0], Size) or not k or value % k:
        return None
    power, n = value // k, len(unknown)
    root = power if n == 1 else round(abs(power) ** (1 / n))
    return (unknown[0].name, root) if root**n == power else None


def _solvable(name: str, dims: Dims, known: Mapping[str, int]) -> None:
    """ArgumentError if a dimension has no solution for this size in whole numbers."""
    for tensor, axis, dim, extent in dims:
        open_, rest = _open(dim, extent, known)
        factors, k = open_[0] if len(open_) == 1 else ((), 0)
        unknown = [f for f in factors if not size_names(f) <= known.keys()]
        step = k * math.prod(dim_value(f, known) for f in factors if f not in unknown)
        if step and set(unknown) == {Size(name)}:
            power, least = len(unknown), extent - rest
            root = int(max(rest // step, 0) ** (1 / power) + 1e-9)
            near = [n for q in (root, root + 1) if (n := least + step * q**power) >= 0] or [least + step]
            others = sorted(size_names(dim) & known.keys())
            at = " at " + ", ".join(f"{n} = {known[n]}" for n in others) if others else ""
            raise ArgumentError(
                f"axis {axis} of argument {tensor.name} has {extent} elements, and {dim!r} = {extent} has no solution "
                f"in whole numbers{at}\n  Pass {' or '.join(map(str, sorted(near)))}"
            )


def _contradiction(dims: Dims, known: Mapping[str, int], source: Mapping[str, str]) -> str | None:
    """What to say of the first axis that does not have the length that the sizes give; of two opinions on a size, the
    rarer is wrong."""
    for tensor, k, dim, extent in dims:
        names = sorted(size_names(dim))
        if not set(names) <= known.keys() or dim_value(dim, known) == extent:
            continue
        told = {n: (known[n], source[n]) for n in names}
        if isinstance(dim, Size):
            alike = [(t, axis, n) for t, axis, d, n in dims if d is dim]
            odd = [(t, axis) for t, axis, n in alike if n == known[dim.name]]
            if 0 < len(odd) < len([n for _, _, n in alike if n == extent]):
                told[dim.name] = extent, tensor.name
                (tensor, k), extent = odd[0], known[dim.name]
        others = [f"{n} = {value} from {name}" for n, (value, name) in told.items() if name != tensor.name]
        because = f" ({', '.join(others)})" if others else f" ({_at(dim, known)})" if names else ""
        wanted = dim_value(dim, {n: value for n, (value, _) in told.items()})
        return (
            f"axis {k} of argument {tensor.name} has {extent} elements, but {tensor!r} has {dim!r} = {wanted} there"
            f"{because}\n  Pass shapes that agree, or give the axes different sizes"
        )
    return None


def _transposed(system: System, shapes: Mapping[str, Sequence[int]], given: Mapping[str, int]) -> str | None:
    """What to say where all would agree if just one argument were transposed."""
    fits = []
    for name, shape in shapes.items():
        if len(shape) == 2 and shape[0] != shape[1]:
            known, dims = _stated(system, given), _dims(system, {**shapes, name: shape[::-1]})
            if _contradiction(dims, known, _follow(dims, known)) is None:
                fits.append(name)
    if len(fits) != 1:
        return None
    shape, t = tuple(map(int, shapes[fits[0]])), system.by_name[fits[0]]
    return (
        f"argument {t.name} has shape {shape}, which agrees with the others only as {t!r} of shape {shape[::-1]}\n"
        f"  Pass it transposed, {t.name}.T, if that is meant, or shapes that agree"
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
