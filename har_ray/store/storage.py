"""One storage root, a path or a URI (`file`, `s3`, `gs`), through `pyarrow.fs`.

Every write is all or nothing: on a local file system it goes beside its target, is synced and renamed; an object store
publishes an object only when it is complete. A JSON file carries its own checksum. Nothing here assumes that two
processes share a disk.

What fails for another reason than that there is no such file is tried again for as long as the storage's patience
lasts, which a run's has and a command that only looks has not.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from har_ray.errors import DamagedError, StorageError
from har_ray.store.uri import file_system, without_options
from har_ray.text import duration

log = logging.getLogger(__name__)
T = TypeVar("T")
Item = TypeVar("Item")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 15.0
AT_ONCE = 16
"""Files that are read side by side."""
AHEAD = 64
"""Files that are read before they are asked for."""
PROBE_BYTES = 65_536
"""An empty file fits on a disk that is full."""
CHECKSUM = "sha256"
"""The key of a JSON file that holds the checksum of all its others."""


class Digest(NamedTuple):
    """By which a file is known to be whole: its size in bytes, and the SHA-256 of its content in hexadecimal digits."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Digest":
        return cls(len(content), hashlib.sha256(content).hexdigest())


class Entry(NamedTuple):
    """A file of a listing; `stamp` changes whenever it is written."""

    name: str
    size: int
    stamp: int


