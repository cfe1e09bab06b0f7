"""The dependence graph: its nodes, its edges with their delays, and its picture."""

import itertools
import math
import pickle
import xml.etree.ElementTree as ET
from dataclasses import replace

import networkx as nx
import pytest

from graphc.view.graph import Edge, Node, graph
from graphc.view.names import split_step
from graphc.view.picture import parts, picture
from tests.view import models
from tests.view.build import build

WRITTEN = ["network", "network's gradient", "its unfolding", "gates unfolded"]
NAMES = ["rnn", "small", "small_gradient", "unfolded", "lstm", "cnn"]


def edge(found, source, target):
    return next(e for e in found.edges if (e.source, e.target) == (source, target))


def drawn(name, **options):
    """The model's picture, without what the compiler names."""
    system = models.written(name) if name in WRITTEN else getattr(models, name)()
    return picture(graph(system).without_auxiliary(), **options)


def overlap(a, b):
    return abs(a.x - b.x) < (a.width + b.width) / 2 and abs(a.y - b.y) < (a.height + b.height) / 2


def along(path, steps=24):
    """Points on a path of Bezier curves."""
    for k in range(0, len(path) - 1, 3):
        p0, p1, p2, p3 = path[k : k + 4]
        for n in range(steps + 1):
            u = n / steps
            weights = ((1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u * u * (1 - u), u**3)
            yield tuple(sum(w * p[d] for w, p in zip(weights, (p0, p1, p2, p3), strict=True)) for d in (0, 1))


def test_a_node_a_tensor_and_an_edge_a_read():
    found = graph(models.rnn())
    assert [n.name for n in found.nodes if n.role == "param"] == ["W", "U", "V", "b", "c"]
    assert {(e.source, e.target) for e in found.edges if e.target == "a"} == {(n, "a") for n in "bWsUx"}
    assert edge(found, "x", "a").through == ("U",)


def test_a_state_read_one_step_before_is_an_edge_of_delay_one():
    assert edge(graph(models.rnn()), "s", "a") == Edge("s", "a", "delay", (("t", 1),), "", ("W",))
    assert edge(graph(models.rnn()), "a", "s").kind == "plain"


def test_an_adjoint_is_read_one_step_ahead():
    assert edge(graph(models.small_gradient()), "ds_sum", "ds").delay == (("t", -1),)


def test_a_read_that_is_not_uniform_shows_its_subscripts():
    assert edge(graph(models.cnn()), "R", "P").access == "[2 * i + m, 2 * j + n]"


def test_an_index_from_data_is_an_edge_of_its_own_kind():
    found = graph(build("input:int left T; tensor h T", "h[n] = h[left[n]] + 1 for 0 <= n < T"))
    assert edge(found, "h", "h").kind == "data"
    assert edge(found, "left", "h").kind == "plain"


def test_the_folded_graph_has_the_cycle_and_the_unfolded_none():
    assert graph(models.rnn()).cycles == [["a", "s"]]
    assert not graph(models.rnn()).is_dag
    assert graph(models.unfolded()).is_dag
    assert nx.is_directed_acyclic_graph(graph(models.unfolded()).to_networkx())


def test_networkx_gets_the_equations_and_the_delays():
    found = graph(models.small()).to_networkx()
    assert found.nodes["s"]["latex"] == r"s_{t,i} = \tanh(s^{\mathrm{sum}}_{t,i}) \\ s_{-1,i} = 0"
    assert found.nodes["W"]["role"] == "param"
    assert found.edges["s", "s_sum", 0]["delay"] == {"t": 1}


def test_what_goes_through_an_auxiliary_tensor_goes_directly_without_it():
    found = graph(models.rnn()).without(["o_max", "o_sum", "a"])
    assert {(e.source, e.target) for e in found.edges if e.target == "y"} == {("o", "y")}
    assert edge(found, "s", "s").delay == (("t", 1),)


def test_elements_that_do_not_meet_are_not_joined():
    system = build(
        "input x 2; tensor p 2; tensor a; tensor b",
        "p[0] = x[0]\np[1] = 1\na = p[0]\nb = p[1]",
    )
    assert [(e.source, e.target) for e in graph(system).without(["p"]).edges] == [("x", "a")]


@pytest.mark.parametrize("name", NAMES + WRITTEN)
@pytest.mark.parametrize("rankdir", [None, "RL", "TB", "BT"])
def test_a_picture_is_well_formed_and_nothing_in_it_overlaps(name, rankdir):
    found = drawn(name, rankdir=rankdir)
    ET.fromstring(found.svg())
    boxes = [s.box for s in found.shapes] + [a.edge.label for a in found.arrows if a.edge.label]
    assert not [(a.name, b.name) for a, b in itertools.combinations(boxes, 2) if overlap(a, b)]


@pytest.mark.parametrize("name", NAMES + WRITTEN)
@pytest.mark.parametrize("rankdir", [None, "TB"])
def test_no_arrow_runs_through_a_box(name, rankdir):
    found = drawn(name, rankdir=rankdir)
    for a in found.arrows:
        points = list(along(a.edge.path))
        for b in (s.box for s in found.shapes):
            half = b.width / 2 - 2, b.height / 2 - 2
            hit = [(x, y) for x, y in points if abs(x - b.x) < half[0] and abs(y - b.y) < half[1]]
            assert not hit, (a.edge.source, a.edge.target, b.name)


@pytest.mark.parametrize("name", NAMES + WRITTEN)
def test_arrows_start_and_end_at_their_boxes(name):
    found = drawn(name)
    boxes = {s.box.name: s.box for s in found.shapes}
    for a in found.arrows:
        for end, (x, y) in ((a.edge.source, a.edge.path[0]), (a.edge.target, a.edge.path[-1])):
            b = boxes[end]
            out = max(abs(x - b.x) - b.width / 2, abs(y - b.y) - b.height / 2)
            assert math.isclose(out, 0, abs_tol=1e-6), (a.edge.source, a.edge.target)


def test_the_folded_picture_runs_from_left_to_right():
    found = {s.box.name: s.box.x for s in drawn("rnn").shapes}
    assert found["x"] < found["a"] < found["s"] < found["o"] < found["y"] < found["L"]


def test_a_gradient_unfolded_is_drawn_by_steps_too():
    found = {s.box.name: s.box for s in drawn("its unfolding").shapes}
    assert found["do[0]"].y == found["do[2]"].y < found["o_0"].y
    assert found["dW"].y < found["da_1"].y
    assert found["s_m1"].x < found["s_0"].x


def test_the_unfolded_picture_has_a_column_a_step_and_a_row_a_layer():
    found = {s.box.name: s.box for s in drawn("unfolded").shapes}
    for name in ("a", "s", "y"):
        first, second, third = (found[f"{name}_{k}"] for k in range(3))
        assert first.x < second.x < third.x
        assert first.y == second.y == third.y
    assert found["x[1]"].y > found["a_1"].y > found["s_1"].y > found["y_1"].y > found["L"].y
    assert found["s0"].x < found["a_0"].x


def test_a_delayed_edge_is_dashed_and_has_a_square():
    svg = graph(models.small()).svg()
    root = ET.fromstring(svg)
    dashed = [g for g in root.iter() if g.get("stroke-dasharray")]
    assert len(dashed) == 1
    assert [g for g in root.iter() if g.get("width") == "9" and g.get("height") == "9"]


def test_a_picture_is_the_same_each_time():
    assert graph(models.lstm()).svg() == graph(models.lstm()).svg()


def test_many_steps_are_the_first_and_the_last():
    found = picture(graph(models.unfolded(30)), max_nodes=40)
    steps = {split_step(s.box.name)[1] for s in found.shapes if split_step(s.box.name)}
    assert steps == {0, 1, 29}
    assert [text for _, text in found.marks] == ["⋯"]


def test_too_large_a_graph_is_summed_up():
    found = picture(graph(models.lstm()), max_nodes=9)
    assert sorted(s.box.name for s in found.shapes) == ["f_sum … h", "x"]
    found = picture(graph(models.cnn()), max_nodes=3)
    assert not found.shapes
    assert found.notes[0].startswith("12 tensors, 14 reads: more than max_nodes=3")
    ET.fromstring(found.svg())


def test_parameters_stand_at_the_edges_they_act_on():
    shapes, arrows = parts(graph(models.rnn()))
    assert not {"W", "U", "V", "b", "c"} & {s.box.name for s in shapes}
    assert next(a.label for a in arrows if a.edge.source == "x") == [[("U", "italic")]]
    assert next(s.below for s in shapes if s.box.name == "a") == "T×H, with b"


def test_a_system_of_parameters_alone_is_drawn_with_them():
    shapes, _ = parts(graph(build("param W H; tensor L", "L += W[i]*W[i] for 0 <= i < H")))
    assert [s.box.name for s in shapes] == ["W", "L"]


def test_graphviz_text_quotes_its_names():
    text = graph(models.small()).to_dot()
    assert '"s" -> "s_sum" [label="t-1", style=dashed, constraint=false];' in text


def test_the_page_needs_nothing_but_itself():
    text = graph(models.small()).html()
    assert "src=" not in text
    assert "tanh(s_sum[t, i])" in text


def test_an_unknown_direction_is_refused():
    with pytest.raises(ValueError, match="rankdir"):
        graph(models.small()).svg("up")


def test_names_with_signs_of_markup_stay_text():
    found = graph(models.small())
    odd = replace(found, nodes=(*found.nodes, Node("a<b>&", "input", ("T",), "")))
    ET.fromstring(odd.svg())


@pytest.mark.parametrize("name", ["rnn", "small_gradient", "cnn"])
def test_a_graph_comes_back_from_its_pickle(name):
    found = graph(getattr(models, name)())
    again = pickle.loads(pickle.dumps(found))
    assert again.edges == found.edges and again.nodes == found.nodes and again.to_dot() == found.to_dot()
    assert all((a.relation is None) == (b.relation is None) for a, b in zip(again.edges, found.edges, strict=True))
    assert again.svg() == found.svg()
