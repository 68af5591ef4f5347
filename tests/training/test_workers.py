"""Ray Train workers: the same cell gives the same curve, a worker's death costs no result, a job can be left."""

import os

import pytest
import torch
import torch.distributed as dist

from har_ray.models.config import AttentionConfig
from har_ray.plan.cells import Job
from har_ray.spec.grid import Resources
from har_ray.store.stores import Stores
from har_ray.training.run import run
from har_ray.training.workers import Workers
from tests.processes import ray_processes


def elsewhere(stores, name):
    return Stores(stores.root, f"{stores.grid}-{name}")


def scores(row):
    return {k: v for k, v in row.items() if k.startswith(("val_", "test_", "epochs", "best_"))}


def predictions(stores, cell):
    return stores.results.predictions(stores.results.row(cell.id))


def test_inline_and_one_worker_give_the_same_scores_to_the_last_bit(ray_session, stores, make_cell):
    inline, trained = elsewhere(stores, "inline"), elsewhere(stores, "train")
    jobs = [Job(cell=make_cell(seed=seed), stage="confirm") for seed in (0, 1)]
    workers = Workers(trained, Resources(workers=1, gpus=1), gpus=["3"])
    for job in jobs:
        expected, found = list(run(job, inline)), list(workers.run(job))
        assert [r.curve for r in found] == [r.curve for r in expected]
        assert scores(found[-1].row) == scores(expected[-1].row)
        assert predictions(trained, job.cell).equals(predictions(inline, job.cell))
    # The one GPU that its trial holds, of which there is none here.
    assert [worker.environ()["CUDA_VISIBLE_DEVICES"] for worker in train_workers()] == ["3"]
    workers.close()
    assert workers.error is None


def test_two_workers_follow_the_same_curve_and_survive_a_death(ray_session, stores, make_cell):
    """Of a cell whose attention is compared with a teacher's: what is taken out of maps is not a batch's own mean."""
    inline, trained = elsewhere(stores, "inline"), elsewhere(stores, "train")
    attention = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)
    teacher = make_cell("MM-Att", attention=attention, epochs=1)
    teach(teacher, inline, trained)
    hyper = {"attention": attention, "temperature": 2.0, "alpha": 0.5, "beta": 1.0, "teacher_id": teacher.id}
    job = Job(cell=make_cell("RAB-KD", epochs=3, **hyper), stage="confirm")
    left = Job(cell=make_cell(seed=9, epochs=50, train={"patience": 50}), stage="confirm")
    expected = list(run(job, inline))
    workers = Workers(trained, Resources(workers=2))
    reports = workers.run(job)
    next(reports)
    kill_a_worker()
    found = [*reports][-1]
    # Sums over two halves of a batch round differently from a sum over the whole.
    assert found.curve == pytest.approx(expected[-1].curve, abs=0.02)
    assert found.row["status"] == "completed"
    for one, other in zip(*(r.results.curve(r.results.row(job.cell.id)) for r in (trained, inline)), strict=True):
        losses = [name for name in other if name.startswith(("train_loss", "attention_"))]
        assert len(losses) == 4 + 4
        assert [one[name] for name in losses] == pytest.approx([other[name] for name in losses], rel=0.01)
    unfinished = workers.run(left)
    next(unfinished)
    unfinished.close()
    workers.close()
    assert trained.results.row(left.cell.id) is None


def teach(teacher, *grids):
    """Leave the same targets of a teacher in each of the grids."""
    first, *others = grids
    *_, report = run(Job(cell=teacher, stage="teachers", teaches=True), first)
    for other in others:
        files = other.results.write_targets(teacher.id, first.results.targets(report.row))
        other.results.write_row(report.row | {"files": report.row["files"] | {n: list(d) for n, d in files.items()}})


def train_workers():
    return ray_processes(os.getpid(), "RayTrainWorker")


def kill_a_worker():
    max(train_workers(), key=lambda process: process.pid).kill()


def test_no_process_group_is_left_in_this_process():
    assert not dist.is_initialized()
    assert torch.get_num_threads() == 1
