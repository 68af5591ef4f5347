"""Which columns are sensors, grouped by their axes, and in which units: by names, rows of units, and gravity."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import escape
from itertools import count
from typing import NamedTuple

from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import KINDS
from har_ray.data.guess.units import ENDING, WRITTEN, gravity_of, unit_named, units_of
from har_ray.data.own.columns import Column
from har_ray.data.units import QUANTITIES

SHORT = {"a": "acc", "ac": "acc", "g": "gyr", "gy": "gyr", "w": "gyr", "m": "mag", "l": "lin", "g_f": "acc"}
"""Sensors that are named by a letter or two, right before the axis: `ax`, `Gx`, `GyX`; `gFx` is g-force."""
NO_PART = frozenset(
    ("axis", "cal", "uncal", "raw", "value", "values", "data", "sensor", "channel", "attr", "the", "of")
)
MOSTLY = 0.5
"""A column without values in more of its rows gives no windows."""


class Channel(NamedTuple):
    """A channel: its column (or a pattern of its name), the unit of the windows, and that in the files if another."""

    name: str
    column: Column
    unit: str | None
    in_file: object = None
    question: str = ""


class Channels(NamedTuple):
    """The channels of files of one kind.

    Attributes:
        channels: in the order of sensors and axes.
        others: columns of numbers that are left out.
        rules: what some files have another unit in, as descriptors say it.
    """

    channels: tuple[Channel, ...]
    others: tuple[Column, ...]
    rules: tuple[dict[str, object], ...] = ()


class Three(NamedTuple):
    """The axes of a sensor: its name, without them, and x, y and z."""

    sensor: str
    columns: tuple[ColumnHead, ...]


def channels_of(heads: Sequence[Head], taken: Sequence[object], source: str) -> Channels:
    """The channels of files of one kind.

    Args:
        taken: columns that hold something else.
        source: what the path says of them, which comes before channels' names.
    """
    columns = [one for one in heads[0].columns if one.numbers is not None and one.reference not in taken]
    threes = threes_of(columns, source)
    threes = [three for three in threes if all(one.known > MOSTLY for one in three.columns) and _moves(three)]
    rest = [one for one in columns if not any(one in three.columns for three in threes)]
    found, rules, names = list[Channel](), list[dict[str, object]](), Counter[str]()
    for three in threes:
        unit, in_file, question, own = units_of(three.sensor, three.columns, heads, source)
        sensor = _sensor(three.sensor, source, unit)
        names[sensor] += 1
        sensor += f"_{names[sensor]}" if names[sensor] > 1 else ""
        for axis, column in zip("xyz", three.columns, strict=True):
            asked = question if axis == "x" else ""
            found.append(Channel(f"{sensor}_{axis}", column.reference, unit, in_file, asked))
        rules += [{"files": escape(file), "channels": f"{sensor}_*", "in_file": value} for file, value in own.items()]
    if not threes:
        plain = [one for one in rest if one.known > MOSTLY]
        unique = _unlike([_plain(one, source) for one in plain])
        found = [Channel(name, one.reference, unit_named(one)) for name, one in zip(unique, plain, strict=True)]
        rest = [one for one in rest if one not in plain]
    return Channels(tuple(found), tuple(one.reference for one in rest), tuple(rules))


def threes_of(columns: Sequence[ColumnHead], source: str) -> list[Three]:
    """The sensors of three axes among columns of numbers."""
    return (
        list(_named(columns))
        or list(_numbered(columns))
        or list(_unnamed([one for one in columns if not one.name], source))
    )


def _moves(three: Three) -> bool:
    """Whether a sensor has more than one value: others are dead, or were never there."""
    return any(len(one.distinct) > 1 for one in three.columns)


def _words(name: str) -> list[str]:
    """Of a column's name, in lower case, without units: `Acceleration x (m/s^2)` → acceleration, x."""
    cut = re.split(r"[\s_.\-/:]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])", WRITTEN.sub("", name))
    return [word.casefold() for word in cut if word]


