"""What every kind of file offers, and the types that its columns are read as."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from har_ray.data.own.columns import Column
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

MISSING = ("", "NaN", "nan", "-NaN", "-nan", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "null", "NULL", "None")
"""How a missing number may be written: what pandas.read_csv takes for one, but for the ways of old C runtimes."""


class DataFile(ABC):
    """A file whose layout is known.

    Attributes:
        names: of all columns, in order; `""` for a column without a name.
        heading: where the names stand, e.g. `line 11: `, or nothing.
    """

    names: Sequence[str]
    heading = ""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        """Batches of the columns at these positions, in that order, named by their position.

        Raises:
            DataError: names the line or row of what cannot be read.
        """

    def last(self, columns: Mapping[int, pa.DataType]) -> pa.RecordBatch | None:
        """The last rows, as `batches`, if they can be had without reading what comes before; else None."""
        return None

    def cell(self, line: int, column: int) -> str:
        """What stands in a line and a column, both from 1, wherever rows begin; raises DataError where nothing does."""
        raise DataError(f"{self.path}: has no lines; only text and spreadsheets have")

    def row_name(self, row: int) -> str:
        """Where a user finds a row, from 0: `line 12` of a text, `row 11` of a file of another kind."""
        return f"row {row + 1}"


class HeldFile(DataFile):
    """A file that is read as a whole, whose values are Python's.

    Attributes:
        missing: numbers and words, as text, for a missing number, beside `MISSING`.
    """

    missing: Sequence[str] = ()

    @abstractmethod
    def values(self, position: int) -> list[Any]:
        """A column, `[n]`."""

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        arrays = []
        for i, type_ in columns.items():
            values = [None if str(value) in self.missing else value for value in self.values(i)]
            try:
                arrays.append(from_values(values, type_, i, self.names[i]))
            except NotANumber as error:
                raise DataError(f"{self.path}: {self.row_name(error.row)}: {error}") from error
        yield pa.record_batch(arrays, names=[str(i) for i in columns])


def not_a_number(position: int, name: str, found: str) -> str:
    return f"column {position + 1}{f' ({name})' if name else ''} is {found!r}, expected a number"


def as_asked(column: pa.Array, asked: pa.DataType, name: str, path: Path) -> pa.Array:
    """A column of a typed file as the type that was asked for, see `Types`; raises DataError for text as a number."""
    found = column.type
    if pa.types.is_dictionary(found):
        column, found = column.dictionary_decode(), found.value_type
    if asked == WORD:
        return words(column)
    number = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    if asked == VALUE and number:
        return column.cast(VALUE, safe=False)
    if asked in (TIME, TEXT):
        if number:
            return column.cast(TIME, safe=False)
        if pa.types.is_timestamp(found) or pa.types.is_date(found):
            return column.cast(pa.timestamp("ns", getattr(found, "tz", None)))
        if asked == TEXT and pa.types.is_time(found):
            return column.cast(TEXT)
        if asked == TEXT and (pa.types.is_string(found) or pa.types.is_large_string(found)):
            return text(column.cast(TEXT), MISSING)
    if pa.types.is_null(found):
        return pa.nulls(len(column), asked)
    raise DataError(f"{path}: column {name!r} is {found}, expected numbers{' or time stamps' * (asked != VALUE)}")


def from_values(values: Sequence[Any], asked: pa.DataType, position: int, name: str) -> pa.Array:
    """A column of Python values (text, numbers, time stamps) as the type that was asked for.

    Raises:
        NotANumber: names the first value that is none.
    """
    known = [None if value is None or str(value).strip() in MISSING else value for value in values]
    if asked == WORD:
        return words(pa.array([_word(value) for value in known], TEXT))
    if asked in (TIME, TEXT):
        there = [value for value in known if value is not None]
        if there and all(isinstance(value, date) for value in there):
            return pa.array(map(_at_midnight, known), pa.timestamp("us")).cast(pa.timestamp("ns"))
        if asked == TEXT and not all(isinstance(value, int | float | timedelta) for value in there):
            return pa.array([_word(value) for value in known], TEXT)
    return pa.array([_number(value, row, position, name) for row, value in enumerate(known)], TIME).cast(
        VALUE if asked == VALUE else TIME
    )


class NotANumber(ValueError):
    """At `row`, from 0."""

    def __init__(self, message: str, row: int) -> None:
        super().__init__(message)
        self.row = row


def _number(value: Any, row: int, position: int, name: str) -> float | None:
    if value is None:
        return None
    try:
        number = value.total_seconds() if isinstance(value, timedelta) else float(value)
    except (TypeError, ValueError):
        number = inf
    if isinstance(value, bool) or not isfinite(number):
        raise NotANumber(not_a_number(position, name, str(value)), row)
    return float(number)


def _at_midnight(value: date | None) -> datetime | None:
    """A date as the time stamp at which it begins; time stamps as they are."""
    return value if value is None or isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _word(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None else str(value).strip()


def words(column: pa.Array) -> pa.Array:
    """As text in `WORD`: Arrow writes 1.0 as `1`; nothing and not-a-number are `""`."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.cast(TEXT).fill_null("").dictionary_encode()


def text(column: pa.Array, missing: Sequence[str]) -> pa.Array:
    """Without blanks around it; null for the words in `missing`."""
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(trimmed, pa.array(missing, TEXT)), None, trimmed)


def infinite(column: pa.Array) -> int | None:
    """The first index of an infinite number."""
    found = pc.is_inf(column)
    return pc.index(found, True).as_py() if pc.any(found).as_py() else None
