"""One argument of a call: anything with the array interface or DLPack becomes a contiguous array of the right dtype."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from graphc.equations.sizes import refuse_beyond
from graphc.equations.system import Tensor
from graphc.errors import ArgumentError, counted

Array = np.ndarray[Any, Any]


_DATA = object.__basicsize__  # where NumPy's array object keeps the address of its elements: right behind the header
_PROBE = np.zeros(1)
_DIRECT = ctypes.c_void_p.from_address(id(_PROBE) + _DATA).value == _PROBE.ctypes.data


def data_address(array: Array) -> int:
    """The address of the first element. Read from the array object itself where that is known to work: the documented
    ways (`array.ctypes.data`, `__array_interface__`) build objects that cost more than a small kernel."""
    if _DIRECT:
        return ctypes.c_void_p.from_address(id(array) + _DATA).value or 0
    return int(array.ctypes.data)


def as_array(value: Any, tensor: Tensor, dtype: np.dtype[Any], updated: bool) -> Array:
    """`value` as the kernel wants it: C-contiguous and of `dtype`. Python numbers and lists are converted; an array of
    another dtype or rank is refused, and an updated argument must be usable as it is."""
    if type(value) is np.ndarray and value.dtype is dtype and value.ndim == len(tensor.shape) and not updated:
        return value if value.flags.c_contiguous and value.flags.aligned else np.array(value, order="C")
    if type(value) is float and not tensor.dims and dtype.kind == "f" and not updated:
        return np.array(value, dtype)
    array = _open(value, tensor, updated)
    if array.ndim != len(tensor.shape):
        raise ArgumentError(
            f"{tensor.name} has {counted(array.ndim, 'dimension')} {tuple(array.shape)}, but is declared with "
            f"{len(tensor.shape)}: {tensor!r}\n  {_other_rank(tensor, array)}"
        )
    if isinstance(value, int | float | list | tuple | bool):
        array = _from_python(value, array, tensor, dtype)
    if array.dtype != dtype:
        if tensor.kind == "int" and array.dtype.kind in "iu" and array.dtype.itemsize <= 8 and not updated:
            _refuse_changed(array, tensor)
            return np.asarray(array, dtype=dtype, order="C")  # not `ascontiguousarray`: it gives scalars an axis
        raise _other_dtype(value, tensor, array.dtype, dtype)
    if updated and not (array.flags.c_contiguous and array.flags.writeable and array.flags.aligned):
        raise ArgumentError(
            f"{tensor.name} is updated in place, so it must be a writable, aligned, C-contiguous array\n"
            f"  Make one before the first call: {tensor.name} = np.ascontiguousarray({tensor.name}).copy()"
        )
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")


def _other_rank(tensor: Tensor, array: Array) -> str:
    if not tensor.dims:
        return "It is a scalar: pass a number"
    if array.ndim < len(tensor.shape):
        return "Add axes of one element: x[None], x[:, None]"
    return "Select or reshape; for many samples at once see System.batch"


def _other_dtype(value: Any, tensor: Tensor, found: np.dtype[Any], wanted: np.dtype[Any]) -> ArgumentError:
    name = tensor.name
    what = f"{name} has dtype {found}, but {wanted.name} is wanted"
    if found.kind not in "biuf":
        return ArgumentError(f"{what}\n  Arguments are real numbers or integers: convert it first")
    mend = f"{name}={_converted(name, value, wanted)}"
    if found.kind == "f" and tensor.kind != "real":
        return ArgumentError(f"{what}\n  Indices are integers: pass {mend}")
    other = f", or compile with dtype={found.name!r}" if found in ("float32", "float64") else ""
    return ArgumentError(f"{what}\n  Pass {mend}{other}")


def _converted(name: str, value: Any, wanted: np.dtype[Any]) -> str:
    """How an object of this type is converted: NumPy's way, PyTorch's, or through NumPy."""
    method = {"float32": "float", "float64": "double", "int64": "long"}.get(wanted.name, "")
    if hasattr(value, "astype"):
        return f"{name}.astype({wanted.name!r})"
    if callable(getattr(value, method, None)):
        return f"{name}.{method}()"
    return f"np.asarray({name}).astype({wanted.name!r})"


def _open(value: Any, tensor: Tensor, updated: bool) -> Array:
    if isinstance(value, np.ndarray):
        return _unmasked(value, tensor) if isinstance(value, np.ma.MaskedArray) else value
    if updated and not _shares_memory(value):
        raise ArgumentError(
            f"{tensor.name} is updated in place, so it must be a NumPy array, not {type(value).__name__}\n"
            f"  Make one before the first call: {tensor.name} = np.array({tensor.name})"
        )
    try:
        array = np.from_dlpack(value) if _has_dlpack(value) else np.asarray(value)
    except Exception as error:
        mend = "Pass a NumPy array, or lists of numbers of equal lengths"
        if getattr(value, "requires_grad", False):
            mend = f"It records gradients of its own: pass {tensor.name}={tensor.name}.detach()"
        raise ArgumentError(
            f"{tensor.name}: this {type(value).__name__} cannot be read as an array of numbers\n  {mend}"
        ) from error
    if array.dtype.kind not in "biufc":
        raise ArgumentError(
            f"{tensor.name}: {type(value).__name__} is not an array of numbers: NumPy makes {array.dtype} of it\n"
            "  Pass a NumPy array, or lists of numbers of equal lengths"
        )
    return array


def _has_dlpack(value: Any) -> bool:
    return hasattr(value, "__dlpack__") and not isinstance(value, np.generic)


def _shares_memory(value: Any) -> bool:
    """Whether what NumPy makes of it is certainly no copy, so that an update reaches the caller."""
    if isinstance(value, np.generic):
        return False
    return _has_dlpack(value) or hasattr(value, "__array_interface__") or isinstance(value, memoryview)


def _unmasked(value: Any, tensor: Tensor) -> Array:
    """The elements of a masked array in which nothing is masked."""
    if np.ma.getmaskarray(value).any():
        raise ArgumentError(
            f"{tensor.name} is a masked array, and {counted(int(value.mask.sum()), 'element')} of it masked: "
            "equations have no masks\n"
            f"  Say what stands there: {tensor.name}.filled(0), or multiply by a mask in the equations"
        )
    return np.asarray(value.data)


def _from_python(value: Any, array: Array, tensor: Tensor, dtype: np.dtype[Any]) -> Array:
    reals = array.dtype.kind == "f" and array.size > 0  # no numbers, [], are of each kind
    if array.dtype.kind not in "iufb" or (tensor.kind == "int" and reals):
        raise _other_dtype(value, tensor, array.dtype, dtype)
    if dtype.kind == "i":
        _refuse_changed(array, tensor)
    return array.astype(dtype)


def _refuse_changed(array: Array, tensor: Tensor) -> None:
    """ArgumentError unless all numbers are integers of 64 bits."""
    refuse_beyond(tensor, array)
    given = array.ravel()
    if array.dtype.kind == "f" and (broken := given[(given != np.floor(given)) | (given < -(2.0**63))]).size:
        raise ArgumentError(
            f"{tensor.name} holds {broken[0]}, and the function was compiled for integers\n"
            '  Compile with dtype="float64", or pass integers'
        )


def refuse_aliases(arrays: Mapping[str, Array], updated: Collection[str]) -> None:
    """An argument that is updated in place must share no memory with another."""
    for name in updated:
        for other, array in arrays.items():
            if other != name and np.may_share_memory(arrays[name], array):
                raise ArgumentError(
                    f"{name} is updated in place but shares memory with {other}\n  Pass {other}={other}.copy()"
                )
