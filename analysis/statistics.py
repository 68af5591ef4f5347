"""How sure a difference between two variants is, and how large a one would have been found.

The unit is the test subject: windows of one person are alike, and seeds say nothing about new people. Per subject
the macro F1 is taken over the classes that the subject has windows of; seed s is compared with seed s. The interval
and the test are those of `analysis.intervals`, for new subjects and new seeds. Where several comparisons are looked at
together their p-values are adjusted by Holm, and "beyond chance" means an adjusted p-value below 0.05.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from analysis.formats import Entry, TextTable, csv_text, points
from analysis.intervals import LEVEL, Estimate, Floats, estimate
from analysis.load import Results
from analysis.scores import VariantResult, unconverged, variant_results
from analysis.seeds import F1
from har_ray.groups import Setting
from har_ray.text import counted

MIN_SUBJECTS = 5
"""For a test or a verdict. With fewer an interval rests on three degrees of freedom at most, and on people of whom
nobody can tell whether they are like others."""


@dataclass(frozen=True)
class Comparison:
    """`variant` minus `baseline`; differences of macro F1 are fractions, None where they cannot be had."""

    variant: str
    baseline: str
    seeds: int
    subjects: int
    difference: float | None = None
    """Of the scores in the table of results, mean over the shared seeds."""
    subject_difference: float | None = None
    """Mean over subjects: what the interval, the test and a verdict are about."""
    estimate: Estimate | None = None
    better: int = 0
    """The number of subjects with a positive difference."""
    p_value: float | None = None
    p_holm: float | None = None
    effect: float | None = None
    """Matched-pairs rank-biserial correlation, −1 to 1."""
    unconverged: tuple[str, ...] = ()
    """Of which of the two some cells were still improving when their epochs ran out."""
    note: str = ""
    """Why there is no test, and no verdict."""

    @property
    def could_be_chance(self) -> bool:
        """Not shown to differ: there is no test, or its adjusted p-value is 0.05 or more."""
        return self.p_holm is None or self.p_holm >= LEVEL

    def text(self) -> str:
        """`RB-KD − LM: +1.9 points per subject, 95 % interval +0.4 to +3.2 (in the table of results +2.1; …)`."""
        name = f"{self.variant} − {self.baseline}"
        if self.difference is None or self.subject_difference is None:
            return f"{name}: {self.note}"
        parts = [f"in the table of results {points(self.difference)}"]
        text = f"{name}: {points(self.subject_difference)} points per subject"
        if self.estimate is not None:
            text += f", 95 % interval{self._over()} {interval(self.estimate)}"
            parts.append(f"detectable from {size(self.estimate.detectable)} on")
        parts += [counted(self.seeds, "seed"), counted(self.subjects, "test subject")]
        return f"{text} ({'; '.join(parts)})"

    def _over(self) -> str:
        return " over seeds only" if self.subjects == 1 else " over subjects only" if self.seeds == 1 else ""

    def record(self) -> dict[str, Any]:
        """For the columns of a file."""
        found, names = self.estimate, ("low", "high", "error", "df", "detectable")
        columns: dict[str, Any] = {}
        for name, value in vars(self).items():
            is_estimate = name == "estimate"
            columns |= {part: getattr(found, part, None) for part in names} if is_estimate else {name: value}
        return columns | {"unconverged": "; ".join(self.unconverged)}


def interval(found: Estimate) -> str:
    """`+0.4 to +3.2`, in points."""
    return f"{points(found.low)} to {points(found.high)}"


def size(difference: float) -> str:
    """`2.1`, in points, without a sign."""
    return points(abs(difference)).removeprefix("+")


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
    paired = _paired(a, b, seeds)  # (U, S)
    per_subject = paired.mean(axis=1)
    compared = Comparison(
        variant,
        baseline,
        len(seeds),
        len(paired),
        float(np.mean(np.subtract(left, right))),
        float(per_subject.mean()),
        found := estimate(paired),
        better=int((per_subject > 0).sum()),
        unconverged=tuple(filter(None, (result.unconverged() for result in (a, b)))),
    )
    if found is None or len(paired) < MIN_SUBJECTS:
        return replace(compared, note=f"{counted(len(paired), 'test subject')}; a verdict takes {MIN_SUBJECTS}")
    return replace(compared, p_value=found.p_value, effect=rank_biserial(per_subject))


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


def adjusted(compared: Iterable[Comparison]) -> list[Comparison]:
    """Comparisons that are looked at together, with their p-values adjusted."""
    compared = list(compared)
    p_values = iter(holm([c.p_value for c in compared if c.p_value is not None]))
    return [c if c.p_value is None else replace(c, p_holm=next(p_values)) for c in compared]


def against_baseline(results: Results, setting: Setting) -> list[Comparison]:
    """Every variant against the baseline, with p-values adjusted over the comparisons of the setting."""
    variants, baseline = variant_results(results, setting), results.baseline
    names = [name for name in variants if name != baseline]
    return adjusted(compare(variants[name], variants.get(baseline), name, baseline) for name in names)


def statistics_table(results: Results, setting: Setting) -> TextTable:
    """The comparisons with the baseline, for readers."""
    compared = against_baseline(results, setting)
    columns = ["variant", "seeds", "Δ macro F1 (points)", "Δ per subject", "95 % interval", "detectable",
               "subjects better", "p (Holm)", "effect"]  # fmt: skip
    rows, notes = [_row(comparison) for comparison in compared], _notes(setting, compared)
    notes += [text] if (text := unconverged(variant_results(results, setting).values())) else []
    title = f"Difference from {results.baseline}: {setting.title}"
    return TextTable(title, columns, "l" + "r" * (len(columns) - 1), rows, notes, results.made_by)


def _row(c: Comparison) -> list[Entry]:
    if c.difference is None or c.subject_difference is None:
        return [Entry(c.variant), *([Entry("–")] * 8)]
    effect = "–" if c.effect is None else f"{c.effect:+.2f}".replace("-", "−")
    texts = [
        c.variant,
        str(c.seeds),
        points(c.difference),
        points(c.subject_difference),
        *tested(c),
        f"{c.better} of {c.subjects}",
        p_text(c),
        effect,
    ]
    return [Entry(text) for text in texts]


def tested(c: Comparison) -> tuple[str, str]:
    """The interval, and what was detectable."""
    return ("–", "–") if c.estimate is None else (interval(c.estimate), size(c.estimate.detectable))


def p_text(c: Comparison) -> str:
    """The adjusted p-value."""
    return "–" if c.p_holm is None else f"{c.p_holm:.3f}" if c.p_holm >= 0.001 else "<0.001"


def _notes(setting: Setting, compared: list[Comparison]) -> list[str]:
    notes = [
        "Δ macro F1: of the scores in the table of results, paired by seed, over the seeds that both completed. Δ per "
        "subject: mean over test subjects of their own macro F1, averaged over those seeds. " + EXPLAINED
    ]
    if any(c.p_value is not None for c in compared):
        notes.append("p: t test of Δ per subject, adjusted by Holm. Effect: rank-biserial correlation over subjects.")
    return notes + sampled(setting, {c.variant: c for c in compared})


EXPLAINED = (
    "95 % interval: for new subjects and new seeds (crossed random effects, t). Detectable: the smallest true "
    "difference that would have been found with 80 % power at the 5 % level."
)


def sampled(setting: Setting, compared: Mapping[str, Comparison]) -> list[str]:
    """What limits comparisons, by their names in a table, said once each."""
    notes = []
    if setting.leaks:
        notes.append("Random split: windows of a subject are on both sides, so none of this speaks about new people.")
    elif setting.known_people:
        notes.append("The test people also trained, so none of this speaks about new people.")
    if any(c.seeds == 1 for c in compared.values()):
        notes.append("One seed: the interval is over subjects only; another seed may give something else.")
    if any(c.subjects == 1 and c.seeds > 1 for c in compared.values()):
        notes.append("One test subject: the interval is over seeds only; another person may give something else.")
    # Each says which variant has no seed, of many the baseline again and again.
    without = [c.note for c in compared.values() if not c.seeds and (c.variant in c.note or c.baseline in c.note)]
    if reasons := dict.fromkeys(chain.from_iterable(note.split("; ") for note in without)):
        notes.append(f"{'; '.join(reasons)}.")
    grouped: dict[str, list[str]] = {}
    for name, c in compared.items():
        if c.note and c.note not in without:
            grouped.setdefault(c.note, []).append(name)
    for note, names in grouped.items():
        is_clear = len(names) == len(compared) or names[0] in note
        notes.append(f"{note}." if is_clear else f"{note} ({', '.join(names)}).")
    return notes


def statistics_csv(results: Results) -> str:
    """All comparisons with the baseline as one CSV: raw numbers, differences as fractions."""
    return csv_text([
        {**setting.record, **c.record(), **results.provenance}
        for setting in results.settings() for c in against_baseline(results, setting)
    ])  # fmt: skip
