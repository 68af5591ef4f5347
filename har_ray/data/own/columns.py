"""References to columns of a user's files: by name, by number from 1, or by a pattern that one name matches.

In batches and records a column goes by the text of its reference: `str(column)`.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

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


Column = Annotated[str | int | ColumnPattern, BeforeValidator(_as_reference)]


def position(column: "str | int | ColumnPattern", names: Sequence[str]) -> int:
    """The index of a column.

    Args:
        column: the reference.
        names: of all columns of a file, `""` for one without a name.

    Raises:
        ValueError: no column or more than one is meant; says which there are.
    """
    if isinstance(column, int):
        if column > len(names):
            raise ValueError(f"there is no column {column}, only {len(names)}")
        return column - 1
    if not any(names):
        raise ValueError(f"no line names the columns, so {column!r} cannot be found; give numbers, 1 to {len(names)}")
    if isinstance(column, ColumnPattern):
        found = [i for i, name in enumerate(names) if name and re.search(column.pattern, name)]
        fault = f"no column matches the pattern {column.pattern!r} ({', '.join(filter(None, names))})"
        if len(found) > 1:
            fault = f"{len(found)} columns match the pattern {column.pattern!r}: {', '.join(names[i] for i in found)}"
    else:
        found = [i for i, name in enumerate(names) if name == column]
        fault = unknown("column", column, filter(None, names))
        if len(found) > 1:
            numbers = " or ".join(str(i + 1) for i in found)
            fault = f"column {column!r} appears {len(found)} times; choose one by its number, {numbers}"
    if len(found) != 1:
        raise ValueError(fault)
    return found[0]
