"""When samples were taken, as a descriptor says it: the sections `time` and `rate_hz`, and cells that hold a number."""

import re
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag, model_validator

from har_ray.data.own.columns import Column
from har_ray.data.own.paths import Pattern
from har_ray.errors import nearest, unknown

UNITS_PER_S = {"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
DAY_S = 86_400

AUTO, ISO, EXCEL = "auto", "iso", "excel"


def _format(text: str) -> str:
    if text in (AUTO, ISO, EXCEL):
        return text
    if "%" not in text:
        raise ValueError(f"{unknown('format', text, (AUTO, ISO, EXCEL))}, or a pattern such as '%d/%m/%Y %H:%M:%S.%f'")
    try:
        datetime.strptime(datetime(2021, 3, 24, 14, 42, 3).strftime(text), text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no pattern of a time: {error}") from error
    return text


def _zone(name: str) -> str:
    if name not in available_timezones():
        meant = nearest(name, sorted(available_timezones()))
        hint = f"; did you mean {meant!r}?" if meant else "; expected a name such as 'Europe/Oslo' or 'UTC'"
        raise ValueError(f"time zone {name!r} is unknown{hint}")
    return name


def _count_unit(value: Any) -> Any:
    if isinstance(value, str) and value not in UNITS_PER_S:
        raise ValueError(unknown("value", value, UNITS_PER_S))
    return value


def _start(value: Any) -> Any:
    """A time as YAML or a person writes it."""
    return datetime(value.year, value.month, value.day) if type(value) is date else value


def _start_kind(value: Any) -> str:
    return "a cell" if isinstance(value, dict | StartCell) else "a time"


CountUnit = Annotated[
    Literal["s", "ms", "us", "ns"] | Annotated[float, Field(gt=0, allow_inf_nan=False)], BeforeValidator(_count_unit)
]
"""What numbers count: a unit's name, or how many seconds one count lasts."""
Offset = Annotated[float, Field(allow_inf_nan=False)]
TimeFormat = Annotated[str, AfterValidator(_format)]
ZoneName = Annotated[str, AfterValidator(_zone)]


class Cell(BaseModel, frozen=True, extra="forbid"):
    """A cell above the rows of a file: line and column, both from 1."""

    line: Annotated[int, Field(ge=1)]
    column: Annotated[int, Field(ge=1)] = 1


class StartCell(Cell, frozen=True, extra="forbid"):
    """The cell that says when a recording begins: a number of `unit` since 1970, or a date and time."""

    unit: Literal["s", "ms", "us", "ns"] = "s"


Start = Annotated[
    Annotated[StartCell, Tag("a cell")] | Annotated[datetime, Tag("a time")],
    Discriminator(_start_kind),
    BeforeValidator(_start),
]


class RateSource(BaseModel, frozen=True, extra="forbid"):
    """The number of samples per second in a file's path, as the one group of a regular expression, or in a cell."""

    pattern: Pattern | None = None
    line: Annotated[int | None, Field(ge=1)] = None
    column: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.line is None) == (self.pattern is None):
            raise ValueError("expected either pattern (of the file's path), or line and column of a cell")
        return self

    @property
    def cell(self) -> Cell | None:
        return None if self.line is None else Cell(line=self.line, column=self.column)


def _rate(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"YAML reads this as {value}; expected a number of samples per second, or auto")
    if isinstance(value, str) and value != AUTO and not re.fullmatch(r"[-+.\d eE]+", value):
        raise ValueError(f"{value!r} is neither a number nor auto, {{pattern: ...}} or {{line: ..., column: ...}}")
    return value


Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
RateOrSource = Annotated[Rate | Literal["auto"] | RateSource, BeforeValidator(_rate)]


class Time(BaseModel, frozen=True, extra="forbid"):
    """When each row was taken.

    Attributes:
        column: of the stamps; None where rows come at `rate_hz` from `start` on.
        date: the column of the date, where `column` holds the time of day alone; `format` is that of both, with a blank
            between them.
        unit: what numbers count: a unit's name, or how many seconds one count lasts.
        format: of stamps that are text: `iso`, or a pattern as for `strptime`; `excel` for a spreadsheet's serial days;
            `auto` finds out whether stamps are numbers, and otherwise the one format that they can be of.
        zone: of stamps without one, e.g. `Europe/Oslo`: when its clocks change, time does not leap.
        wraps_at: the counter begins again at 0 after this many counts; `auto` finds 2^8, 2^16, 2^24 and 2^32.
        packets: samples that share a stamp are spread over the time until the next stamp.
        disorder_s: rows that come late by at most so long are sorted.
        start: of all recordings, or where in each file it stands, if there is no column.
        offset_s: seconds to be added, so that its clock is that of the other sources; or such a number for some files
            each, by patterns of their paths, of which the first that fits counts.
    """

    column: Column | None = None
    date: Column | None = None
    unit: CountUnit = "s"
    format: TimeFormat = AUTO
    zone: ZoneName | None = None
    wraps_at: Literal["auto", "none"] | Annotated[float, Field(gt=1)] = "auto"
    packets: bool = False
    disorder_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    start: Start | None = None
    offset_s: Offset | dict[str, Offset] = 0.0

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.column is None) == (self.start is None):
            raise ValueError(
                "expected either column, of the time stamps, or start: a time, or the line and column of a cell"
            )
        if self.date is not None and self.column is None:
            raise ValueError("date is of rows whose column says the time of day; say column, too")
        return self

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those that are read: of the date, if there is one, and of the stamps."""
        return tuple(column for column in (self.date, self.column) if column is not None)

    @property
    def name(self) -> str:
        """The columns, for messages: `'Date' and 'Time'`."""
        return " and ".join(map(repr, self.columns))

    @property
    def count_s(self) -> float:
        """How long one count of a number lasts, in seconds."""
        return self.unit if isinstance(self.unit, float) else 1 / UNITS_PER_S[self.unit]

    def offset_of(self, relative: str) -> float:
        """What is added to the seconds of a file, given its path."""
        if not isinstance(self.offset_s, dict):
            return self.offset_s
        return next((offset for pattern, offset in self.offset_s.items() if fnmatchcase(relative, pattern)), 0.0)

    @property
    def zone_info(self) -> ZoneInfo | None:
        return ZoneInfo(self.zone) if self.zone else None
