"""What the paths of files say: the words that differ between them, patterns that find these, and globs.

Paths are cut into words of letters, numbers and dates. Files whose paths are built alike have their words at the same
places; of others only the folders can be compared.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from glob import escape
from itertools import takewhile
from pathlib import PurePosixPath
from typing import NamedTuple

from har_ray.data.own.paths import word_in

PIECE = re.compile(
    r"(?<!\d)(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?:[-_T. ]*[0-2]\d[-_.:h]?[0-5]\d(?:[-_.:m]?[0-5]\d)?)?(?!\d)"
    r"|[^\W\d_]+|\d+|[\W_]"
)
"""A date, perhaps with a time; letters; digits; any other sign."""
WORD = r"([^\W\d_]+)"
LETTERS = re.compile(r"[A-Z]+(?=[A-Z][a-z]|[\W\d_]|$)|[^\W\d_]+?(?=[A-Z\W\d_]|$)")
"""Words of letters: `leftWrist` are two, `ACC` is one."""
IN_ONE_FOLDER = "[^/]+"


class Field(NamedTuple):
    """Something that differs between paths.

    Attributes:
        words: of each path.
        pattern: finds it, as the one group of a regular expression.
        before: what stands right before it, a sign between them aside, in lower case.
        folder: whether it is the whole name of a folder.
        begins: where in the first path.
    """

    words: tuple[str, ...]
    pattern: str
    before: str
    folder: bool
    begins: int

    @property
    def distinct(self) -> list[str]:
        return list(dict.fromkeys(self.words))

    def follows(self, words: Sequence[str]) -> bool:
        """Whether it is always the same where these words of the paths are: `p1` where `1` is."""
        return len(set(zip(self.words, words, strict=True))) == len(set(words))


def pieces(path: str) -> list[str]:
    """
    Example:
        >>> pieces("ana/walk-2023-10-20_14-50.csv")
        ['ana', '/', 'walk', '-', '2023-10-20_14-50', '.', 'csv']
    """
    return PIECE.findall(path)


def letters(path: str) -> list[str]:
    """The words of letters in a path, in lower case, its suffixes left out."""
    stem = path.split(".")[0] if path.count(".") == 1 else re.sub(r"(\.[A-Za-z]\w*)+$", "", path)
    return [word.casefold() for word in LETTERS.findall(stem)]


def fields(paths: Sequence[str], leave_out: Callable[[str], bool] = lambda word: False) -> list[Field]:
    """What differs between paths, from left to right; of a single path, whatever it may say.

    Args:
        leave_out: words that mean something else; left out is what is such a word in each path.
    """
    cut = [pieces(path) for path in paths]
    found = list(_of_pieces(paths, cut, leave_out) if len(set(map(len, cut))) == 1 else _of_parts(paths, leave_out))
    found += [one for one in _of_folders(paths, leave_out) if one.words not in [field.words for field in found]]
    return sorted(found, key=lambda one: one.begins)


def smallest(some: Sequence[Field]) -> list[Field]:
    """Without those that hold another: of `S1` and its `1` the latter."""
    spans = [range(one.begins, one.begins + len(one.words[0])) for one in some]
    return [
        one
        for one, span in zip(some, spans, strict=True)
        if not any(len(other) < len(span) and other.start in span for other in spans)
    ]


def _of_pieces(paths: Sequence[str], cut: Sequence[Sequence[str]], leave_out: Callable[[str], bool]) -> Iterator[Field]:
    suffix = _suffix_begins(cut[0])
    seen = set[tuple[str, ...]]()
    for at in range(suffix):
        words = tuple(one[at] for one in cut)
        folder = cut[0][at - 1 : at] in ([], ["/"]) and cut[0][at + 1 : at + 2] == ["/"]
        plain = [word for word in words if word[0].isalnum()]
        if folder or len(plain) < len(words) or words in seen or all(leave_out(word.casefold()) for word in words):
            continue
        if (len(paths) > 1 and len(set(words)) == 1) or any(_is_date(word) for word in words):
            continue
        seen.add(words)
        if pattern := _pattern(paths, cut, at, words):
            before = re.sub(r".*[\W\d_]", "", "".join(cut[0][max(0, at - 2) : at]).rstrip("-_ ."))
            begins = len("".join(cut[0][:at]))
            yield Field(words, pattern, before.casefold(), False, begins)


def _of_parts(paths: Sequence[str], leave_out: Callable[[str], bool]) -> Iterator[Field]:
    """The pieces of folders and files that are built alike, where others are not: `fast walk/p1`, `jog/p2`."""
    parts = [path.split("/") for path in paths]
    if len(set(map(len, parts))) > 1:
        return
    begins = 0
    for names in zip(*parts, strict=True):
        cut = [pieces(name) for name in names]
        if len(set(map(len, cut))) == 1:
            yield from (one._replace(begins=begins + one.begins) for one in _of_pieces(paths, cut, leave_out))
        begins += len(names[0]) + 1


def _of_folders(paths: Sequence[str], leave_out: Callable[[str], bool]) -> Iterator[Field]:
    """The names of folders, and of files without their suffixes."""
    parts = [path.split("/") for path in paths]
    depth = min(map(len, parts))
    for at in range(depth):
        last = at == depth - 1
        words = tuple(PurePosixPath(part[-1]).name.split(".")[0] if last else part[at] for part in parts)
        if (len(paths) > 1 and len(set(words)) == 1) or not all(words):
            continue
        if all(any(leave_out(part) for part in (word.casefold(), *letters(word))) for word in words):
            continue
        pattern = r"([^/.]+)\.[^/]+$" if last else f"^{f'{IN_ONE_FOLDER}/' * at}([^/]+)/"
        if _finds(pattern, paths, words):
            yield Field(words, pattern, "", not last, sum(len(part) + 1 for part in parts[0][:at]))


def _suffix_begins(one: Sequence[str]) -> int:
    """Where the suffix of a path begins, as a piece."""
    name = max((i for i, piece in enumerate(one) if piece == "/"), default=-1) + 1
    return next((i for i in range(name, len(one)) if one[i] == "." and i > name), len(one))


def _is_date(word: str) -> bool:
    return len(word) >= 8 and word[:2] in ("19", "20") and PIECE.fullmatch(word) is not None and not word.isalpha()


def _pattern(paths: Sequence[str], cut: Sequence[Sequence[str]], at: int, words: Sequence[str]) -> str | None:
    """The shortest pattern, of what stands around, that finds the word of each path."""
    kind = r"(\d+)" if all(map(str.isdigit, words)) else "([A-Za-z]+)" if all(map(str.isascii, words)) else WORD
    left, right = _constant(cut, range(at - 1, -1, -1)), _constant(cut, range(at + 1, len(cut[0])))
    sides = [(n, m) for total in range(1, 7) for m in range(total + 1) for n in [total - m]]
    tried = [f"{_literal(left[:n][::-1])}{kind}{_literal(right[:m])}" for n, m in sides]
    before = "".join(_any(cut, i) for i in range(at))
    return next((one for one in [*tried, f"^{before}{kind}"] if _finds(one, paths, words)), None)


def _constant(cut: Sequence[Sequence[str]], places: range) -> list[str]:
    """Pieces that are the same in all paths, up to the first that is not."""
    same = takewhile(lambda i: len({one[i] for one in cut}) == 1, places)
    return [cut[0][i] for i in same]


def _any(cut: Sequence[Sequence[str]], at: int) -> str:
    same = len({one[at] for one in cut}) == 1
    return _literal([cut[0][at]]) if same else r"\d+" if cut[0][at].isdigit() else IN_ONE_FOLDER


def _literal(some: Sequence[str]) -> str:
    return re.sub(r"\\([-_ /])", r"\1", re.escape("".join(some)))


def _finds(pattern: str, paths: Sequence[str], words: Sequence[str]) -> bool:
    return all(word_in(path, pattern) == word for path, word in zip(paths, words, strict=True))


def glob_of(paths: Sequence[str]) -> str:
    """The glob that paths of the same depth have in common; `**` goes through folders of different depth.

    Example:
        >>> glob_of(["raw/p1.csv", "raw/p2.csv"])
        'raw/p*.csv'
    """
    parts = [path.split("/") for path in paths]
    if len(set(map(len, parts))) > 1:
        same = takewhile(lambda names: len(set(names)) == 1, zip(*parts, strict=False))
        return "/".join([*(escape(names[0]) for names in same), "**", _name_glob([part[-1] for part in parts])])
    return "/".join(_name_glob(names) for names in zip(*parts, strict=True))


def _name_glob(names: Sequence[str]) -> str:
    """Of names of files or folders: what they begin and end with, in whole pieces, but no date."""
    if len(set(names)) == 1:
        return escape(names[0])
    cut = [pieces(name) for name in set(names)]
    start = [one[0] for one in takewhile(_is_shared, zip(*cut, strict=False))]
    end = [one[0] for one in takewhile(_is_shared, zip(*map(reversed, cut), strict=False))]
    if sum(map(len, start)) + sum(map(len, end)) >= min(map(len, names)):
        end = end[: max(0, min(map(len, cut)) - len(start))]
    return f"{escape(''.join(start))}*{escape(''.join(reversed(end)))}"


def _is_shared(some: Sequence[str]) -> bool:
    return len(set(some)) == 1 and not _is_date(some[0])
