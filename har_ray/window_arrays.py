"""`har_ray.windows`: a dataset's windows as arrays, for code that is not ours.

Windows and folds are those of a grid with the same entry, so that what is computed elsewhere can stand beside what a
grid reports.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from har_ray.data.account import Account, Row, as_rows, left_out_lines
from har_ray.data.by_name import dataset_of, descriptor_of, preset_of
from har_ray.data.dataset import Dataset, Preset, Recording, Rejects
from har_ray.data.faults import by_cause
from har_ray.data.norms import measured
from har_ray.data.raw.fetch import fetch
from har_ray.data.raw.identity import Identity, identify, warn_if_altered
from har_ray.data.soundness import checks, classes
from har_ray.data.soundness.finding import Finding, refuse
from har_ray.data.soundness.statistics import Gathered
from har_ray.data.splits import Parts, require_classes, split
from har_ray.data.windows import Cut, Windows, WindowSpec, class_names, cut_all, no_windows, read_source
from har_ray.errors import DataError
from har_ray.spec.dataset import DatasetSpec, own_dataset
from har_ray.store.storage import Storage
from har_ray.store.windows import WindowStore
from har_ray.yaml_check import load
from har_ray.yaml_file import YamlFile

if TYPE_CHECKING:
    from torch.utils.data import TensorDataset

log = logging.getLogger(__name__)

ANY_PROTOCOL = "random"
"""Every preset can be split by it; stands in an entry as long as nobody has chosen."""


@dataclass(frozen=True, eq=False)
class WindowArrays:
    """All windows of a dataset as a preset cuts them, sorted by recording and start.

    Attributes:
        x: float32 `[N, T, C]`, in the dataset's units, not scaled. A grid scales each channel by mean and standard
            deviation of the windows that train.
        y: int64 `[N]`, index into `classes`.
        window_id, subject, recording: str `[N]`.
        classes: names, the null class last where the preset keeps it.
        channels: names of the last axis.
        subjects: whom the protocols split, in their order.
        rate_hz: samples per second of `x`.
        rejects: rows that no recording has, by reason.
        files: of each file how long its recordings are, how much of that is in windows, and what is left out by reason:
            windows and seconds that add up, as in the manifest of a grid's windows.
        findings: what makes results wrong, or worth less than they seem; each has been logged as a warning.
        windows_id: the same as that of a grid's windows of the same content.
        entry: of a grid that has these windows.
    """

    x: npt.NDArray[np.float32] = field(repr=False)
    y: npt.NDArray[np.int64] = field(repr=False)
    window_id: npt.NDArray[np.str_] = field(repr=False)
    subject: npt.NDArray[np.str_] = field(repr=False)
    recording: npt.NDArray[np.str_] = field(repr=False)
    classes: tuple[str, ...]
    channels: tuple[str, ...]
    subjects: tuple[str, ...]
    rate_hz: float
    rejects: dict[str, int]
    files: tuple[Row, ...] = field(repr=False)
    findings: tuple[Finding, ...]
    windows_id: str
    entry: dict[str, Any] = field(repr=False)

    def folds(self, protocol: str, **options: Any) -> list[Parts]:
        """The rows of each fold's `train`, `val` and `test` windows, as a grid with this protocol has them.

        Args:
            protocol: `loso`, `subject-kfold`, `subject-holdout`, `random` or `official`.
            options: `folds`, `val`, `test_subjects`, `val_subjects`, as in a grid.

        Raises:
            HarRayError: a grid would refuse it: too few subjects, an unknown one, a class that no window of a training
                part has.

        Example:
            >>> [len(fold.test) for fold in har_ray.windows("spar", rate_hz=12).folds("subject-kfold", folds=5)]
            [1042, 1066, 788, 780, 1009]
        """
        entry = _entry(self.entry | options | {"protocol": protocol})
        official, found = entry.dataset.official, list[Parts]()
        for one in entry.protocols:
            found.append(split(one, self.subject, self.y, self.recording, self.subjects, official))
            require_classes(found[-1], self.y, self.classes, one)
        return found

    def torch(self, rows: npt.NDArray[np.int64] | None = None) -> TensorDataset:
        """A torch `Dataset` of (x `[T, C]`, y) of these rows, by default of all; needs torch only now."""
        import torch
        from torch.utils.data import TensorDataset

        chosen = slice(None) if rows is None else rows
        return TensorDataset(torch.from_numpy(self.x[chosen]), torch.from_numpy(self.y[chosen]))


def windows(
    name: str,
    preset: str | None = None,
    *,
    path: str | None = None,
    data: str | Path = "data",
    storage: str | Path | None = None,
    **changes: Any,
) -> WindowArrays:
    """The windows of a dataset of the catalogue, or of your own recordings.

    Args:
        name: of the catalogue, or the path of a descriptor (docs/own-recordings.md).
        preset: how to cut; may be omitted where there is only one.
        path: a copy of the raw files to take instead of the publisher's, as in a grid; what is missing is fetched.
        data: the folder of all raw files.
        storage: where a grid keeps its windows; if they are there they are read, otherwise Ray makes them there. By
            default they are made in memory, without Ray, and kept nowhere.
        changes: what differs from the preset, as in a grid: `rate_hz`, `window_s`, `stride_s`, `channels`, `subjects`,
            `label_rule`, `null_class`, `align`.

    Raises:
        HarRayError: a grid would refuse it, or the raw files cannot be had or read; or no honest result can follow, or
            anything was found of recordings that are `strict`.

    Example:
        >>> har_ray.windows("spar", rate_hz=12).x.shape
        (4685, 24, 6)
    """
    own_dataset.cache_clear()  # the session may be older than the descriptor's last change
    dataset, descriptor = dataset_of(name), descriptor_of(name)
    source = {"kind": "table", "name": dataset.name, "path": str(descriptor)} if descriptor else {"name": name}
    given = source | ({} if path is None else {"path": path}) | {"preset": preset_of(dataset, preset)} | changes
    entry = _entry(given | {"protocol": ANY_PROTOCOL})
    folder = None if entry.own else fetch(dataset, Path(data), path)
    identity = identify(dataset, folder, Path(data))
    spec = WindowSpec.of(dataset, identity.fingerprint, entry.cut)
    if storage is None:
        found, files, rejects, findings = _cut(dataset, spec.preset, identity, folder)
    else:
        found, files, rejects, findings = _stored(dataset, spec, identity, folder, WindowStore(Storage(storage)))
    findings += _of_classes(dataset, spec.preset, found)
    refuse(dataset.name, findings, dataset.strict)
    for finding in findings:
        log.warning("%s: %s", dataset.name, finding)
    return WindowArrays(
        *found,
        classes=class_names(dataset, spec.preset),
        channels=spec.preset.channels,
        subjects=entry.all_subjects,
        rate_hz=spec.preset.rate_hz,
        rejects=rejects,
        files=tuple(files),
        findings=tuple(findings),
        windows_id=spec.id,
        entry=given,
    )


def _entry(content: dict[str, Any]) -> DatasetSpec:
    """An entry of a grid's `datasets`; raises `GridError` with all that is wrong with it."""
    return load(DatasetSpec, YamlFile(Path("har_ray.windows"), text="", content=content))


