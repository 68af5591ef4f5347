"""What must be known of a user's files before any is read for training: their content's hash, who and what is in them.

Notable: that takes a pass over every file, so the result is kept: beside the descriptor as `.<descriptor>.scan.json`,
and within the process. A file of the same size and time of change counts as unchanged, as in version control.
"""

import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.faults import by_cause
from har_ray.data.own.columns import Column
from har_ray.data.own.files import TEXT, WORD, column_names, has_columns, read_columns
from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.opening import UNREADABLE, sha256, stat
from har_ray.data.own.words import LastingLabels, RowSource
from har_ray.errors import DataError

log = logging.getLogger(__name__)

T = TypeVar("T")

SCANNING = 5
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
        rows: how many there are of those that are read.
        of: which these are, as JSON; nothing for all.
        format: how the descriptor laid it out, as JSON.
        words: `str(column)` → word → (its first row from 0, in how many rows it stands); of the column that tells whose
            rows are read in all of the file.
        together: of two columns of words, the first's word → the second's → in how many rows both stand.
        said, rate_hz: what the descriptor said when its first rows were looked at, and the rate that they come at.
    """

    size: int
    mtime_ns: int
    sha256: str
    names: list[str]
    rows: int
    format: str
    words: dict[str, dict[str, tuple[int, int]]]
    together: dict[str, dict[str, int]]
    of: str = ""
    said: str = ""
    rate_hz: float | None = None


@dataclass(frozen=True)
class Wanted:
    """A file and what is to be known of it.

    Attributes:
        words: the columns whose words are wanted.
        spec: how it is laid out, and every column that it must have.
        rows: which of its rows are read.
        lasting: the columns of labels that last until the next one, and of subjects; None for other labels.
        said: what the descriptor says of time, rate, recordings and units.
        look: looks at the first rows, and says at which rate they come.
    """

    path: Path
    words: Sequence[Column]
    spec: FileSpec
    rows: RowSource | None
    lasting: tuple[Column, Column | None] | None
    said: str
    look: Callable[[], float | None]

    @property
    def of(self) -> str:
        """As of a `Scan`."""
        return (self.rows.model_dump_json() if self.rows else "") + (f"{self.lasting}" if self.lasting else "")


_scans: dict[Path, dict[str, Scan]] = {}
"""The scans of this process, by where they are kept: they hold also where that cannot be written."""


def kept_beside(descriptor: Path) -> Path:
    """Where the scans of a descriptor's files are kept."""
    return descriptor.absolute().with_name(f".{descriptor.name}.scan.json")


def scan_files(wanted: Mapping[str, Wanted], kept: Path | None) -> dict[str, Scan]:
    """A scan of every file; only what is new or has changed since the last call is read.

    First the beginning of every new file is looked at, so that most faults are found before any is read as a whole.

    Args:
        wanted: the files, by the names that they are kept under.
        kept: where the scans of the last call are, and will be kept; None for nowhere.

    Raises:
        DataError: a file lacks a column, cannot be read or does not tell time as described; a line for each cause.
    """
    known = (_scans.get(kept) or _load(kept)) if kept else {}
    scans = {name: known[name] for name, one in wanted.items() if name in known and _holds(known[name], one)}
    if new := len(wanted) - len(scans):
        where = f" in {kept.parent}" if kept else ""
        log.info("looking through %s new or changed file%s%s", f"{new:,}", "s" * (new > 1), where)
    rates, faults = _each(wanted, lambda name, one: _rate_hz(scans.get(name), one))
    if not faults:
        found, faults = _each(wanted, lambda name, one: scans.get(name) or _scan(one))
        scans = {name: replace(scan, said=wanted[name].said, rate_hz=rates[name]) for name, scan in found.items()}
    if kept:
        _scans[kept] = known | scans if faults else scans
        if _scans[kept] != known:
            _save(kept, _scans[kept])
    if faults:
        raise DataError("\n".join(by_cause(faults)))
    return scans


