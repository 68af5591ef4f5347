"""Of which commit the code is that runs: a repository says it, else who submitted the job."""

import shutil
import subprocess
from pathlib import Path

import pytest

from har_ray import provenance
from har_ray.provenance import COMMIT, DIRTY, ended, source, starts
from har_ray.store.results import ResultStore


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The module as a file of a folder that no repository has."""
    path = tmp_path / "site-packages" / "provenance.py"
    path.parent.mkdir()
    shutil.copy(provenance.__file__, path)
    monkeypatch.setattr(provenance, "__file__", str(path))
    for name in (COMMIT, DIRTY):
        monkeypatch.delenv(name, raising=False)
    return path


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def repository(folder, *files):
    """The commit of a new repository with these files."""
    git(folder, "init", "--quiet")
    git(folder, "add", *files)
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


def test_unknown_where_nobody_says(installed):
    assert source() == (None, False)


@pytest.mark.parametrize(("said", "dirty"), [("1", True), ("0", False)])
def test_without_a_repository_the_environment_says(said, dirty, installed, monkeypatch):
    monkeypatch.setenv(COMMIT, "0123456")
    monkeypatch.setenv(DIRTY, said)
    assert source() == ("0123456", dirty)


def test_a_repository_knows_better_than_the_environment(installed, monkeypatch):
    commit = repository(installed.parent, installed.name)
    monkeypatch.setenv(COMMIT, "0123456")
    assert source() == (commit, False)
    installed.write_text("# changed")
    assert source() == (commit, True)


def test_a_repository_that_holds_the_environment_it_runs_in_says_nothing(installed, tmp_path, monkeypatch):
    """Somebody's project with `.venv` in it: its commit is not ours."""
    Path(tmp_path / "project.py").touch()
    repository(tmp_path, "project.py")
    monkeypatch.setenv(COMMIT, "0123456")
    assert source() == ("0123456", False)


def info(started_at, grid_hash="a"):
    return {"started_at": started_at, "grid_hash": grid_hash, "finished_at": None, "grid": {"name": "tiny"}}


def test_every_start_of_a_grid_is_kept_and_only_the_last_one_finished(tmp_path):
    results = ResultStore(tmp_path)
    for day in ("Monday", "Tuesday"):
        told = info(day) | {"starts": starts(info(day), results)}
        results.write_run_info(told)
    finished = ended(told)
    assert [start["started_at"] for start in finished["starts"]] == ["Monday", "Tuesday"]
    assert [start["finished_at"] for start in finished["starts"]] == [None, finished["finished_at"]]
    assert finished["finished_at"] is not None


def test_a_start_that_an_older_version_recorded_counts(tmp_path):
    results = ResultStore(tmp_path)
    results.write_run_info(info("Monday", "old"))
    assert [start["grid_hash"] for start in starts(info("Tuesday", "new"), results)] == ["old", "new"]


def test_what_was_recorded_of_earlier_starts_is_lost_with_a_damaged_file(tmp_path):
    results = ResultStore(tmp_path)
    results.write_run_info(info("Monday"))
    (tmp_path / "run.json").write_text("{")
    assert [start["started_at"] for start in starts(info("Tuesday"), results)] == ["Tuesday"]
