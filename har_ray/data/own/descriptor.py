"""What the descriptor of a user's own recordings may say: the schema of its YAML file.

Its sections: `timing.py`, when rows were taken; `words.py`, who and what; `channels.py` and `units.py`, which numbers
in which units; `format.py`, how files are laid out; `presets.py`, how recordings are cut.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from har_ray.data.dataset import Preset
from har_ray.data.own.channels import ChannelColumn, Channels
from har_ray.data.own.columns import Column
from har_ray.data.own.format import AUTO, FileSpec, Format
from har_ray.data.own.paths import SharedPattern
from har_ray.data.own.presets import PresetSection
from har_ray.data.own.section import Name, Section
from har_ray.data.own.timing import Cell, RateOrSource, RateSource, Time
from har_ray.data.own.units import UnitRule
from har_ray.data.own.words import LabelSource, RowSource, SubjectSource, WordSource
from har_ray.errors import unknown
from har_ray.yaml_check import inconsistent
from har_ray.yaml_file import KeyPath

Mistake = tuple[KeyPath, str]

WHOLE_PATH = "(.+)"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Source(Section):
    """Files of one kind: where they are, how they are laid out, how they tell time, and the channels in them.

    Attributes:
        files: a glob relative to the descriptor's folder.
        members: those of archives.
        rows: which of their rows, where those of several sensors are in one file: by a word in a column, or by the one
            that only they fill; None for all.
    """

    files: Name
    channels: Channels
    members: Name | None = None
    format: Format = AUTO
    time: Time | None = None
    rows: RowSource | None = None


class Descriptor(Section):
    """A whole descriptor: files of one kind, or several `sources`, of which some files each make one recording.

    Attributes:
        files, members, format, time, rows, channels: as of a `Source`, where there is only one kind of files.
        rate_hz: samples per second; `auto` finds it for each file, a pattern or a cell reads it there.
        recording: what distinguishes recordings within a file or folder, beside the subject; no window crosses two.
        units: what some files have another unit in; the first that fits counts.
        join: what the paths of files of one recording share, the groups of a regular expression; by default the folder,
            or the whole path where all sources are rows of the same files.
    """

    files: Name | None = None
    rate_hz: RateOrSource
    subject: SubjectSource
    label: LabelSource
    channels: Channels | None = None
    presets: Annotated[dict[Name, PresetSection], Field(min_length=1)]
    time: Time | None = None
    members: Name | None = None
    format: Format = AUTO
    rows: RowSource | None = None
    recording: Annotated[tuple[WordSource, ...], BeforeValidator(_as_list)] = ()
    units: tuple[UnitRule, ...] = ()
    sources: Annotated[dict[Name, Source], Field(min_length=1)] | None = None
    join: SharedPattern | None = None
    strict: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> "Descriptor":
        mistakes = [*self._of_sources(), *self._of_rates(), *self._of_rows(), *self._of_units()]
        if mistakes:
            raise inconsistent(mistakes)
        return self

    def _of_sources(self) -> Iterator[Mistake]:
        if self.sources is None:
            yield from (((key,), "this key is missing") for key in ("files", "channels") if getattr(self, key) is None)
            if self.join:
                yield ("join",), "is for files of several sources; there are no sources"
            return
        for key in sorted({"files", "channels", "time", "members", "format", "rows"} & self.model_fields_set):
            yield (key,), "each of the sources says its own; put it there"
        taken: dict[str, str] = {}
        for name, source in self.sources.items():
            for channel in source.channels:
                if channel in taken:
                    yield ("sources", name, "channels", channel), f"is also a channel of {taken[channel]}"
                taken[channel] = name

    def _of_rates(self) -> Iterator[Mistake]:
        for name, source in self.parts.items():
            if self.rate_hz == "auto" and (source.time is None or not source.time.columns):
                where = f" of {name}" if name else ""
                yield ("rate_hz",), f"auto finds it from time stamps, and no time: {{column: ...}}{where} names them"
        if isinstance(self.rate_hz, float):
            return
        for name, preset in self.presets.items():
            if preset.rate_hz is None:
                yield ("presets", name), "rate_hz is missing, to which files are resampled that have rates of their own"

    def _of_rows(self) -> Iterator[Mistake]:
        for name, source in self.parts.items():
            if source.rows and (source.time is None or source.time.column is None):
                key: KeyPath = ("sources", name, "rows") if name else ("rows",)
                yield key, "others lie between these rows, so that only time: {column: ...} says when they were taken"

    def _of_units(self) -> Iterator[Mistake]:
        for i, rule in enumerate(self.units):
            found = [name for name in self.all_channels if fnmatchcase(name, rule.channels)]
            if not found:
                yield ("units", i, "channels"), unknown("channel", rule.channels, self.all_channels)
            for name in found:
                try:
                    self.all_channels[name].convertible(rule.in_file)
                except ValueError as error:
                    yield ("units", i), f"{name}: {error}"
                    break

    @cached_property
    def parts(self) -> dict[str, Source]:
        """The sources by name; one without a name where files are of one kind."""
        if self.sources is not None:
            return self.sources
        if self.files is None or self.channels is None:
            return {}
        shared = {key: getattr(self, key) for key in Source.model_fields}
        return {"": Source.model_construct(**shared)}  # of values that are checked

    @cached_property
    def joined_by(self) -> str | None:
        """The pattern of what the paths of one recording's files share; None for the folder."""
        same = len({(part.files, part.members) for part in self.parts.values()}) == 1
        return self.join or (WHOLE_PATH if same else None)

    @cached_property
    def all_channels(self) -> dict[str, ChannelColumn]:
        return {name: channel for source in self.parts.values() for name, channel in source.channels.items()}

    def words(self, source: str) -> tuple[Column, ...]:
        """The columns of words in a source: subject and recording, and in the first one the label."""
        label = (self.label,) if source == next(iter(self.parts)) else ()
        asked = (self.subject, *label, *self.recording)
        return tuple(dict.fromkeys(one.column for one in asked if one.column))

    def scanned_words(self, source: str) -> tuple[Column, ...]:
        """Of these, the columns whose words must be known before any file is read: subjects and labels."""
        known = {one.column for one in (self.subject, self.label)}
        return tuple(column for column in self.words(source) if column in known)

    def file_spec(self, source: str) -> FileSpec:
        """How the files of a source are laid out, with every column that each must have."""
        part = self.parts[source]
        time = part.time.columns if part.time else ()
        rows = (part.rows.column,) if part.rows else ()
        columns = (*time, *(channel.column for channel in part.channels.values()), *self.words(source), *rows)
        return FileSpec(columns, self._below_cells(part, columns))

    def _below_cells(self, part: Source, columns: tuple[Column, ...]) -> Format:
        """Rows without names begin below the cells that hold the start and the rate."""
        rate = self.rate_hz.cell if isinstance(self.rate_hz, RateSource) else None
        start = part.time.start if part.time else None
        lines = [cell.line for cell in (rate, start) if isinstance(cell, Cell)]
        unnamed = part.format.header_line == "none" or all(isinstance(column, int) for column in columns)
        if not lines or not unnamed or part.format.skip != "auto" or part.format.header_line not in ("auto", "none"):
            return part.format
        return part.format.model_copy(update={"header_line": "none", "skip": max(lines)})

    def preset(self, name: str) -> Preset:
        given = self.presets[name].model_dump(exclude={"rate_hz", "channels"})
        chosen = self.presets[name]
        rate_hz = chosen.rate_hz or (self.rate_hz if isinstance(self.rate_hz, float) else None)
        assert rate_hz is not None, "checked by the model"
        return Preset(channels=chosen.channels or tuple(self.all_channels), rate_hz=rate_hz, **given)
