"""What the cells of a variant amount to: its scores, one per seed, and its costs.

A seed counts only when all its folds are completed; how its folds become one score is said in `seeds.py`.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import mean, median, stdev

from analysis.load import Cell, Results
from analysis.seeds import SeedScores
from har_ray.groups import Setting
from har_ray.variants import Traits

COSTS = {"params": "params", "macs": "MACs", "flops_published": "FLOPs (published count)"}


UNKNOWN_DEVICE = "an unknown device"


@dataclass(frozen=True, eq=False)
class VariantResult:
    """All cells of one variant in one setting, and what they amount to; equal only to itself, as `Results`.

    Attributes:
        complete: the scores of the seeds whose folds are all completed, by seed.
    """

    setting: Setting
    traits: Traits
    monitor: str
    cells: list[Cell]
    complete: dict[int, SeedScores]

    @property
    def variant(self) -> str:
        return self.traits.name

    @cached_property
    def completed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.state == "completed"]

    @property
    def seeds(self) -> list[int]:
        """The seeds whose folds are all completed."""
        return list(self.complete)

    @property
    def expected_seeds(self) -> int:
        return len({cell.key.seed for cell in self.cells})

    @property
    def folds(self) -> int:
        return len({cell.key.fold for cell in self.cells})

    def mean(self, score: str = "f1_macro") -> float | None:
        """The mean over complete seeds, None where there is none."""
        values = self._values(score)
        return mean(values) if values else None

    def sd(self, score: str = "f1_macro") -> float | None:
        """The sample standard deviation over complete seeds, None below two."""
        values = self._values(score)
        return stdev(values) if len(values) > 1 else None

    def _values(self, score: str) -> list[float]:
        return [found.scores[score] for found in self.complete.values() if score in found.scores]

    def percent(self, score: str = "f1_macro") -> float | None:
        """The mean in percent as it is printed, with one decimal: what looks equal is equal."""
        value = self.mean(score)
        return None if value is None else round(100 * value, 1)

    def validation(self) -> float | None:
        """The mean monitored validation score of the complete seeds: what may choose between variants."""
        cells = [cell for cell in self.completed if cell.key.seed in self.seeds]
        values = [float(score) for cell in cells if (score := cell.row.get(self.monitor)) is not None]
        return mean(values) if values and len(values) == len(cells) else None

    def cost(self, name: str) -> tuple[int, int] | None:
        """The smallest and the largest value of a cost over the cells: winners of different folds may differ."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row.get(name) is not None]
        return (min(values), max(values)) if values else None

    def typical_cost(self, name: str) -> float | None:
        """The median of a cost over the cells, for the axis of a figure."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row.get(name) is not None]
        return median(values) if values else None

    def latencies_ms(self) -> dict[str, float]:
        """The median over cells of their median latency at batch 1, in milliseconds, by the device that it was on."""
        values: dict[str, list[float]] = {}
        for row in (cell.row for cell in self.completed if cell.row["latency_ms"] is not None):
            values.setdefault(str(row.get("latency_device") or UNKNOWN_DEVICE), []).append(float(row["latency_ms"]))
        return {device: median(values[device]) for device in sorted(values)}

    def standing(self) -> str:
        """How many of the expected seeds are complete, and what became of the others: `2/3, 1 failed`."""
        parts = [f"{len(self.seeds)}/{self.expected_seeds}"]
        unit = "" if self.folds == 1 else "fold "
        for state in ("failed", "stopped", "missing"):
            count = sum(cell.state == state for cell in self.cells)
            plural = "folds " if unit and count > 1 else unit
            parts += [f"{count} {plural}{state}"] if count else []
        return ", ".join(parts)


@lru_cache(maxsize=64)
def variant_results(results: Results, setting: Setting) -> dict[str, VariantResult]:
    """Every variant that the grid expects in a setting, in the order of tables."""
    return {
        name: VariantResult(
            setting,
            results.traits(name),
            results.monitor,
            results.of(setting, name),
            results.complete_seeds(setting, name),
        )
        for name in results.variants(setting)
    }
