"""What a grid took, added up by hand."""

import csv
import io

from analysis.effort import effort_csv, effort_table


def texts(table):
    return [[entry.text for entry in row] for row in table.rows]


def test_cells_epochs_and_time_by_stage_and_variant(grid):
    for seed, seconds in enumerate((40.0, 30.5)):
        grid.completed("LM", seed, 0.5, row={"epochs": 20, "train_seconds": seconds})
    grid.completed("LM", 100, 0.5, stage="search", row={"epochs": 1_200, "train_seconds": 3600.0})
    grid.failed("MM", 0, "out of memory")
    grid.plan.append({**grid.expect("MM", 1), "cell_id": "waits", "stage": "confirm"})
    results = grid.load()
    assert texts(effort_table(results)) == [
        ["confirm", "MM", "1/2", "0", "0 s"],
        ["confirm", "LM", "2", "40", "1:10 min"],
        ["search", "LM", "1", "1,200", "1:00:00 h"],
        ["all", "all", "4/5", "1,240", "1:01:10 h"],
    ]
    found = list(csv.DictReader(io.StringIO(effort_csv(results))))
    assert [(row["stage"], row["variant"], row["train_seconds"]) for row in found] == [
        ("confirm", "MM", "0.0"), ("confirm", "LM", "70.5"), ("search", "LM", "3600.0"),
    ]  # fmt: skip


def test_one_line_needs_no_sum(grid):
    grid.completed("LM", 0, 0.5, row={"epochs": 3, "train_seconds": 2.0})
    assert texts(effort_table(grid.load())) == [["confirm", "LM", "1", "3", "2 s"]]
