"""An archive into a folder: zip, tar, tar.gz or RAR, and the zips inside it; nothing it says of itself is trusted.

Notable: the first bytes tell the type, the name tells nothing; bytes are counted while they are written, because
headers lie; no member leaves the folder and no link is made; the folder appears whole, by one rename.

What the formats hardly let one notice: a changed byte inside a member of a tar without compression, a zip whose
directory was damaged so that it loses an entry, a RAR of before version 5 cut exactly between two members. For those
there are the archive's checksum and the check that a dataset's files are all there.
"""

import gzip
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import IO, Protocol

import rarfile  # type: ignore[import-untyped]

from har_ray.errors import DataError, StorageError

ZIP_MAGIC = b"PK\x03\x04"
CHUNK_BYTES = 1 << 20
MAX_FILES = 10_000
MAX_DEPTH = 3
"""Zips inside zips; a zip can be made that holds itself for ever."""
BY_HAND = "unpack it another way and use `fetch NAME --from FOLDER`"
RAR_TOOLS = f"install `unar` or `unrar` (Debian, Ubuntu: `apt install unar`; macOS: `brew install unar`), or {BY_HAND}"
AGAIN = "get a fresh copy of it"
NO_END = "it stops before the mark of the archive's end"

_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, rarfile.BadRarFile, EOFError, OSError, UnicodeError)
"""What the libraries raise for it; OSError, since they seek to where a damaged header tells them."""


