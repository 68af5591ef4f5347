"""Streams of several sensors, each with a clock of its own, joined at common instants.

Linear interpolation turns the readings of every stream into values at instants one step apart, wherever all streams
run without a pause. Nothing is filtered, and nothing is drawn across a pause.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Run:
    """An uninterrupted stream of one sensor: time `[n]`, which never runs backwards, and values float32 `[n, C]`."""

    t: npt.NDArray[Any]
    x: npt.NDArray[np.float32]


Stream = dict[Key, list[Run]]
"""One sensor's runs, in order of time under each key. Only runs of the same key belong together."""


class Stretch(NamedTuple, Generic[Key]):
    """A stretch of time that all streams share.

    Attributes:
        t: the instants `[m]`, in the unit of the runs' time.
        x: float32 `[m, C]`, the values of all streams side by side.
        runs: the run of each stream that they are from.
    """

    key: Key
    t: npt.NDArray[np.float64]
    x: npt.NDArray[np.float32]
    runs: Sequence[Run]


def joined(streams: Mapping[str, Stream[Key]], step: float, alone: dict[str, int]) -> Iterator[Stretch[Key]]:
    """The stretches of time that all streams share, key after key, each from the first instant that all have.

    Readings at 0, 50, 100 ms and others at 40, 80, 120 ms share 40 to 100 ms: with a step of 50 the instants are 40 and
    90, and values at 90 lie between those at 50 and 100, 80 and 120. The readings at 0 and 120 are alone.

    Args:
        streams: by sensor.
        step: from instant to instant, in the unit of the runs' time.
        alone: to this is added how many readings of each stream are in no stretch, once all have been taken.
    """
    left = {name: sum(len(run.t) for part in stream.values() for run in part) for name, stream in streams.items()}
    for key in sorted(set.intersection(*(set(stream) for stream in streams.values()))):  # type: ignore[type-var]
        for together in _overlapping([stream[key] for stream in streams.values()]):
            first = max(run.t[0] for run in together)
            last = min(run.t[-1] for run in together)
            if first > last:
                continue
            for sensor, run in zip(streams, together, strict=True):
                left[sensor] -= int(((run.t >= first) & (run.t <= last)).sum())
            t = first + step * np.arange(int((last - first) // step) + 1)
            values = [np.interp(t, run.t, run.x[:, axis]) for run in together for axis in range(run.x.shape[1])]
            yield Stretch(key, t, np.stack(values, axis=1).astype(np.float32), together)
    for sensor, n in left.items():
        alone[sensor] = alone.get(sensor, 0) + n


def goes_on(stretch: Stretch[Key], streams: Mapping[str, Mapping[Key, Sequence[Run]]]) -> bool:
    """Whether the stream that ends a stretch has more under the same key."""
    ends = min(zip(stretch.runs, streams.values(), strict=True), key=lambda one: one[0].t[-1])
    return ends[0] is not ends[1][stretch.key][-1]


def _overlapping(streams: Sequence[Sequence[Run]]) -> Iterator[tuple[Run, ...]]:
    """The combinations of a run of each stream, in order of time, without those of runs that are far apart."""
    first, *others = streams
    for run in first:
        near = [
            part[
                bisect_left(part, run.t[0], key=lambda one: one.t[-1]) : bisect_right(
                    part, run.t[-1], key=lambda one: one.t[0]
                )
            ]
            for part in others
        ]
        yield from product([run], *near)
