"""Compiled against interpreted, and the data for it."""

import numpy as np

import graphc as gc


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def whole(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 9, shape)


def listed(found, count):
    return [found] if count == 1 else list(found)


def agree(equations, outputs, arguments, wanted=None, **options):
    """Compiled as interpreted, or as `wanted` says."""
    system = gc.System(*equations)
    found = listed(system.compile(*outputs, **options)(**arguments), len(outputs))
    for a, b in zip(found, wanted or listed(system.evaluate(*outputs, **arguments), len(outputs)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4 if options.get("dtype") == "float32" else 1e-9, atol=1e-11)


def both(equation, **arguments):
    """The compiled value, which must be the interpreter's."""
    system = gc.System(equation)
    name = getattr(equation.lhs, "base", equation.lhs).name
    found = system.compile(name)(**arguments)
    np.testing.assert_array_equal(found, system.evaluate(name, **arguments))
    return found
