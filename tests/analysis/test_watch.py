"""`--watch`: the report is made again until the grid has ended, and its page says so."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.__main__ import main


@pytest.fixture
def running(grid):
    """A grid of two cells, one of which has ended."""
    grid.info["finished_at"] = None
    grid.completed("LM", 0, 0.6)
    grid.expect("LM", 1)
    grid.plan.append({**grid.expected[1], "cell_id": "later", "stage": "confirm"})
    grid.write()
    return grid


@pytest.fixture
def meanwhile(monkeypatch):
    """Takes what is to happen, one thing after the other, each while the command waits for its next minute."""
    events: list[Callable[[], object]] = []

    def wait(seconds):
        assert seconds == 60
        events.pop(0)()

    monkeypatch.setattr(time, "sleep", wait)
    return events.extend


def page_of(grid):
    return (Path(grid.path) / "report" / "report.html").read_text()


def end(grid):
    grid.expected.pop()
    grid.plan.pop()
    grid.completed("LM", 1, 0.7)
    grid.info["finished_at"] = "2026-01-01T01:00:00Z"
    grid.write()


def test_it_ends_with_the_grid_and_prints_a_line_each_time(running, meanwhile, capsys):
    pages = []
    meanwhile([lambda: pages.append(page_of(running)), lambda: end(running)])
    assert main([running.path, "--watch"]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    page = f"report: {running.path}/report/report.html"
    far = "This grid has not ended yet: 1 of 2 cells of the tables are completed, 1 missing."
    assert first[9:] == second[9:] == f"{page} · {far} Cells that have ended, of those planned so far: confirm 1 of 2."
    assert last[9:] == page
    assert "data-made-at=" in pages[0]
    assert "confirm 1 of 2" in pages[0]
    assert "made-at=" not in page_of(running)
    assert "65.0 ± 7.1" in page_of(running)


def test_what_fails_in_between_is_said_and_tried_again(running, meanwhile, capsys):
    meanwhile([(Path(running.path) / "plan.json").unlink, lambda: end(running)])
    assert main([running.path, "--watch"]) == 0
    _, failed, last = capsys.readouterr().out.splitlines()
    assert f"not made again: {running.path}: no plan.json here" in failed
    assert last.endswith("report.html")


def test_ctrl_c_ends_it_quietly_with_130(running, meanwhile, capsys):
    def interrupted():
        raise KeyboardInterrupt

    meanwhile([interrupted])
    assert main([running.path, "--watch"]) == 130
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert said.err == ""


def test_results_that_are_not_there_are_not_waited_for(tmp_path, capsys):
    assert main([str(tmp_path), "--watch"]) == 2
    assert "no plan.json here" in capsys.readouterr().err
