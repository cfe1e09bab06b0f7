"""What a user holds: a system and its methods."""

import pickle

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum, tanh

T, N, H = gc.sizes("T N H")
t, i, j = gc.indices("t i j")
x, W, U = gc.Input("x", T, N), gc.Param("W", H, H), gc.Param("U", H, N)
a, s, L = gc.Tensor("a", T, H), gc.Tensor("s", T, H), gc.Tensor("L")
EQUATIONS = [Eq(a[t], W @ s[t - 1] + U @ x[t]), Eq(s[t], tanh(a[t])), Eq(s[-1], 0), Eq(L, Sum(s**2))]
rng = np.random.default_rng(0)
ARGS = {"x": rng.normal(size=(3, 2)), "W": rng.normal(size=(4, 4)), "U": rng.normal(size=(4, 2))}


def states(x):
    state, out = np.zeros(4), []
    for row in x:
        state = np.tanh(ARGS["W"] @ state + ARGS["U"] @ row)
        out.append(state)
    return np.array(out)


def test_outputs_by_name_or_tensor_one_or_several():
    net = gc.System(*EQUATIONS)
    np.testing.assert_allclose(net.evaluate("s", **ARGS), states(ARGS["x"]))
    found = net.evaluate(L, "s", a, **ARGS)
    assert isinstance(found, tuple) and [np.ndim(f) for f in found] == [0, 2, 2]
    with pytest.raises(gc.ArgumentError, match="there is no tensor q"):
        net.evaluate("q", **ARGS)


def test_equations_may_come_as_a_list():
    np.testing.assert_allclose(gc.System(EQUATIONS).evaluate("s", **ARGS), states(ARGS["x"]))


def test_a_system_prints_its_equations():
    assert repr(gc.System(*EQUATIONS)).splitlines()[0] == "Eq(a[t], U @ x[t] + W @ s[t-1])"


def test_a_system_is_picklable():
    net = pickle.loads(pickle.dumps(gc.System(*EQUATIONS)))
    np.testing.assert_allclose(net.evaluate(s, **ARGS), states(ARGS["x"]))


def test_unfolding_leaves_the_values_and_no_cycle():
    net = gc.System(*EQUATIONS).unfold(t, 3)
    np.testing.assert_allclose(net.evaluate("s", **ARGS), states(ARGS["x"]))
    np.testing.assert_allclose(net.evaluate("s_1", **ARGS), states(ARGS["x"])[1])
    with pytest.raises(gc.DefinitionError, match="no left side has the index q"):
        gc.System(*EQUATIONS).unfold("q", 3)


def test_unfolding_and_differentiating_commute():
    net = gc.System(*EQUATIONS)
    first = net.unfold(t, 3).grad(L, W).evaluate(gc.D(L, W), **ARGS)
    then = net.grad(L, W).unfold(t, 3).evaluate(gc.D(L, W), **ARGS)
    np.testing.assert_allclose(first, then, rtol=1e-12)


def test_a_batch_of_samples_shares_the_parameters():
    B = gc.sizes("B")
    net = gc.System(*EQUATIONS).batch(B, [x])
    xs = rng.normal(size=(5, 3, 2))
    found = net.evaluate(s, **(ARGS | {"x": xs}))
    np.testing.assert_allclose(found, [states(x) for x in xs])


def test_a_batch_is_unfolded_over_time():
    """The batch's axis stands before the others: unfolding wrote that out."""
    alone, data = gc.System(*EQUATIONS).grad(L, [W]), dict(ARGS, x=rng.normal(size=(2, 3, 2)))
    wanted = [alone.evaluate(gc.D(L, W), **dict(ARGS, x=one)) for one in data["x"]]
    for found in (alone.batch("B", x).unfold(t, 3), alone.unfold(t, 3).batch("B", x)):
        assert found.graph().is_dag
        np.testing.assert_allclose(found.compile(gc.D(L, W))(**data), np.stack(wanted))


def test_unfolding_over_one_index_after_the_other():
    g = gc.Tensor("g", N, H)
    table = gc.System(Eq(g[i, j], g[i - 1, j] + g[i, j - 1]), Eq(g[-1, j], 1), Eq(g[i, -1], 1))
    wanted = table.compile(g)(N=3, H=2)
    for flat in (table.unfold(i, 3).unfold(j, 2), table.unfold(j, 2).unfold(i, 3)):
        assert flat.graph().is_dag
        np.testing.assert_array_equal(flat.compile(g)(), wanted)


def test_the_gradient_of_an_expression_beside_a_tensor_of_its_name():
    p = gc.Param("p")
    system = gc.System(Eq(gc.Tensor("loss_0"), 3 * p), Eq(L, p**2))
    np.testing.assert_allclose(system.compile(gc.D(L + p, p), gc.D(L * p, p))(p=2.0), [5, 12])


def test_forward_mode():
    V = gc.Input("V", H, H)
    v = rng.normal(size=(4, 4))
    net = gc.System(*EQUATIONS)
    slope = gc.jvp(net, L, {W: V}).evaluate("L_dot", V=v, **ARGS)
    gradient = net.grad(L, W).evaluate(gc.D(L, W), **ARGS)
    np.testing.assert_allclose(slope, (gradient * v).sum(), rtol=1e-12)


def test_threads_may_make_systems_at_the_same_time():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        systems = list(pool.map(lambda _: gc.System(*EQUATIONS), range(8)))
    assert len({repr(s.ir) for s in systems}) == 1


@pytest.mark.parametrize("name", ["mod", "max", "exists", "i0", "τ", "__size_x"])
def test_a_size_may_have_any_name(name):
    S = gc.sizes(name)
    u, y = gc.Input("u", S), gc.Tensor("y", S)
    system = gc.System(Eq(y[t], y[t - 1] + u[t]), Eq(y[-1], 0))
    assert system.ir.sizes == (name,)
    assert pickle.loads(pickle.dumps(system)).evaluate(y, u=np.arange(4.0)).tolist() == [0, 1, 3, 6]
    with pytest.raises(gc.DomainError, match=f"for example with {name} = 3"):
        gc.System(Eq(y[t], y[t - 1] + u[t]))
