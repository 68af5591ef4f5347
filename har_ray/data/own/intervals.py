"""Labels that stand in a file of intervals beside each recording, and what they make of its samples.

An interval holds its start and not its end, so that one may begin where another ends. Where intervals of different
labels overlap nobody knows what was done: these samples are of no class, as are those between intervals.
"""

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape, glob
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, Field, model_validator

from har_ray.data.dataset import NULL, Rejects
from har_ray.data.faults import by_cause
from har_ray.data.own.columns import Column
from har_ray.data.own.interval_files import FROM_THE_START, Mark, MarkColumns, marks
from har_ray.data.own.paths import Pattern, word_in
from har_ray.data.own.timing import AUTO, ISO, UNITS_PER_S, CountUnit, TimeFormat, ZoneName
from har_ray.errors import DataError

log = logging.getLogger(__name__)

NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
CLOCK_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d\d(?:[.,]\d*)?)")
"""As players of videos show it: hours, if there are any, minutes and seconds."""
STEM = r"([^/]+?)(?:\.[A-Za-z]\w*)*$"
"""A file's name without its suffixes."""
BEYOND_S = 1.0
"""Who labels by eye ends an interval no more exactly than so; what reaches further out of a recording is counted."""
SHOWN = 5


def _one_place(files: str) -> str:
    if files.count("{}") > 1 or re.search(r"\{[^}]", files):
        raise ValueError(f"{files!r}: expected at most one {{}}, where what the pattern finds stands")
    return files


class IntervalSource(BaseModel, frozen=True, extra="forbid"):
    """Where the intervals of a recording are, and what their times mean.

    Attributes:
        files: the path relative to the descriptor; for `{}` stands what `pattern` finds in the path of the recording's
            file, by default its name. Without `{}` one file has the intervals of all recordings.
        start, end, label: the columns of a table.
        duration: in the place of `end`, how long an interval lasts.
        until_next: there is no end: an interval lasts until the next starts, the last one as long as the recording.
        recording: of a table of all recordings: whose an interval is, by the name of its file, with or without its
            suffix, by its path, or by what `pattern` finds in it.
        subject: of recordings of several people: whose an interval is, as the recording calls them.
        unit: of numbers, by name or as how many seconds one lasts (0.02 of samples at 50 Hz); by default ms for ELAN,
            else s.
        format: of times that are no numbers: a pattern of strptime's; `auto` and `iso` for ISO 8601.
        zone: of times without a zone; by default that of the recording's.
        clock: `absolute`: what the recording's time stamps tell; `recording`: seconds since its first sample. By
            default that of ELAN and Audacity is `recording`, of others `absolute`.
        tier: of ELAN, where several have annotations.
    """

    files: Annotated[str, Field(min_length=1), AfterValidator(_one_place)]
    pattern: Pattern | None = None
    start: Column = "start"
    end: Column = "end"
    label: Column = "label"
    duration: Column | None = None
    until_next: bool = False
    recording: Column | None = None
    subject: Column | None = None
    unit: CountUnit | None = None
    format: TimeFormat = AUTO
    zone: ZoneName | None = None
    clock: Literal["absolute", "recording"] | None = None
    tier: str | None = None

    @property
    def columns(self) -> "MarkColumns":
        end = None if self.until_next else self.duration or self.end
        return MarkColumns(self.start, end, self.label, self.recording, self.subject)

    @model_validator(mode="after")
    def _one_end(self) -> "IntervalSource":
        ends = [key for key in ("end", "duration", "until_next") if key in self.model_fields_set and getattr(self, key)]
        if len(ends) > 1:
            raise ValueError(f"expected one of end, duration and until_next, found {' and '.join(ends)}")
        return self


class Interval(NamedTuple):
    """Seconds, where it stands in its file, and whose it is where that is of several people."""

    start_s: float
    end_s: float
    label: str
    where: str
    subject: str | None = None


