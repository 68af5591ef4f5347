"""Files of labelled intervals beside the recordings: tables, and what ELAN, Label Studio and Audacity write."""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath

from har_ray.data.guess.answers import Answer
from har_ray.data.guess.labels import is_activity
from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import interval_columns
from har_ray.data.guess.time import counted_since_1970, seconds_named
from har_ray.data.own.interval_files import tiers
from har_ray.errors import DataError

ANNOTATIONS = (".eaf", ".json", ".txt")
"""Suffixes of what ELAN, Label Studio and Audacity write."""

FOLDER = "^(.+)/[^/]+$"
"""The folder of a file."""


def intervals_of(
    first: Sequence[Head], beside: Sequence[Head], paths: Mapping[str, Path], people: AbstractSet[str] = frozenset()
) -> Answer | None:
    """Where the intervals are: a file for each recording, in whose path its name stands or which lies in its folder;
    or one table of all recordings, or people.

    Args:
        first: the recordings.
        beside: tables of intervals.
        paths: of all files, by what a descriptor calls them: those of annotation tools are found by their suffix.
        people: as the recordings call them.
    """
    recordings = [head.relative for head in first]
    stems = {PurePosixPath(path).name.split(".")[0] for path in recordings}
    annotated = [path for path in paths if path.lower().endswith(ANNOTATIONS) and path not in recordings]
    found = dict[str, dict[str, str]]()
    for path in (*(head.relative for head in beside), *annotated):
        for stem, where in _named(path, stems):
            found.setdefault(where, {})[stem] = path
    complete = [where for where, files in found.items() if len(files) == len(stems)]
    if not complete:
        in_folders = _in_folders(beside, recordings)
        return in_folders or next(filter(None, (_of_all(table, recordings, people) for table in beside)), None)
    where = min(complete, key=lambda one: one.endswith(".json"))
    said: dict[str, object] = {"files": where}
    if where.lower().endswith(".eaf"):
        return _with_tier(said, [paths[path] for path in found[where].values()])
    return Answer(said) if where.lower().endswith(ANNOTATIONS) else _of_table(said, beside[0])


def _named(path: str, stems: set[str]) -> Iterator[tuple[str, str]]:
    """The recordings whose name stands in a path, as a word; and the path with `{}` in its place, the last one."""
    for stem in stems:
        places = list(re.finditer(rf"(?<![^\W_]){re.escape(stem)}(?![^\W_])", path))
        if places:
            yield stem, f"{path[: places[-1].start()]}{{}}{path[places[-1].end() :]}"


def _recordings(table: Head, recordings: Sequence[str]) -> ColumnHead | None:
    """The column that names each of the recordings, by its path, its file or that without suffixes."""
    for column in table.columns:
        words = set(column.words)
        if all(words & {path, PurePosixPath(path).name, PurePosixPath(path).name.split(".")[0]} for path in recordings):
            return column
    return None


def _of_all(table: Head, recordings: Sequence[str], people: AbstractSet[str]) -> Answer | None:
    """Of a table that names every recording, or everybody; None for others."""
    if named := _recordings(table, recordings):
        return _of_table({"files": table.relative, "recording": named.reference}, table)
    whose = next((one for one in table.columns if people and people <= set(one.words)), None)
    return _of_table({"files": table.relative, "subject": whose.reference}, table) if whose else None


def _in_folders(beside: Sequence[Head], recordings: Sequence[str]) -> Answer | None:
    """Tables of one name in the folders of recordings that have each one of their own: `walk_1/Annotation.csv`."""
    folders = {str(PurePosixPath(path).parent) for path in recordings} - {"."}
    tables: dict[str, dict[str, Head]] = {}
    for table in beside:
        path = PurePosixPath(table.relative)
        tables.setdefault(path.name, {})[str(path.parent)] = table
    for name, found in tables.items():
        if len(folders) == len(recordings) and folders == found.keys():
            return _of_table({"files": f"{{}}/{name}", "pattern": FOLDER}, next(iter(found.values())))
    return None


def _of_table(said: Mapping[str, object], table: Head) -> Answer:
    columns = _columns(table)
    question = "does each last until the next one begins? else say end or duration" if "until_next" in columns else ""
    return Answer({**said, **columns}, question)


def _columns(table: Head) -> dict[str, object]:
    """Those of start, end or duration, and label, where they are called otherwise; `until_next` without an end."""
    found = interval_columns(table)
    if "end" in found:
        found.pop("duration", None)
    said: dict[str, object] = {key: column for key, column in found.items() if column != key or key == "duration"}
    if not {"end", "duration"} & found.keys():
        said["until_next"] = True
    numbers = table.column(found["start"]).numbers
    since = counted_since_1970(numbers) if numbers is not None else None
    unit = since or seconds_named(str(found["start"]))
    return said | ({"unit": unit} if unit not in (None, "s") else {})


def _with_tier(said: dict[str, object], paths: Sequence[Path]) -> Answer:
    """With the tier of activities, where files of ELAN's have several."""
    try:
        labels = [tiers(path) for path in paths]
    except DataError:
        return Answer(said)  # the reader says what is wrong
    if all(len(of_file) < 2 for of_file in labels):
        return Answer(said)
    shared = [name for name in labels[0] if all(name in of_file for of_file in labels)]
    active = [name for name in shared if any(is_activity(label) for of_file in labels for label in of_file[name])]
    chosen = next(iter(active or shared), None)
    sure = len(active) == 1
    others = " or ".join(repr(name) for name in dict.fromkeys(name for one in labels for name in one) if name != chosen)
    return Answer(said | ({"tier": chosen} if chosen else {}), "" if sure else f"or does the tier {others} have them?")
