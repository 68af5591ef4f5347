"""The report at the end of a stage: made beside the running grid, which nothing that befalls it disturbs."""

from pathlib import Path

import pytest

from har_ray import stage_report
from har_ray.stage_report import StageReport
from tests.analysis.conftest import GridStore


@pytest.fixture
def _at_once(monkeypatch):
    monkeypatch.setattr(stage_report, "AT_MOST_EVERY_S", 0.0)


def test_a_grid_that_began_a_moment_ago_has_none(tmp_path):
    report = StageReport(str(tmp_path))
    report("teachers")
    assert report.process is None


@pytest.mark.usefixtures("_at_once")
def test_it_is_made_in_a_process_of_its_own(tmp_path, monkeypatch):
    grid = GridStore(tmp_path / "tiny", finished_at=None)
    grid.completed("LM", 0, 0.6)
    grid.expect("LM", 1)
    # A folder that would be taken for ours if the working directory came first.
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    report = StageReport(grid.write())
    report("search")
    first = report.process
    report("confirm")  # while the first is still being made
    assert first is not None
    assert report.process is first
    assert first.wait(500) == 0
    assert "1 of 2 cells of the tables are completed" in (Path(grid.path) / "report" / "report.html").read_text()
    report.close()
    assert report.process is None


@pytest.mark.usefixtures("_at_once")
def test_one_that_fails_is_said_in_a_line(tmp_path, capsys):
    report = StageReport(str(tmp_path / "nowhere"))
    report("search")
    assert report.process is not None
    assert report.process.wait(500) == 2
    report.close()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("[report] not made at the end of a stage: error: ")
    assert "no plan.json here" in line


@pytest.mark.usefixtures("_at_once")
def test_one_that_is_not_done_when_the_grid_ends_is_given_up(tmp_path, capsys):
    grid = GridStore(tmp_path / "tiny")
    grid.completed("LM", 0, 0.6)
    report = StageReport(grid.write())
    report("search")
    report.close()
    assert capsys.readouterr().out == ""
    assert not (Path(grid.path) / "report").exists()
