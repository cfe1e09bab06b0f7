"""Systems as LaTeX, as a book would write them."""

import pytest

from graphc.equations.expr import Const, Index, Size, make
from graphc.equations.system import Tensor
from graphc.view.formula import Formula
from graphc.view.latex import latex, repr_latex
from graphc.view.names import latex_name, runs, split_step
from tests.view import models
from tests.view.build import build

p, q, z = (Tensor(n)[()] for n in "pqz")
s = Tensor("s", (Size("T"), Size("H")))
t, i = Index("t"), Index("i")


def lines(system) -> list[str]:
    return latex(system).removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}").split(" \\\\\n")


def test_terms_over_the_same_elements_are_one_right_side():
    assert lines(models.small()) == [
        r"s^{\mathrm{sum}}_{t,i} &= \sum_{j=0}^{H-1} W_{i,j}\, s_{t-1,j} + x_{t,i}",
        r"s_{t,i} &= \tanh(s^{\mathrm{sum}}_{t,i})",
        r"s_{-1,i} &= 0",
        r"L &= \sum_{t=0}^{T-1}\sum_{i=0}^{H-1} s_{t,i}^{2}",
    ]


def test_an_adjoint_is_written_by_the_element_it_defines():
    assert lines(models.small_gradient())[5:] == [
        r"\mathrm{d}s_{t,i} &= 2\, \mathrm{d}L\, s_{t,i} + \sum_{j=0}^{H-1} "
        r"\mathrm{d}s^{\mathrm{sum}}_{t+1,j}\, W_{j,i} && 0 \le t < T - 1",
        r"\mathrm{d}s_{T-1,i} &= 2\, \mathrm{d}L\, s_{T-1,i}",
        r"\mathrm{d}s_{-1,i} &= \sum_{j=0}^{H-1} \mathrm{d}s^{\mathrm{sum}}_{0,j}\, W_{j,i}",
        r"\mathrm{d}s^{\mathrm{sum}}_{t,i} &= \mathrm{d}s_{t,i}\, (1 - s_{t,i}^{2})",
        r"\mathrm{d}W_{i,j} &= \sum_{t=0}^{T-1} \mathrm{d}s^{\mathrm{sum}}_{t,i}\, s_{t-1,j}",
    ]


def test_the_steps_of_an_unfolded_system_stand_above():
    assert lines(models.unfolded(2))[0] == (
        r"a^{(0)}_{i} &= b_{i} + \sum_{j=0}^{H-1} W_{i,j}\, \mathrm{s0}_{j} + \sum_{j=0}^{N-1} U_{i,j}\, x_{0,j}"
    )
    assert r"s^{(1)}_{i} &= \tanh(a^{(1)}_{i})" in lines(models.unfolded(2))


def test_conditions_stand_beside_where_less_than_the_whole_is_defined():
    fibonacci = build("tensor f T", "f[0] = 0\nf[1] = 1\nf[t] = f[t-1] + f[t-2] for 2 <= t < T")
    assert lines(fibonacci) == ["f_{0} &= 0", "f_{1} &= 1", r"f_{t} &= f_{t-1} + f_{t-2} && 2 \le t < T"]


def test_a_triangle_is_a_condition_and_a_bound():
    system = build(
        "input P H H; tensor Q H H; tensor c H",
        """
        Q[i,j] = P[i,j] for 0 <= i < H, 0 <= j < i
        Q[i,j] = 0      for 0 <= i < H, i <= j < H
        c[i] += P[i,j]  for 0 <= i < H, 0 <= j <= i
        """,
    )
    assert lines(system) == [
        r"Q_{i,j} &= P_{i,j} && 0 \le j < i",
        r"Q_{i,j} &= 0 && i \le j < H",
        r"c_{i} &= \sum_{j=0}^{i} P_{i,j}",
    ]


def test_convolution_runs_where_all_factors_are_inside():
    system = build(
        "input I Y; param K M; tensor S Y+M-1",
        "S[i] += I[m]*K[i-m] for 0 <= i < Y+M-1, 0 <= m < Y, 0 <= i-m < M",
    )
    assert lines(system) == [r"S_{i} &= \sum_{m=\max(0, i-M+1)}^{\min(i, Y-1)} I_{m}\, K_{i-m}"]


