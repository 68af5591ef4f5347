"""Trees are cells like any other: one epoch, a row, predictions, targets for students."""

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from har_ray.models.config import ModelConfig
from har_ray.plan.cells import Job
from har_ray.training import targets
from har_ray.training.at_once import AtOnce
from har_ray.training.run import run

FOREST = ModelConfig(architecture="random-forest", options={"trees": 20})


def test_a_forest_leaves_a_row_predictions_and_targets(stores, make_cell, data):
    cell = make_cell(model=FOREST, epochs=150)
    *_, report = run(Job(cell=cell, stage="confirm", teaches=True), stores)
    row = report.row
    assert (row["status"], row["epochs"], row["converged"]) == ("completed", 1, True)
    assert (row["params"], row["macs"], row["flops_published"]) == (None, None, None)
    assert row["bytes"] > 20 * 255
    stored = stores.results.predictions(row).to_pandas()
    predicted = np.stack(stored["logits"].to_numpy()).argmax(axis=1)
    assert row["test_f1_macro"] == pytest.approx(f1_score(stored["label"], predicted, average="macro"))
    left = targets.load(stores.results, [cell.id], data.train.window_id)
    assert float((left.logits.argmax(dim=1) == data.train.y).float().mean()) > 0.9
    assert row["latency_ms"] > 0


def test_what_is_missing_of_a_finished_forest_is_made_of_the_stored_one(stores, make_cell):
    cell = make_cell(model=FOREST)
    *_, searched = run(Job(cell=cell, stage="search"), stores)
    (again,) = run(Job(cell=cell, stage="confirm"), stores)
    assert again.row["val_f1_macro"] == searched.row["val_f1_macro"]
    assert again.row["bytes"] == searched.row["bytes"]
    assert again.row["test_f1_macro"] > 0.5


def test_a_forest_depends_on_its_seed_alone(make_cell, data):
    first, second, other = (AtOnce(make_cell(model=FOREST, seed=seed), data) for seed in (1, 1, 2))
    losses = [trainer.epoch()["train_loss"] for trainer in (first, second, other)]
    assert losses[0] == losses[1] != losses[2]
    assert all(torch.equal(a, b) for a, b in zip(first.best.values(), second.best.values(), strict=True))
