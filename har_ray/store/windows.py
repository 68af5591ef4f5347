"""Where windows are stored, and the only module that knows: Parquet shards and the manifest that names them.

    windows/<id>/<uuid>.parquet     window_id, recording, subject, start, y, x (fixed-shape tensor [T, C], float32)
    windows/<id>/manifest.json      written last; names the shards that count

A manifest that cannot be read, or whose shards are not all there in their full size, counts as missing: the log names
what is damaged, and the windows are made again.
"""

import contextlib
import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from har_ray.errors import DamagedError, StorageError
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
        try:
            manifest = home.read_json(MANIFEST)
            damaged = _damaged(home, manifest["shards"])
        except FileNotFoundError:
            return None
        except DamagedError:
            damaged = [MANIFEST]
        if damaged:
            log.warning("%s: %s is damaged; the windows count as missing", home, ", ".join(damaged))
            return None
        return manifest

    def require(self, windows_id: str) -> Manifest:
        """The manifest of windows that must exist; raises `StorageError` where they are not complete."""
        manifest = self.manifest(windows_id)
        if manifest is None:
            raise StorageError(f"{self.folder(windows_id)}: no complete windows; the grid's command makes them")
        return manifest

    def write_manifest(self, windows_id: str, manifest: Manifest) -> None:
        """From now on the windows count as complete."""
        self.folder(windows_id).write_json(MANIFEST, manifest)

    @contextlib.contextmanager
    def new_shard(self, windows_id: str) -> Iterator[tuple[str, Any]]:
        """The name of a shard that nobody else writes, and its file, which is there after a block without error."""
        name = f"{uuid.uuid4().hex}.parquet"
        with self.folder(windows_id).writing(name) as file:
            yield name, file

    def read(self, windows_id: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All windows, or some columns of them, shard after shard.

        Raises:
            StorageError: there are no complete windows of this id, or a shard cannot be read.
        """
        return pa.concat_tables([self._table(windows_id, path, columns) for path in self._shards(windows_id)])

    def _table(self, windows_id: str, path: str, columns: Sequence[str] | None) -> pa.Table:
        def attempt() -> pa.Table:
            with self._open(windows_id, path) as file:
                return file.read(columns)

        return self.root.patiently(f"read {path}", attempt)

    def check(self, windows_id: str) -> None:
        """Read everything; raises `StorageError` where it is not as it was written."""
        for path in self._shards(windows_id):
            with self._open(windows_id, path) as file:
                for _ in file.iter_batches(batch_size=BATCH_WINDOWS):
                    pass

    def batches(self, windows_id: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The same, with no more than `BATCH_WINDOWS` windows in memory at a time."""
        for path in self._shards(windows_id):
            with self._open(windows_id, path) as file:
                yield from file.iter_batches(columns=columns, batch_size=BATCH_WINDOWS)

    def _shards(self, windows_id: str) -> list[str]:
        home = self.folder(windows_id)
        return [home.full(shard["name"]) for shard in self.require(windows_id)["shards"]]

    @contextlib.contextmanager
    def _open(self, windows_id: str, path: str) -> Iterator[pq.ParquetFile]:
        try:
            with pq.ParquetFile(path, filesystem=self.root.fs, page_checksum_verification=True) as file:
                yield file
        except (pa.ArrowException, OSError) as error:
            self.root.fs.get_file_info(path)  # raises an error of its own where the storage is away
            advice = f"delete {self.folder(windows_id)}; the grid's command makes it again"
            raise DamagedError(f"{path}: cannot be read: {error}; {advice}") from error


def _damaged(home: Storage, shards: Sequence[dict[str, Any]]) -> list[str]:
    """The names of shards that are missing or of another size than when they were written."""
    found = {entry.name: entry.size for entry in home.files("")}
    return [shard["name"] for shard in shards if found.get(shard["name"]) != shard["bytes"]]
