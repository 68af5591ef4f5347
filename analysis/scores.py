"""The scores of a variant, one per seed.

A seed counts only when all its folds are completed. With one fold its scores are those of the row. With several
the test predictions of the folds are pooled first: a fold may lack a class, and an average of such F1 scores has
no meaning. The scores are those of `har_ray.metrics`, which training computes too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import mean, median, stdev

import numpy as np

from analysis.load import Cell, Predictions, Results, Score, joined
from har_ray.groups import Setting
from har_ray.metrics.confusion import confusion, f1_per_class
from har_ray.metrics.f1_macro import MacroF1
from har_ray.variants import Traits

F1 = Score("f1_macro", MacroF1.title, MacroF1())
"""What variants are compared by, whether the grid lists it or not."""

COSTS = {"params": "params", "macs": "MACs", "flops_published": "FLOPs (published count)"}


def subject_f1(predictions: Predictions) -> dict[str, float]:
    """Macro F1 of each subject, over the classes that the subject has windows of."""
    names, codes = np.unique(predictions.subjects, return_inverse=True)
    scores = {}
    for code, name in enumerate(names):
        own = codes == code
        matrix = confusion(predictions.labels[own], predictions.predicted[own], predictions.classes)
        scores[str(name)] = float(f1_per_class(matrix)[matrix.sum(axis=1) > 0].mean())
    return scores


def pool(cells: Sequence[Cell]) -> Predictions:
    """The predictions of completed cells, one after the other."""
    return joined([cell.predictions for cell in cells if cell.predictions is not None])


@dataclass(frozen=True)
class VariantResult:
    """All cells of one variant in one setting, and what they amount to."""

    setting: Setting
    traits: Traits
    scores: tuple[Score, ...]
    monitor: str
    cells: list[Cell]

    @property
    def variant(self) -> str:
        return self.traits.name

    @property
    def completed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.state == "completed"]

    @cached_property
    def seeds(self) -> list[int]:
        """The seeds whose folds are all completed."""
        broken = {cell.key.seed for cell in self.cells if cell.state != "completed"}
        return sorted({cell.key.seed for cell in self.cells} - broken)

    @property
    def expected_seeds(self) -> int:
        return len({cell.key.seed for cell in self.cells})

    @property
    def folds(self) -> int:
        return len({cell.key.fold for cell in self.cells})

    def pooled(self, seed: int) -> Predictions:
        """The test predictions of all folds of a seed."""
        return pool([cell for cell in self.completed if cell.key.seed == seed])

    @cached_property
    def by_seed(self) -> dict[int, dict[str, float]]:
        """The scores of each complete seed, as fractions; without one that can't be computed here."""
        return {seed: self._scores_of(seed) for seed in self.seeds}

    def _scores_of(self, seed: int) -> dict[str, float]:
        found: dict[str, float] = {}
        for score in dict.fromkeys([F1, *self.scores]):
            value = self._score(seed, score)
            found |= {} if value is None else {score.name: value}
        return found

    def _score(self, seed: int, score: Score) -> float | None:
        if self.folds == 1:
            row = next(cell.row for cell in self.completed if cell.key.seed == seed)
            if row.get(f"test_{score.name}") is not None:
                return float(row[f"test_{score.name}"])
        if score.metric is None:
            return None
        pooled = self.pooled(seed)
        return float(score.metric(pooled.labels, pooled.logits))

    @cached_property
    def subjects_by_seed(self) -> dict[int, dict[str, float]]:
        """The macro F1 of each test subject for each complete seed, see `subject_f1`."""
        return {seed: subject_f1(self.pooled(seed)) for seed in self.seeds}

    def mean(self, score: str = "f1_macro") -> float | None:
        """The mean over complete seeds, None where there is none."""
        values = self._values(score)
        return mean(values) if values else None

    def sd(self, score: str = "f1_macro") -> float | None:
        """The sample standard deviation over complete seeds, None below two."""
        values = self._values(score)
        return stdev(values) if len(values) > 1 else None

    def _values(self, score: str) -> list[float]:
        return [scores[score] for scores in self.by_seed.values() if score in scores]

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

    def latency_ms(self) -> float | None:
        """The median over cells of their median latency at batch 1, in milliseconds."""
        values = [float(cell.row["latency_ms"]) for cell in self.completed if cell.row["latency_ms"] is not None]
        return median(values) if values else None

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
            setting, results.traits(name), tuple(results.scores), results.monitor, results.of(setting, name)
        )
        for name in results.variants(setting)
    }
