"""Where windows are stored, and the only module that knows: Parquet shards and the manifest that names them.

    windows/<id>/<uuid>.parquet     window_id, recording, subject, start, y, x (fixed-shape tensor [T, C], float32)
    windows/<id>/manifest.json      written last; names the shards that count

A manifest that cannot be read, or whose shards are not all there in their full size, counts as missing: the log names
what is damaged, and the windows are made again.
"""

import json
import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from har_ray.errors import StorageError
from har_ray.store.storage import Storage

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"
BATCH_WINDOWS = 1024

Manifest = dict[str, Any]
"""What `har_ray.data.shards` says of the windows; `shards` is a list of {name, rows, bytes}, bytes as stored."""


class WindowStore:
    """The windows below a storage root."""

    def __init__(self, root: Storage) -> None:
        self.root = root.child("windows")

    def folder(self, windows_id: str) -> Storage:
        return self.root.child(windows_id)

    def manifest(self, windows_id: str) -> Manifest | None:
        """The manifest of complete windows; None where there are none."""
        home = self.folder(windows_id)
        if not home.exists(MANIFEST):
            return None
        try:
            manifest: Manifest = home.read_json(MANIFEST)
            damaged = _damaged(home, manifest["shards"])
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            damaged = [MANIFEST]
        if damaged:
            log.warning("%s: %s is damaged; the windows are made again", home, ", ".join(damaged))
            return None
        return manifest

    def require(self, windows_id: str) -> Manifest:
        """The manifest of windows that must exist; raises `StorageError` where they are not complete."""
        manifest = self.manifest(windows_id)
        if manifest is None:
            raise StorageError(f"{self.folder(windows_id)}: no complete windows; run the same command again")
        return manifest

    def write_manifest(self, windows_id: str, manifest: Manifest) -> None:
        """From now on the windows count as complete."""
        self.folder(windows_id).write_json(MANIFEST, manifest)

    def new_shard(self, windows_id: str) -> tuple[Storage, str]:
        """A folder, which exists, and the name of a file in it that nobody else writes."""
        home = self.folder(windows_id)
        home.fs.create_dir(home.path, recursive=True)
        return home, f"{uuid.uuid4().hex}.parquet"

    def size(self, windows_id: str, shard: str) -> int:
        """Bytes of a shard as stored."""
        home = self.folder(windows_id)
        return int(home.fs.get_file_info(home.full(shard)).size)

    def read(self, windows_id: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All windows, or some columns of them, shard after shard.

        Raises:
            StorageError: there are no complete windows of this id, or a shard cannot be read.
        """
        tables = []
        for path in self._shards(windows_id):
            with self._open(windows_id, path) as file:
                tables.append(file.read(columns))
        return pa.concat_tables(tables)

    def batches(self, windows_id: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same, with no more than `BATCH_WINDOWS` windows in memory at a time."""
        for path in self._shards(windows_id):
            with self._open(windows_id, path) as file:
                yield from file.iter_batches(columns=columns, batch_size=BATCH_WINDOWS)

    def _shards(self, windows_id: str) -> list[str]:
        home = self.folder(windows_id)
        return [home.full(shard["name"]) for shard in self.require(windows_id)["shards"]]

    @contextmanager
    def _open(self, windows_id: str, path: str) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(path, filesystem=self.root.fs, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            advice = f"delete {self.folder(windows_id)} and run the same command again"
            raise StorageError(f"{path}: cannot be read: {error}; {advice}") from error


def _damaged(home: Storage, shards: Sequence[dict[str, Any]]) -> list[str]:
    """The names of shards that are missing or of another size than when they were written."""
    found = home.fs.get_file_info([home.full(shard["name"]) for shard in shards])
    return [shard["name"] for shard, info in zip(shards, found, strict=True) if info.size != shard["bytes"]]
