"""A small result store, written the way a grid leaves it."""

import copy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from analysis.load import Results, load_results
from har_ray.store.results import WEIGHTS, Files, ResultStore
from har_ray.variants import VARIANTS, traits
from tests.browser import started

Row = dict[str, Any]
SETTING = {"dataset": "sensors", "preset": "wrist", "protocol": "subject-holdout"}
CLASSES = ["sit", "stand", "walk"]
COST = {
    "LM": {"params": 1000, "macs": 20_000, "flops_published": 10_000, "bytes": 4000},
    "MM": {"params": 4000, "macs": 80_000, "flops_published": 40_000, "bytes": 16_000},
    "OM": {"params": 100_000, "macs": 2_000_000, "flops_published": 1_000_000, "bytes": 400_000},
}
INFO = {
    "grid": {"name": "tiny", "seeds": 3},
    "grid_path": "grids/tiny.yaml",
    "grid_hash": "abc123",
    "command": "python -m har_ray.grid grids/tiny.yaml",
    "git_commit": "0123456",
    "git_dirty": False,
    "har_ray_version": "0.1.0",
    "versions": {"python": "3.11"},
    "machine": "a laptop",
    "started_at": "2026-01-01T00:00:00Z",
    "finished_at": "2026-01-01T01:00:00Z",
}
COLUMN_SCORES = ("test_f1_macro", "test_f1_weighted", "test_accuracy", "val_f1_macro")


class GridStore:
    """Collects cells; `write` leaves run.json, plan.json and winners.json beside what they left."""

    def __init__(self, root: Path, **info: Any) -> None:
        self.store = ResultStore(root)
        self.path = str(root)
        self.info: Row = {**copy.deepcopy(INFO), "data": [self.data()], **info}
        self.expected: list[Row] = []
        self.traits = {name: traits(variant, "distillation" in variant.losses) for name, variant in VARIANTS.items()}
        self.plan: list[Row] = []
        self.winners: list[Row] = []
        self.classes = len(CLASSES)

    @staticmethod
    def data(**changes: Any) -> Row:
        """One entry of run.json's `data`."""
        fold = {"protocol": "subject-holdout", "fold": 0, "train": [1, 2], "val": [3], "test": [4, 5],
                "train_windows": 1200, "val_windows": 300, "test_windows": 400}  # fmt: skip
        return {"dataset": "sensors", "preset": "wrist", "classes": CLASSES, "channels": ["acc_x"], "rate_hz": 12.5,
                "window": 25, "windows": 1900, "folds": [fold]} | changes  # fmt: skip

    def expect(self, variant: str, seed: int, fold: int = 0, **setting: str) -> Row:
        """A confirm cell that the tables should hold."""
        cell = {**SETTING, **setting, "fold": fold, "variant": variant, "seed": seed}
        self.expected.append(cell)
        return cell

    def completed(self, variant: str, seed: int, f1: float, fold: int = 0, stage: str = "confirm",
                  predictions: list[tuple[str, int, int]] | None = None, cell_id: str | None = None,
                  row: Row | None = None, **setting: str) -> str:  # fmt: skip
        """A completed cell; `f1` stands for all test scores, `predictions` are (subject, label, predicted)."""
        cell = self.expect(variant, seed, fold, **setting)
        cost = COST.get(variant.removesuffix("-Att"), COST["LM"])
        end = {"status": "completed", "best_epoch": 2, "latency_ms": 0.5, "latency_device": "cpu", **cost}
        end |= dict.fromkeys(COLUMN_SCORES, f1)
        cell_id = cell_id or self._next_id(stage)
        curve = [{"epoch": epoch, "train_loss": 1 / epoch, "val_f1_macro": f1 * epoch / 3} for epoch in (1, 2, 3)]
        files = self.store.write_curve(cell_id, curve)
        files |= self.predict(cell_id, predictions or [(s, k, k) for s in ("4", "5") for k in range(3)])
        return self._row(cell, stage, end | (row or {}) | {"files": files}, cell_id)

    def seeds(self, variant: str, *scores: float, **changes: Any) -> None:
        """A completed cell for each of the seeds 0, 1, …"""
        for seed, score in enumerate(scores):
            self.completed(variant, seed, score, **changes)

    def failed(self, variant: str, seed: int, error: str, fold: int = 0, stage: str = "confirm", **setting: str) -> str:
        """A cell that ended with an error."""
        end = {"status": "failed", "error": error, "files": {}}
        return self._row(self.expect(variant, seed, fold, **setting), stage, end, self._next_id(stage))

    def predict(self, cell_id: str, predictions: list[tuple[str, int, int]]) -> Files:
        """Write predictions.parquet; the logits' largest entry is the predicted class."""
        return self.store.write_predictions(cell_id, self.table(predictions))

    def table(self, predictions: list[tuple[str, int, int]]) -> pa.Table:
        """As a cell leaves them; the windows of a subject are those of a recording."""
        logits = np.eye(self.classes)
        return pa.table({
            "window_id": [f"{subject}-left:{25 * index}" for index, (subject, _, _) in enumerate(predictions)],
            "subject": [subject for subject, _, _ in predictions],
            "label": [label for _, label, _ in predictions],
            "logits": [logits[predicted].tolist() for _, _, predicted in predictions],
        })  # fmt: skip

    def export(
        self, cell_id: str, predictions: list[tuple[str, int, int]], flash: int, agreement: float = 1.0, **more: Any
    ) -> None:
        """Give a completed cell weights, and an export whose int8 file predicts this."""
        row = self.store.row(cell_id)
        assert row is not None
        weights = self.store.write_weights(cell_id, b"weights")
        files = row["files"] | {name: list(digest) for name, digest in weights.items()}
        self.store.write_row(row | {"files": files})
        measured = {"int8_f1_macro": 0.0, "int8_agreement": agreement, "int8_logit_error": 0.25, "flash_bytes": flash,
                    "arena_bytes": flash // 2, "measured_on": "a PC"} | more  # fmt: skip
        with TemporaryDirectory() as folder:
            Path(folder, "model.tflite").write_bytes(b"int8")
            exports, made_of = self.store.exports, weights[WEIGHTS].sha256
            exports.write({"cell_id": cell_id} | measured, made_of, Path(folder), self.table(predictions))

    def _next_id(self, stage: str) -> str:
        return f"{stage}{len(self.plan):03d}"

    def _row(self, cell: Row, stage: str, end: Row, cell_id: str) -> str:
        self.plan.append({**cell, "cell_id": cell_id, "stage": stage})
        self.store.write_row({**cell, "cell_id": cell_id, "stage": stage, **end})
        return cell_id

    def write(self) -> str:
        """Everything that is not a cell; returns the path of the results."""
        self.store.write_run_info(self.info)
        known = [one.model_dump() for one in self.traits.values()]
        self.store.write_plan({"variants": known, "expected": self.expected, "cells": self.plan})
        self.store.write_winners(self.winners)
        return self.path

    def load(self) -> Results:
        """Written, and read again."""
        return load_results(self.write())


@pytest.fixture(scope="module")
def browser():
    """Of tests marked `needs_browser`."""
    with started() as running:
        yield running


@pytest.fixture
def grid(tmp_path: Path) -> GridStore:
    """An empty grid named `tiny`."""
    return GridStore(tmp_path / "tiny")
