"""What must be known of a user's files before any is read for training: their content's hash, who and what is in them.

Notable: that takes a pass over every file, so the result is kept: beside the descriptor as `.<descriptor>.scan.json`,
and within the process. A file of the same size and time of change counts as unchanged, as in version control.
"""

import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from har_ray.data.faults import by_cause
from har_ray.data.own.columns import Column
from har_ray.data.own.files import TEXT, WORD, column_names, has_columns, read_columns
from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.opening import UNREADABLE, sha256, stat
from har_ray.errors import DataError

log = logging.getLogger(__name__)

SCANNING = 2
"""Part of the kept record; raise it when the same file would give another scan."""

MAX_WORDS = 1000
"""A column with more distinct values holds time stamps or readings, not labels or subjects."""


@dataclass(frozen=True)
class Scan:
    """What one file holds.

    Attributes:
        size, mtime_ns: what the file was when it was scanned; together with its path they say whether it still is.
        sha256: of its content.
        names: its columns.
        rows: how many there are.
        format: how the descriptor laid it out, as JSON.
        words: `str(column)` → word → (its first row from 0, in how many rows it stands).
    """

    size: int
    mtime_ns: int
    sha256: str
    names: list[str]
    rows: int
    format: str
    words: dict[str, dict[str, tuple[int, int]]]


_scans: dict[Path, dict[str, Scan]] = {}
"""The scans of this process, by where they are kept: they hold also where that cannot be written."""


def scan_files(paths: Sequence[Path], words: Sequence[Column], spec: FileSpec, kept: Path) -> list[Scan]:
    """A scan of every file; only what is new or has changed since the last call is read.

    Args:
        paths: the files.
        words: the columns whose words are wanted.
        spec: how the files are laid out, and every column that each must have.
        kept: where the scans of the last call are, and will be kept.

    Raises:
        DataError: a file lacks a column or cannot be read; a line for each cause.
    """
    known, faults = _scans.get(kept) or _load(kept), list[tuple[Path, str]]()
    names = {path: os.path.relpath(path, kept.parent) for path in paths}
    scans = {
        name: known[name] for path, name in names.items() if name in known and _holds(known[name], path, words, spec)
    }
    if new := len(names) - len(scans):
        log.info("looking through %s new or changed file%s in %s", f"{new:,}", "s" * (new > 1), kept.parent)
    for path, name in names.items():
        try:
            scans[name] = scans.get(name) or _scan(path, words, spec)
        except DataError as error:
            faults.append((path, str(error)))
        except UNREADABLE as error:
            faults.append((path, f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"))
    _scans[kept] = known | scans if faults else scans
    if _scans[kept] != known:
        _save(kept, _scans[kept])
    if faults:
        raise DataError("\n".join(by_cause(faults)))
    return [scans[name] for name in names.values()]


def _holds(scan: Scan, path: Path, words: Sequence[Column], spec: FileSpec) -> bool:
    """Whether a file is still what was scanned, all `words` were looked for, and all columns are there."""
    try:
        same = (scan.size, scan.mtime_ns) == stat(path)
    except (DataError, *UNREADABLE):
        return False
    looked_for = {str(word) for word in words} <= set(scan.words) and scan.format == spec.format.model_dump_json()
    return same and looked_for and has_columns(scan.names, spec.columns)


def _scan(path: Path, words: Sequence[Column], spec: FileSpec) -> Scan:
    """Reads the words, or any column where only the number of rows is wanted."""
    size, mtime_ns = stat(path)
    found: dict[str, dict[str, tuple[int, int]]] = {str(column): {} for column in words}
    rows = 0
    for batch in read_columns(path, dict.fromkeys(words, WORD) or {spec.columns[0]: TEXT}, spec):
        for column in found:
            _count(found[column], batch[column].dictionary.to_pylist(), batch[column].indices.to_numpy(), rows)
            if len(found[column]) > MAX_WORDS:
                raise DataError(f"{path}: column {column!r} has over {MAX_WORDS} distinct values; expected few words")
        rows += batch.num_rows
    if rows == 0:
        raise DataError(f"{path}: no rows below the names of the columns")
    names, form = column_names(path, spec), spec.format.model_dump_json()
    return Scan(size, mtime_ns, sha256(path), names, rows, form, found)


def _count(found: dict[str, tuple[int, int]], values: Iterable[str], codes: np.ndarray, row: int) -> None:
    """Add the words of a batch that begins at `row`; codes `[n]` are indices into `values`."""
    names = [value.strip() for value in values]
    present, first, counts = np.unique(codes, return_index=True, return_counts=True)
    for code, at, n in zip(present.tolist(), first.tolist(), counts.tolist(), strict=True):
        begin, total = found.get(names[code], (row + at, 0))
        found[names[code]] = (min(begin, row + at), total + n)


def _load(kept: Path) -> dict[str, Scan]:
    try:
        record = json.loads(kept.read_text())
        return {name: Scan(**scan) for name, scan in record["files"].items()} if record["version"] == SCANNING else {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be used (%s); all files are looked through again", kept, error)
        return {}


def _save(kept: Path, scans: dict[str, Scan]) -> None:
    record = {"version": SCANNING, "files": {name: asdict(scan) for name, scan in scans.items()}}
    aside = kept.with_name(f"{kept.name}.{os.getpid()}.part")
    try:
        aside.write_text(json.dumps(record))
        aside.replace(kept)
    except OSError as error:
        log.info("%s: cannot be written (%s); the next command looks through the files again", kept, error)
