"""Systems written in the representation itself, for tests of what takes and gives systems.

`EXAMPLES` maps a name to a function that gives (system, loss, arguments): each a kind of equation a transform could
get wrong. `term(left, value, {index: (low, end)}, condition..)` is one term; `define` makes the equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Expr, Index, Read, Size, make
from graphc.equations.system import Equation, System, Tensor, Term

Example = tuple[System, Tensor, dict[str, Any]]
Ranges = dict[Index, tuple[Any, Any]]
EXAMPLES: dict[str, Callable[[], Example]] = {}

T, N, H, C, K, X, Y, B = (Size(n) for n in ("T", "N", "H", "C", "K", "X", "Y", "B"))
t, i, j, k, m, n, b = (Index(n) for n in ("t", "i", "j", "k", "m", "n", "b"))


def term(left: Read, value: Any, ranges: Ranges | None = None, *conditions: Expr) -> tuple[Read, Term]:
    ranges = ranges or {}
    bounds = [make(op, index, e) for index, (low, end) in ranges.items() for op, e in (("ge", low), ("lt", end))]
    domain = Domain.where(tuple(ranges), *bounds, *conditions)
    return left, Term(domain, left.subs, value if isinstance(value, Expr) else Const(value))


def define(reduce: str, *terms: tuple[Read, Term]) -> Equation:
    """One equation of these terms; it defines what they write, and for a reduction the declared elements too."""
    tensor = terms[0][0].tensor
    images = [tm.domain.image(tm.write, tensor.dims) for _, tm in terms]
    defined = images[0] if reduce == "assign" else tensor.box
    for image in images:
        defined = defined | image
    return Equation(tensor, reduce, defined.coalesce(), tuple(tm for _, tm in terms))


def given(name: str, *dims: Any, role: str = "input", kind: str = "real") -> Tensor:
    return Tensor(name, dims, role, kind)


def example(make_it: Callable[[], Example]) -> Callable[[], Example]:
    EXAMPLES[make_it.__name__] = make_it
    return make_it


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def square(value: Expr, ranges: Ranges) -> Equation:
    """A loss: the sum of squares."""
    return define("sum", term(Tensor("L")[()], value * value, ranges))


@example
def rnn() -> Example:
    x, W, U, c = given("x", T, N), given("W", H, H), given("U", H, N), given("c", H)
    a, s = Tensor("a", (T, H)), Tensor("s", (T, H))
    ht = {t: (0, T), i: (0, H)}
    loss = square(s[t, i], ht)
    system = System((x, W, U, c), (
        define("sum", term(a[t, i], W[i, j] * s[t - 1, j], {**ht, j: (0, H)}),
               term(a[t, i], U[i, k] * x[t, k], {**ht, k: (0, N)}), term(a[t, i], c[i], ht)),
        define("assign", term(s[t, i], make("tanh", a[t, i]), ht), term(s[-1, i], 0, {i: (0, H)})),
        loss,
    ))  # fmt: skip
    return (
        system,
        loss.tensor,
        {"x": numbers(0, 5, 2), "W": numbers(1, 3, 3), "U": numbers(2, 3, 2), "c": numbers(3, 3)},
    )


@example
def softmax_cross_entropy() -> Example:
    x, V, target = given("x", T, N), given("V", C, N), given("target", T, C)
    o, top, z, y = Tensor("o", (T, C)), Tensor("top", (T,)), Tensor("z", (T,)), Tensor("y", (T, C))
    tc = {t: (0, T), k: (0, C)}
    loss = define("sum", term(Tensor("L")[()], -(target[t, k] * make("log", y[t, k])), tc))
    system = System((x, V, target), (
        define("sum", term(o[t, k], V[k, i] * x[t, i], {**tc, i: (0, N)})),
        define("max", term(top[t], make("stop", o[t, k]), tc)),
        define("sum", term(z[t], make("exp", o[t, k] - top[t]), tc)),
        define("assign", term(y[t, k], make("exp", o[t, k] - top[t]) / z[t], tc)),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"x": numbers(0, 4, 3), "V": numbers(1, 5, 3), "target": abs(numbers(2, 4, 5))}


@example
def convolution() -> Example:
    image, kernel, S = given("I", Y, X), given("K", 3, 2), Tensor("S", (Y + 2, X + 1))
    points = {i: (0, Y + 2), j: (0, X + 1), m: (0, Y), n: (0, X)}
    inside = [make("ge", i - m, 0), make("lt", i - m, 3), make("ge", j - n, 0), make("lt", j - n, 2)]
    loss = square(make("sin", S[i, j]), {i: (0, Y + 2), j: (0, X + 1)})
    kernel = Tensor("K", (Const(3), Const(2)), "param")
    system = System((image, kernel), (
        define("sum", term(S[i, j], image[m, n] * kernel[i - m, j - n], points, *inside)),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"I": numbers(0, 4, 5), "K": numbers(1, 3, 2)}


@example
def strided_dilated() -> Example:
    u, w = given("u", X), given("w", K)
    S = Tensor("S", (make("floordiv", X - 3 * K + 2, 2) + 1,))
    size = S.dims[0]
    loss = square(S[i], {i: (0, size)})
    system = System((u, w), (
        define("sum", term(S[i], u[2 * i + 3 * m] * w[m], {i: (0, size), m: (0, K)})),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"u": numbers(0, 12), "w": numbers(1, 3)}


@example
def pooling_with_ties() -> Example:
    f, w, P = given("F", 2 * Y, 2 * X), given("w", Y, X), Tensor("P", (Y, X))
    yx = {i: (0, Y), j: (0, X)}
    loss = define("sum", term(Tensor("L")[()], w[i, j] * P[i, j] * P[i, j], yx))
    system = System((f, w), (
        define("max", term(P[i, j], f[2 * i + m, 2 * j + n], {**yx, m: (0, 2), n: (0, 2)})),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"F": numbers(0, 4, 6), "w": numbers(1, 2, 3)}


@example
def products() -> Example:
    f, P, Q = given("f", T, N), Tensor("P", (T,)), Tensor("Q")
    loss = define("sum", term(Tensor("L")[()], P[t] * P[t], {t: (0, T)}), term(Tensor("L")[()], Q[()]))
    loss = define("sum", *[(loss.tensor[()], tm) for tm in loss.terms])
    system = System((f,), (
        define("prod", term(P[t], f[t, i], {t: (0, T), i: (0, N)}), term(P[t], f[t, 0] + 2, {t: (1, T)})),
        define("prod", term(Q[()], make("sin", f[t, i]), {t: (0, T), i: (0, N)}, make("ne", i, t))),
        loss,
    ))  # fmt: skip
    values = numbers(0, 3, 4)
    values[0, 1] = values[1, 2] = values[1, 3] = 0
    return system, loss.tensor, {"f": values}


@example
def second_order_lag() -> Example:
    p, x, s = given("p", 2), given("x", T), Tensor("s", (T,))
    p = Tensor("p", (Const(2),), "param")
    loss = square(s[t], {t: (0, T)})
    system = System((p, x), (
        define("assign", term(s[t], make("sin", p[0] * s[t - 1] + p[1] * s[t - 2]) + x[t], {t: (0, T)}),
               term(s[-1], p[0]), term(s[-2], 2)),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"p": numbers(0, 2), "x": numbers(1, 6)}


@example
def backward_in_time() -> Example:
    x, f, g = given("x", T), Tensor("f", (T,)), Tensor("g", (T + 1,))
    loss = square(g[t], {t: (0, T + 1)})
    system = System((x,), (
        define("assign", term(f[t], x[t] * f[t - 1], {t: (1, T)}), term(f[0], x[0])),
        define("assign", term(g[t], make("tanh", g[t + 1] * f[t] + x[t]), {t: (0, T)}), term(g[T], 1)),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"x": numbers(0, 5)}


@example
def edit_distance() -> Example:
    c, d = given("c", X, Y), Tensor("d", (X + 1, Y + 1))
    xy = {i: (1, X + 1), j: (1, Y + 1)}
    best = make("minimum", make("minimum", d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + c[i - 1, j - 1])
    loss = define("assign", term(Tensor("L")[()], d[X, Y] * d[X, Y]))
    system = System((c,), (
        define("assign", term(d[i, j], best, xy), term(d[i, 0], i / 2, {i: (0, X + 1)}),
               term(d[0, j], j / 3, {j: (1, Y + 1)})),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"c": numbers(0, 4, 3)}


@example
def heat() -> Example:
    u0, q, u = given("u0", X), given("q"), Tensor("u", (T + 1, X))
    inner = u[t - 1, i] + q[()] * (u[t - 1, i - 1] - 2 * u[t - 1, i] + u[t - 1, i + 1])
    loss = square(u[T, i], {i: (0, X)})
    system = System((u0, q), (
        define("assign", term(u[t, i], inner, {t: (1, T + 1), i: (1, X - 1)}), term(u[0, i], u0[i], {i: (0, X)}),
               term(u[t, 0], 0, {t: (1, T + 1)}),
               term(u[t, X - 1], u[t - 1, X - 2], {t: (1, T + 1)}, make("ge", X, 2))),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"u0": numbers(0, 6), "q": np.array(0.3), "T": 3}


@example
def triangular() -> Example:
    w, x, y = given("w", T, T), given("x", T), Tensor("y", (T,))
    total = Tensor("y_sum", (T,))
    loss = square(y[t], {t: (0, T)})
    system = System((w, x), (
        define("sum", term(total[t], w[t, j] * y[j], {t: (0, T), j: (0, T)}, make("lt", j, t))),
        define("assign", term(y[t], (x[t] - total[t]) / (2 + w[t, t] * w[t, t]), {t: (0, T)})),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"w": numbers(0, 4, 4), "x": numbers(1, 4)}


@example
def boundary_rules() -> Example:
    u, w, e = given("u", X), Tensor("w", (Const(3),), "param"), Tensor("e", (X,))
    rules = [make("clip", i + m - 1, X), make("mirror", i + m - 2, X), make("mod", i + m + 3, X)]
    loss = square(e[i], {i: (0, X)})
    system = System((u, w), (
        define("sum", *[term(e[i], u[r] * w[m], {i: (0, X), m: (0, 3)}) for r in rules]),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"u": numbers(0, 4), "w": numbers(1, 3)}


@example
def embedding() -> Example:
    word, E = given("word", T, kind="int"), given("E", N, H)
    h = Tensor("h", (N,))
    loss = define("sum", term(Tensor("L")[()], E[word[t], i] * E[word[t], i] * E[word[t], 0], {t: (0, T), i: (0, H)}),
                  term(Tensor("L")[()], h[n] * h[n], {n: (0, N)}))  # fmt: skip
    system = System((word, E), (
        define("sum", term(h[word[t]], make("exp", E[word[t], 0]), {t: (0, T)})),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"word": np.array([2, 0, 2, 3]), "E": numbers(0, 4, 2)}


@example
def tree() -> Example:
    left, right, leaf = (given(c, N, kind="int") for c in ("left", "right", "leaf"))
    w, h = given("w", N), Tensor("h", (N,))
    loss = define("assign", term(Tensor("L")[()], h[N - 1]))
    inner = make("tanh", h[make("minimum", left[n], n - 1)] * w[n] - h[make("minimum", right[n], n - 1)])
    value = make("select", make("gt", leaf[n], 0), w[n], inner)
    nodes = define("assign", term(h[n], value, {n: (1, N)}), term(h[0], w[0]))
    system = System((left, right, leaf, w), (nodes, loss))
    arguments = {"left": [0, 0, 0, 0, 2], "right": [0, 0, 0, 1, 3], "leaf": [1, 1, 1, 0, 0], "w": numbers(0, 5)}
    return system, loss.tensor, {k: np.asarray(v) for k, v in arguments.items()}


@example
def branches() -> Example:
    x, y = given("x", N), Tensor("y", (N,))
    yes = make("sqrt", x[i]) + make("log", x[i])
    value = make("select", make("gt", x[i], 0), yes, make("select", make("lt", x[i], -1), x[i] * x[i], 0))
    loss = define("sum", term(Tensor("L")[()], y[i] * make("abs", x[i]), {i: (0, N)}))
    system = System((x,), (define("assign", term(y[i], value + make("relu", x[i]), {i: (0, N)})), loss))
    return system, loss.tensor, {"x": np.array([0.5, -0.5, -2.0, 1.5])}


@example
def garch() -> Example:
    x, p, h = given("x", T), Tensor("p", (Const(3),), "param"), Tensor("h", (T,))
    loss = define("sum", term(Tensor("L")[()], make("log", h[t]) + x[t] * x[t] / h[t], {t: (0, T)}))
    system = System((x, p), (
        define("assign", term(h[t], make("exp", p[0]) + p[1] * x[t - 1] * x[t - 1] + p[2] * h[t - 1], {t: (1, T)}),
               term(h[0], 1)),
        loss,
    ))  # fmt: skip
    return system, loss.tensor, {"x": numbers(0, 7), "p": np.array([0.1, 0.3, 0.5])}


@example
def ring() -> Example:
    return coupled(4, 6)


def coupled(count: int, steps: int) -> Example:
    """`count` scalar recurrences in a ring: s_i[t] = tanh(p0 s_i[t-1] + p1 s_{i-1}[t-1] + p2 x[t])."""
    x, p = given("x", T), Tensor("p", (Const(3),), "param")
    states = [Tensor(f"s{q}", (T,)) for q in range(count)]
    equations = []
    for q, s in enumerate(states):
        value = make("tanh", p[0] * s[t - 1] + p[1] * states[q - 1][t - 1] + p[2] * x[t])
        equations.append(define("assign", term(s[t], value, {t: (0, T)}), term(s[-1], q)))
    loss = define("sum", *[term(Tensor("L")[()], s[t] * s[t], {t: (0, T)}) for s in states])
    loss = define("sum", *[(loss.tensor[()], tm) for tm in loss.terms])
    return System((x, p), (*equations, loss)), loss.tensor, {"x": numbers(0, steps), "p": np.array([0.5, 0.3, 0.2])}