@dataclass(frozen=True)
class IntervalFile:
    """What was labelled in one recording.

    Attributes:
        relative: whether the times count from the recording's first sample.
    """

    path: Path
    intervals: tuple[Interval, ...]
    relative: bool

    @property
    def subjects(self) -> set[str]:
        """Those it names; none where it is of a recording of one person."""
        return {one.subject for one in self.intervals if one.subject is not None}

    def of(self, subject: str) -> tuple[Interval, ...]:
        """Those of a subject."""
        return tuple(one for one in self.intervals if one.subject in (None, subject))

    def words(self, rate_hz: float, rows: int, subject: str | None = None) -> dict[str, tuple[int, int]]:
        """Label → (its first interval, about how many samples are labelled so).

        Args:
            rows: of the recording, for an interval that lasts until it ends.
            subject: whose; None for everybody.
        """
        found: dict[str, tuple[int, int]] = {}
        for number, one in enumerate(self.intervals):
            if subject is not None and one.subject not in (None, subject):
                continue
            first, n = found.get(one.label, (number, 0))
            seconds = one.end_s - one.start_s
            lasting = round(seconds * rate_hz) if seconds < np.inf else rows - sum(known for _, known in found.values())
            found[one.label] = (first, n + max(lasting, 0))
        return found

    def row_name(self, row: int) -> str:
        """Where an interval stands."""
        return self.intervals[row].where


def read_intervals(
    source: IntervalSource, folder: Path, files: Sequence[str], zone: str | None
) -> dict[str, IntervalFile]:
    """The intervals of each file, by its path relative to `folder`; `zone` is that of the recordings' own times.

    Raises:
        DataError: a file has none, or one that cannot be read; a line for each cause.
    """
    source = source.model_copy(update={"zone": source.zone or zone})
    found, faults = dict[str, IntervalFile](), list[tuple[object, str]]()
    of_all: dict[Path, list[Mark]] = {}
    used = set[tuple[Path, str | None]]()
    for file in files:
        try:
            path = _path(source, folder, file)
            if path not in of_all:
                of_all[path] = marks(path, source.columns, source.tier)
            ours = _of_task(source, path, of_all[path], file)
            used.update((path, mark.task) for mark in ours)
            found[file] = _file(source, path, ours)
        except DataError as error:
            faults.append((file, str(error)))
    if faults:
        raise DataError("\n".join(by_cause(faults)))
    _name_unused(source, folder, {one.path for one in found.values()})
    for path, some in of_all.items():
        if others := dict.fromkeys(mark.task for mark in some if (path, mark.task) not in used):
            log.warning("%s: intervals of no recording: %s", path, ", ".join(map(str, list(others)[:SHOWN])))
    return found


def _path(source: IntervalSource, folder: Path, file: str) -> Path:
    word = word_in(file, source.pattern or STEM)
    if word is None:
        raise DataError(f"{folder / file}: label.intervals: the path does not match the pattern {source.pattern!r}")
    wanted = source.files.replace("{}", escape(word))
    found = sorted(glob(wanted, root_dir=folder, recursive=True))  # noqa: PTH207
    if len(found) != 1:
        why = f"{len(found)} files, {' and '.join(found)}," if found else "no file"
        raise DataError(
            f"{folder / file}: label.intervals: {why} of intervals for it, {wanted!r}; leave it out of files"
        )
    return Path(os.path.normpath(folder / found[0]))


def _of_task(source: IntervalSource, path: Path, found: Sequence[Mark], file: str) -> list[Mark]:
    """Those of a recording, where a file has the marks of several."""
    tasks = {mark.task for mark in found}
    if tasks == {None} or ("{}" in source.files and len(tasks) <= 1):
        return list(found)
    name = PurePosixPath(file).name
    names = {name, file, word_in(file, source.pattern or STEM)}
    ours = [mark for mark in found if mark.task and (mark.task in names or mark.task.endswith(f"-{name}"))]
    if not ours:
        some = ", ".join(sorted(map(str, tasks))[:SHOWN])
        raise DataError(f"{path}: no task is about {name}, only about {some or 'nothing'}")
    return ours


def _file(source: IntervalSource, path: Path, found: Iterable[Mark]) -> IntervalFile:
    kind, intervals = path.suffix.lower(), []
    unit = source.unit or ("ms" if kind == ".eaf" else "s")
    for mark in found:
        start = _seconds(source, unit, path, mark, mark.start)
        end = np.inf if source.until_next else _seconds(source, unit, path, mark, mark.end)
        end += start if source.duration else 0
        if end < start:
            until = f"lasts {mark.end}" if source.duration else f"ends at {mark.end}, before its start at {mark.start}"
            raise DataError(f"{path}: {mark.where}: {until}")
        intervals.append(Interval(start, end, mark.label, mark.where, mark.subject))
    if source.until_next:
        intervals = _until_next(intervals)
    clock = source.clock or ("recording" if kind in FROM_THE_START else "absolute")
    return IntervalFile(path, tuple(intervals), clock == "recording")


