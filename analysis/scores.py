"""What the cells of a variant amount to: its scores, one per seed, and its costs.

A seed counts only when all its folds are completed; how its folds become one score is said in `seeds.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import mean, median, stdev

import numpy as np

from analysis.intervals import Estimate, Floats, estimate
from analysis.load import Cell, Results
from analysis.seeds import SeedScores
from har_ray.groups import Setting
from har_ray.metrics import Indices
from har_ray.text import counted
from har_ray.variants import Traits

COSTS = {"params": "params", "macs": "MACs", "flops_published": "FLOPs (published count)", "bytes": "bytes"}


WATCH_COSTS = {"flash_bytes": "bytes of flash", "arena_bytes": "bytes of working memory"}
"""What the int8 file costs, of cells that have been exported."""
UNKNOWN_DEVICE = "an unknown device"
UNCONVERGED = "‡"
"""Marks a variant some of whose cells were still improving when their epochs ran out."""


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

    @cached_property
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

    @cached_property
    def validation(self) -> float | None:
        """The mean monitored validation score of the complete seeds: what may choose between variants."""
        cells = [cell for cell in self.completed if cell.key.seed in self.complete]
        values = [float(score) for cell in cells if (score := cell.row.get(self.monitor)) is not None]
        return mean(values) if values and len(values) == len(cells) else None

    def calibration_error(self) -> float | None:
        """The mean expected calibration error of the complete seeds, None where there is none."""
        errors = [found.calibration_error for found in self.complete.values()]
        return mean(errors) if errors else None

    def subjects(self) -> list[str]:
        """The test subjects of the complete seeds, of which there must be one."""
        return sorted(set.intersection(*(set(found.by_subject) for found in self.complete.values())))

    def by_subject(self) -> Floats:
        """Macro F1 (U, S) of each test subject in each complete seed."""
        return np.array([[found.by_subject[name] for found in self.complete.values()] for name in self.subjects()])

    def mean_by_subject(self) -> dict[str, float]:
        """Macro F1 of each test subject, mean over the complete seeds."""
        return dict(zip(self.subjects(), self.by_subject().mean(axis=1).tolist(), strict=True))

    def subject_mean(self) -> float:
        """The mean of the test subjects' own macro F1; there must be a complete seed."""
        return float(self.by_subject().mean())

    def subject_interval(self) -> tuple[float, float] | None:
        """The 95 % interval of `subject_mean`, as far as scores go: from 0 to 1."""
        found = self.per_subject()
        return None if found is None else (max(found.low, 0.0), min(found.high, 1.0))

    def per_subject(self) -> Estimate | None:
        """The mean macro F1 per test subject, for new subjects and seeds; there must be a complete seed."""
        return estimate(self.by_subject())

    def confusions(self) -> Indices:
        """The confusion matrices (S, K, K) of the complete seeds, all folds of each together."""
        return np.array([
            np.sum([cell.confusion for cell in self.completed if cell.key.seed == seed], axis=0) for seed in self.seeds
        ])  # fmt: skip

    def unconverged(self) -> str:
        """`RB-KD: 3 of 10 cells were still improving when their epochs ran out`; empty where none is known to."""
        ended = "was still improving when its" if self.still_improving == 1 else "were still improving when their"
        of = f"{self.still_improving} of {counted(len(self.completed), 'cell')}"
        return f"{self.variant}: {of} {ended} epochs ran out" if self.still_improving else ""

    @cached_property
    def still_improving(self) -> int:
        """How many cells are known to have been so when their epochs ran out."""
        return sum(not known for cell in self.completed if (known := cell.row.get("converged")) is not None)

    @property
    def doubt(self) -> str:
        """The mark of an unconverged variant, empty for others."""
        return UNCONVERGED if self.unconverged() else ""

    def cost(self, name: str) -> tuple[int, int] | None:
        """The smallest and the largest value of a cost over the cells: winners of different folds may differ."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row.get(name) is not None]
        return (min(values), max(values)) if values else None

    def typical_cost(self, name: str) -> float | None:
        """The median of a cost over the cells, for the axis of a figure."""
        values = [int(cell.row[name]) for cell in self.completed if cell.row.get(name) is not None]
        return median(values) if values else None

    def times(self, other: "VariantResult", cost: str) -> float | None:
        """How many times another's typical cost this one's is; None where one of them is not known."""
        own, reference = self.typical_cost(cost), other.typical_cost(cost)
        return own / reference if own is not None and reference else None

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


def shared_device(results: Iterable[VariantResult]) -> str | None:
    """The device on which all of their latencies were measured; None where there are several, or one is not known."""
    devices = {device for result in results for device in result.latencies_ms()}
    return next(iter(devices)) if len(devices) == 1 and UNKNOWN_DEVICE not in devices else None


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


def by_validation(results: Iterable[VariantResult]) -> list[VariantResult]:
    """Those with a completed seed, the best mean validation score first."""
    scored = [(score, result) for result in results if (score := result.validation) is not None]
    return [result for _, result in sorted(scored, key=lambda pair: pair[0], reverse=True)]


def chosen_by_validation(results: Iterable[VariantResult]) -> VariantResult | None:
    """The one with the best mean validation score."""
    return next(iter(by_validation(results)), None)


def absent_classes(results: Results, setting: Setting) -> list[str]:
    """The names of the classes of which the test part has no window."""
    for result in variant_results(results, setting).values():
        if result.complete:
            windows = result.confusions()[0].sum(axis=1)
            return [name for name, count in zip(results.class_names(setting, len(windows)), windows, strict=True)
                    if not count]  # fmt: skip
    return []


def unconverged(results: Iterable[VariantResult]) -> str:
    """`unconverged_of` their own names."""
    return unconverged_of((result.variant, result) for result in results)


def unconverged_of(named: Iterable[tuple[str, VariantResult]]) -> str:
    """Which variants, each with a name, were still improving, in one sentence; empty where none is known to have been.

    `Still improving when their epochs ran out: RB-KD (3 of 10 cells), LM (1 of 5 cells).`
    """
    those = [f"{name} ({result.still_improving} of {counted(len(result.completed), 'cell')})"
             for name, result in named if result.still_improving]  # fmt: skip
    return f"Still improving when their epochs ran out: {', '.join(those)}." if those else ""
