"""What a stage needs of the cluster, and which candidate the search chooses."""

import pytest

from har_ray.errors import HarRayError
from har_ray.plan.cells import Job
from har_ray.plan.plan import Plan
from har_ray.search.stages import Stages, check_resources, concurrency
from har_ray.spec.grid import Resources, load_grid
from har_ray.store.storage import Storage
from har_ray.store.stores import Stores
from har_ray.tracking import Run, Tracking
from tests.grids import write_grid


def test_a_cluster_without_room_for_one_trial_is_said_at_once():
    check_resources("teacher", Resources(workers=2, cpus=1), {"CPU": 2})
    with pytest.raises(HarRayError, match=r"a trial needs 1 GPUs, the cluster has 0; --set resources.student.gpus=0"):
        check_resources("student", Resources(workers=1, gpus=1), {"CPU": 2})
    with pytest.raises(HarRayError, match=r"resources\.teacher: a trial needs 4 CPUs, the cluster has 2"):
        check_resources("teacher", Resources(workers=2, cpus=2), {"CPU": 2})


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (Resources(cpus=1), 8),
        (Resources(workers=2, cpus=2), 2),
        (Resources(workers=1, cpus=1, gpus=1), 2),
        (Resources(cpus=0.5, gpus=0.25), 8),
    ],
)
def test_no_more_trials_at_a_time_than_their_workers_have_room(resources, expected):
    assert concurrency(resources, {"CPU": 8, "GPU": 2}) == expected


@pytest.fixture
def stages(tmp_path):
    """A searched grid with two search seeds; curves are written by the test, nothing is trained."""
    search = {"trials": 2, "seeds": [100, 101], "space": {"temperature": [1, 2], "alpha": 0.5}}
    return make_stages(write_grid(tmp_path, variants=["RB-KD"], search=search))


def make_stages(path) -> Stages:
    spec, _ = load_grid(path)
    stores = Stores(Storage(spec.storage).uri, spec.name)
    tracking = Tracking({}, Run(spec.name, {}, path.parent), stores.results)
    return Stages(Plan(spec, ["windows-of-spar"]), stores, tracking)


def finish(stages: Stages, job: Job, curve, status="completed"):
    results = stages.results
    results.write_curve(job.cell.id, [{"val_f1_macro": score} for score in curve])
    results.write_row(job.cell.columns() | {"status": status})


def test_the_winner_is_best_over_the_search_seeds(stages):
    jobs = stages.plan.search_jobs
    first, second = stages.plan.candidates["RB-KD"]
    scores = {(first.hyper["temperature"], 100): 0.9, (first.hyper["temperature"], 101): 0.1}
    scores |= {(second.hyper["temperature"], 100): 0.6, (second.hyper["temperature"], 101): 0.6}
    for job in jobs:
        finish(stages, job, [0.0, scores[job.cell.hyper["temperature"], job.cell.seed], 0.05])
    stages.refresh(jobs)
    winners, (record,) = stages.winners(jobs)
    assert list(winners.values()) == [second]
    assert (record["val_score"], record["candidates"], record["stopped"]) == (0.6, 2, 0)


def test_a_failed_candidate_never_wins_and_a_failed_group_has_no_winner(stages):
    jobs = stages.plan.search_jobs
    first, second = stages.plan.candidates["RB-KD"]
    for job in jobs:
        finish(
            stages, job, [0.9], "failed" if job.cell.hyper["temperature"] == first.hyper["temperature"] else "completed"
        )
    stages.refresh(jobs)
    winners, (record,) = stages.winners(jobs)
    assert list(winners.values()) == [second]
    assert record["failed"] == 2
    for job in jobs:
        finish(stages, job, [0.9], "failed")
    stages.refresh(jobs)
    assert stages.winners(jobs) == ({}, [])


@pytest.mark.parametrize(("trials", "again"), [(6, 0), (7, 1)])
def test_a_cell_that_was_cut_is_done_only_by_the_same_rule(tmp_path, monkeypatch, trials, again):
    """With more candidates more of them pass a rung: one that was cut among fewer is run again."""
    search = {"trials": trials, "seeds": [100], "space": {"temperature": list(range(1, 8)), "alpha": 0.5}}
    asha = {"grace_period": 1, "reduction_factor": 3}
    stages = make_stages(write_grid(tmp_path, variants=["RB-KD"], search=search | {"asha": asha}))
    jobs = stages.plan.search_jobs
    teacher = jobs[0].cell.teacher_id
    stages.rows[str(teacher)] = {"status": "completed"}
    for job in jobs[:5]:
        finish(stages, job, [0.9])
    cut = {"status": "stopped", "cut_rule": "[1, 3], 3, 6 candidates"}
    stages.results.write_row(jobs[5].cell.columns() | cut)
    ran = []
    monkeypatch.setattr("har_ray.search.stages._tune", lambda stage, ready, *others: ran.extend(ready))
    stages.results.write_curve(jobs[5].cell.id, [{"val_f1_macro": 0.1}])
    stages.run("search", jobs)
    assert ran == jobs[5:] * again


@pytest.mark.parametrize(("deaths", "runs", "failed"), [(1, [4, 1], 0), (9, [4, 1, 1], 1)])
def test_a_trial_that_died_is_run_again_until_it_is_given_up(stages, monkeypatch, deaths, runs, failed):
    jobs = stages.plan.search_jobs
    for teacher in {str(job.cell.teacher_id) for job in jobs}:
        stages.rows[teacher] = {"status": "completed"}
    ran = []

    def tune(stage, ready, resources, stores, scheduler, watch):
        ran.append(len(ready))
        for job in ready:
            if job is jobs[0] and len(ran) <= deaths:
                watch.died[job.cell.id] = job.cell.columns()
            else:
                finish(stages, job, [0.5])

    monkeypatch.setattr("har_ray.search.stages._tune", tune)
    stages.run("search", jobs)
    statuses = [stages.rows[job.cell.id]["status"] for job in jobs]
    assert ran == runs
    assert statuses == ["failed"] * failed + ["completed"] * (4 - failed)
