"""Costs that must not grow faster than the problem: gradients in time, compilation in equations.

Exponents are fitted to processor time of this thread, the least of several repeats, at sizes a factor of two apart.
"""

import time
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import graphc as gc
from graphc import Eq, Piecewise, Sum, tanh

ATTEMPTS = 4  # a busy machine may spoil a fit, not all of them
T, N, K = gc.sizes("T N K")
t, i, j, k = gc.indices("t i j k")
x, L = gc.Input("x", T), gc.Tensor("L")


def seconds(run, repeats):
    """The least processor time of a call."""
    found = []
    for _ in range(repeats):
        start = time.thread_time()
        run()
        found.append(time.thread_time() - start)
    return min(found)


def exponent(sizes, times):
    """The slope of time against size, both in logarithms."""
    return np.polyfit(np.log(sizes), np.log(times), 1)[0]


def recurrences():
    """Recurrences whose gradients a careless adjoint makes quadratic, and their arguments for T steps."""
    s, W, a = gc.Tensor("s", T, N), gc.Param("W", N, N), gc.Param("a")
    y, p = gc.Tensor("y", T), gc.Param("p", 3)
    early, word = gc.Tensor("early"), gc.Input("word", T, dtype="int64")
    start = Eq(y[-1], 0)
    rng = np.random.default_rng(0)
    numbers = lambda n: {"x": rng.normal(size=n)}
    return {
        "one state": ([Eq(y[t], tanh(a * y[t - 1] + x[t])), start, Eq(L, Sum(y**2))], [a, x],
                      lambda n: numbers(n) | {"a": 0.5}),
        "several lags": (
            [Eq(y[t], sum(p[q] * y[t - 1 - q] for q in range(3)) + x[t]), *(Eq(y[-1 - q], 0) for q in range(3)),
             Eq(L, Sum(y**2))], [p, x], lambda n: numbers(n) | {"p": np.array([0.4, 0.1, 0.1])},
        ),
        "a vector of states": (
            [Eq(s[t, i], tanh(Sum(W[i, j] * s[t - 1, j], j) + x[t])), Eq(s[-1, i], 0), Eq(L, Sum(s[T - 1, i], i))],
            [W, x], lambda n: numbers(n) | {"W": rng.normal(size=(8, 8)) / 4},
        ),
        "an input read at one step only": (
            [Eq(y[t], y[t - 1] / 2 + x[t]), start, Eq(early, x[0] + x[T - 1]), Eq(L, Sum(y) * early)], [x], numbers,
        ),
        "a gather through data": (
            [Eq(y[t], y[t - 1] / 2 + x[word[t]] * x[T - 1 - t]), start, Eq(L, Sum(y**2))], [x],
            lambda n: numbers(n) | {"word": np.minimum(np.arange(n) + rng.integers(0, 9, n), n - 1)},
        ),
        "a branch in time": (
            [Eq(y[t], Piecewise((y[t - 1] * a + x[t], t > T / 2), (x[t] - y[t - 1] / 3, True))), start,
             Eq(L, Sum(y**2))], [a, x], lambda n: numbers(n) | {"a": 0.5},
        ),
    }  # fmt: skip


@pytest.mark.parametrize("what", recurrences())
def test_a_gradient_takes_time_in_proportion_to_the_steps(what):
    """O(T^2) gradients: an adjoint that fills a whole array a step, as an index update in a scan does, has 2."""
    equations, wrt, arguments = recurrences()[what]
    run = gc.System(*equations).compile(L, *(gc.D(L, w) for w in wrt))
    sizes = [4000, 8000, 16_000, 32_000]  # all in cache: the memory's speed is not what is fitted
    for _ in range(ATTEMPTS):
        times = []
        for n in sizes:
            given = arguments(n)
            run(**given)
            times.append(seconds(lambda g=given: run(**g), 20))
        if exponent(sizes, times) <= 1.1:
            return
    raise AssertionError(f"exponent {exponent(sizes, times):.2f} in {dict(zip(sizes, times, strict=True))}")


def chain(n):
    """n scalar equations, each of the one before; the loss and its slope in the one argument, by NumPy."""
    a, names = gc.Input("a"), gc.tensors(" ".join(f"x{q}" for q in range(n)))
    equations = [Eq(names[0], a)]
    for q, (before, now) in enumerate(pairwise(names)):
        value = tanh(before) + a if q % 3 == 1 else before * a
        equations.append(Eq(now, value, evaluate=False))  # SymPy takes its time to find the two sides different
    return [*equations, Eq(L, names[-1] ** 2)], a


def chain_by_hand(n, a):
    value, slope = a, 1.0
    for q in range(n - 1):
        if q % 3 == 1:
            value, slope = np.tanh(value) + a, slope / np.cosh(value) ** 2 + 1
        else:
            value, slope = value * a, slope * a + value
    return value**2, 2 * value * slope


STAGES = ("System", "evaluate", "grad", "compile", "call")


def run_chain(n):
    """Processor time of each stage, for a chain of n equations whose value and gradient are checked."""
    equations, a = chain(n)
    marks = [time.thread_time()]
    system = gc.System(*equations)
    marks.append(time.thread_time())
    value = system.evaluate(L, a=1.1)
    marks.append(time.thread_time())
    graded = system.grad(L, [a])
    marks.append(time.thread_time())
    run = graded.compile(L, gc.D(L, a))
    marks.append(time.thread_time())
    found = run(a=1.1)
    marks.append(time.thread_time())
    wanted = chain_by_hand(n, 1.1)
    np.testing.assert_allclose(value, wanted[0], rtol=1e-10)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)
    return dict(zip(STAGES, (b - a for a, b in pairwise(marks)), strict=True))