class Storage:
    """A folder of the storage root; names are relative, with `/`.

    Args:
        patience_s: for how long what fails is tried again before it is an error.

    Raises:
        StorageError: the URI is of no known scheme, or holds a key.
    """

    def __init__(self, root: str | Path, patience_s: float = 0.0) -> None:
        self.fs, self.path = file_system(root)
        self.uri = str(root) if "://" in str(root) else self.path
        self.patience_s = patience_s

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and (self.uri, self.patience_s) == (other.uri, other.patience_s)

    def __hash__(self) -> int:
        return hash((self.uri, self.patience_s))

    def __reduce__(self) -> tuple[type["Storage"], tuple[str, float]]:
        return Storage, (self.uri, self.patience_s)

    def __str__(self) -> str:
        return self.uri

    @property
    def local(self) -> Path | None:
        """The folder as a local path, or None on an object store."""
        return Path(self.path) if isinstance(self.fs, pafs.LocalFileSystem) else None

    def child(self, *names: str) -> "Storage":
        base, options = without_options(self.uri)
        return Storage("/".join([base.rstrip("/"), *names]) + options, self.patience_s)

    @property
    def parent(self) -> "Storage":
        base, options = without_options(self.uri)
        return Storage(base.rstrip("/").rpartition("/")[0] + options, self.patience_s)

    def full(self, name: str) -> str:
        return str(PurePosixPath(self.path, name))

    def patiently(self, doing: str, action: Callable[[], T]) -> T:
        """What `action` returns, after as many tries as the patience allows; the log says once that it waits.

        Raises:
            FileNotFoundError: as `action` does, at once.
            StorageError: it still fails; `doing` says what.
        """
        end, wait = time.monotonic() + self.patience_s, FIRST_WAIT_S
        while True:
            try:
                done = action()
            except FileNotFoundError:  # which is an answer, too
                self._works_again(wait > FIRST_WAIT_S)
                raise
            except (OSError, pa.ArrowException) as error:
                problem = f"storage {self.uri}: cannot {doing}: {_in_short(error)}"
                if time.monotonic() + wait > end:
                    raise StorageError(problem + _tried(self.patience_s)) from error
                if wait == FIRST_WAIT_S:
                    self._log(f"{problem}; waiting up to {duration(self.patience_s)} for it", waits=True)
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_S)
            else:
                self._works_again(wait > FIRST_WAIT_S)
                return done

    def _works_again(self, waited: bool) -> None:
        if waited:
            self._log(f"storage {self.uri}: it works again", waits=False)

    def _log(self, message: str, waits: bool) -> None:
        """With what tells the messages of many processes about one outage apart from those about another."""
        log.warning(message, extra={"outage": self.fs.type_name, "waits": waits})

    def names(self, folder: str = "") -> list[str]:
        """The names of the files and folders directly in `folder`, sorted; empty where it does not exist."""
        return sorted(PurePosixPath(info.path).name for info in self._infos(folder, recursive=False))

    def folders(self) -> list[str]:
        """The names of the folders directly here, sorted."""
        infos = self._infos("", recursive=False)
        return sorted(PurePosixPath(info.path).name for info in infos if info.type == pafs.FileType.Directory)

    def files(self, folder: str) -> list[Entry]:
        """All files below `folder`, in one request for each thousand; names are relative to it."""
        top = self.full(folder)
        return [
            Entry(str(PurePosixPath(info.path).relative_to(top)), info.size, info.mtime_ns)
            for info in self._infos(folder, recursive=True)
            if info.type == pafs.FileType.File
        ]

    def leftovers(self) -> list[str]:
        """The files that processes which were killed have left of unfinished writes, anywhere below."""
        infos = self._all_infos("", recursive=True)
        return [str(PurePosixPath(info.path).relative_to(self.path)) for info in infos if is_leftover(info.base_name)]

    def _infos(self, folder: str, recursive: bool) -> list[Any]:
        return [info for info in self._all_infos(folder, recursive) if not is_leftover(info.base_name)]

    def _all_infos(self, folder: str, recursive: bool) -> list[Any]:
        selector = pafs.FileSelector(self.full(folder), allow_not_found=True, recursive=recursive)
        return list(self.patiently(f"list {folder or 'it'}", lambda: self.fs.get_file_info(selector)))

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, or StorageError where it cannot be read."""

        def attempt() -> bytes:
            with self.fs.open_input_file(self.full(name)) as file:
                return bytes(file.read())

        return self.patiently(f"read {name}", attempt)

    def read_whole(self, name: str, digest: Sequence[Any] | None) -> bytes:
        """The same of a file whose digest is recorded; None: of no such file.

        Raises:
            DamagedError: it is missing, or not as it was written.
            StorageError: it cannot be read.
        """
        try:
            content = self.read(name)
        except FileNotFoundError:
            raise DamagedError(f"{self.uri}: {name} is missing") from None
        if digest is None or tuple(digest) != Digest.of(content):
            raise DamagedError(f"{self.uri}: {name} is damaged")
        return content

    def write(self, name: str, content: bytes) -> Digest:
        """Write the whole file or nothing, replacing what was there.

        Raises:
            StorageError: it cannot be written.
        """

        def attempt() -> None:
            try:
                with self.writing(name) as file:
                    file.write(content)
            except FileNotFoundError as error:  # of a folder that cannot be made
                raise OSError(f"{error.strerror}: {error.filename}") from error

        self.patiently(f"write {name}", attempt)
        return Digest.of(content)

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Any]:
        """A file to write to, which counts when the block ends without an error; one attempt, with the errors of the
        file system."""
        if self.local is None:
            with self.fs.open_output_stream(self.full(name)) as stream:
                yield stream
            return
        target = Path(self.full(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
        try:
            with aside.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all that is in it; nothing happens where there is none."""

        def attempt() -> None:
            found = self.fs.get_file_info(self.full(name)).type
            if found == pafs.FileType.Directory:
                self.fs.delete_dir(self.full(name))
            elif found == pafs.FileType.File:
                self.fs.delete_file(self.full(name))

        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            self.patiently(f"delete {name}", attempt)

    def read_json(self, name: str) -> dict[str, Any]:
        """The values of a JSON file without its checksum.

        Raises:
            FileNotFoundError: there is none.
            DamagedError: it is not as it was written.
        """
        try:
            value = json.loads(self.read(name))
            checksum = value.pop(CHECKSUM)
        except (ValueError, TypeError, AttributeError, KeyError):
            value, checksum = None, ""
        if checksum != _checksum(value):
            raise DamagedError(f"{self.uri}: {name} is damaged")
        return dict(value)

    def known_json(self, name: str, what: str) -> dict[str, Any] | None:
        """The same; None where there is none, or a damaged one: a warning says that its `what` counts as missing."""
        try:
            return self.read_json(name)
        except FileNotFoundError:
            return None
        except DamagedError as error:
            log.warning("%s; its %s counts as missing", error, what)
            return None

    def write_json(self, name: str, value: Mapping[str, Any]) -> None:
        content = dict(value) | {CHECKSUM: _checksum(json.loads(json.dumps(value)))}
        self.write(name, (json.dumps(content, indent=1) + "\n").encode())

    def check_writable(self) -> None:
        """Raise `StorageError` now rather than after hours of work if nothing can be written here."""
        probe = f".probe-{uuid.uuid4().hex}"
        self.write(probe, bytes(PROBE_BYTES))
        self.delete(probe)


def in_advance(read: Callable[[Item], T], items: Sequence[Item]) -> Iterator[T]:
    """What `read` returns of each item, in their order, read by threads `AHEAD` items before it is asked for.

    Threads only wait for files then, and who asks computes: several threads that compute take longer than one.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = deque(pool.submit(read, item) for item in items[:AHEAD])
        for item in items[AHEAD:]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(read, item))
        while waiting:
            yield waiting.popleft().result()


def read_table(content: bytes) -> pa.Table:
    # For a small file `pq.read_table` takes two and a half times as long, most of it to set up threads and datasets.
    return pq.ParquetFile(pa.BufferReader(content), pre_buffer=False).read(use_threads=False)


def table_bytes(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def is_leftover(name: str) -> bool:
    """Whether a file is what a process that was killed left of an unfinished write."""
    return name.endswith(".part") or name.startswith(".probe-")


def _checksum(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


def _tried(patience_s: float) -> str:
    return f"; given up after {duration(patience_s)}" if patience_s else ""


def _in_short(error: Exception) -> str:
    """In one line, without what a library adds for its developers."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split())[:300]


def _sync_folder(folder: Path) -> None:
    """So that the rename outlives a power cut; Windows has no such thing."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
