"""The table of exported files: float and int8 side by side, folds pooled, what is missing left out."""

import csv
import io

import pytest

from analysis.budget import budget_lines, parse
from analysis.chart import chart
from analysis.figures.bubble import bubble_chart
from analysis.on_the_watch import on_the_watch
from analysis.tables import results_csv
from har_ray.groups import Setting
from tests.analysis.figures.conftest import caption_of

SETTING = Setting("sensors", "wrist", "subject-holdout")
RIGHT = [("4", 0, 0), ("4", 1, 1), ("5", 2, 2), ("5", 2, 2)]
ONE_WRONG = [("4", 0, 1), ("4", 1, 1), ("5", 2, 2), ("5", 2, 2)]
"""F1 of the classes 0, 2/3 and 1."""


@pytest.fixture
def results(grid):
    """LM of two folds, both exported; MM of two, one exported; OM not at all."""
    for fold in (0, 1):
        grid.completed("OM", 0, 0.9, fold=fold, predictions=RIGHT)
    lm = [grid.completed("LM", 0, 0.9, fold=fold, predictions=RIGHT) for fold in (0, 1)]
    mm = [grid.completed("MM", 0, 0.9, fold=fold, predictions=RIGHT) for fold in (0, 1)]
    grid.export(lm[0], RIGHT, 4000)
    grid.export(lm[1], ONE_WRONG, 5000, agreement=0.75)
    grid.export(mm[0], RIGHT, 9000, activations="int16")
    return grid.load()


def test_float_and_int8_stand_side_by_side(results):
    table = on_the_watch(results, SETTING)
    assert table is not None
    rows = {row[0].text: [entry.text for entry in row[1:]] for row in table.rows}
    # Pooled: class 0 has 1 of 2 found, F1 2/3; class 1 both, one too many, 4/5; class 2 all: 82.2 %.
    assert rows["LM"] == ["100.0", "82.2", "−17.8", "87.5", "0.25", "4,000–5,000", "2,000–2,500", "2/2"]
    # With a fold missing there is no score, and none is made of the other one.
    assert rows["MM"] == ["–", "–", "–", "100.0", "0.25", "9,000", "4,500", "1/2"]
    assert "OM" not in rows
    assert "Measured on a PC." in table.notes[1]
    assert table.notes[2] == "Weights in int8, values between layers in int16: MM."


def test_the_csv_has_the_same_numbers_and_where_they_were_measured(results):
    records = {row["variant"]: row for row in csv.DictReader(io.StringIO(results_csv(results)))}
    lm, mm, om = (records[name] for name in ("LM", "MM", "OM"))
    assert [float(lm[name]) for name in ("float_f1_macro", "int8_f1_macro", "int8_agreement", "int8_logit_error")] == (
        pytest.approx([1.0, (2 / 3 + 4 / 5 + 1) / 3, 0.875, 0.25])
    )
    assert [lm[f"{cost}_{end}"] for cost in ("flash_bytes", "arena_bytes") for end in ("min", "max")] == [
        "4000", "5000", "2000", "2500",
    ]  # fmt: skip
    assert (lm["cells_exported"], lm["activations"], lm["measured_on"]) == ("2", "int8", "a PC")
    assert (mm["activations"], om["activations"]) == ("int16", "")
    assert (mm["int8_f1_macro"], mm["flash_bytes_max"], mm["cells_exported"]) == ("", "9000", "1")
    assert (om["int8_f1_macro"], om["flash_bytes_max"], om["cells_exported"], om["measured_on"]) == ("", "", "0", "")


def test_flash_limits_a_budget_and_is_an_axis(results):
    lines = list(budget_lines(results, parse("flash_bytes=5000")))
    assert any(line.strip().startswith("best: LM, 5,000 bytes of flash;") for line in lines)
    (nothing, *_) = list(budget_lines(results, parse("flash_bytes=4500")))[1:]
    assert "nothing: " in nothing
    drawn, figure = chart(results, SETTING), bubble_chart(results, SETTING, cost="flash_bytes")
    assert drawn is not None
    assert {"flash_bytes", "arena_bytes"} <= set(drawn["x"])
    assert figure is not None
    assert "Macro F1 against flash of the int8 file" in str(figure.get_label())
    assert "The score is that of the network in float" in caption_of(figure)


def test_without_exports_there_is_nothing_of_it(grid):
    grid.completed("LM", 0, 0.9)
    results = grid.load()
    assert on_the_watch(results, SETTING) is None
    assert bubble_chart(results, SETTING, cost="flash_bytes") is None
    drawn = chart(results, SETTING)
    assert drawn is not None
    assert "flash_bytes" not in drawn["x"]
