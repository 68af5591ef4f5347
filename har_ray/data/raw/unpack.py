"""An archive into a folder: zip, tar, tar.gz or RAR, and the zips inside it; nothing it says about itself is trusted.

Notable: the first bytes decide the type, never the name; headers are read under a limit, because libraries keep them in
memory; no link is made; `destination.py` checks every name and counts every byte; the folder appears whole, by one
rename.

Damage that these formats cannot reliably reveal: a changed byte inside a member of an uncompressed tar, a zip whose
directory lost an entry, a RAR older than version 5 cut exactly between two members. The archive's checksum and the
check that all of a dataset's files are present cover those.
"""

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import rarfile  # type: ignore[import-untyped]

from har_ray.data.raw.destination import BY_HAND, CHUNK_BYTES, Destination, Tree, in_short
from har_ray.errors import DataError, StorageError

ZIP_MAGIC = b"PK\x03\x04"
MAX_FILES = 10_000
MAX_DEPTH = 3
"""Zips inside zips; a zip can be made to contain itself endlessly."""
MAX_HEADER_BYTES = 2 << 20
"""Of all headers of a zip or a RAR: 200 bytes for each of 10,000 members. As objects they take 20 MB at most."""
MAX_MEMBER_HEADER_BYTES = 16 << 10
"""Of one member of a tar, whose headers are dropped one by one. Python before 3.11.10 parses them in quadratic time."""
RAR_TOOLS = f"install `unar` or `unrar` (Debian, Ubuntu: `apt install unar`; macOS: `brew install unar`), or {BY_HAND}"
AGAIN = "get a fresh copy of it"
NO_END = "it stops before the mark of the archive's end"

_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, rarfile.BadRarFile, struct.error, EOFError, OSError),
    *(ValueError, ArithmeticError, LookupError),
)
"""What the libraries raise for it: they seek to, convert and look up whatever a damaged header says."""


class MissingToolError(DataError):
    """The archive may be whole, but no program that reads its format is installed."""


