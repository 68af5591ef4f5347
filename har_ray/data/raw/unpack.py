"""An archive into a folder: zip, tar, tar.gz or RAR, and the zips inside it; nothing it says about itself is trusted.

Notable: the first bytes decide the type, never the name; bytes are counted as they are written, because headers lie,
and headers themselves are read under a limit, because libraries keep them in memory; one check covers every name, those
of the folders for inner zips included; no link is made; the folder appears whole, by one rename.

Damage that these formats cannot reliably reveal: a changed byte inside a member of an uncompressed tar, a zip whose
directory lost an entry, a RAR older than version 5 cut exactly between two members. The archive's checksum and the
check that all of a dataset's files are present cover those.
"""

import gzip
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import unicodedata
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
"""Zips inside zips; a zip can be made to contain itself endlessly."""
MAX_HEADER_BYTES = 2 << 20
"""Of all headers of a zip or a RAR: 200 bytes for each of 10,000 members, which take about 50 MB as objects."""
MAX_MEMBER_HEADER_BYTES = 16 << 10
"""Of one member of a tar, whose headers are dropped one by one. Python before 3.11.10 parses them in quadratic time."""
MAX_NAME_BYTES = 255
"""NAME_MAX of Linux and macOS."""
MAX_PATH_BYTES = 1024
"""Below the folder: PATH_MAX of macOS; Linux allows 4096."""
MAX_LEVELS = 64
"""`shutil.rmtree` holds a file descriptor open for each, and macOS grants a process 256."""
BY_HAND = "unpack it another way and use `fetch NAME --from FOLDER`"
RAR_TOOLS = f"install `unar` or `unrar` (Debian, Ubuntu: `apt install unar`; macOS: `brew install unar`), or {BY_HAND}"
AGAIN = "get a fresh copy of it"
NO_END = "it stops before the mark of the archive's end"

