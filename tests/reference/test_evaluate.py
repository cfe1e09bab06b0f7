"""The interpreter: values by hand, exact numbers, cycles, undefined elements, arguments that do not fit."""

from fractions import Fraction

import islpy as isl
import numpy as np
import pytest

from graphc.equations.expr import Const, Size, make
from graphc.equations.points import points
from graphc.equations.sizes import dim_value, solve_sizes
from graphc.equations.system import Equation, System, Tensor
from graphc.errors import ArgumentError, CausalityError, DefinitionError, DomainError, UnsupportedError
from graphc.reference.evaluate import evaluate
from tests.transforms.systems import EXAMPLES, H, K, N, T, X, define, given, i, numbers, t, term

x, w, y, s, total = given("x", T), given("w", N, N), Tensor("y", (T,)), Tensor("s", (T,)), Tensor("L")


def system(*equations: Equation, inputs: tuple[Tensor, ...] = (x,)) -> System:
    return System(inputs, equations)


def running_sum() -> System:
    return system(define("assign", term(s[t], s[t - 1] + x[t], {t: (0, T)}), term(s[-1], 10)))


# -- values -----------------------------------------------------------------------------------------------------------


def test_recurrence():
    assert evaluate(running_sum(), [s], {"x": [1, 2, 3]})[0].tolist() == [11, 13, 16]


def test_only_the_declared_elements_are_returned():
    assert evaluate(running_sum(), [s], {"x": np.zeros(0)})[0].shape == (0,)


def test_long_recurrence_needs_no_stack():
    assert evaluate(running_sum(), [s], {"x": np.ones(20_000)})[0][-1] == 20_010


def test_recurrence_asked_for_at_its_end_only():
    last = Tensor("last")
    found = system(*running_sum().equations, define("assign", term(last[()], s[T - 1])))
    assert evaluate(found, [last], {"x": np.ones(5000)})[0] == 5010


@pytest.mark.parametrize(("reduce", "wanted"), [("sum", 6), ("prod", 6), ("max", 3), ("min", 1)])
def test_reductions(reduce, wanted):
    found = system(define(reduce, term(total[()], x[t], {t: (0, T)})))
    assert evaluate(found, [total], {"x": [1, 2, 3]})[0] == wanted


@pytest.mark.parametrize(("reduce", "wanted"), [("sum", 0), ("prod", 1), ("max", -np.inf), ("min", np.inf)])
def test_empty_reductions_are_their_identity(reduce, wanted):
    found = system(define(reduce, term(total[()], x[t], {t: (0, T)})))
    assert evaluate(found, [total], {"x": []})[0] == wanted


def test_nan_and_infinity_pass_through_as_numpy_does():
    found = system(define("max", term(total[()], x[t] * 2, {t: (0, T)})))
    assert np.isnan(evaluate(found, [total], {"x": [1, np.nan, 3]})[0])
    assert evaluate(found, [total], {"x": [1, np.inf, 3]})[0] == np.inf


def test_integers_stay_integers():
    k, best = given("k", T, kind="int"), Tensor("best", kind="int")
    found = system(define("max", term(best[()], k[t] * 2, {t: (0, T)})), inputs=(k,))
    (value,) = evaluate(found, [best], {"k": [2**53 + 1, 5]})
    assert value.dtype == np.int64 and value == 2**54 + 2


def test_indices_and_sizes_are_numbers_too():
    found = system(define("assign", term(y[t], (t + 1) / T + make("floordiv", t, Const(2)), {t: (0, T)})))
    assert evaluate(found, [y], {}, {"T": 4})[0].tolist() == [0.25, 0.5, 1.75, 2.0]


def test_data_may_tell_what_is_written():
    k, count = given("k", T, kind="int"), Tensor("count", (N,))
    found = system(define("sum", term(count[k[t]], 1, {t: (0, T)})), inputs=(k,))
    assert evaluate(found, [count], {"k": [2, 0, 2]}, {"N": 4})[0].tolist() == [1, 0, 2, 0]


def test_computed_index_may_tell_what_is_written():
    k, back, count = given("k", T, kind="int"), Tensor("back", (T,), kind="int"), Tensor("count", (T,))
    found = system(define("assign", term(back[t], T - 1 - k[t], {t: (0, T)})),
                   define("sum", term(count[back[t]], t, {t: (0, T)})), inputs=(k,))  # fmt: skip
    assert evaluate(found, [count], {"k": [2, 0, 2]})[0].tolist() == [2, 0, 1]


