"""The answers to all questions put together: a descriptor, tried with the reader that will read by it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from glob import escape, glob
from pathlib import Path

from har_ray.data.faults import by_cause
from har_ray.data.guess.answers import Answer, Guess
from har_ray.data.guess.blanks import by_filled_rows
from har_ray.data.guess.channels import Channels, channels_of
from har_ray.data.guess.identity import recording_of, subject_of
from har_ray.data.guess.intervals import intervals_of
from har_ray.data.guess.labels import label_of
from har_ray.data.guess.layout import NO_RECORDINGS, Head, heads_of, paths_of
from har_ray.data.guess.parts import is_source_word, parts_of
from har_ray.data.guess.paths import fields, glob_of, smallest
from har_ray.data.guess.rate import put_rate
from har_ray.data.guess.time import Stamps, stamps_of
from har_ray.data.guess.units import no_numbers, sentinels
from har_ray.data.own.files import sheets
from har_ray.data.own.format import AUTO
from har_ray.data.own.formats.opening import on_disk, with_members
from har_ray.data.own.join import group_of
from har_ray.data.own.paths import word_in
from har_ray.data.soundness.finding import listed
from har_ray.errors import DataError
from har_ray.yaml_file import KeyPath

SHOWN = 5


def guess(given: Sequence[str], root: Path) -> Guess:
    """A descriptor in the folder `root` of the files that are given.

    Raises:
        DataError: a path names nothing, or no file holds a recording.
    """
    paths = paths_of(given)
    heads, faults, empty = heads_of([path for path in paths if path.suffix.lower() not in NO_RECORDINGS], root)
    parts = by_filled_rows(parts_of(heads))
    faults = by_cause((path, fault) for fault in faults for path in [fault.partition(": ")[0]])
    if not parts.sources:
        left_out = {**parts.left_out, **empty}
        why = by_cause((path, f"{path}: {reason}") for path, reason in left_out.items())
        raise DataError("\n".join([*faults, *why, f"{' '.join(given)}: no file holds a recording"]))
    first = next(iter(parts.sources.values()))
    found = Guess({}, parts, faults=faults, left_out={**parts.left_out, **empty})
    stamps = {name: stamps_of(some) for name, some in parts.sources.items()}
    every = [head for some in parts.sources.values() for head in some]
    subject = subject_of(every, first)
    recording = recording_of(first, next(iter(stamps.values())).separates)
    people = _said_by(subject, first)
    intervals = intervals_of(
        first, parts.beside, {_relative(path, root): path for path in paths}, _people(subject, first) or {*people}
    )
    if intervals and isinstance(intervals.value, dict):
        where = escape(str(intervals.value["files"])).replace("{}", "*")
        found.left_out = {path: why for path, why in found.left_out.items() if not fnmatchcase(path, where)}
    taken = [*_columns(subject), *_columns(recording), *first[0].told_by]
    label = label_of(first, [*taken, *_times(next(iter(stamps.values())))], intervals, people)
    for name, some in parts.sources.items():
        _put_source(found, name, some, stamps[name], [*taken, *_columns(label)], root)
    if len(parts.sources) > 1 and not first[0].only:
        found.put(("join",), _join(parts.sources))
    found.put(("subject",), _checked(subject, every))
    found.put(("recording",), recording)
    found.put(("label",), label)
    put_rate(found, stamps, root)
    _order(found)
    return found


def _relative(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _columns(answer: Answer) -> list[object]:
    return [answer.value["column"]] if isinstance(answer.value, dict) and "column" in answer.value else []


def _times(stamps: Stamps) -> list[object]:
    return [*(stamps.time[key] for key in ("date", "column") if key in stamps.time), *stamps.others]


def _put_source(
    found: Guess, name: str, heads: Sequence[Head], stamps: Stamps, taken: Sequence[object], root: Path
) -> None:
    at: KeyPath = ("sources", name) if name else ()
    by_columns = heads[0].only and not heads[0].told_by and any(one.name for one in heads[0].columns)
    channels = channels_of(heads, [*taken, *_times(stamps)], "" if by_columns else name)  # their names say it
    archives = list(dict.fromkeys(_relative(on_disk(head.path), root) for head in heads))
    found.put((*at, "files"), Answer(glob_of(archives)))
    if any(on_disk(head.path) != head.path for head in heads):
        inside = [head.path.relative_to(on_disk(head.path)).as_posix() for head in heads]
        found.put((*at, "members"), Answer(glob_of(list(dict.fromkeys(inside)))))
    _check_files(found, at, heads, root)
    if heads[0].only:
        found.put((*at, "rows"), Answer(heads[0].only.model_dump(exclude_none=True)))
    _put_format(found, at, heads, channels)
    if stamps.time:
        others = f"{' and '.join(map(str, stamps.others))} may tell it, too" if stamps.others else ""
        found.put((*at, "time"), Answer(stamps.time, stamps.question, others))
    _put_channels(found, at, channels)


def _put_format(found: Guess, at: KeyPath, heads: Sequence[Head], channels: Channels) -> None:
    """What is not found by itself, and numbers that seem to stand for missing ones."""
    form = next((head.format for head in heads if head.format != AUTO), AUTO)
    said = form.model_dump(exclude_defaults=True)
    columns = [one.column for one in channels.channels]
    missing = [*no_numbers(heads, columns), *sentinels(heads, columns)]
    if missing:
        said["missing"] = missing
    do, values = ("do", "missing values") if len(missing) > 1 else ("does", "a missing value")
    questions = [f"{do} {listed([repr(word) for word in missing])} stand for {values}?"] if missing else []
    if len(names := sheets(heads[0].path, heads[0].spec)) > 1:
        said["sheet"] = names[0]
        questions.append(f"of each file this sheet is read, and not {', '.join(names[1:SHOWN])}")
    if said:
        found.put((*at, "format"), Answer(said, "; ".join(questions)))


def _said_by(subject: Answer, heads: Sequence[Head]) -> tuple[str, ...]:
    """The word of each path that is taken for the subject; nothing where it is a column."""
    pattern = subject.value.get("pattern") if isinstance(subject.value, dict) else None
    return tuple(word_in(head.relative, pattern) or "" for head in heads) if pattern else ()


def _people(subject: Answer, heads: Sequence[Head]) -> set[str]:
    """The words of the column that is taken for the subject; none where it is in the path."""
    return {word for column in _columns(subject) for head in heads for word in head.column(column).distinct}


def _put_channels(found: Guess, at: KeyPath, channels: Channels) -> None:
    for one in channels.channels:
        value: dict[str, object] = {"column": one.column}
        if one.unit:
            value["unit"] = one.unit
        if one.in_file is not None:
            value["in_file"] = one.in_file
        found.put((*at, "channels", one.name), Answer(value, one.question))
    if channels.others:
        some = ", ".join(map(str, channels.others[:SHOWN])) + (", ..." if len(channels.others) > SHOWN else "")
        found.notes[(*at, "channels")] = f"not taken: {some}"
    if channels.rules:
        found.content.setdefault("units", []).extend(channels.rules)
    if not channels.channels:
        found.put((*at, "channels"), Answer(None, "which columns are sensors? name: {column: ..., unit: ...}"))


def _check_files(found: Guess, at: KeyPath, heads: Sequence[Head], root: Path) -> None:
    """Asks where the glob also finds files that are left out."""
    said = found.content["sources"][at[1]] if at else found.content
    names = glob(said["files"], root_dir=root, recursive=True)  # noqa: PTH207
    matched = with_members([root / one for one in names], said.get("members"))
    known = {head.relative for head in heads}
    other = [one for path in matched if (one := _relative(path, root)) not in known and one in found.left_out]
    if other:
        found.questions[(*at, "files")] = f"this also finds {', '.join(other[:SHOWN])}, which are left out above"


def _checked(subject: Answer, heads: Sequence[Head]) -> Answer:
    """With a question where the paths of other sources say nothing of the subject."""
    pattern = subject.value.get("pattern") if isinstance(subject.value, dict) else None
    silent = [head.relative for head in heads if pattern and not word_in(head.relative, pattern)]
    return subject._replace(question=f"the path of {silent[0]} does not say who") if silent else subject


def _join(sources: Mapping[str, Sequence[Head]]) -> Answer:
    """What the paths of one recording's files share; nothing where that is the folder."""
    paths = {name: [head.relative for head in some] for name, some in sources.items()}
    if _joins(paths, None):
        return Answer(None)
    first = next(iter(paths.values()))
    parts: list[str] = []
    for one in smallest(fields(first, is_source_word)):
        pattern = one.pattern.removeprefix("^").removesuffix("$")
        parts.append(pattern)
        for tried in (pattern, ".*?".join(parts)):
            if _joins(paths, tried):
                return Answer(tried)
    return Answer(None, "which files make one recording? A pattern with a group around what their paths share")


def _joins(paths: Mapping[str, Sequence[str]], pattern: str | None) -> bool:
    """Whether most recordings have a file of each source, and none two of one."""
    groups = {name: [group_of(path, pattern) for path in some] for name, some in paths.items()}
    if any(None in some or len(set(some)) < len(some) for some in groups.values()):
        return False
    every = set.union(*(set(some) for some in groups.values()))
    return sum(all(one in some for some in groups.values()) for one in every) > len(every) / 2


def _order(found: Guess) -> None:
    """Keys as a person reads them."""
    keys = ["files", "members", "format", "rows", "sources", "join", "rate_hz", "time", "subject", "recording", "label"]
    keys += ["channels", "units", "presets"]
    found.content = {key: found.content[key] for key in keys if key in found.content}


def open_questions(found: Guess) -> Iterator[str]:
    """All that could not be decided, with the key."""
    for key, question in found.questions.items():
        yield f"{'.'.join(map(str, key))}: {question}"
    yield from found.faults
