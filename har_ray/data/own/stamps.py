"""Time stamps that are text, in seconds since 1970: their format found, their zone's change of clocks undone."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from har_ray.data.cleaning import changes, runs
from har_ray.data.own.timing import DAY_S, ISO

Seconds = npt.NDArray[np.float64]

ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)? ?(Z|[+-]\d\d(:?\d\d)?)?")
ZONED = re.compile(r"(Z|UTC|GMT|[+-]\d\d(:?\d\d)?)$")
DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y"),
)
BETWEEN = (" ", "T", "_", ", ")
TIMES = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M:%S:%f", "%H:%M", "%I:%M:%S.%f %p", "%I:%M:%S %p")
PATTERNS = (
    *map("".join, product(DATES, BETWEEN, TIMES)),
    *(f"%Y%m%d{sign}%H%M%S.%f" for sign in "T_-"),
    *TIMES,
)
"""How devices and apps write times, beside ISO 8601."""
HALF_AN_HOUR_S = 1800
LOOKED_AT = 50
"""Stamps that a format is found by."""


class Times(NamedTuple):
    """Stamps as read.

    Attributes:
        seconds: since 1970, of UTC or (not `zoned`) of local clocks; NaN where there is none. `[n]`
        zoned: whether the stamps say their zone.
        fault: the first row whose stamp is not of the format, or None.
    """

    seconds: Seconds
    zoned: bool
    fault: int | None


def formats_of(texts: Sequence[str]) -> list[str]:
    """The formats that all texts are of: `iso`, or patterns."""
    some = [_plain(text) for text in texts[:: max(1, len(texts) // LOOKED_AT)]]
    if not some:
        return []
    if all(map(ISO_8601.fullmatch, some)):
        return [ISO]
    found = [pattern for pattern in PATTERNS if all(_is_of(pattern, text) for text in some)]
    # Whole seconds now may be followed by others.
    return [one for one in found if "%S" not in one or one.replace("%S", "%S.%f") not in found]


def has_date(pattern: str) -> bool:
    return pattern == ISO or bool(re.search("%[dDjcxyYsU]", pattern))


def dated(date: pa.Array, time: pa.Array) -> pa.Array:
    """Dates and times of day, of whatever type, as one text with a blank between them; null where one is missing.

    Example:
        >>> dated(pa.array([20210304.0]), pa.array(["10:00:00.04"])).to_pylist()
        ['20210304 10:00:00.04']
    """
    if pa.types.is_timestamp(date.type):
        date = pc.strftime(date, "%Y-%m-%d")
    if pa.types.is_timestamp(time.type):
        time = pc.strftime(time, "%H:%M:%S")  # Arrow's %S has the fraction
    return pc.binary_join_element_wise(_text(date), _text(time), " ")


def _text(column: pa.Array) -> pa.Array:
    """Numbers as text, whole ones without `.0`."""
    return column if column.type == pa.string() else column.cast(pa.string())


def parsed(column: pa.Array, pattern: str) -> Times:
    """Stamps of text as seconds; null is none."""
    if pc.any(pc.match_substring(column, ",")).as_py():
        column = pc.replace_substring_regex(column, r"(\d),(\d)", r"\1.\2")
    some = column.drop_null()
    zoned = len(some) > 0 and bool(ZONED.search(some[0].as_py())) if pattern == ISO else "%z" in pattern
    try:
        found = column.cast(pa.timestamp("ns", "UTC" if zoned else None)) if pattern == ISO else _fast(column, pattern)
    except pa.ArrowInvalid:
        found = None
    if found is None or found.null_count > column.null_count:
        found = _slow(column, pattern)
    bad = pc.and_(found.is_null(), column.is_valid()).to_numpy(zero_copy_only=False)
    return Times(typed(found).seconds, zoned, int(bad.argmax()) if bad.any() else None)


def _fast(column: pa.Array, pattern: str) -> pa.Array | None:
    """By the C library, which knows no fractions of a second; null where that does not do. None where it never does."""
    fraction = pa.scalar(0.0)
    if pattern.endswith("%S.%f"):
        parts = pc.split_pattern(column, ".", max_splits=1, reverse=True)
        lengths = pc.list_value_length(parts)
        if pc.all(pc.equal(lengths, 2)).as_py():
            column, digits = pc.list_element(parts, 0), pc.list_element(parts, 1)
            fraction = pc.binary_join_element_wise("0", digits, ".").cast(pa.float64())
        elif not pc.all(pc.equal(lengths, 1)).as_py():
            return None
    pattern = pattern.removesuffix(".%f")
    if "%f" in pattern or "%z" in pattern:
        return None
    whole = pc.strptime(column, pattern, "ns", error_is_null=True)
    ns = pc.round(pc.multiply(fraction, 1e9)).cast(pa.int64())
    return pc.add(whole.cast(pa.int64()), ns).cast(pa.timestamp("ns"))


def _slow(column: pa.Array, pattern: str) -> pa.Array:
    """By pandas, which knows every format; null for what is not of it."""
    import pandas as pd

    texts = column.to_pandas()
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns, UTC]")
    for one in ["ISO8601"] if pattern == ISO else _with_and_without_fraction(pattern):
        left = found.isna() & texts.notna()
        if left.any():
            found[left] = pd.to_datetime(texts[left], format=one, errors="coerce", utc=True)
    return pa.Array.from_pandas(found)


def typed(column: pa.Array) -> Times:
    """Stamps of the type `timestamp[ns]`, with or without a zone."""
    values = column.cast(pa.int64()).fill_null(np.iinfo(np.int64).min).to_numpy()
    return Times(_seconds(values), column.type.tz is not None, None)


def from_days(days: Seconds) -> Seconds:
    """A spreadsheet's serial days, of which 25569 is the first of 1970 (ECMA-376 part 1, 18.17.4.1)."""
    return (days - 25_569) * DAY_S


