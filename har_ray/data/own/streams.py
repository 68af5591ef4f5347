"""From one of a user's files to its streams: the rows of one subject and one recording, in the order of time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.cleaning import changes, columns_of, runs
from har_ray.data.dataset import Rejects
from har_ray.data.own.clock import SINCE_1970_S, Clock, Stamps, Timed
from har_ray.data.own.intervals import IntervalFile
from har_ray.data.own.labelling import count_beyond, labels_at
from har_ray.data.own.rows import RowReader, Rows, Words
from har_ray.data.own.table import TableFile


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


class Reading:
    """A file that is being read.

    Attributes:
        file, channels: what is read of which file, in this order.
        clock: how it tells time.
    """

    def __init__(self, file: TableFile, channels: Sequence[str]) -> None:
        """Raises `DataError` for an unknown channel, and where it cannot be found out how the file tells time."""
        columns_of(channels, dict.fromkeys(file.part.channels, 0), file.table.name)
        self.file, self.channels = file, channels
        self.clock = Clock.of(file.path, file.spec, file.part.time, file.rate_hz())
        self._rows = RowReader(file, channels, self.clock)

    @property
    def stamps(self) -> Stamps:
        """The kind of its stamps, without values, once rows have been read."""
        return self._rows.stamps

    def streams(self, rejects: Rejects, batches: int | None = None) -> Iterator[Stream]:
        """All streams, or those of the first `batches` of the file.

        Raises:
            DataError: names the line of a fault.
        """
        intervals, spans = self._intervals, dict[str, tuple[float, float]]()
        several = bool(intervals and intervals.subjects)
        for rows in self._rows.by_subject(batches):
            words = self._rows.recordings
            order = np.argsort(rows.recording, kind="stable")
            for start, stop in runs(len(order), changes(rows.recording[order])):
                chosen = order[start:stop]
                stream = self._in_time(rows, words[rows.recording[chosen[0]]], chosen, rejects)
                if len(stream.t):
                    whose = stream.subject if several else ""
                    first, last = spans.get(whose, (np.inf, -np.inf))
                    spans[whose] = (min(first, stream.t.min()), max(last, stream.t.max()))
                yield stream
        if intervals and spans:
            goes_on = batches is not None and self._rows.has_more()
            for whose, span in spans.items():
                until = (span[0], self._end(span) if goes_on else span[1])
                count_beyond(intervals.of(whose), until, self.file.path, rejects)

    def _end(self, span: tuple[float, float]) -> float:
        """When a file ends that goes on after this span; infinite where that is not known.

        It is by the last stamp alone, which says nothing where a clock may begin again.
        """
        stamps = self._rows.last_stamps() if span[0] > SINCE_1970_S else None
        last = self._timed(stamps, Rejects()).t.max(initial=-np.inf) if stamps else -np.inf
        return float(last) if last > span[1] else np.inf

    def _timed(self, stamps: Stamps, rejects: Rejects) -> Timed:
        """By the clock of all sources."""
        timed, time = self.clock.timed(stamps, rejects), self.file.part.time
        offset_s = time.offset_of(self.file.relative) if time else 0
        return timed._replace(t=timed.t + offset_s) if offset_s else timed

    @property
    def _intervals(self) -> IntervalFile | None:
        """Those that label the file; None where labels stand elsewhere, or do not matter."""
        table = self.file.table
        return table.intervals.get(self.file.relative) if table.legend else None

    def _in_time(self, rows: Rows, words: Words, chosen: npt.NDArray[np.intp], rejects: Rejects) -> Stream:
        timed = self._timed(self.stamps._replace(values=rows.stamps[chosen]), rejects)
        at = chosen[timed.rows]
        apart = np.diff(at) != 1
        whole = len(at) == len(rows.x) and not apart.any()
        x, labels = (rows.x, rows.labels) if whole else (rows.x[at], rows.labels[at])
        if intervals := self._intervals:
            t = _since_first(timed.t) if intervals.relative else timed.t
            labels = labels_at(t, intervals.of(rows.subject).intervals, self.file.table.legend, rejects)
        # Rows without stamps are known to follow each other only where they do so in the file.
        breaks = timed.breaks if self.clock.types else timed.breaks | apart
        return Stream(rows.subject, words, rows.first + int(chosen[0]), x, labels, timed.t, breaks)


def _since_first(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Seconds since the first sample, in whole microseconds: those since 1970 are known no better in a float64, and a
    sample at the very start of an interval must not come before it.
    """
    return np.round(t - t.min(), 6) if len(t) else t
