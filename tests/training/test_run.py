"""A job from data to row: what is written, what counts as done, what an error leaves."""

import copy
import io
import json

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from har_ray.data.tensors import load_tensors
from har_ray.errors import DamagedError, TrainingError
from har_ray.models.config import AttentionConfig, ModelConfig
from har_ray.plan.cells import Job
from har_ray.store.results import CLASSES
from har_ray.store.stores import Stores
from har_ray.training import targets
from har_ray.training.fit import Fit
from har_ray.training.run import run
from har_ray.training.views import train_view

ATTENTION = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)


def last(job, stores):
    *_, report = run(job, stores)
    return report


def test_a_confirm_cell_leaves_row_curve_weights_and_predictions(stores, make_cell, data):
    cell = make_cell("LM-Att", attention=ATTENTION)
    report = last(Job(cell=cell, stage="confirm"), stores)
    row = stores.results.row(cell.id)
    assert report.ended
    assert row == report.row
    assert row["status"] == "completed"
    assert (row["epochs"], row["attention_kind"], row["size"]) == (2, "cbam", "LM")
    assert row["params"] == 2475 + 22 + 18
    assert len(stores.results.curve(row)) == 2
    stored = stores.results.predictions(row)
    assert json.loads(stored.schema.metadata[CLASSES]) == list(data.classes)
    table = stored.to_pandas()
    assert len(table) == 1485
    predicted = np.stack(table["logits"].to_numpy()).argmax(axis=1)
    assert row["test_f1_macro"] == pytest.approx(f1_score(table["label"], predicted, average="macro", zero_division=0))
    assert set(table["subject"]) == {"8", "9", "10"}
    assert stores.results.checkpoint(cell.id) is None
    # The weights are usable by themselves: scaled windows in, the stored logits out.
    saved = torch.load(io.BytesIO(stores.results.weights(row)), weights_only=True)
    network = ModelConfig.model_validate(saved["model"]).build(saved["shape"], len(saved["classes"]))
    network.load_state_dict(saved["state_dict"])
    with torch.no_grad():
        logits = network.eval()(data.test.x)
    assert np.allclose(logits.numpy(), np.stack(table["logits"].to_numpy()), atol=1e-5)


def test_the_test_set_is_judged_with_the_weights_of_the_best_epoch(stores, make_cell, data, monkeypatch):
    """The first of two epochs is best, by a score that is made up."""
    epoch = Fit.epoch

    def worse_each_time(fit):
        epoch(fit)
        fit.curve[-1]["val_f1_macro"] = 1 / len(fit.curve)
        if fit.best_epoch == len(fit.curve):
            fit.best = copy.deepcopy(fit.network.state_dict())

    monkeypatch.setattr(Fit, "epoch", worse_each_time)
    cell = make_cell("MM")
    row = last(Job(cell=cell, stage="confirm"), stores).row
    first = Fit(cell, data)
    epoch(first)
    expected = first.predict(data.test.x).argmax(dim=1)
    found = np.stack(stores.results.predictions(row).to_pandas()["logits"].to_numpy()).argmax(axis=1)
    assert row["best_epoch"] == 1
    assert found.tolist() == expected.tolist()


def test_a_search_cell_never_sees_the_test_set(stores, make_cell):
    cell = make_cell(epochs=1)
    report = last(Job(cell=cell, stage="search"), stores)
    assert "test_f1_macro" not in report.row
    assert set(report.row["files"]) == {"curve.json", "weights.pt"}
    with pytest.raises(DamagedError, match=r"predictions\.parquet is missing"):
        stores.results.predictions(report.row)


def test_what_is_missing_of_a_finished_cell_is_made_without_training_again(stores, make_cell):
    cell = make_cell("MM")
    searched = last(Job(cell=cell, stage="search"), stores).row
    job = Job(cell=cell, stage="confirm", teaches=True)
    assert not job.is_done(searched)
    reports = list(run(job, stores))
    assert len(reports) == 1
    row = reports[0].row
    assert job.is_done(row)
    assert row["train_seconds"] == searched["train_seconds"]
    assert row["val_f1_macro"] == searched["val_f1_macro"]
    assert row["test_f1_macro"] > 0


def test_a_job_that_was_left_continues_at_its_checkpoint(stores, make_cell, monkeypatch):
    monkeypatch.setattr("har_ray.training.run.CHECKPOINT_EVERY_S", 0.0)
    cell = make_cell(epochs=3)
    reports = run(Job(cell=cell, stage="search"), stores)
    first = next(reports)
    reports.close()
    again = list(run(Job(cell=cell, stage="search"), stores))
    assert [len(report.curve) for report in again] == [2, 3, 3]
    assert again[0].curve[0] == first.curve[0]


