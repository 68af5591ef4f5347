"""Mean ranks of the variants over test subjects, and which of them are not shown to differ.

As in Demšar, Journal of Machine Learning Research 7, 2006, https://jmlr.org/papers/v7/demsar06a.html, with test
subjects in place of data sets: a variant's rank among the others is taken for each subject (1: the best), the Friedman
test asks whether there is any difference. Pairs are compared by Wilcoxon's signed-rank test, adjusted by Holm, whose
answer for a pair does not depend on which others were compared with them (Benavoli, Corani and Mangili, Journal of
Machine Learning Research 17, 2016, https://jmlr.org/papers/v17/benavoli16a.html).
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import friedmanchisquare, rankdata, wilcoxon

from analysis.intervals import LEVEL, Floats
from analysis.load import Results
from analysis.scores import variant_results
from analysis.statistics import holm
from har_ray.groups import Setting

FEWEST = 3
"""Variants."""


@dataclass(frozen=True)
class Ranking:
    """Variants, the best mean rank first.

    Attributes:
        ranks: their mean ranks.
        subjects: how many there are.
        p_value: of the Friedman test.
        cliques: the first and the last of variants next to each other of which no pair is shown to differ.
    """

    variants: list[str]
    ranks: list[float]
    subjects: int
    p_value: float
    cliques: list[tuple[int, int]]


def ranking(results: Results, setting: Setting) -> Ranking | None:
    """None with fewer than three complete variants, or too few subjects to find any difference."""
    complete = {name: result for name, result in variant_results(results, setting).items() if result.complete}
    if len(complete) < FEWEST:
        return None
    by_variant = {name: result.mean_by_subject() for name, result in complete.items()}
    subjects = sorted(set.intersection(*(set(scores) for scores in by_variant.values())))
    if not is_enough(len(subjects), len(complete)):
        return None
    scores = np.array([[scores[subject] for scores in by_variant.values()] for subject in subjects])
    return ranked(list(complete), scores)


def is_enough(subjects: int, variants: int) -> bool:
    """Whether a pair could be found to differ at all.

    Of n subjects who all do better with one variant the signed-rank test has p = 2^(1 − n), which Holm multiplies by
    the number of pairs: 3 variants take 7 subjects, 9 take 11.
    """
    pairs = variants * (variants - 1) // 2
    return pairs * 2.0 ** (1 - subjects) < LEVEL


def ranked(variants: list[str], scores: Floats) -> Ranking:
    """The ranking of scores (subjects, variants), larger is better."""
    means = rankdata(-scores, axis=1).mean(axis=0)
    order = np.argsort(means, kind="stable")
    scores = scores[:, order]
    has_differences = bool((scores != scores[:, :1]).any())
    p_value = float(friedmanchisquare(*scores.T).pvalue) if has_differences else 1.0
    return Ranking(
        [variants[index] for index in order],
        [float(means[index]) for index in order],
        len(scores),
        p_value,
        _cliques(scores) if p_value < LEVEL else [(0, len(variants) - 1)],
    )


def _cliques(scores: Floats) -> list[tuple[int, int]]:
    """The longest runs of columns of which no pair is shown to differ."""
    pairs = list(combinations(range(scores.shape[1]), 2))
    adjusted = holm([_p_value(scores[:, a] - scores[:, b]) for a, b in pairs])
    apart = {pair for pair, p in zip(pairs, adjusted, strict=True) if p < LEVEL}
    found: list[tuple[int, int]] = []
    for first in range(scores.shape[1]):
        last = first
        while last + 1 < scores.shape[1] and not any((a, last + 1) in apart for a in range(first, last + 1)):
            last += 1
        if last > first and not (found and found[-1][1] >= last):
            found.append((first, last))
    return found


def _p_value(differences: Floats) -> float:
    """Of the signed-rank test; subjects without a difference are left out, as Wilcoxon did."""
    return float(wilcoxon(differences).pvalue) if differences.any() else 1.0
