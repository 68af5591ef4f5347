"""Differences with numbers worked out by hand or by scipy; the unit is the subject."""

import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import rankdata, t, ttest_1samp

from analysis.scores import variant_results
from analysis.seeds import Predictions, subject_f1
from analysis.statistics import against_baseline, compare, holm, rank_biserial, statistics_csv, statistics_table
from har_ray.groups import Setting


def subject(name, correct):
    """Ten windows of class 0, `correct` of them found: F1 over the subject's classes is 2·correct / (10 + correct)."""
    return [(name, 0, 0)] * correct + [(name, 0, 1)] * (10 - correct)


def f1(correct):
    return 2 * correct / (10 + correct)


def compared(grid, variant="RB-KD", baseline="LM"):
    results = grid.load()
    variants = variant_results(results, results.settings()[0])
    return compare(variants.get(variant), variants.get(baseline), variant, baseline)


def estimated(comparison):
    assert comparison.estimate is not None
    return comparison.estimate


def test_subject_f1_is_over_the_classes_of_the_subject():
    labels, predicted = np.array([0, 1, 0, 0]), np.array([0, 0, 0, 2])
    scores = subject_f1(Predictions(pa.array(["a", "a", "b", "b"]), labels, np.eye(4)[predicted]))
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
    assert estimated(result).mean == result.subject_difference
    assert result.note == "2 test subjects; a verdict takes 5"
    assert result.p_value is None


def test_a_seed_is_compared_with_the_same_seed(grid):
    """Both variants have the same lucky and the same unlucky seed: no difference, for certain."""
    for seed, correct in enumerate((3, 8)):
        found = [window for name in "12345" for window in subject(name, correct)]
        grid.completed("LM", seed, 0.5, predictions=found)
        grid.completed("RB-KD", seed, 0.5, predictions=found)
    result = estimated(compared(grid))
    assert (result.mean, result.low, result.high) == (0, 0, 0)


def test_only_seeds_that_both_completed_are_compared(grid):
    grid.seeds("LM", 0.5, 0.9)
    grid.seeds("RB-KD", 0.6)
    grid.failed("RB-KD", 1, "out of memory")
    result = compared(grid)
    assert result.seeds == 1
    assert result.difference == pytest.approx(0.1)


