"""Which columns are sensors, grouped by their axes, and in which units: by names, rows of units, and gravity."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from glob import escape
from statistics import median
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import KINDS
from har_ray.data.own.columns import Column
from har_ray.data.units import QUANTITIES, SPELLINGS

WRITTEN = re.compile(r"\(([^()]*(?:\([^()]*\))?[^()]*)\)|\[([^\]]+)\]")
"""A unit in a column's name: `(m/s^2)`, `[deg/s]`, `(m/(s^2))`."""
ENDING = {"g": "g", "mg": "mg", "ms2": "m/s^2", "mps2": "m/s^2", "dps": "deg/s", "rps": "rad/s", "ut": "uT"}
"""Units that a column's name may end with: `acc_x_mg`."""
LETTER = {"a": "acc", "g": "gyr", "w": "gyr", "m": "mag", "l": "lin"}
"""Sensors that are named by a letter: `ax`, `Gx`."""
NO_PART = frozenset(
    ("axis", "cal", "uncal", "raw", "value", "values", "data", "sensor", "channel", "attr", "the", "of")
)
GRAVITY = {"g": 1.0, "m/s^2": 9.80665, "mg": 1000.0}
NEAR = (0.7, 1.7)
"""Times gravity, in which the median length of acceleration lies, at rest and while running."""
EARTH = {"uT": (15, 120), "mG": (150, 1200), "G": (0.15, 1.2)}
"""The Earth's magnetic field is 25 to 65 µT (https://www.ncei.noaa.gov/products/world-magnetic-model), more by iron."""
COUNTS = tuple(2**n for n in range(5, 15))
"""Counts of a device per g."""
FASTEST_RAD_S = 20
"""A wrist hardly turns faster (3 turns a second); larger numbers are degrees."""
MOSTLY = 0.5
"""A column without values in more of its rows gives no windows."""
KNOWN = {unit for units in QUANTITIES.values() for unit in units}


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
    threes = (
        list(_named(columns))
        or list(_numbered(columns))
        or list(_unnamed([one for one in columns if not one.name], source))
    )
    threes = [three for three in threes if all(one.known > MOSTLY for one in three.columns) and _moves(three)]
    rest = [one for one in columns if not any(one in three.columns for three in threes)]
    found, rules, names = list[Channel](), list[dict[str, object]](), Counter[str]()
    for three in threes:
        unit, in_file, question, own = _units(three, heads, source)
        sensor = _sensor(three.sensor, source, unit)
        names[sensor] += 1
        sensor += str(names[sensor]) if names[sensor] > 1 else ""
        for axis, column in zip("xyz", three.columns, strict=True):
            asked = question if axis == "x" else ""
            found.append(Channel(f"{sensor}_{axis}", column.reference, unit, in_file, asked))
        rules += [{"files": escape(file), "channels": f"{sensor}_*", "in_file": value} for file, value in own.items()]
    if not threes:
        plain = [one for one in rest if one.known > MOSTLY]
        found = [Channel(_plain(one, source), one.reference, _by_name(one)) for one in plain]
        rest = [one for one in rest if one not in plain]
    return Channels(tuple(found), tuple(one.reference for one in rest), tuple(rules))


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
            sensor = "_".join(LETTER.get(word, word) for word in (*words[:at], *behind) if word not in NO_PART)
            again = sum(name == sensor and words[at] in axes for (name, _), axes in found.items())
            found.setdefault((sensor, again), {})[words[at]] = column
    for (sensor, _), axes in found.items():
        if len(axes) == 3:
            yield Three(sensor, tuple(axes[axis] for axis in "xyz"))


def _numbered(columns: Sequence[ColumnHead]) -> Iterator[Three]:
    """The columns of a matrix of three: `acc.1`, `acc.2`, `acc.3`."""
    found: dict[str, list[ColumnHead]] = {}
    for column in columns:
        if match := re.fullmatch(r"(.+)[._](\d)", column.name):
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
    return "_".join([*([source] if source else []), *_words(column.name)]) or f"column_{column.reference}"


