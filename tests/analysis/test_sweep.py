"""Rate and window as axes: which settings belong together, and which of them is the cheapest that is good enough."""

import csv
from io import StringIO
from pathlib import Path

import pytest

from analysis.report import write_report
from analysis.summary import summary
from analysis.sweep import sentence, sweep_csv, sweep_table, sweeps

MACS = {5: 3000, 10: 6000, 20: 12000}
PEOPLE = [str(number) for number in range(6)]


def swept(grid, validation, preset="wrist@window_s=3,rate_hz={}", protocol="loso"):
    """Six folds of one person each at three rates, windows of 3 s; `validation[rate]` holds a score for each fold."""
    grid.info["data"] = []
    for rate, scores in validation.items():
        setting = {"preset": preset.format(rate), "protocol": protocol}
        grid.info["data"].append(grid.data(preset=setting["preset"], rate_hz=float(rate), window=3 * rate))
        for fold, score in enumerate(scores):
            row = {"val_f1_macro": score, "macs": MACS[rate]}
            predicted = [(PEOPLE[fold], label, label if rate > 5 else 0) for label in range(3)]
            grid.completed("LM", 0, score, fold, row=row, predictions=predicted, **setting)
    return grid.load()


ALIKE = {5: [0.60, 0.62, 0.58, 0.61, 0.59, 0.60], 10: [0.80, 0.78, 0.82, 0.79, 0.80, 0.81],
         20: [0.81, 0.80, 0.81, 0.80, 0.82, 0.80]}  # fmt: skip


def test_the_cheapest_that_is_not_shown_to_be_below_the_margin(grid):
    """5 Hz is 20 points below 20 Hz, which is shown; 10 Hz half a point, which may be none."""
    (sweep,) = sweeps(swept(grid, ALIKE))
    assert [point.rate_hz for point in sweep.points] == [5, 10, 20]
    assert [point.macs_per_s for point in sweep.points] == [1000, 2000, 4000]
    assert (sweep.best, sweep.cheapest) == (sweep.points[2], sweep.points[1])
    assert sentence(sweep).startswith(
        "sensors, wrist, loso: of 3 settings of rate and window, 10 Hz, 3 s (LM, 2,000 multiply-adds per second of "
        "wear; test macro F1 100.0 % per subject"
    )


def test_where_each_cheaper_one_is_shown_to_be_below_the_best_is_named(grid):
    far = ALIKE | {10: [0.70, 0.68, 0.72, 0.69, 0.70, 0.71]}
    (sweep,) = sweeps(swept(grid, far))
    assert sweep.cheapest is sweep.best
    assert "each cheaper one is shown to be more than 2 points below" in sentence(sweep)


def test_one_fold_and_seed_can_not_tell(grid):
    (sweep,) = sweeps(swept(grid, {rate: scores[:1] for rate, scores in ALIKE.items()}))
    assert sweep.cheapest is None
    assert "takes several folds or seeds" in sentence(sweep)


def test_settings_that_differ_in_more_than_rate_and_window_are_swept_apart(grid):
    swept(grid, {5: ALIKE[5], 10: ALIKE[10]}, preset="wrist@stride_s=2,rate_hz={}")
    first = list(grid.info["data"])
    swept(grid, {5: ALIKE[5]}, preset="wrist@rate_hz={}")
    grid.info["data"] += first
    (sweep,) = sweeps(grid.load())
    assert sweep.title == "sensors, wrist (stride_s=2), loso"
    assert sweep.slug == "sensors-wrist-stride-s-2-loso"


def test_table_and_csv_carry_the_same_numbers(grid):
    results = swept(grid, ALIKE)
    (sweep,) = sweeps(results)
    rows = [[entry.text for entry in row] for row in sweep_table(results, sweep).rows]
    assert [row[:5] for row in rows] == [
        ["5", "3", "LM", "3,000", "1,000"],
        ["10", "3", "LM", "6,000", "2,000"],
        ["20", "3", "LM", "12,000", "4,000"],
    ]
    assert [row[5] for row in rows] == ["60.0", "80.0", "80.7"]
    assert rows[1][6].startswith("−0.7 (")
    assert rows[2][6] == "–"
    records = list(csv.DictReader(StringIO(sweep_csv(results))))
    assert [float(one["behind_best"]) for one in records[:2]] == pytest.approx([-0.20667, -0.00667], abs=1e-4)
    assert [one["is_cheapest"] for one in records] == ["False", "True", "False"]


def test_a_page_shows_the_sweep_first_with_its_figure(grid, tmp_path):
    results = swept(grid, ALIKE)
    page = write_report(results, tmp_path)
    text = Path(page).read_text()
    assert text.index('id="sensors-wrist-loso-sweep"') < text.index('id="sensors-wrist-window-s-3-rate-hz-5-loso"')
    drawn = (tmp_path / "figures" / "sensors-wrist-loso-sweep.svg").read_text()
    assert all(f">{rate} Hz<" in drawn for rate in (5, 10, 20))
    assert "windows of 3 s" in drawn
    assert (tmp_path / "tables" / "sensors-wrist-loso-sweep.tex").exists()
    assert summary(results)[0].startswith("sensors, wrist, loso: of 3 settings")


def test_a_grid_without_such_axes_has_no_sweep(grid, tmp_path):
    grid.seeds("LM", 0.5)
    results = grid.load()
    assert sweeps(results) == []
    assert "Rate and window" not in Path(write_report(results, tmp_path)).read_text()
