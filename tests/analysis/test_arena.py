"""The table beside WHAR Arena: the arena's own figures, and ours by its measure, all countable by hand."""

import re
from pathlib import Path

import pytest

from analysis.arena import arena_table
from analysis.report import write_report

WISDM = {"dataset": "wisdm", "preset": "arena", "protocol": "subject-kfold@val=windows"}
SENSORS = {"dataset": "sensors", "preset": "arena", "protocol": "subject-kfold"}


def table_of(grid):
    results = grid.load()
    return arena_table(results, results.settings()[0])


def texts(table):
    return [[entry.text for entry in row] for row in table.rows]


def differences(grid):
    return [note for note in table_of(grid).notes if note.startswith("What differs here: ")]


@pytest.mark.parametrize(
    ("setting", "there"),
    [
        (SENSORS, True),
        (WISDM, True),
        (SENSORS | {"preset": "arena@rate_hz=25"}, True),
        (SENSORS | {"preset": "wrist"}, False),
        (SENSORS | {"preset": "arenas"}, False),
        (SENSORS | {"protocol": "loso"}, False),
        (SENSORS | {"protocol": "random"}, False),
        (SENSORS | {"dataset": "spar"}, False),
    ],
)
def test_only_where_the_arena_has_measured_the_same(grid, setting, there):
    grid.completed("LM", 0, 0.6, **setting)
    assert (table_of(grid) is not None) == there


@pytest.mark.parametrize(
    ("dataset", "score"), [("sensors", "97.4"), ("wisdm", "76.1"), ("wisdm-watch", "61.8"), ("opportunity", "74.7")]
)
def test_the_arenas_models_stand_as_published(grid, dataset, score):
    """One of them in each of its columns, 0.9738, 0.7607, 0.618 and 0.7471, and none of the others is lost."""
    grid.expect("LM", 0, **WISDM | {"dataset": dataset})
    rows = texts(table_of(grid))
    assert len(rows) == 17 + 1
    assert ["mlp_har", "WHAR Arena", "157.7k", score, "1", "–", "–"] in rows


def test_ours_is_the_mean_of_folds_and_stands_where_it_belongs(grid):
    """Folds of 0.80 and 0.90 are 0.85, as tinyhar has; of dana's 0.8549 less. Pooled, all predictions are right."""
    for fold, score in enumerate((0.80, 0.90)):
        grid.completed("LM", 0, score, fold=fold, **WISDM)
    assert texts(table_of(grid))[:3] == [
        ["dana", "WHAR Arena", "457.9k", "85.5", "1", "–", "–"],
        ["LM", "here", "1,000", "85.0", "1/1", "100.0", "100.0 to 100.0"],
        ["tinyhar", "WHAR Arena", "159.1k", "85.0", "1", "–", "–"],
    ]


def test_seeds_count_when_all_their_folds_do(grid):
    """Seeds 0 and 1: the mean of 0.5, 0.7, 0.6 and 0.8 is 0.65; seed 2 lacks a fold, and its 0.1 does not count."""
    for seed, scores in enumerate([(0.5, 0.7), (0.6, 0.8), (0.1,)]):
        for fold, score in enumerate(scores):
            grid.completed("LM", seed, score, fold=fold, **WISDM)
    grid.failed("LM", 2, "out of memory", fold=1, **WISDM)
    (row,) = [row for row in texts(table_of(grid)) if row[1] == "here"]
    assert row[3:5] == ["65.0", "2/3, 1 fold failed"]


def test_what_has_some_folds_alone_is_compared_in_these(grid):
    """OM's 0.8 and 0.6 are 70.0, LM's 0.5 and 0.7 of the same folds 60.0, its third left out; MM has one of the two."""
    for fold, (om, lm) in enumerate([(0.8, 0.5), (0.6, 0.7), (None, 0.1)]):
        grid.completed("LM", 0, lm, fold=fold, **WISDM)
        if om is None:
            grid.failed("OM", 0, "out of memory", fold=fold, **WISDM)
        else:
            grid.completed("OM", 0, om, fold=fold, **WISDM)
    grid.completed("MM", 0, 0.7, fold=0, **WISDM)
    grid.expect("MM", 0, fold=1, **WISDM)
    assert [note for note in table_of(grid).notes if note.startswith("In the ")] == [
        "In the 2 of 3 cells that OM has: OM 70.0, LM 60.0.",
        "In the 1 of 2 cells that MM has: OM 80.0, MM 70.0, LM 50.0.",
    ]


