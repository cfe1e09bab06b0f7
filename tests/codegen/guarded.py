"""Arrays that lie against a page that must not be touched: one element too far, and the process ends.

`beside(array, "after")` is a copy whose last byte is the last before such a page; "before": whose first is the first
behind one.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import numpy as np

from graphc.runtime import frame, function

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
    shape = np.shape(array)
    array = np.ascontiguousarray(array)
    room = Room(array.nbytes)
    offset = PAGE if side == "before" else PAGE + room.length - array.nbytes
    found = np.frombuffer(room, array.dtype, array.size, offset).reshape(shape)
    found[...] = array.reshape(shape)
    return found


class GuardedFrame(frame.Frame):
    """Buffers of a call, each beside a forbidden page."""

    side = "after"

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.block = beside(np.full(-(-size // 64) * 64, 0xFF, np.uint8), self.side)
        self.call[frame.WORKSPACE] = self.block.ctypes.data

    def outputs(self, shapes: frame.Shapes) -> list[Array]:
        return [beside(np.full(out.shape, -1, out.dtype), self.side) for out in shapes.outputs]


def call_guarded(run: function.Function, side: str, arguments: Mapping[str, Any]) -> Any:
    """A call with arguments, results and workspace beside forbidden pages; its buffers are not used again."""
    given = {k: beside(np.asarray(v), side) if np.ndim(v) else v for k, v in arguments.items()}
    run._local.frame = None
    try:
        with patch.object(function, "Frame", GuardedFrame), patch.object(GuardedFrame, "side", side):
            return run(**given)
    finally:
        run._local.frame = None
