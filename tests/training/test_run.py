"""A job from data to row: what is written, what counts as done, what an error leaves."""

import io

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from har_ray.data.tensors import load_tensors
from har_ray.errors import TrainingError
from har_ray.models.attention import AttentionConfig
from har_ray.plan.cells import Job
from har_ray.training import targets
from har_ray.training.run import CHECKPOINT, is_done, run
from har_ray.variants import build

ATTENTION = AttentionConfig(kind="cbam", ratio=2, kernel=3, position=2)


def last(job, place):
    *_, report = run(job, place)
    return report


def test_a_confirm_cell_leaves_row_curve_weights_and_predictions(place, make_cell, data):
    cell = make_cell("LM-Att", attention=ATTENTION)
    report = last(Job(cell=cell, stage="confirm"), place)
    row = place.results.row(cell.id)
    assert report.ended
    assert row == report.row
    assert row["status"] == "completed"
    assert (row["epochs"], row["attention_kind"], row["size"]) == (2, "cbam", "LM")
    assert row["params"] == 2475 + 22 + 18
    assert len(place.results.curve(cell.id)) == 2
    table = place.results.root.read_table(place.results.artefact(cell.id, "predictions.parquet")).to_pandas()
    assert len(table) == 1485
    predicted = np.stack(table["logits"].to_numpy()).argmax(axis=1)
    assert row["test_f1_macro"] == pytest.approx(f1_score(table["label"], predicted, average="macro", zero_division=0))
    assert set(table["subject"]) == {"8", "9", "10"}
    assert not place.results.root.exists(place.results.artefact(cell.id, CHECKPOINT))
    # The weights are usable by themselves: scaled windows in, the stored logits out.
    raw = place.results.root.read(place.results.artefact(cell.id, "weights.pt"))
    saved = torch.load(io.BytesIO(raw), weights_only=True)
    network = build(saved["size"], tuple(saved["shape"]), len(saved["classes"]), AttentionConfig(**saved["attention"]))
    network.load_state_dict(saved["state_dict"])
    with torch.no_grad():
        logits = network.eval()(data.test.x)
    assert np.allclose(logits.numpy(), np.stack(table["logits"].to_numpy()), atol=1e-5)


def test_a_search_cell_never_sees_the_test_set(place, make_cell):
    cell = make_cell(epochs=1)
    report = last(Job(cell=cell, stage="search"), place)
    assert "test_f1_macro" not in report.row
    assert not place.results.root.exists(place.results.artefact(cell.id, "predictions.parquet"))


def test_what_is_missing_of_a_finished_cell_is_made_without_training_again(place, make_cell):
    cell = make_cell("MM")
    searched = last(Job(cell=cell, stage="search"), place).row
    job = Job(cell=cell, stage="confirm", teaches=True)
    assert not is_done(job, searched, place.results)
    reports = list(run(job, place))
    assert len(reports) == 1
    row = reports[0].row
    assert is_done(job, row, place.results)
    assert row["train_seconds"] == searched["train_seconds"]
    assert row["val_f1_macro"] == searched["val_f1_macro"]
    assert row["test_f1_macro"] > 0


def test_a_job_that_was_left_continues_at_its_checkpoint(place, make_cell):
    cell = make_cell(epochs=3)
    reports = run(Job(cell=cell, stage="search"), place)
    first = next(reports)
    reports.close()
    again = list(run(Job(cell=cell, stage="search"), place))
    assert [len(report.curve) for report in again] == [2, 3, 3]
    assert again[0].curve[0] == first.curve[0]


def test_students_learn_from_stored_targets(place, make_cell, data):
    teacher = make_cell("MM-Att", attention=ATTENTION, epochs=1)
    last(Job(cell=teacher, stage="teachers", teaches=True), place)
    taught = targets.load(place.results, teacher.id, data.train.window_id)
    assert {kind: tuple(m.shape) for kind, m in taught.maps.items()} == {"channel": (2196, 8), "spatial": (2196, 16, 6)}
    shuffled = np.random.default_rng(0).permutation(len(data.train.window_id))
    other = targets.load(place.results, teacher.id, data.train.window_id[shuffled])
    assert torch.equal(other.logits, taught.logits[torch.from_numpy(shuffled)])
    student = make_cell(
        "RAB-KD", attention=ATTENTION, temperature=2, alpha=0.5, beta=1, teacher_id=teacher.id, epochs=1
    )
    assert last(Job(cell=student, stage="search"), place).row["status"] == "completed"
    assert place.results.curve(student.id)[0]["attention_transfer"] > 0


def test_targets_of_other_windows_are_refused(place, make_cell, data):
    teacher = make_cell("MM", epochs=1)
    last(Job(cell=teacher, stage="teachers", teaches=True), place)
    with pytest.raises(TrainingError, match="no target for window elsewhere:0"):
        targets.load(place.results, teacher.id, np.array([data.train.window_id[0], "elsewhere:0"]))


def test_an_error_becomes_a_failed_row_with_its_reason(place, make_cell):
    cell = make_cell("RB-KD", temperature=1, alpha=0.5, teacher_id="0123456789abcdef")
    report = last(Job(cell=cell, stage="search"), place)
    row = place.results.row(cell.id)
    assert report.ended
    assert row["status"] == "failed"
    assert "teacher 0123456789abcdef has left no targets" in row["error"]
    assert not is_done(Job(cell=cell, stage="search"), row, place.results)


def test_non_finite_training_fails_the_cell(place, make_cell):
    cell = make_cell(train={"lr": 1e30}, epochs=5)
    row = last(Job(cell=cell, stage="confirm"), place).row
    assert row["status"] == "failed"
    assert "the training loss became" in row["error"]


def test_a_cell_that_asha_stopped_is_done_for_the_search_alone(place, make_cell):
    cell, row = make_cell(), {"status": "stopped"}
    assert is_done(Job(cell=cell, stage="search"), row, place.results)
    assert not is_done(Job(cell=cell, stage="confirm"), row, place.results)
    assert not is_done(Job(cell=cell, stage="teachers", teaches=True), row, place.results)


def test_tensors_are_shared_by_the_jobs_of_a_process(place, make_cell, data):
    cell = make_cell()
    assert load_tensors(place.storage, cell.windows_id, cell.protocol) is data