def test_per_subject_with_its_interval(grid):
    """Of three people two are right throughout. The third has F1 6/7 (precision 3/4, recall 1) and 4/5 (1, 2/3): 0.829.

    The mean is 0.943; its standard error is a third of what the third lacks, 0.057, and t of two degrees 4.303: from
    0.697 to more than 1, where scores end.
    """
    right = [(name, label, label) for name in ("a", "b") for label in (0, 0, 0, 1, 1, 1)]
    third = [("c", 0, 0)] * 3 + [("c", 1, 1)] * 2 + [("c", 1, 0)]
    grid.completed("LM", 0, 0.6, predictions=right + third, **WISDM)
    (row,) = [row for row in texts(table_of(grid)) if row[1] == "here"]
    assert row[5:] == ["94.3", "69.7 to 100.0"]


def test_trees_have_no_parameters_and_what_has_no_seed_yet_stands_last(grid):
    grid.completed("Forest", 0, 0.99, row={"params": None}, **WISDM)
    grid.failed("LM", 0, "out of memory", **WISDM)
    rows = texts(table_of(grid))
    assert rows[0][:5] == ["Forest", "here", "–", "99.0", "1/1"]
    assert rows[-1] == ["LM", "here", "–", "–", "0/1, 1 failed", "–", "–"]


def test_a_grid_without_macro_f1_shows_none(grid):
    grid.info["grid"] |= {"metrics": ["accuracy"]}
    grid.completed("LM", 0, 0.6, row={"test_f1_macro": None}, **WISDM)
    assert texts(table_of(grid))[-1][:4] == ["LM", "here", "1,000", "–"]


def test_what_differs_is_said(grid):
    """45 channels of 60, 9 people of 10, 2 folds of 10, and people validate."""
    people = {str(i): {"sit": 5} for i in range(9)}
    channels = [f"c{i}" for i in range(45)]
    grid.info["data"] = [grid.data(preset="arena", channels=channels, windows_per_subject_and_class=people)]
    for fold in (0, 1):
        grid.completed("LM", 0, 0.9, fold=fold, **SENSORS)
    assert differences(grid) == [
        "What differs here: whole people validate (there a fifth of the training people's windows, drawn at random); "
        "2 folds (there 10); 45 channels (there 60); 9 people (there 10)."
    ]


def test_nothing_differs_where_it_does_not(grid):
    """As many people and channels as there, ten folds, and windows validate."""
    people = {str(i): {"sit": 5} for i in range(10)}
    channels = [f"c{i}" for i in range(60)]
    grid.info["data"] = [grid.data(preset="arena", channels=channels, windows_per_subject_and_class=people)]
    for fold in range(10):
        grid.completed("LM", 0, 0.9, fold=fold, **SENSORS | {"protocol": "subject-kfold@val=windows"})
    assert differences(grid) == []


def test_four_people_are_four_folds_there_too(grid):
    for fold in range(4):
        grid.completed("LM", 0, 0.7, fold=fold, **WISDM | {"dataset": "opportunity"})
    (said,) = differences(grid)
    assert said.startswith(
        "What differs here: missing values are bridged for up to 0.5 s (there for any length); the 4 "
    )


def test_the_report_has_it_after_the_results_where_it_exists(grid):
    grid.completed("LM", 0, 0.7, **SENSORS)
    grid.completed("LM", 0, 0.6)
    page = Path(write_report(grid.load()))
    arena, other = "sensors-arena-subject-kfold", "sensors-wrist-subject-holdout"
    captions = re.findall("<summary><h3 id=[^>]*>([^<]*)</h3>", page.read_text())
    assert captions[:3] == ["Test results", "Beside WHAR Arena", "The student to put on the watch"]
    assert captions.count("Beside WHAR Arena") == 1
    assert "**Beside WHAR Arena: sensors, arena, subject-kfold**" in (page.parent / f"tables/{arena}.md").read_text()
    assert rf"\label{{tab:{arena}-arena}}" in (page.parent / f"tables/{arena}.tex").read_text()
    assert "Beside" not in (page.parent / f"tables/{other}.md").read_text()
