"""Differences with numbers worked out by hand or by scipy; the unit is the subject."""

import csv
import io
import tracemalloc

import numpy as np
import pytest
from scipy.stats import rankdata, wilcoxon

from analysis.scores import variant_results
from analysis.seeds import Predictions, subject_f1
from analysis.statistics import (
    RESAMPLES,
    RNG_SEED,
    against_baseline,
    bootstrap,
    compare,
    holm,
    rank_biserial,
    signed_rank,
    statistics_csv,
    statistics_table,
)


def subject(name, correct):
    """Ten windows of class 0, `correct` of them found: F1 over the subject's classes is 2·correct / (10 + correct)."""
    return [(name, 0, 0)] * correct + [(name, 0, 1)] * (10 - correct)


def f1(correct):
    return 2 * correct / (10 + correct)


def compared(grid, variant="RB-KD", baseline="LM"):
    results = grid.load()
    variants = variant_results(results, results.settings()[0])
    return compare(variants.get(variant), variants.get(baseline), variant, baseline)


def test_subject_f1_is_over_the_classes_of_the_subject():
    labels, predicted = np.array([0, 1, 0, 0]), np.array([0, 0, 0, 2])
    scores = subject_f1(Predictions(np.array(["a", "a", "b", "b"]), labels, np.eye(4)[predicted]))
    # a: class 0 has F1 2/3, class 1 has 0; b has class 0 only, half of it found: 2/3
    assert scores == pytest.approx({"a": 1 / 3, "b": 2 / 3})


def test_differences_are_averaged_over_seeds_and_paired_by_subject(grid):
    for seed, (low, high) in enumerate([(2, 5), (4, 6)]):
        grid.completed("LM", seed, 0.5, predictions=subject("1", low) + subject("2", 5))
        grid.completed("RB-KD", seed, 0.6, predictions=subject("1", high) + subject("2", 5))
    result = compared(grid)
    first = (f1(5) - f1(2) + f1(6) - f1(4)) / 2
    assert result.difference == pytest.approx(0.1)
    assert result.subject_difference == pytest.approx(first / 2)
    assert (result.seeds, result.subjects, result.better) == (2, 2, 1)
    # Nothing but subject 2 is drawn with probability 1/4. Nothing but subject 1 with 1/4, of its four draws of a seed
    # then all are seed 0 with 1/16, three with 4/16: the upper 2.5 % begin between 1/64 and 5/64.
    assert result.low == pytest.approx(0)
    assert result.high == pytest.approx((3 * (f1(5) - f1(2)) + (f1(6) - f1(4))) / 4)
    assert result.note == "2 test subjects: too few for a test"
    assert result.p_value is None


def test_the_bootstrap_draws_subjects_then_seeds_in_little_memory():
    paired = np.random.default_rng(1).normal(0.01, 0.1, (30, 40))
    tracemalloc.start()
    interval = bootstrap(paired)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rng = np.random.default_rng(RNG_SEED)
    drawn = rng.integers(30, size=(RESAMPLES, 30, 1)), rng.integers(40, size=(RESAMPLES, 30, 40))
    assert interval == tuple(np.quantile(paired[drawn].mean(axis=(1, 2)), [0.025, 0.975]))
    assert peak < 20e6  # all at once it is 200 MB


def test_only_seeds_that_both_completed_are_compared(grid):
    grid.seeds("LM", 0.5, 0.9)
    grid.seeds("RB-KD", 0.6)
    grid.failed("RB-KD", 1, "out of memory")
    result = compared(grid)
    assert result.seeds == 1
    assert result.difference == pytest.approx(0.1)


def test_six_subjects_are_tested_with_the_signed_rank_test(grid):
    better = [1, 3, 2, 5, 4, 3]
    grid.completed("LM", 0, 0.5, predictions=[w for s in range(6) for w in subject(str(s), 2)])
    grid.completed("RB-KD", 0, 0.6, predictions=[w for s, d in enumerate(better) for w in subject(str(s), 2 + d)])
    result = compared(grid)
    assert result.p_value == pytest.approx(2 / 64)  # all six positive
    assert result.effect == 1
    assert result.note == ""


def test_five_subjects_are_too_few(grid):
    grid.completed("LM", 0, 0.5, predictions=[w for s in range(5) for w in subject(str(s), 2)])
    grid.completed("RB-KD", 0, 0.6, predictions=[w for s in range(5) for w in subject(str(s), 3)])
    result = compared(grid)
    assert (result.p_value, result.note) == (None, "5 test subjects: too few for a test")
    assert result.low == pytest.approx(f1(3) - f1(2))


@pytest.mark.parametrize(("seeds", "note", "has_interval"), [
    (1, "1 test subject and 1 seed: no interval", False),
    (2, "1 test subject: the interval is over seeds only, no test", True),
])  # fmt: skip
def test_one_subject(grid, seeds, note, has_interval):
    for variant in ("LM", "RB-KD"):
        grid.seeds(variant, *[0.5] * seeds, predictions=subject("1", 5))
    result = compared(grid)
    assert (result.note, result.low is not None) == (note, has_interval)