def _units(three: Three, heads: Sequence[Head], source: str) -> tuple[str | None, object, str, dict[str, object]]:
    """The unit of a sensor's windows, that in the files, what to ask, and the files in which it is another."""
    written = _by_name(three.columns[0])
    positions = [heads[0].columns.index(one) for one in three.columns]
    measured = {*three.sensor.split("_"), *source.split("_")}
    other_unit = any(written in QUANTITIES[name] for name in QUANTITIES if name != "acceleration")
    acceleration = not measured & (KINDS["gyr"] | KINDS["mag"]) and not other_unit
    values = {head.relative: [head.columns[i].numbers for i in positions] for head in heads}
    felt = {path: found for path, some in values.items() if acceleration and (found := gravity_of(some))}
    if not felt:
        unit, question = written, ""
        if unit is None:
            unit, question = _by_size(measured, values)
        return unit, None, question, {}
    count = Counter(map(str, felt.values()))
    usual = max(count, key=lambda one: (count[one], one == "m/s^2"))
    found = next(one for one in felt.values() if str(one) == usual)
    unit = str(found["unit"]) if isinstance(found, dict) else str(found)
    other = {path: one for path, one in felt.items() if str(one) != usual}
    in_file = found if isinstance(found, dict) else None
    question = ""
    if written and written != usual:
        question = f"the name says {written}; by gravity the values are in {usual}"
    if other:
        question = f"{len(other)} of {len(heads)} files are in another unit, by gravity; see units:"
    return unit, in_file, question, other


def _by_name(column: ColumnHead) -> str | None:
    """The unit that a column's name or the row below says."""
    texts = [found for match in WRITTEN.finditer(column.name) for found in match.groups() if found]
    for text in (*texts, column.unit.strip("()[]"), column.unit):
        spelt = SPELLINGS.get(text.strip(), text.strip())
        if spelt in KNOWN:
            return spelt
    ending = re.split(r"[_\s.]+", column.name.strip())
    return ENDING.get(ending[-1].casefold()) if len(ending) > 1 else None


def gravity_of(axes: Sequence[npt.NDArray[np.float64] | None]) -> object:
    """The unit in which gravity is what an accelerometer's values show; None where they don't show it.

    Example:
        >>> gravity_of([np.array([0.1]), np.array([0.2]), np.array([9.7])])
        'm/s^2'
    """
    if any(one is None for one in axes):
        return None
    length = _length(axes)
    if not len(length):
        return None
    for unit, one in GRAVITY.items():
        if NEAR[0] * one < float(np.median(length)) < NEAR[1] * one:
            return unit
    if any((np.nan_to_num(one) % 1 != 0).any() for one in axes if one is not None):
        return None
    calm = float(np.quantile(length, 0.2))
    scale = min(COUNTS, key=lambda count: abs(np.log2(calm / count)) if calm else np.inf)
    return {"scale": 1 / scale, "unit": "g"} if 0.75 < calm / scale < 1.4 else None


def _length(axes: Sequence[npt.NDArray[np.float64] | None]) -> npt.NDArray[np.float64]:
    """Of the vectors of three axes, in rows where all are known."""
    x = np.stack([one for one in axes if one is not None])
    length: npt.NDArray[np.float64] = np.sqrt(np.square(x[:, np.isfinite(x).all(axis=0)]).sum(axis=0))
    return length


def _by_size(
    measured: Set[str], values: Mapping[str, Sequence[npt.NDArray[np.float64] | None]]
) -> tuple[str | None, str]:
    """The unit of a gyroscope or magnetometer by how large its values are; what it is otherwise nobody knows."""
    lengths = [_length(some) for some in values.values() if all(one is not None for one in some)]
    lengths = [one for one in lengths if len(one)]
    if lengths and measured & KINDS["mag"]:
        middle = median(float(np.median(one)) for one in lengths)
        unit = next((unit for unit, (low, high) in EARTH.items() if low < middle < high), None)
        return unit, "" if unit else "in which unit?"
    if not lengths or not measured & KINDS["gyr"]:
        return None, "in which unit?"
    largest = max(float(np.quantile(one, 0.99)) for one in lengths)
    return ("deg/s", "") if largest > FASTEST_RAD_S else ("rad/s", "or in deg/s? Its values are small")
