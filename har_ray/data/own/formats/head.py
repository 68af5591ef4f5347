"""The first lines of a text as rows of fields, for one separator or another."""

import codecs
import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from har_ray.data.own.format import WHITESPACE
from har_ray.data.own.formats.layout import clean

HEAD_BYTES = 1 << 16
HEAD_LINES = 200
"""Twice the longest preamble known, the 100 lines of GENEActiv."""
TAIL = 20
"""Of the last rows of the head, how many are looked at for the separator."""
CANDIDATES = (",", ";", "\t", "|", WHITESPACE)


class Row(NamedTuple):
    """The fields of a line that is not empty, without blanks around them."""

    line: int
    fields: list[str]


def lines_of(head: bytes, whole: bool, encoding: str) -> list[str]:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head, final=whole).removeprefix("\ufeff")
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
    if not whole and len(lines) > 1:
        lines.pop()  # the rest of it may be missing
    return lines[:HEAD_LINES]


def comment_of(lines: Sequence[str]) -> str:
    """`#`, if lines begin with it, but not all of those at the end, which should be rows."""
    begins = [line.lstrip().startswith("#") for line in lines]
    return "#" if any(begins) and not all(begins[-3:]) else ""


def separators_in(lines: Sequence[str]) -> list[str]:
    """The separators that are there; where each of the last lines has as many tabs, blanks stand within fields."""
    found = [sign for sign in CANDIDATES[:-1] if any(sign in line for line in lines)]
    tabs = {line.count("\t") for line in [line for line in lines if line.strip()][-3:]}
    blanks = any(len(line.split()) > 1 for line in lines) and (len(tabs) != 1 or tabs == {0})
    return [*found, WHITESPACE] if blanks else found or [","]


def rows_of(lines: Sequence[str], first: int, separator: str, comment: str, line_end: str) -> list[Row]:
    cleaned = (clean(line, separator, comment, line_end) for line in lines)
    # Line by line: a lone quote in a preamble must not swallow what follows.
    parsed = (next(csv.reader([line], delimiter=" " if separator == WHITESPACE else separator), []) for line in cleaned)
    return [Row(n, [field.strip() for field in fields]) for n, fields in enumerate(parsed, first) if fields]


def unmarked(row: Row, separator: str) -> Row:
    """Without the `#` that NumPy's savetxt puts before the names."""
    first = row.fields[0]
    if first == "#" and separator == WHITESPACE and len(row.fields) > 1:
        return row._replace(fields=row.fields[1:])
    return row._replace(fields=[first.removeprefix("#").strip() or first, *row.fields[1:]])
