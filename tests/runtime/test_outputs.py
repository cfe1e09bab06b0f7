"""What a call gives back: fresh arrays by name, in the order asked; and functions as objects."""

import gc as collector
import pickle

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, amax, tanh

T, N, M = gc.sizes("T N M")
t, i, j, n = gc.indices("t i j n")
x, W = gc.Input("x", T, N), gc.Param("W", N, N)
s, L, last = gc.Tensor("s", T, N), gc.Tensor("L"), gc.Tensor("last", N)
RNN = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0), Eq(L, Sum(s**2)), Eq(last[i], s[T - 1, i]))
rng = np.random.default_rng(0)
ARGS = {"x": rng.normal(size=(6, 3)), "W": rng.normal(size=(3, 3))}
X, REAL, y = gc.Input("X", T, N), np.array([1.0, 2.5, -3.0]), gc.Tensor("y", N)


def test_one_output_is_one_array_and_several_are_named():
    assert isinstance(RNN.compile("s")(**ARGS), np.ndarray)
    found = RNN.compile("L", "s", "last")(**ARGS)
    assert found._fields == ("L", "s", "last")
    np.testing.assert_array_equal(found.last, found.s[-1])
    np.testing.assert_allclose(found.L, (found.s**2).sum())
    assert found.L.shape == () and found.s.shape == (6, 3)


def test_gradients_have_names_too():
    found = RNN.compile("L", gc.D(L, W))(**ARGS)
    assert len(found) == 2 and found[1].shape == (3, 3)
    assert all(name.isidentifier() for name in found._fields)


def test_several_can_be_pickled():
    found = RNN.compile("L", gc.D(L, W))(**ARGS)
    again = pickle.loads(pickle.dumps(found))
    assert again._fields == found._fields
    np.testing.assert_array_equal(again[1], found[1])


@pytest.mark.parametrize("outputs", [("s",), ("L", gc.D(L, W))])
def test_what_is_written_out_can_be_pickled(outputs):
    """Its tensors are others than those of the system, of the same names."""
    run = RNN.compile(*outputs, unfold=True, sizes={"T": 6})
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again(**ARGS)[-1], run(**ARGS)[-1])


def test_start_values_are_no_part_of_what_is_returned():
    found = RNN.compile("s")(**ARGS)
    assert found.shape == (6, 3)
    np.testing.assert_allclose(found, RNN.evaluate("s", **ARGS))


@pytest.mark.parametrize("steps", [3, 20_000])
def test_what_was_returned_does_not_change_in_later_calls(steps):
    """Large outputs nobody holds are used again; those that somebody holds, by a view or otherwise, are not."""
    run = RNN.compile("s")
    first = rng.normal(size=(steps, 3))
    held = run(x=first, W=ARGS["W"])
    kept, view = held.copy(), held[1:, ::2]
    other = memoryview(run(x=-first, W=ARGS["W"]))
    copy = np.array(other)
    del held
    for _ in range(3):
        run(x=rng.normal(size=(steps, 3)), W=ARGS["W"])
    np.testing.assert_array_equal(view, kept[1:, ::2])
    np.testing.assert_array_equal(np.asarray(other), copy)
    del view, other
    collector.collect()
    np.testing.assert_array_equal(run(x=first, W=ARGS["W"]), kept)


def test_arguments_are_never_written():
    kept = {k: v.copy() for k, v in ARGS.items()}
    RNN.compile("s", "L", gc.D(L, W))(**ARGS)
    for name, value in ARGS.items():
        np.testing.assert_array_equal(value, kept[name])


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0), (1, 1)])
def test_sizes_of_zero_and_one(shape):
    given = {"x": np.ones(shape), "W": np.ones((shape[1], shape[1]))}
    system = gc.System(Eq(s[t], tanh(W @ s[t - 1] + x[t])), Eq(s[-1], 0), Eq(L, Sum(s**2)))
    found = system.compile("s", "L", gc.D(L, W))(**given)
    np.testing.assert_allclose(found[0], system.evaluate("s", **given))
    assert found[0].shape == shape and found[2].shape == given["W"].shape
    if 0 in shape:
        assert found.L == 0 and not found[2].any()


