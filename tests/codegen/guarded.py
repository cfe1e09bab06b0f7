"""Arrays that lie against a page that must not be touched: one element too far, and the process ends.

`beside(array, "after")` is a copy whose last byte is the last before such a page; "before": whose first is the first
behind one.
"""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np

PAGE = mmap.PAGESIZE
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
Array = np.ndarray[Any, Any]


class Room(mmap.mmap):
    """Memory between two pages that may not be read or written."""

    def __new__(cls, size: int) -> Room:
        pages = -(-max(size, 1) // PAGE)
        room = super().__new__(cls, -1, (pages + 2) * PAGE)
        room.start = ctypes.addressof(ctypes.c_char.from_buffer(room))
        room.length = pages * PAGE
        for page in (room.start, room.start + PAGE + room.length):
            if _libc.mprotect(page, PAGE, 0):
                raise OSError(ctypes.get_errno(), "mprotect")
        return room

    start: int
    length: int


def beside(array: Array, side: str) -> Array:
    """A writable copy that ends where the forbidden page begins, or begins where one ends."""
    array = np.ascontiguousarray(array)
    room = Room(array.nbytes)
    offset = PAGE if side == "before" else PAGE + room.length - array.nbytes
    found = np.frombuffer(room, array.dtype, array.size, offset).reshape(array.shape)
    found[...] = array
    return found
