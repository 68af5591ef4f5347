"""One storage root, a path or a URI (`file`, `s3`, `gs`), through `pyarrow.fs`.

Every write is all or nothing: on a local file system it goes beside its target and is renamed, an object store
publishes an object only when it is complete. Nothing here assumes that two processes share a disk.
"""

import io
import json
import uuid
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from har_ray.errors import StorageError


class Storage:
    """A folder of the storage root; names are relative, with `/`.

    Raises:
        StorageError: the URI is of no known scheme.
    """

    def __init__(self, root: str | Path) -> None:
        try:
            if "://" in str(root):
                self.fs, self.path = pafs.FileSystem.from_uri(str(root))
            else:
                self.fs, self.path = pafs.LocalFileSystem(), str(Path(root).expanduser().resolve())
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise StorageError(f"storage {root}: {error}; expected a path or a file://, s3:// or gs:// URI") from error
        self.uri = str(root) if "://" in str(root) else self.path

    def __reduce__(self) -> tuple[type["Storage"], tuple[str]]:
        return Storage, (self.uri,)

    def __str__(self) -> str:
        return self.uri

    @property
    def local(self) -> Path | None:
        """The folder as a local path, or None on an object store."""
        return Path(self.path) if isinstance(self.fs, pafs.LocalFileSystem) else None

    def child(self, *names: str) -> "Storage":
        base, _, query = self.uri.partition("?")
        return Storage("/".join([base.rstrip("/"), *names]) + (f"?{query}" if query else ""))

    def full(self, name: str) -> str:
        return str(PurePosixPath(self.path, name))

    def exists(self, name: str) -> bool:
        return bool(self.fs.get_file_info(self.full(name)).type != pafs.FileType.NotFound)

    def names(self, folder: str = "") -> list[str]:
        """The names of the files and folders directly in `folder`, sorted; empty where it does not exist."""
        selector = pafs.FileSelector(self.full(folder), allow_not_found=True)
        return sorted(info.base_name for info in self.fs.get_file_info(selector) if not _aside(info.base_name))

    def read(self, name: str) -> bytes:
        with self.fs.open_input_file(self.full(name)) as file:
            return bytes(file.read())

    def write(self, name: str, content: bytes) -> None:
        """Write the whole file or nothing, replacing what was there.

        Raises:
            StorageError: it cannot be written.
        """
        target = self.full(name)
        aside = f"{target}.{uuid.uuid4().hex}.part" if self.local else target
        try:
            self.fs.create_dir(str(PurePosixPath(target).parent), recursive=True)
            with self.fs.open_output_stream(aside) as file:
                file.write(content)
            if aside != target:
                self.fs.move(aside, target)
        except OSError as error:
            raise StorageError(f"storage {self.uri}: cannot write {name}: {error}") from error

    def delete(self, name: str) -> None:
        """Delete a file or a folder with all that is in it; nothing happens where there is none."""
        found = self.fs.get_file_info(self.full(name)).type
        if found == pafs.FileType.Directory:
            self.fs.delete_dir(self.full(name))
        elif found == pafs.FileType.File:
            self.fs.delete_file(self.full(name))

    def read_json(self, name: str) -> Any:
        return json.loads(self.read(name))

    def write_json(self, name: str, value: Any) -> None:
        self.write(name, (json.dumps(value, indent=1, allow_nan=True) + "\n").encode())

    def read_table(self, name: str) -> pa.Table:
        return pq.read_table(io.BytesIO(self.read(name)))

    def write_table(self, name: str, table: pa.Table) -> None:
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        self.write(name, buffer.getvalue())

    def check_writable(self) -> None:
        """Raise `StorageError` now rather than after hours of work if nothing can be written here."""
        probe = f".probe-{uuid.uuid4().hex}"
        self.write(probe, b"")
        self.delete(probe)


def _aside(name: str) -> bool:
    return name.endswith(".part") or name.startswith(".probe-")
