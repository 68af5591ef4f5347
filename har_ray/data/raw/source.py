"""The record beside a dataset's raw files: where they came from. It is written before the files count as there.

No password or signature of a URL gets into it. What tells such URLs apart instead is a hash.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from har_ray.data.raw.url import url_hash, without_secrets
from har_ray.errors import DataError, StorageError

SOURCE_FILE = "SOURCE.json"


@dataclass(frozen=True)
class Source:
    """Where a dataset's raw files came from; made by `Source.of`.

    Attributes:
        origin: URL without secrets, or absolute path.
        url_hash: of the whole URL; None for a path.
        folder: the user's own folder, or single file, that is read where it lies; None where the files lie beside
            this record.
        sha256: of the archive; None where none was unpacked.
        fingerprint: of the files as they were unpacked (see `identity.py`).
    """

    origin: str
    url_hash: str | None = None
    folder: str | None = None
    sha256: str | None = None
    fingerprint: str | None = None

    @classmethod
    def of(cls, origin: str, *, url_hash: str | None = None, **known: Any) -> "Source":
        """`origin` may be a whole URL, as in records of earlier versions; its hash is taken where none is given."""
        return cls(without_secrets(origin), url_hash or _hash(origin), **known)

    def is_from(self, origin: str) -> bool:
        """Whether `origin`, a whole URL or an absolute path, is the one recorded."""
        return (without_secrets(origin), _hash(origin)) == (self.origin, self.url_hash)


def read_source(home: Path) -> Source | None:
    """The record in `home`; None where there is none, as where files were put there by hand.

    Raises:
        DataError: it cannot be read.
    """
    path = home / SOURCE_FILE
    if not path.exists():
        return None
    try:
        return Source.of(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; delete {home} and fetch again") from error


def write_source(home: Path, source: Source) -> None:
    """Raises: StorageError: it cannot be written (a full disk)."""
    path = home / SOURCE_FILE
    try:
        path.write_text(json.dumps(asdict(source), indent=2) + "\n")
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}; fix that and run the same command again"
        ) from error


def _hash(origin: str) -> str | None:
    return url_hash(origin) if "://" in origin else None
