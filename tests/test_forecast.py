"""What a plan says of cells and of the time, with a real epoch timed."""

import re
import time

import pytest
import torch

from har_ray import grid
from har_ray.epoch_time import epoch_seconds
from har_ray.forecast import Forecast, Sort, plan_lines, stage_plans
from har_ray.plan.plan import Plan
from har_ray.search.agenda import Agenda
from har_ray.spec.grid import load_grid
from har_ray.store.storage import Digest
from har_ray.store.stores import Stores
from har_ray.training.fit import Fit
from har_ray.windows_stage import PartSizes
from tests.grids import candidates_of, write_grid

FIXED = {"trials": 1, "seeds": [100], "space": {"temperature": 4, "alpha": 0.5}}


def plan_of(tmp_path, **changes):
    spec, _ = load_grid(write_grid(tmp_path, **changes))
    return Plan(spec, ["windows"] * len(spec.datasets)), Stores(str(tmp_path / "results"), spec.name)


def test_what_the_search_will_choose_is_counted(tmp_path):
    plan, _ = plan_of(tmp_path)
    teachers, search, confirm = stage_plans(plan)
    # MM and, with each of RAB-KD's attention configurations drawn, MM-Att at the search seed; MM at the others is
    # confirmed, too
    attention = {one.model.attention for one in candidates_of(plan)["RAB-KD"]}
    assert len(teachers.jobs) == 1 + len(attention)
    assert len(teachers.later) == 2  # MM-Att of RAB-KD's winner, at two seeds
    assert (len(search.jobs), len(confirm.jobs), len(confirm.later)) == (16, 4, 6)
    winner = candidates_of(plan)["RB-KD"][3]
    record = plan.folds[0].group("RB-KD").columns() | {"hyper": winner.columns}
    _, _, confirm = stage_plans(plan, [record])
    assert (len(confirm.jobs), len(confirm.later)) == (6, 4)
    assert {job.cell.hyper["alpha"] for job in confirm.jobs if job.cell.variant == "RB-KD"} == {winner.hyper["alpha"]}


@pytest.mark.parametrize("variants", [["MM", "LM", "RB-KD", "RAB-KD"], ["MM", "MM-Att", "RAB-KD"], ["LM", "RB-KD"]])
def test_a_cell_is_counted_once_and_where_a_run_counts_it(tmp_path, variants):
    """Also one that teaches and is confirmed (MM), or is searched and teaches (MM-Att at the search seed)."""
    plan, stores = plan_of(tmp_path, variants=variants)
    planned = [(job.cell.id, stage.name, job.teaches) for stage in stage_plans(plan) for job in stage.jobs]
    in_a_run = Agenda(plan, stores.results, {}, {}).jobs.values()
    assert len({cell_id for cell_id, *_ in planned}) == len(planned)
    assert set(planned) == {(job.cell.id, job.stage, job.teaches) for job in in_a_run}


def test_confirm_cells_that_teach_are_shown_once_and_with_a_teachers_resources(tmp_path):
    resources = {"teacher": {"workers": 2}, "student": {"workers": 0}}
    plan, stores = plan_of(tmp_path, variants=["MM", "LM", "RB-KD"], resources=resources, search=FIXED)
    for stage in stage_plans(plan):
        for job in stage.jobs:
            row = job.cell.columns() | {"test_f1_macro": 0.5, "test_f1_weighted": 0.5, "test_accuracy": 0.5}
            files = {"predictions.parquet": Digest(1, ""), "targets.parquet": Digest(1, "")}
            stores.results.write_row(stores.results.final_row(row | {"epochs": 1}, "completed", files=files))
    lines = list(plan_lines(plan, stores))
    assert lines[1].startswith("  teachers  0 cells, 0 done; each with 2 Ray Train workers")
    assert lines[3] == (
        "  confirm   6 cells, 6 done; each with no Ray Train workers, 1 CPU, no GPUs; 2 that teach as the teachers"
    )
    assert lines[4] == "  time      nothing is left to train; the report is made again"


def test_candidates_and_their_epochs_are_shown_of_each_variant(tmp_path):
    plan, stores = plan_of(tmp_path, train={"epochs": 9, "patience": 9})
    line = next(line for line in plan_lines(plan, stores) if line.startswith("  searched"))
    # The rungs are at epochs 1 and 3. LM-Att: four for one epoch, two for two more, one for six more, one audited.
    assert "LM-Att 4 candidates in 22 epochs at most" in line
    assert "RAB-KD 6 candidates in 24 epochs at most, in each fold; the best 1/3 go on at epoch 1, 3" in line


def test_a_cell_is_timed_once_for_each_sort(tmp_path):
    plan, _ = plan_of(tmp_path)
    sorts = {Sort.of(job.cell) for job in plan.search_jobs}
    # LM-Att and RAB-KD with two kinds of attention each, RB-KD
    assert len(sorts) == 5


def test_a_plan_times_real_epochs_and_says_about(tmp_path):
    plan, stores = plan_of(tmp_path, variants=["LM", "RB-KD"], resources={"student": {"gpus": 99}})
    forecast = Forecast(plan, stores)
    least, about, most = (forecast.seconds(share) for share in (0.0, 0.5, 1.0))
    assert 0 < least <= about <= most
    timed = {sort.losses: seconds for sort, seconds in forecast._timed.items()}
    assert set(timed) == {(), ("distillation",)}
    assert all(0.01 < seconds < 60 for seconds in timed.values())
    *_, room, last = plan_lines(plan, stores)
    assert "none on this machine: resources.student: a trial needs 1 CPU and 99 GPUs on one node, and the most" in room
    assert re.match(r"  time      about .* on \d+ CPUs; .* if every cell stops as early as it can", last)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU's time is not the process's")
def test_what_else_the_machine_has_to_do_is_not_counted(tmp_path, monkeypatch):
    """An epoch for which the process has to wait a second takes no longer."""
    plan, stores = plan_of(tmp_path, variants=["LM"], search=None, teacher=None)
    forecast = Forecast(plan, stores)
    task, epoch = forecast._task(forecast.left[0].cell), Fit.epoch

    def waits(fit):
        time.sleep(1)
        return epoch(fit)

    monkeypatch.setattr(Fit, "epoch", waits)
    small = task._replace(sizes=PartSizes(64, 64))
    assert epoch_seconds(small) < 0.8


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path, monkeypatch):
    def broken(*_):
        raise BrokenPipeError

    monkeypatch.setattr("har_ray.grid._print", broken)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert grid.main([str(write_grid(tmp_path)), "--status"]) == 0
