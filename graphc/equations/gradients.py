"""`D(L, W)` in equations: read as a placeholder while equations are lowered, put in place once they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import sympy as sp

from graphc.equations.errors import CausalityError, DefinitionError, ShapeError
from graphc.equations.expr import Expr, Read, transform
from graphc.equations.names import Written
from graphc.equations.system import Equation, System, Tensor, Term, dependencies
from graphc.language import symbols as sy
from graphc.language.notation import D
