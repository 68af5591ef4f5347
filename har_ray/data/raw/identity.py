"""Whose raw files a dataset is read from, and what is in them. Their fingerprint becomes part of the windows' id.

The fingerprint covers names and content, never paths or times: the same files elsewhere give the same windows, one
edited byte gives others. Files are hashed once: checksums are kept by size and time of change in
`ROOT/<dataset>/CHECKSUMS.json`. If that file is lost, damaged or cannot be written, they are hashed again.
"""

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from har_ray.data.dataset import Dataset
from har_ray.data.raw.download import file_sha256
from har_ray.data.raw.source import Source, read_source
from har_ray.errors import DataError

log = logging.getLogger(__name__)

CHECKSUMS_FILE = "CHECKSUMS.json"


@dataclass(frozen=True)
class Identity:
    """What a dataset's raw files are.

    Attributes:
        fingerprint: SHA-256 over the name and SHA-256 of every file that the reader reads, sorted by name; or
            `Dataset.fingerprint`, where the content is known already.
        origin: whose files they are: a URL (without secrets), the absolute path of an archive, folder or file,
            the folder that they were put into by hand, or what `Dataset.origin` says.
        publishers: whether this is the publisher's own content; None where there is no checksum to compare with.
        files, size_bytes: how many, and how large together.
    """

    fingerprint: str
    origin: str
    publishers: bool | None
    files: int
    size_bytes: int


def identify(dataset: Dataset, folder: Path | None, root: Path) -> Identity:
    """What the raw files in `folder` are; `root` is the folder of all raw data, where checksums are kept.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    files = dataset.raw_files(folder)
    size_bytes = sum(_stat(file).st_size for file in files)
    if dataset.fingerprint is not None:
        publishers = True if dataset.checksums else None  # a reader with checksums of its own refuses other content
        return Identity(dataset.fingerprint, str(dataset.origin), publishers, len(files), size_bytes)
    home = root / dataset.name
    source, digests = read_source(home), checksums(files, home / CHECKSUMS_FILE)
    found = fingerprint(digests)
    origin = source.origin if source else f"files put into {(folder or home).resolve()} by hand"
    return Identity(found, origin, _is_publishers(dataset, source, digests), len(files), size_bytes)


def warn_if_altered(dataset: Dataset, identity: Identity) -> None:
    """One line in the log where the files are known not to be the publisher's."""
    if identity.publishers is False:
        log.warning(
            "%s: %s is not the publisher's copy, its checksums differ; results need not agree with published ones",
            dataset.name,
            identity.origin,
        )


def fingerprint(digests: Mapping[Path, str]) -> str:
    """One SHA-256 for the names and SHA-256 of some files."""
    content = sorted((path.name, digest) for path, digest in digests.items())
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def checksums(files: Sequence[Path], cache: Path) -> dict[Path, str]:
    """The SHA-256 of each file; only those that are new or changed since `cache` was written are read."""
    known, found = _load(cache), dict[str, tuple[int, int, str]]()
    names = {file: os.path.relpath(file, cache.parent) for file in files}
    for file, name in names.items():
        stat = _stat(file)
        now = (stat.st_size, stat.st_mtime_ns)
        found[name] = (*now, known[name][2] if known.get(name, ())[:2] == now else _digest(file))
    if not found.items() <= known.items():
        _save(cache, known | found)
    return {file: found[name][2] for file, name in names.items()}


def _is_publishers(dataset: Dataset, source: Source | None, digests: Mapping[Path, str]) -> bool | None:
    """By each file's own checksum where the dataset has them, else by that of the archive they were unpacked from."""
    expected = [(dataset.checksums.get(path.name), digest) for path, digest in digests.items()]
    if all(checksum for checksum, _ in expected):
        return all(checksum == digest for checksum, digest in expected)
    publishers = dataset.archive.sha256 if dataset.archive else None
    if publishers is None or source is None or source.sha256 is None:
        return None
    return source.sha256 == publishers and source.fingerprint == fingerprint(digests)


def _stat(file: Path) -> os.stat_result:
    try:
        return file.stat()
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error


def _digest(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror or error}") from error


def _load(cache: Path) -> dict[str, tuple[int, int, str]]:
    try:
        kept = json.loads(cache.read_text())
        return {name: (int(size), int(mtime_ns), str(sha256)) for name, (size, mtime_ns, sha256) in kept.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save(cache: Path, found: Mapping[str, tuple[int, int, str]]) -> None:
    aside = cache.with_name(f"{cache.name}.{uuid.uuid4().hex}.part")
    try:
        aside.write_text(json.dumps(found, indent=1) + "\n")
        aside.replace(cache)
    except OSError as error:
        log.info("%s: cannot be written (%s); the files are hashed again next time", cache, error.strerror or error)
        aside.unlink(missing_ok=True)
