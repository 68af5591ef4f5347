"""What the path of a user's file says: a word or number in it, as the one group of a regular expression."""

import re
from typing import Annotated

from pydantic import AfterValidator


def groups(pattern: str) -> int:
    """How many groups a regular expression has; raises ValueError for what is none."""
    try:
        return re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


def _one_group(pattern: str) -> str:
    if (found := groups(pattern)) != 1:
        raise ValueError(f"{pattern!r} has {found} groups in parentheses, expected one around what is wanted")
    return pattern


def _some_groups(pattern: str) -> str:
    if not groups(pattern):
        raise ValueError(f"{pattern!r} has no group in parentheses, expected one around each part that is shared")
    return pattern


Pattern = Annotated[str, AfterValidator(_one_group)]
SharedPattern = Annotated[str, AfterValidator(_some_groups)]


def word_in(path: str, pattern: str) -> str | None:
    """What the group of `pattern` holds in a path, as `files` gives it; None where nothing does."""
    match = re.search(pattern, path)
    return match[1] if match and match[1] else None
