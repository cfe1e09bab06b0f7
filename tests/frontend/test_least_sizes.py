"""Sizes that are never below a least value: `gc.sizes("H", min=2)`."""

import copy
import pickle

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from tests.oracle import check

H = gc.sizes("H", min=2)
i = gc.index("i")
W, y = gc.Param("W", H, H), gc.Tensor("y")
corner = gc.System(Eq(y, W[1, 0] * W[0, 1] + Sum(W[i, 1], i)))


def test_elements_at_literal_places_are_there():
    check(corner)


def test_without_the_promise_the_message_asks_for_it():
    W = gc.Param("W", gc.sizes("H"), gc.sizes("H"))
    with pytest.raises(gc.DomainError, match=r'Or, if H is never below 2, say so: gc.sizes\("H", min=2\)'):
        gc.System(Eq(y, W[1, 0]))


def test_the_least_is_part_of_what_a_size_is():
    assert gc.sizes("H") != H
    assert pickle.loads(pickle.dumps(H)) == copy.deepcopy(H) == H
    assert gc.sizes("H N", min=2)[0] == H


@pytest.mark.parametrize("n", [0, 1])
def test_a_smaller_call_is_refused(n):
    run = pickle.loads(pickle.dumps(corner)).compile(y)
    for call in (run, lambda W: corner.evaluate(y, W=W), lambda W: corner.compile(y, sizes={"H": n})):
        with pytest.raises(gc.ArgumentError, match=f"size H = {n}.*below 2"):
            call(W=np.ones((n, n)))


def test_the_promise_stays_with_a_system_over_samples():
    B = gc.sizes("B", min=3)
    many = corner.batch(B, W).compile(y)
    assert many(W=np.ones((3, 2, 2))).tolist() == [3, 3, 3]
    with pytest.raises(gc.ArgumentError, match="size B = 2"):
        many(W=np.ones((2, 2, 2)))


def test_explained():
    assert "H  at least 2" in str(corner.explain())


@pytest.mark.parametrize("least", [0, -1, 1.5, True, "2"])
def test_a_least_value_is_a_positive_integer(least):
    with pytest.raises(gc.DefinitionError, match="min="):
        gc.sizes("H", min=least)


def test_two_sizes_of_one_name_must_agree():
    with pytest.raises(gc.DefinitionError, match="a size of at least 2"):
        gc.System(Eq(gc.Tensor("z", H)[i], gc.Input("x", gc.sizes("H"))[i]))
