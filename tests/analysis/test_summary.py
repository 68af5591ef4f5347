"""The three sentences at the top of the page: what is best, what became of the claims, what to doubt."""

import pytest

from analysis.summary import progress, summary
from tests.analysis.test_student import fill


def sentences(grid):
    return summary(grid.load())


def test_the_first_names_the_chosen_student_its_size_its_score_with_interval_and_what_it_is_compared_with(grid):
    fill(grid, OM=(0.9, [9, 9, 9, 9, 9]), LM=(0.7, [7, 7, 7, 7, 7]), MM=(0.8, [8, 8, 8, 8, 8]))
    found, _, _ = sentences(grid)
    assert found.startswith(
        "LM (1,000 params), the only small model, has 35.0 % macro F1 on people it was not trained on, "
        "82.4 % per subject"
    )
    assert "; per subject it is 6.5 points below MM" in found
    assert found.endswith("points below OM.")


@pytest.mark.parametrize(
    ("protocol", "people", "doubt"),
    [
        ("subject-kfold", "on people it was not trained on", ""),
        ("subject-kfold@val=windows", "on people it was not trained on",
         "validation windows are the training people's; "),
        ("official", "on people it was trained on", "the test people have trained too; "),
        ("random", "on windows of recordings that it was trained on",
         "windows of one recording are in training and test, which leaks; "),
    ],
)  # fmt: skip
def test_whom_a_score_speaks_about_is_said_with_it(grid, protocol, people, doubt):
    grid.seeds("LM", 0.5, 0.6, protocol=protocol)
    found, _, doubts = sentences(grid)
    assert f"has 55.0 ± 7.1 % macro F1 {people}, 100.0 % per subject" in found
    assert doubts == f"What speaks against believing it: {doubt}there are fewer than 5 test subjects."


def test_each_of_few_settings_has_its_student_and_of_many_how_often_each_is_chosen(grid):
    for index, dataset in enumerate(["a", "b", "c", "d"]):
        grid.completed("LM", 0, 0.5, dataset=dataset)
        grid.completed("RB-KD", 0, 0.4 if index else 0.6, dataset=dataset, predictions=[("4", 0, 0), ("5", 1, 0)])
        if index == 1:
            assert sentences(grid)[0] == (
                "Chosen on validation data, with test macro F1: "
                "a, wrist, subject-holdout: RB-KD (1,000 params), 50.0 % per subject (95 % interval 0.0 to 100.0); "
                "b, wrist, subject-holdout: LM (1,000 params), 100.0 % per subject (95 % interval 100.0 to 100.0)."
            )
    assert sentences(grid)[0] == (
        "Of 4 settings validation data choose RB-KD in 1, LM in 3; the test macro F1 per subject is 50.0 to 100.0 %."
    )


def test_the_second_counts_the_verdicts_and_quotes_those_that_are_decided(grid):
    fill(grid, OM=(0.9, [9, 9, 9, 9, 9]), LM=(0.7, [6, 7, 6, 7, 7]))
    assert sentences(grid)[1] == (
        "Of 6 published claims: 1 holds (“The original model (OM) scores above the lightweight one (LM)”), "
        "5 are not tested."
    )


def test_where_no_claim_can_be_tested_the_second_says_what_differs_from_the_baseline(grid):
    """9 of 10 windows are F1 18/19, 8 are 16/18, 4 are 8/14: (4 · 37.6 + 31.7) / 5."""
    fill(grid, LM=(0.5, [4, 4, 4, 4, 4]), DS=(0.6, [9, 9, 9, 9, 8]), GRU=(0.4, [4, 5, 4, 4, 3]))
    assert sentences(grid)[1] == (
        "Of 2 variants compared with LM 1 is shown to be better (DS +36.4 points per subject); the other differences "
        "could be chance."
    )


def test_where_nothing_differs_it_says_what_could_have_been_missed(grid):
    """5 of 10 windows are F1 10/15 and 3 are 6/13: +9.5 and −11.0 points, so −0.3 in the mean of five."""
    fill(grid, LM=(0.5, [4, 4, 4, 4, 4]), GRU=(0.4, [4, 5, 4, 4, 3]))
    said = sentences(grid)[1]
    assert said.startswith(
        "Of 1 variant compared with LM none shows a difference beyond chance: per subject they are −0.3 to −0.3 "
        "points, and a difference of up to "
    )


def test_of_many_that_differ_the_largest_differences_are_named(grid):
    better = {f"N{k}": (0.6, [9, 9, 9, 9, 10 - k % 2]) for k in range(4)}
    fill(grid, LM=(0.5, [4, 4, 4, 4, 4]), **better)
    said = sentences(grid)[1]
    assert said.startswith(
        "Of 4 variants compared with LM 4 are shown to be better (the clearest N0 +38.6, N2 +38.6, N"
    )


def test_without_a_second_variant_there_is_nothing_to_compare(grid):
    grid.seeds("LM", 0.5)
    assert sentences(grid)[1] == "Nothing can be compared with LM yet."


def test_the_third_says_what_to_doubt(grid):
    found = [(who, label, label) for who in "45" for label in (0, 2)]
    grid.completed("LM", 0, 0.5, predictions=found, row={"converged": False})
    grid.completed("MM", 0, 0.6, predictions=found, row={"converged": True})
    grid.failed("OM", 0, "out of memory")
    assert sentences(grid)[2] == (
        "What speaks against believing it: there are fewer than 5 test subjects; there is one seed, and another may "
        "give something else; 1 of 3 cells of the tables failed; 1 of 2 completed cells was still improving when the "
        "epochs ran out; no test window of stand."
    )


def test_what_is_so_in_some_settings_says_in_how_many(grid):
    people = [(str(who), label, label) for who in range(5) for label in range(3)]
    for protocol in ("random", "subject-holdout", "loso"):
        grid.seeds("LM", 0.5, 0.6, protocol=protocol, predictions=people)
    assert sentences(grid)[2] == (
        "What speaks against believing it: windows of one recording are in training and test, which leaks (in 1 of 3 "
        "settings)."
    )


def test_a_grid_without_a_fault_says_what_it_has(grid):
    grid.seeds("LM", 0.5, 0.6, predictions=[(str(who), label, label) for who in range(5) for label in range(3)])
    assert sentences(grid)[2] == (
        "Nothing known speaks against believing it: all cells of the tables are completed, on several seeds."
    )


def test_progress_counts_the_cells_of_each_stage_until_the_grid_has_ended(grid):
    grid.completed("LM", 0, 0.5)
    grid.completed("RB-KD", 0, 0.5, stage="search")
    grid.plan.append({**grid.expected[0], "cell_id": "later", "stage": "search", "seed": 7})
    grid.expect("LM", 1)
    assert progress(grid.load()) == ""
    grid.info["finished_at"] = None
    assert progress(grid.load()) == "Cells that have ended, of those planned so far: confirm 1 of 1, search 1 of 2."
