"""The figures exist, name what they show and what is absent, and their labels do not overlap."""

import re
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.image import imread
from matplotlib.text import Text

from analysis.figures import COLOURS
from analysis.figures.bubble import area_scale, bubble_chart, clusters, legend_sizes, short_count, spread
from analysis.figures.confusion import confusion_matrices, row_shares
from analysis.figures.curves import learning_curves
from har_ray.figures import STYLE, save, style
from har_ray.variants import Traits

VARIANTS = {"OM": 0.75, "MM": 0.68, "LM": 0.62, "LM-Att": 0.63, "RB-KD": 0.63, "RB-KD-Att": 0.64, "RAB-KD": 0.65,
            "GRU": 0.61, "KD-margin": 0.63, "Own-KD": 0.64}  # fmt: skip
OWN = (
    Traits(name="GRU"),
    Traits(name="KD-margin", losses=("mylab.losses:Margin",)),
    Traits(name="Own-KD", losses=("distillation",), taught=True),
)


@pytest.fixture
def drawn(grid, tmp_path):
    """Draws a figure of the grid's first setting and returns (figure, text of its SVG)."""

    def draw(figure_of, *arguments):
        results = grid.load()
        with style():
            figure = figure_of(results, results.settings()[0], *arguments)
            svg = save(figure, tmp_path / "figure.v1", results.made_by)
        assert svg == tmp_path / "figure.v1.svg"
        assert imread(tmp_path / "figure.v1.png").shape[1] == round(figure.get_figwidth() * 200)
        return figure, svg.read_text()

    return draw


def fill(grid, **setting):
    grid.traits |= {traits.name: traits for traits in OWN}
    for variant, score in VARIANTS.items():
        grid.seeds(variant, score - 0.01, score, score + 0.01, **setting)


def labels_of(figure):
    """The boxes of the names, without their leader lines."""
    return {text.get_text(): Text.get_window_extent(text) for text in figure.axes[0].texts}


@pytest.mark.parametrize("cost", ["flops_published", "macs"])
def test_bubble_chart_labels_every_variant_without_overlap(grid, drawn, cost):
    fill(grid)
    figure, svg = drawn(bubble_chart, cost)
    for text in [*VARIANTS, "F1 against cost: sensors, wrist, subject-holdout", "area: parameters", "abc123"]:
        assert text in svg
    boxes = labels_of(figure)
    assert set(boxes) == set(VARIANTS)
    names = list(boxes)
    assert not [(a, b) for a in names for b in names if a < b and boxes[a].overlaps(boxes[b])]
    assert figure.axes[0].get_xscale() == "log"


def test_bubble_chart_explains_every_colour(grid, drawn):
    fill(grid)
    figure, _ = drawn(bubble_chart, "macs")
    (legend,) = figure.legends
    families = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    colours = [to_hex(mark.get_markeredgecolor()).upper() for mark in legend.legend_handles]
    assert dict(zip(families, colours, strict=True)) == COLOURS
    names = {text.get_text(): to_hex(text.get_color()).upper() for text in figure.axes[0].texts}
    assert names["KD-margin"] == COLOURS["other"]
    assert names["Own-KD"] == names["RB-KD"]


def test_bubbles_stand_at_their_cost(grid, drawn):
    """LM and RB-KD cost the same, LM-Att 6 % more: none is moved for the others."""
    costs = {"LM": 10_704, "RB-KD": 10_704, "LM-Att": 11_384}
    for variant, macs in costs.items():
        grid.completed(variant, 0, 0.6, row={"macs": macs})
        grid.completed(variant, 1, 0.7, row={"macs": macs})
    figure, _ = drawn(bubble_chart, "macs")
    drawn_at = [
        np.asarray(dots.get_offsets()) for dots in figure.axes[0].collections if isinstance(dots, PathCollection)
    ]
    assert sorted({float(points[0, 0]) for points in drawn_at}) == [10_704, 11_384]


def test_bubble_areas_are_proportional_to_parameters(grid, drawn):
    grid.seeds("LM", 0.6)
    grid.seeds("OM", 0.7)
    figure, _ = drawn(bubble_chart, "macs")
    small, large = sorted({float(dots.get_sizes()[0]) for dots in figure.axes[0].collections if len(dots.get_sizes())})
    assert large / small == pytest.approx(100)