class MissingToolError(DataError):
    """The archive may be whole, but no program that reads its format is installed."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass
class _Bounds:
    """What has been written so far, by an archive and the archives inside it, and how much may be."""

    max_bytes: int
    max_files: int
    bytes_written: int = 0
    files: int = 0


@dataclass
class _Destination:
    """Where the members of one archive go; `label` names the archive in messages."""

    label: str
    folder: Path
    bounds: _Bounds
    written: list[Path] = field(default_factory=list)

    def refusal(self, member: str, reason: str) -> DataError:
        return DataError(f"{self.label}: member {member!r} {reason}; nothing was kept; if you trust it, {BY_HAND}")

    def add_folder(self, member: str) -> None:
        self._count(member)
        path = self._path(member)
        with _storing(path):
            path.mkdir(parents=True, exist_ok=True)

    def add_file(self, member: str, stream: _Readable) -> None:
        self._count(member)
        path = self._path(member)
        if path.exists():
            raise self.refusal(member, "is there twice")
        with _storing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as out:
                for chunk in _chunks(stream):
                    self._count_bytes(member, len(chunk))
                    out.write(chunk)
        self.written.append(path)

    def _count(self, member: str) -> None:
        self.bounds.files += 1
        if self.bounds.files > self.bounds.max_files:
            raise self.refusal(member, f"brings the files above the limit of {self.bounds.max_files}")

    def _count_bytes(self, member: str, count: int) -> None:
        self.bounds.bytes_written += count
        if self.bounds.bytes_written > self.bounds.max_bytes:
            raise self.refusal(member, f"brings the unpacked bytes above the limit of {self.bounds.max_bytes}")

    def _path(self, member: str) -> Path:
        # Archives of every system come by; Windows' rules are the widest (both slashes, drives).
        name = PureWindowsPath(member)
        if name.anchor or ".." in name.parts or "\0" in member:
            raise self.refusal(member, "would be written outside the folder")
        return self.folder.joinpath(*name.parts)


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: cannot be written: {error}") from error


def _chunks(stream: _Readable) -> Iterator[bytes]:
    """What is left in `stream`. Libraries report some damage as OSError; here that means the disk being written to."""
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise EOFError(str(error)) from error


def unpack(archive: Path, folder: Path, *, max_bytes: int, max_files: int = MAX_FILES) -> None:
    """Unpack `archive` into the new `folder`, a zip inside it into a folder of its name beside it.

    Args:
        archive: zip, tar, tar.gz or RAR; a compressed RAR needs `unar`, `unrar` or 7-Zip.
        folder: must not exist; it appears when all is unpacked, or not at all.
        max_bytes: the most that may be written, zips inside the archive included.
        max_files: the most files and folders.

    Raises:
        DataError: the archive is damaged, of another type, too large, or a member would leave the folder.
        MissingToolError: it is a RAR and nothing installed reads it.
        StorageError: the folder exists or cannot be written.
    """
    if folder.exists():
        raise StorageError(f"{folder}: exists; delete it to unpack {archive} there")
    begun = folder.with_name(f"{folder.name}.unpacking")
    try:
        shutil.rmtree(begun, ignore_errors=True)  # left by a process that was killed
        begun.mkdir(parents=True)
        _extract(archive, _Destination(str(archive), begun, _Bounds(max_bytes, max_files)), depth=0)
        begun.rename(folder)
    except OSError as error:
        raise StorageError(f"{archive}: cannot be unpacked into {folder}: {error}") from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)  # nothing is there after the rename


def _extract(archive: Path, into: _Destination, depth: int) -> None:
    extract = _extractor(archive, into.label)
    try:
        extract(archive, into)
    except _DAMAGE as error:
        raise DataError(f"{into.label}: truncated or altered: {error}; {AGAIN}") from error
    except (RuntimeError, rarfile.Error) as error:
        raise DataError(f"{into.label}: cannot be unpacked: {error}; {BY_HAND}") from error
    if not into.written:
        raise DataError(f"{into.label}: holds no files; {AGAIN}")
    for path in into.written:
        if path.suffix.lower() == ".zip" and _head(path).startswith(ZIP_MAGIC):
            if depth == MAX_DEPTH:
                raise into.refusal(path.name, f"is a zip more than {MAX_DEPTH} zips deep")
            inner = _Destination(f"{into.label}: {path.name}", path.with_suffix(""), into.bounds)
            _extract(path, inner, depth + 1)
            path.unlink()


def _extractor(archive: Path, label: str) -> Callable[[Path, _Destination], None]:
    head = _head(archive)
    for magic, offset, extract in _FORMATS:
        if head[offset : offset + len(magic)] == magic:
            return extract
    if not head:
        found = "is empty"
    elif b"<html" in head.lower() or b"<!doctype html" in head.lower():
        found = "is an HTML page, not an archive: the server answered with a page, so the file has moved"
    else:
        found = f"is not a zip, tar, tar.gz or RAR (it starts with {head[:8]!r})"
    raise DataError(f"{label}: {found}; get a copy another way and use `fetch NAME --from PATH_OR_URL`")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(1024)


def _unzip(archive: Path, into: _Destination) -> None:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if stat.S_ISLNK(member.external_attr >> 16):
                raise into.refusal(member.filename, "is a link")
            if member.is_dir():
                into.add_folder(member.filename)
            else:
                with file.open(member) as stream:
                    into.add_file(member.filename, stream)


def _untar(archive: Path, into: _Destination) -> None:
    with archive.open("rb") as stream:
        if not _untar_stream(stream, into):
            raise tarfile.ReadError(NO_END)


def _untar_gz(archive: Path, into: _Destination) -> None:
    with gzip.open(archive) as stream:
        _untar_stream(stream, into)
        while stream.read(CHUNK_BYTES):  # gzip compares its checksum at the very end only
            pass


def _untar_stream(stream: IO[bytes] | gzip.GzipFile, into: _Destination) -> bytes:
    """Returns the block after the last member, which is of zeros, or empty where the stream just ends."""
    end = 0
    with tarfile.open(fileobj=stream, mode="r:") as file:
        for member in file:
            data = file.extractfile(member) if member.isreg() and not member.issparse() else None
            if data is not None:
                into.add_file(member.name, data)
                end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            elif member.isdir():
                into.add_folder(member.name)
                end = member.offset_data
            else:
                raise into.refusal(member.name, "is a link, a device or a sparse file")
    # To tarfile a damaged header after the first one is simply the end of the archive.
    stream.seek(end)
    block = stream.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise tarfile.ReadError(f"damaged header at byte {end}")
    return block


def _unrar(archive: Path, into: _Destination) -> None:
    blocks: set[int] = set()
    with rarfile.RarFile(archive, errors="strict", info_callback=lambda block: blocks.add(block.type)) as file:
        if file.needs_password():
            raise rarfile.PasswordRequired("it asks for a password")
        # rarfile stops without a word at some damaged headers. The mark may be missing before RAR 5 only.
        if rarfile.RAR_BLOCK_ENDARC not in blocks and any(member.extract_version >= 50 for member in file.infolist()):
            raise rarfile.BadRarFile(NO_END)
        for member in file.infolist():
            if member.is_dir():
                into.add_folder(member.filename)
            elif member.file_redir is not None or not member.is_file():
                raise into.refusal(member.filename, "is a link")
            else:
                _unrar_member(file, member, into)


def _unrar_member(file: rarfile.RarFile, member: rarfile.RarInfo, into: _Destination) -> None:
    stored = member.compress_type == rarfile.RAR_M0
    try:
        if not stored:
            # bsdtar lacks solid archives and filters, and rarfile 4.5 passes it the archive's name wrongly.
            rarfile.tool_setup(bsdtar=False)
        with file.open(member) as stream:
            into.add_file(member.filename, stream)
    except rarfile.RarCannotExec as error:
        raise MissingToolError(
            f"{into.label}: no program that reads compressed RAR files is installed; {RAR_TOOLS}"
        ) from error
    except (rarfile.BadRarFile, rarfile.RarExecError) as error:
        if stored:
            raise
        # A program that cannot decompress a member hands over too few bytes, which looks like damage.
        raise DataError(
            f"{into.label}: member {member.filename!r}: truncated or altered, or the installed RAR program cannot "
            f"read it: {error}; {AGAIN}, or {RAR_TOOLS}"
        ) from error


_FORMATS: tuple[tuple[bytes, int, Callable[[Path, _Destination], None]], ...] = (
    (ZIP_MAGIC, 0, _unzip),
    (b"\x1f\x8b", 0, _untar_gz),
    (b"Rar!\x1a\x07", 0, _unrar),
    (b"ustar", 257, _untar),
)
"""First bytes, where they stand, and what reads the rest."""
