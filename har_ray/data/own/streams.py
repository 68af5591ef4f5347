"""From one of a user's files to its streams: the rows of one subject and one recording, in the order of time.

Memory holds only consecutive rows of one subject in one file, and of these only the columns that a preset asks for.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.cleaning import changes, columns_of, runs
from har_ray.data.dataset import Rejects
from har_ray.data.own.clock import Clock, Stamps, rate_of_file
from har_ray.data.own.columns import Column
from har_ray.data.own.descriptor import Descriptor, Source, WordSource
from har_ray.data.own.files import VALUE, WORD, read_columns, row_name
from har_ray.data.own.format import FileSpec
from har_ray.data.own.intervals import IntervalFile, count_beyond, labels_at
from har_ray.data.own.paths import word_in
from har_ray.errors import DataError, unknown

MIN_STRETCH = 10
"""Consecutive rows of one subject, on average over a batch: with fewer, the file is not sorted by subject."""
Words = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """What reading takes.

    Attributes:
        legend: label → class or `NULL`; empty where labels do not matter.
        groups: by what `Dataset.locate` gives: the files that are read together, by the name of their source.
        intervals: what was labelled in each file, by its relative path, where labels are in files of intervals.
    """

    name: str
    folder: Path
    spec: Descriptor
    legend: Mapping[str, int]
    groups: Mapping[str, Mapping[str, Path]]
    intervals: Mapping[str, IntervalFile] = field(default_factory=dict)

    def relative(self, path: str | Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


@dataclass(frozen=True)
class TableFile:
    """One file of a table.

    Attributes:
        source: the name of the source that it is of.
        path, relative: where it is, and as `files` in the descriptor gives it.
        spec: how it is laid out.
    """

    table: Table
    source: str
    path: Path

    @property
    def relative(self) -> str:
        return self.table.relative(self.path)

    @property
    def name(self) -> str:
        """What tells it from all others, and from itself in another source."""
        return f"{self.source}: {self.relative}" if self.source else self.relative

    @property
    def spec(self) -> FileSpec:
        return self.table.spec.file_spec(self.source)

    @property
    def part(self) -> Source:
        return self.table.spec.parts[self.source]

    @property
    def is_labelled(self) -> bool:
        return self.source == next(iter(self.table.spec.parts))

    def row_name(self, row: int) -> str:
        return row_name(self.path, row, self.spec)

    def rate_hz(self) -> float | None:
        """As the descriptor or the file says; None where stamps tell."""
        return rate_of_file(self.path, self.relative, self.spec, self.table.spec.rate_hz)

    def factor(self, channel: str) -> float:
        """What the values of a channel are multiplied by to be in its unit."""
        column = self.part.channels[channel]
        rules = (rule.in_file for rule in self.table.spec.units if rule.holds(self.relative, channel))
        in_file = next(rules, column.in_file)
        return column.convertible(in_file) if in_file else 1.0


class Stream(NamedTuple):
    """Rows of one subject and one recording in order of time.

    Attributes:
        subject, recording: the words that say whose and which.
        first: the row of the file, from 0, that it begins with.
        x: float32 `[n, C]`, in the channels' units.
        labels: int16 `[n]`.
        t: seconds `[n]`, see `clock.py`.
        breaks: where time begins anew, `[n - 1]`.
    """

    subject: str
    recording: Words
    first: int
    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int16]
    t: npt.NDArray[np.float64]
    breaks: npt.NDArray[np.bool_]


class _Rows(NamedTuple):
    """Consecutive rows of one subject; `recording` holds the index of each row's words in `recordings`, `[n]`."""

    subject: str
    first: int
    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int16]
    stamps: npt.NDArray[np.float64]
    recording: npt.NDArray[np.intp]


