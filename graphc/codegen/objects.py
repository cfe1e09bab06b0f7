"""`kernel_objects`: the kernel, called with a tuple of Python's arrays instead of an array of pointers.

Reading an array's address from Python takes longer than a small kernel runs. Native code loads it: a tuple's items lie
behind its header, and an array's address behind the header of its object. Both places are tried out on this
interpreter before they are relied on.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from graphc.codegen.values import I64, PTR
from graphc.equations.system import Tensor
from graphc.schedule.program import Program

_ITEMS, _DATA = tuple.__basicsize__, object.__basicsize__


def _check_places() -> None:
    array = np.zeros(1)
    both = (array, array)
    items = [ctypes.c_void_p.from_address(id(both) + _ITEMS + 8 * k).value for k in range(2)]
    data = ctypes.c_void_p.from_address(id(array) + _DATA).value
    if items != [id(array)] * 2 or data != array.ctypes.data:
        raise ImportError("this Python or NumPy lays out its objects in a way that graphc does not know")


_check_places()


def argument_places(program: Program, arguments: Sequence[Tensor]) -> list[int]:
    """Where the kernel's arguments are in a call's tuple: outputs first, then what is given, in the kernel's order."""
    given = [t for t in arguments if t.given]
    outputs = program.outputs
    return [len(outputs) + given.index(t) if t.given else outputs.index(t) for t in arguments]


def objects_function(module: ir.Module, run: ir.Function, places: Sequence[int]) -> None:
    """kernel_objects(tuple) -> the check that failed, or 0: `run`, its argument k being item `places[k] + 1`.

    Item 0 is an array of integers: addresses of sizes and workspace, how often to run, then what a bad index is.
    """
    function = ir.Function(module, ir.FunctionType(I64, [PTR]), "kernel_objects")
    b = ir.IRBuilder(function.append_basic_block("entry"))
    pointers = b.alloca(PTR, ir.Constant(I64, max(len(places), 1)))
    (objects,) = function.args

    def at(base: ir.Value, offset: int) -> ir.Value:
        return b.gep(base, [ir.Constant(I64, offset)], inbounds=True, source_etype=ir.IntType(8))

    def data(item: int) -> ir.Value:
        return b.load(at(b.load(at(objects, _ITEMS + 8 * item), typ=PTR), _DATA), typ=PTR)

    for k, place in enumerate(places):
        b.store(data(place + 1), b.gep(pointers, [ir.Constant(I64, k)], source_etype=PTR))
    call = data(0)
    sizes, workspace, bad = b.load(call, typ=PTR), b.load(at(call, 8), typ=PTR), at(call, 24)
    b.store(I64(0), bad)
    b.call(run, [pointers, sizes, workspace, bad, b.load(at(call, 16), typ=I64)])
    b.ret(b.load(bad, typ=I64))
