"""The files of a descriptor: what reading one of them takes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from har_ray.data.own.clock import rate_of_file
from har_ray.data.own.descriptor import Descriptor, Source
from har_ray.data.own.files import row_name
from har_ray.data.own.format import FileSpec
from har_ray.data.own.intervals import IntervalFile


@dataclass(frozen=True)
class Table:
    """What reading takes.

    Attributes:
        legend: label → class or `NULL`; empty where labels do not matter.
        groups: by what `Dataset.locate` gives: the files that are read together, by the name of their source.
        intervals: what was labelled in each file, by its relative path, where labels are in files of intervals.
    """

    name: str
    folder: Path
    spec: Descriptor
    legend: Mapping[str, int]
    groups: Mapping[str, Mapping[str, Path]]
    intervals: Mapping[str, IntervalFile] = field(default_factory=dict)

    def relative(self, path: str | Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


@dataclass(frozen=True)
class TableFile:
    """One file of a table.

    Attributes:
        source: the name of the source that it is of.
        path, relative: where it is, and as `files` in the descriptor gives it.
        spec: how it is laid out.
    """

    table: Table
    source: str
    path: Path

    @property
    def relative(self) -> str:
        return self.table.relative(self.path)

    @property
    def name(self) -> str:
        """What tells it from all others, and from itself in another source."""
        return f"{self.source}: {self.relative}" if self.source else self.relative

    @property
    def spec(self) -> FileSpec:
        return self.table.spec.file_spec(self.source)

    @property
    def part(self) -> Source:
        return self.table.spec.parts[self.source]

    @property
    def is_labelled(self) -> bool:
        return self.source == next(iter(self.table.spec.parts))

    def row_name(self, row: int) -> str:
        return row_name(self.path, row, self.spec)

    def rate_hz(self) -> float | None:
        """As the descriptor or the file says; None where stamps tell."""
        return rate_of_file(self.path, self.relative, self.spec, self.table.spec.rate_hz)

    def factor(self, channel: str) -> float:
        """What the values of a channel are multiplied by to be in its unit."""
        column = self.part.channels[channel]
        rules = (rule.in_file for rule in self.table.spec.units if rule.holds(self.relative, channel))
        in_file = next(rules, column.in_file)
        return column.convertible(in_file) if in_file else 1.0
