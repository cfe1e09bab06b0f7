"""Elementary functions as LLVM IR: no call leaves the compiled code; each lane of a vector is computed as a scalar is.

`emit` takes a builder, a function's name and its arguments (float, double, or a vector of either of any length)
and gives the result. Range reduction and minimax polynomials; errors stay below 2 ULP in both formats; NaN, infinities,
signed zeros and subnormals behave as C99's Annex F says, and NumPy where C has no such function. A number of ULP in a
docstring is the largest error found in all floats and ten million doubles (docs/functions.md has both).

Each function is emitted once per type as an internal function of the module, and each use is a call, marked to be
inlined or not to be: so a use costs one line of text, whichever it is, and never splits the builder's block.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from graphc.codegen.target import Target, host
from graphc.codegen.vectormath import power
from graphc.codegen.vectormath.functions import FUNCTIONS, INSTRUCTIONS
from graphc.codegen.vectormath.lanes import Kit, type_suffix
from graphc.codegen.vectormath.power import has_products as has_products

SUPPORTED: frozenset[str] = frozenset(FUNCTIONS) | frozenset(INSTRUCTIONS)


def arity(name: str) -> int:
    """How many arguments a function takes. ValueError if there is none of that name."""
    body = FUNCTIONS.get(name) or INSTRUCTIONS.get(name)
    if body is None:
        raise ValueError(f"no function {name!r} for generated code; there are: {', '.join(sorted(SUPPORTED))}")
    return body.__code__.co_argcount - 1


def emit(
    builder: ir.IRBuilder, name: str, args: Sequence[ir.Value], inline: bool = True, target: Target | None = None
) -> ir.Value:
    """The function of that name, of arguments that all have one type: float, double, or a vector of one of these.

    `inline` says whether LLVM is to copy the body to this place (loops) or to call it (straight-line code with
    many uses). `target` is the machine the module is for, by default this one. ValueError if the name is unknown,
    TypeError if the arguments do not fit it.
    """
    target = target or host()
    wanted = arity(name)
    if len(args) != wanted:
        raise TypeError(f"{name} takes {wanted} arguments, not {len(args)}")
    real_type = args[0].type
    element = real_type.element if isinstance(real_type, ir.VectorType) else real_type
    if not isinstance(element, ir.FloatType | ir.DoubleType) or any(a.type != real_type for a in args):
        raise TypeError(f"{name} takes reals of one type, not {', '.join(str(a.type) for a in args)}")
    if name in INSTRUCTIONS:
        kit = Kit(builder, real_type, target)
        return INSTRUCTIONS[name](kit, *(kit.real(a) for a in args)).value
    function = _function(builder.module, name, real_type, target)
    return builder.call(function, args, attrs=["alwaysinline" if inline else "noinline"])


def emit_power(builder: ir.IRBuilder, base: ir.Value, exponent: float, target: Target | None = None) -> ir.Value:
    """base**exponent for a literal of which `has_products` holds: a few instructions, always in line."""
    kit = Kit(builder, base.type, target or host())
    return power.of_literal(kit, kit.real(base), exponent).value


def _function(module: ir.Module, name: str, real_type: ir.Type, target: Target) -> ir.Function:
    full = f"graphc.{name}.{type_suffix(real_type)}"
    function = module.globals.get(full)
    if function is None:
        count = arity(name)
        function = ir.Function(module, ir.FunctionType(real_type, [real_type] * count), full)
        function.linkage = "internal"
        function.attributes.add("nounwind")
        builder = ir.IRBuilder(function.append_basic_block())
        kit = Kit(builder, real_type, target)
        builder.ret(FUNCTIONS[name](kit, *(kit.real(a) for a in function.args)).value)
    return function