def _named(columns: Sequence[ColumnHead]) -> Iterator[Three]:
    """Columns whose names differ only in x, y and z: `ax`, `Accel_LN_X_CAL`, `X-axis`."""
    found: dict[tuple[str, int], dict[str, ColumnHead]] = {}
    for column in columns:
        words = [*_words(column.group), *_words(column.name)]
        at = next((i for i in reversed(range(len(words))) if words[i] in ("x", "y", "z")), None)
        if at is None and words and len(words[-1]) > 1 and words[-1][-1] in "xyz":
            words[-1:] = [words[-1][:-1], words[-1][-1]]  # ax, accx
            at = len(words) - 1
        if at is not None:
            behind = [word for word in words[at + 1 :] if word not in ENDING]
            sensor = "_".join(word for word in (*_spelt(words[:at]), *behind) if word not in NO_PART)
            again = sum(name == sensor and words[at] in axes for (name, _), axes in found.items())
            found.setdefault((sensor, again), {})[words[at]] = column
    for (sensor, _), axes in found.items():
        if len(axes) == 3:
            yield Three(sensor, tuple(axes[axis] for axis in "xyz"))


def _spelt(words: Sequence[str]) -> list[str]:
    """Words before an axis, with a short name of a sensor in full."""
    for n in (2, 1):
        if full := SHORT.get("_".join(words[-n:])):
            return [*words[:-n], full]
    return list(words)


def _numbered(columns: Sequence[ColumnHead]) -> Iterator[Three]:
    """The columns of a matrix of three: `acc.1`, `acc.2`, `acc.3`; or `acc` three times, as pandas may number it."""
    found: dict[str, list[ColumnHead]] = {}
    for column in columns:
        if match := re.fullmatch(r"(.+?)([._]\d)?", column.name):
            found.setdefault("_".join(_words(match[1])), []).append(column)
    yield from (Three(sensor, tuple(three)) for sensor, three in found.items() if len(three) == 3)


def _unnamed(columns: Sequence[ColumnHead], source: str) -> Iterator[Three]:
    """Columns without names by threes, from the first whose values are as long as gravity, if there are such."""
    moving = [one for one in columns if len(one.distinct) > 1 and one.known > MOSTLY]
    places = [one.reference if isinstance(one.reference, int) else 0 for one in moving]
    in_row = [i for i in range(len(moving) - 2) if places[i + 2] == places[i] + 2]
    felt = [i for i in in_row if gravity_of([one.numbers for one in moving[i : i + 3]])]
    at = felt[0] if felt else 0
    while at + 3 <= len(moving):
        if at in in_row:
            sensor = "" if source else "acc" if at in felt else "sensor"
            yield Three(sensor, tuple(moving[at : at + 3]))
        at += 3 if at in in_row else 1


def _sensor(sensor: str, source: str, unit: str | None) -> str:
    """A name that says what is measured and where: `ax` in g is acc, `back_x` in g is back_acc."""
    words = re.sub(r"(^|_)\d+(?=_|$)", "", sensor).strip("_").split("_")
    words = [word for word in words if word]
    kinds = [kind for kind in ("acc", "gyr", "mag") if KINDS[kind] & {*words, *source.split("_")}]
    before = [word for word in source.split("_") if word and word not in words and word not in kinds] if source else []
    if source and not any(KINDS.get(kind, set()) & set(words) for kind in kinds):
        before = source.split("_")
    measured = next(
        (name for name in ("acceleration", "angular rate", "magnetic field") if unit in QUANTITIES[name]), ""
    )
    kind = {"acceleration": "acc", "angular rate": "gyr", "magnetic field": "mag"}.get(measured, "")
    name = [*before, *words, *([kind] if kind and not kinds else [])]
    return "_".join(dict.fromkeys(name)) or "sensor"


def _plain(column: ColumnHead, source: str) -> str:
    words = [word for word in _words(column.name) if not source or word not in NO_PART]
    return "_".join([*([source] if source else []), *words]) or f"column_{column.reference}"


def _unlike(names: Sequence[str]) -> list[str]:
    """The names with a number behind each that stands earlier too: load, load → load, load_2."""
    found: list[str] = []
    for name in names:
        numbered = (f"{name}_{n}" for n in count(2))
        found.append(name if name not in found else next(one for one in numbered if one not in {*names, *found}))
    return found
