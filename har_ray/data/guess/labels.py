"""What people did: a column, a part of the path, or a file of intervals beside each recording."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, islice, pairwise
from pathlib import Path

import numpy as np

from har_ray.data.guess.answers import Answer
from har_ray.data.guess.layout import ColumnHead, Head
from har_ray.data.guess.parts import is_source_word
from har_ray.data.guess.paths import Field, fields, letters
from har_ray.data.own.columns import Column
from har_ray.data.own.files import WORD, read_columns
from har_ray.data.own.near_names import alike
from har_ray.errors import DataError

COLUMN = re.compile(
    r"(?i)label|activit|^gt$|ground.?truth|^class|^action|^target|^annotation|^behaviou?r|^task$|^y$"
    r"|aktivit|tätigkeit|klasse|activid|ativid|attivit|étiquette|etiqueta"
)
CODE = re.compile(r"(?i)code|id$|num")
NONE = frozenset(
    ("null", "none", "nan", "na", "n/a", "unknown", "undefined", "unlabelled", "unlabeled", "no label", "-")
)
ACTIVITIES = (
    *(
        "walk",
        "run",
        "jog",
        "sit",
        "stand",
        "stair",
        "up",
        "down",
        "lie",
        "lying",
        "lay",
        "cycl",
        "bik",
        "climb",
        "jump",
    ),
    *("sleep", "rest", "danc", "row", "still", "driv", "car", "bus", "train", "eat", "drink", "typ", "writ", "brush"),
    *("fold", "clap", "kick", "fall", "push", "pull", "squat", "lung", "burpee", "stretch", "sweep", "vacuum", "iron"),
    *("wash", "cook", "idle", "gait", "swim"),
)
"""How words for activities begin."""
BEFORE_NUMBER = frozenset(("a", "act", "activity", "adl", "task", "label", "class", "exercise", "ex", "movement"))
"""What stands before an activity's number in a path."""
MOST = 60
"""More words are no labels."""
BATCHES = 16
"""Labels are looked for in so many blocks of each file, 16 MiB of text: the head may hold one alone."""
STRETCH = 5
MARKED = 2
"""Labels that stand in no more rows, on average, say when something began."""


def is_activity(word: str) -> bool:
    return any(one.startswith(ACTIVITIES) for one in letters(word))


def label_of(
    first: Sequence[Head], taken: Sequence[object], intervals: Answer | None, who: tuple[str, ...] = ()
) -> Answer:
    """The label of files of the first source.

    Args:
        taken: columns that hold something else.
        intervals: as a descriptor says where they are, if there are any.
        who: the word of each path that is taken for the subject.
    """
    columns = [one for one in first[0].columns if one.reference not in taken and _may_be(one, first)]
    named = [one for one in columns if COLUMN.search(one.name)]
    words = [one for one in columns if one.numbers is None and any(map(is_activity, one.distinct))]
    paths = [one for one in fields([head.relative for head in first], is_source_word) if one.words != who]
    activities = [one for one in paths if all(map(is_activity, one.words))]
    if intervals and not named and not (intervals.question and activities):
        return intervals._replace(value={"intervals": intervals.value})
    best = (
        next(iter(sorted(named, key=_is_code) or words), None) or _codes(columns, first) or _some_words(columns, first)
    )
    if best is not None:
        return _column(best, first, sure=best in named or best in words)
    if activities:
        note = "there are tables of when something began, too: {intervals: ...}" if intervals else ""
        return Answer({"pattern": min(activities, key=lambda one: len(one.distinct)).pattern}, note=note)
    if others := [one for one in paths if _may_be_done(one, who)]:
        chosen = min(others, key=lambda one: (len(one.distinct), not one.folder))
        some = ", ".join(chosen.distinct[:4]) + (", ..." if len(chosen.distinct) > 4 else "")
        return Answer({"pattern": chosen.pattern}, f"is it {some} that people did?")
    question = (
        "where is what people did: {column: ...}, {pattern: ...} of the path, or {intervals: ...} in other files?"
    )
    return Answer(None, question)


def with_lasting(heads: Sequence[Head], rows: Sequence[Head]) -> list[Head]:
    """With labels that are written only where they begin in all rows that they last for.

    Args:
        rows: of these files, those in which the label is to be.
    """
    marks = {i for i, one in enumerate(heads[0].columns) if COLUMN.search(one.name) and _are_marks(one, heads, rows)}
    if not marks:
        return list(heads)
    return [
        replace(head, columns=tuple(_lasting(one) if i in marks else one for i, one in enumerate(head.columns)))
        for head in heads
    ]