def _until_next(starts: Sequence[Interval]) -> list[Interval]:
    """Those of each subject until the next one starts."""
    found = list[Interval]()
    for subject in dict.fromkeys(one.subject for one in starts):
        own = sorted(one for one in starts if one.subject == subject)
        ends = [*(one.start_s for one in own[1:]), np.inf]
        found += [one._replace(end_s=end) for one, end in zip(own, ends, strict=True)]
    return found


def _seconds(source: IntervalSource, unit: str | float, path: Path, mark: Mark, text: str) -> float:
    if NUMBER.fullmatch(text):
        number = float(text.replace(",", "."))
        return number * unit if isinstance(unit, float) else number / UNITS_PER_S[unit]
    if by_clock := CLOCK_TIME.fullmatch(text):
        hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in by_clock.groups())
        return 3600 * hours + 60 * minutes + seconds
    iso = source.format in (AUTO, ISO)
    try:
        time = datetime.fromisoformat(text) if iso else datetime.strptime(text, source.format)
    except ValueError as error:
        expected = (
            "a number, a time of ISO 8601, or minutes and seconds as 1:05.2" if iso else f"a time of {source.format!r}"
        )
        raise DataError(f"{path}: {mark.where}: {text!r} is no time; expected {expected}") from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=ZoneInfo(source.zone) if source.zone else UTC)
    return time.timestamp()


def _name_unused(source: IntervalSource, folder: Path, used: set[Path]) -> None:
    there = glob(source.files.replace("{}", "*"), root_dir=folder, recursive=True)  # noqa: PTH207
    unused = sorted({os.path.normpath(folder / one) for one in there} - set(map(str, used)))
    if unused:
        more = f" and {len(unused) - SHOWN} more" if len(unused) > SHOWN else ""
        log.warning("%s%s: intervals of no recording", ", ".join(unused[:SHOWN]), more)


def labels_at(
    t: npt.NDArray[np.float64], intervals: Sequence[Interval], legend: Mapping[str, int], rejects: Rejects
) -> npt.NDArray[np.int16]:
    """The class of each sample by the interval it lies in, or `NULL`; counts those in none and in contradicting ones.

    Args:
        t: seconds `[n]` of the intervals' clock, in any order.
        legend: label → class or `NULL`.

    Returns:
        int16 `[n]`.

    Example:
        >>> labels_at(np.arange(4.0), [Interval(1, 3, "walk", "line 2")], {"walk": 0}, Rejects())
        array([-1,  0,  0, -1], dtype=int16)
    """
    order = np.argsort(t, kind="stable")
    found = np.full(len(t), NULL, dtype=np.int16)
    covered, torn = np.zeros(len(t), dtype=np.bool_), np.zeros(len(t), dtype=np.bool_)
    starts, ends = (np.array([one[i] for one in intervals], dtype=np.float64) for i in (0, 1))
    edges = zip(np.searchsorted(t[order], starts).tolist(), np.searchsorted(t[order], ends).tolist(), strict=True)
    for (start, stop), one in zip(edges, intervals, strict=True):
        part = slice(start, stop)
        torn[part] |= covered[part] & (found[part] != legend[one.label])
        found[part], covered[part] = legend[one.label], True
    found[torn] = NULL
    rejects.add("row in no interval", int((~covered).sum()))
    rejects.add("row in intervals of different labels", int(torn.sum()))
    labels = np.empty_like(found)
    labels[order] = found
    return labels


def count_beyond(file: IntervalFile, span: tuple[float, float], recording: Path, rejects: Rejects) -> None:
    """Count the intervals that do not lie in a recording.

    Args:
        span: its first and last sample; infinite where it goes on beyond what was read.

    Raises:
        DataError: none does; its clock is another.
    """
    first, last = (0.0, span[1] - span[0]) if file.relative else span
    outside = [one for one in file.intervals if one.end_s <= first or one.start_s > last]
    if file.intervals and len(outside) == len(file.intervals):
        begin, end = min(one.start_s for one in outside), max(one.end_s for one in outside)
        end = end if end < np.inf else max(one.start_s for one in outside)
        other = "absolute" if file.relative else "recording"
        until = f"to {last:.0f} s" if last < np.inf else "s on"
        raise DataError(
            f"{file.path}: its intervals are from {begin:.0f} to {end:.0f} s, {recording.name} is from {first:.0f} "
            f"{until}; see unit and zone of label.intervals, and clock: {other}"
        )
    rejects.add("interval outside its recording", len(outside))
    reaching = [one for one in file.intervals if one.start_s < first - BEYOND_S or last + BEYOND_S < one.end_s < np.inf]
    rejects.add(
        "interval that is partly outside its recording", len(reaching) - sum(one in outside for one in reaching)
    )
