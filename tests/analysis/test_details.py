"""Tables per class and per subject, against scikit-learn and by hand."""

import csv
import io

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from analysis.details import class_table, classes_csv, subject_table, subjects_csv
from analysis.tables import results_table


def loaded(grid):
    results = grid.load()
    return results, results.settings()[0]


def texts(table):
    return [[entry.text for entry in row] for row in table.rows]


def test_classes_agree_with_scikit_learn_over_seeds_and_folds(grid):
    rng = np.random.default_rng(0)
    expected = []
    for seed in (0, 1):
        labels, predicted = np.repeat(range(3), 20), rng.integers(3, size=60)
        for fold, part in enumerate((slice(0, 30), slice(30, 60))):
            windows = [(f"s{fold}", *pair) for pair in zip(labels[part], predicted[part], strict=True)]
            grid.completed("LM", seed, 0.5, fold=fold, predictions=windows)
        precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted)
        expected.append([f1, precision, recall])
    results, setting = loaded(grid)
    means = np.mean(expected, axis=0)  # (F1, precision, recall) of each class
    rows = list(csv.DictReader(io.StringIO(classes_csv(results))))
    found = [[float(row[name]) for row in rows] for name in ("f1", "precision", "recall")]
    assert np.array(found) == pytest.approx(means)
    assert (rows[0]["class"], rows[0]["windows"], rows[0]["seeds"]) == ("sit", "20", "2")
    f1, precision, recall = 100 * means[:, 0]
    table = class_table(results, setting)
    assert table.columns == ["class", "windows", "LM"]
    assert texts(table)[0] == ["sit", "20", f"{f1:.1f} ({precision:.1f} / {recall:.1f})"]


def test_a_class_that_the_test_part_lacks_is_named_and_has_no_scores(grid):
    grid.completed("LM", 0, 1.0, predictions=[("4", 0, 0), ("4", 2, 2), ("5", 0, 1)])
    results, setting = loaded(grid)
    table = class_table(results, setting)
    assert texts(table)[1] == ["stand", "0", "–"]
    assert "No test window of: stand. Left out of macro F1." in table.notes
    assert (
        "No test window of: stand. Macro F1 is the mean over the other classes." in results_table(*loaded(grid)).notes
    )
    row = list(csv.DictReader(io.StringIO(classes_csv(results))))[1]
    assert (row["class"], row["windows"], row["f1"], row["recall"]) == ("stand", "0", "", "")


def test_no_class_is_named_where_all_occur_though_one_is_never_found(grid):
    grid.completed("LM", 0, 0.5, predictions=[("4", 0, 0), ("4", 1, 1), ("4", 2, 1)])
    table = class_table(*loaded(grid))
    assert texts(table)[2] == ["walk", "1", "0.0 (0.0 / 0.0)"]
    assert not any("No test window" in note for note in table.notes)


def test_subjects_are_means_over_seeds_and_the_worst_are_named(grid):
    """Subject 10 is worst for LM-Att and in the mean, subject 2 for LM, which validation data choose."""
    wrong = {"LM": {"2": [0, 1], "10": [1, 1]}, "LM-Att": {"2": [2, 2], "10": [0, 0]}}
    for variant, found in wrong.items():
        for seed in (0, 1):
            windows = [(name, 0, 0 if n < count[seed] else 1) for name, count in found.items() for n in range(2)]
            grid.completed(
                variant, seed, 0.5, predictions=windows, row={"val_f1_macro": 0.9 if variant == "LM" else 0.5}
            )
    results, setting = loaded(grid)
    table = subject_table(results, setting)
    # One of two windows found is F1 2/3, none 0, both 1.
    assert texts(table) == [["2", "33.3", "100.0"], ["10", "66.7", "0.0"]]
    assert table.notes[1:] == [
        "Worst in the mean of the variants: subject 10 (33.3).",
        "Worst for LM, chosen on validation data: subject 2 (33.3).",
    ]
    rows = list(csv.DictReader(io.StringIO(subjects_csv(results))))
    assert [(row["variant"], row["subject"], round(float(row["f1_macro"]), 3)) for row in rows] == [
        ("LM", "10", 0.667), ("LM", "2", 0.333), ("LM-Att", "10", 0.0), ("LM-Att", "2", 1.0),
    ]  # fmt: skip


def test_what_has_no_complete_seed_is_not_there(grid):
    grid.completed("LM", 0, 0.5, fold=0)
    grid.expect("LM", 0, fold=1)
    results, setting = loaded(grid)
    assert (class_table(results, setting).rows, subject_table(results, setting).rows) == ([], [])
    assert (classes_csv(results), subjects_csv(results)) == ("", "")
