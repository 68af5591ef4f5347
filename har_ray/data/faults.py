"""Many faults with few causes: one line for each cause."""

import re
from collections.abc import Iterable


def by_cause(faults: Iterable[tuple[object, str]]) -> list[str]:
    """Messages about files, as (file, message): the first of each cause, and how many other files share it.

    Messages that differ only in words of the file's path and in numbers have the same cause: `a.csv: line 2: 3 fields,
    expected 5` and `b.csv: line 9: 4 fields, expected 5` become the first of them with `(and 1 more file with this
    fault)`, and so do `raw/ana.csv: no labels/ana.txt` and `raw/bo.csv: no labels/bo.txt`.
    """
    first: dict[str, str] = {}
    files: dict[str, set[str]] = {}
    for file, message in faults:
        cause = re.sub(r"\d+(\.\d+)?", "#", _without_words(message.replace(str(file), ""), str(file)))
        first.setdefault(cause, message)
        files.setdefault(cause, set()).add(str(file))
    return [f"{message}{_more(len(files[cause]) - 1)}" for cause, message in first.items()]


def _without_words(message: str, path: str) -> str:
    words = set(re.findall(r"\w+", path))
    return re.sub(r"\w+", lambda word: "" if word[0] in words else word[0], message)


def _more(count: int) -> str:
    return f" (and {count:,} more file{'s' * (count > 1)} with this fault)" if count else ""
