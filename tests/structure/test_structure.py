"""The shape of programs, as small strings and counts: what a change of the compiler must not lose unnoticed."""

import graphc as gc
from graphc import Eq, Sum, tanh
from graphc.schedule.program import Loop
from tests.schedule.build import K, M, N, T, i, j, k, m, n, program, seed_rnn, t

L = gc.Tensor("L")


def inside_time(p):
    """The statements of all loops along `t`, as text."""
    return [repr(s) for nest in p.nests if any(v.name == "t" for v in nest.outer) for s in nest.statements]


def test_the_recurrent_network():
    system, _ = seed_rnn()
    p = program(system, "L")
    assert "t_block(a | a | t(a | s))" in p.fingerprint()
    assert inside_time(p) == ["a[t, i] += W_p[k, i] * s[t - 1, k]", "s[t, i] = tanh(a[t, i])"]
    assert len(p.nests) <= 18 and len(p.loops) == 2


def test_the_recurrent_network_and_its_gradient():
    system, v = seed_rnn()
    p = program(system, v["L"], wrt=[v[name] for name in "WUVbc"])
    assert {s.split(" ")[0].split("[")[0] for s in inside_time(p)} == {"a", "s", "ds", "da"}
    assert [loop.step for loop in p.loops if loop.var.name == "t"] in ([1, -1, -1], [1, -1])
    assert len(p.nests) <= 32


def test_weight_gradients_are_sums_over_all_of_time_outside_every_loop():
    system, v = seed_rnn()
    p = program(system, v["L"], wrt=[v[name] for name in "WUVbc"])
    for name in ("dW", "dU", "dV", "db", "dc"):
        nests = [nest for nest in p.nests if any(s.tensor.name == name and s.mode == "sum" for s in nest.statements)]
        assert len(nests) == 1 and nests[0].outer == ()


def test_the_teacher_forced_network_has_no_loop():
    """Feedback from the output, the target in its place: every step can be computed at once."""
    H, C = gc.sizes("H C")
    x, target = gc.Input("x", T, N), gc.Input("target", T, C)
    U, R, V = gc.Param("U", H, N), gc.Param("R", H, C), gc.Param("V", C, H)
    h, o = gc.Tensor("h", T, H), gc.Tensor("o", T, C)
    feedback = gc.Piecewise((Sum(R[i, k] * target[t - 1, k], k), t > 0), (0, True))
    system = gc.System(
        Eq(h[t, i], tanh(Sum(U[i, j] * x[t, j], j) + feedback)),
        Eq(o[t, k], Sum(V[k, i] * h[t, i], i)),
        Eq(L, Sum((o[t, k] - target[t, k]) ** 2, t, k)),
    )
    assert program(system, "L").loops == []
    assert program(system, L, wrt=[U, R, V]).loops == []


def test_the_adjoint_of_a_convolution_is_a_convolution():
    """One sum of products, with the same ranges and a shifted read: no guards, no scatter."""
    x, w, F = gc.Input("x", N), gc.Param("w", K), gc.Tensor("F", N + K - 1)
    system = gc.System(Eq(F[i], Sum(x[m] * w[i - m], m)), Eq(L, Sum(F[i] ** 2, i)))
    p = program(system, L, wrt=[x, w])
    assert p.loops == []
    for name in ("dx", "dw"):
        sums = [s for nest in p.nests for s in nest.statements if s.tensor.name == name and s.mode == "sum"]
        assert len(sums) == 1
        (s,) = sums
        assert len(s.domain.indices) == 2 and "select" not in repr(s) and "stop" not in repr(s)
        assert repr(s.value).count("*") == 1 and repr(s.value).count("dF[") == 1


def test_the_adjoint_of_an_image_convolution_is_one_too():
    image, kernel = gc.Input("I", N, M), gc.Param("K", 3, 3)
    S = gc.Tensor("S", N - 2, M - 2)
    system = gc.System(Eq(S[i, j], Sum(image[i + m, j + n] * kernel[m, n], m, n)), Eq(L, Sum(S[i, j] ** 2, i, j)))
    p = program(system, L, wrt=[image, kernel])
    assert p.loops == []
    sums = {s.tensor.name: s for nest in p.nests for s in nest.statements if s.mode == "sum"}
    assert len(sums["dI"].domain.indices) == 4 and len(sums["dK"].domain.indices) == 4


def test_an_attention_has_no_loop():
    q, keys, values = gc.Input("q", T, N), gc.Input("keys", T, N), gc.Input("values", T, M)
    a, y = gc.Tensor("a", T, T), gc.Tensor("y", T, M)
    u = gc.index("u")
    system = gc.System(
        Eq(a[t, u], gc.exp(Sum(q[t, i] * keys[u, i], i))),
        Eq(y[t, j], Sum(a[t, u] * values[u, j], (u, 0, t)) / Sum(a[t, u], (u, 0, t))),
        Eq(L, Sum(y[t, j] ** 2, t, j)),
    )
    assert program(system, "L").loops == []
    assert program(system, L, wrt=[q, keys, values]).loops == []


def test_of_a_lstm_only_what_recurs_is_in_the_loop():
    H = gc.sizes("H")
    x, h, c = gc.Input("x", T, N), gc.Tensor("h", T, H), gc.Tensor("c", T, H)
    gates = {name: gc.Tensor(name, T, H) for name in ("f", "g", "o", "r")}
    squash = {"f": gc.sigmoid, "g": tanh, "o": gc.sigmoid, "r": gc.sigmoid}
    W = {name: gc.Param(f"W{name}", H, H) for name in gates}
    U = {name: gc.Param(f"U{name}", H, N) for name in gates}
    system = gc.System(
        *(Eq(v[t], squash[q](W[q] @ h[t - 1] + U[q] @ x[t])) for q, v in gates.items()),
        Eq(c[t, i], gates["f"][t, i] * c[t - 1, i] + gates["r"][t, i] * gates["g"][t, i]),
        Eq(h[t, i], gates["o"][t, i] * tanh(c[t, i])),
        Eq(h[-1], 0), Eq(c[-1], 0),
    )  # fmt: skip
    p = program(system, "h")
    assert not any(" x[" in text or "U" in text for text in inside_time(p))
    assert sum(isinstance(node, Loop) and node.var.name == "t" for node in p.nodes()) == 1


def test_equal_work_is_done_once():
    x, y, z = gc.Input("x", N), gc.Tensor("y", N), gc.Tensor("z", N)
    system = gc.System(Eq(y[i], gc.exp(x[i]) + 1), Eq(z[i], gc.exp(x[i]) * 2))
    text = str(program(system, "y", "z"))
    assert text.count("exp(") == 1


def test_what_nobody_asks_for_is_not_computed():
    x, s, last = gc.Input("x", T), gc.Tensor("s", T), gc.Tensor("last")
    unused = gc.Tensor("unused", T)
    system = gc.System(Eq(s[t], s[t - 1] + x[t]), Eq(s[-1], 0), Eq(last, s[T - 1]), Eq(unused[t], gc.exp(s[t])))
    assert "unused" not in str(program(system, "last"))
