"""Raw files to windows in Parquet shards: Ray Data reads many sources in parallel, each task writes its own shards.

A task holds one recording at a time and writes its shards itself, so memory stays flat as data grows and no window
travels through the object store. A task that is repeated after a crash writes new files; the manifest names those of
the attempt that ended well. Where they lie is in `store/windows.py`.
"""

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import ray
import ray.data

from har_ray import __version__
from har_ray.data.account import Account, as_rows, left_out_lines
from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import Dataset, Recording, Rejects
from har_ray.data.faults import by_cause
from har_ray.data.norms import measured
from har_ray.data.raw.identity import Identity, warn_if_altered
from har_ray.data.soundness import checks
from har_ray.data.soundness.statistics import Gathered
from har_ray.data.windows import Cut, WindowSpec, class_names, cut_all, no_windows, read_source
from har_ray.errors import DataError
from har_ray.store.windows import Manifest, WindowStore

SHARD_BYTES = 256 << 20
"""A shard is closed at this size."""
TASKS_PER_CPU = 8
"""Few enough that starting them costs little, enough that no CPU waits long for the last; at scale there are more, so
that a task reads no more than about `SHARD_BYTES` of raw files."""


def prepare(
    dataset: Dataset, spec: WindowSpec, identity: Identity, folder: Path | None, windows: WindowStore
) -> Manifest:
    """The manifest of the windows of `spec`, which are made first if they do not exist. Needs a running Ray.

    Args:
        spec: made from `dataset` and `identity`.
        identity: of the raw files in `folder`; the manifest names it.
        folder: of the raw files; None for a dataset that needs no fetching.
        windows: where to look for them and put them.

    Raises:
        DataError: a source cannot be read, with a line for each cause; or there is no window.
    """
    warn_if_altered(dataset, identity)
    known = windows.manifest(spec.id)
    if known is not None:
        return known
    sources = list(dataset.reader(spec.preset).locate(folder))
    groups = [{"sources": group} for group in _groups(sources, int(ray.cluster_resources()["CPU"]))]
    tasks = ray.data.from_items(groups, override_num_blocks=len(groups)).map(
        _write_shards, fn_kwargs={"dataset": dataset, "spec": spec, "windows": windows}
    )
    reports = tasks.take_all()
    errors = [(error["source"], error["message"]) for report in reports for error in report["errors"]]
    if errors:
        raise DataError("\n".join(by_cause(sorted(errors, key=lambda error: natural_key(str(error[0]))))))
    manifest = _manifest(dataset, spec, identity, reports)
    if not manifest["windows"]:
        raise no_windows(dataset.name, identity.files, left_out_lines(manifest))
    windows.write_manifest(spec.id, manifest)
    return manifest


