"""Where the members of an archive may be written, and how much of them: every name and every byte is checked here.

Notable: one check covers every name, those of the folders for inner zips included; bytes are counted as they are
written, because headers lie; what is written is looked at on disk too, should a name have slipped through.
"""

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Protocol

from har_ray.errors import DataError, StorageError

CHUNK_BYTES = 1 << 20
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 1024
"""NAME_MAX of Linux and macOS, PATH_MAX of macOS (Linux: 4096), here below the folder."""
MAX_LEVELS = 64
"""`shutil.rmtree` holds a file descriptor open for each, and macOS grants a process 256."""
BY_HAND = "unpack it another way and use `fetch NAME --from FOLDER`"

_ALIASES = re.compile(
    r"[\0-\x1f:]|[. ]\Z|\A(con|prn|aux|nul|(com|lpt)[\d¹²³]|conin\$|conout\$) *(\.|\Z)", re.IGNORECASE
)
"""In one part of a path: what Windows drops, or takes for a device or for a stream of another file.
https://learn.microsoft.com/windows/win32/fileio/naming-a-file"""


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass
class Tree:
    """All that is written of an archive and of the zips inside it, and how much may be."""

    root: Path  # resolved
    max_bytes: int
    max_files: int
    bytes_written: int = 0
    files: int = 0
    spelled: dict[str, Path] = field(default_factory=dict)


@dataclass
class Destination:
    """Where the members of one archive go; `label` names the archive in messages."""

    label: str
    folder: Path
    tree: Tree
    written: list[Path] = field(default_factory=list)

    def refusal(self, member: str, reason: str) -> DataError:
        return DataError(
            f"{self.label}: member {in_short(repr(member))} {reason}; nothing was kept; if you trust it, {BY_HAND}"
        )

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

    def write(self, member: str, path: Path, stream: Readable) -> None:
        self._check_inside(member, path)
        with self._storing(path), path.open("xb") as out:
            for chunk in _chunks(stream):
                self.tree.bytes_written += len(chunk)
                if self.tree.bytes_written > self.tree.max_bytes:
                    raise self.refusal(member, f"brings the unpacked bytes above the limit of {self.tree.max_bytes}")
                out.write(chunk)
        self.written.append(path)

    def inner(self, archive: Path) -> "Destination":
        """Where the members of `archive` go, a zip among `written`: `set/a.zip` into `set/a`."""
        member = archive.relative_to(self.folder).as_posix()
        folder = self._new_path(member, member[: -len(".zip")])
        return Destination(f"{self.label}: {archive.name}", folder, self.tree)

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
            raise self.refusal(member, "has a name that means another one, or a device, to some systems")
        path = self.folder.joinpath(*parts)
        inside = path.relative_to(self.tree.root)
        try:
            longest = max((len(os.fsencode(part)) for part in inside.parts), default=0)
        except UnicodeEncodeError as error:
            reason = f"has a name that {error.encoding}, the encoding of files here, cannot write (try PYTHONUTF8=1)"
            raise self.refusal(member, reason) from error
        if longest > MAX_NAME_BYTES or len(os.fsencode(inside)) > MAX_PATH_BYTES or len(inside.parts) > MAX_LEVELS:
            raise self.refusal(member, "has a name or a path that is too long")
        for known in (inside, *inside.parents):
            spelled = self.tree.spelled.setdefault(unicodedata.normalize("NFD", str(known).casefold()), known)
            if spelled != known:
                raise self.refusal(member, f"and {str(spelled)!r} are one name to some systems")
        return path

    def _make_folder(self, member: str, folder: Path) -> None:
        """With its parents, each of which counts."""
        for path in reversed([p for p in (folder, *folder.parents) if self.tree.root in p.parents]):
            if path.is_file():
                raise self.refusal(member, "would be unpacked over an earlier file or folder")
            if not path.exists():
                self._count(member)
                self._check_inside(member, path)
                with self._storing(path):
                    path.mkdir()

    def _check_inside(self, member: str, path: Path) -> None:
        """Nothing reaches this that `_path` should have refused; a hole there must not become a file elsewhere."""
        if path.resolve() != path or self.tree.root not in path.parents:
            raise self.refusal(member, "would be written outside the folder")

    def _count(self, member: str) -> None:
        self.tree.files += 1
        if self.tree.files > self.tree.max_files:
            raise self.refusal(member, f"brings the files above the limit of {self.tree.max_files}")

    @contextmanager
    def _storing(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"{path}: cannot be written: {error.strerror or error}; {self.label} unpacks to at least "
                f"{self.tree.bytes_written:,} bytes; make room for them and run the same command again"
            ) from error


def _chunks(stream: Readable) -> Iterator[bytes]:
    """What is left in `stream`. Libraries report some damage as OSError; here that means the disk being written to."""
    try:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
    except OSError as error:
        raise EOFError(str(error)) from error


def in_short(said: object) -> str:
    """On one line: names may be of any length, and libraries quote them and the output of programs."""
    text = " ".join(str(said).split())
    return text if len(text) <= 300 else f"{text[:300]}…"
