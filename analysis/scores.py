"""The scores of a variant, one per seed.

A seed counts only when all its folds are completed. With one fold its scores are those of the row. With several
the test predictions of the folds are pooled first: a fold may lack a class, and an average of such F1 scores has
no meaning. F1 is over the fixed list of classes, with 0 for a class that is neither there nor predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import mean, median, stdev

import numpy as np
from numpy.typing import NDArray

from analysis.load import Cell, Indices, Predictions, Results, Setting

Floats = NDArray[np.float64]

SCORES = {"f1_macro": "F1 macro (%)", "f1_weighted": "F1 weighted (%)", "accuracy": "accuracy (%)"}
COSTS = {"params": "params", "macs": "MACs", "flops_published": "FLOPs (published count)"}


def confusion(labels: Indices, predicted: Indices, classes: int) -> Indices:
    """The confusion matrix (K, K) of labels (N,) and predictions (N,): rows are labels, columns predictions."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def f1_per_class(matrix: Indices) -> Floats:
    """F1 of each class (K,) from a confusion matrix (K, K); 0 where it is undefined."""
    total = matrix.sum(axis=0) + matrix.sum(axis=1)
    return np.asarray(2 * matrix.diagonal() / np.maximum(total, 1), dtype=np.float64)


def scores_of(predictions: Predictions) -> dict[str, float]:
    """Macro F1, weighted F1 and accuracy, as fractions, with the names of `SCORES`."""
    matrix = confusion(predictions.labels, predictions.predicted, predictions.classes)
    f1, support = f1_per_class(matrix), matrix.sum(axis=1)
    return {
        "f1_macro": float(f1.mean()),
        "f1_weighted": float(f1 @ support / support.sum()),
        "accuracy": float(matrix.trace() / support.sum()),
    }


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
    parts = [cell.predictions for cell in cells if cell.predictions is not None]
    return Predictions(
        np.concatenate([part.subjects for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.predicted for part in parts]),
        max(part.classes for part in parts),
    )


@dataclass(frozen=True)
class VariantResult:
    """All cells of one variant in one setting, and what they amount to."""

    setting: Setting
    variant: str
    cells: list[Cell]

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
        """The scores of each complete seed, as fractions."""
        return {seed: self._scores(seed) for seed in self.seeds}

    def _scores(self, seed: int) -> dict[str, float]:
        if self.folds > 1:
            return scores_of(self.pooled(seed))
        row = next(cell.row for cell in self.completed if cell.key.seed == seed)
        return {name: float(row[f"test_{name}"]) for name in SCORES}

    @cached_property
    def subjects_by_seed(self) -> dict[int, dict[str, float]]:
        """The macro F1 of each test subject for each complete seed, see `subject_f1`."""
        return {seed: subject_f1(self.pooled(seed)) for seed in self.seeds}

    def mean(self, score: str = "f1_macro") -> float | None:
        """The mean over complete seeds, None where there is none."""
        return mean(scores[score] for scores in self.by_seed.values()) if self.by_seed else None

    def sd(self, score: str = "f1_macro") -> float | None:
        """The sample standard deviation over complete seeds, None below two."""
        return stdev(scores[score] for scores in self.by_seed.values()) if len(self.by_seed) > 1 else None

    def percent(self, score: str = "f1_macro") -> float | None:
        """The mean in percent as it is printed, with one decimal: what looks equal is equal."""
        value = self.mean(score)
        return None if value is None else round(100 * value, 1)

    def validation(self) -> float | None:
        """The mean validation macro F1 of the complete seeds: what may choose between variants."""
        cells = [cell for cell in self.completed if cell.key.seed in self.seeds]
        values = [cell.row["val_f1_macro"] for cell in cells]
        return None if not values or None in values else mean(map(float, values))

    def cost(self, name: str) -> tuple[int, int] | None:
        """The smallest and the largest value of a cost over the cells: winners of different folds may differ."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row[name] is not None]
        return (min(values), max(values)) if values else None

    def typical_cost(self, name: str) -> float | None:
        """The median of a cost over the cells, for the axis of a figure."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row[name] is not None]
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
    """Every variant that the grid expects in a setting, in the canonical order."""
    return {
        variant: VariantResult(setting, variant, results.of(setting, variant)) for variant in results.variants(setting)
    }
