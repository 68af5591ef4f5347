"""Files of several sources, each with its own clock and channels, that make one recording: joined at even intervals."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, permutations
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from har_ray.data.cleaning import intact_runs, time_breaks
from har_ray.data.dataset import Joined, Recording, Rejects, Wander
from har_ray.data.joining import Run, goes_on, joined
from har_ray.data.joining import Stream as Runs
from har_ray.data.own.even import MAX_DECIMATION, US_PER_S
from har_ray.data.own.rates import stream_rate_hz
from har_ray.data.own.rows import Words
from har_ray.data.own.steps import MAX_STEPS, wander_of
from har_ray.data.own.streams import Reading
from har_ray.data.own.table import Table, TableFile
from har_ray.errors import DataError

OTHER_CLOCK_S = 86_400
"""Streams of one recording that are further apart count time from different instants."""

ZONES_S, BEGUN_WITHIN_S = 1800, 60
"""Time zones are a multiple of this apart; files of one recording begin within so much of each other."""

Key = tuple[str, Words, int]
"""Subject, recording, and how often the clock had begun again within it."""


@dataclass(frozen=True)
class _Labelled(Run):
    """A run of the first source, with the label of each reading, `[n]`."""

    labels: npt.NDArray[np.int16]


def group_of(relative: str, join: str | None) -> str | None:
    """What files of one recording share, by their paths: the groups of `join`, or the folder; None for no match."""
    if join is None:
        return PurePosixPath(relative).parent.as_posix()
    match = re.search(join, relative)
    return "/".join(group or "" for group in match.groups()) if match else None


def read_joined(
    table: Table,
    files: Mapping[str, Path],
    channels: Sequence[str],
    max_missing_s: float,
    rejects: Rejects,
    batches: int | None,
) -> Iterator[Recording]:
    """The recordings of files that belong together, one of each source that `channels` are in.

    Raises:
        DataError: as `Reading.streams`; or a source comes much faster than the rate, or tells another time.
    """
    spec = table.spec
    labelled = next(iter(spec.parts)) if spec.label.pattern is None else None
    needed = [name for name, part in spec.parts.items() if name == labelled or set(channels) & set(part.channels)]
    if missing := [name for name in needed if name not in files]:
        rejects.add(f"recording without a file of {' and '.join(missing)}")
        return
    read = {name: TableFile(table, name, files[name]) for name in needed}
    order = [channel for name in needed for channel in spec.parts[name].channels if channel in channels]
    runs: dict[str, Runs[Key]] = {}
    rates: dict[str, float] = {}
    wanders: dict[str, list[Wander]] = {}
    for name, file in read.items():
        own = [channel for channel in order if channel in file.part.channels]
        runs[name], rates[name], wanders[name] = _runs(file, own, max_missing_s, rejects, batches)
    rate_hz = _grid_hz(spec.rate_hz, rates, read)
    _check_clocks(runs, read, whole=batches is None)
    alone: dict[str, int] = {}
    shared = group_of(table.relative(next(iter(files.values()))), spec.joined_by)
    at = [order.index(channel) for channel in channels]
    of_source = {
        name: [i for i, channel in enumerate(channels) if channel in read[name].part.channels] for name in needed
    }
    for number, stretch in enumerate(joined(runs, US_PER_S / rate_hz, alone)):
        first = stretch.runs[0]
        assert isinstance(first, _Labelled)
        begins = {name: of[stretch.key][0].t[0] for name, of in runs.items()}
        earliest = min(begins.values())
        yield Recording(
            name=f"{shared}:{number}",
            subject=stretch.key[0],
            x=stretch.x.take(at, axis=1),
            labels=first.labels[np.searchsorted(first.t, stretch.t, side="right") - 1],
            rate_hz=rate_hz,
            wander=max(chain(*wanders.values()), key=lambda one: one.range, default=None),
            before_gap=goes_on(stretch, runs),
            joined=tuple(
                Joined(name, tuple(of_source[name]), float(t - earliest) / US_PER_S) for name, t in begins.items()
            ),
            start_s=float(stretch.t[0] - earliest) / US_PER_S,
        )
    for source, n in alone.items():
        rejects.add(f"{source} reading without one of the other sources at its time", n)


def _runs(
    file: TableFile, channels: Sequence[str], max_missing_s: float, rejects: Rejects, batches: int | None
) -> tuple[Runs[Key], float, list[Wander]]:
    """The runs of a source's file, the rate of most of its readings, and how it wanders."""
    reading, found, rates = Reading(file, channels), dict[Key, list[Run]](), list[tuple[float, int]]()
    wanders = list[Wander]()
    restarts: dict[tuple[str, Words], int] = {}
    for stream in reading.streams(rejects, batches):
        rate_hz = stream_rate_hz(reading, stream, even=False)
        if rate_hz is None:
            rejects.add(f"{file.source} reading of a recording too short to tell its rate", len(stream.x))
            continue
        rates.append((rate_hz, len(stream.x)))
        wanders += [wander] if (wander := wander_of(stream.t, rate_hz)) else []
        breaks = time_breaks(stream.t, MAX_STEPS / rate_hz) | stream.breaks
        t = np.round(stream.t * US_PER_S).astype(np.int64)
        key = (stream.subject, stream.recording)
        for start, stop in intact_runs(stream.x, breaks, channels, rate_hz, max_missing_s, rejects):
            earlier = found.get((*key, restarts.setdefault(key, 0)))
            restarts[key] += bool(earlier and t[start] < earlier[-1].t[-1])
            part = slice(start, stop)
            run = _Labelled(t[part], stream.x[part], stream.labels[part])
            found.setdefault((*key, restarts[key]), []).append(run)
    return found, _most(rates), wanders


