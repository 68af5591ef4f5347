"""From one of a user's files to its rows: those of one subject that follow each other, in the order of the file.

Memory holds only these, and of them only the columns that a preset asks for.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.cleaning import changes, runs
from har_ray.data.dataset import NULL
from har_ray.data.own.clock import Clock, Stamps
from har_ray.data.own.columns import Column
from har_ray.data.own.files import VALUE, WORD, last_rows, read_columns
from har_ray.data.own.paths import word_in
from har_ray.data.own.table import TableFile
from har_ray.data.own.words import LastingLabels, WordSource
from har_ray.errors import DataError, unknown

MIN_STRETCH = 10
"""Consecutive rows of one subject, on average over a batch: with fewer, the file is not sorted by subject."""
MOST_RECORDINGS = 1000
"""A column with more distinct values holds time stamps or readings, not recordings."""

Words = tuple[str, ...]


class Rows(NamedTuple):
    """Consecutive rows of one subject.

    Attributes:
        first: the row of the file, from 0, that they begin with.
        x: float32 `[n, C]`, in the channels' units.
        labels: int16 `[n]`.
        stamps: as `Stamps.values`, `[n]`.
        recording: of each row, an index into `RowReader.recordings`, `[n]`.
    """

    subject: str
    first: int
    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int16]
    stamps: npt.NDArray[np.float64]
    recording: npt.NDArray[np.intp]


class RowReader:
    """A file whose rows are being read.

    Attributes:
        stamps: the kind of its stamps, without values, once rows have been read.
    """

    def __init__(self, file: TableFile, channels: Sequence[str], clock: Clock) -> None:
        self.file, self.channels, self.clock = file, channels, clock
        self.stamps = Stamps(np.empty(0))
        self._recordings: dict[Words, int] = {}
        self._batches: Iterator[pa.RecordBatch] = iter(())

    @property
    def recordings(self) -> list[Words]:
        """The words that told recordings apart in the rows read so far."""
        return list(self._recordings)

    def by_subject(self, batches: int | None = None) -> Iterator[Rows]:
        """Consecutive rows of the same subject, in all of the file or in its first `batches`.

        Raises:
            DataError: names the line of a fault.
        """
        joined: list[Rows] = []
        for part in self._parts(batches):
            if joined and part.subject != joined[0].subject:
                yield _concatenated(joined)
                joined = []
            joined.append(part)
        if joined:
            yield _concatenated(joined)

    def has_more(self) -> bool:
        """Whether rows follow those that have been read; reads them."""
        return any(batch.num_rows for batch in islice(self._batches, 1))

    def last_stamps(self) -> Stamps | None:
        """Those of the last rows, if they can be had without reading the file up to there; else None."""
        if not self.clock.types:
            return None
        rows = self.file.part.rows
        batch = last_rows(self.file.path, self.clock.types | (rows.types if rows else {}), self.file.spec)
        if batch is None:
            return None
        batch, numbers = self._kept(batch, 0)
        return self.clock.stamps(batch, numbers) if len(numbers) else None

    def _parts(self, batches: int | None) -> Iterator[Rows]:
        """The same, those that reach from one batch into the next in parts."""
        row, lasting = 0, self._lasting()
        self._batches = read_columns(self.file.path, self._types(), self.file.spec)
        for read in islice(self._batches, batches):
            every = lasting.filled(read) if lasting else read
            batch, numbers = self._kept(every, row)
            row += every.num_rows
            if not len(numbers):
                continue
            x, labels, recording = self._values(batch), self._labels(batch, numbers), self._recording(batch, numbers)
            self.stamps = self.clock.stamps(batch, numbers)
            subjects, at = _words(batch, self.file.table.spec.subject, self.file.relative)
            for start, stop in self._stretches(at, numbers):
                part = slice(start, stop)
                stamps = self.stamps.values[part]
                yield Rows(subjects[at[start]], int(numbers[start]), x[part], labels[part], stamps, recording[part])

    def _lasting(self) -> LastingLabels | None:
        """Of labels in a column that last until the next one; None for others."""
        spec = self.file.table.spec
        if spec.label.until_next and spec.label.column is not None and self.file.is_labelled:
            return LastingLabels(spec.label.column, spec.subject.column)
        return None

    def _kept(self, batch: pa.RecordBatch, row: int) -> tuple[pa.RecordBatch, npt.NDArray[np.intp]]:
        """Of a batch that begins at `row` the rows of the source, and their numbers in the file, `[n]`."""
        numbers, wanted = np.arange(row, row + batch.num_rows), self.file.part.rows
        if wanted is None:
            return batch, numbers
        kept = wanted.of(batch)
        return batch.take(pa.array(kept)), numbers[kept]

    @property
    def _columns(self) -> list[Column]:
        """Those of the channels."""
        return [self.file.part.channels[channel].column for channel in self.channels]

    def _types(self) -> dict[Column, pa.DataType]:
        rows = self.file.part.rows
        words = dict.fromkeys(self.file.table.spec.words(self.file.source), WORD)
        return dict.fromkeys(self._columns, VALUE) | (rows.types if rows else {}) | words | self.clock.types

    def _values(self, batch: pa.RecordBatch) -> npt.NDArray[np.float32]:
        """The channels, `[n, C]`, in their units."""
        columns = [batch[str(column)].to_numpy(zero_copy_only=False) for column in self._columns]
        if not columns:
            return np.empty((batch.num_rows, 0), np.float32)
        x = np.stack(columns, axis=1).astype(np.float32, copy=False)
        factors = np.array([self.file.factor(channel) for channel in self.channels], dtype=np.float32)
        if (factors != 1).any():
            x *= factors
        return x

    def _stretches(self, subject: npt.NDArray[np.intp], numbers: npt.NDArray[np.intp]) -> list[tuple[int, int]]:
        """Where each subject begins and ends in a batch of these rows of the file."""
        stretches, n = runs(len(subject), changes(subject)), len(subject)
        if _is_unsorted(stretches, n):
            raise DataError(
                f"{self.file.path}: from {self.file.row_name(int(numbers[0]))} on: the subject changes "
                f"{len(stretches) - 1} times in {n} rows; sort the rows by "
                f"{self.file.table.spec.subject.column!r}, then by time"
            )
        return stretches

    def _recording(self, batch: pa.RecordBatch, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Which recording each row of a batch of these rows of the file is of, an index of `_recordings`, `[n]`."""
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
        if len(self._recordings) > MOST_RECORDINGS:
            columns = " and ".join(repr(one.column) for one in said if one.column)
            raise DataError(
                f"{self.file.path}: recording: column {columns} tells over {MOST_RECORDINGS:,} recordings apart; "
                "expected few words"
            )
        recording = np.array(known, dtype=np.intp)[at.reshape(-1)]
        if not self.clock.types and _is_unsorted(stretches := runs(n, changes(recording)), n):
            raise DataError(
                f"{self.file.path}: from {self.file.row_name(int(numbers[0]))} on: the recording changes "
                f"{len(stretches) - 1} times in {n} rows; only with time stamps, time: {{column: ...}}, can recordings "
                "be interleaved"
            )
        return np.asarray(recording)

    def _labels(self, batch: pa.RecordBatch, numbers: npt.NDArray[np.intp]) -> npt.NDArray[np.int16]:
        """The labels `[n]` of a batch of these rows of the file."""
        legend, label = self.file.table.legend, self.file.table.spec.label
        if not legend or label.intervals or (label.column is not None and not self.file.is_labelled):
            return np.zeros(batch.num_rows, dtype=np.int16)
        words, at = _words(batch, label, self.file.relative)
        unclear = [i for i in np.flatnonzero(np.bincount(at)).tolist() if words[i] not in legend]
        if unclear:
            fault = unknown("label", words[unclear[0]], filter(None, legend))
            where = self.file.row_name(int(numbers[np.argmax(at == unclear[0])]))
            raise DataError(f"{self.file.path}: {where}: {fault}")
        coded: npt.NDArray[np.int16] = np.array([legend.get(word, NULL) for word in words], dtype=np.int16).take(at)
        return coded


def _words(batch: pa.RecordBatch, source: WordSource, relative: str) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Words, and the index of each row's word among them, `[n]`."""
    if source.column is None:
        return [word_in(relative, source.pattern or "") or ""], np.zeros(batch.num_rows, dtype=np.intp)
    column = batch[str(source.column)]
    return [word.strip() for word in column.dictionary.to_pylist()], column.indices.to_numpy()


def _is_unsorted(stretches: Sequence[tuple[int, int]], n: int) -> bool:
    return len(stretches) > max(MIN_STRETCH, n / MIN_STRETCH)


def _concatenated(parts: Sequence[Rows]) -> Rows:
    arrays = (np.concatenate([part[column] for part in parts]) for column in range(2, 6))
    return Rows(parts[0].subject, parts[0].first, *arrays)