def _each(
    wanted: Mapping[str, Wanted], read: Callable[[str, Wanted], T]
) -> tuple[dict[str, T], list[tuple[Path, str]]]:
    """What `read` makes of each file, and what is wrong with the others."""
    found, faults = dict[str, T](), list[tuple[Path, str]]()
    for name, one in wanted.items():
        try:
            found[name] = read(name, one)
        except DataError as error:
            faults.append((one.path, str(error)))
        except UNREADABLE as error:
            faults.append((one.path, f"{one.path}: cannot be read: {getattr(error, 'strerror', None) or error}"))
    return found, faults


def _rate_hz(scan: Scan | None, wanted: Wanted) -> float | None:
    return scan.rate_hz if scan and scan.said == wanted.said else wanted.look()


def _holds(scan: Scan, wanted: Wanted) -> bool:
    """Whether a file is still what was scanned, all words were looked for, and all columns are there."""
    try:
        same = (scan.size, scan.mtime_ns) == stat(wanted.path)
    except (DataError, *UNREADABLE):
        return False
    looked_for = {str(word) for word in wanted.words} <= set(scan.words)
    as_said = (scan.format, scan.of) == (wanted.spec.format.model_dump_json(), wanted.of)
    return same and looked_for and as_said and has_columns(scan.names, wanted.spec.columns)


def _scan(wanted: Wanted) -> Scan:
    """Reads the words, or any column where only the number of rows is wanted."""
    path, spec, of = wanted.path, wanted.spec, wanted.rows
    size, mtime_ns = stat(path)
    found: dict[str, dict[str, tuple[int, int]]] = {str(column): {} for column in wanted.words}
    sources: dict[str, tuple[int, int]] = {}
    together: dict[str, dict[str, int]] = {}
    types = (of.types if of else {}) | dict.fromkeys(wanted.words, WORD) or {spec.columns[0]: TEXT}
    row, rows = 0, 0
    lasting = LastingLabels(*wanted.lasting) if wanted.lasting else None
    for read in read_columns(path, types, spec):
        every = lasting.filled(read) if lasting else read
        batch, numbers = every, np.arange(row, row + every.num_rows)
        if of:
            if of.value is not None:
                _count(sources, every[str(of.column)], numbers)
            kept = of.of(every)
            batch, numbers = every.take(pa.array(kept)), numbers[kept]
        for column in found:
            _count(found[column], batch[column], numbers)
            if len(found[column]) > MAX_WORDS:
                raise DataError(f"{path}: column {column!r} has over {MAX_WORDS} distinct values; expected few words")
        if len(found) == 2:
            _count_together(together, *(batch[column] for column in found))
        row, rows = row + every.num_rows, rows + batch.num_rows
    if row == 0:
        raise DataError(f"{path}: no rows below the names of the columns; leave it out of files")
    if of:
        found.setdefault(str(of.column), sources)
    names, form = column_names(path, spec), spec.format.model_dump_json()
    return Scan(size, mtime_ns, sha256(path), names, rows, form, found, together, wanted.of)


def _count(found: dict[str, tuple[int, int]], words: pa.DictionaryArray, numbers: npt.NDArray[np.intp]) -> None:
    """Add the words of these rows of the file."""
    names = [word.strip() for word in words.dictionary.to_pylist()]
    present, first, counts = np.unique(words.indices.to_numpy(), return_index=True, return_counts=True)
    for code, at, n in zip(present.tolist(), numbers[first].tolist(), counts.tolist(), strict=True):
        begin, total = found.get(names[code], (at, 0))
        found[names[code]] = (min(begin, at), total + n)


def _count_together(found: dict[str, dict[str, int]], one: pa.DictionaryArray, other: pa.DictionaryArray) -> None:
    """Add how often words of two columns of a batch stand in the same row."""
    names, others = ([word.strip() for word in column.dictionary.to_pylist()] for column in (one, other))
    width = max(1, len(others))
    first, second = (column.indices.to_numpy().astype(np.int64) for column in (one, other))
    pairs, counts = np.unique(first * width + second, return_counts=True)
    for pair, n in zip(pairs.tolist(), counts.tolist(), strict=True):
        of_one = found.setdefault(names[pair // width], {})
        of_one[others[pair % width]] = of_one.get(others[pair % width], 0) + n


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
