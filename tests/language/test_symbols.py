"""Sizes, indices and tensors are SymPy objects: equal by content, picklable, printable, safe in SymPy's hands."""

import pickle

import pytest
import sympy as sp

import graphc as gc
from graphc import Eq, Sum

T, H = gc.sizes("T H")
t, i = gc.indices("t i")
x = gc.Input("x", T, H)


def test_one_name_gives_one_object_several_a_tuple():
    assert isinstance(gc.sizes("T"), sp.Symbol) and isinstance(gc.indices("t"), sp.Symbol)
    assert len(gc.sizes("T, H")) == len(gc.indices("t i")) == len(gc.tensors("a s", T)) == 2
    assert isinstance(gc.params("W", H), gc.Param)


OBJECTS = [
    T, t, gc.index("m", 3), gc.index("m", T + 1), x, x[t], x[t, i - 1], gc.Input("w", T, dtype="int64"),
    gc.Input("I", T, outside="edge"), gc.Param("p"), gc.Tensor("q", (T - 3) // 2 + 1), x.T, x @ gc.Param("v", H),
    Sum(x[t, i], t, (i, 0, 3)), gc.softmax(x[t]), gc.argmax(x), gc.conv(x, x, mode="same", stride=(1, 2)),
    gc.D(gc.Tensor("L"), x), gc.D(gc.Tensor("L"), x)[t, i], gc.sigmoid(x[t, i]), gc.gelu(x[t]), (x @ x.T)[t],
    gc.isnan(x[t, i]), gc.isfinite(x), gc.Piecewise((0, gc.isnan(x[t, i])), (1, x[t, i] > 0), (2, x[t, i] <= 0)),
]  # fmt: skip


@pytest.mark.parametrize("e", OBJECTS, ids=str)
def test_objects_survive_pickle_and_rebuilding(e):
    again = pickle.loads(pickle.dumps(e))
    assert again == e and hash(again) == hash(e) and type(again) is type(e)
    assert not e.args or e.func(*e.args) == e
    assert sp.latex(e) and sp.sympify(e) is e


def test_equality_is_by_content():
    assert gc.Input("x", T, H) == x and hash(gc.Input("x", T, H)) == hash(x)
    assert gc.Param("x", T, H) != x and gc.Input("x", T) != x and gc.Input("x", T, H, dtype="int64") != x
    assert gc.index("m", 3) != gc.index("m") and gc.index("m", 3) != gc.index("m", 4)
    assert x[t] - x[t] == 0 and x[t] != x[i]


def test_partial_subscripts_add_up():
    assert x[t][i] == x[t, i] and x[(t, i)] == x[t, i]


def test_nothing_iterates_without_end():
    for e in (x, x[t], x @ x.T):
        with pytest.raises(TypeError):
            iter(e)


def test_sympy_knows_elements_are_real():
    assert sp.sqrt(x[t, i] ** 2) == sp.Abs(x[t, i]) and sp.log(sp.exp(x[t, i])) == x[t, i]
    assert Eq(x[t, i], -sp.oo) not in (sp.true, sp.false)
    assert gc.Input("w", T, dtype="int64")[t].is_integer and x[t, i].is_integer is None


def test_bound_indices_are_not_free():
    e = Sum(x[t, i], i)
    assert e.free_symbols == {t, *x[t, i].free_symbols} - {i}
    assert e.subs(i, 3) == e and e.subs(t, 3) == Sum(x[3, i], i)
    assert gc.softmax(x[t, i], i).free_symbols >= {t, i}


def test_names_are_those_that_python_passes():
    """Python normalises the names of arguments: f(µ=..), the micro sign, arrives as the Greek letter."""
    assert gc.Input("\u00b5").name == "\u03bc"


def test_printing():
    assert str(x[t - 1, i // 2]) == "x[t-1, floor(i/2)]"
    assert str(gc.Param("W", H, H) @ x[t]) == "W @ x[t]"
    assert str(Sum(x[t, i] ** 2, t, (i, 0, t))) == "Sum(x[t, i]**2, t, (i, 0, t))"
    assert str(gc.conv(x, x, stride=2, mode="valid")) == 'conv(x, x, mode="valid", stride=2)'
    assert sp.latex(x[t - 1, i]) == "{x}_{t - 1,i}"
    assert sp.latex(Sum(x[t, i], i)) == r"\sum_{i} {x}_{t,i}"
    assert sp.latex(gc.D(gc.Tensor("L"), x)) == r"\frac{\partial L}{\partial x}"


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: gc.Tensor("2x"), "must be a Python identifier"),
        (lambda: gc.Tensor("x", -1), "not a size or a non-negative integer"),
        (lambda: gc.Tensor("x", sp.Rational(1, 2)), "not a size or a non-negative integer"),
        (lambda: gc.Tensor("x", t), "t is not a size"),
        (lambda: gc.Input("x", T, dtype="complex64"), "has dtype 'complex64'"),
        (lambda: gc.Input("x", T, outside="mirror"), "a boundary rule is"),
        (lambda: x[1:], "a subscript is one integer expression"),
        (lambda: x[t, i, 0], "has 3 subscripts, but x has 2 axes"),
        (lambda: Sum(x[t, i], T), "runs over an index"),
        (lambda: gc.conv(x, x, mode="circular"), "the modes are"),
        (lambda: gc.conv(x, x, stride=0), "positive integer"),
        (lambda: gc.D(gc.Tensor("L"), x[t]), "with respect to a whole tensor"),
    ],
)
def test_nonsense_is_refused_at_once(make, message):
    with pytest.raises(gc.GraphcError, match=message):
        make()


def test_functions_that_sympy_lacks_have_values():
    for f, at, value in [
        (gc.sigmoid, -1, 0.2689414213699951),
        (gc.relu, -2, 0),
        (gc.softplus, 2, 2.1269280110429727),
        (gc.gelu, 1, 0.8413447460685429),
    ]:
        assert f(at).is_comparable
        assert float(f(at)) == pytest.approx(value, rel=1e-14)
        assert f(sp.nan) is sp.nan
    assert sp.Max(gc.softplus(2), gc.relu(2)) == gc.softplus(2)
