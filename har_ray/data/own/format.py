"""How a user's files are laid out: the section `format` of a descriptor.

`auto` is found out for each file (`formats/detection.py`).
"""

import codecs
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from har_ray.data.own.columns import Column
from har_ray.errors import unknown

WHITESPACE = "whitespace"
SEPARATORS = {r"\t": "\t", "tab": "\t"}
"""How a separator may be written beside the character itself."""


def _separator(value: str) -> str:
    value = SEPARATORS.get(value, value)
    if value not in ("auto", WHITESPACE) and (len(value) != 1 or value in '"\r\n' or not value.isascii()):
        raise ValueError(f"expected one ASCII character, tab, {WHITESPACE} or auto, found {value!r}")
    return value


def _encoding(name: str) -> str:
    try:
        known = name == "auto" or codecs.lookup(name)._is_text_encoding
    except LookupError:
        known = False
    if not known:
        raise ValueError(unknown("encoding", name, ("auto", "utf-8", "utf-16", "latin-1", "cp1252", "shift_jis")))
    return name


def _as_words(value: Any) -> Any:
    """One word or several; numbers as YAML reads them are words too."""
    words = value if isinstance(value, list | tuple) else [value]
    return [str(word) if isinstance(word, int | float) and not isinstance(word, bool) else word for word in words]


class Format(BaseModel, frozen=True, extra="forbid"):
    """How a file is laid out.

    Attributes:
        separator: between the fields of a line; `whitespace` is any number of blanks and tabs.
        decimal: the decimal sign.
        thousands: what groups the digits of large numbers.
        encoding: as Python names it.
        header_line: the line, from 1, that names the columns; `none` where no line does.
        skip: how many lines to leave out below the names (units), or at the top where no line names the columns.
        comment: what lines that are left out begin with; `auto` leaves out those with `#` if one of the first has it.
        missing: words and numbers for a missing number, beside the usual ones.
        sheet: of a spreadsheet, by name or number from 1; by default the first.
        variable: of a MATLAB file, one or several; by default the longest arrays of numbers.
    """

    separator: Annotated[str, AfterValidator(_separator)] = "auto"
    decimal: Literal["auto", ".", ","] = "auto"
    thousands: Literal["none", ",", ".", " ", "'"] = "none"
    encoding: Annotated[str, AfterValidator(_encoding)] = "auto"
    header_line: Literal["auto", "none"] | Annotated[int, Field(ge=1)] = "auto"
    skip: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
    comment: Annotated[str, Field(min_length=1)] = "auto"
    missing: Annotated[tuple[str, ...], BeforeValidator(_as_words)] = ()
    sheet: str | Annotated[int, Field(ge=1)] = 1
    variable: Annotated[tuple[str, ...], BeforeValidator(_as_words)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "Format":
        if self.thousands == self.decimal:
            raise ValueError(f"decimal and thousands are both {self.decimal!r}")
        return self


AUTO = Format()


@dataclass(frozen=True)
class FileSpec:
    """What a descriptor says of its files.

    Attributes:
        columns: those that each file must have, all of them whichever are read: the line of the names is found by them.
        format: how the files are laid out.
        above: the last of the lines, from 1, from which single cells are read: rows begin below it.
    """

    columns: tuple[Column, ...] = ()
    format: Format = AUTO
    above: int = 0
