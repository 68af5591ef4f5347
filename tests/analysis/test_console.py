"""The tables that a run ends with: those of the report, as far as a terminal has room."""

import re

import pytest

from analysis.console import WIDTH, console_lines
from analysis.tables import results_table
from har_ray.groups import Setting


def lines_of(grid):
    return list(console_lines(grid.load()))


def test_the_console_shows_the_reports_table_and_what_was_chosen(grid):
    grid.seeds("OM", 0.75, 0.77)
    grid.seeds("LM", 0.6)
    grid.failed("LM", 1, "out of memory")
    title, *lines = lines_of(grid)
    assert title == "Test results: sensors, wrist, subject-holdout"
    table = results_table(grid.load(), Setting("sensors", "wrist", "subject-holdout"))
    header = re.split(r"\s{2,}", lines[0].strip())
    assert header == ["variant", "F1 macro (%)", "F1 weighted (%)", "ECE (%)", "n (seeds)", "params", "MACs",
                      "latency (ms)"]  # fmt: skip
    for line, row in zip(lines[1:], table.rows, strict=False):
        shown = dict(zip(table.columns, (entry.text + "*" * entry.bold + entry.mark for entry in row), strict=True))
        assert re.split(r"\s{2,}", line.strip()) == [shown[name] for name in header]
    text = " ".join(line.strip() for line in lines)
    assert "LM is the only small model with a completed seed" in text
    assert "In the report too: accuracy (%), FLOPs (published count), bytes." in text


@pytest.mark.parametrize("name", ["LM", "a-network-of-ours-with-a-long-name"])
def test_no_line_is_wider_than_a_terminal_and_the_most_needed_columns_stay(grid, name):
    for seed in range(2):
        grid.completed("OM", seed, 0.7, row={"params": 123_456_789, "macs": 12_345_678_901})
        grid.completed(name, seed, 0.6, row={"converged": False})
    grid.failed("RB-KD", 1, "out of memory")
    lines = lines_of(grid)
    assert max(map(len, lines)) <= WIDTH == 100
    assert all(word in lines[1] for word in ("variant", "F1 macro (%)", "n (seeds)", "params", "MACs"))


def test_the_console_says_that_a_split_leaks_and_what_is_missing(grid):
    grid.expect("LM", 0, protocol="random")
    text = "\n".join(lines_of(grid))
    assert "random split (LEAKS: same recordings in train and test)" in text
    assert "This split leaks" in text
    assert "0/1, 1 missing" in text


def test_what_did_not_converge_is_marked_and_said_once(grid):
    grid.completed("LM", 0, 0.6, row={"converged": False})
    text = " ".join(line.strip() for line in lines_of(grid))
    assert "LM†‡" in text
    assert text.count("epochs ran out") == 1
