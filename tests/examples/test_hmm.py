"""The forward algorithm equals the sum over all paths; its gradient equals the expected counts of forward-backward."""

from itertools import product

import numpy as np
import pytest

from examples import hmm

STATES, SIGNS, STEPS = 3, 4, 6


@pytest.fixture(scope="module")
def counts():
    return hmm.compile_model()


@pytest.fixture(scope="module")
def chain():
    rng = np.random.default_rng(0)
    start, change, emit = (rng.random(shape) for shape in ((STATES,), (STATES, STATES), (STATES, SIGNS)))
    return *(p / p.sum(-1, keepdims=True) for p in (start, change, emit)), rng.integers(0, SIGNS, STEPS)


def forward_backward(start, change, emit, y):
    """(likelihood, expected first states, transitions and emissions), in plain probabilities."""
    a, b = np.empty((len(y), len(start))), np.ones((len(y), len(start)))
    a[0] = start * emit[:, y[0]]
    for t in range(1, len(y)):
        a[t] = (a[t - 1] @ change) * emit[:, y[t]]
    for t in range(len(y) - 2, -1, -1):
        b[t] = change @ (emit[:, y[t + 1]] * b[t + 1])
    total = a[-1].sum()
    states = a * b / total
    moves = sum(np.outer(a[t], emit[:, y[t + 1]] * b[t + 1]) * change / total for t in range(len(y) - 1))
    shown = np.zeros_like(emit)
    for t, sign in enumerate(y):
        shown[:, sign] += states[t]
    return total, states[0], moves, shown


def test_the_likelihood_is_the_sum_over_all_paths(counts, chain):
    start, change, emit, y = chain
    total = 0.0
    for path in product(range(STATES), repeat=STEPS):
        p = start[path[0]] * emit[path[0], y[0]]
        for t in range(1, STEPS):
            p *= change[path[t - 1], path[t]] * emit[path[t], y[t]]
        total += p
    logs = {"start": np.log(start), "change": np.log(change), "emit": np.log(emit)}
    np.testing.assert_allclose(counts(y=y, **logs)[0], np.log(total), rtol=1e-12)


def test_the_gradient_counts_what_forward_backward_expects(counts, chain):
    start, change, emit, y = chain
    total, *wanted = forward_backward(start, change, emit, y)
    loss, *found = counts(y=y, start=np.log(start), change=np.log(change), emit=np.log(emit))
    np.testing.assert_allclose(loss, np.log(total), rtol=1e-12)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


def test_logarithms_stand_long_series(counts):
    _, y = hmm.throw(5000)
    loss, *found = counts(y=y, start=np.log(hmm.START), change=np.log(hmm.CHANGE), emit=np.log(hmm.FACES))
    assert np.isfinite(loss)
    np.testing.assert_allclose(found[1].sum(), len(y) - 1, rtol=1e-9)
    np.testing.assert_allclose(found[2].sum(0), np.bincount(y, minlength=6), rtol=1e-9)


def test_every_round_of_learning_raises_the_likelihood(counts):
    _, y = hmm.throw(2000)
    guess = [hmm.START, np.array([[0.8, 0.2], [0.2, 0.8]]), np.array([[1 / 6] * 6, [0.14] * 5 + [0.3]])]
    _, history = hmm.learn(counts, y, 20, guess)
    assert np.all(np.diff(history) > -1e-9)


def test_the_example_runs(capsys):
    hmm.main()
    assert "loaded die stays" in capsys.readouterr().out
