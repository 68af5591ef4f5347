"""Names beside their points: near, within the chart, on nothing else."""

from itertools import combinations

import numpy as np

from analysis.figures.labels import Box, Chart, place

FRAME = Box(0, 0, 320, 270)


def marks(points):
    return [Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]


def test_a_single_name_stands_right_beside_its_point():
    (found,) = place([(100, 100)], [(40, 10)], Chart(FRAME, marks([(100, 100)]), []))
    assert (found.box.left, found.box.bottom, found.box.top) == (107, 93.5, 106.5)
    assert found.edge == (107, 100)


def test_a_name_keeps_within_the_chart():
    (found,) = place([(315, 268)], [(40, 10)], Chart(FRAME, marks([(315, 268)]), []))
    assert found.box.overlap(FRAME) == found.box.overlap(found.box)


def test_twenty_crowded_names_lie_neither_on_each_other_nor_on_marks():
    random = np.random.default_rng(0)
    for _ in range(5):
        points = [tuple(point) for point in random.normal((150, 130), (25, 40), (20, 2))]
        found = [one.box for one in place(points, [(60, 9)] * 20, Chart(FRAME, marks(points), []))]
        assert not [(a, b) for a, b in combinations(found, 2) if a.overlap(b)]
        assert not [(box, mark) for box in found for mark in marks(points) if box.overlap(mark) > 1]


def test_a_name_leaves_an_interval_free_where_it_can():
    interval = Box(99, 50, 101, 200)
    (found,) = place([(100, 100)], [(40, 10)], Chart(FRAME, marks([(100, 100)]), [interval]))
    assert not found.box.overlap(interval)


def test_a_line_crosses_a_box_only_if_it_runs_through_it():
    box = Box(0, 0, 10, 10)
    assert box.crossed_by(((-5, 5), (15, 5)))
    assert not box.crossed_by(((-5, 15), (15, 15)))
    assert not box.crossed_by(((-5, 5), (-1, 5)))
    assert not box.crossed_by(((12, -5), (12, 15)))
