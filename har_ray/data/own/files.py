"""The columns of a CSV or Parquet file as typed batches, a block of the file in memory at a time.

Notable: the fast parser only detects that something is wrong; `row_name` and `_first_fault` then read the file line by
line to say where, so that a user's error costs time and a good file does not.
"""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from har_ray.data.cleaning import row_fault
from har_ray.data.own.columns import Column, position
from har_ray.data.own.format import FileSpec
from har_ray.errors import DataError

VALUE, TIME, TEXT = pa.float32(), pa.float64(), pa.string()
WORD = pa.dictionary(pa.int32(), pa.string())
Types = Mapping[Column, pa.DataType]
"""What each column is read as.

`VALUE`, `TIME`: numbers; a missing one is null, an infinite one an error.
`TEXT`: as written, without blanks around it; null where it is missing. For time stamps that are no plain numbers.
`WORD`: a subject, a label, ...; `""` where it is missing. A number in a typed file reads without `.0`: 1.0 as `1`.

In files whose values have types (Parquet, spreadsheets, JSON lines, MATLAB) `TIME` and `TEXT` columns come as what they
are: `pa.timestamp("ns", tz)` (`tz` None where the file has no zone) for time stamps, `TEXT` for text, else `TIME`. So
whoever reads time looks at the type of what comes; in text files it is the one that was asked for.
"""

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MISSING = ("", "NaN", "nan", "NA")
"""How a missing number may be written."""


def column_names(path: Path) -> list[str]:
    """The columns of a file.

    Raises:
        DataError: it has another suffix than `SUFFIXES`, cannot be read or is empty.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise DataError(f"{path}: expected a file named {', '.join('*' + suffix for suffix in SUFFIXES)}")
    try:
        if _is_parquet(path):
            return list(pq.read_schema(path).names)
        with _open_text(path) as file:
            header: list[str] = next(csv.reader(file), [])
    except (OSError, EOFError, pa.ArrowInvalid, csv.Error) as error:
        raise _unreadable(path, error) from error
    if not any(header):
        raise DataError(f"{path}: line 1: expected the names of the columns, found nothing")
    return [name.strip() for name in header]


def check_columns(path: Path, found: Sequence[str], needed: Sequence[Column]) -> None:
    """Raises `DataError` naming every needed column that is missing or appears twice."""
    faults = []
    for column in needed:
        try:
            position(column, found)
        except ValueError as error:
            faults.append(f"{path}: line 1: {error}")
    if faults:
        raise DataError("\n".join(faults))


def read_columns(path: Path, types: Types, spec: FileSpec) -> Iterator[pa.RecordBatch]:
    """Batches of the columns in `types`, in that order, each named `str(column)` and of the type that it names.

    Lazy: `next(read_columns(...))` reads the first block of the file (1 MiB of text) and no more.

    Raises:
        DataError: a column is missing, the file cannot be read, or (naming the line) a row has too few or too many
            fields, or text where a number should be.
    """
    names = column_names(path)
    check_columns(path, names, list(types))
    found = {names[position(column, names)]: type_ for column, type_ in types.items()}
    try:
        for batch in _parquet_batches(path, found) if _is_parquet(path) else _csv_batches(path, names, found):
            yield batch.rename_columns([str(column) for column in types])
    except pa.ArrowInvalid as error:
        raise _first_fault(path, names, found) or _unreadable(path, error) from error
    except OSError as error:
        raise _unreadable(path, error) from error


def row_name(path: Path, row: int, spec: FileSpec) -> str:
    """Where a user finds a row (from 0): `line 12` of a text, `row 11` of a Parquet file."""
    if _is_parquet(path):
        return f"row {row + 1}"
    with _open_text(path) as file:
        rows = csv.reader(file)
        next(rows)
        for _ in islice(filter(None, rows), row + 1):
            pass
        return f"line {rows.line_num}"


def _csv_batches(path: Path, names: Sequence[str], types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    how_read = pa.csv.ReadOptions(use_threads=False, column_names=list(names), skip_rows=1)
    wanted = pa.csv.ConvertOptions(column_types=dict(types), include_columns=list(types), null_values=list(MISSING))
    with (
        pa.input_stream(str(path), compression="gzip" if _is_gzip(path) else None) as file,
        pa.csv.open_csv(file, how_read, convert_options=wanted) as reader,
    ):
        yield from reader


def _parquet_batches(path: Path, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        for name, type_ in types.items():
            found = file.schema_arrow.field(name).type
            if type_ != WORD and not (pa.types.is_integer(found) or pa.types.is_floating(found)):
                raise DataError(f"{path}: column {name!r} is {found}, expected numbers")
        for batch in file.iter_batches(columns=list(types), use_threads=False):
            columns = [_words(batch[n]) if t == WORD else batch[n].cast(t, safe=False) for n, t in types.items()]
            yield pa.record_batch(columns, names=list(types))


def _words(column: pa.Array) -> pa.Array:
    return column.cast(pa.string()).fill_null("").dictionary_encode()


def _first_fault(path: Path, names: Sequence[str], types: Mapping[str, pa.DataType]) -> DataError | None:
    if _is_parquet(path):
        return None
    numbers = {names.index(name): name for name, type_ in types.items() if type_ != WORD}
    words = [names.index(name) for name, type_ in types.items() if type_ == WORD]
    with _open_text(path) as file:
        rows = csv.reader(file)
        next(rows)
        for fields in filter(None, rows):
            known = ["" if field in MISSING else field for field in fields]
            fault = row_fault(known, len(names), numbers)
            if fault is None and any("\udc80" <= letter <= "\udcff" for i in words for letter in fields[i]):
                fault = "not UTF-8 text; save the file in that encoding"
            if fault:
                return DataError(f"{path}: line {rows.line_num}: {fault}")
    return None


@contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    """Bytes that are not UTF-8 become the code points \\udc80 to \\udcff; a byte order mark is skipped."""
    how: dict[str, Any] = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
    with gzip.open(path, "rt", **how) if _is_gzip(path) else path.open(**how) as file:
        yield file


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"{path}: cannot be read: {error}")
