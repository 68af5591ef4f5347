"""What a variant changes against the baseline, and what was published of it, by hand."""

import csv
import io

import pytest

from analysis.published import Change, Model, change, model
from analysis.relative import published_table, relative_csv, relative_table
from har_ray.groups import Setting

PAPER = {"preset": "paper", "protocol": "random"}
COSTS = {"params": 1500, "macs": 30_000, "flops_published": 10_000, "bytes": 6000}


def column(table, name):
    return [row[table.columns.index(name)].text for row in table.rows]


@pytest.fixture
def reproduced(grid):
    """The published split: LM with 1,000 parameters, RB-KD one point worse and half as large again."""
    grid.info["data"] = []
    grid.seeds("LM", 0.97, 0.95, **PAPER)
    grid.seeds("RB-KD", 0.96, 0.94, row=COSTS, **PAPER)
    return grid


def test_changes_are_points_and_percent_with_the_published_ones_in_brackets(reproduced):
    results = reproduced.load()
    table = relative_table(results, results.settings()[0])
    assert column(table, "variant") == ["RB-KD"]
    assert column(table, "Δ F1 macro (points)") == ["−1.0 (−0.4)"]
    assert column(table, "Δ accuracy (points)") == ["−1.0 (−0.4)"]
    assert column(table, "Δ F1 weighted (points)") == ["−1.0"]
    assert column(table, "Δ params (%)") == ["+50.0 (0.0)"]
    assert column(table, "Δ MACs (%)") == ["+50.0"]
    assert column(table, "Δ FLOPs (published count) (%)") == ["0.0 (0.0)"]
    (row,) = csv.DictReader(io.StringIO(relative_csv(results)))
    assert float(row["f1_macro_change"]) == pytest.approx(-0.01)
    assert float(row["params_change"]) == 0.5
    assert float(row["f1_macro_change_published"]) == pytest.approx(-0.0043)


def test_only_seeds_that_both_completed_are_compared(grid):
    grid.seeds("LM", 0.5, 0.9)
    grid.completed("RB-KD", 1, 0.8)
    results = grid.load()
    table = relative_table(results, results.settings()[0])
    assert column(table, "Δ F1 macro (points)") == ["−10.0"]


@pytest.mark.parametrize(
    ("setting", "baseline"),
    [
        ({"preset": "wrist", "protocol": "random"}, "LM"),
        ({"preset": "paper", "protocol": "loso"}, "LM"),
        ({"dataset": "spar", **PAPER}, "LM"),
        (PAPER, "RB-KD"),
    ],
)
def test_other_windows_splits_data_and_baselines_have_no_published_change(grid, setting, baseline):
    grid.info["data"], grid.info["grid"] = [], {"name": "tiny", "baseline": baseline}
    grid.seeds("LM", 0.5, **setting)
    grid.seeds("RB-KD", 0.6, **setting)
    results = grid.load()
    texts = column(relative_table(results, results.settings()[0]), "Δ F1 macro (points)")
    assert texts == ["+10.0" if baseline == "LM" else "−10.0"]


def test_without_the_baseline_there_is_nothing_to_compare_with(grid):
    grid.failed("LM", 0, "out of memory")
    grid.seeds("RB-KD", 0.6)
    results = grid.load()
    assert relative_table(results, results.settings()[0]) is None
    assert relative_csv(results) == ""


def test_published_numbers_stand_beside_ours(reproduced):
    reproduced.failed("OM", 0, "out of memory", **PAPER)
    results = reproduced.load()
    table = published_table(results, results.settings()[0])
    assert table is not None
    found = {row[0].text: [entry.text for entry in row[1:]] for row in table.rows}
    assert found == {
        "LM": ["96.0", "96.9", "96.0", "96.8", "1,000", "7,987", "10,000", "932,400"],
        "RB-KD": ["95.0", "96.5", "95.0", "96.4", "1,500", "7,987", "10,000", "932,400"],
        "OM": ["–", "99.6", "–", "99.6", "–", "1,414,087", "–", "211,910,400"],
    }


def test_nothing_was_published_of_people_whom_no_model_has_seen(grid):
    grid.seeds("LM", 0.5)
    results = grid.load()
    assert published_table(results, results.settings()[0]) is None


def test_what_was_published_of_attention_follows_from_lm():
    # Sensors: RAB-KD +2.00 points and +0.25 % of 7,987 parameters; OM's own 1,414,087 are 177 times LM's
    setting = Setting("sensors", "paper", "random")
    assert model(setting, "RAB-KD") == pytest.approx(Model(98.9, 98.81, 8007, 948_997))
    assert change(setting, "OM") == pytest.approx(Change(2.71, 2.77, 17604.9, 22627.4), abs=0.05)
    assert model(setting, "DS-CNN") is None
