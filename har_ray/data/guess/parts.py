"""Which files make one recording: those of different sensors or placements whose paths say the same apart from that."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from har_ray.data.guess.layout import Head, with_shared_columns
from har_ray.data.guess.paths import letters
from har_ray.data.sensors import ACCELEROMETER, GYROSCOPE, MAGNETOMETER
from har_ray.text import counted

KINDS = {
    "acc": (ACCELEROMETER | {"accelerometers", "totalacceleration"}) - {"a"},
    "gyr": (GYROSCOPE | {"gyroscopes"}) - {"g"},
    "mag": (MAGNETOMETER | {"magnetometers"}) - {"m"},
    "gravity": {"gravity"},
    "light": {"light"},
    "pressure": {"pressure", "barometer", "baro"},
    "bvp": {"bvp", "ppg"},
    "eda": {"eda", "gsr"},
    "temp": {"temp", "temperature"},
    "hr": {"hr", "heartrate", "heart"},
    "orientation": {"orientation", "quat", "quaternion"},
}
"""Sensor → how files are called that hold its values."""
PLACES = frozenset(
    (
        *(
            "chest",
            "waist",
            "wrist",
            "head",
            "shin",
            "thigh",
            "arm",
            "upperarm",
            "forearm",
            "ankle",
            "hip",
            "leg",
            "back",
        ),
        *("pocket", "belt", "neck", "ear", "foot", "hand", "phone", "watch", "left", "right", "lower", "upper"),
    )
)
MIN_ROWS = 20
"""A file of fewer holds no recording."""


class Parts(NamedTuple):
    """The files that hold recordings.

    Attributes:
        sources: source → its files; one without a name where each file is a recording.
        beside: files of labelled intervals.
        left_out: others, and why.
    """

    sources: Mapping[str, Sequence[Head]]
    beside: Sequence[Head]
    left_out: Mapping[str, str]


def is_source_word(word: str) -> bool:
    """Whether a word in a path says of which sensor a file is, or where that was worn."""
    return word in PLACES or any(word in known for known in KINDS.values())


def source_of(relative: str) -> str:
    """What the path says of the sensor and its place; nothing where it says nothing.

    Example:
        >>> source_of("proband1/gyr_walking_csv.zip/Gyroscope_walking_chest.csv")
        'chest_gyr'
    """
    found = dict.fromkeys(letters(relative))
    places = [word for word in found if word in PLACES]
    kinds = [kind for kind, known in KINDS.items() if known & set(found)]
    return "_".join([*places, *kinds])


def without_source(relative: str) -> str:
    """The path apart from that."""
    return re.sub(r"[^\W\d_]+", lambda word: "" if is_source_word(word[0].casefold()) else word[0], relative)


def parts_of(heads: Sequence[Head]) -> Parts:
    """Files of intervals by their columns; of the others those of the most frequent kind, or of several that belong
    together.
    """
    beside = [head for head in heads if is_intervals(head)]
    left_out = dict[str, str]()
    kinds = dict[tuple[str, ...], list[Head]]()
    for head in heads:
        if head in beside:
            continue
        if head.rows < MIN_ROWS or not any(_varies(column.numbers) for column in head.columns):
            few = f"{counted(head.rows, 'row')}, a recording has {MIN_ROWS} at least"
            left_out[head.relative] = few if head.rows < MIN_ROWS else "no column of numbers"
            continue
        kinds.setdefault(_kind(head), []).append(head)
    recordings = [head for some in kinds.values() for head in some]
    sources = _sources(recordings)
    if sources is None and kinds:
        most = max(kinds.values(), key=len)
        sources = {"": most}
        left_out |= {head.relative: "other columns" for head in recordings if head not in most}
    for name, some in (sources or {}).items():  # a source whose files have different columns is read by the first's
        alike = [head for head in some if _kind(head) == _kind(some[0])]
        left_out |= {head.relative: "other columns" for head in some if head not in alike}
        sources = {**(sources or {}), name: with_shared_columns(alike)}
    return Parts(sources or {}, beside, left_out)


def is_intervals(head: Head) -> bool:
    names = {column.name.casefold() for column in head.columns}
    return {"start", "end", "label"} <= names or {"start", "stop", "label"} <= names


def _varies(numbers: object) -> bool:
    return numbers is not None and len(set(numbers)) > MIN_ROWS // 2  # type: ignore[call-overload]


def _kind(head: Head) -> tuple[str, ...]:
    names = tuple(re.sub(r"\d+", "#", column.name) for column in head.columns)
    return names if any(names) else (str(len(names)),)


def _sources(heads: Sequence[Head]) -> dict[str, list[Head]] | None:
    """Files by their source, if most of what is recorded is in several; None otherwise."""
    found, shared = dict[str, list[Head]](), dict[str, set[str]]()
    for head in heads:
        source = source_of(head.relative)
        found.setdefault(source, []).append(head)
        shared.setdefault(without_source(head.relative), set()).add(source)
    several = sum(len(some) > 1 for some in shared.values())
    if len(found) < 2 or several <= len(shared) / 2 or "" in found:
        return None
    return found
