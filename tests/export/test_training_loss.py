"""The losses that a cell was trained by, with what its teacher has left, once more: for fine-tuning."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from har_ray.errors import ExportError, TrainingError
from har_ray.export.trained import load_trained
from har_ray.export.training_loss import training_loss
from har_ray.models.architectures import Outputs
from har_ray.training import targets
from har_ray.variants import Variant

ROWS = torch.tensor([5, 0, 300, 7])
TEACHER = "0123456789abcdef"


@pytest.fixture(scope="module")
def trained(grid, cell_of):
    """LM as it was left; a row of its own is put in its place."""
    return load_trained(grid.results, grid.results.row(cell_of("LM")), grid.results.run_info())


@pytest.fixture(scope="module")
def taught(grid, trained):
    """The logits (N, K) of a teacher, stored in another order than that of the windows."""
    results, ids = grid.results, trained.train.window_id
    logits = torch.randn(len(ids), len(trained.classes), generator=torch.Generator().manual_seed(0))
    files = results.write_targets(TEACHER, targets.table(ids[::-1].tolist(), Outputs(logits.flip(0), {})))
    results.write_row(results.final_row({"cell_id": TEACHER}, "completed", files=files))
    yield logits.numpy()
    for name in (f"rows/{TEACHER}.json", f"cells/{TEACHER}"):
        results.root.delete(name)


def cell(trained, **row):
    return replace(trained, row={"cell_id": "of no row", "teacher_id": None} | row)


def logits_of(trained):
    found = torch.randn(len(ROWS), len(trained.classes), generator=torch.Generator().manual_seed(1))
    return found, log_softmax(found.numpy(), axis=1)


def test_a_students_is_that_of_labels_and_of_its_teachers_stored_logits(grid, trained, taught):
    """Of RB-KD: α·CE + (1 - α)·T²·KL(teacher ‖ student)."""
    student = cell(trained, variant="RB-KD", teacher_id=TEACHER, temperature=4.0, alpha=0.25)
    found, logs = logits_of(trained)
    labels = -logs[range(len(ROWS)), trained.train.y[ROWS]]
    ours, theirs = (log_softmax(one / 4, axis=1) for one in (found.numpy(), taught[ROWS]))
    distance = 16 * (np.exp(theirs) * (theirs - ours)).sum(axis=1)
    loss = training_loss(grid.results, grid.results.run_info(), student)
    assert float(loss(found, ROWS)) == pytest.approx((0.25 * labels + 0.75 * distance).mean(), rel=1e-5)


def test_without_a_teacher_it_is_that_of_labels_as_the_grid_weighs_them(grid, trained):
    weighed = Variant(name="Weighed", size="LM", losses={"cross-entropy": {"class_weights": ["none", "balanced"]}})
    info = grid.results.run_info()
    info["grid"]["variants"].append(weighed.model_dump())
    found, logs = logits_of(trained)
    y = trained.train.y
    weight = len(y) / (len(trained.classes) * np.bincount(y))  # of a class, balanced
    expected = -(weight[y[ROWS]] * logs[range(len(ROWS)), y[ROWS]]).mean()
    loss = training_loss(grid.results, info, cell(trained, variant="Weighed", class_weights="balanced"))
    assert float(loss(found, ROWS)) == pytest.approx(expected, rel=1e-5)


def test_what_is_missing_is_named(grid, trained):
    info = grid.results.run_info()
    with pytest.raises(ExportError, match=r"run\.json has no variant 'Gone', whose losses fine-tuning needs"):
        training_loss(grid.results, info, cell(trained, variant="Gone"))
    student = cell(trained, variant="RB-KD", teacher_id="gone", temperature=4.0, alpha=0.25)
    with pytest.raises(TrainingError, match="teacher gone has left no targets"):
        training_loss(grid.results, info, student)
