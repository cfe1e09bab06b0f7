"""The layered layout by itself."""

import random

from graphc.view.layout import Box, Edge, acyclic, layered, rank, spread


def test_ranks_follow_the_longest_path():
    assert rank("abcd", [("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")]) == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_one_edge_of_a_cycle_is_turned_round():
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "a")]
    assert acyclic("abc", edges) == [("a", "b"), ("b", "c"), ("a", "c")]
    assert [e.back for e in edges] == [False, False, True]


def test_places_keep_their_gaps_and_stay_where_they_can():
    assert spread([(0, 1), (0, 1), (50, 1)], [10, 10]) == [-5, 5, 50]


def test_a_chain_is_straight():
    boxes = [Box(n, 30, 20) for n in "abcde"]
    layered(boxes, [Edge(a, b) for a, b in zip("abcd", "bcde", strict=True)])
    assert len({b.x for b in boxes}) == 1
    assert [b.y for b in boxes] == sorted(b.y for b in boxes)


def test_boxes_never_overlap_in_random_graphs():
    choose = random.Random(5)
    for _ in range(20):
        names = [f"n{k}" for k in range(choose.randint(2, 25))]
        boxes = [Box(n, choose.uniform(20, 90), choose.uniform(20, 50)) for n in names]
        edges = [Edge(*choose.sample(names, 2), width=choose.choice([0, 30]), height=18) for _ in range(40)]
        layered(boxes, edges)
        labels = [e.label for e in edges if e.label]
        every = boxes + labels
        for k, a in enumerate(every):
            for b in every[:k]:
                apart = abs(a.x - b.x) >= (a.width + b.width) / 2 - 1e-6
                assert apart or abs(a.y - b.y) >= (a.height + b.height) / 2 - 1e-6


def test_nothing_to_lay_out_is_no_error():
    layered([], [])
