"""How sure a difference between two variants is.

The unit is the test subject: windows of one person are alike, and seeds say nothing about new people. Per subject
the macro F1 is taken over the classes that the subject has windows of and averaged over the seeds both variants
completed; seed s is compared with seed s. The interval is a bootstrap that draws subjects and, within each, seeds.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wilcoxon

from analysis.formats import Entry, TextTable, csv_text, points
from analysis.load import Results
from analysis.published import DOI, f1_change_pp
from analysis.scores import VariantResult, variant_results
from analysis.seeds import F1
from har_ray.groups import Setting
from har_ray.variants import BASELINE

Floats = NDArray[np.float64]

MIN_SUBJECTS = 6
"""With 5 pairs the smallest two-sided p-value of the signed-rank test is 2/32 = 0.0625: it can't reach 0.05."""

RESAMPLES = 10_000
PARTS = 100
"""In which resamples are drawn one after the other."""
RNG_SEED = 0


@dataclass(frozen=True)
class Comparison:
    """`variant` minus `baseline`; differences of macro F1 are fractions, None where they cannot be had."""

    variant: str
    baseline: str
    seeds: int
    subjects: int
    difference: float | None = None
    """Of the scores in the table, mean over the shared seeds."""
    subject_difference: float | None = None
    """Mean over subjects."""
    low: float | None = None
    high: float | None = None
    better: int = 0
    """The number of subjects with a positive difference."""
    p_value: float | None = None
    p_holm: float | None = None
    effect: float | None = None
    """Matched-pairs rank-biserial correlation, −1 to 1."""
    note: str = ""

    @property
    def is_above(self) -> bool:
        """The difference is positive and its interval excludes 0."""
        return self.difference is not None and self.difference > 0 and self.low is not None and self.low > 0

    def text(self) -> str:
        """`RB-KD − LM: +2.1 points; per subject +1.9, 95 % interval 0.4 to 3.2 (3 seeds, 4 test subjects)`."""
        name = f"{self.variant} − {self.baseline}"
        if self.difference is None:
            return f"{name}: {self.note}"
        text = f"{name}: {points(self.difference)} points"
        if self.subject_difference is not None and self.low is not None and self.high is not None:
            interval = f"{points(self.low)} to {points(self.high)}"
            over = " over seeds" if self.subjects == 1 else ""
            text += f"; per subject {points(self.subject_difference)}, 95 % interval{over} {interval}"
        return text + f" ({self.seeds} seed{'s' * (self.seeds != 1)}, {_subjects(self.subjects)})"


def _subjects(count: int) -> str:
    return f"{count} test subject{'s' * (count != 1)}"


@lru_cache(maxsize=4096)
def compare(a: VariantResult | None, b: VariantResult | None, variant: str, baseline: str) -> Comparison:
    """Compare two variants over the seeds that both completed; p-values are not adjusted yet."""
    if a is None or b is None or not a.seeds or not b.seeds:
        reasons = [absence(name, result) for name, result in ((variant, a), (baseline, b))]
        return Comparison(variant, baseline, 0, 0, note="; ".join(filter(None, reasons)))
    seeds = sorted(set(a.seeds) & set(b.seeds))
    if not seeds:
        return Comparison(variant, baseline, 0, 0, note="no seed is completed for both")
    left, right = ([result.complete[seed].scores[F1.name] for seed in seeds] for result in (a, b))
    difference = float(np.mean(np.subtract(left, right)))
    paired = _paired(a, b, seeds)  # (U, S)
    per_subject = paired.mean(axis=1)
    compared = Comparison(
        variant,
        baseline,
        len(seeds),
        len(paired),
        difference,
        float(per_subject.mean()),
        better=int((per_subject > 0).sum()),
    )
    if paired.size < 2:
        return replace(compared, note="1 test subject and 1 seed: no interval")
    low, high = bootstrap(paired)
    if len(paired) < 2:
        return replace(compared, low=low, high=high, note="1 test subject: the interval is over seeds only, no test")
    compared = replace(compared, low=low, high=high)
    if len(paired) < MIN_SUBJECTS:
        return replace(compared, note=f"{_subjects(len(paired))}: too few for a test")
    return replace(compared, p_value=signed_rank(per_subject), effect=rank_biserial(per_subject))


def absence(variant: str, result: VariantResult | None) -> str:
    """Why a variant has no score, or nothing if it has one."""
    if result is None:
        return f"{variant} is not in the grid"
    return "" if result.seeds else f"{variant} has no completed seed ({result.standing()})"


def _paired(a: VariantResult, b: VariantResult, seeds: list[int]) -> Floats:
    """Differences of macro F1 (U, S) for each subject and seed."""
    left, right = ([result.complete[seed].by_subject for seed in seeds] for result in (a, b))
    subjects = sorted(set.intersection(*(set(scores) for scores in left + right)))
    return np.array([[x[subject] - y[subject] for x, y in zip(left, right, strict=True)] for subject in subjects])


