"""The intervals of each recording, from the files that `label.intervals` names."""

import logging
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from glob import escape, glob
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from har_ray.data.cleaning import natural_key
from har_ray.data.faults import by_cause
from har_ray.data.own.interval_files import FROM_THE_START, Mark, marks
from har_ray.data.own.interval_source import IntervalSource
from har_ray.data.own.near_names import alike
from har_ray.data.own.paths import word_in
from har_ray.data.own.timing import AUTO, ISO, UNITS_PER_S
from har_ray.data.soundness.finding import listed
from har_ray.errors import DataError, nearest

log = logging.getLogger(__name__)

NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")
CLOCK_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d\d(?:[.,]\d*)?)")
"""As players of videos show it: hours, if there are any, minutes and seconds."""
STEM = r"([^/]+?)(?:\.[A-Za-z]\w*)*$"
"""A file's name without its suffixes."""
SHOWN = 5


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

    def of(self, subject: str) -> "IntervalFile":
        """Those of a subject; all where they do not say whose they are."""
        return replace(self, intervals=tuple(one for one in self.intervals if one.subject in (None, subject)))

    def words(self, rate_hz: float, rows: int, subjects: Collection[str]) -> dict[str, tuple[int, int]]:
        """Label → (its first interval, about how many samples are labelled so).

        Args:
            rows: of the recording, for an interval that lasts until it ends.
            subjects: whose, where intervals say so.
        """
        found: dict[str, tuple[int, int]] = {}
        for number, one in enumerate(self.intervals):
            if one.subject is not None and one.subject not in subjects:
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
        DataError: a file has none, or one that cannot be read or holds none; a line for each cause.
    """
    source = source.model_copy(update={"zone": source.zone or zone})
    found, faults = dict[str, IntervalFile](), list[tuple[object, str]]()
    of_all: dict[Path, list[Mark]] = {}
    lacking, used = dict[Path, dict[str, list[str]]](), set[tuple[Path, str | None]]()
    for file in files:
        path = folder / file  # which is at fault, until that of its intervals is known
        try:
            path = _path(source, folder, file)
            if path not in of_all:
                of_all[path] = marks(path, source.columns, source.tier)
            if not of_all[path]:
                aside = f"; leave {folder / file} out of files" if "{}" in source.files else ""
                raise DataError(f"{path}: holds no interval{aside}")
            if ours := _of_task(source, of_all[path], file):
                used.update((path, mark.task) for mark in ours)
                found[file] = _file(source, path, ours)
            else:
                lacking.setdefault(path, {})[file] = _names(source, file)
        except DataError as error:
            faults.append((path, str(error)))
    for path, names in lacking.items():
        tasks = {mark.task or "" for mark in of_all[path]}
        known = {task or "" for where, task in used if where == path}
        faults.append((path, without_intervals(path, names, tasks, known)))
    if faults:
        raise DataError("\n".join(by_cause(faults)))
    _name_unused(source, folder, {one.path for one in found.values()})
    for path, some in of_all.items():
        if others := {mark.task or "" for mark in some if (path, mark.task) not in used}:
            names_of_all = [name for file, one in found.items() if one.path == path for name in _names(source, file)]
            log.warning("%s: intervals of no recording: %s", path, left_over(others, names_of_all))
    return found


def without_intervals(
    path: Path, lacking: Mapping[str, Sequence[str]], named: Collection[str], known: Collection[str]
) -> str:
    """The message for subjects or recordings of which no interval is in a file of several.

    Args:
        lacking: each, and how it may be called there.
        named: of whom intervals are; of these `known` are found, so that others may be meant by the rest.
    """
    rest = sorted(set(named) - set(known), key=natural_key)
    meant = {one: next(filter(None, (_meant(name, rest) for name in names)), None) for one, names in lacking.items()}
    guesses = [f"is {one!r} there {word!r}?" for one, word in meant.items() if word]
    hint = " ".join(guesses[:SHOWN]) or f"only of {listed(sorted(named, key=natural_key))}; leave them out of files"
    return f"{path}: label.intervals: no interval is of {listed(list(lacking))}; {hint}"


def _meant(name: str, names: Sequence[str]) -> str | None:
    return next((one for one in names if alike(one) == alike(name)), None) or nearest(name, names)


def left_over(names: Collection[str], known: Iterable[str]) -> str:
    """Names of intervals that nobody has, with the known one where that differs by its way of writing alone."""
    written = {alike(name): name for name in known}
    shown = [
        f"{name!r} (is it {written[alike(name)]!r}?)" if alike(name) in written else name or "(blank)"
        for name in sorted(names, key=natural_key)
    ]
    return listed(shown)


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


def _names(source: IntervalSource, file: str) -> list[str]:
    """How intervals may call a recording: by what the pattern finds in its path, its file's name, or the whole path."""
    return [*filter(None, (word_in(file, source.pattern or STEM), PurePosixPath(file).name)), file]


def _of_task(source: IntervalSource, found: Sequence[Mark], file: str) -> list[Mark]:
    """Those of a recording, where a file has the marks of several."""
    tasks = {mark.task for mark in found}
    if tasks == {None} or ("{}" in source.files and len(tasks) <= 1):
        return list(found)
    names, uploaded = _names(source, file), f"-{PurePosixPath(file).name}"
    return [mark for mark in found if mark.task and (mark.task in names or mark.task.endswith(uploaded))]


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
    """Those of each subject until the next one starts; of several at one time the last in the file stays."""
    found = list[Interval]()
    for subject in dict.fromkeys(one.subject for one in starts):
        own = sorted((one for one in starts if one.subject == subject), key=lambda one: one.start_s)
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
