"""Spreadsheets: Excel and OpenDocument. A sheet is read as a whole; it has a million rows at most."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.detection import detect_cells
from har_ray.data.own.formats.head import HEAD_LINES
from har_ray.data.own.formats.kinds import DataFile, NotANumber, from_values
from har_ray.data.own.formats.opening import opened
from har_ray.errors import DataError, unknown

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


class ExcelFile(DataFile):
    """A sheet of a spreadsheet; cells hold text, numbers or time stamps.

    Attributes:
        sheets: the names of all.
    """

    def __init__(self, path: Path, spec: FileSpec) -> None:
        super().__init__(path)
        self.sheets, self.cells = _cells(path, spec.format.sheet)
        head = [[str(cell) for cell in row] for row in islice(self.cells, HEAD_LINES)]
        try:
            self.layout = detect_cells(head, spec)
        except ValueError as error:
            raise DataError(f"{path}: {error}") from error
        self.names = self.layout.names
        self.heading = f"row {self.layout.header_line}: " if self.layout.header_line else ""
        self.missing = self.layout.missing
        # Rows without anything in them hold no place, as empty lines of a text.
        self.rows = [
            i for i, row in enumerate(self.cells) if i + 1 >= self.layout.first_line and any(c != "" for c in row)
        ]

    def batches(self, columns: Mapping[int, pa.DataType]) -> Iterator[pa.RecordBatch]:
        if not self.rows:
            return
        arrays = []
        for i, type_ in columns.items():
            values = [self._cell(row, i) for row in self.rows]
            try:
                arrays.append(from_values(values, type_, i, self.names[i]))
            except NotANumber as error:
                raise DataError(f"{self.path}: {self.row_name(error.row)}: {error}") from error
        yield pa.record_batch(arrays, names=[str(i) for i in columns])

    def cell(self, line: int, column: int) -> str:
        if line > len(self.cells) or column > len(self.cells[line - 1]):
            raise DataError(f"{self.path}: row {line}: has no column {column}")
        return str(self.cells[line - 1][column - 1]).strip()

    def row_name(self, row: int) -> str:
        return f"row {self.rows[row] + 1}"

    def _cell(self, row: int, column: int) -> Any:
        cell = self.cells[row][column]
        return None if cell in self.missing else cell


def _cells(path: Path, sheet: str | int) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """All sheets by name; the cells from the sheet's first row and column on, `""` where they are empty."""
    import python_calamine as calamine

    with opened(path) as file:
        try:
            book = calamine.CalamineWorkbook.from_filelike(pa.BufferReader(file.read()))
        except (calamine.CalamineError, calamine.ZipError, calamine.XmlError, calamine.PasswordError) as error:
            raise DataError(f"{path}: cannot be read as a spreadsheet: {error}") from error
    names = book.sheet_names
    if sheet not in names and sheet not in range(1, len(names) + 1):
        raise DataError(f"{path}: {unknown('sheet', sheet, names)}")
    chosen = book.get_sheet_by_name(names[sheet - 1] if isinstance(sheet, int) else sheet)
    return names, chosen.to_python(skip_empty_area=False)
