"""How a text is laid out, and its lines as a parser of single separators takes them."""

import codecs
import re
from dataclasses import dataclass

from har_ray.data.own.format import WHITESPACE

BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""UTF-32 before UTF-16, whose mark it begins with."""


@dataclass(frozen=True)
class TextLayout:
    """How a text is laid out.

    Attributes:
        encoding, separator, decimal, thousands: as in `Format`, none of them `auto`.
        comment: what lines that are left out begin with, or nothing.
        line_end: what stands behind the last field of each line without being a separator, or nothing.
        header_line: the line of the names, from 1, or None.
        first_line: the line, from 1, at which the rows begin.
        names: of the columns, `""` for one without a name.
        missing: how a missing number is written.
    """

    encoding: str
    separator: str
    decimal: str
    thousands: str
    comment: str
    line_end: str
    header_line: int | None
    first_line: int
    names: tuple[str, ...]
    missing: tuple[str, ...]


def encoding_of(head: bytes) -> str:
    """By its byte order mark, else UTF-16 where every other byte is 0, UTF-8, or the encoding of Western Windows.

    Raises:
        ValueError: no text.
    """
    for mark, name in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return name
    if zeros := head.rstrip(b"\0").count(0):  # a logger that loses power leaves zeros behind the last line
        odd = head[1::2].count(0)
        if zeros < len(head) / 4 or 0 < odd < zeros:
            raise ValueError("is no text, whatever its name says")
        return "utf-16-le" if odd else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def clean(text: str, separator: str, comment: str, line_end: str) -> str:
    """Whole lines as a parser of single separators takes them; every line stays in its place.

    Comments become empty lines, any number of blanks becomes one, and `line_end` goes.
    """
    if comment and comment in text:
        text = re.sub(rf"(?:\A|(?<=[\r\n]))[ \t]*{re.escape(comment)}[^\r\n]*", "", text)
    if line_end:
        for newline in "\r\n":
            text = text.replace(f"{line_end}{newline}", newline)
        text = text.removesuffix(line_end)
    if separator == WHITESPACE:
        text = text.replace("\t", " ")
        while "  " in text:
            text = text.replace("  ", " ")
        for newline in "\r\n":
            text = text.replace(f"{newline} ", newline).replace(f" {newline}", newline)
        text = text.strip(" ")
    return text