def test_a_job_pauses_at_its_epoch_and_what_follows_equals_never_having_paused(stores, make_cell):
    cell, elsewhere = make_cell(epochs=3), Stores(stores.root, f"{stores.grid}-whole")
    whole = last(Job(cell=cell, stage="search"), elsewhere).row
    *_, paused = run(Job(cell=cell, stage="search", until=2), stores)
    assert (len(paused.curve), paused.ended, paused.paused) == (2, False, True)
    assert stores.results.row(cell.id) is None
    (again,) = run(Job(cell=cell, stage="search", until=1), stores)  # as after a restart: nothing is trained
    assert (again.paused, again.curve) == (True, paused.curve)
    row = last(Job(cell=cell, stage="search"), stores).row
    same = [name for name in whole if name.startswith(("val_", "epochs", "best_", "converged"))]
    assert {name: row[name] for name in same} == {name: whole[name] for name in same}
    assert stores.results.weights(row) == elsewhere.results.weights(whole)
    # Of the stretches in which it was trained the row names the last, and holds the earlier ones.
    assert [leg[1] for leg in row["legs"]] == [paused.row["started_at"]]
    assert (row["converged"], whole["legs"]) == (False, [])


def test_students_learn_from_stored_targets(stores, make_cell, data):
    teacher = make_cell("MM-Att", attention=ATTENTION, epochs=1)
    last(Job(cell=teacher, stage="teachers", teaches=True), stores)
    taught = targets.load(stores.results, [teacher.id], data.train.window_id)
    assert {kind: tuple(m.shape) for kind, m in taught.maps.items()} == {"channel": (2196, 8), "spatial": (2196, 16, 6)}
    # Of the validation windows too, to measure by.
    assert len(targets.load(stores.results, [teacher.id], data.val.window_id).logits) == len(data.val.y)
    shuffled = np.random.default_rng(0).permutation(len(data.train.window_id))
    other = targets.load(stores.results, [teacher.id], data.train.window_id[shuffled])
    assert torch.equal(other.logits, taught.logits[torch.from_numpy(shuffled)])
    student = make_cell(
        "RAB-KD", attention=ATTENTION, temperature=2, alpha=0.5, beta=1, teacher_id=teacher.id, epochs=1
    )
    row = last(Job(cell=student, stage="search"), stores).row
    assert row["status"] == "completed"
    (epoch,) = stores.results.curve(row)
    assert epoch["train_loss.attention-transfer"] > 0
    on_validation = {f"attention_{what}_{name}" for what in ("sd", "r2") for name in ("channel", "spatial")}
    assert {name: row[name] for name in on_validation} == {name: epoch[name] for name in on_validation}
    # Confirmed later, from the weights, without its projection: the row still says what it said.
    confirmed = last(Job(cell=student, stage="confirm"), stores).row
    assert {name: confirmed[name] for name in on_validation} == {name: row[name] for name in on_validation}


def test_a_teacher_leaves_what_it_makes_of_the_views_that_its_students_ask_for(stores, make_cell, data):
    teacher = make_cell("MM")
    asked = [{"jitter": {"sd": 0.2}}, {"rotation": {"degrees": 10.0}}]
    students = [
        make_cell("RB-KD", temperature=2.0, alpha=0.5, teacher_id=teacher.id, augment=augment, train={"views": 2})
        for augment in asked
    ]
    row = last(Job(cell=teacher, stage="teachers", teaches=True), stores).row
    plain = stores.results.targets(row)
    jobs = [Job(cell=teacher, stage="teachers", teaches=True, views=(student.views,)) for student in students]
    assert not any(job.is_done(row) for job in jobs)
    both = jobs[0].joined(jobs[1])
    more = last(both, stores).row
    assert (more["epochs"], more["best_epoch"]) == (row["epochs"], row["best_epoch"])
    assert all(job.is_done(more) for job in (*jobs, both))
    stored = stores.results.targets(more)
    assert len(stored) == len(plain) + 4 * len(data.train.y)
    assert stored.slice(0, len(plain)).select(["window_id", "logits"]).equals(plain.select(["window_id", "logits"]))
    network = weights_of(teacher, stores)
    for student, augment in zip(students, asked, strict=True):
        assert last(Job(cell=student, stage="search"), stores).row["status"] == "completed"
        for number in (1, 2):
            found = targets.load(stores.results, [teacher.id], data.train.window_id, student.views.id, number)
            with torch.no_grad():
                expected = network(train_view(data, augment, teacher.seed, number))
            torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(TrainingError, match="has left no targets of view 3"):
        targets.load(stores.results, [teacher.id], data.train.window_id, students[0].views.id, 3)


