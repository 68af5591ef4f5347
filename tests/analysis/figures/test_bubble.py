"""Bubbles stand at their cost and score, name everything, and hide nothing."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.text import Text

from analysis.figures.bubble import Bubble, area_scale, bubble_chart, cap_sizes, legend_sizes
from analysis.figures.looks import Look
from tests.analysis.figures.conftest import TWENTY, caption_of, marks_of

HALF = [("4", k, k) for k in range(3)] + [("5", k, 0) for k in range(3)]
"""Subject 4 has macro F1 1, subject 5 has 1/6: class 0 is found in every third case."""


def circles(figure):
    """Where circles stand and their areas, each once."""
    found = [dots for dots in figure.axes[0].collections if isinstance(dots, PathCollection)]
    return {(*map(float, np.asarray(dots.get_offsets())[0]), float(dots.get_sizes()[0])) for dots in found}


def test_bubbles_stand_at_their_cost_and_their_subjects_mean(grid, draw):
    """LM and RB-KD cost the same, LM-Att 6 % more: none is moved for the others."""
    for variant, macs in {"LM": 10_704, "LM-Att": 11_384, "RB-KD": 10_704}.items():
        grid.completed(variant, 0, 0.6, predictions=HALF, row={"macs": macs})
    figure = draw(bubble_chart, "macs")
    assert np.array(marks_of(figure.axes[0])) == pytest.approx(
        np.array([(10_704, 58.33), (11_384, 58.33), (10_704, 58.33)]), rel=1e-3
    )
    assert figure.axes[0].get_xscale() == "log"
    assert figure.axes[0].get_ylabel() == "test macro F1 per subject (%)"


def test_intervals_end_at_0_and_100(grid, draw):
    """Of two subjects the t interval is wider than scores go."""
    grid.completed("LM", 0, 0.6, predictions=HALF)
    figure = draw(bubble_chart, "macs")
    (spread,) = [bars for bars in figure.axes[0].collections if not isinstance(bars, PathCollection)]
    assert spread.get_segments()[0][:, 1] == pytest.approx([0, 100])
    assert figure.axes[0].get_ylim() == (0, 100)
    assert "95 % interval for new people; one seed, so nothing is said about others" in caption_of(figure)


def test_areas_are_proportional_to_parameters(grid, draw):
    grid.completed("LM", 0, 0.6)
    grid.completed("OM", 0, 0.7)
    areas = sorted({area for _, _, area in circles(draw(bubble_chart, "macs"))})
    assert areas[1] / areas[0] == pytest.approx(100)


def test_the_front_is_what_nothing_cheaper_reaches(grid, draw):
    """MM is dearer than LM and no better; OM is better than both."""
    grid.completed("LM", 0, 0.6, predictions=HALF)
    grid.completed("MM", 0, 0.6, predictions=HALF)
    grid.completed("OM", 0, 0.7)
    figure = draw(bubble_chart, "macs")
    (steps,) = [line for line in figure.axes[0].lines if line.get_drawstyle() == "steps-post"]
    assert steps.get_xdata()[:2] == pytest.approx([20_000, 2_000_000])
    assert steps.get_ydata() == pytest.approx([58.33, 100, 100], rel=1e-3)
    assert figure.get_label().endswith("Pareto front: LM†, OM.")


def test_twenty_names_lie_neither_on_each_other_nor_outside(twenty, draw):
    chart = draw(bubble_chart, "macs").axes[0]
    boxes = {text.get_text().rstrip("†"): Text.get_window_extent(text) for text in chart.texts if text.get_text()}
    assert set(boxes) == set(TWENTY)
    assert not [(a, b) for a, b in combinations(boxes, 2) if boxes[a].overlaps(boxes[b])]
    frame = chart.get_window_extent()
    assert all(box.x0 >= frame.x0 and box.x1 <= frame.x1 + 1 for box in boxes.values())


def test_what_cannot_be_shown_is_named(grid, draw):
    grid.completed("LM", 0, 0.6)
    grid.failed("OM", 0, "out of memory")
    grid.completed("MM", 0, 0.7, row={"macs": None})
    caption = caption_of(draw(bubble_chart, "macs"))
    assert "Not shown: OM (0/1, 1 failed), MM (no count of its cost)." in caption


def test_trees_stand_at_their_bytes_without_a_circle_and_are_named_elsewhere(grid, draw):
    grid.completed("LM", 0, 0.6)
    grid.completed("Forest", 0, 0.6, row={"params": None, "macs": None, "flops_published": None, "bytes": 900_000})
    figure = draw(bubble_chart, "bytes")
    assert [x for x, _ in marks_of(figure.axes[0])] == [4000, 900_000]
    assert {x for x, _, _ in circles(figure)} == {4000}
    assert "A mark without a circle: trees, which have no parameters." in caption_of(figure)
    assert "Not shown: Forest (trees have none)." in caption_of(draw(bubble_chart, "macs"))


def test_a_chart_of_a_cost_that_nobody_has_is_not_made(grid, draw):
    grid.completed("GRU", 0, 0.7, row={"flops_published": None})
    assert draw(bubble_chart, "flops_published") is None


def test_latency_is_an_axis_only_where_one_device_measured_all(grid, draw):
    grid.completed("LM", 0, 0.6)
    assert draw(bubble_chart, "latency_ms") is not None
    grid.completed("MM", 0, 0.6, row={"latency_device": "another"})
    assert draw(bubble_chart, "latency_ms") is None


def test_caps_are_nested_where_intervals_coincide():
    bubbles = [Bubble("LM", "LM", Look("red", "o"), cost, 50, (40, 60), None) for cost in (1, 1, 2)]
    assert cap_sizes(bubbles) == [3, 5, 3]
    many = cap_sizes([bubbles[0]] * 20)
    assert len(set(many)) == 20
    assert max(many) == 12


def test_scales_and_legends():
    assert area_scale([1000, 4000]) == 25 / 1000
    assert area_scale([1, 1_000_000]) == 1500 / 1_000_000
    assert legend_sizes([8000, 1_400_000]) == [10_000, 100_000, 1_000_000]
    assert legend_sizes([2600, 4100]) == [4000]


def test_circles_of_the_legend_have_room_between_the_axis_and_the_small_print(grid, draw):
    grid.completed("OM", 0, 0.6, row={"params": 1_000_000})
    grid.completed("LM", 0, 0.6)
    figure = draw(bubble_chart, "macs")
    chart, legend = figure.axes
    box, largest = legend.get_window_extent(), max(float(dots.get_sizes()[0]) for dots in legend.collections)
    radius, middle = largest**0.5 / 2 * figure.dpi / 72, (box.y0 + box.y1) / 2
    assert middle + radius < chart.xaxis.label.get_window_extent().y0
    assert middle - radius > figure._supxlabel.get_window_extent().y1


def test_a_circle_that_reaches_above_100_has_room_below_the_title(grid, draw):
    for variant in ("OM", "LM"):
        grid.completed(variant, 0, 0.6)
    figure = draw(bubble_chart, "macs")
    chart = figure.axes[0]
    assert chart.get_ylim()[1] == 100
    radius = max(area for _, _, area in circles(figure)) ** 0.5 / 2 * figure.dpi / 72
    top = float(chart.transData.transform((1, 100))[1])
    assert top + radius <= figure._suptitle.get_window_extent().y0
