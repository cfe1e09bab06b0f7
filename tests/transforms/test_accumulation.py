"""Elements that get several contributions: none may be lost, forward or as an adjoint.

torch#136662: an accumulation into one place twice was collapsed into one. LoopVectorization#145, Tullio#27: vector
scatters lose all but one of the lanes that fall on one element.
"""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Piecewise, Sum
from graphc.equations.domain import Domain
from graphc.equations.expr import Const, Index, Read, make
from graphc.equations.system import Equation, System, Tensor, Term, make_sizes
from graphc.transforms.differentiate import gradients
from tests import oracle

N, M, T = gc.sizes("N M T")
i, j, k, t = gc.indices("i j k t")
L = gc.Tensor("L")
LENGTHS = (1, 2, 3, 4, 5, 8, 9, 17, 64, 67)
rng = np.random.default_rng(0)


def test_equal_contributions_count_as_often_as_they_stand_there():
    """torch#136662: equal addends to one element, through one equation or several, are not one addend."""
    x, w, a, b = gc.Input("x", N), gc.Input("w", N), gc.Tensor("a", N), gc.Tensor("b", N)
    run = gc.System(
        Eq(a[i], x[i] * x[i]), Eq(b[i], x[i] * x[i]),  # equal equations, which become one
        Eq(L, Sum(w[i] * a[i], i) + Sum(w[i] * a[i], i) + Sum(w[i] * b[i], i) + Sum(w[j] * b[j], j)),
    ).compile("L", gc.D(L, x), gc.D(L, w), gc.D(L, a))  # fmt: skip
    for n in LENGTHS:
        v, u = rng.normal(size=n), rng.normal(size=n)
        found = run(x=v, w=u)
        np.testing.assert_allclose(found.L, 4 * (u @ v**2), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(found[1], 8 * u * v, rtol=1e-12)
        np.testing.assert_allclose(found[2], 4 * v**2, rtol=1e-12)
        np.testing.assert_allclose(found[3], 2 * u, rtol=1e-12)


def test_the_same_update_at_every_step_is_done_at_every_step():
    """torch#136662 in a loop: y += y, T times, is 2^T y; an update taken out of its loop is done once."""
    y, x = gc.Tensor("y", T, N), gc.Input("x", N)
    run = gc.System(Eq(y[t], y[t - 1] + y[t - 1]), Eq(y[-1, i], x[i]), Eq(L, Sum(y[T - 1, i], i)))
    found = run.compile("y", gc.D(L, x))(x=np.array([1.0, -3]), T=50)
    np.testing.assert_array_equal(found.y[-1], 2.0**50 * np.array([1, -3]))
    np.testing.assert_array_equal(found[1], [2.0**50] * 2)
    step = gc.System(Eq(gc.Tensor("next", N)[i], x[i] + x[i])).compile(update={x: gc.Tensor("next", N)})
    state = np.array([1.0, -3])
    step.loop(50, x=state)
    np.testing.assert_array_equal(state, 2.0**50 * np.array([1, -3]))


@pytest.mark.parametrize("repeat", ["all", "pairs", "random", "none"])
def test_elements_read_many_times_through_data_sum_their_gradients(repeat):
    """y[i] = C[J[i]]**2 with equal J: dC is a scatter onto few elements; of a vector's lanes none may be lost."""
    C, J, w, y = gc.Input("C", M), gc.Input("J", N, dtype="int64"), gc.Input("w", N), gc.Tensor("y", N)
    run = gc.System(Eq(y[i], w[i] * C[J[i]] ** 2), Eq(L, Sum(y))).compile("y", gc.D(L, C), gc.D(L, w))
    for n in LENGTHS:
        ways = {"all": np.full(n, 2), "pairs": np.arange(n) // 2, "random": rng.integers(0, 5, n), "none": np.arange(n)}
        index, values = ways[repeat], rng.normal(size=max(n, 5))
        weight = rng.normal(size=n)
        wanted = np.zeros(len(values))
        np.add.at(wanted, index, 2 * weight * values[index])
        found = run(C=values, J=index, w=weight)
        np.testing.assert_allclose(found.y, weight * values[index] ** 2, rtol=1e-13)
        np.testing.assert_allclose(found[1], wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found[2], values[index] ** 2, rtol=1e-13)


@pytest.mark.parametrize("by", [2, 3, 8])
def test_elements_read_many_times_through_a_division_sum_their_gradients(by):
    """y[i] = C[i // 2]: dC is a non-injective scatter. In two dimensions on both axes at once (upsampling)."""
    C, E = gc.Input("C", (N + by - 1) // by), gc.Input("E", N, N)
    w, y, z = gc.Input("w", N), gc.Tensor("y", N), gc.Tensor("z", by * N, by * N)
    run = gc.System(Eq(y[i], w[i] * C[i // by] ** 2), Eq(L, Sum(y))).compile("y", gc.D(L, C))
    up = gc.System(Eq(z[i, j], E[i // by, j // by]), Eq(L, Sum((i + 2 * j) * z[i, j], i, j))).compile("z", gc.D(L, E))
    for n in LENGTHS[:8]:
        values, weight, image = rng.normal(size=-(-n // by)), rng.normal(size=n), rng.normal(size=(n, n))
        index = np.arange(n) // by
        wanted = np.zeros(len(values))
        np.add.at(wanted, index, 2 * weight * values[index])
        found = run(C=values, w=weight)
        np.testing.assert_allclose(found.y, weight * values[index] ** 2, rtol=1e-13)
        np.testing.assert_allclose(found[1], wanted, rtol=1e-12, atol=1e-13)
        larger = up(E=image)
        np.testing.assert_array_equal(larger.z, image.repeat(by, 0).repeat(by, 1))
        p, q = np.mgrid[: by * n, : by * n]
        np.testing.assert_array_equal(larger[1], (p + 2 * q).reshape(n, by, n, by).sum((1, 3)))


def test_a_histogram_counts_every_element():
    """C[J[i]] += x[i], as the language writes it; second order too: its gradient gathers, the gradient's scatters."""
    C, J, x = gc.Tensor("C", M), gc.Input("J", N, dtype="int64"), gc.Input("x", N)
    given = Piecewise((x[i], Eq(J[i], k)), (0, True))
    run = gc.System(Eq(C[k], Sum(given, i)), Eq(L, Sum(C[k] ** 3, k))).compile("C", gc.D(L, x))
    for n in LENGTHS:
        index, values = rng.integers(0, 7, n), rng.normal(size=n)
        found = run(J=index, x=values, M=7)
        wanted = np.bincount(index, values, 7)
        np.testing.assert_allclose(found.C, wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found[1], 3 * wanted[index] ** 2, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("form", ["C[i//2]", "C[J[i]]", "C[J[i], i//3]", "C[(i*i) % 5]"])
def test_a_scatter_written_by_itself(form):
    """Left sides as an adjoint has them, with a gradient of their own: C[f(i)] += x[i]**2, L = sum of C cubed."""
    n, m = make_sizes("N", "M")
    index, p, q = Index("i"), Index("p"), Index("q")
    x, J = Tensor("x", (n,), "input"), Tensor("J", (n,), "input", "int")
    half, third = make("floordiv", index, Const(2)), make("floordiv", index, Const(3))
    subs = {
        "C[i//2]": (half,), "C[J[i]]": (Read(J, (index,)),), "C[J[i], i//3]": (Read(J, (index,)), third),
        "C[(i*i) % 5]": (make("mod", index * index, Const(5)),),
    }[form]  # fmt: skip
    C, loss = Tensor("C", (m,) * len(subs)), Tensor("L")
    points = (p, q)[: len(subs)]
    read = Read(C, points)
    system = System(
        (x, J),
        (
            Equation(C, "sum", C.box, (Term(Domain.box((index,), (n,)), subs, Read(x, (index,)) ** 2),)),
            Equation(loss, "sum", loss.box, (Term(Domain.box(points, C.dims), (), read * read * read),)),
        ),
    )
    graded, d = gradients(system, loss, [x])
    length, size = 23, 12
    values, places = rng.normal(size=length), rng.integers(0, 5, length)
    at = np.arange(length)
    places_of = {
        "C[i//2]": (at // 2,), "C[J[i]]": (places,), "C[J[i], i//3]": (places, at // 3), "C[(i*i) % 5]": (at**2 % 5,),
    }[form]  # fmt: skip
    wanted = np.zeros((size,) * len(subs))
    np.add.at(wanted, places_of, values**2)
    slope = 3 * wanted[places_of] ** 2 * 2 * values
    given = {"x": values, "J": places, "M": size}
    from graphc.compiler import compile

    run = compile(graded, [C, d[x]])
    for found in (oracle.values(graded, [C, d[x]], given), run(**given)):
        np.testing.assert_allclose(found[0], wanted, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(found[1], slope, rtol=1e-11, atol=1e-12)