def test_bubble_chart_names_what_it_cannot_show(grid, drawn):
    grid.seeds("LM", 0.6)
    grid.failed("OM", 0, "out of memory")
    grid.completed("MM", 0, 0.7, row={"macs": None})
    _, svg = drawn(bubble_chart, "macs")
    assert "Not shown: OM (0/1, 1 failed), MM (no count of its cost)" in svg


def test_a_chart_of_a_cost_that_nobody_published_says_so(grid, drawn):
    grid.completed("GRU", 0, 0.7, row={"flops_published": None})
    _, svg = drawn(bubble_chart, "flops_published")
    assert "nothing to show" in svg
    assert "Not shown: GRU (no count of its cost)" in svg


@pytest.mark.parametrize("figure_of", [lambda r, s: bubble_chart(r, s, "macs"), learning_curves, confusion_matrices])
def test_figures_of_a_grid_that_has_just_begun(grid, drawn, figure_of):
    grid.expect("LM", 0, protocol="random")
    _, svg = drawn(figure_of)
    assert "no completed cell" in svg or "Not shown: LM (0/1, 1 missing)" in svg
    assert "LEAKS" in svg


def test_learning_curves(grid, drawn):
    grid.seeds("LM", 0.6, 0.9)
    grid.failed("RB-KD", 0, "out of memory")
    figure, svg = drawn(learning_curves)
    panel, empty = figure.axes
    assert (panel.get_title(loc="left"), empty.get_title(loc="left")) == ("LM (2/2)", "RB-KD (0/1, 1 failed)")
    mean = panel.lines[-1]
    assert mean.get_ydata() == pytest.approx([25, 50, 75])
    (best,) = [line.get_xydata() for line in panel.lines if line.get_marker() == "o"]
    assert best == pytest.approx(np.array([[2, 40], [2, 60]]))
    (cells,) = panel.collections
    assert np.array(cells.get_segments()) == pytest.approx(
        np.array([[[1, 20], [2, 40], [3, 60]], [[1, 30], [2, 60], [3, 90]]])
    )
    assert panel.get_ylim()[0] < 20 < 90 < panel.get_ylim()[1]
    assert "no completed cell" in svg


def test_the_mean_curve_ends_with_the_shortest(grid, drawn):
    cells = [grid.completed("LM", seed, 0.6) for seed in (0, 1)]
    longer = [{"epoch": epoch, "val_f1_macro": 0.1 * epoch} for epoch in range(1, 9)]
    row = grid.store.row(cells[0])
    grid.store.write_row(row | {"files": row["files"] | grid.store.write_curve(cells[0], longer)})
    figure, _ = drawn(learning_curves)
    assert len(figure.axes[0].lines[-1].get_xdata()) == 3


def test_confusion_matrices_pool_seeds_and_name_classes(grid, drawn):
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 0), ("4", 0, 1), ("4", 1, 1)])
    grid.completed("LM", 1, 0.5, predictions=[("4", 0, 0), ("4", 0, 0), ("4", 1, 1)])
    figure, svg = drawn(confusion_matrices)
    assert [text.get_text() for text in figure.axes[0].texts] == ["75", "25", "100"]
    assert all(re.search(rf">{name}<", svg) for name in ("sit", "stand", "walk"))


def test_row_shares():
    shares = row_shares(np.array([[3, 1], [0, 0]]))
    assert shares[0] == pytest.approx([75, 25])
    assert np.isnan(shares[1]).all()


def test_spread_keeps_order_and_distance_and_moves_little():
    moved = spread([10, 0, 11, 50], 5)
    assert moved == pytest.approx([8, 0, 13, 50])
    many = spread([1.0, 1.0, 1.0, 1.1, 30.0], 4)
    assert min(b - a for a, b in pairwise(sorted(many))) >= 4 - 1e-9


def test_clusters_are_split_at_gaps():
    assert clusters({"b": 10, "a": 0, "c": 100}, gap=45) == [["a", "b"], ["c"]]


def test_scales_and_legends():
    assert area_scale([1000, 4000]) == 24 / 1000
    assert area_scale([1, 1_000_000]) == 4500 / 1_000_000
    assert legend_sizes([8000, 1_400_000]) == [10_000, 100_000, 1_000_000]
    assert legend_sizes([2600, 4100]) == [4000]
    assert [short_count(value) for value in (1e9, 2e6, 5e5, 200)] == ["1 G", "2 M", "500 k", "200"]


def test_nothing_stays_set():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["svg.fonttype"] == STYLE["svg.fonttype"]
    assert dict(matplotlib.rcParams) == before
