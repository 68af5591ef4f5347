"""References to columns of a user's files: by name, by number from 1, or by a pattern that one name matches.

In batches and records a column goes by the text of its reference: `str(column)`.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag

from har_ray.errors import unknown


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error
    return pattern


class ColumnPattern(BaseModel, frozen=True, extra="forbid"):
    """The one column whose name holds a match of a regular expression."""

    pattern: Annotated[str, Field(min_length=1), AfterValidator(_regex)]

    def __str__(self) -> str:
        return f"{{pattern: {self.pattern!r}}}"

    __repr__ = __str__


def _as_reference(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | dict | ColumnPattern):
        raise ValueError(f"YAML reads this as {value!r}; put the name in quotes")
    if isinstance(value, int) and value < 1:
        raise ValueError(f"columns are numbered from 1, found {value}; put a name in quotes")
    if value == "":
        raise ValueError("expected the name of a column, its number from 1, or {pattern: ...}")
    return value.strip() if isinstance(value, str) else value


def _kind(value: Any) -> str:
    return (
        "a pattern" if isinstance(value, dict | ColumnPattern) else "a number" if isinstance(value, int) else "a name"
    )


Column = Annotated[
    Annotated[str, Tag("a name")] | Annotated[int, Tag("a number")] | Annotated[ColumnPattern, Tag("a pattern")],
    Discriminator(_kind),  # so that a mistake in one kind of reference is not reported for the others too
    BeforeValidator(_as_reference),
]


def matches(column: "str | int | ColumnPattern", names: Sequence[str]) -> list[int]:
    """The indices of the columns that a reference may mean; `names` are those of all columns, `""` for one without."""
    if isinstance(column, int):
        return [column - 1] if column <= len(names) else []
    if isinstance(column, ColumnPattern):
        return [i for i, name in enumerate(names) if name and re.search(column.pattern, name)]
    return [i for i, name in enumerate(names) if name == column]


def position(column: "str | int | ColumnPattern", names: Sequence[str]) -> int:
    """The index of the one column that is meant.

    Raises:
        ValueError: there is none, or more than one; says which there are.
    """
    found = matches(column, names)
    if len(found) == 1:
        return found[0]
    if isinstance(column, int):
        raise ValueError(f"there is no column {column}, only {len(names)}")
    if not any(names):
        raise ValueError(f"no line names the columns; give their numbers, 1 to {len(names)}, in place of names")
    if isinstance(column, ColumnPattern):
        some = ", ".join(names[i] for i in found) if found else ", ".join(filter(None, names))
        raise ValueError(f"{len(found) or 'no'} columns match the pattern {column.pattern!r} ({some})")
    if found:
        numbers = " or ".join(str(i + 1) for i in found)
        raise ValueError(f"column {column!r} appears {len(found)} times; choose one by its number, {numbers}")
    raise ValueError(unknown("column", column, filter(None, names)))