def bootstrap(paired: Floats) -> tuple[float, float]:
    """The 95 % interval of the mean of differences (U, S): subjects are drawn, then seeds within each of them."""
    rng = np.random.default_rng(RNG_SEED)
    subjects, seeds = paired.shape
    drawn_subjects = rng.integers(subjects, size=(RESAMPLES, subjects, 1))
    means = []
    for some in np.array_split(drawn_subjects, PARTS):  # all at once would take gigabytes of a large grid
        drawn_seeds = rng.integers(seeds, size=(len(some), subjects, seeds))
        means.append(paired[some, drawn_seeds].mean(axis=(1, 2)))  # (R, U, S) -> (R,)
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return float(low), float(high)


def signed_rank(differences: Floats) -> float:
    """The two-sided p-value of Wilcoxon's signed-rank test; 1 where no difference is there."""
    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def rank_biserial(differences: Floats) -> float:
    """Matched-pairs rank-biserial correlation: 1 if every difference is positive, −1 if none is."""
    kept = differences[differences != 0]
    if not len(kept):
        return 0.0
    sizes = np.abs(kept)
    ranks = (sizes[:, None] > sizes).sum(axis=1) + ((sizes[:, None] == sizes).sum(axis=1) + 1) / 2  # ties share a rank
    return float((np.sign(kept) * ranks).sum() / ranks.sum())


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjustment (Scand. J. Statist. 6, 1979), in the given order."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def against_baseline(results: Results, setting: Setting) -> list[Comparison]:
    """Every variant against LM, with p-values adjusted over the comparisons of the setting."""
    variants = variant_results(results, setting)
    names = [name for name in variants if name != BASELINE]
    compared = [compare(variants[name], variants.get(BASELINE), name, BASELINE) for name in names]
    p_values = [comparison.p_value for comparison in compared if comparison.p_value is not None]
    adjusted = iter(holm(p_values))
    return [c if c.p_value is None else replace(c, p_holm=next(adjusted)) for c in compared]


def statistics_table(results: Results, setting: Setting) -> TextTable:
    """The comparisons with LM, for readers."""
    compared = against_baseline(results, setting)
    published = [f1_change_pp(setting, comparison.variant) for comparison in compared]
    columns = ["variant", "seeds", "Δ macro F1 (points)", "Δ per subject", "95 % interval", "subjects better",
               "p (Holm)", "effect"]  # fmt: skip
    rows, notes = [_row(comparison) for comparison in compared], _notes(setting, compared)
    if any(change is not None for change in published):
        columns.append("Δ published")
        notes.append(f"Δ published: doi {DOI}, one seed, the same windows and protocol.")
        rows = [[*row, Entry("–" if c is None else points(c / 100))] for row, c in zip(rows, published, strict=True)]
    title = f"Difference from {BASELINE}: {setting.title}"
    return TextTable(title, columns, "l" + "r" * (len(columns) - 1), rows, notes, results.made_by)


def _row(c: Comparison) -> list[Entry]:
    if c.difference is None or c.subject_difference is None:
        return [Entry(c.variant), *([Entry("–")] * 7)]
    interval = "–" if c.low is None or c.high is None else f"{points(c.low)} to {points(c.high)}"
    p_value = "–" if c.p_holm is None else f"{c.p_holm:.3f}" if c.p_holm >= 0.001 else "<0.001"
    effect = "–" if c.effect is None else f"{c.effect:+.2f}".replace("-", "−")
    texts = [
        c.variant,
        str(c.seeds),
        points(c.difference),
        points(c.subject_difference),
        interval,
        f"{c.better} of {c.subjects}",
    ]
    return [Entry(text) for text in [*texts, p_value, effect]]


def _notes(setting: Setting, compared: list[Comparison]) -> list[str]:
    notes = [
        "Δ macro F1: of the scores in the table above, paired by seed, over the seeds that both completed. Δ per "
        "subject: mean over test subjects of their own macro F1, averaged over those seeds; its interval is a "
        f"bootstrap over subjects and seeds within them ({RESAMPLES:,} resamples)."
    ]
    if any(c.p_value is not None for c in compared):
        notes.append("p: Wilcoxon signed-rank test over subjects, adjusted by Holm. Effect: rank-biserial correlation.")
    grouped: dict[str, list[str]] = {}
    for c in compared:
        if c.note:
            grouped.setdefault(c.note, []).append(c.variant)
    for note, variants in grouped.items():
        is_clear = len(variants) == len(compared) or variants[0] in note
        notes.append(f"{note}." if is_clear else f"{note} ({', '.join(variants)}).")
    if setting.leaks:
        notes.append("Random split: windows of a subject are on both sides, so none of this speaks about new people.")
    return notes


def statistics_csv(results: Results) -> str:
    """All comparisons with LM as one CSV: raw numbers, differences as fractions."""
    records: list[dict[str, Any]] = []
    for setting in results.settings():
        for c in against_baseline(results, setting):
            records.append({**setting._asdict(), "leaks": setting.leaks, **vars(c), **results.provenance})
    return csv_text(records)
