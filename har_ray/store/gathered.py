"""Many rows in one file: a copy that saves requests, and is never the only place where a row is.

A row is taken from here only while its own file has the size and the time of writing that it had when it was copied.
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from har_ray.errors import DamagedError
from har_ray.store.storage import Digest, Entry, Storage

NAME = "rows.gathered"
SETTLED_NS = 3_000_000_000
"""Younger files are not copied: an object store tells times in seconds, so that a second write might look the same."""


class Copy(NamedTuple):
    """A row, None where it is damaged, and its file's size and time of writing in ns."""

    size: int
    stamp: int
    row: dict[str, Any] | None


class Gathered:
    """Rows by cell id."""

    def __init__(self, copies: Mapping[str, Copy]) -> None:
        self.copies = dict(copies)

    @classmethod
    def read(cls, root: Storage) -> "Gathered":
        """Raises FileNotFoundError, or DamagedError where it is not as it was written."""
        checksum, _, content = root.read(NAME).partition(b"\n")
        if checksum.decode(errors="replace") != Digest.of(content).sha256:
            raise DamagedError(f"{root}: {NAME} is damaged")
        return cls({cell_id: Copy(*copy) for cell_id, copy in json.loads(content).items()})

    def write(self, root: Storage) -> None:
        settled = time.time_ns() - SETTLED_NS
        kept = {i: copy for i, copy in self.copies.items() if copy.row is not None and copy.stamp < settled}
        content = json.dumps(kept, separators=(",", ":")).encode()
        root.write(NAME, Digest.of(content).sha256.encode() + b"\n" + content)

    def has(self, cell_id: str, entry: Entry) -> bool:
        copy = self.copies.get(cell_id)
        return copy is not None and (copy.size, copy.stamp) == (entry.size, entry.stamp)

    def updated(self, read: Mapping[str, tuple[Entry, dict[str, Any] | None]], wanted: Iterable[str]) -> "Gathered":
        """These rows alone, those that were `read` from their own files instead of the copies."""
        newer = {cell_id: Copy(entry.size, entry.stamp, row) for cell_id, (entry, row) in read.items()}
        known = self.copies | newer
        return Gathered({cell_id: known[cell_id] for cell_id in wanted})

    def rows(self) -> dict[str, dict[str, Any]]:
        return {cell_id: copy.row for cell_id, copy in self.copies.items() if copy.row is not None}
