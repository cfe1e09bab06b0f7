"""A recursive network: one cell, applied at every node of a tree, learns what and, or, xor and not mean.

It sees whole expressions and their value only. A forest is a list of nodes in which children come before their parents,
so the recurrence runs over nodes and reads its children at indices from data: h[left[n]], h[right[n]].
C. Goller, A. Küchler: Learning task-dependent distributed representations by backpropagation through structure, 1996.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

import graphc as gc
from graphc import Eq, Sum, softplus, tanh

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
OPERATORS = {"and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b, "not": lambda a, b: 1 - b}
H = 6  # numbers in a node's state
SHAPES: dict[str, tuple[int, ...]] = {"leaf": (2, H), "A": (4, H, H), "B": (4, H, H), "c": (4, H), "v": (H,), "d": ()}


def model() -> gc.System:
    """h[n], the state of a node, of which 0 and 1 are the constants; z[k], the log odds that tree root[k] is true."""
    N, K, O, H = gc.sizes("N K O H")
    n, k, i, j = gc.indices("n k i j")
    left, right, op = gc.inputs("left right op", N, dtype="int64")
    root, value = gc.Input("root", K, dtype="int64"), gc.Input("value", K)
    leaf, A, B = gc.Param("leaf", 2, H), gc.Param("A", O, H, H), gc.Param("B", O, H, H)
    c, v, d = gc.Param("c", O, H), gc.Param("v", H), gc.Param("d")
    h, z, L = gc.Tensor("h", N, H), gc.Tensor("z", K), gc.Tensor("L")
    below = Sum(A[op[n], i, j] * h[left[n], j], j) + Sum(B[op[n], i, j] * h[right[n], j], j)
    return gc.System(
        Eq(h[n, i], tanh(c[op[n], i] + below)),
        Eq(h[0, i], leaf[0, i]),
        Eq(h[1, i], leaf[1, i]),
        Eq(z[k], d + Sum(v[i] * h[root[k], i], i)),
        Eq(L, Sum(softplus(z[k]) - value[k] * z[k], k) / K),
    )


def grow(rng: np.random.Generator, depth: int, nodes: list[tuple[int, int, int]]) -> tuple[int, int, str]:
    """(node, value, text) of a random expression of this depth, whose nodes (left, right, operator) join `nodes`."""
    if depth == 0:
        constant = int(rng.integers(2))
        return constant, constant, str(constant)
    operator = int(rng.integers(len(OPERATORS)))
    name, meaning = list(OPERATORS.items())[operator]
    right, b, right_text = grow(rng, depth - 1, nodes)
    left, a, left_text = (right, b, "") if name == "not" else grow(rng, int(rng.integers(depth)), nodes)
    nodes.append((left, right, operator))
    return len(nodes) - 1, meaning(a, b), f"({left_text} {name} {right_text})" if left_text else f"not {right_text}"


def forest(rng: np.random.Generator, depths: list[int]) -> tuple[dict[str, Array], list[str]]:
    """The model's inputs for random expressions of these depths, and the expressions."""
    nodes = [(0, 0, 0), (1, 1, 0)]  # the constants: nobody reads their children
    root, value, texts = zip(*(grow(rng, depth, nodes) for depth in depths), strict=True)
    left, right, op = np.array(nodes).T.copy()
    return {"left": left, "right": right, "op": op, "root": np.array(root), "value": np.array(value, float)}, list(
        texts
    )


def unpack(flat: Array) -> dict[str, Array]:
    """Parameters by name from one vector."""
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES.values()])
    parts = np.split(flat, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(SHAPES.items(), parts, strict=True)}


def compile_model() -> Function:
    """A native function that gives z, L and dL/dleaf .. dL/dd."""
    return model().grad("L").compile("z", "L", *(f"D(L, {name})" for name in SHAPES))


def learn(run: Function, inputs: dict[str, Array], rounds: int = 400, seed: int = 0) -> Any:
    """SciPy's result of minimising L; `x` holds all parameters in one vector."""

    def value_and_gradient(flat: Array) -> tuple[float, Array]:
        _, loss, *slopes = run(**inputs, **unpack(flat))
        return float(loss), np.concatenate([slope.ravel() for slope in slopes])

    start = np.random.default_rng(seed).normal(size=sum(int(np.prod(shape)) for shape in SHAPES.values())) / 2
    return minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options={"maxiter": rounds})


def main() -> None:
    console, run, rng = Console(), compile_model(), np.random.default_rng(1)
    console.print(model(), highlight=False)
    found = learn(run, forest(rng, [1, 2, 3, 4] * 500)[0])
    console.print(f"2000 expressions of depth 1 to 4 learned in {found.nfev} evaluations, L = {found.fun:.1e}\n")

    table = Table("depth", "expressions", "right", title="Expressions it has not seen")
    for depth in (2, 4, 6, 8, 10):
        inputs, _ = forest(rng, [depth] * 500)
        z, *_ = run(**inputs, **unpack(found.x))
        table.add_row(str(depth), "500", f"{np.mean((z > 0) == inputs['value']):.1%}")
    console.print(table)

    table = Table("expression", "value", "P(true)", title="For instance")
    inputs, texts = forest(rng, [3] * 5)
    z, *_ = run(**inputs, **unpack(found.x))
    for row in zip(texts, inputs["value"], 1 / (1 + np.exp(-z)), strict=True):
        table.add_row(row[0], f"{row[1]:.0f}", f"{row[2]:.4f}")
    console.print(table)


if __name__ == "__main__":
    main()
