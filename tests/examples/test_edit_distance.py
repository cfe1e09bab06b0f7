"""The compiled table equals dynamic programming in plain Python."""

import numpy as np
import pytest

from examples import edit_distance

WORDS = [("kitten", "sitting"), ("", "abc"), ("abc", ""), ("", ""), ("a", "a"), ("recurrence", "convergence")]


@pytest.fixture(scope="module")
def distances():
    return edit_distance.model().compile("distance", "d", dtype="int64")


def table(a, b):
    d = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(d[-1][j] + 1, row[-1] + 1, d[-1][j - 1] + (x != y)))
        d.append(row)
    return np.array(d)


@pytest.mark.parametrize("a, b", WORDS)
def test_the_table(distances, a, b):
    distance, d = distances(a=edit_distance.letters(a), b=edit_distance.letters(b))
    assert d.dtype == np.int64
    np.testing.assert_array_equal(d, table(a, b))
    assert distance == d[-1, -1]


def test_long_random_words(distances):
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 80), rng.integers(0, 4, 95)
    np.testing.assert_array_equal(distances(a=a, b=b)[1], table(a, b))


@pytest.mark.parametrize("a, b", WORDS)
def test_the_alignment_spells_both_words_and_costs_the_distance(a, b):
    pairs = edit_distance.alignment(table(a, b), a, b)
    assert "".join(x for x, _ in pairs).replace("-", "") == a
    assert "".join(y for _, y in pairs).replace("-", "") == b
    assert sum(x != y for x, y in pairs) == table(a, b)[-1, -1]


def test_the_example_runs(capsys):
    edit_distance.main()
    assert "6 edits" in capsys.readouterr().out