def test_five_subjects_are_tested_with_the_t_test_of_their_mean_differences(grid):
    better = [1, 3, 2, 5, 4]
    grid.completed("LM", 0, 0.5, predictions=[w for s in range(5) for w in subject(str(s), 2)])
    grid.completed("RB-KD", 0, 0.6, predictions=[w for s, d in enumerate(better) for w in subject(str(s), 2 + d)])
    result = compared(grid)
    expected = ttest_1samp([f1(2 + d) - f1(2) for d in better], 0)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert (estimated(result).low, estimated(result).high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert result.effect == 1
    assert result.note == ""


def test_four_subjects_are_too_few(grid):
    grid.completed("LM", 0, 0.5, predictions=[w for s in range(4) for w in subject(str(s), 2)])
    grid.completed("RB-KD", 0, 0.6, predictions=[w for s in range(4) for w in subject(str(s), 3)])
    result = compared(grid)
    assert (result.p_value, result.note) == (None, "4 test subjects; a verdict takes 5")
    assert estimated(result).low == pytest.approx(f1(3) - f1(2))


@pytest.mark.parametrize(("seeds", "interval"), [(1, ""), (2, ", 95 % interval over seeds only 0.0 to 0.0")])
def test_one_subject(grid, seeds, interval):
    for variant in ("LM", "RB-KD"):
        grid.seeds(variant, *[0.5] * seeds, predictions=subject("1", 5))
    result = compared(grid)
    assert result.note == "1 test subject; a verdict takes 5"
    assert result.text().startswith(f"RB-KD − LM: 0.0 points per subject{interval} (in the table")


def test_an_interval_of_one_seed_says_that_it_is_over_subjects_only(grid):
    for variant in ("LM", "RB-KD"):
        grid.completed(variant, 0, 0.5, predictions=subject("1", 5) + subject("2", 5))
    assert compared(grid).text() == (
        "RB-KD − LM: 0.0 points per subject, 95 % interval over subjects only 0.0 to 0.0 "
        "(in the table of results 0.0; detectable from 0.0 on; 1 seed; 2 test subjects)"
    )


def test_who_has_no_seed_is_said_once_where_the_baseline_has_none_either(grid):
    for variant in ("LM", "RB-KD", "RAB-KD"):
        grid.expect(variant, 0)
    results = grid.load()
    (setting,) = results.settings()
    said = [note for note in statistics_table(results, setting).notes if "no completed seed" in note]
    names = ("RB-KD", "LM", "RAB-KD")
    assert said == ["; ".join(f"{name} has no completed seed (0/1, 1 missing)" for name in names) + "."]


def test_a_comparison_says_which_cells_were_still_improving(grid):
    for seed, converged in enumerate([False, True, None]):
        grid.completed("LM", seed, 0.5, row={"converged": True})
        grid.completed("RB-KD", seed, 0.6, row={"converged": converged})
    said = "RB-KD: 1 of 3 cells was still improving when its epochs ran out"
    assert compared(grid).unconverged == (said,)
    assert compared(grid).text().endswith("3 seeds; 2 test subjects)")
    results = grid.load()
    notes = statistics_table(results, results.settings()[0]).notes
    assert notes[-1] == "Still improving when their epochs ran out: RB-KD (1 of 3 cells)."
    (row,) = csv.DictReader(io.StringIO(statistics_csv(results)))
    assert row["unconverged"] == said


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
    p_values = [ttest_1samp([f1(2 + b * (s + 1) // 2) - f1(2) for s in range(6)], 0).pvalue for b in (1, 2)]
    assert (attention.p_value, distilled.p_value) == pytest.approx(tuple(p_values))
    assert p_values[1] < p_values[0]
    assert distilled.p_holm == pytest.approx(2 * p_values[1])
    assert attention.p_holm == pytest.approx(max(p_values[0], 2 * p_values[1]))
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
        "RB-KD", "1", "+10.0", "+33.3", "+33.3 to +33.3", "0.0", "2 of 2", "–", "–",
    ]  # fmt: skip
    assert [entry.text for entry in holdout.rows[1]] == ["RAB-KD", *["–"] * 8]
    assert "2 test subjects; a verdict takes 5 (RB-KD)." in holdout.notes
    assert any(note.startswith("One seed: the interval is over subjects only") for note in holdout.notes)
    assert "RAB-KD has no completed seed (0/1, 1 missing)." in holdout.notes
    assert "LEAKS" in leaking.title
    title = Setting("sensors", "arena", "subject-kfold@val=windows").title
    expected = "subject-kfold split (VALIDATION LEAKS: windows at random, of the training people)"
    assert title == f"sensors, arena, {expected}"
    assert any("windows of a subject are on both sides" in note for note in leaking.notes)
    rows = list(csv.DictReader(io.StringIO(statistics_csv(results))))
    assert [(row["protocol"], row["variant"], row["leaks"]) for row in rows[:3]] == [
        ("subject-holdout", "RB-KD", "False"), ("subject-holdout", "RAB-KD", "False"), ("random", "RB-KD", "True"),
    ]  # fmt: skip
    assert float(rows[0]["subject_difference"]) == float(rows[0]["low"]) == pytest.approx(1 / 3)
    assert (rows[0]["df"], rows[0]["p_value"], rows[1]["low"]) == ("1", "", "")


def test_the_detectable_difference_is_in_the_table_the_file_and_the_sentence(grid):
    for variant, found in {"LM": [4] * 5, "RB-KD": [4, 5, 6, 5, 4]}.items():
        grid.completed(variant, 0, 0.5, predictions=[w for s, n in enumerate(found) for w in subject(str(s), n)])
    results = grid.load()
    differences = [f1(n) - f1(4) for n in (4, 5, 6, 5, 4)]
    expected = (t.ppf(0.975, 4) + t.ppf(0.8, 4)) * np.std(differences, ddof=1) / 5**0.5
    table = statistics_table(results, results.settings()[0])
    assert table.rows[0][table.columns.index("detectable")].text == f"{100 * expected:.1f}"
    assert f"detectable from {100 * expected:.1f} on" in compared(grid).text()
    (row,) = csv.DictReader(io.StringIO(statistics_csv(results)))
    assert float(row["detectable"]) == pytest.approx(expected)


def test_a_split_that_tests_people_who_also_trained_says_so(grid):
    grid.seeds("LM", 0.5, protocol="official")
    grid.seeds("RB-KD", 0.5, protocol="official")
    results = grid.load()
    table = statistics_table(results, results.settings()[0])
    assert "official split (the test people also trained, in other sessions)" in table.title
    assert "The test people also trained, so none of this speaks about new people." in table.notes
    assert "known_people" in statistics_csv(results)