Made = tuple[Windows, list[Row], dict[str, int], list[Finding]]
"""Windows, what became of each file and of rows of no recording, and what was found in the recordings."""


def _cut(dataset: Dataset, preset: Preset, identity: Identity, folder: Path | None) -> Made:
    warn_if_altered(dataset, identity)
    files, errors, parts = dict[str, tuple[Account, Rejects]](), list[tuple[str, str]](), list[tuple[str, Windows]]()
    gathered = Gathered(measured(preset.channels, [channel.name for channel in dataset.channels]))
    for source in dataset.reader(preset).locate(folder):
        account, rejects = files[source] = Account(), Rejects()
        try:
            recordings = gathered.watched(source, read_source(dataset, preset, source, rejects))
            cuts = account.watched(preset, cut_all(dataset, preset, recordings))
            found = ((one.name, _of_recording(one, cut)) for one, cut in cuts)
            parts += [(name, windows) for name, windows in found if len(windows.y)]
        except DataError as error:
            errors.append((source, str(error)))
    if errors:
        raise DataError("\n".join(by_cause(errors)))
    rows, left_out = as_rows(files)
    if not parts:
        raise no_windows(dataset.name, identity.files, left_out_lines({"rejects": left_out, "files": rows}))
    in_order = [windows for _, windows in sorted(parts, key=itemgetter(0))]
    windows = Windows(*map(np.concatenate, zip(*in_order, strict=True)))
    return windows, rows, left_out, checks.of_recordings(gathered, dataset, preset)


def _of_classes(dataset: Dataset, preset: Preset, windows: Windows) -> list[Finding]:
    """What follows from who does what, however windows are split."""
    names, counts = class_names(dataset, preset), dict[str, dict[str, int]]()
    for (subject, label), n in sorted(Counter(zip(windows.subject.tolist(), windows.y.tolist(), strict=True)).items()):
        counts.setdefault(subject, {})[names[label]] = n
    subjects = preset.subjects or dataset.subjects
    return list(classes.findings(counts, subjects, names, (), checks.is_own(dataset.name)))


def _of_recording(recording: Recording, cut: Cut) -> Windows:
    window_id = np.array(cut.ids(recording), dtype=np.str_)
    subject, name = (np.full(len(cut.y), text) for text in (recording.subject, recording.name))
    return Windows(cut.x, cut.y.astype(np.int64), window_id, subject, name)


def _stored(dataset: Dataset, spec: WindowSpec, identity: Identity, folder: Path | None, store: WindowStore) -> Made:
    """As `_cut`, of windows that lie in a storage, where they are made first if need be."""
    # Torch and Ray take seconds to import.
    from har_ray.data.tensors import load_windows

    manifest = store.manifest(spec.id)
    if manifest is None:
        from har_ray import cluster
        from har_ray.data.shards import prepare

        with cluster.connected(None):
            manifest = prepare(dataset, spec, identity, folder, store)
    kept = [Finding(**row) for row in manifest.get("findings", ())]
    return load_windows(store, spec.id), list(manifest.get("files", ())), manifest["rejects"], kept
