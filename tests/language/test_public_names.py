"""The public names, and what importing them costs."""

import subprocess
import sys

import sympy

import graphc as gc

NAMES = [
    "sizes",
    "index",
    "indices",
    "Input",
    "Param",
    "Tensor",
    "inputs",
    "params",
    "tensors",
    "Eq",
    "System",
    "D",
    "conv",
    "correlate",
    "equivalent",
    "jvp",
    "Sum",
    "Prod",
    "Mean",
    "amax",
    "amin",
    "logsumexp",
    "softmax",
    "argmax",
    "argmin",
    "sigmoid",
    "relu",
    "softplus",
    "gelu",
    "isnan",
    "isfinite",
    "exp",
    "log",
    "tanh",
    "sqrt",
    "sin",
    "cos",
    "Abs",
    "Max",
    "Min",
    "Piecewise",
    "Heaviside",
    "sign",
    "erf",
    "floor",
    "Mod",
    "GraphcError",
    "ShapeError",
    "DomainError",
    "CausalityError",
    "DefinitionError",
    "ArgumentError",
    "UnsupportedError",
]


def test_every_name_of_the_language_is_there():
    assert set(NAMES) <= set(gc.__all__) and all(hasattr(gc, name) for name in gc.__all__)
    assert gc.Eq is sympy.Eq and gc.exp is sympy.exp


def test_errors_have_one_base():
    assert all(issubclass(getattr(gc, n), gc.GraphcError) for n in NAMES if n.endswith("Error"))


def test_importing_loads_sympy_and_little_more():
    heavy = "{'numpy', 'islpy', 'llvmlite', 'networkx', 'rich'}"
    code = f"import sys, sympy; before = set(sys.modules); import graphc; print({heavy} & (set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
