"""What a check says, and how it is said."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from har_ray.errors import DataError

SHOWN = 5
"""How many names a finding lists."""


@dataclass(frozen=True)
class Finding:
    """Something in the recordings that makes results wrong, or worth less than they seem.

    Attributes:
        kind: which check found it, as docs/own-recordings.md calls it.
        where: whose, in which files.
        number: the figure that it rests on.
        text: what was found, and what was expected.
        remedy: what to write or to do.
        fatal: no honest result can follow.
    """

    kind: str
    where: str
    number: float
    text: str
    remedy: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.text}; {self.remedy}"

    @property
    def as_row(self) -> dict[str, Any]:
        return asdict(self)


def refuse(name: str, findings: Iterable[Finding], strict: bool) -> None:
    """Raises `DataError` with a line for each fatal finding; with every one where a dataset is `strict`."""
    refused = [f"{name}: {one}" for one in findings if one.fatal or strict]
    if refused:
        raise DataError("\n".join(refused))


def listed(names: Sequence[str]) -> str:
    """The first names and how many more there are: `1, 2 and 3`, `1, 2, 3, 4, 5 and 7 more`."""
    shown = list(names[:SHOWN])
    if len(names) > SHOWN:
        return f"{', '.join(shown)} and {len(names) - SHOWN} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1]))) if shown else ""