def test_reductions_of_nothing_are_their_identities():
    a, z = gc.Input("a", T, N), gc.Tensor("z", T)
    empty = np.ones((2, 0))
    assert (gc.System(Eq(z[t], Sum(a[t, i], i))).compile("z")(a=empty) == 0).all()
    assert (gc.System(Eq(z[t], gc.Prod(a[t, i], i))).compile("z")(a=empty) == 1).all()
    assert (gc.System(Eq(z[t], amax(a[t, i], i))).compile("z")(a=empty) == -np.inf).all()


def test_an_element_that_is_not_there_is_refused():
    with pytest.raises(gc.DomainError, match="does not exist"):
        gc.System(Eq(last[i], x[T - 1, i])).compile("last")(x=np.ones((0, 3)))


def test_a_function_is_picklable():
    run = RNN.compile("L", "s", sizes={"N": 3}, dtype="float32")
    again = pickle.loads(pickle.dumps(run))
    given = {k: v.astype(np.float32) for k, v in ARGS.items()}
    for a, b in zip(run(**given), again(**given), strict=True):
        np.testing.assert_array_equal(a, b)


def test_each_stage_can_be_looked_at():
    run = RNN.compile("s")
    assert "define" in run.llvm_ir and "ret" in run.assembly
    assert run.program.fingerprint() and str(run.program)
    assert run.stats["nests"] > 0 and run.stats["seconds"]["total"] > 0
    run(**ARGS)
    run(**ARGS)
    assert run.stats["shapes_seen"] == 1
    assert repr(run) == "<graphc.Function s (float64) of x, W>" or repr(run).startswith("<graphc.Function s (float64)")


def test_one_compilation_serves_all_shapes():
    run = RNN.compile("s")
    for steps, width in [(1, 1), (2, 9), (65, 4), (130, 17), (3, 33)]:
        given = {"x": rng.normal(size=(steps, width)), "W": rng.normal(size=(width, width)) / width}
        state, wanted = np.zeros(width), []
        for row in given["x"]:
            state = np.tanh(given["W"] @ state + row)
            wanted.append(state)
        np.testing.assert_allclose(run(**given), wanted, rtol=1e-9, atol=1e-12)


def test_memory_is_used_again_as_it_was_made():
    """Whoever held a result may have made it read-only."""
    y, v = gc.Tensor("y", N), gc.Input("v", N)
    run, data = gc.System(Eq(y[i], 2 * v[i])).compile(), np.ones(100_000)
    first = run(v=data)
    first.flags.writeable = False
    del first
    for _ in range(3):
        assert run(v=data).flags.writeable


def test_large_results_of_another_shape_are_other_arrays():
    Y = gc.Tensor("Y", T, N)
    run = gc.System(Eq(Y[t, n], 2 * X[t, n])).compile("Y")
    for shape in ((400, 200), (200, 400), (400, 200)):
        assert run(X=np.ones(shape)).shape == shape


def test_large_outputs_of_other_shapes_and_as_many_elements():
    x = gc.Input("x", N)
    v, table = gc.Input("v", M), gc.Tensor("table", N, M)
    run = gc.System(Eq(table[i, j], x[i] + 2 * v[j])).compile(table)
    for shape in ((256, 512), (512, 256), (128, 1024)):
        a, b = map(np.arange, shape)
        found = run(x=a.astype(float), v=b.astype(float)).copy()
        np.testing.assert_array_equal(found, a[:, None] + 2 * b)


def test_an_output_asked_for_twice_is_there_twice():
    x = gc.Input("x", N)
    system = gc.System(Eq(y[i], 2 * x[i]), Eq(L, Sum(y)))
    first, loss, again = system.compile("y", "L", "y")(x=REAL)
    np.testing.assert_array_equal(first, 2 * REAL)
    np.testing.assert_array_equal(again, 2 * REAL)
    assert loss == 1 and again is not first
