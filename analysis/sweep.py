"""Rate and window as axes of a grid: the cheapest of the settings that differ in them alone, and still good enough.

Validation scores choose, as everywhere: a setting is good enough where its score is not shown to be more than a margin
below the best one's. Of each fold and seed the two settings have validated the same people; the interval is that of
`analysis.intervals` over folds and seeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from analysis.formats import Entry, TextTable, csv_text, number, percent, points
from analysis.intervals import Estimate, estimate
from analysis.load import Results
from analysis.scores import VariantResult, chosen_by_validation, variant_results
from analysis.statistics import compare, interval
from analysis.student import CHOSEN, per_subject_texts, subject_text
from har_ray.groups import Setting
from har_ray.text import counted

AXES = ("rate_hz", "window_s")
MARGIN_PP = 2.0
"""Points of validation score that are given for a smaller cost."""


@dataclass(frozen=True, eq=False)
class Point:
    """One setting of a sweep, with the small model that validation data choose in it.

    Attributes:
        rate_hz, window_s: of its windows.
        result: the chosen model's.
        macs_per_s: its multiply-adds per second of wear, one window after the other.
    """

    rate_hz: float
    window_s: float
    result: VariantResult
    macs_per_s: float

    @property
    def title(self) -> str:
        return f"{self.rate_hz:g} Hz, {self.window_s:g} s"

    @cached_property
    def validation(self) -> float:
        return self.result.validation or 0.0


class Sweep(NamedTuple):
    """Settings that differ in rate or window alone.

    Attributes:
        title: what they have in common.
        slug: the same for file names.
        points: two or more, the cheapest first.
        best: the one with the best validation score.
        behind: the others' validation scores minus the best one's; None where one fold and seed can't tell.
        cheapest: the first that is good enough; None where one fold and seed can't tell.
    """

    title: str
    slug: str
    points: list[Point]
    best: Point
    behind: dict[Point, Estimate | None]
    cheapest: Point | None


@lru_cache(maxsize=64)
def sweeps(results: Results) -> list[Sweep]:
    """All of a grid, of settings with a complete seed."""
    found: dict[Setting, list[Point]] = {}
    for setting in results.settings():
        if (point := _point(results, setting)) is not None:
            found.setdefault(_common(setting), []).append(point)
    return [_sweep(common, points) for common, points in found.items() if len(points) > 1]


def _common(setting: Setting) -> Setting:
    """The setting without what an axis changes in its preset."""
    preset, _, changes = setting.preset.partition("@")
    kept = [change for change in changes.split(",") if change and change.partition("=")[0] not in AXES]
    return setting._replace(preset=f"{preset}@{','.join(kept)}" if kept else preset)


def _point(results: Results, setting: Setting) -> Point | None:
    variants = variant_results(results, setting).values()
    chosen = chosen_by_validation(result for result in variants if not result.traits.large)
    cut = results.cut(setting)
    macs = None if chosen is None else chosen.typical_cost("macs")
    if chosen is None or cut is None or macs is None:
        return None
    rate_hz, window_s = cut
    return Point(rate_hz, window_s, chosen, macs / window_s)


def _sweep(common: Setting, points: list[Point]) -> Sweep:
    points = sorted(points, key=lambda point: point.macs_per_s)
    best = max(points, key=lambda point: point.validation)
    behind = {point: _behind(point, best) for point in points if point is not best}
    enough = [point for point in points if point is best or _is_enough(behind[point])]
    return Sweep(common.title, common.slug, points, best, behind, enough[0] if any(behind.values()) else None)


def _is_enough(behind: Estimate | None) -> bool:
    return behind is not None and behind.high >= -MARGIN_PP / 100


def _behind(point: Point, best: Point) -> Estimate | None:
    """A point's validation score minus the best one's, over folds and seeds."""
    ours, theirs = (_validated(one.result) for one in (point, best))
    folds, seeds = (sorted({key[i] for key in ours} & {key[i] for key in theirs}) for i in (0, 1))
    if not folds or not seeds:
        return None
    return estimate(np.array([[ours[f, s] - theirs[f, s] for s in seeds] for f in folds]))


def _validated(result: VariantResult) -> dict[tuple[int, int], float]:
    """The validation score of each fold and complete seed."""
    cells = (cell for cell in result.completed if cell.key.seed in result.seeds)
    return {(cell.key.fold, cell.key.seed): float(cell.row[result.monitor]) for cell in cells}


def sentence(sweep: Sweep) -> str:
    """The cheapest setting that is good enough, what it costs and scores, and what the best would."""
    best, cheapest, count = sweep.best, sweep.cheapest, counted(len(sweep.points), "setting")
    if cheapest is None:
        return f"{sweep.title}: {count} of rate and window; which is cheapest takes several folds or seeds."
    if cheapest is best:
        return (
            f"{sweep.title}: of {count} of rate and window, {_described(best)} has the best validation score, and each "
            f"cheaper one is shown to be more than {MARGIN_PP:g} points below."
        )
    tested = compare(cheapest.result, best.result, cheapest.title, best.title)
    found = "" if tested.estimate is None else f", on test data {interval(tested.estimate)} points per subject from it"
    return (
        f"{sweep.title}: of {count} of rate and window, {_described(cheapest)} is the cheapest that is not shown to be "
        f"more than {MARGIN_PP:g} points below the best by validation, {_described(best)}{found}."
    )


def _described(point: Point) -> str:
    """`10 Hz, 2 s (LM, 12,000 multiply-adds per second; test macro F1 68.3 % per subject …)`."""
    cost = f"{point.result.variant}, {point.macs_per_s:,.0f} multiply-adds per second of wear"
    return f"{point.title} ({cost}; test macro F1 {subject_text(point.result)})"


def sweep_table(results: Results, sweep: Sweep) -> TextTable:
    """The settings of a sweep, the cheapest first."""
    columns = ["rate (Hz)", "window (s)", "variant", "MACs per window", "MACs per second", "validation (%)",
               "minus the best", "test F1 macro (%)", "per subject (%)", "95 % interval"]  # fmt: skip
    notes = [
        f"{CHOSEN} the cheapest setting whose validation score is not shown (95 % interval over folds and seeds) to be "
        f"more than {MARGIN_PP:g} points below the best one's, which is bold. In each setting stands the small model "
        "with the best validation score. MACs per second: one window after the other, without overlap."
    ]
    rows = [_row(sweep, point) for point in sweep.points]
    return TextTable(f"Rate and window: {sweep.title}", columns, "rrlrrrrrrr", rows, notes, results.made_by)


def _row(sweep: Sweep, point: Point) -> list[Entry]:
    behind = sweep.behind.get(point)
    texts = [
        f"{point.window_s:g}",
        point.result.variant,
        f"{point.result.typical_cost('macs') or 0:,.0f}",
        f"{point.macs_per_s:,.0f}",
    ]
    gap = "–" if behind is None else f"{points(behind.mean)} ({interval(behind)})"
    tested = [percent(point.result.mean(), point.result.sd()), *per_subject_texts(point.result)]
    mark = CHOSEN if point is sweep.cheapest else ""
    validation = Entry(percent(point.validation), bold=point is sweep.best)
    return [Entry(number(point.rate_hz), mark=mark), *map(Entry, texts), validation, *map(Entry, [gap, *tested])]


def sweep_csv(results: Results) -> str:
    """All sweeps as one CSV: raw numbers, scores as fractions."""
    return csv_text([record for sweep in sweeps(results) for record in _records(results, sweep)])


def _records(results: Results, sweep: Sweep) -> Iterator[dict[str, Any]]:
    for point in sweep.points:
        behind = sweep.behind.get(point)
        yield {
            **point.result.setting.record,
            "rate_hz": point.rate_hz,
            "window_s": point.window_s,
            "variant": point.result.variant,
            "macs": point.result.typical_cost("macs"),
            "macs_per_s": point.macs_per_s,
            "validation": point.validation,
            "behind_best": None if behind is None else behind.mean,
            "behind_best_low": None if behind is None else behind.low,
            "behind_best_high": None if behind is None else behind.high,
            "test_f1_macro": point.result.mean(),
            "subject_f1": point.result.subject_mean(),
            "is_best": point is sweep.best,
            "is_cheapest": point is sweep.cheapest,
            **results.provenance,
        }
