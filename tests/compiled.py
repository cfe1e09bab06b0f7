"""Compiled against interpreted, and the data for it."""

from operator import is_

import numpy as np

import graphc as gc


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def whole(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 9, shape)


def listed(found, count):
    return [found] if count == 1 else list(found)


_last = []


def _compiled(equations, outputs, options):
    """The system and its function; those of the call before where that was for the very same equations."""
    asked = [*equations, *outputs]
    if not (_last and options == _last[1] and len(asked) == len(_last[0]) and all(map(is_, asked, _last[0]))):
        system = gc.System(*equations)
        _last[:] = asked, options, system, system.compile(*outputs, **options)
    return _last[2:]


def agree(equations, outputs, arguments, wanted=None, **options):
    """Compiled as interpreted, or as `wanted` says."""
    system, run = _compiled(equations, outputs, options)
    found = listed(run(**arguments), len(outputs))
    for a, b in zip(found, wanted or listed(system.evaluate(*outputs, **arguments), len(outputs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4 if options.get("dtype") == "float32" else 1e-9, atol=1e-11)


def both(equation, **arguments):
    """The compiled value, which must be the interpreter's."""
    system = gc.System(equation)
    name = getattr(equation.lhs, "base", equation.lhs).name
    found = system.compile(name)(**arguments)
    np.testing.assert_array_equal(found, system.evaluate(name, **arguments))
    return found
