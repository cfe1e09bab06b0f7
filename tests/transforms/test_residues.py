"""Left sides that step are split by remainders: strided, dilated and transposed convolutions, windows."""

import numpy as np
import pytest

import graphc as gc
from graphc import Eq, Sum
from graphc.equations.expr import Const
from graphc.equations.system import System, Tensor
from graphc.schedule.fuse import is_scatter
from graphc.transforms.gather import gather
from graphc.transforms.residues import residues
from tests import oracle
from tests.schedule.build import program
from tests.transforms.systems import N, define, given, i, m, term

Y, X, C, F, P = gc.sizes("Y X C F P")
c, f, y, x, p, q, u = gc.indices("c f y x p q u")
L = gc.Tensor("L")


def numbers(*shape):
    return np.random.default_rng(0).normal(size=shape)


def signal(stride, dilation, offset, taps, extent):
    """o[y] += x[stride*y + dilation*p - offset]*w[p], with zeros around x."""
    given, w, o = gc.Input("x", Y, outside=0), gc.Param("w", extent), gc.Tensor("o", (Y - 1) // stride + 1)
    system = gc.System(Eq(o[y], Sum(given[stride * y + dilation * p - offset] * w[p], p)))
    return oracle.with_loss(system.ir, [system.ir.by_name["o"]]), {"x": numbers(9), "w": numbers(taps)}


def transposed(stride, taps, extent):
    given, w, o = gc.Input("x", Y), gc.Param("w", extent), gc.Tensor("o", (Y - 1) * stride + extent)
    system = gc.System(Eq(o[u], Sum(given[y] * w[u - stride * y], y)))
    return oracle.with_loss(system.ir, [system.ir.by_name["o"]]), {"x": numbers(4), "w": numbers(taps)}


SIGNALS = {
    "stride 2": signal(2, 1, 1, 3, 3),
    "one tap": signal(2, 1, 0, 1, 1),
    "more stride than taps": signal(3, 1, 1, 2, 2),
    "stride and dilation": signal(2, 3, 1, 3, 3),
    "stride and dilation, any number of taps": signal(3, 2, 2, 4, P),
    "stride and dilation with a common factor": signal(4, 2, 0, 3, P),
    "dilation a multiple of the stride": signal(2, 4, 3, 3, 3),
    "dilation": signal(1, 3, 2, 3, 3),
    "transposed": transposed(2, 3, 3),
    "transposed, any number of taps": transposed(2, 4, P),
    "transposed, more stride than taps": transposed(3, 2, 2),
}


@pytest.mark.parametrize("name", SIGNALS)
def test_values_stay(name):
    (system, loss), arguments = SIGNALS[name]
    oracle.check_transforms(system, loss, arguments)


@pytest.mark.parametrize("name", SIGNALS)
def test_native_code_is_right(name):
    (system, loss), arguments = SIGNALS[name]
    found, outputs = oracle.graded(system, loss)
    run = oracle.compile(found, outputs)
    for length in (1, 2, 9, 40):
        given = {k: numbers(length) if k == "x" else a for k, a in arguments.items()}
        if all(oracle.dim_value(d, {"Y": length, "P": len(given["w"])}) > 0 for t in outputs for d in t.dims):
            oracle.same(oracle.listed(run(**given)), oracle.values(found, outputs, given), rtol=1e-9, atol=1e-9)


IMAGE, KERNEL = gc.Input("I", C, Y, X), gc.Param("K", F, C, 3, 3)


def image(value, *dims):
    """o[.., y, x] = value, its sum of squares and the gradients, as a program."""
    o = gc.Tensor("o", *dims)
    at = (f, y, x)
    system = gc.System(Eq(o[at], value), Eq(L, Sum(o[at] ** 2, *at)))
    return system, {"I": numbers(2, 7, 8), "K": numbers(2, 2, 3, 3)}


CONVOLUTION = Sum(IMAGE[c, 2 * y + p, 2 * x + q] * KERNEL[f, c, p, q], c, p, q)


def test_the_adjoint_of_a_strided_convolution_scatters_nothing():
    system, _ = image(CONVOLUTION, F, (Y - 3) // 2 + 1, (X - 3) // 2 + 1)
    found = program(system, L, wrt=[IMAGE, KERNEL])
    assert not any(is_scatter(s, nest.parallel, nest.outer) for nest in found.nests for s in nest.statements)
    slopes = [s for nest in found.nests for s in nest.statements if s.tensor.name == "dI" and s.mode == "sum"]
    assert {repr(s.write[-1]) for s in slopes} == {"2 * x", "2 * x + 1"} and len(slopes) <= 16


def test_the_strided_convolution_and_its_gradients():
    system, arguments = image(CONVOLUTION, F, (Y - 3) // 2 + 1, (X - 3) // 2 + 1)
    loss = system.tensor("L")
    oracle.check_transforms(system.ir, loss, arguments)


@pytest.mark.parametrize("name", ["stride and dilation, any number of taps", "transposed"])
def test_programs_keep_every_order(name):
    (system, loss), arguments = SIGNALS[name]
    oracle.check_programs(system, loss, arguments)


def test_gradients_differentiated_again():
    x1, w, o, S = gc.Input("x1", C, Y), gc.Param("w", F, C, 3), gc.Tensor("o", F, (Y - 1) // 2), gc.Tensor("S")
    total = Sum(x1[c, 2 * y + p] * w[f, c, p], c, p)
    system = gc.System(Eq(o[f, y], total**2), Eq(L, Sum(o[f, y], f, y)), Eq(S, Sum(gc.D(L, x1)[c, y] ** 2, c, y)))
    outputs, arguments = [gc.D(S, x1), gc.D(S, w)], {"x1": numbers(2, 9), "w": numbers(2, 2, 3)}
    for a, b in zip(system.compile(*outputs)(**arguments), outputs, strict=True):
        np.testing.assert_allclose(a, system.evaluate(b, **arguments), rtol=1e-9)


def test_windows_side_by_side_write_each_element_once():
    """No sums are left of the adjoint: four assignments in one nest, and only what is left over is cleared."""
    a, b = gc.index("a", 2), gc.index("b", 2)
    system = gc.System(
        Eq(gc.Tensor("o", C, Y // 2, X // 2)[c, y, x], Sum(IMAGE[c, 2 * y + a, 2 * x + b], a, b)),
        Eq(L, Sum(gc.Tensor("o", C, Y // 2, X // 2)[c, y, x] ** 2, c, y, x)),
    )
    found = program(system, L, wrt=[IMAGE])
    slopes = [[s.mode for s in nest.statements if s.tensor.name == "dI"] for nest in found.nests]
    assert ["set"] * 4 in slopes and not any("sum" in modes for modes in slopes)


def test_a_few_points_that_meet_are_added_one_by_one():
    """Windows that overlap, row by row: sums of up to four would take longer to start than to add up."""
    a, b = gc.index("a", 3), gc.index("b", 3)
    o = gc.Tensor("o", C, (Y - 1) // 2, (X - 1) // 2)
    system = gc.System(Eq(o[c, y, x], Sum(IMAGE[c, 2 * y + a, 2 * x + b], a, b)), Eq(L, Sum(o[c, y, x] ** 2, c, y, x)))
    found = program(system, L, wrt=[IMAGE])
    assert len([s for nest in found.nests for s in nest.statements if s.tensor.name == "dI"]) == 2


def test_a_kernel_of_any_size_is_split_where_its_size_is_baked_in():
    given, w, o = gc.Input("x", Y), gc.Param("w", F, P), gc.Tensor("o", F, (Y - P) // 2 + 1)
    system = gc.System(Eq(o[f, y], Sum(given[2 * y + p] * w[f, p], p)), Eq(L, Sum(o[f, y] ** 2, f, y)))
    arguments = {"x": numbers(12), "w": numbers(2, 3)}
    run = system.compile(gc.D(L, given), sizes={"P": 3})
    writes = {repr(s.write[0]) for nest in run.program.nests for s in nest.statements if s.tensor.name == "dx"}
    assert {"2 * y", "2 * y + 1"} <= writes
    np.testing.assert_allclose(run(**arguments), system.evaluate(gc.D(L, given), **arguments), rtol=1e-12)


def test_many_remainders_stay_scatters():
    a, o = given("a", N), Tensor("o", (17 * N + 40,))
    system = System((a,), (define("sum", term(o[17 * i + m], a[i], {i: (0, N), m: (0, 40)})),))
    assert residues(system).equations[0] is system.equations[0]


def test_a_dilated_left_side_is_plain_without_remainders():
    a, o = given("a", N), Tensor("o", (N + 4,))
    system = System((a,), (define("sum", term(o[i + 2 * m], a[i], {i: (0, N), m: (0, 3)})),))
    assert residues(system).equations[0] is system.equations[0]
    assert repr(gather(system).equations[0].terms[0].value) == "a[i - 2 * m]"


def test_steps_through_time_are_no_remainders():
    """In a recurrence the steps of an axis come in one order."""
    s, a = Tensor("s", (2 * N + 3,)), given("a", N)
    looped = define("sum", term(s[2 * i + m + 2], s[i] * a[i], {i: (0, N), m: (0, 2)}), term(s[Const(0)], 1))
    assert residues(System((a,), (looped,))).equations[0] is looped
