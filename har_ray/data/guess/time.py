"""When samples were taken: the column of stamps, what they count, and how they are out of order."""

import re
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from har_ray.data.dataset import Rejects
from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.own.clock import Clock
from har_ray.data.own.columns import Column
from har_ray.data.own.files import read_columns
from har_ray.data.own.format import FileSpec
from har_ray.data.own.look import separating
from har_ray.data.own.stamps import formats_of, has_date
from har_ray.data.own.steps import Steps, rate_of
from har_ray.data.own.timing import DAY_S, EXCEL, UNITS_PER_S, Time

NAMED = re.compile(r"(?i)time|stamp|epoch|clock|elapsed|second|^t$|^ts$|^(m|u|n)?s(ecs?)?$|^date")
COUNTED = re.compile(r"(?i)count|index|number|packet|sample(?!time)|^id$|^no$|^#$|^unnamed")
SAID = re.compile(r"(?i)[\[(_ ](s|secs?|seconds?|ms|millis|milliseconds?|us|µs|ns|min|minutes?|h|hours?)[\])]?$")
UNITS: dict[str, str | float] = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("millis", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    "µs": "us",
}
"""Other names of units, and how many seconds those last that have no name in a descriptor."""
USUAL_HZ = 50
"""Of units a thousand times apart, that is meant which makes a rate nearer to this one: 1.6 to 1600 Hz."""
LIKELY_HZ = (5, 420)
"""Of watches and loggers."""
QUARTZ_HZ = 32_768
"""Of the crystal that watches count by: Shimmer's raw time stamps are its periods."""
SLOWEST_HZ, FASTEST_HZ = 0.1, 20_000
"""Of sensors."""
LONG_AGO = {"s": 1e9, "ms": 1e12, "us": 1e15, "ns": 1e18}
"""Counts since 1970 exceed these from 2001 on."""
ANEW = 3
DAYS = (32_874, 73_051)
"""Serial days of a spreadsheet from 1990 to 2099."""
RATE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?Hz\b")
DATE_FORMAT = re.compile(r"(?i)date format:? ?([dMy]+[/.-][dMy]+[/.-][dMy]+)")


class Stamps(NamedTuple):
    """Where the time stands.

    Attributes:
        time: as a descriptor says it, empty for rows without a stamp.
        rates_hz: at which the stamps of each file come.
        others: columns that might tell it as well.
        question: what could not be decided.
        separates: columns of words that keep interleaved recordings apart.
    """

    time: dict[str, object]
    rates_hz: tuple[float, ...] = ()
    others: tuple[Column, ...] = ()
    question: str = ""
    separates: tuple[str, ...] = ()


def stamps_of(heads: Sequence[Head]) -> Stamps:
    """The time in files of one kind."""
    if cells := _start_cells(heads):
        return Stamps(cells)
    found = sorted(_candidates(heads), key=itemgetter(0), reverse=True)
    if not found:
        stuck = dict.fromkeys(one.name for one in heads[0].columns if NAMED.search(one.name))
        stops = (
            f"no column tells the time ({', '.join(stuck)} does not advance)" if stuck else "no column tells the time"
        )
        return Stamps({}, question=stops)
    chosen = found[0][1]
    date = _date_of(chosen, heads)
    others = tuple(one.reference for score, one in found[1:] if score[0] > 0 and one is not date)
    time: dict[str, object] = {"date": date.reference} if date else {}
    time["column"] = chosen.reference
    question = _said(time, chosen, heads)
    return _in_order(time, others, question, heads)


def seconds_named(name: str) -> str | float | None:
    """The unit of time in a column's name, as a descriptor says it: `Time (s)` counts s, `Time (min)` 60 s."""
    match = SAID.search(name)
    return UNITS.get(match[1].casefold(), match[1].casefold()) if match else None


def said_rate(head: Head) -> tuple[float, str] | None:
    """A rate that stands above the names or in the path, and where."""
    for text in (*head.preamble, head.relative.replace("_", " ").replace("-", " ")):
        if len(found := set(RATE.findall(text))) == 1:
            return float(found.pop()), text.strip(" -")
    return None


def _start_cells(heads: Sequence[Head]) -> dict[str, object] | None:
    """Of files whose first line holds the time in seconds since 1970 at which they begin, and the second their rate."""
    for head in heads:
        if any(column.name for column in head.columns) or len(head.preamble) < 2:
            return None
        start, rate = (set(line.split(", ")) for line in head.preamble[:2])
        try:
            (begins,), (rate_hz,) = map(float, start), map(float, rate)
        except ValueError:
            return None
        if not (begins > LONG_AGO["s"] and 0 < rate_hz < LONG_AGO["s"] / 1e4):
            return None
    return {"start": {"line": 1, "column": 1}} if heads else None


