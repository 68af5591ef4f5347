"""What the checks know of recordings: sums over samples, gathered while these are read, a recording at a time.

Memory does not grow with the length of recordings: there is a `Part` of a few numbers a channel for each class of each
subject in each source.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from har_ray.data.dataset import Recording, Wander
from har_ray.data.sensors import axes, placements
from har_ray.data.soundness.motion import Told, lags
from har_ray.data.soundness.sketch import Sketch

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Key = tuple[str, str, int]
"""Source, subject, label (or `NULL`)."""


@dataclass(frozen=True)
class Part:
    """Samples of one source, subject and class.

    Attributes:
        samples: how many there are.
        repeated: how many equal the one before in every channel.
        total, squares: sums of values and of their squares, `[C]`.
        lowest, highest: extremes, `[C]`.
        at_lowest, at_highest: how many samples are exactly there, `[C]`.
        norms: sums of the norms of the sensors with three axes, `[S]`.
    """

    samples: int
    repeated: int
    total: Floats
    squares: Floats
    lowest: Floats
    highest: Floats
    at_lowest: Ints
    at_highest: Ints
    norms: Floats

    @classmethod
    def of(cls, x: npt.NDArray[np.float32], sensors: Iterable[Sequence[int]]) -> "Part":
        """Of samples `[n, C]`, n > 0; `sensors` are the axes of those that have three."""
        lowest, highest = x.min(axis=0), x.max(axis=0)
        norms = [np.linalg.norm(x[:, list(three)], axis=1).sum(dtype=np.float64) for three in sensors]
        return cls(
            samples=len(x),
            repeated=int((x[1:] == x[:-1]).all(axis=1).sum()),
            total=x.sum(axis=0, dtype=np.float64),
            squares=np.square(x, dtype=np.float64).sum(axis=0),
            lowest=lowest.astype(np.float64),
            highest=highest.astype(np.float64),
            at_lowest=(x == lowest).sum(axis=0),
            at_highest=(x == highest).sum(axis=0),
            norms=np.array(norms, dtype=np.float64),
        )

    def joined(self, other: "Part") -> "Part":
        """Of the samples of both."""
        lowest, highest = np.minimum(self.lowest, other.lowest), np.maximum(self.highest, other.highest)
        return Part(
            samples=self.samples + other.samples,
            repeated=self.repeated + other.repeated,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            lowest=lowest,
            highest=highest,
            at_lowest=np.sum([np.where(one.lowest == lowest, one.at_lowest, 0) for one in (self, other)], axis=0),
            at_highest=np.sum([np.where(one.highest == highest, one.at_highest, 0) for one in (self, other)], axis=0),
            norms=self.norms + other.norms,
        )

    @property
    def mean(self) -> Floats:
        return self.total / self.samples

    @property
    def variance(self) -> Floats:
        return np.maximum(self.squares / self.samples - self.mean**2, 0)

    @property
    def norm(self) -> Floats:
        """The mean norms, `[S]`."""
        return self.norms / self.samples


@dataclass
class Gathered:
    """The statistics of recordings of these channels, of as many as were added.

    Attributes:
        channels: the recordings' last axis.
        parts: by source, subject and label.
        sketch: what tells that two stretches are the same.
        wanders: by source and subject, how far the rate of a recording goes off at most.
        told: by two sources that recordings are joined of, then by source and subject: how late the second is.
        begins_s: how long after the earliest each of these begins, the least and the most.
    """

    channels: tuple[str, ...]
    parts: dict[Key, Part] = field(default_factory=dict)
    sketch: Sketch = field(default_factory=Sketch)
    wanders: dict[tuple[str, str], Wander] = field(default_factory=dict)
    told: dict[tuple[str, ...], dict[tuple[str, str], list[Told]]] = field(default_factory=dict)
    begins_s: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def sensors(self) -> dict[str, list[int]]:
        """Those with three axes: name → x, y, z."""
        return axes(self.channels)

    def watched(self, source: str, recordings: Iterable[Recording]) -> Iterator[Recording]:
        """The same recordings of a source, each added as it passes."""
        for recording in recordings:
            self.add(source, recording)
            yield recording

    def add(self, source: str, recording: Recording) -> None:
        sensors = list(self.sensors.values())
        self.sketch.add(source, recording)
        if recording.wander:
            self._take_wander((source, recording.subject), recording.wander)
        self._add_clocks((source, recording.subject), recording)
        for label in np.unique(recording.labels).tolist():
            of_label = recording.labels == label
            x = recording.x if of_label.all() else recording.x[of_label]
            self._join((source, recording.subject, label), Part.of(x, sensors))

    def join(self, other: "Gathered") -> None:
        """Take in what was gathered of other recordings of the same channels."""
        for key, part in other.parts.items():
            self._join(key, part)
        self.sketch.join(other.sketch)
        for stream, wander in other.wanders.items():
            self._take_wander(stream, wander)
        for pair, streams in other.told.items():
            for stream, told in streams.items():
                self.told.setdefault(pair, {}).setdefault(stream, []).extend(told)
        for source, span in other.begins_s.items():
            self._take_begin(source, span)

    def _add_clocks(self, stream: tuple[str, str], recording: Recording) -> None:
        for one in recording.joined:
            self._take_begin(one.source, (one.begins_s, one.begins_s))
        number_of = {channel: number for number, one in enumerate(recording.joined) for channel in one.channels}
        for together in placements(self.channels) if number_of else ():
            threes = sorted(together.values(), key=lambda three: number_of[three[0]])
            for first, second in combinations(threes, 2):
                pair = tuple(recording.joined[number_of[three[0]]].source for three in (first, second))
                if pair[0] != pair[1]:
                    told = lags(recording.x[:, first], recording.x[:, second], recording.rate_hz)
                    found = self.told.setdefault(pair, {}).setdefault(stream, [])
                    found += [Told(recording.start_s + at_s, lag_s) for at_s, lag_s in told]

    def _take_begin(self, source: str, span: tuple[float, float]) -> None:
        least, most = self.begins_s.get(source, span)
        self.begins_s[source] = (min(least, span[0]), max(most, span[1]))

    def _take_wander(self, stream: tuple[str, str], wander: Wander) -> None:
        self.wanders[stream] = max(self.wanders.get(stream, wander), wander, key=lambda one: one.range)

    def _join(self, key: Key, part: Part) -> None:
        known = self.parts.get(key)
        self.parts[key] = known.joined(part) if known else part
