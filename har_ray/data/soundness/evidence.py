"""What the checks are given: the statistics of recordings, by person and file, and what their dataset says of them."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import Dataset, Preset
from har_ray.data.soundness.finding import listed
from har_ray.data.soundness.statistics import Gathered, Part

Stream = tuple[str, str]
"""A source and a subject in it."""


def short_names(sources: Collection[str]) -> dict[str, str]:
    """What each source is called below the folder that all share."""
    paths = {source: Path(source) for source in sources}
    if len({path.is_absolute() for path in paths.values()}) != 1:
        return dict(zip(sources, sources, strict=True))
    folder = Path(os.path.commonpath([path.parent for path in paths.values()]))
    return {source: path.relative_to(folder).as_posix() for source, path in paths.items()}


@dataclass(frozen=True)
class Evidence:
    """Statistics of recordings, and how they are used.

    Attributes:
        gathered: the statistics.
        units: of each channel.
        trained_on: the channels of the windows, norms among them.
        aligned: whether every recording is turned so that gravity points one way.
        own: whether they are a user's, described by a file that can be changed.
        rate_hz: of the windows.
    """

    gathered: Gathered
    units: Mapping[str, str]
    trained_on: tuple[str, ...]
    aligned: bool
    own: bool
    rate_hz: float

    @classmethod
    def of(cls, gathered: Gathered, dataset: Dataset, preset: Preset, own: bool) -> "Evidence":
        units = {channel: dataset.unit(channel) for channel in gathered.channels}
        return cls(gathered, units, preset.channels, preset.align == "gravity", own, preset.rate_hz)

    @property
    def sensors(self) -> dict[str, list[int]]:
        """Those with three axes: name → x, y, z."""
        return self.gathered.sensors

    def unit(self, sensor: str) -> str:
        return self.units[self.gathered.channels[self.sensors[sensor][0]]]

    @cached_property
    def streams(self) -> dict[Stream, dict[int, Part]]:
        """By source and subject: the part of each class."""
        found: dict[Stream, dict[int, Part]] = {}
        for source, subject, label in sorted(self.gathered.parts, key=lambda key: natural_key(f"{key[1]} {key[0]}")):
            found.setdefault((source, subject), {})[label] = self.gathered.parts[source, subject, label]
        return found

    @cached_property
    def whole(self) -> dict[Stream, Part]:
        """By source and subject: all classes together."""
        return {stream: reduce(Part.joined, parts.values()) for stream, parts in self.streams.items()}

    @cached_property
    def _names(self) -> dict[str, str]:
        return short_names({source for source, _ in self.streams})

    def file(self, source: str) -> str:
        """A source, below the folder that all share."""
        return self._names[source]

    def where(self, streams: Iterable[Stream]) -> str:
        """Whose and in which files: `subject 2 (p2.csv)`, `subjects 2 and 4 (p2.csv and p4.csv)`, `everybody`."""
        chosen = set(streams)
        if len(chosen) == len(self.streams) > 1:
            return "everybody"
        subjects = list(dict.fromkeys(subject for _, subject in self.streams if (_, subject) in chosen))
        files = list(dict.fromkeys(self.file(source) for source, _ in self.streams if (source, _) in chosen))
        return f"subject{'s' * (len(subjects) > 1)} {listed(subjects)} ({listed(files)})"

    def of_subjects(self, subjects: Iterable[str]) -> str:
        """The same of all that somebody has."""
        wanted = set(subjects)
        return self.where(stream for stream in self.streams if stream[1] in wanted)

    def leave_out(self, subjects: Sequence[str]) -> str:
        return f"leave {listed(subjects)} out (subjects: in the grid's dataset)"
