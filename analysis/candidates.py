"""The candidates of the search in one setting: each variant with hyper-parameters, over all folds and search seeds."""

from collections.abc import Sequence
from functools import lru_cache
from statistics import mean, median
from typing import Any, NamedTuple

from analysis.load import Results
from har_ray.groups import Group, Setting
from har_ray.store.results import Row, hyper_columns


class Candidate(NamedTuple):
    """A variant with its hyper-parameters, and the search cells that tried them.

    Attributes:
        hyper: by name; without those that the variant does not have.
        score: the monitored validation score, a fraction; mean over the cells.
        was_cut: the search stopped it in a fold at least, so its score there is what it had by then.
    """

    variant: str
    hyper: dict[str, Any]
    score: float
    was_cut: bool
    cells: Sequence[Row]

    def cost(self, name: str) -> float | None:
        """The median of a cost over the cells."""
        values = [float(row[name]) for row in self.cells if row.get(name) is not None]
        return median(values) if values else None


@lru_cache(maxsize=64)
def candidates(results: Results, setting: Setting) -> list[Candidate]:
    """Those with a validation score, in the order of the plan."""
    found: dict[tuple[str, tuple[tuple[str, Any], ...]], list[Row]] = {}
    for row in results.searched:
        if Group.of(row).setting == setting and row.get(results.monitor) is not None:
            known = ((name, row[name]) for name in hyper_columns(row) if row[name] is not None)
            found.setdefault((row["variant"], tuple(known)), []).append(row)
    return [
        Candidate(
            variant,
            dict(hyper),
            mean(float(row[results.monitor]) for row in cells),
            any(row["status"] == "stopped" for row in cells),
            cells,
        )
        for (variant, hyper), cells in found.items()
    ]
