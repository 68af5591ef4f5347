"""Who was recorded, and which recordings there are within a file."""

import re
from collections.abc import Sequence

from har_ray.data.guess.answers import Answer
from har_ray.data.guess.labels import is_activity
from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import is_source_word
from har_ray.data.guess.paths import Field, fields

COLUMN = re.compile(
    r"(?i)(subj(ect)?|sbj|user|participant|person|patient|proband|volunteer|who)([_ ]?(id|name|no|number|code))?"
    r"|pid|uid"
)
BEFORE_NUMBER = frozenset(
    (
        *("p", "s", "sub", "subj", "subject", "sbj", "user", "participant", "part", "person", "patient", "proband"),
        *("volunteer", "pid", "uid", "id", "vp", "pat"),
    )
)
"""What stands before a subject's number in a path."""
RECORDING = re.compile(
    r"(?i)(trial|session|recording|record|experiment|exp|device|repetition|rep)([_ ]?(id|no|number))?"
)
DEVICE = re.compile(r"(?i)device|sensor|serial|mac|source")
FEW = 0.1
"""Of the rows, at most so many distinct words are names of people or recordings."""
SENSOR = re.compile(r"(?i)sensor|type|kind")
NUMBERED = (
    "are {} different sensors, such as an accelerometer and a gyroscope? Then name each under sources, with rows: "
    "{{column: {}, value: {}}}"
)
"""What Android numbers: 1 is an accelerometer, 4 a gyroscope, and the values of both are not of one channel."""
STRETCH = 10
"""Rows of one person, at least on average."""


def subject_of(heads: Sequence[Head], first: Sequence[Head]) -> Answer:
    """The subject, from a column or the path.

    Args:
        heads: all files.
        first: those of the first source.
    """
    for column in first[0].columns:
        if COLUMN.fullmatch(column.name) and all(_in_all(one, column) for one in heads):
            return Answer({"column": column.reference})
    paths = [head.relative for head in first]
    found = [one for one in fields(paths, is_source_word) if not all(map(is_activity, one.words))]
    if not found:
        question = "nothing in the path says who was recorded; one person for now: which column, or part of the path?"
        return Answer({"pattern": r"([^/.]+)\.[^/]+$"}, question)
    best = max(found, key=lambda one: _speaks_for(one, len(first)))
    others = [one for one in found if 1 < len(one.distinct) < len(first) and not one.follows(best.words)]
    sure = best.before in BEFORE_NUMBER or (len(first) > 1 and ((best.folder and not others) or len(found) == 1))
    people = ", ".join(best.distinct[:4]) + (", ..." if len(best.distinct) > 4 else "")
    return Answer({"pattern": best.pattern}, "" if sure else f"is it {people} who was recorded?")


def recording_of(heads: Sequence[Head], separates: Sequence[str]) -> Answer:
    """What keeps recordings within a file apart."""
    if separates:
        best = next((name for name in separates if DEVICE.search(name)), separates[0])
        column = heads[0].column(best)
        numbered = SENSOR.search(column.name) and column.numbers is not None
        question = NUMBERED.format(", ".join(column.distinct[:4]), column.name, column.distinct[0]) if numbered else ""
        return Answer({"column": best}, question, note="rows of several are interleaved")
    for column in heads[0].columns:
        named = RECORDING.fullmatch(column.name) and all(_in_all(one, column) for one in heads)
        if named and any(len(head.column(column.reference).distinct) > 1 for head in heads):
            return Answer({"column": column.reference})
    return Answer(None)


def _in_all(head: Head, column: ColumnHead) -> bool:
    """Whether a column is there and holds few words, each for a while."""
    if not head.has(column.reference):
        return False
    found = head.column(column.reference)
    return len(found.distinct) <= max(1, FEW * head.rows) and (found.stretch >= STRETCH or len(found.distinct) == 1)


def _speaks_for(field: Field, files: int) -> tuple[bool, bool, bool]:
    """What comes before a number says most, then being a folder, then telling fewer than all files apart."""
    recurs = 1 < len(field.distinct) < files
    return field.before in BEFORE_NUMBER and field.words[0].isdigit(), field.folder and files > 1, recurs