def _candidates(heads: Sequence[Head]) -> Iterator[tuple[tuple[float, ...], ColumnHead]]:
    """Columns that may tell the time, with what speaks for them: name, since 1970, that it does not begin again and
    again, evenness, fineness.
    """
    for column in heads[0].columns:
        name = bool(NAMED.search(column.name)) and not COUNTED.search(column.name)
        formats = _formats(column)
        if (column.dates or formats) and len(column.distinct) > 2:
            since = column.dates or any(map(has_date, formats))
            yield (2.0, float(since), 1.0, 0, len(column.distinct)), column
        elif column.numbers is not None and all(head.has(column.reference) for head in heads):
            numbers = column.numbers[np.isfinite(column.numbers)]
            if _advances(numbers, name) and (name or not (COUNTED.search(column.name) or _counts(numbers))):
                since = bool(numbers[0] > LONG_AGO["s"])
                even = -round(_unevenness(numbers), 1)
                yield (float(name), float(since), float(_goes_on(numbers)), even, float(numbers[-1])), column


def _advances(numbers: npt.NDArray[np.float64], named: bool) -> bool:
    steps = np.diff(numbers)
    if len(steps) < 2 or rate_of(numbers) is None or not (steps > 0).any():
        return False
    forward = (steps >= 0).mean() > (0.6 if named else 0.95)
    return bool(forward and (named or ((steps > 0).mean() > 0.9 and _unevenness(numbers) < 1)))


def _goes_on(numbers: npt.NDArray[np.float64]) -> bool:
    """Whether they do not begin anew again and again, as the milliseconds within a second do."""
    return int((np.diff(numbers) < -np.ptp(numbers) / 2).sum()) < ANEW


def _counts(numbers: npt.NDArray[np.float64]) -> bool:
    return bool((np.diff(numbers) == 1).mean() > 0.99)


def _unevenness(numbers: npt.NDArray[np.float64]) -> float:
    """Of steps, without the longest: leaps."""
    steps = np.diff(numbers)
    kept = steps[(steps >= 0) & (steps <= np.quantile(steps, 0.98))]
    return float(kept.std() / kept.mean()) if len(kept) and kept.mean() > 0 else np.inf


def _known(column: ColumnHead) -> list[str]:
    return [word for word in column.words if word]


def _formats(column: ColumnHead) -> list[str]:
    """Those that a column of text may be of."""
    known = _known(column)
    if column.numbers is not None or column.dates or len(known) < 2 or not any(map(str.isdigit, known[0])):
        return []
    return formats_of(known)


def _date_of(column: ColumnHead, heads: Sequence[Head]) -> ColumnHead | None:
    """The column that has the date, of one that holds the time of day alone."""
    formats = _formats(column)
    if not formats or any(map(has_date, formats)):
        return None
    both = (one for one in heads[0].columns if one is not column and all(head.has(one.reference) for head in heads))
    return next((one for one in both if all(formats_of(_dated(head, one, column)) for head in heads)), None)


def _dated(head: Head, date: ColumnHead, time: ColumnHead) -> list[str]:
    """What a date and a time of day are together, of the rows that have both."""
    days = (word[: len("2021-03-04")] if date.dates else word for word in head.column(date.reference).words)
    both = zip(days, head.column(time.reference).words, strict=True)
    return [f"{day} {time}" for day, time in both if day and time]


def _said(time: dict[str, object], column: ColumnHead, heads: Sequence[Head]) -> str:
    """Adds the unit or the format to `time`; returns the question where several fit."""
    if column.dates:
        return ""
    if column.numbers is not None:
        numbers = column.numbers[np.isfinite(column.numbers)]
        if _are_days(numbers):
            time["format"] = EXCEL
            return ""
        named, counted = seconds_named(column.name) or seconds_named(f" {column.unit}"), _unit(numbers)
        time["unit"] = named or counted
        if isinstance(named, str) and named != counted and rate_of(numbers / UNITS_PER_S[named]) is not None:
            return f"its name says {named}; by its steps it seems to count {counted}"
        return "" if named or counted == counted_since_1970(numbers) else _which_unit(numbers, counted)
    texts = [_texts(head, time, column) for head in heads]
    found = set.intersection(*(set(formats_of(some)) for some in texts))
    known = [one for one in formats_of(texts[0]) if one in found]
    if len(known) < 2:
        if known and known[0] != "iso":
            time["format"] = known[0]
        return ""
    hint = next((match[1] for head in heads for line in head.preamble if (match := DATE_FORMAT.search(line))), None)
    if hint:
        order = re.sub("d+", "%d", re.sub("M+", "%m", re.sub("y+", "%Y", hint)))
        known = [one for one in known if one.startswith(order)] or known
    time["format"] = known[0]
    return "" if len(known) == 1 else f"or is it {' or '.join(map(repr, known[1:3]))}? {texts[0][0]!r} can be both"