class _Headers(io.BufferedIOBase):
    """A stream that hands over at most `left` more bytes, for libraries that read a header whole, however large it is.

    rarfile reads some numbers byte by byte, in quadratic time, so that a read counts as at least 64 bytes.
    """

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, label: str, limit: int = MAX_HEADER_BYTES) -> None:
        self._stream, self._label, self._limit = stream, label, limit
        self.left: int | None = limit
        """None for no limit, while the contents of members are read."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.left is None:
            return self._stream.read(-1 if size is None else size)
        most = self.left + 1
        data = self._stream.read(most if size is None or size < 0 else min(size, most))
        self.left -= max(len(data), 64)
        if self.left < 0:
            raise DataError(f"{self._label}: has headers of more than {self._limit} bytes; if you trust it, {BY_HAND}")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


def unpack(archive: Path, folder: Path, *, max_bytes: int, max_files: int = MAX_FILES) -> None:
    """Unpack `archive` into the new `folder`, a zip inside it into a folder of its name beside it.

    Args:
        archive: zip, tar, tar.gz or RAR; a compressed RAR needs `unar`, `unrar` or 7-Zip.
        folder: must not exist; it appears when all is unpacked, or not at all.
        max_bytes: the most that may be written, zips inside the archive included.
        max_files: the most files and folders, those made for inner zips included.

    Raises:
        DataError: the archive is damaged, of another type, too large, or a member would leave the folder, be written
            over another, or have a name that means something else to some system.
        MissingToolError: it is a RAR and nothing installed reads it.
        StorageError: the folder exists or cannot be written.
    """
    if folder.exists():
        raise StorageError(f"{folder}: exists; delete it to unpack {archive} there")
    begun = folder.with_name(f"{folder.name}.unpacking")
    try:
        shutil.rmtree(begun, ignore_errors=True)  # left by a process that was killed
        begun.mkdir(parents=True)
        root = begun.resolve()
        _extract(archive, Destination(str(archive), root, Tree(root, max_bytes, max_files)), depth=0)
        begun.rename(folder)
    except OSError as error:
        raise StorageError(f"{archive}: cannot be unpacked into {folder}: {error}") from error
    finally:
        shutil.rmtree(begun, ignore_errors=True)  # nothing is there after the rename


def _extract(archive: Path, into: Destination, depth: int) -> None:
    extract = _extractor(archive, into.label)
    try:
        extract(archive, into)
    except _DAMAGE as error:
        raise DataError(f"{into.label}: truncated or altered: {in_short(error)}; {AGAIN}") from error
    except (RuntimeError, rarfile.Error) as error:
        raise DataError(f"{into.label}: cannot be unpacked: {in_short(error)}; {BY_HAND}") from error
    if not into.written:
        raise DataError(f"{into.label}: holds no files; {AGAIN}")
    for path in into.written:
        if path.name.lower().endswith(".zip") and _head(path).startswith(ZIP_MAGIC):
            if depth == MAX_DEPTH:
                raise into.refusal(path.name, f"is a zip more than {MAX_DEPTH} zips deep")
            _extract(path, into.inner(path), depth + 1)
            path.unlink()


def _extractor(archive: Path, label: str) -> Callable[[Path, Destination], None]:
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


def _unzip(archive: Path, into: Destination) -> None:
    with archive.open("rb") as stream:
        headers = _Headers(stream, into.label)
        with zipfile.ZipFile(headers) as file:
            headers.left = None
            for member in file.infolist():
                _unzip_member(file, member, into)


def _unzip_member(file: zipfile.ZipFile, member: zipfile.ZipInfo, into: Destination) -> None:
    name = member.orig_filename  # `filename` ends at a zero byte
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise into.refusal(name, "is a link or a device")
    if name.endswith(("/", "\\")):
        into.add_folder(name)
    elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile hands over all that a chunk of bzip2 or LZMA expands to at once: gigabytes for a megabyte.
        raise into.refusal(name, f"is compressed by method {member.compress_type}, where only deflate (8) is read")
    else:
        path = into.new_file(name)
        with file.open(member) as data:
            into.write(name, path, data)


def _untar(archive: Path, into: Destination) -> None:
    with archive.open("rb") as stream:
        if not _untar_stream(stream, into):
            raise tarfile.ReadError(NO_END)


def _untar_gz(archive: Path, into: Destination) -> None:
    with gzip.open(archive) as stream:
        _untar_stream(stream, into)
        while stream.read(CHUNK_BYTES):  # gzip compares its checksum at the very end only
            pass


def _untar_stream(stream: IO[bytes] | gzip.GzipFile, into: Destination) -> bytes:
    """Returns the block after the last member, which is of zeros, or empty where the stream just ends."""
    end = 0
    headers = _Headers(stream, into.label, MAX_MEMBER_HEADER_BYTES)
    with tarfile.open(fileobj=headers, mode="r:") as file:
        while member := file.next():
            headers.left = None
            data = file.extractfile(member) if member.isreg() and not member.issparse() else None
            if data is not None:
                into.write(member.name, into.new_file(member.name), data)
                end = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
            elif member.isdir():
                into.add_folder(member.name)
                end = member.offset_data
            else:
                raise into.refusal(member.name, "is a link, a device or a sparse file")
            file.members.clear()  # type: ignore[attr-defined]
            file.pax_headers = {}  # global ones pile up, and each member's are added to a copy of them
            headers.left = MAX_MEMBER_HEADER_BYTES
    # To tarfile a damaged header after the first one is simply the end of the archive.
    stream.seek(end)
    block = stream.read(tarfile.BLOCKSIZE)
    if block.strip(b"\0"):
        raise tarfile.ReadError(f"damaged header at byte {end}")
    return block


def _unrar(archive: Path, into: Destination) -> None:
    _check_rar(archive, into.label)
    with rarfile.RarFile(archive, errors="strict") as file:
        for member in file.infolist():
            if member.is_dir():
                into.add_folder(member.filename)
            elif member.file_redir is not None or not member.is_file():
                raise into.refusal(member.filename, "is a link")
            else:
                _unrar_member(file, member, into)


def _check_rar(archive: Path, label: str) -> None:
    """Reads all headers, on a pass of its own: rarfile copies a compressed archive that is not given as a path."""
    blocks: set[int] = set()

    def see(block: rarfile.RarInfo) -> None:
        blocks.add(block.type)
        if block.type == rarfile.RAR_BLOCK_MAIN and block.flags & rarfile.RAR_MAIN_VOLUME:
            raise rarfile.Error("it is one of several volumes")

    with archive.open("rb") as stream:
        file = rarfile.RarFile(_Headers(stream, label), errors="strict", info_callback=see)
    if file.needs_password():
        raise rarfile.PasswordRequired("it asks for a password")
    # rarfile stops without a word at some damaged headers. The mark may be missing before RAR 5 only.
    if rarfile.RAR_BLOCK_ENDARC not in blocks and any(member.extract_version >= 50 for member in file.infolist()):
        raise rarfile.BadRarFile(NO_END)


def _unrar_member(file: rarfile.RarFile, member: rarfile.RarInfo, into: Destination) -> None:
    stored = member.compress_type == rarfile.RAR_M0
    path = into.new_file(member.filename)
    try:
        if not stored:
            # bsdtar lacks solid archives and filters, and rarfile 4.5 passes it the archive's name wrongly.
            rarfile.tool_setup(bsdtar=False)
        with file.open(member) as stream:
            into.write(member.filename, path, stream)
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
            f"read it: {in_short(error)}; {AGAIN}, or {RAR_TOOLS}"
        ) from error


_FORMATS: tuple[tuple[bytes, int, Callable[[Path, Destination], None]], ...] = (
    (ZIP_MAGIC, 0, _unzip),
    (b"\x1f\x8b", 0, _untar_gz),
    (b"Rar!\x1a\x07", 0, _unrar),
    (b"ustar", 257, _untar),
)
"""First bytes, their offset, and what reads the archive."""
