"""A batch is many samples, each with the value it has alone."""

import numpy as np
import pytest

from graphc.transforms.batch import batch
from tests import oracle
from tests.transforms.systems import EXAMPLES


@pytest.mark.parametrize(("name", "inputs"), [("rnn", "x"), ("garch", "x"), ("convolution", "I"), ("products", "f"),
                                              ("embedding", "word"), ("triangular", "x")])  # fmt: skip
def test_batch_equals_one_by_one(name, inputs):
    system, loss, arguments = EXAMPLES[name]()
    found, outputs = oracle.graded(system, loss)
    together = batch(found, "M", [found.by_name[inputs]])
    samples = [arguments[inputs], np.roll(arguments[inputs], 1, axis=0), arguments[inputs][::-1].copy()]
    wanted = [oracle.values(found, outputs, dict(arguments) | {inputs: x}) for x in samples]
    got = oracle.values(
        together, [together.by_name[o.name] for o in outputs], dict(arguments) | {inputs: np.stack(samples)}
    )
    for k, output in enumerate(got):
        oracle.same([output], [np.stack([w[k] for w in wanted])] if output.ndim > wanted[0][k].ndim else [wanted[0][k]])


def test_parameters_stay_shared():
    system, _, _ = EXAMPLES["rnn"]()
    found = batch(system, "M", [system.by_name["x"]])
    assert repr(found.by_name["W"]) == "W(H, H)" and repr(found.by_name["s"]) == "s(M, T, H)"
