"""A recursive network: one cell, applied at every node of a tree, learns the values of Boolean expressions.

A tree is written as a list in which children come before their parents, so the recurrence runs over nodes and reads its
children by indices from data, h[left[n]] and h[right[n]]. A node joins two subtrees by an operator; a `not` has one
subtree twice. C. Goller, A. Küchler: Learning task-dependent distributed representations by backpropagation through
structure, 1996.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import minimize

import graphc as gc
from graphc import Eq, Piecewise, Sum, sigmoid, softplus, tanh

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
SIGNS = ("0", "1", "not", "and", "or", "xor")
LEAVES = 2
SHAPES = {"A": (6, 5, 5), "B": (6, 5, 5), "c": (6, 5), "v": (5,), "d": ()}
