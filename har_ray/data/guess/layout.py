"""Which files there are, and what is in the first rows of each."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from glob import escape, glob
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.cleaning import natural_key
from har_ray.data.own.columns import Column, ColumnPattern
from har_ray.data.own.files import TEXT, WORD, column_names, read_cell, read_columns, text_layout
from har_ray.data.own.format import AUTO, FileSpec, Format
from har_ray.data.own.formats.detection import THOUSANDS, UNIT
from har_ray.data.own.formats.layout import TextLayout
from har_ray.data.own.formats.opening import ARCHIVE, with_members
from har_ray.data.own.words import RowSource
from har_ray.errors import DataError

ROWS = 5_000
"""Of each file, so many are looked at: a minute of most recordings."""
NO_RECORDINGS = (".yaml", ".yml", ".eaf", ".pfsx", ".pdf", ".png", ".jpg", ".mp4", ".mov", ".py", ".md")
"""Suffixes of what lies beside recordings."""
MOSTLY = 0.5
"""A column of numbers holds them in more than so many of its rows that are not empty."""


class NoRows(DataError):
    """A file has no row."""


@dataclass(frozen=True)
class ColumnHead:
    """The first rows of a column.

    Attributes:
        reference: its name, or its number from 1 where that is no name of it alone; see `with_shared_columns`.
        name: as it stands in the file, or nothing.
        group: what stands above the name, of this column and those after it: where a sensor is worn.
        unit: what a row of units below the names says.
        numbers: `[n]`, NaN where there is none; None for a column of text or time stamps.
        words: `[n]` as written, `""` where there is none.
        dates: whether values are time stamps by type.
        lasting: whether words stand, in the file, only where they begin; here they are in all rows that they last for.
    """

    reference: Column
    name: str
    group: str
    unit: str
    numbers: npt.NDArray[np.float64] | None
    words: tuple[str, ...]
    dates: bool = False
    lasting: bool = False

    @property
    def distinct(self) -> list[str]:
        """The words, in the order of first mention."""
        return list(dict.fromkeys(self.words))

    @property
    def stretch(self) -> float:
        """Over how many rows a word stays, on average."""
        changes = sum(a != b for a, b in pairwise(self.words))
        return len(self.words) / (1 + changes)

    def rows(self, at: Sequence[int]) -> "ColumnHead":
        """Those at these places."""
        numbers = None if self.numbers is None else self.numbers[list(at)]
        return replace(self, numbers=numbers, words=tuple(self.words[i] for i in at))

    @property
    def known(self) -> float:
        """The share of rows with a number."""
        return 0.0 if self.numbers is None else float(np.isfinite(self.numbers).mean())


@dataclass(frozen=True)
class Head:
    """The first rows of a file.

    Attributes:
        relative: its path as a descriptor gives it.
        columns: in order.
        preamble: the lines above the names.
        format: what must be said for it to be read so.
        only: whose rows these are, where those of several sensors are in the file.
    """

    path: Path
    relative: str
    columns: tuple[ColumnHead, ...]
    preamble: tuple[str, ...]
    format: Format
    only: RowSource | None = None

    @property
    def rows(self) -> int:
        return len(self.columns[0].words) if self.columns else 0

    @property
    def spec(self) -> FileSpec:
        return FileSpec(format=self.format)

    def column(self, reference: object) -> ColumnHead:
        return next(one for one in self.columns if one.reference == reference)

    def has(self, reference: object) -> bool:
        return any(one.reference == reference for one in self.columns)

    def rows_of(self, reference: Column, word: str) -> "Head":
        """The rows with this word in a column."""
        at = [i for i, one in enumerate(self.column(reference).words) if one == word]
        columns = tuple(one.rows(at) for one in self.columns)
        return replace(self, columns=columns, only=RowSource(column=reference, value=word))

    def rows_with(self, reference: Column) -> "Head":
        """The rows with a number in a column."""
        numbers = self.column(reference).numbers
        at = [] if numbers is None else np.flatnonzero(np.isfinite(numbers)).tolist()
        return replace(self, columns=tuple(one.rows(at) for one in self.columns), only=RowSource(column=reference))

    @property
    def told_by(self) -> tuple[Column, ...]:
        """The column whose words tell whose rows these are; none where it is one that only they fill."""
        return (self.only.column,) if self.only and self.only.value is not None else ()


def paths_of(given: Iterable[str]) -> list[Path]:
    """The files that are meant by paths, folders and globs, hidden ones left out, members of archives for these.

    Raises:
        DataError: a path or a glob names nothing.
    """
    found = dict[Path, None]()
    for one in given:
        path = Path(one)
        if path.is_dir():
            files = [Path(at) for at in glob(f"{escape(one)}/**", recursive=True) if Path(at).is_file()]  # noqa: PTH207
        else:
            files = [path] if path.is_file() else [Path(at) for at in glob(one, recursive=True)]  # noqa: PTH207
            files = [file for file in files if file.is_file()]
        if not files:
            raise DataError(f"{one}: no such file, and no folder or pattern with files")
        found |= dict.fromkeys(sorted(files, key=lambda file: natural_key(str(file))))
    archives = [path for path in found if path.suffix.lower() == ARCHIVE]
    plain = [path for path in found if path not in archives]
    return [*plain, *(with_members(archives, "*") if archives else ())]


def head_of(path: Path, root: Path, form: Format = AUTO) -> Head:
    """Raises DataError for what cannot be read, or has no rows; `form` is what is known of its layout."""
    spec = FileSpec(format=form)
    layout = text_layout(path, spec)
    names = column_names(path, spec)
    references: list[Column] = [name if name and names.count(name) == 1 else i for i, name in enumerate(names, 1)]
    columns = dict[Column, pa.Array](_read(path, references, spec))
    if layout and form == AUTO and _are_again(names, [columns.get(one) for one in references]):
        return head_of(path, root, AUTO.model_copy(update={"comment": layout.separator.join(names[:2])}))
    if layout and (sign := _grouping(columns.values(), layout)):
        form, layout = form.model_copy(update={"thousands": sign}), replace(layout, thousands=sign)
    preamble = tuple(_lines(path, spec, layout)) if layout else ()
    units = _units(path, spec, layout, len(names)) if layout else [""] * len(names)
    groups = _groups(path, spec, layout, len(names)) if layout else [""] * len(names)
    heads = [
        _column(reference, (name, group, unit), columns[reference], layout)
        for reference, name, group, unit in zip(references, names, groups, units, strict=True)
        if reference in columns
    ]
    relative = Path(os.path.relpath(path, root)).as_posix()
    return Head(path, relative, tuple(heads), preamble, form)


def _are_again(names: Sequence[str], columns: Sequence[pa.Array | None]) -> bool:
    """Whether a row holds the names of the columns, as where recordings were appended to a file."""
    if len(names) < 2 or not all(names) or any(one is None or one.type != TEXT for one in columns):
        return False
    return any(
        row == tuple(names) for row in zip(*(one.to_pylist() for one in columns if one is not None), strict=True)
    )


def _read(path: Path, references: Sequence[Column], spec: FileSpec) -> Iterator[tuple[Column, pa.Array]]:
    try:
        batch = next(iter(read_columns(path, dict.fromkeys(references, TEXT), spec)), None)
        found = dict(zip(references, batch.columns, strict=True)) if batch is not None and batch.num_rows else {}
    except DataError:
        found = {}
        for reference in references:  # some column is of a type that can only be words, or nothing at all
            try:
                batch = next(iter(read_columns(path, {reference: WORD}, spec)), None)
            except DataError:
                continue
            if batch is not None and batch.num_rows:
                found[reference] = batch.column(0).dictionary_decode()
        if not found:
            raise
    if not found:
        raise NoRows(f"{path}: no rows below the names of the columns")
    yield from ((reference, column[:ROWS]) for reference, column in found.items())


def _column(reference: Column, said: tuple[str, str, str], column: pa.Array, layout: TextLayout | None) -> ColumnHead:
    """A column that the lines about the names say this of: name, group and unit."""
    import pandas as pd

    if pa.types.is_timestamp(column.type):
        return ColumnHead(reference, *said, None, tuple(map(str, column.to_pylist())), dates=True)
    if pa.types.is_floating(column.type):
        numbers = column.to_numpy(zero_copy_only=False)
        return ColumnHead(reference, *said, numbers, tuple("" if np.isnan(v) else f"{v:.15g}" for v in numbers))
    words = tuple(word or "" for word in column.cast(TEXT).to_pylist())
    plain = pd.Series(words)
    if layout and layout.thousands:
        plain = plain.str.replace(layout.thousands, "", regex=False)
    if layout and layout.decimal != ".":
        plain = plain.str.replace(layout.decimal, ".", regex=False)
    found = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64)
    some = max(1, sum(map(bool, words)))
    return ColumnHead(reference, *said, found if np.isfinite(found).sum() > MOSTLY * some else None, words)


def _grouping(columns: Iterable[pa.Array], layout: TextLayout) -> str | None:
    """The sign that groups digits, if numbers hold it beyond doubt."""
    words = {word for column in columns if column.type == TEXT for word in column.unique().to_pylist() if word}
    signs = (sign for sign in THOUSANDS if sign != layout.decimal)
    return next((sign for sign in signs if any(map(THOUSANDS[sign].fullmatch, words))), None)


def _lines(path: Path, spec: FileSpec, layout: TextLayout) -> Iterator[str]:
    """Those above the names, or (where there are none) the first rows."""
    for line in range(1, layout.header_line or 3):
        cells = [cell for i in range(1, 1 + len(layout.names)) if (cell := _cell(path, spec, line, i)) is not None]
        yield ", ".join(cells)


def _units(path: Path, spec: FileSpec, layout: TextLayout, width: int) -> list[str]:
    for line in range((layout.header_line or layout.first_line) + 1, layout.first_line):
        row = [_cell(path, spec, line, i) or "" for i in range(1, 1 + width)]
        if any(UNIT.fullmatch(cell) for cell in row):
            return row
    return [""] * width


def _groups(path: Path, spec: FileSpec, layout: TextLayout, width: int) -> list[str]:
    """What a line of several names, with gaps between them, says right above the names of columns."""
    above = (layout.header_line or 1) - 1
    row = [_cell(path, spec, above, i) or "" for i in range(1, 1 + width)] if above else []
    if sum(map(bool, row)) < 2 or all(row[: sum(map(bool, row))]):
        return [""] * width
    groups = [""]
    for cell in row:
        groups.append(cell or groups[-1])
    return groups[1:]


def _cell(path: Path, spec: FileSpec, line: int, column: int) -> str | None:
    try:
        return read_cell(path, line, column, spec)
    except DataError:
        return None


def heads_of(paths: Sequence[Path], root: Path) -> tuple[list[Head], list[str], dict[str, str]]:
    """The heads of files, what is wrong with others, and which hold nothing, as `Parts.left_out`."""
    found, faults, empty = list[Head](), list[str](), dict[str, str]()
    for path in paths:
        try:
            found.append(head_of(path, root))
        except NoRows:
            empty[Path(os.path.relpath(path, root)).as_posix()] = "no rows below the names of the columns"
        except DataError as error:
            # JSON beside recordings holds settings or labels more often than not.
            faults += [] if path.suffix.lower() == ".json" else [str(error)]
    return found, faults, empty


def with_shared_columns(heads: Sequence[Head]) -> list[Head]:
    """Files of the same columns, those by a pattern whose names hold the number of a device, `Shimmer_01_Accel_X`, or
    are in capitals in some.
    """
    shared: dict[int, Column] = {}
    for i, column in enumerate(heads[0].columns):
        if any(head.columns[i].reference != column.reference for head in heads):
            literal = re.sub(r"\\([-_ /])", r"\1", re.escape(column.name))
            numbers = re.sub(r"\d+", lambda _: r"\d+", literal)
            capitals = any(_unnumbered(head.columns[i]) != _unnumbered(column) for head in heads)
            shared[i] = ColumnPattern(pattern=f"{'(?i)' * capitals}^{numbers}$")
    return [
        replace(
            head,
            columns=tuple(replace(one, reference=shared.get(i, one.reference)) for i, one in enumerate(head.columns)),
        )
        for head in heads
    ]


def _unnumbered(column: ColumnHead) -> str:
    return re.sub(r"\d+", "", column.name)