def _most(rates: Sequence[tuple[float, int]]) -> float:
    """The rate that half of the readings, by their numbers, do not exceed; 0 where there is none."""
    half = sum(n for _, n in rates) / 2
    for rate_hz, n in sorted(rates):
        half -= n
        if half <= 0:
            return rate_hz
    return 0.0


def _grid_hz(said: object, rates: Mapping[str, float], files: Mapping[str, TableFile]) -> float:
    """The rate of the instants: as the descriptor says, or that of the fastest source."""
    fastest = max(rates, key=lambda name: rates[name])
    if not isinstance(said, float):
        return rates[fastest] or 1.0
    if rates[fastest] > MAX_DECIMATION * said:
        raise DataError(
            f"{files[fastest].path}: comes at {rates[fastest]:.4g} Hz, rate_hz is {said:g}; say rate_hz: auto, and "
            "give each preset its rate_hz, to which recordings are resampled"
        )
    return said


def _check_clocks(runs: Mapping[str, Runs[Key]], files: Mapping[str, TableFile], whole: bool) -> None:
    """Raises `DataError` where clocks count from different instants, or seem to be of different time zones.

    Args:
        whole: whether the files were read to their ends.
    """
    spans = {
        name: (
            min(run.t[0] for part in stream.values() for run in part) / US_PER_S,
            max(run.t[-1] for part in stream.values() for run in part) / US_PER_S,
        )
        for name, stream in runs.items()
        if stream
    }
    for (name, (begin, end)), (other, (first, last)) in permutations(spans.items(), 2):
        path, theirs = files[name].path, files[other].path.name
        if first - end > OTHER_CLOCK_S:
            raise DataError(
                f"{path}: its time is {begin:.0f} to {end:.0f} s, that of {theirs} {first:.0f} to {last:.0f} s; do "
                "both count from the same instant, in the units that time: says? If both began together, time: "
                f"{{offset_s: {first - begin:.3f}}} of {name} moves it there"
            )
        steps = round((first - begin) / ZONES_S)
        if whole and first > end and steps and abs(first - begin - steps * ZONES_S) < BEGUN_WITHIN_S:
            raise DataError(
                f"{path}: ends {first - end:.0f} s before {theirs} begins, which begins {steps * ZONES_S / 3600:g} h "
                f"after it; are their clocks of different time zones? time: {{zone: ...}} of each says its own, and "
                f"offset_s: {-steps * ZONES_S} of {other} moves it"
            )
