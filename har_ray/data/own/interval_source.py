"""What `label.intervals` of a descriptor may say."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from har_ray.data.own.columns import Column
from har_ray.data.own.interval_files import NO_TABLES, MarkColumns
from har_ray.data.own.paths import Pattern
from har_ray.data.own.timing import AUTO, CountUnit, TimeFormat, ZoneName

OF_A_TABLE = ("start", "end", "label", "duration", "recording", "subject")
"""Columns; other files say for themselves what stands where."""


def _one_place(files: str) -> str:
    if files.count("{}") > 1 or re.search(r"\{[^}]", files):
        raise ValueError(f"{files!r}: expected at most one {{}}, where what the pattern finds stands")
    return files


class IntervalSource(BaseModel, frozen=True, extra="forbid"):
    """Where the intervals of a recording are, and what their times mean.

    Attributes:
        files: the path relative to the descriptor; for `{}` stands what `pattern` finds in the path of the recording's
            file, by default its name. Without `{}` one file has the intervals of all recordings.
        start, end, label: the columns of a table.
        duration: in the place of `end`, how long an interval lasts.
        until_next: there is no end: an interval lasts until the next starts, the last one as long as the recording.
        recording: of a table of all recordings: whose an interval is, by the name of its file, with or without its
            suffix, by its path, or by what `pattern` finds in it.
        subject: of recordings of several people: whose an interval is, as the recording calls them.
        unit: of numbers, by name or as how many seconds one lasts (0.02 of samples at 50 Hz); by default ms for ELAN,
            else s.
        format: of times that are no numbers: a pattern of strptime's; `auto` and `iso` for ISO 8601.
        zone: of times without a zone; by default that of the recording's.
        clock: `absolute`: what the recording's time stamps tell; `recording`: seconds since its first sample. By
            default that of ELAN and Audacity is `recording`, of others `absolute`.
        tier: of ELAN, where several have annotations.
    """

    files: Annotated[str, Field(min_length=1), AfterValidator(_one_place)]
    pattern: Pattern | None = None
    start: Column = "start"
    end: Column = "end"
    label: Column = "label"
    duration: Column | None = None
    until_next: bool = False
    recording: Column | None = None
    subject: Column | None = None
    unit: CountUnit | None = None
    format: TimeFormat = AUTO
    zone: ZoneName | None = None
    clock: Literal["absolute", "recording"] | None = None
    tier: str | None = None

    @property
    def columns(self) -> "MarkColumns":
        end = None if self.until_next else self.duration or self.end
        return MarkColumns(self.start, end, self.label, self.recording, self.subject)

    @model_validator(mode="after")
    def _one_end(self) -> "IntervalSource":
        ends = [key for key in ("end", "duration", "until_next") if key in self.model_fields_set and getattr(self, key)]
        if len(ends) > 1:
            raise ValueError(f"expected one of end, duration and until_next, found {' and '.join(ends)}")
        return self

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> "IntervalSource":
        suffix = PurePosixPath(self.files).suffix.lower()
        idle = [key for key in OF_A_TABLE if suffix in NO_TABLES and key in self.model_fields_set]
        if self.tier is not None and suffix != ".eaf":
            idle.append("tier")
        if idle:
            raise ValueError(f"{' and '.join(idle)}: says nothing of {suffix or 'such'} files; leave it out")
        return self
