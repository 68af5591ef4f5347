"""From one of a user's files to its recordings; see `dataset.py`.

A recording ends where the subject changes, where time leaps or runs backwards, and where a channel is missing for long.
Nothing is resampled: apart from jitter, time stamps must come at the rate that the descriptor names. Memory holds only
consecutive rows of one subject in one file, and of these only the columns that a preset asks for.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.cleaning import changes, columns_of, intact_runs, runs, time_breaks
from har_ray.data.dataset import Recording, Rejects
from har_ray.data.own.columns import Column
from har_ray.data.own.descriptor import UNITS_PER_S, Descriptor, TimeColumn
from har_ray.data.own.files import TIME, VALUE, WORD, read_columns, row_name
from har_ray.errors import DataError, unknown

READING = 1
"""`Dataset.reading` of own recordings; raise it when the same files come to give other recordings."""

MAX_STEPS = 3.5
"""A leap of time over this many sampling periods begins a new recording. Up to two lost samples, with half a period of
jitter, shift a window by 40 ms at 50 Hz, and no label is that exact; after more, what follows is no continuation."""
RATE_TOLERANCE = 0.05
"""Windows of 2 s that are 0.1 s off remain comparable; a wrong unit or a doubled rate is far outside."""
MAX_MISSING_S = 0.5
"""As for the datasets of the catalogue: a line may bridge half of the shortest published window, no more."""
MIN_STRETCH = 10
"""Consecutive rows of one subject, on average over a batch: with fewer, the file is not sorted by subject."""


@dataclass(frozen=True)
class Table:
    """What reading a file takes. `legend` is label → class or `NULL`."""

    name: str
    folder: Path
    spec: Descriptor
    legend: Mapping[str, int]

    def relative(self, path: str | Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


class _Rows(NamedTuple):
    """Consecutive rows of one subject: values float32 `[n, C]`, labels int16 `[n]`, time float64 `[n]` in periods."""

    subject: str
    first: int
    x: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int16]
    time: npt.NDArray[np.float64]


def read(
    table: Table, source: str, channels: Sequence[str], rejects: Rejects, batches: int | None = None
) -> Iterator[Recording]:
    """The recordings in a file, or in its first `batches`.

    Raises:
        DataError: names the line of a fault, or the rate of the time stamps where it is not the descriptor's.
    """
    path, number = Path(source), 0
    for rows in _by_subject(_parts(table, path, channels, batches)):
        rows = _timed(table, path, rows, rejects)
        breaks = time_breaks(rows.time, MAX_STEPS)
        for start, stop in intact_runs(rows.x, breaks, channels, table.spec.rate_hz, MAX_MISSING_S, rejects):
            yield Recording(
                name=f"{table.relative(path)}:{number}",
                subject=rows.subject,
                x=rows.x[start:stop],
                labels=rows.labels[start:stop],
                rate_hz=table.spec.rate_hz,
            )
            number += 1


def _parts(table: Table, path: Path, channels: Sequence[str], batches: int | None) -> Iterator[_Rows]:
    """The rows of a file in parts of one subject."""
    spec, relative = table.spec, table.relative(path)
    columns_of(channels, dict.fromkeys(spec.channels, 0), table.name)
    values: list[Column] = [spec.channels[channel].column for channel in channels]
    types: dict[Column, pa.DataType] = dict.fromkeys(values, VALUE) | dict.fromkeys(spec.words, WORD)
    if spec.time:
        types[spec.time.column] = TIME
    row = 0
    for batch in islice(read_columns(path, types, spec.file_spec), batches):
        n = batch.num_rows
        x = np.stack([batch[str(c)].to_numpy(zero_copy_only=False) for c in values], axis=1).astype(
            np.float32, copy=False
        )
        labels = _labels(table, path, batch, row)
        time = np.arange(row, row + n, dtype=np.float64)
        if spec.time:
            stamps, unit = batch[str(spec.time.column)], spec.time.unit
            if pa.types.is_timestamp(stamps.type):
                stamps, unit = stamps.cast(pa.int64()), "ns"
            time = stamps.to_numpy(zero_copy_only=False) * (spec.rate_hz / UNITS_PER_S[unit])
        subjects, at = _column(batch, spec.subject.column, spec.subject.pattern, relative)
        stretches = runs(n, changes(at))
        if len(stretches) > max(MIN_STRETCH, n / MIN_STRETCH):
            raise DataError(
                f"{path}: from {row_name(path, row, spec.file_spec)} on: "
                f"the subject changes {len(stretches) - 1} times in {n} rows; "
                f"sort the rows by {spec.subject.column!r}, then by time"
            )
        for start, stop in stretches:
            part = slice(start, stop)
            yield _Rows(subjects[at[start]], row + start, x[part], labels[part], time[part])
        row += n


def _column(
    batch: pa.RecordBatch, column: Column | None, pattern: str | None, relative: str
) -> tuple[list[str], npt.NDArray[np.intp]]:
    """Words, and the index of each row's word among them, `[n]`."""
    if column is None:
        match = re.search(pattern or "", relative)
        return [match[1] if match else ""], np.zeros(batch.num_rows, dtype=np.intp)
    return [word.strip() for word in batch[str(column)].dictionary.to_pylist()], batch[str(column)].indices.to_numpy()