_ALIASES = re.compile(r"[\0-\x1f:]|[. ]\Z|\A(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$) *(\.|\Z)", re.IGNORECASE)
"""In one part of a path: what Windows drops, or takes for a device or for a stream of another file.
https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, rarfile.BadRarFile, struct.error, EOFError, OSError),
    *(ValueError, ArithmeticError, LookupError),
)
"""What the libraries raise for it: they seek to, convert and look up whatever a damaged header says."""


class MissingToolError(DataError):
    """The archive may be whole, but no program that reads its format is installed."""


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass
class _Tree:
    """All that is written of an archive and of the zips inside it, and how much may be."""

    root: Path  # resolved
    max_bytes: int
    max_files: int
    bytes_written: int = 0
    files: int = 0
    spelled: dict[str, Path] = field(default_factory=dict)


@dataclass
class _Destination:
    """Where the members of one archive go; `label` names the archive in messages."""

    label: str
    folder: Path
    tree: _Tree
    written: list[Path] = field(default_factory=list)

    def refusal(self, member: str, reason: str) -> DataError:
        shown = repr(member if len(member) <= 200 else f"{member[:200]}…")
        return DataError(f"{self.label}: member {shown} {reason}; nothing was kept; if you trust it, {BY_HAND}")

    def add_folder(self, member: str) -> None:
        path = self._path(member, member)
        if path.is_dir():
            self._count(member)  # without this, one folder could be repeated by the million
        self._make_folder(member, path)

    def new_file(self, member: str) -> Path:
        """The path for `write`; asked for first, so that a member with a bad name is never opened."""
        path = self._new_path(member, member)
        self._make_folder(member, path.parent)
        self._count(member)
        return path

    def write(self, member: str, path: Path, stream: _Readable) -> None:
        self._check_inside(member, path)
        with _storing(path), path.open("xb") as out:
            for chunk in _chunks(stream):
                self.tree.bytes_written += len(chunk)
                if self.tree.bytes_written > self.tree.max_bytes:
                    raise self.refusal(member, f"brings the unpacked bytes above the limit of {self.tree.max_bytes}")
                out.write(chunk)
        self.written.append(path)

    def inner(self, archive: Path) -> "_Destination":
        """Where the members of `archive` go, a zip among `written`: `set/a.zip` into `set/a`."""
        member = archive.relative_to(self.folder).as_posix()
        folder = self._new_path(member, member[: -len(".zip")])
        return _Destination(f"{self.label}: {archive.name}", folder, self.tree)

    def _new_path(self, member: str, name: str) -> Path:
        path = self._path(member, name)
        if path.exists():  # the folder itself where the name is empty
            raise self.refusal(member, "would be unpacked over an earlier file or folder")
        return path

    def _path(self, member: str, name: str) -> Path:
        # Archives of every system come by; Windows' rules are the widest (both slashes, drives).
        parts = PureWindowsPath(name).parts
        if PureWindowsPath(name).anchor or ".." in parts:
            raise self.refusal(member, "would be written outside the folder")
        if any(_ALIASES.search(part) for part in parts):
            raise self.refusal(member, "has a name that some systems take for another one")
        path = self.folder.joinpath(*parts)
        inside = path.relative_to(self.tree.root)
        sizes = [len(os.fsencode(part)) for part in inside.parts]
        if (
            max(sizes, default=0) > MAX_NAME_BYTES
            or sum(sizes) + len(sizes) > MAX_PATH_BYTES
            or len(sizes) > MAX_LEVELS
        ):
            raise self.refusal(member, "has a name or a path that is too long")
        for known in (inside, *inside.parents):
            spelled = self.tree.spelled.setdefault(unicodedata.normalize("NFD", str(known).casefold()), known)
            if spelled != known:
                raise self.refusal(
                    member, f"has a name that some systems take for {spelled.name!r}, which is there too"
                )
        return path

    def _make_folder(self, member: str, folder: Path) -> None:
        """With its parents, each of which counts."""
        for path in reversed([p for p in (folder, *folder.parents) if self.tree.root in p.parents]):
            if path.is_dir():
                continue
            if path.exists():
                raise self.refusal(member, "would be unpacked over an earlier file or folder")
            self._count(member)
            self._check_inside(member, path)
            with _storing(path):
                path.mkdir()

    def _check_inside(self, member: str, path: Path) -> None:
        """Nothing reaches this that `_path` should have refused; a hole there must not become a file elsewhere."""
        if path.resolve() != path or self.tree.root not in path.parents:
            raise self.refusal(member, "would be written outside the folder")

    def _count(self, member: str) -> None:
        self.tree.files += 1
        if self.tree.files > self.tree.max_files:
            raise self.refusal(member, f"brings the files above the limit of {self.tree.max_files}")


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
            raise DataError(
                f"{self._label}: its headers take more than {self._limit} bytes; nothing was kept; "
                f"if you trust it, {BY_HAND}"
            )
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True


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
        max_files: the most files and folders, those made for inner zips included.

    Raises:
        DataError: the archive is damaged, of another type, too large, or a member would leave the folder, be written
            over another one, or have a name that is no file name on some system.
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
        _extract(archive, _Destination(str(archive), root, _Tree(root, max_bytes, max_files)), depth=0)
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
        raise DataError(f"{into.label}: truncated or altered: {_in_short(error)}; {AGAIN}") from error
    except (RuntimeError, rarfile.Error) as error:
        raise DataError(f"{into.label}: cannot be unpacked: {_in_short(error)}; {BY_HAND}") from error
    if not into.written:
        raise DataError(f"{into.label}: holds no files; {AGAIN}")
    for path in into.written:
        if path.name.lower().endswith(".zip") and _head(path).startswith(ZIP_MAGIC):
            if depth == MAX_DEPTH:
                raise into.refusal(path.name, f"is a zip more than {MAX_DEPTH} zips deep")
            _extract(path, into.inner(path), depth + 1)
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


def _in_short(error: Exception) -> str:
    """Libraries quote names of any length and the output of programs."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


def _unzip(archive: Path, into: _Destination) -> None:
    with archive.open("rb") as stream:
        headers = _Headers(stream, into.label)
        with zipfile.ZipFile(headers) as file:
            headers.left = None
            for member in file.infolist():
                _unzip_member(file, member, into)


def _unzip_member(file: zipfile.ZipFile, member: zipfile.ZipInfo, into: _Destination) -> None:
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


def _unrar(archive: Path, into: _Destination) -> None:
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


def _unrar_member(file: rarfile.RarFile, member: rarfile.RarInfo, into: _Destination) -> None:
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
            f"read it: {_in_short(error)}; {AGAIN}, or {RAR_TOOLS}"
        ) from error


_FORMATS: tuple[tuple[bytes, int, Callable[[Path, _Destination], None]], ...] = (
    (ZIP_MAGIC, 0, _unzip),
    (b"\x1f\x8b", 0, _untar_gz),
    (b"Rar!\x1a\x07", 0, _unrar),
    (b"ustar", 257, _untar),
)
"""First bytes, their offset, and what reads the archive."""
