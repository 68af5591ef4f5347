"""The student is chosen by validation score, whatever its test score is; what follows may be chance."""

import csv
import io

import pytest

from analysis.student import sentences, student_csv, student_table
from har_ray.variants import Traits


def predictions(*found):
    """So many of ten windows of each subject are found: F1 is 2 · found / (10 + found)."""
    return [(str(subject), 0, 0 if window < correct else 1)
            for subject, correct in enumerate(found) for window in range(10)]  # fmt: skip


def fill(grid, **variants):
    """By variant with `_` for `-`: its validation score, and what it finds of each subject, with a seed or several."""
    for name, (validation, *seeds) in variants.items():
        for seed, found in enumerate(seeds):
            row = {"val_f1_macro": validation}
            grid.completed(name.replace("_", "-"), seed, sum(found) / 100, predictions=predictions(*found), row=row)


def loaded(grid):
    results = grid.load()
    return results, results.settings()[0]


def column(table, name):
    return [row[table.columns.index(name)].text for row in table.rows]


@pytest.fixture
def filled(grid):
    """LM-Att has the best test score of the small models, RB-KD the best validation score, OM the best of both."""
    fill(
        grid,
        OM=(0.9, [9, 9, 9, 9, 9]),
        LM=(0.5, [4, 4, 4, 4, 4]),
        LM_Att=(0.6, [8, 9, 8, 9, 8]),
        RB_KD=(0.7, [7, 9, 7, 8, 9]),
    )
    return grid


def test_the_best_validation_score_of_the_small_models_chooses(filled):
    table = student_table(*loaded(filled))
    assert [row[0].text + row[0].mark for row in table.rows] == ["RB-KD†", "LM-Att", "LM", "OM"]
    assert column(table, "val. F1 macro (%)") == ["70.0", "60.0", "50.0", "90.0"]
    assert column(table, "test F1 macro (%)")[:2] == ["40.0", "42.0"]


def test_the_chosen_one_is_compared_with_all_others_together(filled):
    table = student_table(*loaded(filled))
    # 8 of 10 is F1 16/18; by subject RB-KD − LM is 2·f/(10 + f) − 8/14
    assert column(table, "chosen − this") == ["–", "−2.6", "+31.5", "−6.1"]
    assert any("adjusted by Holm over the 3 comparisons" in note for note in table.notes)
    rows = {row["variant"]: row for row in csv.DictReader(io.StringIO(student_csv(loaded(filled)[0])))}
    assert [name for name, row in rows.items() if row["is_chosen"] == "True"] == ["RB-KD"]
    smallest = min(float(row["p_value"]) for row in rows.values() if row["p_value"])
    assert float(rows["LM"]["p_value"]) == smallest
    assert float(rows["LM"]["p_holm"]) == pytest.approx(3 * smallest)


def test_sentences_say_what_was_chosen_what_it_scores_and_what_could_be_chance(filled):
    assert sentences(*loaded(filled)) == (
        "sensors, wrist, subject-holdout: RB-KD has the best validation score of the 3 small models (70.0 %). On test "
        "data it has 40.0 % macro F1 (seeds: 1/1), 88.6 % per subject (95 % interval 80.9 to 96.3). Per subject it "
        "is 31.5 points above LM, 6.1 points below OM (could be chance). Its difference from LM-Att could be chance."
    )


def test_a_runner_up_that_is_beaten_beyond_chance_is_named_so(grid):
    fill(grid, LM=(0.5, [1, 2, 1, 2, 1]), RB_KD=(0.7, [9, 9, 9, 9, 8]), RAB_KD=(0.6, [2, 3, 2, 3, 2]))
    assert "Beyond chance it is 55.1 points above RAB-KD." in sentences(*loaded(grid))


def test_of_many_others_the_nearest_are_named(grid):
    """Nearest are those with as many windows found as the chosen one, whatever order they are listed in."""
    others = {f"N{k}": (0.6, [9 - k, 9, 8, 9 - k, 9]) for k in (5, 4, 0, 1, 2)}
    fill(grid, RB_KD=(0.7, [9, 9, 8, 9, 9]), **others)
    assert "Its difference from 5 others could be chance, nearest N0, N1, N2." in sentences(*loaded(grid))


