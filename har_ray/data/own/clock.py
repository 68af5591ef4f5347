"""The clock of a file: which format its stamps are of, and the time in seconds that they tell.

Its seconds count from 1970 where stamps are dates, or the start is one, else from wherever the device's counter does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.dataset import Rejects
from har_ray.data.own.columns import Column
from har_ray.data.own.files import TEXT, TIME, read_cell, read_columns, row_name
from har_ray.data.own.format import FileSpec
from har_ray.data.own.formats.detection import NUMBER
from har_ray.data.own.order import sorted_rows, spread, unwound, wraps_at
from har_ray.data.own.paths import word_in
from har_ray.data.own.stamps import dated, formats_of, from_days, has_date, parsed, to_utc, typed
from har_ray.data.own.timing import AUTO, DAY_S, EXCEL, UNITS_PER_S, Cell, RateSource, StartCell, Time
from har_ray.errors import DataError

Numbers = npt.NDArray[np.float64]

SINCE_1970_S = 1e9
"""Seconds since 1970 exceed this from 2001 on; other clocks count from when a device was switched on."""
YEAR_S = 365 * DAY_S
SHOWN = 3
"""How many formats that stamps may be of an error lists."""


class Stamps(NamedTuple):
    """Of rows: counts of a number's unit, or seconds since 1970; NaN where there is none. `[n]`

    Attributes:
        dates: whether they are dates and times, or times of day, not counts.
        zoned: whether they say their zone.
    """

    values: Numbers
    dates: bool = False
    zoned: bool = False


class Timed(NamedTuple):
    """Rows in the order of time.

    Attributes:
        rows: their indices, `[m]`.
        t: seconds, `[m]`.
        breaks: where time begins anew although the seconds may not show it, `[m - 1]`.
    """

    rows: npt.NDArray[np.intp]
    t: Numbers
    breaks: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Clock:
    """How one file tells time.

    Attributes:
        path, spec: the file and how it is laid out.
        time: as the descriptor says; None for rows at `rate_hz` from 0 on.
        rate_hz: of the rows, where the descriptor or the file says it.
        format: of stamps that are text; None for others.
        start_s: of the first row, where there is no column of stamps.
    """

    path: Path
    spec: FileSpec
    time: Time | None
    rate_hz: float | None
    format: str | None = None
    start_s: float = 0

    @classmethod
    def of(cls, path: Path, spec: FileSpec, time: Time | None, rate_hz: float | None) -> "Clock":
        """The clock of a file; raises DataError where stamps are of no known format, or of several."""
        if time is None:
            return cls(path, spec, None, rate_hz)
        if time.start is not None:
            return cls(path, spec, time, rate_hz, start_s=_start_s(path, spec, time, time.start))
        if time.format not in (AUTO, EXCEL):
            return cls(path, spec, time, rate_hz, time.format)
        return cls(path, spec, time, rate_hz, _format_found(path, spec, time))

    @property
    def types(self) -> dict[Column, pa.DataType]:
        """The columns that tell the time, and what they are to be read as; none where rows come at a rate."""
        return dict.fromkeys(self.time.columns if self.time else (), TEXT if self.format else TIME)

    def stamps(self, batch: pa.RecordBatch, numbers: npt.NDArray[np.intp]) -> Stamps:
        """Those of a batch of these rows of the file; raises DataError naming the line of one that is none."""
        if self.time is None or self.time.column is None:
            return Stamps(self.start_s + numbers / (self.rate_hz or 1), dates=True, zoned=True)
        column = _told(batch, self.time)
        if pa.types.is_timestamp(column.type):
            return Stamps(*typed(column)[:1], dates=True, zoned=column.type.tz is not None)
        if self.format is None:
            values = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
            excel = self.time.format == EXCEL
            return Stamps(from_days(values) if excel else values, dates=excel)
        if column.type != TEXT:
            raise DataError(f"{self.path}: column {self.time.name} holds numbers; leave out time.format, or say excel")
        times = parsed(column, self.format)
        if times.fault is not None:
            raise DataError(
                f"{self.path}: {row_name(self.path, int(numbers[times.fault]), self.spec)}: column {self.time.name} is "
                f"{column[times.fault].as_py()!r}, expected a time of the format {self.format!r}"
            )
        return Stamps(times.seconds, dates=True, zoned=times.zoned)

    def timed(self, stamps: Stamps, rejects: Rejects) -> Timed:
        """The rows of one device in order, given their stamps in the order of the file; counts those left out."""
        rows, t = np.arange(len(stamps.values)), stamps.values
        known = np.isfinite(t)
        if not known.all():
            rejects.add("no time stamp", int((~known).sum()))
            rows, t = rows[known], t[known]
        if self.time is None or not len(t):
            return Timed(rows, t, np.zeros(max(0, len(t) - 1), dtype=np.bool_))
        if (unset := _unset(t if stamps.dates else t * self.time.count_s)).any():
            rejects.add("row stamped 1970, by a clock that was not set", int(unset.sum()))
            rows, t = rows[~unset], t[~unset]
        t = self._seconds(t, stamps, rows)
        begins = np.empty(0, dtype=np.intp)
        if self.time.disorder_s:
            found = sorted_rows(t, self.time.disorder_s)
            rejects.add(f"row over {self.time.disorder_s:g} s late", found.late)
            rows, t, begins = rows[found.rows], t[found.rows], found.begins
        if self.time.packets:
            t = np.concatenate([spread(part) for part in np.split(t, begins)])
        breaks = np.zeros(max(0, len(t) - 1), dtype=np.bool_)
        breaks[begins - 1] = True
        return Timed(rows, t, breaks)

    def _seconds(self, t: Numbers, stamps: Stamps, rows: npt.NDArray[np.intp]) -> Numbers:
        time = self.time
        assert time is not None, "rows without stamps are in order"
        if not stamps.dates:
            limit = wraps_at(t) if time.wraps_at == AUTO else None if time.wraps_at == "none" else float(time.wraps_at)
            return (unwound(t, limit, time.disorder_s / time.count_s) if limit else t) * time.count_s
        if self.format and not has_date(self.format):
            # A step back by less than half a day is of a row that comes late, and not of the next day.
            return unwound(t % DAY_S, DAY_S, DAY_S / 2)
        if time.zone_info is None or stamps.zoned:
            return t
        utc = to_utc(t, time.zone_info)
        if np.isnan(utc).any():
            row = int(rows[np.isnan(utc).argmax()])
            raise DataError(
                f"{self.path}: about {row_name(self.path, row, self.spec)}: column {time.name} is "
                f"{np.datetime64(int(t[np.isnan(utc).argmax()]), 's')}, which clocks in {time.zone} leap over; "
                "is that the zone?"
            )
        return utc


def _unset(t: Numbers) -> npt.NDArray[np.bool_]:
    """Which of these seconds `[n]` are of 1970 and stand alone, where most are of this century, `[n]`."""
    found: npt.NDArray[np.bool_] = (t < YEAR_S) & (np.median(t) > SINCE_1970_S)
    advances = found[1:] & found[:-1] & (np.diff(t) > 0)  # of a clock that is set later, which tells time until then
    found[1:] &= ~advances
    found[:-1] &= ~advances
    return found


def rate_of_file(path: Path, relative: str, spec: FileSpec, said: float | str | RateSource) -> float | None:
    """The rate that a descriptor says a file has; None where its stamps tell."""
    if isinstance(said, float | int):
        return float(said)
    if isinstance(said, str):
        return None
    if said.cell is not None:
        return _positive(path, cell_number(path, spec, said.cell), f"line {said.cell.line}")
    found = word_in(relative, said.pattern or "")
    if found is None or not NUMBER.fullmatch(found):
        raise DataError(f"{path}: rate_hz: the pattern {said.pattern!r} finds no number in the path")
    return _positive(path, float(found.replace(",", ".")), "the path")


def _start_s(path: Path, spec: FileSpec, time: Time, start: StartCell | datetime) -> float:
    """Seconds since 1970 of the first row, as the descriptor or a cell says."""
    if isinstance(start, datetime):
        return start.replace(tzinfo=start.tzinfo or time.zone_info or UTC).timestamp()
    text = read_cell(path, start.line, start.column, spec).strip()
    if NUMBER.fullmatch(text):
        return float(text.replace(",", ".")) / UNITS_PER_S[start.unit]
    formats = formats_of([text]) if time.format == AUTO else [time.format]
    times = parsed(pa.array([text]), formats[0]) if len(formats) == 1 else None
    if times is None or times.fault is not None:
        which = f"; say which it is, time: {{format: {' or '.join(map(repr, formats[:SHOWN]))}}}" if formats else ""
        raise DataError(
            f"{path}: line {start.line}: column {start.column} is {text!r}, expected a number or a time{which}"
        )
    zone = None if times.zoned else time.zone_info
    return float((to_utc(times.seconds, zone) if zone else times.seconds)[0])


def cell_number(path: Path, spec: FileSpec, cell: Cell) -> float:
    """The number in a cell, with what may stand behind it: `60 Hz`."""
    text = read_cell(path, cell.line, cell.column, spec)
    found = NUMBER.match(text.strip())
    if found is None:
        raise DataError(f"{path}: line {cell.line}: column {cell.column} is {text!r}, expected a number")
    return float(found[0].replace(",", "."))


def _positive(path: Path, rate_hz: float, where: str) -> float:
    if rate_hz <= 0:
        raise DataError(f"{path}: {where}: a rate of {rate_hz:g} Hz, expected more")
    return rate_hz


def _format_found(path: Path, spec: FileSpec, time: Time) -> str | None:
    """The format of stamps that are text, by the first block of the file; None for numbers and typed stamps."""
    first = next(iter(read_columns(path, dict.fromkeys(time.columns, TEXT), spec)), None)
    if first is None or (column := _told(first, time)).type != TEXT:
        return None
    known = column.drop_null()
    if not len(known) or NUMBER.fullmatch(known[0].as_py()):
        return None
    texts: Sequence[str] = known.to_pylist()
    found = formats_of(texts)
    if len(found) == 1:
        return found[0]
    where = f"{path}: {row_name(path, 0, spec)}: column {time.name} is {texts[0]!r}"
    if found:
        raise DataError(f"{where}; say which it is, time: {{format: {' or '.join(map(repr, found[:SHOWN]))}}}")
    raise DataError(
        f"{where}, expected a number, or a time; time: {{format: ...}} takes a pattern, as '%d/%m/%Y %H:%M:%S.%f'"
    )


def _told(batch: pa.RecordBatch, time: Time) -> pa.Array:
    """The column of stamps, of a date and a time of day as one text."""
    column = batch[str(time.column)]
    return column if time.date is None else dated(batch[str(time.date)], column)
