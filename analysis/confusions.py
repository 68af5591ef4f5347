"""Which classes are taken for which: confusion matrices in percent of the true class, all completed cells together."""

from typing import Any

import numpy as np

from analysis.formats import csv_text
from analysis.load import Results
from analysis.scores import VariantResult, by_validation, chosen_by_validation, variant_results
from har_ray.groups import Setting
from har_ray.metrics import Floats, Indices


def pooled(result: VariantResult) -> Indices:
    """The windows of all completed cells (K, K), of which there must be one: rows are labels, columns predictions."""
    matrix: Indices = np.sum([cell.confusion for cell in result.completed], axis=0)
    return matrix


def row_shares(matrix: Indices) -> Floats:
    """A confusion matrix (K, K) with rows in percent; a class without windows is NaN, hence blank."""
    support = matrix.sum(axis=1, keepdims=True)
    return np.where(support > 0, 100 * matrix / np.maximum(support, 1), np.nan)


def of_interest(results: Results, setting: Setting) -> list[VariantResult]:
    """The student that validation data choose, the baseline, and the best large model, as far as there are such."""
    variants = variant_results(results, setting)
    chosen = chosen_by_validation(result for result in variants.values() if not result.traits.large)
    large = by_validation(result for result in variants.values() if result.traits.large)
    wanted = [chosen, variants.get(results.baseline), *large[:1]]
    return [result for result in dict.fromkeys(wanted) if result is not None and result.completed]


def confusions_csv(results: Results) -> str:
    """The matrices of all variants as one CSV: a row for each setting, variant, label and prediction that occurs."""
    return csv_text([
        record for setting in results.settings() for result in variant_results(results, setting).values()
        if result.completed for record in _records(results, setting, result)
    ])  # fmt: skip


def _records(results: Results, setting: Setting, result: VariantResult) -> list[dict[str, Any]]:
    matrix = pooled(result)
    names, windows = results.class_names(setting, len(matrix)), matrix.sum(axis=1)
    return [
        {**setting.record, "variant": result.variant, "label": names[label], "predicted": names[predicted],
         "windows": int(matrix[label, predicted]), "share": float(matrix[label, predicted] / windows[label]),
         **results.provenance}
        for label, predicted in np.argwhere(matrix)
    ]  # fmt: skip