def _are_marks(column: ColumnHead, heads: Sequence[Head], rows: Sequence[Head]) -> bool:
    """Whether labels stand in a row or two each, or only in other rows than those asked for."""
    if len({word for head in heads for word in head.column(column.reference).words}) > MOST:
        return False
    written = [[bool(word) for word in head.column(column.reference).words] for head in rows]
    n = sum(map(sum, written))
    if not n:
        return any(any(head.column(column.reference).words) for head in heads)
    stretches = sum(sum(b and not a for a, b in pairwise([False, *one])) for one in written)
    return n < sum(map(len, written)) and n <= MARKED * stretches


def _lasting(column: ColumnHead) -> ColumnHead:
    filled = tuple(accumulate(column.words, _or_before))
    if column.numbers is None:
        return replace(column, words=filled, lasting=True)
    of = dict(zip(column.words, column.numbers, strict=True))
    return replace(column, words=filled, numbers=np.array([of[word] for word in filled]), lasting=True)


def _or_before(last: str, word: str) -> str:
    return word or last


def _may_be_done(field: Field, who: Sequence[str]) -> bool:
    """Whether a part of the path may say what these people did: words, or numbers behind a word for it, that recur."""
    if not 1 < len(field.distinct) < len(field.words) or (who and field.follows(who)):
        return False
    return field.before in BEFORE_NUMBER if field.words[0].isdigit() else not any(map(str.isdigit, field.words))


def _is_code(column: ColumnHead) -> bool:
    """Numbers that stand for labels, if words do too."""
    return column.numbers is not None or bool(CODE.search(column.name))


def _may_be(column: ColumnHead, heads: Sequence[Head]) -> bool:
    """Whether a column holds few words, each for a while."""
    if column.dates or not all(head.has(column.reference) for head in heads):
        return False
    words = {word for head in heads for word in head.column(column.reference).distinct}
    if len(words) > MOST:
        return False
    changes = sum(a.casefold() != b.casefold() for a, b in pairwise(column.words))
    return len(column.words) >= STRETCH * (1 + changes)


def _codes(columns: Sequence[ColumnHead], heads: Sequence[Head]) -> ColumnHead | None:
    """Of files without names of columns: few words or whole numbers that change now and then within a file."""
    for column in columns:
        words = {word for head in heads for word in head.column(column.reference).distinct}
        changes = any(len(head.column(column.reference).distinct) > 1 for head in heads)
        if not column.name and changes and all(re.fullmatch(r"\d{1,3}|[^\W\d].*|", word) for word in words):
            return column
    return None


def _some_words(columns: Sequence[ColumnHead], heads: Sequence[Head]) -> ColumnHead | None:
    """The one column of words that change now and then within files; none where several do."""
    texts = [one for one in columns if one.numbers is None]
    found = [one for one in texts if any(len(head.column(one.reference).distinct) > 1 for head in heads)]
    return found[0] if len(found) == 1 else None


def _column(column: ColumnHead, heads: Sequence[Head], sure: bool) -> Answer:
    words = Counter(word for head in heads for word in _all_words(head.path, column.reference, head))
    none = sorted(word for word in words if word.casefold() in NONE)
    labels = [word for word in words if word and word not in none]
    value: dict[str, object] = {"column": column.reference}
    question, note = "" if sure else "is this what people did?", ""
    if same := _same(labels):
        value["map"] = {label: same.get(alike(label), label) for label in labels}
        question = f"{', '.join(label for label in labels if alike(label) in same)} are taken for one class"
    elif all(re.fullmatch(r"-?\d+(\.\d+)?", word) for word in labels):
        question = f"what do {', '.join(sorted(labels, key=float)[:8])} stand for: map: {{{labels[0]}: ..., ...}}"
    if column.lasting:
        value["until_next"] = True
        question = "; ".join(filter(None, (question, "does each last until the next one? most rows have none")))
    if none:
        value["no_class"] = [*none, ""] if "" in words else none
        note = "no_class: samples that belong to no class"
    return Answer(value, question, note)


def _same(labels: Sequence[str]) -> dict[str, str]:
    """What labels have in common that are near-equal, Walk and walk, 1 and 1.0 → the first of them."""
    first, same = dict[str, str](), dict[str, str]()
    for label in labels:
        if alike(label) in first:
            same[alike(label)] = first[alike(label)]
        first.setdefault(alike(label), label)
    return same


def _all_words(path: Path, reference: Column, head: Head) -> Iterator[str]:
    try:
        for batch in islice(read_columns(path, {reference: WORD}, head.spec), BATCHES):
            yield from (word.strip() for word in batch.column(0).unique().dictionary_decode().to_pylist())
    except DataError:
        yield from head.column(reference).distinct
