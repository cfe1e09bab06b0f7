"""One argument of a call: anything with the array interface or DLPack becomes a contiguous array of the right dtype."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from graphc.equations.errors import ArgumentError
from graphc.equations.system import Tensor

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
    if type(value) is np.ndarray and value.dtype is dtype and value.ndim == len(tensor.dims) and not updated:
        return value if value.flags.c_contiguous and value.flags.aligned else np.ascontiguousarray(value).copy()
    if type(value) is float and not tensor.dims and tensor.kind == "real" and not updated:
        return np.array(value, dtype)
    array = _open(value, tensor, updated)
    if array.ndim != len(tensor.dims):
        raise ArgumentError(
            f"{tensor.name} has {array.ndim} dimensions {tuple(array.shape)}, "
            f"but is declared with {len(tensor.dims)}: {tensor!r}"
        )
    if isinstance(value, int | float | list | tuple | bool):
        array = _from_python(array, tensor, dtype)
    if array.dtype != dtype:
        if tensor.kind == "int" and array.dtype.kind in "iu" and array.dtype.itemsize <= 8 and not updated:
            return np.ascontiguousarray(array, dtype=dtype)
        raise ArgumentError(
            f"{tensor.name} has dtype {array.dtype}, but {dtype.name} is wanted\n"
            f"  mend: {tensor.name}=x.astype({dtype.name!r})"
            + (
                f", or compile with dtype={str(array.dtype)!r}"
                if array.dtype in ("float32", "float64") and tensor.kind == "real"
                else ""
            )
        )
    if updated and not (array.flags.c_contiguous and array.flags.writeable):
        raise ArgumentError(
            f"{tensor.name} is updated in place, so it must be a writable, C-contiguous array\n"
            f"  mend: {tensor.name} = np.ascontiguousarray({tensor.name}).copy()"
        )
    return array if array.flags.c_contiguous and array.flags.aligned else np.ascontiguousarray(array).copy()


def _open(value: Any, tensor: Tensor, updated: bool) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, int | float | list | tuple | bool | np.generic):
        if updated:
            raise ArgumentError(
                f"{tensor.name} is updated in place, so it must be a NumPy array, not {type(value).__name__}"
            )
        return np.asarray(value)
    try:
        if hasattr(value, "__dlpack__") and not isinstance(value, np.generic):
            return np.from_dlpack(value)
        return np.asarray(value)
    except Exception as error:
        raise ArgumentError(f"{tensor.name}: {type(value).__name__} cannot be read as an array ({error})") from error


def _from_python(array: Array, tensor: Tensor, dtype: np.dtype[Any]) -> Array:
    if array.dtype.kind not in "iufb" or (tensor.kind == "int" and array.dtype.kind == "f"):
        raise ArgumentError(f"{tensor.name}: values of type {array.dtype} where {dtype.name} is wanted")
    return array.astype(dtype)


def refuse_aliases(arrays: Mapping[str, Array], updated: Collection[str]) -> None:
    """An argument that is updated in place must share no memory with another."""
    for name in updated:
        for other, array in arrays.items():
            if other != name and np.may_share_memory(arrays[name], array):
                raise ArgumentError(
                    f"{name} is updated in place but shares memory with {other}\n  mend: pass {other}={other}.copy()"
                )
