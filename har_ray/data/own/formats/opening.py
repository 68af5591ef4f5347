"""The bytes of a user's files: plain, compressed, or a member of a zip archive.

A member is named like a file in a folder that is called as the archive is: `raw/a.zip/acc_walk.csv`. Archives may hold
archives.
"""

import hashlib
import lzma
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

import pyarrow as pa

from har_ray.data.cleaning import natural_key
from har_ray.data.faults import by_cause
from har_ray.data.raw.download import file_sha256
from har_ray.errors import DataError

ARROW_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
COMPRESSED = (*ARROW_CODECS, ".xz")
ARCHIVE = ".zip"
UNREADABLE = (OSError, EOFError, pa.ArrowInvalid, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
"""What reading a damaged or unknown file raises."""
SHOWN = 5
"""How many members an error lists."""


class Stat(NamedTuple):
    """Size in bytes and time of change, which together say whether a file is still what it was."""

    size: int
    mtime_ns: int


def suffix(path: Path) -> str:
    """In lower case, without that of a compression: `.csv` of `a.CSV.gz`."""
    return PurePosixPath(path.name.lower().removesuffix(compression(path))).suffix


def compression(path: Path) -> str:
    """The suffix of a compression, in lower case, or nothing."""
    return next((end for end in COMPRESSED if path.name.lower().endswith(end)), "")


def opened(path: Path) -> pa.NativeFile:
    """The decompressed content of a file, from its beginning.

    Raises:
        DataError, one of `UNREADABLE`: no such file or member, or a damaged one; maybe only while it is read.
    """
    ending, archived = path.suffix.lower(), _archived(path)
    file = pa.PythonFile(_unpacked(path, *archived), mode="r") if archived else pa.OSFile(str(path))
    if ending == ".xz":
        return pa.PythonFile(lzma.open(file), mode="r")
    return pa.CompressedInputStream(file, ARROW_CODECS[ending]) if ending in ARROW_CODECS else file


def is_native(path: Path) -> bool:
    """Whether Arrow opens the file itself, without Python.

    Its threads may then read it. A thread that still lets go of something of Python's when the interpreter ends would
    abort the process, so files that Python opens are read by the caller's thread and handed over as `owned` memory.
    """
    return path.suffix.lower() != ".xz" and on_disk(path) == path


def owned(content: bytes) -> pa.Buffer:
    """A copy in Arrow's own memory."""
    with pa.BufferOutputStream() as file:
        file.write(content)
        return file.getvalue()


def stat(path: Path) -> Stat:
    """Of a member: its own size, and when its archive was changed."""
    archived = _archived(path)
    if archived is None:
        found = path.stat()
        return Stat(found.st_size, found.st_mtime_ns)
    archive, member = archived
    with archive:
        return Stat(member.file_size, on_disk(path).stat().st_mtime_ns)


def exists(path: Path) -> bool:
    try:
        stat(path)
    except (DataError, *UNREADABLE):
        return False
    return True


def sha256(path: Path) -> str:
    """Of a file as it is stored, of a member as it is unpacked."""
    archived = _archived(path)
    if archived is None:
        return file_sha256(path)
    with _unpacked(path, *archived) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def with_members(paths: Sequence[Path], pattern: str | None) -> list[Path]:
    """The files, with every archive among them replaced by its members, in natural order.

    Args:
        paths: the files.
        pattern: glob of members, in which `*` goes through folders; None where archives hold one file each.

    Raises:
        DataError: an archive is damaged, has no such member, or several and no `pattern` says which.
    """
    found, faults = list[Path](), list[tuple[Path, str]]()
    several: dict[Path, list[str]] = {}
    for path in paths:
        if path.suffix.lower() != ARCHIVE:
            found.append(path)
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                names = sorted(_names(archive), key=natural_key)
        except UNREADABLE as error:
            faults.append((path, f"{path}: cannot be read: {error}"))
            continue
        chosen = [name for name in names if fnmatchcase(name, pattern or "*")]
        if not chosen:
            faults.append((path, f"{path}: holds no file" + (f" that matches members: {pattern!r}" if names else "")))
        if len(chosen) > 1 and pattern is None:
            several[path] = names
        found += [path / name for name in chosen]
    if faults or several:
        raise DataError("\n".join([*by_cause(faults), *_undecided(several)]))
    return found


def _undecided(several: Mapping[Path, Sequence[str]]) -> Iterator[str]:
    for path, names in islice(several.items(), 1):
        listed = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
        more = f" (and {len(several) - 1} more such)" if len(several) > 1 else ""
        yield f"{path}: holds {len(names)} files ({listed}); say which with members: a pattern of their names{more}"


def _names(archive: zipfile.ZipFile) -> Iterator[str]:
    """Those of files that are not hidden; of an archive in the archive, those of its members."""
    for info in archive.infolist():
        parts = PurePosixPath(info.filename).parts
        if info.is_dir() or any(part.startswith((".", "__MACOSX")) for part in parts):
            continue  # `..` is among what begins with a dot
        if info.filename.lower().endswith(ARCHIVE):
            with archive.open(info) as file, zipfile.ZipFile(file) as inner:
                yield from (f"{info.filename}/{name}" for name in _names(inner))
        else:
            yield info.filename.lstrip("/")


def on_disk(path: Path) -> Path:
    """The file itself, or the archive that it is in."""
    return next((one for one in path.parents if one.suffix.lower() == ARCHIVE and one.is_file()), path)


def _archived(path: Path) -> tuple[zipfile.ZipFile, zipfile.ZipInfo] | None:
    """The innermost archive, open, and the member; None for a file that is not in an archive."""
    disk = on_disk(path)
    return None if disk == path else _found(zipfile.ZipFile(disk), path.relative_to(disk).as_posix(), path)


def _found(archive: zipfile.ZipFile, name: str, path: Path) -> tuple[zipfile.ZipFile, zipfile.ZipInfo]:
    known = {info.filename.lstrip("/"): info for info in archive.infolist()}
    if name in known:
        return archive, known[name]
    for parent in map(str, PurePosixPath(name).parents):
        if parent in known:
            inner = zipfile.ZipFile(archive.open(known[parent]))
            return _found(inner, name.removeprefix(f"{parent}/"), path)
    raise DataError(f"{path}: is no longer in its archive")


def _unpacked(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    try:
        with archive:
            return archive.open(member)
    except RuntimeError as error:  # a member that needs a password
        raise DataError(f"{path}: cannot be read: {error}") from error