def test_a_largest_value_and_a_product():
    system = build(
        "input F Y X; tensor P Y; tensor Q",
        "P[i] max= F[i,j] for 0 <= i < Y, 0 <= j < X\nQ *= F[i,0] for 0 <= i < Y",
    )
    assert lines(system) == [r"P_{i} &= \max_{0 \le j < X} F_{i,j}", r"Q &= \prod_{i=0}^{Y-1} F_{i,0}"]


def test_where_several_points_write_one_element_it_says_so():
    system = build("input v H; tensor G H H", "G[i,i] += v[i] for 0 <= i < H\nG[i,j] += 1 for 0 <= i < H, 0 <= j < H")
    assert lines(system) == [r"G_{i,i} &\mathrel{{+}{=}} v_{i}", r"G_{i,j} &\mathrel{{+}{=}} 1"]


def test_a_size_whose_name_is_a_word_of_isl_is_read_back():
    system = build("tensor f mod", "f[0] = 1\nf[t] = f[t-1] for 1 <= t < mod")
    assert lines(system)[1] == r"f_{t} &= f_{t-1} && 1 \le t < \mathrm{mod}"


def test_an_index_from_data_is_a_subscript_in_a_subscript():
    system = build("input:int left T; tensor h T", "h[n] = h[left[n]] + 1 for 0 <= n < T")
    assert lines(system) == [r"h_{n} &= h_{\mathrm{left}_{n}} + 1"]


@pytest.mark.parametrize("name", ["rnn", "lstm", "cnn", "unfolded", "small_gradient"])
def test_braces_close_and_the_text_is_the_same_each_time(name):
    text = latex(getattr(models, name)())
    assert text == latex(getattr(models, name)())
    assert text.count("{") == text.count("}")
    assert text.count(r"\left") == text.count(r"\right")


def test_the_notebook_form_is_in_dollars():
    assert repr_latex(models.small()) == rf"$\displaystyle {latex(models.small())}$"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (p - (q - z), "p - (q - z)"),
        (p + q * (p + z), r"p + q\, (p + z)"),
        (-(p * q) + z, r"z - p\, q"),
        (p * p * p, "p^{3}"),
        ((p + q) * (p + q), "(p + q)^{2}"),
        (p / (q * z), r"\frac{p}{q\, z}"),
        (-(p / q / z), r"-\frac{p}{q\, z}"),
        (2 * p, "2p"),
        (p * Const(2.5), r"2.5\, p"),
        (p * Const(1e-5), r"10^{-5}\, p"),
        (make("sqrt", p / q), r"\sqrt{\frac{p}{q}}"),
        (make("exp", -p), "e^{-p}"),
        (make("log", p / q), r"\log\left(\frac{p}{q}\right)"),
        (make("abs", p), "|p|"),
        (make("pow", -p, q), "(-p)^{q}"),
        (
            make("select", make("lt", p, 0), q, z),
            r"\begin{cases} q & \text{if } p < 0 \\ z & \text{otherwise} \end{cases}",
        ),
        (s[t + 1, make("floordiv", i, 2)], r"s_{t+1,\lfloor i/2 \rfloor}"),
        (s[Size("T") - 1 - t, 2 * i], "s_{T-t-1,2i}"),
        (make("sigmoid", p), r"\operatorname{sigmoid}(p)"),
        (make("maximum", p, q), r"\max(p, q)"),
    ],
)
def test_an_expression_has_the_parentheses_of_a_book(expression, text):
    assert Formula()(expression) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("W", "W"),
        ("alpha", r"\alpha"),
        ("s_sum", r"s^{\mathrm{sum}}"),
        ("s_2", "s^{(2)}"),
        ("h2", "h^{(2)}"),
        ("y_hat", r"\hat{y}"),
        ("dW", r"\mathrm{d}W"),
        ("ds_sum", r"\mathrm{d}s^{\mathrm{sum}}"),
        ("dloss", r"\mathrm{d}\mathrm{loss}"),
        ("depth", r"\mathrm{depth}"),
        ("target", r"\mathrm{target}"),
        ("s_m1", "s^{(-1)}"),
    ],
)
def test_a_name_is_shown_as_books_do(name, text):
    assert latex_name(name, {"loss", "s_0"})[0] == text


def test_a_name_in_a_drawing_is_styled_text():
    assert runs("ds_sum") == [("d", "upright"), ("s", "italic"), ("sum", "super")]
    assert runs("alpha_1") == [("α", "italic"), ("(1)", "super")]


def test_the_number_at_the_end_of_a_name_is_its_step():
    assert split_step("s_12") == ("s", 12)
    assert split_step("s_m1") == ("s", -1)
    assert split_step("s") is None