def _labels(table: Table, path: Path, batch: pa.RecordBatch, row: int) -> npt.NDArray[np.int16]:
    """The labels `[n]` of a batch that begins at `row`."""
    label = table.spec.label
    words, at = _column(batch, label.column, label.pattern, table.relative(path))
    unclear = [i for i, word in enumerate(words) if word not in table.legend]
    if unclear:
        fault = unknown("label", words[unclear[0]], filter(None, table.legend))
        raise DataError(
            f"{path}: {row_name(path, row + int(np.argmax(at == unclear[0])), table.spec.file_spec)}: {fault}"
        )
    coded: npt.NDArray[np.int16] = np.array([table.legend[word] for word in words], dtype=np.int16).take(at)
    return coded


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
    x, labels, time = (np.concatenate([part[column] for part in parts]) for column in (2, 3, 4))
    return _Rows(parts[0].subject, parts[0].first, x, labels, time)


def _timed(table: Table, path: Path, rows: _Rows, rejects: Rejects) -> _Rows:
    """The rows whose time is known; raises `DataError` unless their steps are what the descriptor says."""
    known = np.isfinite(rows.time)
    rejects.add("no time stamp", int((~known).sum()))
    if not known.all():
        rows = rows._replace(x=rows.x[known], labels=rows.labels[known], time=rows.time[known])
    steps = np.diff(rows.time)
    if table.spec.time is None or len(steps) < table.spec.rate_hz:  # less than a second says little about a rate
        return rows
    fault = _rate_fault(table.spec, table.spec.time, steps)
    if fault:
        raise DataError(f"{path}: from {row_name(path, rows.first, table.spec.file_spec)} on: {fault}")
    return rows


def _rate_fault(spec: Descriptor, time: TimeColumn, steps: npt.NDArray[np.float64]) -> str | None:
    """What is wrong with time stamps, given the `steps` between them in periods; or None."""
    forward = steps[steps >= 0]
    if len(forward) < len(steps) / 2:
        return f"{time.column!r} runs backwards at {len(steps) - len(forward)} of {len(steps)} rows; sort them by time"
    # The mean, not the median: stamps in whole milliseconds have no step of the right length.
    step = float(forward[forward <= MAX_STEPS * max(1.0, float(np.median(forward)))].mean())
    if step == 0:
        return f"{time.column!r} does not advance"
    if abs(step - 1) <= RATE_TOLERANCE:
        return None
    fault = f"{time.column!r} says {spec.rate_hz / step:.4g} Hz, rate_hz is {spec.rate_hz:g}"
    for unit, per_s in UNITS_PER_S.items():
        if abs(step * UNITS_PER_S[time.unit] / per_s - 1) <= RATE_TOLERANCE:
            return f"{fault}; they agree if the unit is {unit}, not {time.unit}"
    return f"{fault}; over {RATE_TOLERANCE:.0%} apart; set rate_hz to the rate found, or a unit other than {time.unit}"