def test_of_many_others_that_are_beaten_the_nearest_are_named(grid):
    others = {f"N{k}": (0.6, [k, k, k, k + 1, k]) for k in (1, 4, 2, 3)}
    fill(grid, RB_KD=(0.7, [9, 9, 9, 9, 8]), **others)
    assert "Beyond chance it differs from 4 others, nearest 34." in sentences(*loaded(grid))
    assert sentences(*loaded(grid)).endswith(" points above N2.")


def test_of_many_that_were_still_improving_the_cells_are_counted(grid):
    for name in ("RB-KD", "N1", "N2", "N3"):
        grid.seeds(name, 0.7, 0.7, row={"val_f1_macro": 0.5, "converged": False})
    grid.seeds("LM", 0.7, 0.7, row={"val_f1_macro": 0.4, "converged": True})
    assert sentences(*loaded(grid)).endswith("Of 4 models 8 of 8 cells were still improving when their epochs ran out.")


def test_the_correction_is_what_makes_a_difference_chance(grid):
    """Against LM p is 0.03: enough alone, not as the smaller one of two."""
    fill(grid, LM=(0.5, [4, 4, 4, 4, 4]), RB_KD=(0.7, [5, 5, 6, 6, 4]))
    assert sentences(*loaded(grid)).endswith("points above LM.")
    fill(grid, LM_Att=(0.6, [5, 6, 5, 6, 4]))
    assert "points above LM (could be chance)." in sentences(*loaded(grid))


def test_under_five_subjects_everything_could_be_chance(grid):
    fill(grid, LM=(0.5, [1, 1, 1, 1]), RB_KD=(0.7, [9, 9, 9, 9]))
    text = sentences(*loaded(grid))
    assert "76.6 points above LM (could be chance)" in text
    table = student_table(*loaded(grid))
    assert column(table, "p (Holm)") == ["–", "–"]
    assert "4 test subjects; a verdict takes 5." in table.notes


def test_intervals_of_scores_stay_among_scores(grid):
    fill(grid, LM=(0.5, [10, 1]))
    assert column(student_table(*loaded(grid)), "95 % interval")[0].split(" to ") == ["0.0", "100.0"]


def test_that_nothing_helped_is_admitted(grid):
    fill(grid, LM=(0.6, [5, 5]))
    assert "LM is the only small model with a completed seed" in sentences(*loaded(grid))
    fill(grid, RB_KD=(0.5, [9, 9]))
    assert "LM has the best validation score of the 2 small models (60.0 %); nothing that was added" in sentences(
        *loaded(grid)
    )


def test_what_was_added_to_a_small_model_is_known_by_its_traits(grid):
    grid.traits |= {"Big+": Traits(name="Big+", large=True, attention=True), "GRU": Traits(name="GRU")}
    grid.traits["KD+"] = Traits(name="KD+", losses=("m:X",))
    fill(grid, **{"LM": (0.6, [5, 5]), "Big+": (0.5, [5, 5]), "GRU": (0.4, [5, 5])})
    assert "nothing that was added" not in sentences(*loaded(grid))
    fill(grid, **{"KD+": (0.5, [5, 5])})
    assert "nothing that was added to it did better" in sentences(*loaded(grid))


def test_no_small_model_yet(grid):
    grid.seeds("OM", 0.8)
    grid.expect("LM", 0)
    results, setting = loaded(grid)
    assert student_table(results, setting).rows == []
    assert student_csv(results) == ""
    assert sentences(results, setting).endswith("no lightweight model has a completed seed yet.")


def test_seeds_that_do_not_overlap_are_said_to_be_not_comparable(grid):
    grid.completed("RB-KD", 0, 0.7, row={"val_f1_macro": 0.7})
    grid.expect("RB-KD", 1)
    grid.expect("LM", 0)
    grid.completed("LM", 1, 0.5, row={"val_f1_macro": 0.5})
    assert "not comparable with LM (no seed is completed for both)" in sentences(*loaded(grid))
