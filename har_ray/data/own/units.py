"""What a descriptor says of units in files, and values converted by exact factors."""

import math
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from har_ray.data.units import QUANTITIES, spelt
from har_ray.errors import unknown


def _positive(scale: float) -> float:
    if scale == 0 or not math.isfinite(scale):
        raise ValueError(f"a scale is a number other than 0, found {scale:g}")
    return scale


class Scaled(BaseModel, frozen=True, extra="forbid"):
    """Counts of a device: how much of `unit` one is, e.g. 1/64 g."""

    scale: Annotated[float, AfterValidator(_positive)]
    unit: str = Field(min_length=1)


def _in_file(value: Any) -> Any:
    return {"scale": 1, "unit": value} if isinstance(value, str) else value


InFile = Annotated[Scaled, BeforeValidator(_in_file)]
"""A unit in a file: its name alone, or counts with their scale."""


class UnitRule(BaseModel, frozen=True, extra="forbid"):
    """The unit that some channels have in some files; both are globs."""

    in_file: InFile
    files: str = "*"
    channels: str = "*"

    def holds(self, path: str, channel: str) -> bool:
        """Whether the rule is about this channel in a file, by its path as `files` gives it."""
        return self.of_file(path) and fnmatchcase(channel, self.channels)

    def of_file(self, path: str) -> bool:
        return self.files == "*" or PurePosixPath(path).match(self.files)


def factor(found: Scaled, wanted: str) -> float:
    """What values in a file are multiplied by to be in the `wanted` unit.

    Raises:
        ValueError: a unit is unknown, or the two measure different things; names those that could be meant.

    Example:
        >>> factor(Scaled(scale=0.5, unit="g"), "m/s^2")
        4.903325
    """
    one, other = spelt(found.unit), spelt(wanted)
    if one == other:
        return found.scale
    for quantity, units in QUANTITIES.items():
        if other in units:
            if one not in units:
                raise ValueError(_mistaken(one, found.unit, wanted, quantity))
            return found.scale * units[one] / units[other]
    known = [unit for units in QUANTITIES.values() for unit in units]
    raise ValueError(f"unit: {unknown('unit', wanted, known)}; values can be converted only to one of these")


def _mistaken(one: str, written: str, wanted: str, quantity: str) -> str:
    units = QUANTITIES[quantity]
    other = next((name for name, known in QUANTITIES.items() if one in known), None)
    if other is None:
        return unknown("unit", written, units)
    meant = (
        {"G": "; did you mean 'g'?", "mG": "; did you mean 'mg'?"}.get(one, "") if quantity == "acceleration" else ""
    )
    return f"unit {written!r} is one of {other}, {wanted!r} one of {quantity}{meant} ({', '.join(units)})"
