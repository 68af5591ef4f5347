"""A mistake to plant."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Mistake(NamedTuple):
    """A mistake to plant.

    Attributes:
        name: what it would mean for the results.
        file: in which the text `right` stands once, and would be `wrong`.
        tests: pytest's ids of those that must catch it; fast ones.
    """

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]

    def fault(self) -> str | None:
        """Why it can't be planted, in one line; None where it can."""
        count = (ROOT / self.file).read_text().count(self.right)
        found = "is gone" if count == 0 else f"stands there {count} times"
        return None if count == 1 else f"{self.name}: {self.file}: the text {self.right!r} {found}, expected once"


def in_file(file: str, tests: str, *mistakes: tuple[str, str, str, str]) -> list[Mistake]:
    """Mistakes of one file, each (name, right, wrong, test), that tests of one other file must catch."""
    return [Mistake(name, file, right, wrong, (f"{tests}::{test}",)) for name, right, wrong, test in mistakes]
