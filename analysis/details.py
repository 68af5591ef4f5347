"""Which activities and which people a variant is good or bad at: tables per class and per test subject.

Both are means over the complete seeds, of all folds' test predictions together.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from analysis.formats import Entry, TextTable, csv_text
from analysis.load import Results
from analysis.scores import VariantResult, absent_classes, chosen_by_validation, variant_results
from har_ray.groups import Setting
from har_ray.metrics import Floats, Indices
from har_ray.metrics.confusion import f1_per_class


def class_table(results: Results, setting: Setting) -> TextTable:
    """F1, precision and recall of each class."""
    scored = {name: _class_scores(result.confusions()) for name, result in _complete(results, setting).items()}
    windows = _windows(results, setting)
    rows = [
        [Entry(name), Entry(f"{count:,}"), *(Entry(_shares(scores[index], count)) for scores in scored.values())]
        for index, (name, count) in enumerate(zip(results.class_names(setting, len(windows)), windows, strict=True))
    ]
    notes = ["F1 (precision / recall) in percent, means over seeds; a class that is never predicted has precision 0."]
    if absent := absent_classes(results, setting):
        notes.append(f"No test window of: {', '.join(absent)}. Left out of macro F1.")
    title, align = f"Per class: {setting.title}", "lr" + "r" * len(scored)
    return TextTable(title, ["class", "windows", *scored], align, rows, notes, results.made_by)


def _complete(results: Results, setting: Setting) -> dict[str, VariantResult]:
    return {name: result for name, result in variant_results(results, setting).items() if result.complete}


def _windows(results: Results, setting: Setting) -> list[int]:
    """The test windows of each class, the same for every variant and seed."""
    found = next(iter(_complete(results, setting).values()), None)
    return [] if found is None else [int(count) for count in found.confusions()[0].sum(axis=1)]


def _class_scores(confusions: Indices) -> Floats:
    """F1, precision and recall (K, 3) of confusion matrices (S, K, K), means over seeds; 0 where undefined."""
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    precision, recall = (hits / np.maximum(confusions.sum(axis=axis), 1) for axis in (1, 2))
    f1 = np.array([f1_per_class(matrix) for matrix in confusions])
    scores: Floats = np.stack([f1, precision, recall], axis=-1).mean(axis=0)
    return scores


def _shares(scores: Floats, windows: int) -> str:
    f1, precision, recall = 100 * scores
    return f"{f1:.1f} ({precision:.1f} / {recall:.1f})" if windows else "–"


def subject_table(results: Results, setting: Setting) -> TextTable:
    """Macro F1 of each test subject; the worst are named in a note."""
    scored = {name: result.mean_by_subject() for name, result in _complete(results, setting).items()}
    subjects = sorted({subject for scores in scored.values() for subject in scores}, key=_numbers_in_order)
    rows = [[Entry(subject), *(Entry(_percent(scores.get(subject))) for scores in scored.values())]
            for subject in subjects]  # fmt: skip
    notes = ["Macro F1 in percent over the classes that the subject has windows of, mean over seeds."]
    notes += _worst(results, setting, scored)
    title, align = f"Per test subject: {setting.title}", "l" + "r" * len(scored)
    return TextTable(title, ["subject", *scored], align, rows, notes, results.made_by)


def _numbers_in_order(name: str) -> list[str | int]:
    """Sorts `s2` before `s10`."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _percent(score: float | None) -> str:
    return "–" if score is None else f"{100 * score:.1f}"


def _worst(results: Results, setting: Setting, scored: dict[str, dict[str, float]]) -> Iterator[str]:
    """The subject with the lowest score: in the mean of all variants, and for the chosen student."""
    if not scored:
        return
    subjects = set.intersection(*(set(scores) for scores in scored.values()))
    means = {name: sum(scores[name] for scores in scored.values()) / len(scored) for name in sorted(subjects)}
    yield f"Worst in the mean of the variants: subject {_lowest(means)}."
    small = [result for result in _complete(results, setting).values() if not result.traits.large]
    if chosen := chosen_by_validation(small):
        yield f"Worst for {chosen.variant}, chosen on validation data: subject {_lowest(scored[chosen.variant])}."


def _lowest(scores: dict[str, float]) -> str:
    """`4 (41.2)`"""
    name = min(scores, key=scores.__getitem__)
    return f"{name} ({_percent(scores[name])})"


def classes_csv(results: Results) -> str:
    """The tables per class as one CSV: raw numbers, a row for each setting, variant and class."""
    return csv_text(list(_class_records(results)))


def _class_records(results: Results) -> Iterator[dict[str, Any]]:
    for setting in results.settings():
        windows = _windows(results, setting)
        names = results.class_names(setting, len(windows))
        for variant, result in _complete(results, setting).items():
            for name, count, scores in zip(names, windows, _class_scores(result.confusions()), strict=True):
                known = dict(zip(("f1", "precision", "recall"), scores.tolist() if count else [None] * 3, strict=True))
                record = {**setting.record, "variant": variant, "class": name, "windows": count, **known}
                yield {**record, "seeds": len(result.seeds), **results.provenance}


def subjects_csv(results: Results) -> str:
    """The tables per subject as one CSV: raw numbers, a row for each setting, variant and subject."""
    return csv_text([
        {**setting.record, "variant": variant, "subject": subject, "f1_macro": score, "seeds": len(result.seeds),
         **results.provenance}
        for setting in results.settings() for variant, result in _complete(results, setting).items()
        for subject, score in result.mean_by_subject().items()
    ])  # fmt: skip
