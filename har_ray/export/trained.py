"""A confirm cell as it was left: its network, its test windows, and the windows that it learned from."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from analysis.load import provenance
from har_ray.data.protocol import Protocol
from har_ray.data.tensors import load_windows, split_rows
from har_ray.data.windows import Windows
from har_ray.errors import ExportError
from har_ray.models.config import ModelConfig
from har_ray.store.results import ResultStore, Row
from har_ray.store.storage import Storage
from har_ray.store.windows import Manifest, WindowStore

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """What an export is made of.

    Attributes:
        row: the cell's.
        about: what `run.json` says of its windows, with the subjects of each part in `fold`.
        model: how the network is configured.
        network: in evaluation mode; takes scaled windows (B, T, C).
        mean, std: what windows are scaled by, float32 (C,).
        channels: of the windows, as the manifest has them: name and unit.
        classes: names in label order.
        train, val, test: the windows of each part in the dataset's units, with these channels.
        manifest: of the windows.
        made: command, commit and hash of the grid.
    """

    row: Row
    about: Row
    fold: Row
    model: ModelConfig
    network: nn.Module
    mean: Floats
    std: Floats
    channels: list[dict[str, str]]
    classes: list[str]
    train: Windows
    val: Windows
    test: Windows
    manifest: Manifest
    made: dict[str, str]

    @property
    def shape(self) -> tuple[int, int]:
        """(T, C)"""
        _, window, channels = self.test.x.shape
        return window, channels


def load_trained(results: ResultStore, row: Row, info: Row) -> Trained:
    """The network and the windows of a completed confirm cell.

    Args:
        info: the grid's `run.json`.

    Raises:
        ExportError: its weights were stored by a version that did not keep what is needed, or the windows are no longer
            there or no longer split as they were.
        StorageError: its weights are missing or damaged, or a window can't be read.
    """
    saved = torch.load(io.BytesIO(results.weights(row)), weights_only=True)
    if lacking := {"model", "channels", "classes", "mean", "std", "shape"} - saved.keys():
        raise ExportError(
            f"cell {row['cell_id']}: its weights were stored without {', '.join(sorted(lacking))}, by a version that "
            "did not keep it; run the grid again under another name"
        )
    about, fold = _description(info, row)
    _require_windows(results, row, about["windows_id"], provenance(info)["command"])
    windows, manifest = _windows(results.root.parent, about["windows_id"])
    names = [channel["name"] for channel in manifest["channels"]]
    columns = [names.index(name) for name in saved["channels"]]
    parts = split_rows(windows.subject, windows.y, windows.recording, manifest, protocol_of(about, fold))
    train, val, test = (_of(windows, part, columns) for part in parts)
    if test.window_id.tolist() != results.predictions(row)["window_id"].to_pylist():
        raise ExportError(f"cell {row['cell_id']}: was tested on other windows than {about['windows_id']} has for it")
    model = ModelConfig.model_validate(saved["model"])
    with torch.random.fork_rng():
        network = model.build(tuple(saved["shape"]), len(saved["classes"])).eval()
    network.load_state_dict(saved["state_dict"])
    return Trained(
        row, about, fold, model, network, saved["mean"].numpy(), saved["std"].numpy(),
        [manifest["channels"][column] for column in columns], list(saved["classes"]),
        train, val, test, manifest, provenance(info),
    )  # fmt: skip


def _require_windows(results: ResultStore, row: Row, windows_id: str, command: str) -> None:
    """Say what is missing, and what makes it, where only the results of a grid were kept or copied."""
    windows = WindowStore(results.root.parent)
    if windows.manifest(windows_id) is None:
        raise ExportError(
            f"cell {row['cell_id']}: the windows that it was trained and tested on are not, or not all, in "
            f"{windows.folder(windows_id)}; an export needs them, and the grid's command makes them: {command}"
        )


def _of(windows: Windows, rows: npt.NDArray[np.int64], columns: list[int]) -> Windows:
    """The windows of a part, with the channels in these columns."""
    part = Windows(**{name: values[rows] for name, values in windows._asdict().items()})
    return part._replace(x=part.x[:, :, columns])


@lru_cache(maxsize=1)
def _windows(storage: Storage, windows_id: str) -> tuple[Windows, Manifest]:
    """Kept for the next cell of the same windows."""
    windows = WindowStore(storage)
    return load_windows(windows, windows_id), windows.require(windows_id)


def _description(info: Row, row: Row) -> tuple[Row, Row]:
    """What `run.json` says of the windows of a cell, and of its fold."""
    for about in info.get("data") or []:
        if (about["dataset"], about["preset"]) == (row["dataset"], row["preset"]):
            for fold in about["folds"]:
                if (fold["protocol"], fold["fold"]) == (row["protocol"], int(row["fold"] or 0)):
                    return about, fold
    raise ExportError(
        f"cell {row['cell_id']}: run.json says nothing of its windows; the grid's command writes it again"
    )


def protocol_of(about: Row, fold: Mapping[str, Any]) -> Protocol:
    """The protocol of a fold, as the grid had it."""
    known = Protocol.of_label(fold["protocol"])
    folds = sum(one["protocol"] == fold["protocol"] for one in about["folds"])
    named: Row = {}
    if known.name == "subject-holdout":
        validates = known.val == "subjects"
        named = {"test_subjects": tuple(fold["test"]), "val_subjects": tuple(fold["val"]) if validates else ()}
    return known.model_copy(update={"folds": folds, "fold": fold["fold"]} | named)
