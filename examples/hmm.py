"""A hidden Markov model: the forward algorithm in logarithms. Its gradient is Baum and Welch's backward algorithm.

The derivative of log P(observations) with respect to log A[i, j] is the number of times the chain is expected to have
gone from i to j, so the gradient alone re-estimates the model (expectation maximisation): the casino that swaps dice.
L. Rabiner: A tutorial on hidden Markov models, Proceedings of the IEEE 77, 1989.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import graphc as gc
from graphc import Eq, logsumexp

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]
FAIR_TO, LOADED_TO = (0.95, 0.05), (0.10, 0.90)
START, CHANGE = np.array([0.5, 0.5]), np.array([FAIR_TO, LOADED_TO])
FACES = np.array([[1 / 6] * 6, [0.1] * 5 + [0.5]])  # the loaded die shows a six every other time


def model() -> gc.System:
    """f[t, j] = log P(observations 0..t, state j at t), L = log P(all observations); parameters in logarithms."""
    T, S, O = gc.sizes("T S O")
    t, i, j = gc.indices("t i j")
    y = gc.Input("y", T, dtype="int64")
    start, change, emit = gc.Param("start", S), gc.Param("change", S, S), gc.Param("emit", S, O)
    f, L = gc.Tensor("f", T, S), gc.Tensor("L")
    return gc.System(
        Eq(f[t, j], emit[j, y[t]] + logsumexp(f[t - 1, i] + change[i, j], i)),
        Eq(f[0, j], emit[j, y[0]] + start[j]),
        Eq(L, logsumexp(f[T - 1, j], j)),
    )


def compile_model() -> Function:
    """(L, dL/dstart, dL/dchange, dL/demit): the likelihood's logarithm and the expected counts."""
    return model().grad("L").compile("L", "D(L, start)", "D(L, change)", "D(L, emit)")


def throw(n: int, seed: int = 3) -> tuple[Array, Array]:
    """The states and the faces (0..5) of `n` throws."""
    rng = np.random.default_rng(seed)
    states = [int(rng.random() < START[1])]
    for _ in range(n - 1):
        states.append(int(rng.random() < CHANGE[states[-1], 1]))
    return np.array(states), np.array([rng.choice(6, p=FACES[s]) for s in states])


def learn(counts: Function, y: Array, rounds: int, parameters: list[Array]) -> tuple[list[Array], list[float]]:
    """Expectation maximisation: the gradient's expected counts, normalised, are the next probabilities."""
    history = []
    for _ in range(rounds):
        logs = dict(zip(("start", "change", "emit"), map(np.log, parameters), strict=True))
        loss, *expected = counts(y=y, **logs)
        history.append(float(loss))
        parameters = [c / c.sum(-1, keepdims=True) for c in expected]
    return parameters, history


def main() -> None:
    console, counts = Console(), compile_model()
    console.print(model(), highlight=False)
    _, y = throw(20_000)
    guess = [
        np.array([0.5, 0.5]),
        np.array([[0.8, 0.2], [0.2, 0.8]]),
        np.array([[0.18] * 5 + [0.1], [0.14] * 5 + [0.3]]),
    ]
    (_, change, emit), history = learn(counts, y, 60, guess)

    table = Table("throws", "first guess", "60 rounds", "the truth", title="log P(throws)")
    logs = {"start": np.log(START), "change": np.log(CHANGE), "emit": np.log(FACES)}
    truth = counts(y=y, **logs)[0]
    table.add_row(str(len(y)), f"{history[0]:.1f}", f"{history[-1]:.1f}", f"{truth:.1f}")
    console.print(table)
    table = Table("probability", "true", "learned", title="What the throws alone tell about the casino")
    table.add_row("fair die stays", f"{CHANGE[0, 0]:.3f}", f"{change[0, 0]:.3f}")
    table.add_row("loaded die stays", f"{CHANGE[1, 1]:.3f}", f"{change[1, 1]:.3f}")
    table.add_row("six of the fair die", f"{FACES[0, 5]:.3f}", f"{emit[0, 5]:.3f}")
    table.add_row("six of the loaded die", f"{FACES[1, 5]:.3f}", f"{emit[1, 5]:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
