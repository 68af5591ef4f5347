"""Text files, a block in memory at a time.

Notable: the fast parser only detects that something is wrong; `TextFile.row_name` and `_first_fault` then read the file
line by line to say where, so that a user's error costs time and a good file does not. Both read the same cleaned bytes.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from har_ray.data.own.format import WHITESPACE, FileSpec
from har_ray.data.own.formats.detection import NUMBER, detect
from har_ray.data.own.formats.head import HEAD_BYTES
from har_ray.data.own.formats.kinds import TEXT, TIME, VALUE, WORD, DataFile, infinite, not_a_number, text
from har_ray.data.own.formats.layout import TextLayout, clean
from har_ray.data.own.formats.opening import opened
from har_ray.errors import DataError

AS_UTF8 = ("utf-8", "utf-8-sig", "ascii")
"""Encodings whose bytes the parser takes as they are; bytes that are not UTF-8 in unread columns do not matter."""


class TextFile(DataFile):
    """A text with a separator between the fields of a line."""

    def __init__(self, path: Path, spec: FileSpec) -> None:
        """Raises `DataError` for what is no text, is empty or ends before the names of the columns."""
        super().__init__(path)
        with opened(path) as file:
            head = file.read(HEAD_BYTES + 1)
        try:
            self.layout = detect(head[:HEAD_BYTES], len(head) <= HEAD_BYTES, spec)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
        self.names = self.layout.names
        self.heading = f"line {self.layout.header_line}: " if self.layout.header_line else ""

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        layout, row = self.layout, 0
        # Arrow finds columns by name: by their position, names may be doubled.
        how_read = pa.csv.ReadOptions(
            use_threads=False, column_names=[str(i) for i in range(len(self.names))], skip_rows=layout.first_line - 1
        )
        types = {str(i): TEXT if layout.thousands and type_ in (VALUE, TIME) else type_ for i, type_ in columns.items()}
        wanted = pa.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[f"{before}{word}" for word in layout.missing for before in ("", " ")],
            decimal_point=layout.decimal,
        )
        parsing = pa.csv.ParseOptions(delimiter=_delimiter(layout), newlines_in_values=True)
        try:
            with (
                self._stream(self.layout) as file,
                pa.csv.open_csv(file, how_read, parsing, convert_options=wanted) as reader,
            ):
                for batch in reader:
                    yield pa.record_batch(
                        [self._converted(batch[str(i)], i, type_, row) for i, type_ in columns.items()],
                        names=[str(i) for i in columns],
                    )
                    row += batch.num_rows
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error) or "Could not skip initial" in str(error):
                return  # no row below the names
            raise self._first_fault(columns) or DataError(f"{self.path}: cannot be read: {error}") from error

    def cell(self, line: int, column: int) -> str:
        with (
            self._stream(replace(self.layout, comment="")) as file,
            io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="") as lines,
        ):
            fields = next(csv.reader(islice(lines, line - 1, line), delimiter=_delimiter(self.layout)), [])
        if len(fields) < column:
            raise DataError(f"{self.path}: line {line}: has no column {column}, only {len(fields)}")
        return fields[column - 1].strip()

    def row_name(self, row: int) -> str:
        return f"line {next(islice(self._rows(), row, None))[0]}"

    def _converted(self, column: pa.Array, position: int, asked: pa.DataType, row: int) -> pa.Array:
        """A column of a batch that begins at `row`, as it was asked for."""
        if asked == WORD:
            return column
        if asked == TEXT:
            return text(column, self.layout.missing)
        if self.layout.thousands:
            plain = pc.replace_substring(text(column, self.layout.missing), self.layout.thousands, "")
            column = pc.replace_substring(plain, self.layout.decimal, ".").cast(asked)
        if (at := infinite(column)) is not None:
            raise self._first_fault({position: asked}, row + at) or DataError(f"{self.path}: row {row + at + 1}: inf")
        return column

    def _stream(self, layout: TextLayout) -> pa.NativeFile:
        """The file's content in UTF-8, comments and the like taken out; every line stays in its place."""
        file = opened(self.path)
        plain = layout.encoding in AS_UTF8 and layout.separator != WHITESPACE
        return (
            file if plain and not layout.comment + layout.line_end else pa.TransformInputStream(file, _Cleaner(layout))
        )

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row with the number of its line, the slow way; bytes that are not UTF-8 are U+DC80 to U+DCFF."""
        before = self.layout.first_line - 1
        with (
            self._stream(self.layout) as file,
            io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines,
        ):
            rows = csv.reader(islice(lines, before, None), delimiter=_delimiter(self.layout))
            yield from ((before + rows.line_num, fields) for fields in rows if fields)

    def _first_fault(self, columns: Mapping[int, pa.DataType], row: int = 0) -> DataError | None:
        """What is wrong with the first faulty row, from `row` on."""
        for line, fields in islice(self._rows(), row, None):
            fault = None
            if len(fields) != len(self.names):
                fault = f"{len(fields)} fields, expected {len(self.names)}"
            else:
                fault = next(
                    (found for i, type_ in columns.items() if (found := self._fault(fields[i], i, type_))), None
                )
            if fault:
                return DataError(f"{self.path}: line {line}: {fault}")
        return None

    def _fault(self, field: str, position: int, type_: pa.DataType) -> str | None:
        if type_ in (WORD, TEXT):
            strange = any("\udc80" <= letter <= "\udcff" for letter in field)
            return f"not {self.layout.encoding} text; say format: {{encoding: ...}}, e.g. latin-1" if strange else None
        field = field.strip()
        if field in self.layout.missing or _is_finite(field, self.layout, type_):
            return None
        fault, thousands = not_a_number(position, self.names[position], field), ".,"[self.layout.decimal == "."]
        if type_ == TIME and not NUMBER.fullmatch(field):
            return f"{fault}; for dates and times of day say time: {{format: ...}}"
        if not NUMBER.fullmatch(field):
            return f"{fault}; if that stands for a missing one, say format: {{missing: [{field!r}]}}"
        if field.count(thousands) and not self.layout.thousands:
            return f"{fault}; see format.decimal (here {self.layout.decimal!r}) and format.thousands"
        return fault


class _Cleaner:
    """Turns chunks of a file's bytes into UTF-8 and cleans whole lines; an empty chunk is the end."""

    def __init__(self, layout: TextLayout) -> None:
        # UTF-16 and UTF-32 cannot carry bytes that are no text; single bytes come out as they went in.
        self.errors = "replace" if layout.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        self.decoder = codecs.getincrementaldecoder(layout.encoding)(self.errors)
        self.layout, self.rest = layout, ""

    def __call__(self, chunk: pa.Buffer) -> bytes:
        known = self.rest + self.decoder.decode(bytes(chunk), final=not len(chunk))
        end = max(known.rfind("\n"), known.rfind("\r")) + 1 if len(chunk) else len(known)
        self.rest = known[end:]
        layout = self.layout
        lines = clean(known[:end], layout.separator, layout.comment, layout.line_end)
        return lines.encode(errors="surrogateescape")


def _delimiter(layout: TextLayout) -> str:
    return " " if layout.separator == WHITESPACE else layout.separator


def _is_finite(field: str, layout: TextLayout, type_: pa.DataType) -> bool:
    if layout.thousands:
        field = field.replace(layout.thousands, "")
    point = re.escape(layout.decimal)
    if not re.fullmatch(rf"[-+]?(\d+({point}\d*)?|{point}\d+)([eE][-+]?\d+)?", field):
        return False
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.dtype(type_.to_pandas_dtype()).type(field.replace(layout.decimal, "."))))
