"""What a running grid tells of itself when cells end."""

from itertools import count
from types import SimpleNamespace

import pytest

from har_ray.search.progress import Watch
from har_ray.tracking import Tracking
from tests.grids import write_grid
from tests.search.test_agenda import agenda_of, row_of, startable


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """A grid with teachers, a search and confirm cells; the stages of which it was told that they have ended."""
    monkeypatch.setattr("har_ray.search.agenda.PLAN_EVERY_S", 0.0)
    monkeypatch.setattr("har_ray.search.progress.time.monotonic", count(0.0, 10.0).__next__)
    search = {"trials": 2, "seeds": [100], "space": {"temperature": [1, 2], "alpha": 0.5}}
    agenda = agenda_of(write_grid(tmp_path, variants=["RB-KD"], search=search))
    told: list[str] = []
    with Tracking({}, "tiny", {}, agenda.results) as tracking:
        yield agenda, Watch(agenda, tracking, told.append), told


def end(watch, job):
    result = {"row": row_of(job), "curve": [0.5], "ended": True, "failed": False}
    trial = SimpleNamespace(config={"trial": {"name": job.cell.id}}, last_result=result)
    watch.on_trial_start(0, [], trial)
    watch.on_trial_complete(0, [], trial)


def test_each_stage_that_ends_before_the_grid_is_told_once(watched):
    agenda, watch, told = watched
    seen = []
    while jobs := startable(agenda):
        for job in jobs:
            end(watch, job)
            seen.append((job.stage, list(told)))
    teachers = [said for stage, said in seen if stage == "teachers"]
    searched = [said for stage, said in seen if stage == "search"]
    assert teachers[:-1] == [[]] * (len(teachers) - 1)
    assert teachers[-1] == ["teachers"]
    assert searched[-1] == told == ["teachers", "search"]  # the grid's own end is followed by its report anyway
    assert agenda.finished