def weights_of(cell, stores):
    """The network that a cell has left."""
    saved = torch.load(io.BytesIO(stores.results.weights(stores.results.row(cell.id))), weights_only=True)
    network = ModelConfig.model_validate(saved["model"]).build(saved["shape"], len(saved["classes"]))
    network.load_state_dict(saved["state_dict"])
    return network.eval()


def test_targets_of_other_windows_are_refused(stores, make_cell, data):
    teacher = make_cell("MM", epochs=1)
    last(Job(cell=teacher, stage="teachers", teaches=True), stores)
    with pytest.raises(TrainingError, match="no target for window elsewhere:0"):
        targets.load(stores.results, [teacher.id], np.array([data.train.window_id[0], "elsewhere:0"]))


def test_an_error_becomes_a_failed_row_with_its_reason(stores, make_cell):
    cell = make_cell("RB-KD", temperature=1, alpha=0.5, teacher_id="0123456789abcdef")
    report = last(Job(cell=cell, stage="search"), stores)
    row = stores.results.row(cell.id)
    assert report.ended
    assert row["status"] == "failed"
    assert "teacher 0123456789abcdef has left no targets" in row["error"]
    assert not Job(cell=cell, stage="search").is_done(row)


def test_non_finite_training_fails_the_cell(stores, make_cell):
    cell = make_cell(train={"lr": 1e30}, epochs=5)
    row = last(Job(cell=cell, stage="confirm"), stores).row
    assert row["status"] == "failed"
    assert "the training loss became" in row["error"]


def test_a_network_whose_formula_differs_from_its_count_fails_before_it_is_trained(stores, make_cell):
    model = ModelConfig(architecture="tests.models.networks:Miscounted")
    (report,) = run(Job(cell=make_cell().model_copy(update={"model": model}), stage="search"), stores)
    assert report.row["status"] == "failed"
    assert "multiply-adds counted" in report.row["error"]
    assert "\n" not in report.row["error"]
    assert report.row.get("epochs") is None
    assert report.row.get("macs") is None


def test_a_cell_that_the_search_stopped_is_done_for_the_search_alone(make_cell):
    cell, row = make_cell(), {"status": "stopped"}
    assert Job(cell=cell, stage="search").is_done(row)
    assert not Job(cell=cell, stage="confirm").is_done(row)
    assert not Job(cell=cell, stage="teachers", teaches=True).is_done(row)


def test_tensors_are_shared_by_the_jobs_of_a_process(stores, make_cell, data):
    cell = make_cell()
    assert load_tensors(stores.storage, cell.windows_id, cell.protocol) is data


def test_a_cell_sees_the_channels_that_were_chosen_for_it(stores, make_cell, data):
    chosen = ("wrist_gyr_z", "wrist_acc_x")
    cell = make_cell().model_copy(update={"channels": chosen})
    row = last(Job(cell=cell, stage="confirm"), stores).row
    saved = torch.load(io.BytesIO(stores.results.weights(row)), weights_only=True)
    assert (saved["shape"], saved["channels"]) == ([24, 2], list(chosen))
    assert torch.equal(saved["mean"], data.mean[[5, 0]])
    network = ModelConfig.model_validate(saved["model"]).build(saved["shape"], len(saved["classes"]))
    network.load_state_dict(saved["state_dict"])
    with torch.no_grad():
        logits = network.eval()(data.test.x[:, :, [5, 0]])
    stored = np.stack(stores.results.predictions(row).to_pandas()["logits"].to_numpy())
    assert np.allclose(logits.numpy(), stored, atol=1e-5)


def test_several_teachers_are_averaged(stores, make_cell, data):
    teachers = [make_cell("MM", seed=seed) for seed in (0, 1)]
    for cell in teachers:
        last(Job(cell=cell, stage="search", teaches=True), stores)
    ids = [cell.id for cell in teachers]
    first, second = (targets.load(stores.results, [name], data.val.window_id).logits for name in ids)
    assert torch.allclose(targets.load(stores.results, ids, data.val.window_id).logits, (first + second) / 2)
    student = make_cell("RB-KD", temperature=1.0, alpha=0.5, teacher_id="+".join(ids))
    row = last(Job(cell=student, stage="search"), stores).row
    assert (row["status"], row["teacher_id"]) == ("completed", "+".join(ids))