def test_exact_numbers():
    found = system(define("assign", term(s[t], s[t - 1] / 3 + x[t], {t: (0, T)}), term(s[-1], 1)))
    (value,) = evaluate(found, [s], {"x": np.array([0.5, 2])}, exact=True)
    assert value.tolist() == [Fraction(5, 6), Fraction(41, 18)]


def test_exact_values_of_a_branch_not_taken_do_not_matter():
    value = make("select", make("gt", x[t], 0), 1 / x[t], 0)
    found = system(define("sum", term(total[()], value, {t: (0, T)})))
    assert evaluate(found, [total], {"x": [0, 4]}, exact=True)[0] == Fraction(1, 4)


def test_exact_tanh_is_refused():
    found = system(define("assign", term(y[t], make("tanh", x[t]), {t: (0, T)})))
    with pytest.raises(UnsupportedError, match=r"tanh has no exact value\n  Evaluate without exact=True"):
        evaluate(found, [y], {"x": [1]}, exact=True)


@pytest.mark.parametrize("name", ["strided_dilated", "edit_distance", "heat", "triangular", "pooling_with_ties"])
def test_exact_and_floating_point_agree(name):
    found, loss, arguments = EXAMPLES[name]()
    sizes = {k: v for k, v in arguments.items() if k not in found.by_name}
    arrays = {k: v for k, v in arguments.items() if k in found.by_name}
    rational = evaluate(found, [loss], arrays, sizes, exact=True)[0]
    assert float(rational[()]) == pytest.approx(evaluate(found, [loss], arrays, sizes)[0], rel=1e-12)


# -- what is wrong ----------------------------------------------------------------------------------------------------


def test_cycle_is_printed():
    a = Tensor("a", (T,))
    found = system(define("assign", term(s[t], a[t], {t: (0, T)})), define("assign", term(a[t], s[t] + 1, {t: (0, T)})))
    with pytest.raises(CausalityError, match=r"^a cycle without progress: s\[0\] -> a\[0\] -> s\[0\]$"):
        evaluate(found, [s], {"x": [1, 2]})


def test_undefined_element_names_the_read_and_the_point():
    found = system(define("assign", term(y[t], s[t - 1], {t: (0, T)})), define("assign", term(s[t], 0, {t: (0, T)})))
    with pytest.raises(DomainError, match=r"s\[t - 1\] at t = 0 reads s\[-1\], which no equation defines"):
        evaluate(found, [y], {"x": [1, 2]})


def test_declared_but_undefined_output():
    found = system(define("assign", term(s[t], 0, {t: (1, T)})))
    with pytest.raises(DomainError, match=r"s\[0\] is asked for, but no equation defines it"):
        evaluate(found, [s], {"x": [1, 2]})


def test_tensor_without_an_equation():
    with pytest.raises(DefinitionError, match=r"no equation defines s\(T\)"):
        evaluate(system(define("assign", term(y[t], s[t], {t: (0, T)}))), [y], {"x": [1]})


@pytest.mark.parametrize("value", [-1, 3])
def test_index_data_out_of_range(value):
    k = given("k", T, kind="int")
    found = system(define("assign", term(y[t], x[k[t]], {t: (0, T)})), inputs=(x, k))
    with pytest.raises(
        ArgumentError, match=rf"index k\[t\] = {value} at t = 1 is outside axis 0 of x\(T\), which has 3"
    ):
        evaluate(found, [y], {"x": [1, 2, 3], "k": [0, value, 1]})


