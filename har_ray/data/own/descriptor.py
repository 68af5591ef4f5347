"""What the descriptor of a user's own recordings may say: the schema of its YAML file."""

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import Align, LabelRule, Preset
from har_ray.data.own.columns import Column
from har_ray.data.own.format import AUTO, FileSpec, Format
from har_ray.data.own.intervals import IntervalSource
from har_ray.data.own.paths import Pattern, SharedPattern
from har_ray.data.own.timing import Rate, RateOrSource, RateSource, Time
from har_ray.data.own.units import InFile, UnitRule, factor
from har_ray.data.windows import samples
from har_ray.errors import unknown
from har_ray.yaml_check import inconsistent
from har_ray.yaml_file import KeyPath

Mistake = tuple[KeyPath, str]


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"YAML reads this as {value!r}; put the text in quotes")
    return str(value).strip()


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


def _as_channel(value: Any) -> Any:
    return value if isinstance(value, dict) else {"column": value}


def _own_column(channels: Mapping[str, "ChannelColumn"]) -> Mapping[str, "ChannelColumn"]:
    taken: dict[str, str] = {}
    for name, channel in channels.items():
        if other := taken.get(str(channel.column)):
            raise ValueError(f"column {channel.column!r} is both {other} and {name}")
        taken[str(channel.column)] = name
    return channels


def _known_channel(name: str, info: ValidationInfo) -> str:
    known: Mapping[str, Any] = (info.context or {}).get("channels", {})
    if known and name not in known:
        raise ValueError(unknown("channel", name, known))
    return name


def _whole(seconds: float, info: ValidationInfo) -> float:
    rate_hz = info.data.get("rate_hz") or (info.context or {}).get("rate_hz")
    if rate_hz:
        samples(seconds, rate_hz)
    return seconds