def _groups(sources: Sequence[str], cpus: int) -> list[list[str]]:
    """Sources in groups of neighbours, one for each task."""
    raw_bytes = sum(Path(s).stat().st_size for s in sources if Path(s).is_file())
    tasks = min(len(sources), max(TASKS_PER_CPU * cpus, raw_bytes // SHARD_BYTES))
    return [[sources[i] for i in part] for part in np.array_split(np.arange(len(sources)), tasks)]


def _write_shards(row: dict[str, Any], dataset: Dataset, spec: WindowSpec, windows: WindowStore) -> dict[str, Any]:
    """The task: windows of all recordings of some sources → shards; reports what it wrote and left out."""
    return windows.root.patiently("write windows", lambda: _attempt(row["sources"], dataset, spec, windows))


def _attempt(sources: Sequence[str], dataset: Dataset, spec: WindowSpec, windows: WindowStore) -> dict[str, Any]:
    files, errors, preset = dict[str, tuple[Account, Rejects]](), [], spec.preset
    gathered = Gathered(measured(preset.channels, [channel.name for channel in dataset.channels]))
    counts: Counter[tuple[str, int]] = Counter()
    with _Shards(windows, spec.id) as shards:
        for source in sources:
            account, rejects = files[source] = Account(), Rejects()
            try:
                recordings = gathered.watched(source, read_source(dataset, preset, source, rejects))
                cuts = account.watched(preset, cut_all(dataset, preset, recordings))
                for table in _window_tables(cuts):
                    shards.write(table)
                    counts.update(zip(table["subject"].to_pylist(), table["y"].to_pylist(), strict=True))
            except DataError as error:
                errors.append({"source": source, "message": str(error)})
    return {
        "errors": errors,
        "shards": shards.written,
        # Bytes, which Ray Data does not take apart into columns.
        "files": pickle.dumps(files),
        "gathered": pickle.dumps(gathered),
        "counts": [(subject, label, n) for (subject, label), n in counts.items()],
    }


def _window_tables(recordings: Iterable[tuple[Recording, Cut]]) -> Iterator[pa.Table]:
    for recording, windows in recordings:
        if n := len(windows.y):
            yield pa.table(
                {
                    "window_id": windows.ids(recording),
                    "recording": [recording.name] * n,
                    "subject": [recording.subject] * n,
                    "start": windows.start,
                    "y": windows.y,
                    "x": pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(windows.x)),
                }
            )


class _Shards:
    """Appends tables to Parquet files of a bounded size; a table is a row group."""

    def __init__(self, windows: WindowStore, windows_id: str) -> None:
        self.windows, self.windows_id = windows, windows_id
        self.file: Any = None
        self.writer: pq.ParquetWriter | None = None
        self.opened = ExitStack()
        self.written: list[dict[str, Any]] = []

    def __enter__(self) -> "_Shards":
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error_type is None:
            self._close()
        self.opened.__exit__(error_type, error, trace)

    def write(self, table: pa.Table) -> None:
        if self.writer is None:
            self.writer = self._open(table.schema)
        self.writer.write_table(table)
        self.written[-1]["rows"] += len(table)
        if self.file.tell() >= SHARD_BYTES:
            self._close()

    def _open(self, schema: pa.Schema) -> pq.ParquetWriter:
        name, self.file = self.opened.enter_context(self.windows.new_shard(self.windows_id))
        self.written.append({"name": name, "rows": 0})
        return pq.ParquetWriter(
            self.file,
            schema,
            # Sensor readings rarely repeat: a dictionary makes them four times slower to read, and compression saves
            # only a seventh.
            use_dictionary=["window_id", "recording", "subject"],
            write_statistics=["subject", "start", "y"],
            write_page_checksum=True,
            compression="none",
        )

    def _close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
            self.written[-1]["bytes"] = self.file.tell()
            self.opened.close()


def _manifest(dataset: Dataset, spec: WindowSpec, identity: Identity, reports: Sequence[dict[str, Any]]) -> Manifest:
    classes = class_names(dataset, spec.preset)
    per_subject: dict[str, dict[str, int]] = {}
    for subject, label, n in sorted(entry for report in reports for entry in report["counts"]):
        counts = per_subject.setdefault(str(subject), {})
        counts[classes[int(label)]] = counts.get(classes[int(label)], 0) + int(n)
    files: dict[str, tuple[Account, Rejects]] = {}
    for report in reports:
        files |= pickle.loads(report["files"])
    rows, rejects = as_rows(files)
    gathered = Gathered(measured(spec.preset.channels, [channel.name for channel in dataset.channels]))
    for report in reports:
        gathered.join(pickle.loads(report["gathered"]))
    window, _ = spec.shape
    return {
        "windows_id": spec.id,
        "made_of": asdict(spec),
        "har_ray_version": __version__,
        "dataset": dataset.name,
        "source": asdict(identity),
        "window": window,
        "rate_hz": spec.preset.rate_hz,
        "channels": [{"name": name, "unit": dataset.unit(name)} for name in spec.preset.channels],
        "classes": list(classes),
        "subjects": list(spec.preset.subjects or dataset.subjects),
        "windows": sum(int(shard["rows"]) for report in reports for shard in report["shards"]),
        "shards": [dict(shard) for report in reports for shard in report["shards"]],
        "windows_per_subject_and_class": per_subject,
        "rejects": rejects,
        "files": rows,
        "findings": [finding.as_row for finding in checks.of_recordings(gathered, dataset, spec.preset)],
    }