WRONG = [
    ({}, "missing argument x\n  Pass x=.., of shape (T)"),
    ({"x": [1.0], "z": 1}, "unknown argument z\n  The arguments are x, w"),
    ({"x": [[1.0]]}, "argument x has 2 axes, shape (1, 1), but x(T) has 1\n  Reshape it"),
    ({"x": ["a"]}, "argument x has dtype <U1, but x(T) holds real numbers\n  Convert it first"),
    ({"x": [1j]}, "argument x has dtype complex128, but x(T) holds real numbers\n  Convert it first"),
    (
        {"x": [1.0], "w": np.ones((2, 3))},
        "axis 1 of argument w has 3 elements, but w(N, N) has N = 2 there (at N = 2)"
        "\n  Pass shapes that agree, or give the axes different sizes",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[m for _, m in WRONG])
def test_arguments_that_do_not_fit(arguments, message):
    found = system(define("sum", term(total[()], x[t], {t: (0, T)})), inputs=(x, w))
    with pytest.raises(ArgumentError) as caught:
        evaluate(found, [total], arguments)
    assert str(caught.value) == message


def test_real_numbers_are_no_indices():
    k = given("k", T, kind="int")
    found = system(define("sum", term(total[()], k[t], {t: (0, T)})), inputs=(k,))
    with pytest.raises(ArgumentError, match=r"argument k has dtype float64, but k\(T\) holds integers"):
        evaluate(found, [total], {"k": [0.5]})


# -- sizes ------------------------------------------------------------------------------------------------------------


def sizes_of(shapes: dict[str, tuple[int, ...]], *tensors: Tensor, **given_sizes: int) -> dict[str, int]:
    equations = [define("assign", term(y[t], 0, {t: (0, T)}))] if any("T" in repr(a) for a in tensors) else []
    return solve_sizes(System(tensors, tuple(equations)), shapes, given_sizes)


def test_sizes_from_affine_dimensions():
    a, b, c = given("a", T + K - 1), given("b", 2 * T), given("c", T)
    assert sizes_of({"a": (7,), "b": (10,)}, a, b) == {"K": 3, "T": 5}
    assert sizes_of({"a": (7,), "c": (5,)}, a, c) == {"K": 3, "T": 5}


def test_sizes_that_shapes_do_not_tell():
    a = given("a", make("floordiv", X - 3, 2) + 1)
    with pytest.raises(
        ArgumentError, match=r"size X cannot be inferred: no argument's shape tells it\n  Pass it by name: X="
    ):
        sizes_of({"a": (4,)}, a)
    assert sizes_of({"a": (4,)}, a, X=9) == {"X": 9}
    with pytest.raises(
        ArgumentError, match=r"axis 0 of argument a has 4 elements, but .* = 5 there \(X = 11 from the call\)"
    ):
        sizes_of({"a": (4,)}, a, X=11)


def test_contradiction_names_both_arguments():
    a, b = given("a", H), given("b", N, H)
    with pytest.raises(ArgumentError) as caught:
        sizes_of({"a": (4,), "b": (2, 3)}, a, b)
    assert str(caught.value).startswith(
        "axis 1 of argument b has 3 elements, but b(N, H) has H = 4 there (H = 4 from a)\n"
    )


def test_negative_dimension_is_refused():
    a, p = given("a", X), Tensor("p", (X - 2,))
    found = System((a,), (define("assign", term(p[i], a[i], {i: (0, X - 2)})),))
    with pytest.raises(ArgumentError, match=r"dimension X - 2 of p is negative \(-1\) at X = 1"):
        solve_sizes(found, {"a": (1,)}, {})


def test_unknown_size():
    with pytest.raises(ArgumentError, match=r"unknown size Q\n  The sizes are T"):
        sizes_of({"x": (3,)}, x, Q=3)


def test_value_of_a_dimension():
    assert dim_value(make("floordiv", Size("Y") - 3, Const(2)) + 1, {"Y": 10}) == 4


# -- points -----------------------------------------------------------------------------------------------------------

SETS = [
    "{ [i, j] : 0 <= i < 5 and 0 <= j <= i }",
    "{ [i] : 0 <= i < 20 and i mod 3 = 1 }",
    "{ [] : }",
    "{ [] : 1 = 0 }",
    "{ [i] : 1 = 0 }",
    "{ [i, j] : 0 <= i, j < 6 and j = floor(i / 2) }",
    "{ [i, j] : 0 <= i, j < 6 and j != i }",
    "{ [i] : exists (e : 3i <= 7e <= 3i + 2) and 0 <= i < 30 }",
    "{ [i, j] : 5i = 3j + 1 and 0 <= i <= 30 }",
    "{ [i, j] : 0 <= i, j < 10 and (floor((floor(i / 2) + j) / 3)) mod 2 = 0 }",
]


@pytest.mark.parametrize("text", SETS)
def test_points_are_those_of_isl(text):
    region = isl.Set(text)
    wanted: list[tuple[int, ...]] = []
    rank = region.dim(isl.dim_type.set)
    region.foreach_point(
        lambda p: wanted.append(tuple(p.get_coordinate_val(isl.dim_type.set, k).to_python() for k in range(rank)))
    )
    assert sorted(map(tuple, points(region).tolist())) == sorted(wanted)


def test_convolution_enumerates_its_points_only():
    found, loss, _ = EXAMPLES["convolution"]()
    assert np.isfinite(evaluate(found, [loss], {"I": numbers(0, 40, 40), "K": numbers(1, 3, 2)})[0])
