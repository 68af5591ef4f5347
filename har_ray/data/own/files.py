"""The columns of a user's file as typed batches, whatever kind of file it is (`formats/`)."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from har_ray.data.own.columns import Column, matches, position
from har_ray.data.own.format import AUTO, FileSpec
from har_ray.data.own.formats.excel import SUFFIXES as SPREADSHEETS
from har_ray.data.own.formats.excel import ExcelFile
from har_ray.data.own.formats.json import JsonFile
from har_ray.data.own.formats.kinds import TEXT, TIME, VALUE, WORD, DataFile, Types
from har_ray.data.own.formats.layout import TextLayout
from har_ray.data.own.formats.matlab import MatFile
from har_ray.data.own.formats.opening import UNREADABLE, Stat, stat, suffix
from har_ray.data.own.formats.text import TextFile
from har_ray.data.own.formats.typed import JsonLinesFile, ParquetFile
from har_ray.errors import DataError, nearest

__all__ = [
    "TEXT",
    "TIME",
    "VALUE",
    "WORD",
    "Types",
    "column_names",
    "has_columns",
    "last_rows",
    "read_cell",
    "read_columns",
    "row_name",
    "sheets",
    "text_layout",
]


def column_names(path: Path, spec: FileSpec) -> list[str]:
    """The names of a file's columns, `""` for one without a name.

    Raises:
        DataError: it cannot be read, is empty, or lacks a column of `spec`; all that lack are named.
    """
    return list(_opened(path, spec).names)


def text_layout(path: Path, spec: FileSpec) -> TextLayout | None:
    """How a text or a sheet is laid out; None for files of other kinds. Raises DataError as `column_names`."""
    file = _opened(path, spec)
    return file.layout if isinstance(file, TextFile | ExcelFile) else None


def sheets(path: Path, spec: FileSpec) -> list[str]:
    """The names of a spreadsheet's sheets; none of other files. Raises DataError as `column_names`."""
    file = _opened(path, spec)
    return file.sheets if isinstance(file, ExcelFile) else []


def has_columns(names: Sequence[str], columns: Sequence[Column]) -> bool:
    return all(len(matches(column, names)) == 1 for column in columns)


def read_columns(path: Path, types: Types, spec: FileSpec) -> Iterator[pa.RecordBatch]:
    """Batches of the columns in `types`, in that order, each named `str(column)` and of the type that it names.

    Lazy: `next(read_columns(...))` reads the first block of the file (1 MiB of text) and no more.

    Raises:
        DataError: a column is missing, the file cannot be read, or (naming the line) a row has too few or too many
            fields, or text where a number should be.
    """
    file = _opened(path, spec)
    at = {column: position(column, file.names) for column in types}
    asked: dict[int, pa.DataType] = {}
    for column, type_ in types.items():
        if asked.setdefault(at[column], type_) != type_:
            raise DataError(f"{path}: column {column!r} is asked for as {asked[at[column]]} and as {type_}")
    try:
        for batch in file.batches(asked):
            yield pa.record_batch([batch[str(at[c])] for c in types], names=[str(c) for c in types])
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def last_rows(path: Path, types: Types, spec: FileSpec) -> pa.RecordBatch | None:
    """The last rows, as `read_columns`, if they can be had without reading the file up to there; else None."""
    file = _opened(path, spec)
    at = {column: position(column, file.names) for column in types}
    try:
        batch = file.last({at[column]: type_ for column, type_ in types.items()})
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    return batch and pa.record_batch([batch[str(at[c])] for c in types], names=[str(c) for c in types])


def read_cell(path: Path, line: int, column: int, spec: FileSpec) -> str:
    """What stands in a line and a column, both from 1, wherever rows begin: a start or a rate above them.

    Raises:
        DataError: nothing is there, or the file has no lines.
    """
    return _opened(path, spec).cell(line, column)


def row_name(path: Path, row: int, spec: FileSpec) -> str:
    """Where a user finds a row (from 0): `line 12` of a text, `row 11` of a file of another kind."""
    return _opened(path, spec).row_name(row)


def _opened(path: Path, spec: FileSpec) -> DataFile:
    """The file, its layout found, with all columns of `spec`."""
    try:
        return _checked(path, stat(path), spec)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


@lru_cache(maxsize=2)  # a file is opened several times in a row, and a spreadsheet is held in memory
def _checked(path: Path, unchanged: Stat, spec: FileSpec) -> DataFile:
    file = _of_its_kind(path, spec)
    if faults := _faults(file, spec.columns):
        remedy = _remedy(path, file, spec)
        raise DataError("\n".join(f"{path}: {file.heading}{fault}" for fault in [remedy] * bool(remedy) or faults))
    return file


def _of_its_kind(path: Path, spec: FileSpec) -> DataFile:
    kind = suffix(path)
    if kind in (".parquet", ".pq"):
        return ParquetFile(path)
    if kind in (".jsonl", ".ndjson"):
        return JsonLinesFile(path)
    if kind == ".json":
        return JsonFile(path, spec)
    if kind in SPREADSHEETS:
        return ExcelFile(path, spec)
    return MatFile(path, spec) if kind == ".mat" else TextFile(path, spec)


def _faults(file: DataFile, columns: Sequence[Column]) -> list[str]:
    """What is wrong with references to columns; names that are not there share a message."""
    known = list(filter(None, file.names))
    absent = [column for column in columns if isinstance(column, str) and known and column not in known]
    faults = []
    if len(absent) > 1:
        meant = dict.fromkeys(repr(name) for column in absent if (name := nearest(column, known)))
        hint = f"did you mean {', '.join(meant)}? " if meant else ""
        faults = [f"columns {', '.join(map(repr, absent))} are unknown; {hint}({', '.join(known)})"]
        columns = [column for column in columns if column not in absent]
    for column in columns:
        try:
            position(column, file.names)
        except ValueError as error:
            faults.append(str(error))
    return list(dict.fromkeys(faults))


def _remedy(path: Path, file: DataFile, spec: FileSpec) -> str:
    """What is wrong with a descriptor's `format`, where its columns would be found without."""
    if not isinstance(file, TextFile | ExcelFile) or spec.format == AUTO:
        return ""
    found = _of_its_kind(path, FileSpec(spec.columns, AUTO.model_copy(update={"sheet": spec.format.sheet})))
    if not isinstance(found, TextFile | ExcelFile) or _faults(found, spec.columns):
        return ""
    ours, theirs = file.layout, found.layout
    differ = [
        f"{words} {is_!r}"
        for key, words, was, is_ in (
            ("separator", "separator", ours.separator, theirs.separator),
            ("encoding", "encoding", ours.encoding, theirs.encoding),
            ("header_line", "the names in line", ours.header_line, theirs.header_line),
        )
        if getattr(spec.format, key) != "auto" and was != is_
    ]
    return (
        f"the columns are not there; the file seems to have {', '.join(differ)}: correct format, or leave that to auto"
    )


def _unreadable(path: Path, error: BaseException) -> DataError:
    return DataError(f"{path}: cannot be read: {error}")