def to_utc(local: Seconds, zone: ZoneInfo) -> Seconds:
    """Local times `[n]`, in the order in which they were taken, as UTC; NaN for those that the clocks leap over.

    In the hour that clocks show twice, a step back by most of an hour is where the second time begins; without one in
    the stamps, they are of the time that is next to their neighbours'.
    """
    first, second = (local + _offset(local, zone, is_summer) for is_summer in (True, False))
    utc, twice = first.copy(), second > first
    for start, stop in runs(len(local), changes(twice)):
        if not twice[start]:
            continue
        back = np.flatnonzero(np.diff(first[start:stop]) < -HALF_AN_HOUR_S)
        before, after = utc[start - 1 : start], first[stop : stop + 1]
        follows = abs(second[start] - before) < abs(first[start] - before)
        precedes = abs(after - second[stop - 1]) < HALF_AN_HOUR_S
        begins = stop
        if len(back):
            begins = start + int(back[0]) + 1
        elif (follows if len(before) else precedes).any():
            begins = start
        utc[begins:stop] = second[begins:stop]
    return utc


def _offset(local: Seconds, zone: ZoneInfo, is_summer: bool) -> Seconds:
    """What turns local times into UTC, taking those that clocks show twice for summer time or not."""
    import pandas as pd

    whole = np.where(np.isnan(local), np.iinfo(np.int64).min, np.floor(np.nan_to_num(local)) * 1e9).astype(np.int64)
    index = pd.DatetimeIndex(whole.view("datetime64[ns]"))
    moved = index.tz_localize(zone, ambiguous=np.full(len(local), is_summer), nonexistent="NaT").tz_convert("UTC")
    return np.round(_seconds(moved.as_unit("ns").asi8) - np.floor(local))


def _seconds(ns: npt.NDArray[np.int64]) -> Seconds:
    missing = ns == np.iinfo(np.int64).min
    seconds: Seconds = ns // 10**9 + ns % 10**9 / 1e9  # ns of today are too many for a float64
    seconds[missing] = np.nan
    return seconds


def _plain(text: str) -> str:
    """With a decimal point, and no finer than the microseconds that Python knows."""
    return re.sub(r"(\.\d{6})\d+", r"\1", re.sub(r"(?<=\d),(?=\d)", ".", text))


def _is_of(pattern: str, text: str) -> bool:
    for one in _with_and_without_fraction(pattern):
        try:
            datetime.strptime(text, one)
        except ValueError:
            continue
        return True
    return False


def _with_and_without_fraction(pattern: str) -> Iterator[str]:
    yield pattern
    if ".%f" in pattern:
        yield pattern.replace(".%f", "")
