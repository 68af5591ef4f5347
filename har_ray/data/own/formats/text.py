"""Text files, a block in memory at a time.

Notable: the fast parser only detects that something is wrong; `TextFile.row_name` and `_first_fault` then read the file
line by line to say where, so that a user's error costs time and a good file does not. What Arrow cannot take as it is
(another encoding, comments, members of archives) is cleaned here and handed over block by block.
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
from har_ray.data.own.formats.opening import compression, is_native, opened, owned
from har_ray.errors import DataError
from har_ray.text import counted

BLOCK_BYTES = 1 << 20
CUT_OFF = "; it is the last line: if the recording was cut off there, delete it"
APPENDED = "what stands above the names stands here again: another recording was appended; make it a file of its own"
LAST_BYTES = 1 << 14
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
        row = 0
        try:
            for batch in self._parsed(self._wanted(columns)):
                yield pa.record_batch(
                    [self._converted(batch[str(i)], i, type_, row) for i, type_ in columns.items()],
                    names=[str(i) for i in columns],
                )
                row += batch.num_rows
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error) or "Could not skip initial" in str(error):
                return  # no row below the names
            raise self._first_fault(columns) or DataError(f"{self.path}: cannot be read: {error}") from error

    def last(self, columns: Mapping[int, pa.DataType]) -> pa.RecordBatch | None:
        if not self._is_plain or compression(self.path):
            return None
        with opened(self.path) as file:
            file.seek(max(0, file.size() - LAST_BYTES))
            content = file.read()
        lines = content[content.find(b"\n") + 1 :]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(lines),
                pa.csv.ReadOptions(use_threads=False, column_names=[str(i) for i in range(len(self.names))]),
                pa.csv.ParseOptions(delimiter=_delimiter(self.layout)),
                self._wanted(columns),
            )
        except pa.ArrowInvalid:
            return None  # what is wrong there is said once it is read
        arrays = [self._converted(table[str(i)].combine_chunks(), i, type_, 0) for i, type_ in columns.items()]
        return pa.record_batch(arrays, names=[str(i) for i in columns])

    def cell(self, line: int, column: int) -> str:
        lines = islice(self._lines(replace(self.layout, comment="")), line - 1, line)
        fields = next(csv.reader(lines, delimiter=_delimiter(self.layout)), [])
        if len(fields) < column:
            raise DataError(f"{self.path}: line {line}: has no column {column}, only {len(fields)}")
        return fields[column - 1].strip()

    def row_name(self, row: int) -> str:
        return f"line {next(islice(self._rows(), row, None))[0]}"

    def _wanted(self, columns: Mapping[int, pa.DataType]) -> pa.csv.ConvertOptions:
        layout = self.layout
        types = {str(i): TEXT if layout.thousands and type_ in (VALUE, TIME) else type_ for i, type_ in columns.items()}
        return pa.csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[f"{before}{word}" for word in layout.missing for before in ("", " ")],
            decimal_point=layout.decimal,
        )

    @property
    def _is_plain(self) -> bool:
        """Whether Arrow can take the file as it is."""
        layout = self.layout
        plain = layout.encoding in AS_UTF8 and layout.separator != WHITESPACE and not layout.comment + layout.line_end
        return plain and is_native(self.path)

    def _parsed(self, wanted: pa.csv.ConvertOptions) -> Iterator[pa.RecordBatch]:
        layout, skip = self.layout, self.layout.first_line - 1
        parsing = pa.csv.ParseOptions(delimiter=_delimiter(layout), newlines_in_values=True)
        # Arrow finds columns by name: by their position, names may be doubled.
        names = [str(i) for i in range(len(self.names))]
        if self._is_plain:
            how_read = pa.csv.ReadOptions(use_threads=False, column_names=names, skip_rows=skip)
            with opened(self.path) as file, pa.csv.open_csv(file, how_read, parsing, wanted) as reader:
                yield from reader
            return
        for block in self._blocks(layout):
            lines = io.StringIO(block, newline="")
            skip -= sum(1 for _ in islice(lines, skip))
            if (rest := lines.read()).strip():
                content = owned(rest.encode(errors="surrogateescape"))
                how_read = pa.csv.ReadOptions(use_threads=False, column_names=names, block_size=len(content))
                yield from pa.csv.read_csv(pa.BufferReader(content), how_read, parsing, wanted).to_batches()

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

    def _blocks(self, layout: TextLayout) -> Iterator[str]:
        """The text in blocks of whole lines, cleaned; bytes that are no text are U+DC80 to U+DCFF."""
        # UTF-16 and UTF-32 cannot carry bytes that are no text; single bytes come out as they went in.
        errors = "replace" if layout.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        decoder = codecs.getincrementaldecoder("utf-8-sig" if layout.encoding in AS_UTF8 else layout.encoding)(errors)
        rest = ""
        with opened(self.path) as file:
            while chunk := file.read(BLOCK_BYTES):
                known = rest + decoder.decode(chunk)
                end = _end_of_lines(known)
                rest = known[end:]
                yield clean(known[:end], layout.separator, layout.comment, layout.line_end)
        yield clean(rest + decoder.decode(b"", final=True), layout.separator, layout.comment, layout.line_end)

    def _lines(self, layout: TextLayout) -> Iterator[str]:
        return (line for block in self._blocks(layout) for line in io.StringIO(block, newline=""))

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row with the number of its line, the slow way."""
        before = self.layout.first_line - 1
        rows = csv.reader(islice(self._lines(self.layout), before, None), delimiter=_delimiter(self.layout))
        return ((before + rows.line_num, fields) for fields in rows if fields)

    def _above_names(self) -> list[list[str]]:
        lines = islice(self._lines(self.layout), (self.layout.header_line or 1) - 1)
        return [fields for fields in csv.reader(lines, delimiter=_delimiter(self.layout)) if fields]

    def _first_fault(self, columns: Mapping[int, pa.DataType], row: int = 0) -> DataError | None:
        """What is wrong with the first faulty row, from `row` on."""
        rows = islice(self._rows(), row, None)
        for line, fields in rows:
            fault = None
            if not "".join(fields).strip("\0"):
                fault = "zero bytes, as a logger leaves behind that loses power; cut them off"
            elif len(fields) != len(self.names):
                is_last = next(rows, None) is None
                fault = f"{counted(len(fields), 'field')}, expected {len(self.names)}" + CUT_OFF * is_last
                fault = APPENDED if fields in self._above_names() else fault
            elif [field.strip() for field in fields] == list(self.names):
                begins = _delimiter(self.layout).join(fields[:2])
                fault = f"the names of the columns again; format: {{comment: {begins!r}}} leaves such lines out"
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
        fault = not_a_number(position, self.names[position], field)
        if type_ == TIME and not NUMBER.fullmatch(field):
            return f"{fault}; for dates and times of day say time: {{format: ...}}"
        if not NUMBER.fullmatch(field):
            return f"{fault}; if that stands for a missing one, say format: {{missing: [{field!r}]}}"
        if set(field) & (set(",.' ") - {self.layout.decimal}) and not self.layout.thousands:
            return f"{fault}; see format.decimal (here {self.layout.decimal!r}) and format.thousands"
        return fault


def _end_of_lines(text: str) -> int:
    """Up to where whole lines go: not between the two signs of a line's end, nor within quotes."""
    end = max(text.rfind(newline, 0, len(text) - 1) for newline in "\r\n") + 1
    if text.endswith("\n"):
        end = len(text)
    if text.count('"', 0, end) % 2:
        quote = text.rfind('"', 0, end)
        # A quote with no line's end before it is no opening one, or opens more than a block.
        end = max(text.rfind(newline, 0, quote) for newline in "\r\n") + 1 or end
    return end


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