def _texts(head: Head, time: dict[str, object], column: ColumnHead) -> list[str]:
    """The stamps of a file as they are read."""
    return _dated(head, head.column(time["date"]), column) if "date" in time else _known(head.column(column.reference))


def _are_days(numbers: npt.NDArray[np.float64]) -> bool:
    """Whether they are a spreadsheet's serial days of our time, of which a second is hardly anything."""
    first, last = DAYS
    per_day = rate_of(numbers) or 0
    return bool(first < numbers[0] < last) and FASTEST_HZ < per_day < FASTEST_HZ * DAY_S


def _which_unit(numbers: npt.NDArray[np.float64], unit: str) -> str:
    """A question where counts whose unit nobody says make a rate that devices hardly have."""
    per_count = rate_of(numbers) or 0
    rate_hz = per_count * UNITS_PER_S[unit]
    low, high = LIKELY_HZ
    if low <= rate_hz <= high:
        return ""
    of_quartz = per_count * QUARTZ_HZ
    other = f", as {1 / QUARTZ_HZ!r} (of a clock of {QUARTZ_HZ} Hz) {of_quartz:.4g}" if low <= of_quartz <= high else ""
    return f"in which unit does it count? As {unit} its steps make {rate_hz:.4g} Hz{other}"


def counted_since_1970(numbers: npt.NDArray[np.float64]) -> str | None:
    """The unit of numbers that are times of this century; None for others, such as seconds of a recording."""
    known = numbers[np.isfinite(numbers)]
    units = (unit for unit, least in LONG_AGO.items() if len(known) and least < known[0] < 1000 * least)
    return next(units, None)


def _unit(numbers: npt.NDArray[np.float64]) -> str:
    """By how large counts since 1970 are, else by the rate that they make."""
    rates = {unit: (rate_of(numbers) or 1) * per_s for unit, per_s in UNITS_PER_S.items()}
    for unit, least in LONG_AGO.items():
        if least < numbers[0] < 1000 * least and SLOWEST_HZ < rates[unit] < FASTEST_HZ:
            return unit
    return min(rates, key=lambda unit: abs(np.log(rates[unit] / USUAL_HZ)))


def _in_order(time: dict[str, object], others: tuple[Column, ...], question: str, heads: Sequence[Head]) -> Stamps:
    """With what must be done to stamps: spread, sorted, or kept apart."""
    late_s, packets, separates, rates_hz = 0.0, False, list[str](), list[float]()
    for head in heads:
        given = Time(**time)  # type: ignore[arg-type]
        assert given.column is not None
        clock = Clock.of(head.path, FileSpec(given.columns, head.format), given, None)
        types = clock.types | (head.only.types if head.only else {})
        batch = next(iter(read_columns(head.path, types, clock.spec)))
        batch = batch.take(pa.array(head.only.of(batch))) if head.only else batch
        t = clock.timed(clock.stamps(batch, np.arange(batch.num_rows)), Rejects()).t
        if found := separating(clock, t):
            separates = [name for name in separates if name in found] if separates else found
            continue
        steps = Steps(t, given, None)
        rates_hz += [rate_hz for rate_hz in [rate_of(t)] if rate_hz]
        packets = packets or (steps.are_shared and not _are_copied(head, given.column))
        if len(t) > 2:
            late_s = max(late_s, steps.disorder_s() or 0.0)
    if packets:
        time["packets"] = True
    if late_s:
        time["disorder_s"] = float(f"{late_s * 1.05:.2g}")
    return Stamps(time, tuple(rates_hz), others, question, tuple(separates))


def _are_copied(head: Head, column: object) -> bool:
    """Whether rows that share a stamp hold the same values."""
    numbers = [one.numbers for one in head.columns if one.numbers is not None and one.reference != column]
    if not numbers:
        return False
    same = head.column(column).words
    at = [i for i in range(1, head.rows) if same[i] == same[i - 1]]
    x = np.stack(numbers, axis=1)
    return bool(at) and bool(np.mean([np.array_equal(x[i], x[i - 1], equal_nan=True) for i in at]) > 0.9)
