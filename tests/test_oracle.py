"""`oracle.check(system)` on systems as users write them: it makes loss and data itself, and notices what is wrong."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, softmax, tanh
from graphc.transforms.differentiate import gradients
from tests import oracle
from tests.arguments import random_arguments

T, N, H = gc.sizes("T N H")
t, i, j, k = gc.indices("t i j k")
x, W, U = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N)
s, y = gc.tensors("s y", T, H)

NETWORK = gc.System(Eq(s[t], tanh(W @ s[t - 1] + U @ x[t])), Eq(s[-1], 0), Eq(y[t], softmax(s[t])))


def tree():
    left, word = gc.Input("left", N, dtype="int64"), gc.Input("word", N, dtype="int64")
    E, h = gc.Param("E", H, 2), gc.Tensor("h", N, 2)
    return gc.System(Eq(h[i, j], tanh(h[left[i], j] + E[word[i], j])), Eq(h[0, j], E[0, j]))


def graph():
    """A node is made of three earlier ones; the first of nothing."""
    parents, v, h = gc.Input("parents", N, 3, dtype="int64"), gc.Input("v", N, H), gc.Tensor("h", N, H)
    c, w = gc.index("c", 3), gc.Param("w", H)
    later = tanh(v[i, j] + w[j] * Sum(h[parents[i, c], j], c))
    return gc.System(Eq(h[i, j], gc.Piecewise((v[0, j], Eq(i, 0)), (later, True))))


def image():
    picture, kernel = gc.Input("I", N, H, outside="reflect"), gc.Param("K", 3, 2)
    S, P = gc.Tensor("S", N, H), gc.Tensor("P", N // 2)
    m = gc.index("m", 2)
    return gc.System(
        Eq(S[i, j], Sum(picture[i + t - 1, j + k] * kernel[t, k], t, k)), Eq(P[i], gc.amax(S[2 * i + m, j], m, j))
    )


SYSTEMS = {"network": NETWORK, "tree": tree(), "graph": graph(), "image": image()}


@pytest.mark.parametrize("name", SYSTEMS)
def test_all_laws(name):
    oracle.check(SYSTEMS[name], transforms=["share"])


def test_random_arguments_fit():
    made = random_arguments(tree().ir, seed=3)
    assert made["left"][0] == 0 and (made["left"][1:] < np.arange(1, len(made["left"]))).all()
    assert made["word"].max() < len(made["E"])


def test_a_wrong_gradient_is_noticed(monkeypatch):
    def half(system, loss, wrt):
        found, d = gradients(system, loss, wrt)
        broken = [
            eq if eq.tensor is not d[wrt[0]] else type(eq)(eq.tensor, eq.reduce, eq.defined, eq.terms[:-1])
            for eq in found.equations
        ]
        return found.with_equations(broken), d

    monkeypatch.setattr(oracle, "gradients", half)
    system, loss = oracle.with_loss(NETWORK.ir, [NETWORK.tensor(s)])
    with pytest.raises(AssertionError):
        oracle.check_gradient(system, loss, random_arguments(system))
