"""Subjects and labels that look like one written in several ways: `1` and `1.0`, `003` and `3`, `Walk` and `walk`."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from har_ray.data.soundness.finding import Finding
from har_ray.text import counted

SUBJECTS, LABELS = "near-equal subjects", "near-equal labels"


class Seen(NamedTuple):
    """Where a name stands first, for messages, and in how many rows altogether."""

    where: Callable[[], str]
    rows: int


def alike(name: str) -> str:
    """The same for names that differ only by case, blanks, zeros in front of numbers or `.0` behind them.

    Example:
        >>> alike("P 003"), alike("p3"), alike("1.0"), alike("1.05")
        ('p3', 'p3', '1', '1.05')
    """
    plain = re.sub(r"\s+", "", name.casefold())
    return re.sub(r"(?<![\d.])0+(?=\d)", "", re.sub(r"(?<=\d)\.0+(?!\d)", "", plain))


def near_subjects(seen: Mapping[str, Seen], from_path: bool) -> list[Finding]:
    """Subjects that may be one person, who would then be in the training and in the test part.

    Args:
        from_path: whether they are found in paths, by a pattern.
    """
    remedy = "let the pattern leave out what differs, as 'p0*(\\d+)' does" if from_path else "write them alike"
    return [_found(SUBJECTS, "subjects", names, seen, f"if they are one person, {remedy}") for names in _groups(seen)]


def near_labels(seen: Mapping[str, Seen], legend: Mapping[str, int], decided: Iterable[str]) -> list[Finding]:
    """Labels of different classes that may be one activity.

    Args:
        legend: label → class or `NULL`.
        decided: labels of which the descriptor says what they are.
    """
    said, found = set(decided), []
    for names in _groups(seen):
        if len({legend[name] for name in names}) > 1 and not said.issuperset(names):
            written = ", ".join(f"{name!r}: {names[0]!r}" for name in names)
            found.append(
                _found(
                    LABELS, "labels", names, seen, f"if they are one, label: {{map: {{{written}, ...}}}} of all labels"
                )
            )
    return found


def _groups(seen: Mapping[str, Seen]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in sorted(seen, key=lambda name: -seen[name].rows):
        if name:
            groups.setdefault(alike(name), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def _found(kind: str, what: str, names: list[str], seen: Mapping[str, Seen], remedy: str) -> Finding:
    places = " and ".join(
        f"{name!r} in {counted(seen[name].rows, 'row')}, first {seen[name].where()}" for name in names
    )
    shown = " and ".join(map(repr, names))
    return Finding(kind, f"{what} {shown}", len(names), f"differ only by case, blanks or zeros ({places})", remedy)
