"""Ticks of logarithmic axes: round numbers whose labels do not touch, in panels of any width."""

from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from analysis.figures.parts import log_axis, short_count
from analysis.figures.resources import change_in_resources
from analysis.figures.sizes import model_sizes
from har_ray.figures import SMALL, style
from har_ray.variants import Traits


def labels_of(axes):
    """What is written below the axis, from the left, and the box of each."""
    shown = [tick.label1 for tick in axes.xaxis.get_major_ticks() if tick.label1.get_text()]
    return {text.get_text(): text.get_window_extent() for text in sorted(shown, key=lambda text: text.get_position())}


def touching(axes):
    return [(a, b) for (a, left), (b, right) in pairwise(labels_of(axes).items()) if left.x1 >= right.x0]


def drawn(values, width_in):
    with style():
        figure = Figure(figsize=(width_in, 1), layout="constrained")
        axes = figure.subplots()
        axes.tick_params(axis="x", labelsize=SMALL)
        log_axis(axes, values)
        figure.draw_without_rendering()
    return axes


@pytest.mark.parametrize("width_in", [0.8, 1.0, 2.0, 5.0])
@pytest.mark.parametrize(
    "values", [[500_000], [40_000, 42_000], [0.5, 0.6], [2000, 16_000], [37_000, 380_000], [900, 5_000_000]]
)
def test_numbers_do_not_touch_and_there_are_two_where_there_is_room(values, width_in):
    axes = drawn(values, width_in)
    assert not touching(axes)
    assert len(labels_of(axes)) >= (1 if width_in <= 1 else 2)


def test_wide_axes_have_1_2_5_and_narrow_ones_powers_of_ten():
    assert list(labels_of(drawn([2000, 80_000], 5.0))) == ["2 k", "5 k", "10 k", "20 k", "50 k", "100 k"]
    assert list(labels_of(drawn([1000, 900_000], 1.0))) == [short_count(10.0**power) for power in (3, 6)]


def test_panels_beside_each_other_keep_their_numbers_apart(grid, draw):
    """Costs within a third of each other, as of an ablation."""
    for number, name in enumerate(("A", "B", "C")):
        grid.traits[name] = Traits(name=name)
        cost = {"params": 10_000 + 900 * number, "macs": 500_000 + 40_000 * number, "flops_published": 300_000}
        grid.completed(name, 0, 0.6, row=cost)
    for figure in (draw(model_sizes), draw(change_in_resources)):
        assert [touching(axes) for axes in figure.axes] == [[]] * len(figure.axes)