@pytest.mark.nightly
def test_a_long_list_of_equations_takes_time_in_proportion_to_its_length():
    """Each stage looks at an equation and what it reads, not at all others: 4,000 equations once took 6.8 s in the
    transforms alone, and LLVM the square of a function's length."""
    sizes = [1000, 2000, 4000]
    run_chain(200)
    least = [dict.fromkeys(STAGES, np.inf) for _ in sizes]
    for _ in range(ATTEMPTS):
        least = [{k: min(v, old[k]) for k, v in run_chain(n).items()} for n, old in zip(sizes, least, strict=True)]
        found = {stage: exponent(sizes, [times[stage] for times in least]) for stage in STAGES[:4]}
        whole = exponent(sizes, [sum(times.values()) for times in least])
        if max(found.values()) < 1.4 and whole < 1.3:
            return
    raise AssertionError((found, whole, least))


@pytest.mark.exhaustive
def test_a_hundred_thousand_equations():
    """No stage recurses from equation to equation, and none is quadratic: minutes, where squares would be days."""
    small, large = run_chain(10_000), run_chain(100_000)
    print({stage: round(s, 1) for stage, s in large.items()})
    assert sum(large.values()) < 20 * sum(small.values())


@pytest.mark.nightly
@pytest.mark.parametrize(
    "form", ["equal chains", "a state a chain", "vectors", "fan", "fan of elements", "one expression"]
)
def test_other_lists_of_equations_take_time_in_proportion_to_their_length(form):
    """Equal chains are shared link by link, in one pass; recurrences are found, ordered and fused one by one; of a long
    sum the shared parts are named all at once (a thousand addends took a minute)."""

    def build(n):
        a, v = gc.Input("a"), gc.Input("v", N)
        if form == "equal chains":
            names = gc.tensors(" ".join(f"p{q} q{q}" for q in range(n)))
            links = [Eq(names[q], tanh(names[q - 2]) if q > 1 else a, evaluate=False) for q in range(2 * n)]
            return [*links, Eq(L, names[-1] + names[-2])], {"a": 0.3}
        if form == "a state a chain":
            names = gc.tensors(" ".join(f"y{q}" for q in range(n)), T)
            steps = [Eq(now[t], now[t - 1] / 2 + before[t]) for before, now in pairwise([x, *names])]
            return [*steps, *(Eq(y[-1], 0) for y in names), Eq(L, Sum(names[-1]))], {"x": np.ones(4)}
        if form == "vectors":
            names = gc.tensors(" ".join(f"v{q}" for q in range(n)), N)
            links = [Eq(now[i], tanh(before[i]) + before[N - 1 - i]) for before, now in pairwise([v, *names])]
            return [*links, Eq(L, Sum(names[-1]))], {"v": np.ones(4)}
        names = gc.tensors(" ".join(f"z{q}" for q in range(n)))
        if form == "one expression":
            row = gc.Input("row", n)
            parts = [tanh(row[q] * (q + 1)) * row[max(q - 1, 0)] for q in range(n)]
            return [Eq(L, sp.Add(*parts), evaluate=False)], {"row": np.ones(n)}
        if form == "fan":
            parts = [Eq(z, tanh(a + q), evaluate=False) for q, z in enumerate(names)]
            return [*parts, Eq(L, sp.Add(*names), evaluate=False)], {"a": 0.3}
        row = gc.Input("row", n)
        parts = [Eq(z, tanh(row[q] * a), evaluate=False) for q, z in enumerate(names)]
        return [*parts, Eq(L, sp.Add(*names), evaluate=False)], {"a": 0.3, "row": np.ones(n)}

    def measure(n):
        equations, given = build(n)
        wrt = list(sp.Tuple(*equations).atoms(gc.Input))
        start = time.thread_time()
        system = gc.System(*equations)
        run = system.compile(L, *(gc.D(L, w) for w in wrt))
        spent = time.thread_time() - start
        np.testing.assert_allclose(run(**given)[0], system.evaluate(L, **given), rtol=1e-10)
        return spent

    sizes = [30, 60, 120]
    measure(10)
    times = [np.inf] * len(sizes)
    for _ in range(ATTEMPTS):
        times = [min(measure(n), old) for n, old in zip(sizes, times, strict=True)]
        if exponent(sizes, times) < 1.5:
            return
    raise AssertionError((exponent(sizes, times), times))


def test_an_expression_that_is_used_twice_at_each_level_is_walked_once():
    """Written out it has 2**30 leaves, as Newton's steps in a loop of Python soon have."""
    s, e = gc.Tensor("s", T), gc.Tensor("s", T)[t - 1] + x[t]
    for _ in range(30):
        e = sp.Add(sp.tanh(e, evaluate=False), sp.cos(e, evaluate=False), evaluate=False)
    net = gc.System(Eq(s[t], e, evaluate=False), Eq(s[-1], 0), Eq(L, Sum(s**2)))
    state, wanted, values = 0.0, 0.0, np.array([0.3, -0.2])
    for value in values:
        state += value
        for _ in range(30):
            state = np.tanh(state) + np.cos(state)
        wanted += state**2
    np.testing.assert_allclose(net.compile(L)(x=values), wanted, rtol=1e-12)