class Reading:
    """A file that is being read.

    Attributes:
        file, channels: what is read of which file, in this order.
        clock: how it tells time.
        stamps: the kind of its stamps, without values, once rows have been read.
    """

    def __init__(self, file: TableFile, channels: Sequence[str]) -> None:
        """Raises `DataError` for an unknown channel, and where it cannot be found out how the file tells time."""
        columns_of(channels, dict.fromkeys(file.part.channels, 0), file.table.name)
        self.file, self.channels = file, channels
        self.clock = Clock.of(file.path, file.spec, file.part.time, file.rate_hz())
        self.stamps = Stamps(np.empty(0))
        self._recordings: dict[Words, int] = {}

    def streams(self, rejects: Rejects, batches: int | None = None) -> Iterator[Stream]:
        """All streams, or those of the first `batches` of the file.

        Raises:
            DataError: names the line of a fault.
        """
        span = (np.inf, -np.inf)
        for rows in _by_subject(self._parts(batches)):
            words = list(self._recordings)
            present = dict.fromkeys(rows.recording.tolist()) if len(words) > 1 else [0]
            for code in present:
                chosen = np.flatnonzero(rows.recording == code) if len(present) > 1 else np.arange(len(rows.x))
                stream = self._in_time(rows, words[code], chosen, rejects)
                if len(stream.t):
                    span = (min(span[0], stream.t.min()), max(span[1], stream.t.max()))
                yield stream
        if (intervals := self._intervals) and span[0] <= span[1]:
            count_beyond(intervals, span, self.file.path, rejects)

    @property
    def _intervals(self) -> IntervalFile | None:
        """Those that label the file; None where labels stand elsewhere, or do not matter."""
        table = self.file.table
        return table.intervals.get(self.file.relative) if table.legend else None

    def _in_time(self, rows: _Rows, words: Words, chosen: npt.NDArray[np.intp], rejects: Rejects) -> Stream:
        timed = self.clock.timed(self.stamps._replace(values=rows.stamps[chosen]), rejects)
        at = chosen[timed.rows]
        apart = np.diff(at) != 1
        whole = len(at) == len(rows.x) and not apart.any()
        x, labels = (rows.x, rows.labels) if whole else (rows.x[at], rows.labels[at])
        if intervals := self._intervals:
            t = timed.t - timed.t.min() if intervals.relative and len(timed.t) else timed.t
            labels = labels_at(t, intervals.intervals, self.file.table.legend, rejects)
        # Rows without stamps are known to follow each other only where they do so in the file.
        breaks = timed.breaks if self.clock.column else timed.breaks | apart
        return Stream(rows.subject, words, rows.first + int(chosen[0]), x, labels, timed.t, breaks)

    def _parts(self, batches: int | None) -> Iterator[_Rows]:
        """The rows of the file in parts of one subject."""
        file, spec = self.file, self.file.table.spec
        values: list[Column] = [file.part.channels[channel].column for channel in self.channels]
        factors = np.array([file.factor(channel) for channel in self.channels], dtype=np.float32)
        types: dict[Column, pa.DataType] = dict.fromkeys(values, VALUE) | dict.fromkeys(spec.words(file.source), WORD)
        if self.clock.time and self.clock.time.column:
            types[self.clock.time.column] = self.clock.type
        row = 0
        for batch in islice(read_columns(file.path, types, file.spec), batches):
            n = batch.num_rows
            columns = [batch[str(c)].to_numpy(zero_copy_only=False) for c in values]
            x = np.stack(columns, axis=1).astype(np.float32, copy=False) if columns else np.empty((n, 0), np.float32)
            if (factors != 1).any():
                x *= factors
            labels = self._labels(batch, row)
            self.stamps = self.clock.stamps(batch, row)
            recording = self._recording(batch, row)
            subjects, at = _words(batch, spec.subject, file.relative)
            stretches = runs(n, changes(at))
            if _is_unsorted(stretches, n):
                raise DataError(
                    f"{file.path}: from {file.row_name(row)} on: the subject changes {len(stretches) - 1} times in {n} "
                    f"rows; sort the rows by {spec.subject.column!r}, then by time"
                )
            for start, stop in stretches:
                part = slice(start, stop)
                stamps = self.stamps.values[part]
                yield _Rows(subjects[at[start]], row + start, x[part], labels[part], stamps, recording[part])
            row += n

    def _recording(self, batch: pa.RecordBatch, row: int) -> npt.NDArray[np.intp]:
        """Which recording each row of a batch that begins at `row` is of, an index of `_recordings`, `[n]`."""
        n, said = batch.num_rows, self.file.table.spec.recording
        found = [_words(batch, one, self.file.relative) for one in said]
        codes = np.stack([at for _, at in found], axis=1) if found else np.zeros((n, 0), dtype=np.intp)
        present, at = (
            np.unique(codes, axis=0, return_inverse=True) if found else (codes[:1], np.zeros(n, dtype=np.intp))
        )
        known = [
            self._recordings.setdefault(
                tuple(words[code] for (words, _), code in zip(found, row_codes, strict=True)), len(self._recordings)
            )
            for row_codes in present
        ]
        recording = np.array(known, dtype=np.intp)[at.reshape(-1)]
        if self.clock.column is None and _is_unsorted(stretches := runs(n, changes(recording)), n):
            raise DataError(
                f"{self.file.path}: from {self.file.row_name(row)} on: the recording changes {len(stretches) - 1} "
                f"times in {n} rows; only with time stamps, time: {{column: ...}}, can recordings be interleaved"
            )
        return np.asarray(recording)

    def _labels(self, batch: pa.RecordBatch, row: int) -> npt.NDArray[np.int16]:
        """The labels `[n]` of a batch that begins at `row`."""
        legend, label = self.file.table.legend, self.file.table.spec.label
        if not legend or label.intervals or (label.column is not None and not self.file.is_labelled):
            return np.zeros(batch.num_rows, dtype=np.int16)
        words, at = _words(batch, label, self.file.relative)
        unclear = [i for i, word in enumerate(words) if word not in legend]
        if unclear:
            fault = unknown("label", words[unclear[0]], filter(None, legend))
            where = self.file.row_name(row + int(np.argmax(at == unclear[0])))
            raise DataError(f"{self.file.path}: {where}: {fault}")
        coded: npt.NDArray[np.int16] = np.array([legend[word] for word in words], dtype=np.int16).take(at)
        return coded


def _words(batch: pa.RecordBatch, source: WordSource, relative: str) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Words, and the index of each row's word among them, `[n]`."""
    if source.column is None:
        return [word_in(relative, source.pattern or "") or ""], np.zeros(batch.num_rows, dtype=np.intp)
    column = batch[str(source.column)]
    return [word.strip() for word in column.dictionary.to_pylist()], column.indices.to_numpy()


def _is_unsorted(stretches: Sequence[tuple[int, int]], n: int) -> bool:
    return len(stretches) > max(MIN_STRETCH, n / MIN_STRETCH)


def _by_subject(parts: Iterator[_Rows]) -> Iterator[_Rows]:
    """Consecutive parts of the same subject, joined."""
    joined: list[_Rows] = []
    for part in parts:
        if joined and part.subject != joined[0].subject:
            yield _concatenated(joined)
            joined = []
        joined.append(part)
    if joined:
        yield _concatenated(joined)


def _concatenated(parts: Sequence[_Rows]) -> _Rows:
    arrays = (np.concatenate([part[column] for part in parts]) for column in range(2, 6))
    return _Rows(parts[0].subject, parts[0].first, *arrays)
