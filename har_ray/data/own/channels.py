"""The section `channels` of a descriptor: columns of numbers, and in which units they are."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from har_ray.data.own.columns import Column
from har_ray.data.own.section import Name, Section, Text
from har_ray.data.own.units import InFile, factor


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


def _as_channel(value: Any) -> Any:
    return value if isinstance(value, dict) else {"column": value}


def _own_column(channels: Mapping[str, ChannelColumn]) -> Mapping[str, ChannelColumn]:
    taken: dict[str, str] = {}
    for name, channel in channels.items():
        if other := taken.get(str(channel.column)):
            raise ValueError(f"column {channel.column!r} is both {other} and {name}")
        taken[str(channel.column)] = name
    return channels


Channels = Annotated[
    dict[Name, Annotated[ChannelColumn, BeforeValidator(_as_channel)]],
    Field(min_length=1),
    AfterValidator(_own_column),
]
