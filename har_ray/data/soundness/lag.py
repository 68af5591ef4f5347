"""Sources of one recording whose clocks are apart: they show the same motion at different times."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from har_ray.data.soundness.evidence import Evidence, Stream
from har_ray.data.soundness.finding import SHOWN, Finding
from har_ray.data.soundness.motion import Told

KIND = "lag"

LEAST = 5
"""Stretches that must tell a lag."""
AGREEING, NEAR_S = 0.8, 0.1
"""The part of them that must tell the same one, within so much. Of 46 watches of WISDM 2019 it is 0.94 at least."""
LATE_S = 0.1
"""A lag from which it is said. These watches and the phones of Sensors have up to 0.06."""
DRIFT_S = 0.2
"""By how much a lag must change while a file is recorded."""
SAID_S = 0.05
"""A source that begins earlier after another is as good as together with it."""

Pair = tuple[str, ...]
"""Two sources, that whose labels count first."""


class Lag(NamedTuple):
    """How late a source is at the beginning and at the end, and how many stretches tell it, of those that tell any."""

    begin_s: float
    end_s: float
    telling: int
    told: int

    @property
    def drifts(self) -> bool:
        return self.begin_s != self.end_s


def findings(evidence: Evidence) -> Iterator[Finding]:
    """For each two sources, those files in which one is late by the same time together."""
    for pair, streams in evidence.gathered.told.items():
        lags = _lags(streams)
        late = {stream: lag for stream, lag in lags.items() if lag.drifts or abs(lag.begin_s) > LATE_S}
        groups = list(_alike(late))
        for group in groups[:SHOWN]:
            more = f" (and so do {len(groups) - SHOWN} more groups of files)" if len(groups) > SHOWN else ""
            yield _found(evidence, pair, group, len(group) == len(lags), more)


def _lags(streams: Mapping[Stream, Sequence[Told]]) -> dict[Stream, Lag]:
    """What all files of a person tell together where they agree, or each of them by itself; nothing of the others."""
    found = dict[Stream, Lag]()
    for subject in dict.fromkeys(subject for _, subject in streams):
        own = {stream: told for stream, told in streams.items() if stream[1] == subject}
        together = steady([one for told in own.values() for one in told])
        for stream, told in own.items():
            if lag := together or steady(told) or drifting(told):
                found[stream] = lag
    return found


def steady(told: Sequence[Told]) -> Lag | None:
    """The lag that most stretches tell; None where they are few or do not agree."""
    if len(told) < LEAST:
        return None
    middle = float(np.median([one.lag_s for one in told]))
    near = sum(abs(one.lag_s - middle) <= NEAR_S for one in told)
    return Lag(middle, middle, near, len(told)) if near >= AGREEING * len(told) else None


def drifting(told: Sequence[Told]) -> Lag | None:
    """A lag that grows or shrinks evenly while a file is recorded: most lie along the line through the medians of the
    first third and the last. None where they are few, or do not.
    """
    if len(told) < 3 * LEAST:
        return None
    at, lags = np.array(told).T
    third = len(told) // 3
    (first_at, first), (last_at, last) = (
        np.median(np.array(told)[part], axis=0) for part in (np.s_[:third], np.s_[-third:])
    )
    line = first + (last - first) / (last_at - first_at) * (at - first_at)
    near = int((np.abs(lags - line) <= NEAR_S).sum())
    apart = abs(line[-1] - line[0]) > DRIFT_S
    return Lag(float(line[0]), float(line[-1]), near, len(told)) if apart and near >= AGREEING * len(told) else None


def _alike(lags: Mapping[Stream, Lag]) -> Iterator[dict[Stream, Lag]]:
    """Those that drift one by one, others by how late they are."""
    yield from ({stream: lag} for stream, lag in lags.items() if lag.drifts)
    group: dict[Stream, Lag] = {}
    for stream, lag in sorted(lags.items(), key=lambda one: one[1].begin_s):
        if lag.drifts:
            continue
        if group and lag.begin_s - next(iter(group.values())).begin_s > NEAR_S:
            yield group
            group = {}
        group[stream] = lag
    if group:
        yield group


def _found(evidence: Evidence, pair: Pair, group: Mapping[Stream, Lag], is_all: bool, more: str) -> Finding:
    one, other = pair
    where, lags = evidence.where(group), dict.fromkeys((subject, lag) for (_, subject), lag in group.items())
    telling, told = (sum(getattr(lag, count) for _, lag in lags) for count in ("telling", "told"))
    basis = f"in {telling} of the {told} stretches of 20 s whose motion tells it{more}"
    begin, end = (float(np.median([getattr(lag, at) for _, lag in lags])) for at in ("begin_s", "end_s"))
    if begin != end:
        return Finding(
            KIND,
            where,
            round(end - begin, 2),
            f"the clocks of {one} and {other} run apart: {other} shows the same motion {_late(begin)} at first and "
            f"{_late(end)} at last, {basis}",
            f"correct the time stamps of {other}, or cut the recordings, each with an offset_s of its own",
        )
    offset = f"{-begin:.2f}" if is_all else f"{{'<pattern of these files>': {-begin:.2f}}}"
    return Finding(
        KIND,
        where,
        round(begin, 2),
        f"{other} shows the same motion {_late(begin)} than {one}, {basis}: their clocks are apart",
        f"sources: {{{other}: {{time: {{offset_s: {offset}, ...}}}}}} moves it, beside what stands there already",
    )


def _late(seconds: float) -> str:
    return f"{abs(seconds):.2f} s {'later' if seconds > 0 else 'earlier'}"


def begins(apart: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    """When sources begin that do not begin together.

    Args:
        apart: source → the least and the most, of all files, of how long after the earliest of the sources it begins.

    Example:
        >>> list(begins({"acc": (0.0, 0.0), "gyr": (0.12, 2.3)}))
        ['gyr begins 0.12 to 2.3 s after the first of the sources']
    """
    for source, (least, most) in apart.items():
        if most >= SAID_S:
            span = f"{least:.3g} to {most:.3g}" if f"{least:.3g}" != f"{most:.3g}" else f"{most:.3g}"
            yield f"{source} begins {span} s after the first of the sources"
