"""Systems that are used again and again, written in the language: each function returns equations, nothing is special.

A thousand steps of training in one native call:

    rule = adam(L, [W, U, b], rate=0.01)
    step = gc.System(*model, *rule.equations).compile("L", update=rule.update)
    step.loop(1000, x=x, target=target, **weights, **rule.start(**weights))
"""

from graphc.library.cells import elman, gru, lstm
from graphc.library.layers import Layer, conv2d, dense, maxpool
from graphc.library.losses import cross_entropy, mse
from graphc.library.optimisers import Optimiser, adam, sgd
from graphc.library.progress import chunks
from graphc.library.training import Trained, initial, minibatches, parameters, train

__all__ = [
    "Layer",
    "Optimiser",
    "Trained",
    "adam",
    "chunks",
    "conv2d",
    "cross_entropy",
    "dense",
    "elman",
    "gru",
    "initial",
    "lstm",
    "maxpool",
    "minibatches",
    "mse",
    "parameters",
    "sgd",
    "train",
]
