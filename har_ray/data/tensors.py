"""Shards → the tensors that training reads: once per process, however many cells the process trains."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from har_ray.data.datasets import CATALOG
from har_ray.data.protocol import Protocol
from har_ray.data.splits import Parts, require_classes, split
from har_ray.data.windows import Windows
from har_ray.store.storage import Storage
from har_ray.store.windows import Manifest, WindowStore


class Part(NamedTuple):
    """Windows of one part, scaled: x float32 `[N, T, C]`, y int64 `[N]`; ids and subjects str `[N]`."""

    x: Tensor
    y: Tensor
    window_id: npt.NDArray[np.str_]
    subject: npt.NDArray[np.str_]


class Tensors(NamedTuple):
    """What a cell trains on. `mean` and `std` float32 `[C]` come from the training windows alone; `channels` are the
    names of the windows' last axis."""

    train: Part
    val: Part
    test: Part
    mean: Tensor
    std: Tensor
    classes: tuple[str, ...]
    channels: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(T, C)"""
        _, window, channels = self.train.x.shape
        return window, channels

    def only(self, channels: Sequence[str] | None) -> "Tensors":
        """The same of some channels, by name; None: of all."""
        if channels is None:
            return self
        kept = [self.channels.index(name) for name in channels]
        train, val, test = (part._replace(x=part.x[:, :, kept].contiguous()) for part in self[:3])
        return Tensors(train, val, test, self.mean[kept], self.std[kept], self.classes, tuple(channels))


class PartSummary(NamedTuple):
    """What a part of a split holds."""

    subjects: list[str]
    windows: int


def check_split(storage: Storage, windows_id: str, protocol: Protocol) -> dict[str, PartSummary]:
    """Split without reading the windows themselves, before any compute is spent; part name → what it holds.

    Raises:
        DataError, StorageError: as `load_tensors` would.
    """
    windows = WindowStore(storage)
    manifest = windows.require(windows_id)
    table = windows.read(windows_id, ["subject", "recording", "y"])
    subject, recording = (table[name].to_numpy().astype(str) for name in ("subject", "recording"))
    rows = split_rows(subject, table["y"].to_numpy().astype(np.int64), recording, manifest, protocol)
    return {name: PartSummary(_unique(subject[part]), len(part)) for name, part in rows._asdict().items()}


def _unique(names: npt.NDArray[np.str_]) -> list[str]:
    """Distinct names, numbers among them in the order of numbers."""
    return sorted(set(names.tolist()), key=lambda name: (len(name), name))


def load_windows(windows: WindowStore, windows_id: str) -> Windows:
    """Read all windows of a manifest; raises `StorageError` where they are not complete."""
    table = windows.read(windows_id)
    x = table["x"].combine_chunks().to_numpy_ndarray()
    recording, start = (table[name].to_numpy() for name in ("recording", "start"))
    order = np.lexsort((start, recording.astype(str)))
    return Windows(
        x=x[order],
        y=table["y"].to_numpy()[order].astype(np.int64),
        window_id=table["window_id"].to_numpy()[order].astype(str),
        subject=table["subject"].to_numpy()[order].astype(str),
        recording=recording[order].astype(str),
    )


@lru_cache(maxsize=1)
def _windows(storage: Storage, windows_id: str) -> tuple[Windows, Manifest]:
    windows = WindowStore(storage)
    return load_windows(windows, windows_id), windows.require(windows_id)


@lru_cache(maxsize=2)
def load_tensors(storage: Storage, windows_id: str, protocol: Protocol) -> Tensors:
    """Windows, split and scaled. Kept for the next cell of this process with the same windows and split.

    Raises:
        DataError: a part is empty, or a class has no training window.
        StorageError: there are no complete windows of this id, or a shard cannot be read.
    """
    windows, manifest = _windows(storage, windows_id)
    return make_tensors(windows, manifest, protocol)


def make_tensors(windows: Windows, manifest: Manifest, protocol: Protocol) -> Tensors:
    """Split and scale `windows`; see `load_tensors`."""
    rows = split_rows(windows.subject, windows.y, windows.recording, manifest, protocol)
    mean, std = fit_scaler(windows.x[rows.train])
    train, val, test = (_part(windows, part, mean, std) for part in rows)
    channels = tuple(channel["name"] for channel in manifest["channels"])
    return Tensors(
        train, val, test, torch.from_numpy(mean), torch.from_numpy(std), tuple(manifest["classes"]), channels
    )


def split_rows(
    subject: npt.NDArray[np.str_],
    y: npt.NDArray[np.int64],
    recording: npt.NDArray[np.str_],
    manifest: Manifest,
    protocol: Protocol,
) -> Parts:
    """The rows of each part; raises `DataError` as `split` and `require_classes` do."""
    official = CATALOG[manifest["dataset"]].official if protocol.name == "official" else None
    rows = split(protocol, subject, y, recording, manifest["subjects"], official)
    require_classes(rows, y, manifest["classes"], protocol)
    return rows


def fit_scaler(x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Mean and standard deviation per channel over (N, T); a constant channel keeps its scale."""
    mean = x.mean(axis=(0, 1), dtype=np.float64)
    std = x.std(axis=(0, 1), dtype=np.float64)
    return mean.astype(np.float32), np.where(std > 0, std, 1.0).astype(np.float32)


def _part(
    windows: Windows, rows: npt.NDArray[np.int64], mean: npt.NDArray[np.float32], std: npt.NDArray[np.float32]
) -> Part:
    x = (windows.x[rows] - mean) / std
    return Part(torch.from_numpy(x), torch.from_numpy(windows.y[rows]), windows.window_id[rows], windows.subject[rows])