@pytest.mark.parametrize(("variant", "why"), [
    ("MM", "MM is not in the grid"),
    ("RAB-KD", "RAB-KD has no completed seed (0/1, 1 missing)"),
    ("RB-KD", "no seed is completed for both"),
])  # fmt: skip
def test_what_cannot_be_compared_says_why(grid, variant, why):
    grid.seeds("LM", 0.5)
    grid.expect("LM", 1)
    grid.completed("RB-KD", 1, 0.5)
    grid.expect("RB-KD", 0)
    grid.expect("RAB-KD", 0)
    result = compared(grid, variant)
    assert (result.difference, result.note) == (None, why)


def test_bootstrap_draws_subjects_and_seeds_within():
    rng = np.random.default_rng(7)
    paired = rng.normal(0.05, 0.03, size=(8, 1)) + rng.normal(0, 0.01, size=(8, 3))
    low, high = bootstrap(paired)
    assert (low, high) == bootstrap(paired)  # deterministic
    # For many subjects it approaches the normal interval of the subject means.
    centre, error = paired.mean(), paired.mean(axis=1).std() / 8**0.5
    assert low == pytest.approx(centre - 1.96 * error, abs=0.006)
    assert high == pytest.approx(centre + 1.96 * error, abs=0.006)
    seeds_only = bootstrap(np.array([[0.0, 1.0]]))
    assert seeds_only == (0.0, 1.0)


def test_signed_rank_agrees_with_scipy_and_is_defined_without_differences():
    differences = np.array([0.1, -0.2, 0.3, 0.4, 0.5, 0.6, 0.0])
    assert signed_rank(differences) == pytest.approx(wilcoxon(differences).pvalue)
    assert signed_rank(np.zeros(6)) == 1.0


def test_rank_biserial_correlation():
    differences = np.array([0.1, -0.2, 0.2, 0.4, 0.0])
    ranks = rankdata([0.1, 0.2, 0.2, 0.4])  # 1, 2.5, 2.5, 4
    assert rank_biserial(differences) == pytest.approx((ranks.sum() - 2 * ranks[1]) / ranks.sum())
    assert rank_biserial(np.zeros(3)) == 0


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_p_values_are_adjusted_over_the_comparisons_of_a_setting(grid):
    for variant, better in {"LM": 0, "LM-Att": 1, "RB-KD": 2}.items():
        grid.completed(
            variant, 0, 0.5, predictions=[w for s in range(6) for w in subject(str(s), 2 + better * (s + 1) // 2)]
        )
    grid.expect("RAB-KD", 0)
    results = grid.load()
    attention, distilled, absent = against_baseline(results, results.settings()[0])
    assert attention.p_value == pytest.approx(wilcoxon([f1(2 + (s + 1) // 2) - f1(2) for s in range(6)]).pvalue)
    assert distilled.p_value == pytest.approx(2 / 64)
    assert distilled.p_holm == pytest.approx(2 * 2 / 64)
    assert attention.p_holm == pytest.approx(max(attention.p_value or 0, 2 * 2 / 64))
    assert absent.p_holm is None


def test_table_and_csv(grid):
    for protocol in ("subject-holdout", "random"):
        grid.seeds("LM", 0.5, predictions=subject("1", 2) + subject("2", 2), protocol=protocol)
        grid.seeds("RB-KD", 0.6, predictions=subject("1", 5) + subject("2", 5), protocol=protocol)
        grid.expect("RAB-KD", 0, protocol=protocol)
    results = grid.load()
    holdout, leaking = (statistics_table(results, setting) for setting in results.settings())
    # 2·5/15 − 2·2/12 = 1/3 for both subjects
    assert [entry.text for entry in holdout.rows[0]] == [
        "RB-KD", "1", "+10.0", "+33.3", "+33.3 to +33.3", "2 of 2", "–", "–",
    ]  # fmt: skip
    assert [entry.text for entry in holdout.rows[1]] == ["RAB-KD", *["–"] * 7]
    assert "2 test subjects: too few for a test (RB-KD)." in holdout.notes
    assert "RAB-KD has no completed seed (0/1, 1 missing)." in holdout.notes
    assert "LEAKS" in leaking.title
    assert any("windows of a subject are on both sides" in note for note in leaking.notes)
    rows = list(csv.DictReader(io.StringIO(statistics_csv(results))))
    assert [(row["protocol"], row["variant"], row["leaks"]) for row in rows[:3]] == [
        ("subject-holdout", "RB-KD", "False"), ("subject-holdout", "RAB-KD", "False"), ("random", "RB-KD", "True"),
    ]  # fmt: skip
    assert float(rows[0]["subject_difference"]) == pytest.approx(1 / 3)


def test_the_published_change_stands_beside_a_reproduction(grid):
    grid.info["data"] = []
    setting = {"preset": "paper", "protocol": "random"}
    grid.seeds("LM", 0.97, **setting)
    grid.seeds("RB-KD", 0.96, **setting)
    results = grid.load()
    table = statistics_table(results, results.settings()[0])
    assert table.columns[-1] == "Δ published"
    assert table.rows[0][-1].text == "−0.4"
