"""Which files make one recording: those of different sensors or placements whose paths say the same apart from that."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from har_ray.data.guess.layout import ColumnHead, Head, with_shared_columns
from har_ray.data.guess.paths import LETTERS, letters
from har_ray.data.own.columns import Column
from har_ray.data.sensors import ACCELEROMETER, GYROSCOPE, MAGNETOMETER
from har_ray.data.soundness.finding import listed
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
QUALIFIERS = frozenset(("uncalibrated", "calibrated", "total", "raw", "data"))
"""What files of some sensors have in their names besides."""
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
SIDES = {"l": "left", "r": "right"}
"""Letters that stand for a place, where they are words by themselves: `p1_L.csv`."""
INTERVALS = {
    "start": re.compile(r"(?i)(t ?)?(start|begin|onset|from)( ?times?)?( m?s| sec(onds)?)?|times? start|t ?min|beginn"),
    "end": re.compile(r"(?i)(t ?)?(end|stop|offset|to)( ?times?)?( m?s| sec(onds)?)?|times? (end|stop)|t ?max|ende"),
    "duration": re.compile(r"(?i)duration( ?times?)?( m?s| sec(onds)?)?|dauer"),
    "label": re.compile(
        r"(?i)labels?( name)?|activit(y|ies)( label| name)?|class|annotation|behaviou?r|action|trial type|text|marker"
    ),
}
"""How the columns of tables of intervals are called, without signs between words."""
SWITCHED = re.compile(r"(?i)(t|time ?(stamps?)?)( m?s| sec(onds)?)?|zeit")
"""How, besides, that of the time is called in a table that says only when something began."""
LASTING = re.compile(r"(?i)elapsed|duration")
"""In the names of what such a table may tell besides: the same time by another clock, or how long a button was held."""
MOST_BESIDE = 2
"""Columns of such a table beside its time and label: whose, or a note."""
SENSORS = re.compile(r"(?i)sensor|device|type|kind|source|side|place|position|location")
"""How a column is called that says of which sensor, or from where, a row is."""
MOST_SENSORS = 20
MOST_IN_A_ROW = 10
"""Rows of one sensor between those of others; a label stays longer."""
NUMBERS = re.compile(r"\d+(?:[.,]\d+)?")
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
    return word in PLACES or word in SIDES or any(word in known for known in KINDS.values())


def source_of(relative: str) -> str:
    """What the path says of the sensor and its place, the name of the file first; nothing where it says nothing.

    Example:
        >>> source_of("proband1/gyr_walking_csv.zip/Gyroscope_walking_chest.csv")
        'chest_gyr'
    """
    said = (map(_in_full, letters(text)) for text in (PurePosixPath(relative).name, relative))
    name, anywhere = map(dict.fromkeys, said)
    places = [word for word in name if word in PLACES] or [word for word in anywhere if word in PLACES]
    kinds = next((some for some in map(_kinds, (name, anywhere)) if some), [])
    return "_".join([*places, *kinds])


def _in_full(word: str) -> str:
    return SIDES.get(word, word)


def _kinds(words: Iterable[str]) -> list[str]:
    said = set(words)
    return [kind for kind, known in KINDS.items() if known & said]


def without_source(relative: str) -> str:
    """The path apart from that."""

    def left(word: re.Match[str]) -> str:
        said = word[0].casefold()
        return "" if is_source_word(said) or said in QUALIFIERS else word[0]

    return LETTERS.sub(left, relative)


def parts_of(heads: Sequence[Head]) -> Parts:
    """Files of intervals by their columns; of the others those of the most frequent kind, or of several that belong
    together.
    """
    beside = [head for head in heads if is_intervals(head)]
    left_out = dict[str, str]()
    kinds = dict[tuple[str, ...], list[Head]]()
    for head in heads:
        if head in beside or _is_label_studio(head):
            continue
        if head.rows < MIN_ROWS or not any(_varies(column.numbers) for column in head.columns):
            few = f"{counted(head.rows, 'row')}, a recording has {MIN_ROWS} at least"
            left_out[head.relative] = few if head.rows < MIN_ROWS else _no_numbers(head)
            continue
        kinds.setdefault(_kind(head), []).append(head)
    recordings = [head for some in kinds.values() for head in some]
    sources = _sources(recordings)
    if sources is None and kinds:
        most = max(kinds.values(), key=len)
        alike = [one for head in recordings if (one := as_columns_of(most[0], head))]
        left_out |= _unlike(recordings, alike, most[0])
        sources = _by_rows(alike) or {"": alike}
    for name, some in (sources or {}).items():  # a source whose files have different columns is read by the first's
        alike = [one for head in some if (one := as_columns_of(some[0], head))]
        left_out |= _unlike(some, alike, some[0])
        sources = {**(sources or {}), name: with_shared_columns(alike)}
    return Parts(sources or {}, beside, left_out)


def _no_numbers(head: Head) -> str:
    """Why a file has no column of numbers."""
    first, lines = head.columns[0].name, [word for word in head.columns[0].words if word]
    if len(head.columns) > 1 or sum(len(NUMBERS.findall(line)) > 1 for line in lines) <= len(lines) / 2:
        return "no column of numbers"
    return (
        f"no known separator (, ; | tab, blanks) parts its lines, of which the first is {(first or lines[0])!r}; a "
        "descriptor says another one, format: {separator: ...}"
    )


def as_columns_of(first: Head, head: Head) -> Head | None:
    """A file with the columns of another, in their order and without more; None where it lacks one.

    Names may be in capitals in one of them, if they say no less without.
    """
    if _kind(head) == _kind(first):
        return head
    ways: tuple[Callable[[str], str], ...] = (str, str.casefold)
    for spelt in ways:
        names, wanted = [spelt(one.name) for one in head.columns], [spelt(one.name) for one in first.columns]
        if all(name and names.count(name) == 1 == wanted.count(name) for name in wanted):
            return replace(head, columns=tuple(head.columns[names.index(name)] for name in wanted))
    return None


def _unlike(heads: Sequence[Head], alike: Sequence[Head], first: Head) -> dict[str, str]:
    """Why files are left out that are not among those alike."""
    known = {head.relative for head in alike}
    return {head.relative: _lacking(head, first) for head in heads if head.relative not in known}


def _lacking(head: Head, first: Head) -> str:
    names = {column.name for column in head.columns}
    missing = [repr(column.name) for column in first.columns if column.name not in names]
    return f"other columns: no {listed(missing)}" if missing else "other columns"


def interval_columns(head: Head) -> dict[str, Column]:
    """The columns of a table of intervals, by what a descriptor calls them; nothing for other tables.

    One without `end` and `duration` says when something began, and no more.
    """
    found: dict[str, Column] = {}
    for column in head.columns:
        key = next((key for key, pattern in INTERVALS.items() if pattern.fullmatch(_plain(column))), None)
        if key:
            found.setdefault(key, column.reference)
    if {"end", "duration"} & found.keys():
        return found if {"start", "label"} <= found.keys() else {}
    return _switches(head, found)


def _switches(head: Head, found: Mapping[str, Column]) -> dict[str, Column]:
    """Of a table whose only numbers are times."""
    times = [column.reference for column in head.columns if SWITCHED.fullmatch(_plain(column))]
    start = found.get("start", next(iter(times), None))
    if start is None or "label" not in found:
        return {}
    told = [column for column in head.columns if not LASTING.search(column.name)]
    others = [column for column in told if column.reference not in (start, found["label"])]
    if len(others) > MOST_BESIDE or any(_varies(column.numbers) for column in others):
        return {}
    return {"start": start, "label": found["label"]}


def _plain(column: ColumnHead) -> str:
    return re.sub(r"[\W_]+", " ", column.name).strip()


def is_intervals(head: Head) -> bool:
    return bool(interval_columns(head))


def _is_label_studio(head: Head) -> bool:
    return any(column.name.startswith(("value.start", "annotations.", "completions.")) for column in head.columns)


def _varies(numbers: object) -> bool:
    return numbers is not None and len(set(numbers)) > MIN_ROWS // 2  # type: ignore[call-overload]


def _kind(head: Head) -> tuple[str, ...]:
    names = tuple(re.sub(r"\d+", "#", column.name) for column in head.columns)
    return names if any(names) else (str(len(names)),)


def _by_rows(heads: Sequence[Head]) -> dict[str, list[Head]] | None:
    """The rows of each sensor, or placement, where those of several take turns in files; None where they do not."""
    for column in heads[0].columns:
        if column.numbers is not None or not all(head.has(column.reference) for head in heads):
            continue
        of_files = [head.column(column.reference) for head in heads]
        words = dict.fromkeys(word for one in of_files for word in one.distinct if source_of(_apart(word)))
        turns = (_takes_turns(one, bool(SENSORS.search(column.name))) for one in of_files)
        if not 2 <= len(words) <= MOST_SENSORS or not all(turns):
            continue
        found: dict[str, list[Head]] = {}
        names = [source_of(_apart(word)) for word in words]
        if len(set(names)) < len(names):
            names = ["_".join(letters(_apart(word))) for word in words]
        for name, word in zip(names, words, strict=True):
            some = [head.rows_of(column.reference, word) for head in heads]
            found[name] = [head for head in some if head.rows >= MIN_ROWS]
        return {name: some for name, some in found.items() if some}
    return None


def _apart(word: str) -> str:
    """Without dots, which are before suffixes in paths: `android.sensor.gyroscope`."""
    return word.replace(".", " ")


def _takes_turns(column: ColumnHead, named: bool) -> bool:
    """Whether what stands in the first rows of a column also stands in the last, and changes often."""
    quarter = max(1, len(column.words) // 4)
    again = set(column.words[:quarter]) & set(column.words[-quarter:])
    return len(again) > 1 and (named or column.stretch < MOST_IN_A_ROW)


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
