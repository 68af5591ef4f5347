"""The record beside a dataset's raw files: where they came from. It is written before the files count as there."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from har_ray.errors import DataError

SOURCE_FILE = "SOURCE.json"


@dataclass(frozen=True)
class Source:
    """Where a dataset's raw files came from.

    Attributes:
        origin: URL or absolute path.
        folder: the user's own folder, or single file, that is read where it lies; None where the files lie beside
            this record.
        sha256: of the archive; None where none was unpacked.
        fingerprint: of the files as they were unpacked (see `identity.py`).
    """

    origin: str
    folder: str | None = None
    sha256: str | None = None
    fingerprint: str | None = None


def read_source(home: Path) -> Source | None:
    """The record in `home`; None where there is none, as where files were put there by hand.

    Raises:
        DataError: it cannot be read.
    """
    path = home / SOURCE_FILE
    if not path.exists():
        return None
    try:
        return Source(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path}: cannot be read: {error}; delete {home} and fetch again") from error


def write_source(home: Path, source: Source) -> None:
    (home / SOURCE_FILE).write_text(json.dumps(asdict(source), indent=2) + "\n")
