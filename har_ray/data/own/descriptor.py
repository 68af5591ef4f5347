"""What the descriptor of a user's own recordings may say: the schema of its YAML file."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from har_ray.data.cleaning import natural_key
from har_ray.data.dataset import Align, LabelRule, Preset
from har_ray.data.own.columns import Column
from har_ray.data.own.format import AUTO, FileSpec, Format
from har_ray.data.windows import samples
from har_ray.errors import unknown

UNITS_PER_S = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"YAML reads this as {value!r}; put the text in quotes")
    return str(value).strip()


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    if groups != 1:
        raise ValueError(f"{pattern!r} has {groups} groups in parentheses, expected one around what is wanted")
    return pattern


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
Pattern = Annotated[str, AfterValidator(_one_group)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False), AfterValidator(_whole)]
ChannelName = Annotated[str, AfterValidator(_known_channel)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeColumn(Section):
    """The column of time stamps, numbers that count `unit`."""

    column: Column
    unit: Literal["s", "ms", "us", "ns"] = "s"


class _Source(Section):
    """A word in a column, or in a file's path as the one group of a regular expression."""

    column: Column | None = None
    pattern: Pattern | None = None

    @model_validator(mode="after")
    def _either(self) -> "_Source":
        if (self.column is None) == (self.pattern is None):
            raise ValueError("expected either column or pattern (of the file's path)")
        return self


class SubjectSource(_Source):
    """Who is recorded."""


class LabelSource(_Source):
    """What the subject does.

    Attributes:
        map: label in the files → class. Labels that are classes need not be listed.
        classes: in label order; by default those of `map` in the order of first mention, and without a `map` every
            label in the files, in natural order.
        no_class: labels of samples that belong to no class, by default the empty one.
    """

    map: dict[Text, Name] = {}
    classes: tuple[Name, ...] = ()
    no_class: tuple[Text, ...] = ("",)

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
    """A column of numbers; short form: the column alone."""

    column: Column
    unit: Text = "unknown unit"


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
    """A whole descriptor. Paths in `files` are relative to the descriptor's folder; `members` are those of archives."""

    files: Name
    rate_hz: Rate
    subject: SubjectSource
    label: LabelSource
    channels: Annotated[
        dict[Name, Annotated[ChannelColumn, BeforeValidator(_as_channel)]],
        Field(min_length=1),
        AfterValidator(_own_column),
    ]
    presets: Annotated[dict[Name, PresetSection], Field(min_length=1)]
    time: TimeColumn | None = None
    members: Name | None = None
    format: Format = AUTO
    strict: bool = False

    @property
    def words(self) -> tuple[Column, ...]:
        """The columns of words: subject and label, where they are in columns."""
        return tuple(dict.fromkeys(source.column for source in (self.subject, self.label) if source.column))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column that each file must have."""
        time = (self.time.column,) if self.time else ()
        return (*time, *(channel.column for channel in self.channels.values()), *self.words)

    @property
    def file_spec(self) -> FileSpec:
        return FileSpec(self.columns, self.format)

    def preset(self, name: str) -> Preset:
        given = self.presets[name].model_dump(exclude={"rate_hz", "channels"})
        chosen = self.presets[name]
        return Preset(channels=chosen.channels or tuple(self.channels), rate_hz=chosen.rate_hz or self.rate_hz, **given)


def context(content: Mapping[str, Any]) -> dict[str, Any]:
    """What presets are checked against, from the YAML as it stands, so that all errors are found together."""
    channels, rate_hz = content.get("channels"), content.get("rate_hz")
    return {
        "channels": {str(name): None for name in channels} if isinstance(channels, dict) else {},
        "rate_hz": rate_hz if isinstance(rate_hz, int | float) and rate_hz > 0 else None,
    }
