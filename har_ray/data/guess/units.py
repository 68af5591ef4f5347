"""In which unit a sensor's values are: by names, rows of units, and gravity; and what stands for a missing one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from statistics import median

import numpy as np
import numpy.typing as npt

from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import KINDS
from har_ray.data.own.columns import Column
from har_ray.data.own.formats.kinds import MISSING
from har_ray.data.sensors import WITHOUT_GRAVITY
from har_ray.data.units import QUANTITIES, SPELLINGS

WRITTEN = re.compile(r"\(([^()]*(?:\([^()]*\))?[^()]*)\)|\[([^\]]+)\]")
"""A unit in a column's name: `(m/s^2)`, `[deg/s]`, `(m/(s^2))`."""
ENDING = {"g": "g", "mg": "mg", "ms2": "m/s^2", "mps2": "m/s^2", "dps": "deg/s", "rps": "rad/s", "ut": "uT"}
"""Units that a column's name may end with: `acc_x_mg`."""
GRAVITY = {"g": 1.0, "m/s^2": 9.80665, "mg": 1000.0}
GRAVITATIONAL = {"G": "g", "mG": "mg"}
"""Gauss, unless they are of acceleration."""
NEAR = (0.7, 1.7)
"""Times gravity, in which the median length of acceleration lies, at rest and while running."""
DIRECTED = 0.3
"""Of the mean length of acceleration, the length of its mean is more, unless gravity has been taken out."""
EARTH = {"uT": (15, 120), "mG": (150, 1200), "G": (0.15, 1.2)}
"""The Earth's magnetic field is 25 to 65 µT (https://www.ncei.noaa.gov/products/world-magnetic-model), more by iron."""
SENTINELS = (-99, -999, -9999, -99999, 99, 999, 9999, 99999)
"""What loggers and people write where there is no number."""
FAR = 3
"""How many times all other numbers such a one is, at least."""
COUNTS = tuple(2**n for n in range(5, 15))
"""Counts of a device per g."""
FASTEST_RAD_S = 20
"""A wrist hardly turns faster (3 turns a second); larger numbers are degrees."""
KNOWN = {unit for units in QUANTITIES.values() for unit in units}


def units_of(
    sensor: str, columns: Sequence[ColumnHead], heads: Sequence[Head], source: str
) -> tuple[str | None, object, str, dict[str, object]]:
    """The unit of a sensor's windows, that in the files, what to ask, and the files in which it is another."""
    measured, written = {*sensor.split("_"), *source.split("_")}, unit_named(columns[0])
    if written in GRAVITATIONAL and measured & (KINDS["acc"] | KINDS["gravity"]):
        written = GRAVITATIONAL[written]
    positions = [heads[0].columns.index(one) for one in columns]
    other_unit = any(written in QUANTITIES[name] for name in QUANTITIES if name != "acceleration")
    acceleration = not measured & (KINDS["gyr"] | KINDS["mag"]) and not other_unit
    values = {head.relative: [head.columns[i].numbers for i in positions] for head in heads}
    named = measured & KINDS["acc"] and not measured & WITHOUT_GRAVITY
    felt = {
        path: found
        for path, some in values.items()
        if acceleration and (named or _points(some)) and (found := gravity_of(some))
    }
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


def unit_named(column: ColumnHead) -> str | None:
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


def _points(axes: Sequence[npt.NDArray[np.float64] | None]) -> bool:
    """Whether vectors of three axes have a direction in common, as gravity has."""
    if any(one is None for one in axes):
        return False
    length, mean = _length(axes), [float(np.nanmean(one)) for one in axes if one is not None]
    return bool(len(length) and np.linalg.norm(mean) > DIRECTED * float(length.mean()))


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
    if largest <= FASTEST_RAD_S:
        return "rad/s", "or in deg/s? Its values are small"
    whole = all((np.nan_to_num(one) % 1 == 0).all() for some in values.values() for one in some if one is not None)
    return "deg/s", "or counts? Then say how much one is: in_file: {scale: ..., unit: deg/s}" if whole else ""


def no_numbers(heads: Sequence[Head], columns: Sequence[Column]) -> list[str]:
    """Words between the numbers of a channel, which the reader does not know for missing ones: `-`, `ERR`."""
    found = dict[str, None]()
    for column in (head.column(column) for head in heads for column in columns):
        if column.numbers is not None:
            words = {word for word, number in zip(column.words, column.numbers, strict=True) if np.isnan(number)}
            found |= dict.fromkeys(word for word in sorted(words) if not any(map(str.isdigit, word)))
    return [word for word in found if word not in MISSING]


def sentinels(heads: Sequence[Head], columns: Sequence[Column]) -> list[str]:
    """Numbers, as they are written, that seem to stand for a missing one: they recur, far from all others."""
    found = Counter[str]()
    for head in heads:
        for column in map(head.column, columns):
            words, numbers = np.array(column.words), column.numbers
            if numbers is None:
                continue
            for value in SENTINELS:
                others = numbers[np.isfinite(numbers) & (numbers != value)]
                if len(others) and np.abs(others).max() < abs(value) / FAR:
                    found.update(words[numbers == value].tolist())
    return [word for word, n in found.items() if n > 1]
