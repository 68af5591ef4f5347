"""The state of a grid from its store: each cell counted once, slots as few as hold the cells, little to import."""

import os
import socket
import subprocess
import sys
import time

import pytest

from har_ray.claim import claimed
from har_ray.plan.plan import Plan
from har_ray.search.agenda import Agenda
from har_ray.spec.grid import load_grid
from har_ray.status import status_lines, timeline_lines
from har_ray.store.stores import Stores
from tests.grids import write_grid

HEAVY = {"ray", "torch", "sklearn", "scipy", "matplotlib", "jinja2", "analysis.report"}


@pytest.fixture
def agenda(tmp_path):
    """Three confirm cells at each of two seeds, of which MM teaches; nothing to search."""
    fixed = {"trials": 1, "seeds": [100], "space": {"temperature": 4, "alpha": 0.5}}
    spec, _ = load_grid(write_grid(tmp_path, variants=["MM", "LM", "RB-KD"], search=fixed))
    return Agenda(Plan(spec, ["windows"]), Stores(spec.storage, spec.name).results, {}, {})


def write(agenda, status, **columns):
    """The next cell ends so."""
    job = agenda.next()
    error = "Traceback:\n  the loss is nan" if status == "failed" else None
    files = agenda.results.write_curve(job.cell.id, [])
    agenda.results.write_row(agenda.results.final_row(job.cell.columns() | columns, status, error, files))
    return job.cell


def test_a_teacher_that_is_confirmed_is_one_cell(agenda):
    for score in (0.25, 0.75):
        cell = write(agenda, "completed", val_f1_macro=score)
        assert cell.variant == "MM"
    failed = write(agenda, "failed")
    agenda.results.write_curve(agenda.next().cell.id, [])
    assert list(status_lines(agenda.results, "val_f1_macro")) == [
        "not running, and not at its end; the same command continues it",
        "confirm: 6 cells: 2 completed, 0 stopped, 1 failed, 1 interrupted, 2 waiting",
        f"MM         best val_f1_macro 0.750 (confirm, seed {cell.seed})",
        f"failed: {failed.variant} seed {failed.seed} (cell {failed.id}):   the loss is nan",
    ]


def test_what_runs_is_told_from_what_was_interrupted(agenda):
    write(agenda, "completed", val_f1_macro=0.5)
    agenda.results.write_curve(agenda.next().cell.id, [])
    grid = {"grid": {"name": "tiny"}, "started_at": "2026-01-01T00:00:00Z"}

    def lines():
        return list(status_lines(agenda.results, "val_f1_macro"))[:2]

    with claimed(agenda.results, grid, goes_on=False):
        agenda.results.write_run_info(grid)
        wait_for(lambda: "running since" in lines()[0])
        assert lines() == [
            f"running since 2026-01-01T00:00:00Z: process {os.getpid()} on {socket.gethostname()}",
            "confirm: 6 cells: 1 completed, 0 stopped, 0 failed, 1 running, 4 waiting or in their first epoch",
        ]
    assert lines() == [
        "not running, and not at its end; the same command continues it",
        "confirm: 6 cells: 1 completed, 0 stopped, 0 failed, 1 interrupted, 4 waiting",
    ]
    agenda.results.write_run_info(grid | {"finished_at": "2026-01-02T00:00:00Z"})
    assert lines()[0] == "ended at 2026-01-02T00:00:00Z"


def wait_for(is_so, seconds=120.0):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_grid_that_was_not_started(tmp_path):
    results = Stores(str(tmp_path), "tiny").results
    assert list(status_lines(results, "val_f1_macro")) == [f"not started; nothing at {tmp_path}/tiny"]
    assert list(timeline_lines(results)) == []


def test_the_command_imports_neither_ray_nor_torch_nor_what_reports_are_made_of(tmp_path):
    """They take seconds, and hundreds of megabytes."""
    code = f"import sys, har_ray.cli; har_ray.cli.main(sys.argv[1:]); print(*{HEAVY} & {{*sys.modules}})"
    command = [sys.executable, "-c", code, "status", str(write_grid(tmp_path))]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert output == f"not started; nothing at {tmp_path}/results/tiny\n\n"
