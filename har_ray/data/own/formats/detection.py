"""How a text is laid out, found out from its first lines.

The columns that a descriptor names are the best evidence: the line that has them all names the columns, and the
separator is the one that makes such a line. Without them (columns by number, a first look at a file) it goes by where
numbers begin. What the descriptor says itself is never questioned.
"""

import codecs
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import takewhile

from har_ray.data.own.columns import ColumnPattern, matches
from har_ray.data.own.format import FileSpec, Format
from har_ray.data.own.formats.head import TAIL, Row, comment_of, lines_of, rows_of, separators_in, unmarked
from har_ray.data.own.formats.kinds import MISSING
from har_ray.data.own.formats.layout import TextLayout, encoding_of

MOST_UNIT_ROWS = 3

NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+|\d{1,3}([,.' ]\d{3})+([.,]\d+)?)([eE][-+]?\d+)?")
DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
THOUSANDS = {
    **{
        sign: re.compile(rf"[-+]?\d{{1,3}}({re.escape(sign)}\d{{3}})+{re.escape(point)}\d+")
        for sign, point in (",.", ".,")
    },
    **{sign: re.compile(rf"[-+]?\d{{1,3}}({sign}\d{{3}})+([.,]\d*)?") for sign in " '"},
}
"""Numbers whose digits are grouped by a sign, beyond doubt because another one is their decimal point, or cannot be."""
UNIT = re.compile(
    r"[\[(]?([munµ]?[sgTV]|m/s.*|deg.*|°.*|rad.*|dps|[kM]?Hz|no_units|CAL|RAW|counts?|LSB|%|-|text)[\])]?"
)
"""Units of measurement as vendors write them below the names of columns."""


def detect(head: bytes, whole: bool, spec: FileSpec) -> TextLayout:
    """The layout of a text that begins with `head`; `whole` says whether that is all of it.

    Raises:
        ValueError: it is no text, is empty, or ends before the line that should name the columns.
    """
    form = spec.format
    encoding = encoding_of(head) if form.encoding == "auto" else codecs.lookup(form.encoding).name
    lines = lines_of(head, whole, encoding)
    hint = re.fullmatch(r'"?sep=(.)"?', lines[0].rstrip("\r\n")) if lines else None
    if hint and form.separator == "auto":
        form = form.model_copy(update={"separator": hint[1]})
    comment = comment_of(lines) if form.comment == "auto" else "" if form.comment == "none" else form.comment
    separators = separators_in(lines) if form.separator == "auto" else [form.separator]
    first = 1 + bool(hint)
    views = [_view(lines[first - 1 :], first, separator, comment, form, spec) for separator in separators]
    return max(views, key=lambda view: view.score).layout(encoding)


def detect_cells(rows: Sequence[Sequence[str]], spec: FileSpec) -> TextLayout:
    """The layout of a sheet that begins with `rows`, whose lines are those of the sheet."""
    cut = [
        [field.strip() for field in row[: 1 + max((i for i, cell in enumerate(row) if cell), default=-1)]]
        for row in rows
    ]
    numbered = [Row(line, fields) for line, fields in enumerate(cut, 1) if fields]
    return _View(numbered, numbered, "", "", "", spec.format, spec).layout("")


class _View:
    """The head of a text, cut by one separator.

    Attributes:
        rows, commented: without and with comments.
        width: the number of fields of most of the last rows.
        numeric: the columns that hold numbers in these.
    """

    def __init__(
        self,
        rows: list[Row],
        commented: list[Row],
        separator: str,
        comment: str,
        line_end: str,
        form: Format,
        spec: FileSpec,
    ) -> None:
        self.rows, self.commented, self.separator, self.comment = rows, commented, separator, comment
        self.line_end, self.form, self.columns, self.above = line_end, form, spec.columns, spec.above
        self.missing = (*MISSING, *form.missing)

    @cached_property
    def tail(self) -> list[Row]:
        """The last rows, as far up as they are alike."""
        below = [row for row in self.rows if self.header is None or row.line > self.header.line][-TAIL:]
        widths = [len(row.fields) for row in below]
        width = max(widths[-5:], key=Counter(widths[-5:]).__getitem__, default=0)
        alike = list(takewhile(lambda row: len(row.fields) == width or row.line > below[-5:][0].line, reversed(below)))
        return [row for row in alike if len(row.fields) == width]

    @property
    def width(self) -> int:
        return len(self.tail[0].fields) if self.tail else 0

    @cached_property
    def numeric(self) -> list[int]:
        found = []
        for i in range(self.width):
            known = [row.fields[i] for row in self.tail if row.fields[i] not in self.missing]
            if sum(map(_is_number, known)) >= max(1, len(known) / 2):
                found.append(i)
        return found

    @cached_property
    def header(self) -> Row | None:
        """The line that the descriptor gives, or the first that has all columns which it names."""
        given = self.form.header_line
        if given == "none":
            return None
        if given != "auto":
            found = next((row for row in self.commented if row.line >= given), None)
            if found is None or found.line != given:
                raise ValueError(f"line {given}: expected the names of the columns, found nothing")
            return self._unmarked(found)
        named = {column for column in self.columns if not isinstance(column, int)}
        rows = map(self._unmarked, self.commented) if named else ()
        return next((row for row in rows if _has_all(row, named)), None)

    @property
    def score(self) -> tuple[bool, float, float]:
        """How well the separator fits: it finds the names, most fields are numbers, rows are alike."""
        named = self.form.header_line == "auto" and self.header is not None
        alike = len(self.tail) / max(1, len(self.rows[-TAIL:]))
        return named, alike * len(self.numeric) / max(1, self.width), alike * (self.width > 1)

    def layout(self, encoding: str) -> TextLayout:
        if not self.rows:
            raise ValueError("line 1: expected the names of the columns, found nothing")
        header = self.header
        if header is None and self.form.header_line == "auto":
            header = self._header_with_most() or self._header_by_numbers()
        rows = [row for row in self.rows if header is None or row.line > header.line]
        names = tuple(header.fields) if header else ("",) * (self.width or len(self.rows[-1].fields))
        return TextLayout(
            encoding=encoding,
            separator=self.separator,
            decimal=self._decimal(names, rows) if self.form.decimal == "auto" else self.form.decimal,
            thousands="" if self.form.thousands == "none" else self.form.thousands,
            comment=self.comment,
            line_end=self.line_end,
            header_line=header.line if header else None,
            first_line=self._first_line(header, rows),
            names=self._fitted(names),
            missing=self.missing,
        )

    def _unmarked(self, row: Row) -> Row:
        return unmarked(row, self.separator)

    def _is_data(self, row: Row) -> bool:
        """Whether most of the columns of numbers hold one, or nothing, and not nothing beside text."""
        fits = len(row.fields) >= self.width and row.line > self.above
        cells = [row.fields[i] for i in self.numeric] if fits else []
        numbers, missing = sum(map(_is_number, cells)), sum(cell in self.missing for cell in cells)
        return numbers + missing > len(cells) / 2 and (numbers > 0 or missing == len(cells))

    def _is_unit_row(self, row: Row) -> bool:
        cells = [row.fields[i] for i in self.numeric if i < len(row.fields)]
        return any(cell not in self.missing for cell in cells) and not any(map(_is_number, cells))

    def _header_with_most(self) -> Row | None:
        """The row that has most of the names, if it has half of them: the others are misspelt."""
        named = [column for column in self.columns if not isinstance(column, int)]
        known = [sum(bool(matches(column, self._unmarked(row).fields)) for column in named) for row in self.commented]
        best = max(known, default=0)
        return self._unmarked(self.commented[known.index(best)]) if named and best >= len(named) / 2 else None

    def _header_by_numbers(self) -> Row | None:
        """Of the rows above the first row of numbers, units aside, the one with the most different names."""
        if not self.numeric:
            return next(row for row in self.rows if len(row.fields) == (self.width or len(row.fields)))
        first = next((row.line for row in self.rows if self._is_data(row)), self.rows[-1].line)
        for rows in (self.rows, self.commented):
            above = [self._unmarked(row) for row in reversed(rows) if row.line < first]
            fitting = list(takewhile(self._may_be_names, above))[: 1 + MOST_UNIT_ROWS]
            if fitting:
                named = [row for row in fitting if not _are_units(row)] or fitting
                return max(named, key=lambda row: len(set(row.fields)))
        return None

    def _may_be_names(self, row: Row) -> bool:
        return len(self._fitted(tuple(row.fields))) == self.width and not any(map(_is_number, row.fields))

    def _first_line(self, header: Row | None, rows: Sequence[Row]) -> int:
        if self.form.skip != "auto":
            return (header.line if header else 0) + 1 + self.form.skip
        if header is None:
            return next((row.line for row in rows if self._is_data(row)), rows[0].line)
        units = list(takewhile(self._is_unit_row, rows[:MOST_UNIT_ROWS]))
        below = rows[len(units) :] if any(map(self._is_data, rows[len(units) :])) else rows
        return below[0].line if below else header.line + 1

    def _decimal(self, names: Sequence[str], rows: Iterable[Row]) -> str:
        """A comma, if it is in numbers of the columns that are wanted, and no point is."""
        if self.form.thousands in (",", "."):
            return ".,"[self.form.thousands == "."]
        wanted = {i for column in self.columns for i in matches(column, names)} & set(self.numeric) or self.numeric
        cells = [row.fields[i] for row in rows for i in wanted if i < len(row.fields)]
        comma = any(map(DECIMAL_COMMA.fullmatch, cells))
        return "," if comma and not any("." in cell and _is_number(cell) for cell in cells) else "."

    def _fitted(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """As many names as rows have fields, as far as those in excess are empty (a separator at each line's end)."""
        if len(names) > self.width > 0 and not any(names[self.width :]):
            return names[: self.width]
        if len(names) < self.width and not any(any(row.fields[len(names) :]) for row in self.tail):
            return names + ("",) * (self.width - len(names))
        return names


def _view(lines: Sequence[str], first: int, separator: str, comment: str, form: Format, spec: FileSpec) -> _View:
    commented = rows_of(lines, first, separator, "", "")
    rows = rows_of(lines, first, separator, comment, "") if comment else commented
    line_end = ";" if separator != ";" and _most_end_with(";", rows) else ""
    if line_end:
        rows = rows_of(lines, first, separator, comment, line_end)
    return _View(rows, commented, separator, comment, line_end, form, spec)


def _most_end_with(sign: str, rows: Sequence[Row]) -> bool:
    last = rows[-TAIL:]
    return sum(row.fields[-1].endswith(sign) for row in last) > len(last) / 2


def _has_all(row: Row, columns: Collection[str | int | ColumnPattern]) -> bool:
    """Whether a row names all columns, each a different one: patterns may fit a line of prose."""
    found = [matches(column, row.fields) for column in columns]
    return all(found) and len({i for some in found for i in some}) >= len(columns)


def _are_units(row: Row) -> bool:
    named = [field for field in row.fields if field]
    return sum(UNIT.fullmatch(field) is not None for field in named) > len(named) / 2


def _is_number(field: str) -> bool:
    return NUMBER.fullmatch(field) is not None
