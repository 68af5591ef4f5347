"""Sensors that share a file and fill its rows in turn: a row for each event, in which the cells of others are blank."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from har_ray.data.guess import identity, labels, time
from har_ray.data.guess.channels import threes_of
from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import MIN_ROWS, Parts, source_of
from har_ray.data.guess.paths import letters

Filled = npt.NDArray[np.bool_]
"""Whether a row has a number, of the rows of all files one behind the other, `[n]`."""

IN_TURN = 0.2
"""Of the rows of each of two sensors, at least so many are blank for the other: what is lost here and there is less."""
NESTED = 0.02
"""Of the rows of the slower of two sensors, at most so many are blank for the faster, where it has a row with it."""
SLOWER = 1.9
"""A sensor that fills every second row of another, or fewer, is one of another rate."""
ALWAYS = 0.99
"""A column that fills more of the rows is none that takes turns."""
MOST_FILES = 20
"""So many tell the shape of all."""
NO_SENSOR = (labels.COLUMN, identity.COLUMN, time.NAMED)
"""How columns of numbers are called that are no readings."""
MOSTLY = 0.5
"""A sensor that fills no more of the rows has rows of its own, whatever fills the others."""


class Group(NamedTuple):
    """Columns that are filled in the same rows, but for what is lost here and there.

    Attributes:
        places: their places among the columns of each file.
        filled: the rows of the fullest.
        name: of the sensors in them; nothing where there is none.
        axes: the places of what these measure.
    """

    places: list[int]
    filled: Filled
    name: str = ""
    axes: tuple[int, ...] = ()

    @property
    def own(self) -> Sequence[int]:
        """The places of columns that say nothing of other sensors: of what every row has, the axes alone."""
        return self.axes if self.filled.all() else self.places


def by_filled_rows(parts: Parts) -> Parts:
    """With a source for each sensor, where those of one file fill its rows in turn; labels are written in all rows that
    they last for.
    """
    if list(parts.sources) != [""] or parts.sources[""][0].only:
        return parts
    heads = parts.sources[""]
    groups = _groups(heads[:MOST_FILES])
    chosen = [one for one in groups if one.name] or _plain(groups, heads[0].columns)
    if not _of_this_shape(chosen, groups):
        return parts._replace(sources={"": labels.with_lasting(heads, heads)})
    taken = {one.places[0] for one in chosen}
    others = [one for one in groups if one.places[0] not in taken]
    sources = _sources(heads, chosen, others)
    rows = next(iter(sources.values()))
    lasting = labels.with_lasting(heads, rows)
    return parts._replace(sources=_sources(lasting, chosen, others))


def _groups(heads: Sequence[Head]) -> list[Group]:
    """The columns that not every row fills, by the rows that they are filled in; and a sensor that every row fills."""
    columns = heads[0].columns
    filled = {at: found for at in range(len(columns)) if (found := _filled(heads, at)).any()}
    always = [at for at, found in filled.items() if found.mean() > ALWAYS]
    every = _named(Group(always, np.ones(sum(head.rows for head in heads), dtype=np.bool_)), columns)
    groups = [every] if every.name else []
    for at in sorted(filled, key=lambda at: -int(filled[at].sum())):
        if at in always or not _is_everywhere(heads, filled[at]):
            continue
        same = next((one for one in groups if not _apart(one.filled, filled[at])), None)
        if same:
            same.places.append(at)
        else:
            groups.append(Group([at], filled[at]))
    named = [_named(one._replace(places=sorted(one.places)), columns) for one in groups]
    return sorted(named, key=lambda one: min(one.places))


def _named(group: Group, columns: Sequence[ColumnHead]) -> Group:
    """With the sensors of three axes that are among its columns."""
    rows = np.flatnonzero(group.filled[: len(columns[0].words)]).tolist()
    inside = [columns[at].rows(rows) for at in group.places]
    threes = threes_of([one for one in inside if one.numbers is not None], "")
    threes = [three for three in threes if any(len(one.distinct) > 1 for one in three.columns)]
    if not threes:
        return group
    names = [source_of(three.sensor.replace("_", " ")) or three.sensor or "sensor" for three in threes]
    measured = [id(one) for three in threes for one in three.columns]
    axes = tuple(at for at, one in zip(group.places, inside, strict=True) if id(one) in measured)
    return group._replace(name="_".join(dict.fromkeys(names)), axes=axes)


def _filled(heads: Sequence[Head], at: int) -> Filled:
    numbers = [head.columns[at].numbers for head in heads]
    return np.concatenate(
        [
            np.zeros(head.rows, dtype=np.bool_) if one is None else np.isfinite(one)
            for head, one in zip(heads, numbers, strict=True)
        ]
    )


def _is_everywhere(heads: Sequence[Head], filled: Filled) -> bool:
    """Whether most files that have such rows have them at the beginning and at the end."""
    ends = np.cumsum([head.rows for head in heads])[:-1]
    parts = [(part, max(1, len(part) // 4)) for part in np.split(filled, ends) if part.any()]
    return sum(bool(part[:quarter].any() and part[-quarter:].any()) for part, quarter in parts) > len(parts) / 2


def _apart(one: Filled, other: Filled) -> bool:
    """Whether two columns are of sensors that fill rows in turn, or at rates of which one is a multiple."""
    return _in_turn(one, other) or _is_nested(one, other) or _is_nested(other, one)


def _in_turn(one: Filled, other: Filled) -> bool:
    alone = int((one & ~other).sum()), int((other & ~one).sum())
    return bool(alone[0] >= IN_TURN * one.sum() and alone[1] >= IN_TURN * other.sum())


def _is_nested(slow: Filled, fast: Filled) -> bool:
    """Whether one has a number in every nth row of the other, and not just where none was lost."""
    if (slow & ~fast).sum() > NESTED * slow.sum():
        return False
    steps = np.diff(np.flatnonzero(slow[fast]))
    return bool(len(steps) and steps.mean() >= SLOWER and np.ptp(np.quantile(steps, (0.05, 0.95))) <= 1)


def _plain(groups: Sequence[Group], columns: Sequence[ColumnHead]) -> list[Group]:
    """Where there are no sensors of three axes, columns that fill rows in turn."""
    if threes_of([one for one in columns if one.numbers is not None], ""):
        return []
    found = [one for one in groups if not any(said.search(columns[one.places[0]].name) for said in NO_SENSOR)]
    if not all(_in_turn(one.filled, other.filled) for i, one in enumerate(found) for other in found[:i]):
        return []
    names = [columns[one.places[0]].name for one in found]
    names = [source_of(name) or "_".join(letters(name)) or "sensor" for name in names]
    return [one._replace(name=name, axes=tuple(one.places)) for one, name in zip(found, names, strict=True)]


def _of_this_shape(chosen: Sequence[Group], groups: Sequence[Group]) -> bool:
    """Whether there are several sensors, or one whose rows lie between those of something else."""
    if len(chosen) != 1:
        return len(chosen) > 1
    (one,) = chosen
    return bool(any(_in_turn(one.filled, other.filled) for other in groups) or one.filled.mean() <= MOSTLY)


def _unlike(names: Sequence[str]) -> list[str]:
    return [f"{name}_{i}" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]


def _sources(heads: Sequence[Head], chosen: Sequence[Group], others: Sequence[Group]) -> dict[str, list[Head]]:
    """Each source's rows of all files, that in which what people did is written first."""
    found = dict[str, list[Head]]()
    for name, group in zip(_unlike([one.name for one in chosen]), chosen, strict=True):
        elsewhere = [*(one for one in chosen if one is not group), *(others if found else ())]
        without = {at for one in elsewhere for at in one.own}
        some = [_rows(head, group.axes[0], without) for head in heads]
        if kept := [head for head in some if head.rows >= MIN_ROWS]:
            found[name] = kept
    names = sorted(found, key=lambda name: -_labelled(found[name]))
    return {name if len(found) > 1 else "": found[name] for name in names}


def _rows(head: Head, at: int, without: set[int]) -> Head:
    """The rows in which a column is filled, without some columns."""
    found = head.rows_with(head.columns[at].reference)
    return replace(found, columns=tuple(one for i, one in enumerate(found.columns) if i not in without))


def _labelled(heads: Sequence[Head]) -> float:
    """In how many of the rows something stands in the columns that may say what people did, in tenths."""
    columns = heads[0].columns
    named = [i for i, one in enumerate(columns) if labels.COLUMN.search(one.name)]
    words = named or [i for i, one in enumerate(columns) if one.numbers is None and not one.dates]
    written = [bool(word) for head in heads for i in words for word in head.columns[i].words]
    return round(float(np.mean(written)), 1) if written else 0.0
