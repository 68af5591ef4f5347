"""Model sizes, baselines and change in resources: rows of variants beside axes of costs."""

import pytest

from analysis.figures.baselines import baseline_bars
from analysis.figures.parts import percent_limits, short_count
from analysis.figures.resources import change_in_resources, percent_change
from analysis.figures.sizes import model_sizes
from har_ray.variants import Traits
from tests.analysis.figures.conftest import caption_of, marks_of

TREES = {"params": None, "macs": None, "flops_published": None, "bytes": 900_000}


def panel_of(figure, title):
    """The panel of a title, and where its variants' marks stand."""
    (panel,) = [one for one in figure.axes if one.get_title(loc="left") == title]
    return panel, marks_of(panel)


def rows_of(panel):
    return [label.get_text() for label in panel.get_yticklabels()]


def test_each_size_stands_on_a_log_axis_in_its_variants_row(grid, draw):
    for variant in ("OM", "MM", "LM"):
        grid.completed(variant, 0, 0.6)
    figure = draw(model_sizes)
    panel, marks = panel_of(figure, "parameters")
    assert rows_of(panel) == ["OM", "MM", "LM†"]
    assert marks == [(100_000, 0), (4000, 1), (1000, 2)]
    assert panel_of(figure, "MACs")[1] == [(2_000_000, 0), (80_000, 1), (20_000, 2)]
    assert panel_of(figure, "FLOPs (published count)")[1] == [(1_000_000, 0), (40_000, 1), (10_000, 2)]
    assert panel_of(figure, "bytes")[1] == [(400_000, 0), (16_000, 1), (4000, 2)]
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}


def test_sizes_that_differ_between_folds_are_a_line_around_their_median(grid, draw):
    for fold, params in enumerate((900, 1000, 1400)):
        grid.completed("LM", 0, 0.6, fold, row={"params": params})
    panel, marks = panel_of(draw(model_sizes), "parameters")
    assert marks == [(1000, 0)]
    assert panel.collections[0].get_segments()[0][:, 0] == pytest.approx([900, 1400])


def test_what_trees_have_none_of_is_said(grid, draw):
    grid.completed("LM", 0, 0.6)
    grid.completed("Forest", 0, 0.6, row=TREES)
    figure = draw(model_sizes)
    assert panel_of(figure, "bytes")[1] == [(4000, 0), (900_000, 1)]
    assert "Forest: no parameters, no MACs, no FLOPs (published count)." in caption_of(figure)


def test_no_sizes_before_a_cell_is_completed(grid, draw):
    grid.expect("LM", 0)
    assert draw(model_sizes) is None
    assert draw(baseline_bars) is None
    assert draw(change_in_resources) is None


def test_resources_are_bars_from_the_baseline_with_the_change_in_percent(grid, draw):
    """MM has four times the parameters of LM; Tiny half."""
    for variant, params in {"LM": 1000, "MM": 4000, "Tiny": 500}.items():
        grid.completed(variant, 0, 0.6, row={"params": params, "macs": None, "flops_published": None, "bytes": None})
    figure = draw(change_in_resources)
    (panel,) = figure.axes
    assert rows_of(panel) == ["MM", "Tiny"]
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in panel.patches] == [(1, 4), (1, 0.5)]
    assert [text.get_text() for text in panel.texts] == ["+300 %", "−50 %"]
    assert panel.get_xscale() == "log"


def test_resources_take_a_baseline_and_another(grid, draw):
    grid.completed("LM", 0, 0.6)
    assert draw(change_in_resources) is None


def test_changes_have_a_sign_and_a_digit_where_they_are_small():
    assert [percent_change(ratio) for ratio in (1, 1.02, 0.9604, 3, 201.78)] == [
        "0 %", "+2.0 %", "−4.0 %", "+200 %", "+20,078 %",
    ]  # fmt: skip


def test_baselines_are_bars_from_0_on_an_axis_to_100(grid, draw):
    """All of MM is right; of LM, class 0 alone: its subjects' macro F1 is 1/6."""
    grid.completed("MM", 0, 0.6)
    grid.completed("LM", 0, 0.6, predictions=[(subject, k, 0) for subject in ("4", "5") for k in range(3)])
    figure = draw(baseline_bars)
    bars, params, operations = figure.axes
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([100, 100 / 6])
    assert bars.get_xlim() == (0, 100)
    assert (params.get_title(loc="left"), marks_of(params)) == ("parameters", [(4000, 0), (1000, 1)])
    assert (operations.get_title(loc="left"), marks_of(operations)) == ("FLOPs", [(40_000, 0), (10_000, 1)])


def test_baselines_show_macs_where_the_published_count_knows_fewer_models(grid, draw):
    grid.completed("LM", 0, 0.6)
    grid.completed("CNN", 0, 0.6, row={"flops_published": None})
    assert draw(baseline_bars).axes[2].get_title(loc="left") == "MACs"


def test_what_has_attention_or_a_teacher_is_no_baseline(grid, draw):
    grid.traits["Own-KD"] = Traits(name="Own-KD", losses=("distillation",), taught=True)
    for variant in ("LM", "LM-Att", "RB-KD", "Own-KD"):
        grid.completed(variant, 0, 0.6)
    assert draw(baseline_bars) is None
    grid.completed("MM", 0, 0.6)
    assert rows_of(draw(baseline_bars).axes[0])[0] == "MM"


def test_an_axis_of_percent_has_room_but_ends_at_0_and_100():
    assert percent_limits([40, 60], 0.1) == (38, 62)
    assert percent_limits([0.5, 99.5], 0.1) == (0, 100)


def test_short_counts():
    assert [short_count(value) for value in (1e9, 2e6, 5e5, 200, 0.1)] == ["1 G", "2 M", "500 k", "200", "0.1"]