Text = Annotated[str, BeforeValidator(_as_text)]
Name = Annotated[Text, Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_whole)]
ChannelName = Annotated[str, AfterValidator(_known_channel)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WordSource(Section):
    """A word in a column, or in a file's path as the one group of a regular expression."""

    column: Column | None = None
    pattern: Pattern | None = None

    @model_validator(mode="after")
    def _either(self) -> "WordSource":
        if (self.column is None) == (self.pattern is None):
            raise ValueError("expected either column or pattern (of the file's path)")
        return self


class SubjectSource(WordSource):
    """Who is recorded."""


class LabelSource(WordSource):
    """What the subject does.

    Attributes:
        map: label in the files → class. Labels that are classes need not be listed.
        classes: in label order; by default those of `map` in the order of first mention, and without a `map` every
            label in the files, in natural order.
        no_class: labels of samples that belong to no class, by default the empty one.
        intervals: a file of labelled intervals for each recording, in the place of column and pattern.
    """

    intervals: IntervalSource | None = Field(default=None, exclude=True)  # their content is in the fingerprint
    map: dict[Text, Name] = {}
    classes: tuple[Name, ...] = ()
    no_class: tuple[Text, ...] = ("",)

    @model_validator(mode="after")
    def _either(self) -> "LabelSource":
        if sum(given is not None for given in (self.column, self.pattern, self.intervals)) != 1:
            raise ValueError("expected one of column, pattern (of the file's path) and intervals (in another file)")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> "LabelSource":
        wrong = [f"map: {unknown('class', c, self.classes)}" for c in self.map.values() if c not in self.class_names()]
        both = set(self.no_class) & {*self.map, *self.class_names()}
        wrong += [f"no_class: {label!r} also stands in map or classes" for label in sorted(both)]
        wrong += [f"classes: {c!r} is listed twice" for i, c in enumerate(self.classes) if c in self.classes[:i]]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self

    def class_names(self, found: Iterable[str] = ()) -> tuple[str, ...]:
        """The classes in label order; `found` are the labels in the files, for a descriptor that names none."""
        named = self.classes or tuple(dict.fromkeys(self.map.values()))
        return named or tuple(sorted(set(found) - set(self.no_class), key=natural_key))


class ChannelColumn(Section):
    """A column of numbers; short form: the column alone.

    Attributes:
        unit: of the windows.
        in_file: the unit in the files, where it is another; values are converted.
    """

    column: Column
    unit: Text = "unknown unit"
    in_file: InFile | None = None

    @model_validator(mode="after")
    def _convertible(self) -> "ChannelColumn":
        if self.in_file:
            self.convertible(self.in_file)
        return self

    def convertible(self, in_file: InFile) -> float:
        """What values in a file are multiplied by; raises ValueError for units that do not go together."""
        if "unit" not in self.model_fields_set:
            raise ValueError("say also unit, which the windows are to have")
        return factor(in_file, self.unit)


Channels = Annotated[
    dict[Name, Annotated[ChannelColumn, BeforeValidator(_as_channel)]],
    Field(min_length=1),
    AfterValidator(_own_column),
]


class Source(Section):
    """Files of one kind: where they are, how they are laid out, how they tell time, and the channels in them.

    Attributes:
        files: a glob relative to the descriptor's folder.
        members: those of archives.
    """

    files: Name
    channels: Channels
    members: Name | None = None
    format: Format = AUTO
    time: Time | None = None


class PresetSection(Section):
    """How the recordings are cut, as `har_ray.data.dataset.Preset`; by default all channels at the files' rate."""

    rate_hz: Rate | None = None  # before the lengths, which are checked against it
    window_s: Seconds
    stride_s: Seconds
    channels: Annotated[tuple[ChannelName, ...], Field(min_length=1)] | None = None
    label_rule: LabelRule = "pure"
    null_class: bool = False
    align: Align = "as-recorded"


class Descriptor(Section):
    """A whole descriptor: files of one kind, or several `sources`, of which some files each make one recording.

    Attributes:
        files, members, format, time, channels: as of a `Source`, where there is only one kind of files.
        rate_hz: samples per second; `auto` finds it for each file, a pattern or a cell reads it there.
        recording: what distinguishes recordings within a file or folder, beside the subject; no window crosses two.
        units: what some files have another unit in; the first that fits counts.
        join: what the paths of files of one recording share, the groups of a regular expression; by default the folder.
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
    recording: Annotated[tuple[WordSource, ...], BeforeValidator(_as_list)] = ()
    units: tuple[UnitRule, ...] = ()
    sources: Annotated[dict[Name, Source], Field(min_length=1)] | None = None
    join: SharedPattern | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Descriptor":
        mistakes = [*self._of_sources(), *self._of_rates(), *self._of_units()]
        if mistakes:
            raise inconsistent(mistakes)
        return self

    def _of_sources(self) -> Iterator[Mistake]:
        if self.sources is None:
            yield from (((key,), "this key is missing") for key in ("files", "channels") if getattr(self, key) is None)
            if self.join:
                yield ("join",), "is for files of several sources; there are no sources"
            return
        for key in sorted({"files", "channels", "time", "members", "format"} & self.model_fields_set):
            yield (key,), "each of the sources says its own; put it there"
        taken: dict[str, str] = {}
        for name, source in self.sources.items():
            for channel in source.channels:
                if channel in taken:
                    yield ("sources", name, "channels", channel), f"is also a channel of {taken[channel]}"
                taken[channel] = name

    def _of_rates(self) -> Iterator[Mistake]:
        for name, source in self.parts.items():
            if self.rate_hz == "auto" and (source.time is None or source.time.column is None):
                where = f" of {name}" if name else ""
                yield ("rate_hz",), f"auto finds it from time stamps, and no time: {{column: ...}}{where} names them"
        if isinstance(self.rate_hz, float):
            return
        for name, preset in self.presets.items():
            if preset.rate_hz is None:
                yield ("presets", name), "rate_hz is missing, to which files are resampled that have rates of their own"

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
        time = (part.time.column,) if part.time and part.time.column else ()
        columns = (*time, *(channel.column for channel in part.channels.values()), *self.words(source))
        return FileSpec(columns, self._below_cells(part, columns))

    def _below_cells(self, part: Source, columns: tuple[Column, ...]) -> Format:
        """Rows without names begin below the cells that hold the start and the rate."""
        rate = self.rate_hz.cell if isinstance(self.rate_hz, RateSource) else None
        start = part.time.start if part.time else None
        lines = [cell.line for cell in (rate, start) if cell]
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


def context(content: Mapping[str, Any]) -> dict[str, Any]:
    """What presets are checked against, from the YAML as it stands, so that all errors are found together."""
    sources, rate_hz = content.get("sources"), content.get("rate_hz")
    parts = [content, *(sources.values() if isinstance(sources, dict) else ())]
    channels = [part.get("channels") for part in parts if isinstance(part, dict)]
    return {
        "channels": {str(name): None for some in channels if isinstance(some, dict) for name in some},
        "rate_hz": rate_hz
        if isinstance(rate_hz, int | float) and not isinstance(rate_hz, bool) and rate_hz > 0
        else None,
    }
