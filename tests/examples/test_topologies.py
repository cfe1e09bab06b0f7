"""The three topologies read digits, and each equals a loop in NumPy over one sequence at a time."""

import numpy as np
import pytest

import graphc as gc
from examples import topologies
from graphc.library import initial, parameters

SIZES = {"H": 6, "N": 8, "C": 10, "T": 8, "Q": topologies.LEVELS}
rng = np.random.default_rng(0)


def weights_of(equations):
    found = initial(parameters(equations), SIZES, rng)
    return {name: w + 0.1 * rng.normal(size=w.shape) for name, w in found.items()}


def softmax(o):
    return np.exp(o) / np.exp(o).sum(-1, keepdims=True)


def outputs(x, w):
    """Softmax outputs of the hidden-to-hidden network at each step of one sequence."""
    s, out = np.zeros(SIZES["H"]), []
    for row in x:
        s = np.tanh(w["b"] + w["W"] @ s + w["U"] @ row)
        out.append(softmax(w["c"] + w["V"] @ s))
    return np.array(out)


def test_accuracy_on_held_out_digits():
    each, forced, end = topologies.main()
    assert each >= 0.95 and end >= 0.95
    assert forced >= 0.9
    assert (topologies.ROOT / "out" / "topologies.png").stat().st_size > 1000


def test_an_output_at_each_step():
    equations = topologies.hidden_to_hidden(at_end=False)
    w, x = weights_of(equations), rng.normal(size=(2, 3, 5, 8))
    found = gc.System(*equations).compile("p")(x=x, step=1, **w)
    np.testing.assert_allclose(found, np.stack([outputs(one, w) for one in x[1]], 1), rtol=1e-12)


def test_sequences_of_unequal_length_are_as_good_as_alone():
    equations = topologies.hidden_to_hidden(at_end=True)
    w, x, length = weights_of(equations), rng.normal(size=(1, 4, 9, 8)), np.array([[9, 1, 4, 6]])
    found = gc.System(*equations).compile("p")(x=x, length=length, step=0, **w)
    alone = [outputs(one[:n], w)[-1] for one, n in zip(x[0], length[0], strict=True)]
    np.testing.assert_allclose(found, alone, rtol=1e-12)
    with pytest.raises(gc.ArgumentError):
        gc.System(*equations).compile("p")(x=x, length=length + 1, step=0, **w)


def test_teacher_forcing_needs_no_recurrence_and_free_running_does():
    forced = gc.System(*topologies.output_to_hidden(forced=True)).graph()
    free = gc.System(*topologies.output_to_hidden(forced=False)).graph().without_auxiliary()
    assert forced.is_dag and free.cycles == [["a", "s", "o", "y", "drawn"]]


def test_fed_with_what_it_has_drawn_itself_it_draws_the_same_again():
    w = weights_of(topologies.output_to_hidden(forced=True))
    digit, noise = np.arange(10)[None], rng.gumbel(size=(10, 8, 8, SIZES["Q"]))
    drawn = gc.System(*topologies.output_to_hidden(forced=False)).compile("drawn")(
        digit=digit, noise=noise, step=0, **w
    )
    o = gc.System(*topologies.output_to_hidden(forced=True)).compile("o")(grey=drawn[None], digit=digit, step=0, **w)
    np.testing.assert_array_equal((o + noise).argmax(-1), drawn)
