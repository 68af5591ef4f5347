"""Each published claim on rows for which the verdict is known."""

import csv
import io

import pytest

from analysis.published import DOI
from analysis.takeaways import judge, takeaways_csv, takeaways_table
from har_ray.groups import Setting
from har_ray.variants import Traits

LEVELS = {"LM": 0, "LM-Att": 2, "RB-KD": 3, "RB-KD-Att": 4, "MM": 4, "RAB-KD": 5, "OM": 5}
"""A variant finds that many more windows of each of five subjects, all alike: differences are without doubt."""


def predictions(*levels):
    """The better the level of a subject, the more of its ten windows are found."""
    return [(str(subject), 0, 0 if window < 3 + level else 1)
            for subject, level in enumerate(levels) for window in range(10)]  # fmt: skip


def fill(grid, levels, subjects=5, **setting):
    for variant, level in levels.items():
        grid.seeds(variant, *[0.6 + 0.02 * level] * 2, predictions=predictions(*[level] * subjects), **setting)


def verdicts(grid):
    return {name: verdict for name, _, _, verdict in judge(grid.load())}


def outcomes(grid):
    return {name: str(verdict.outcome) for name, verdict in verdicts(grid).items()}


def test_all_claims_hold_where_the_rows_say_so(grid):
    fill(grid, LEVELS)
    assert outcomes(grid) == dict.fromkeys(
        ["premise", "distillation", "attention", "efficiency", "best", "mm"], "holds"
    )


def test_claims_are_contradicted_where_what_is_added_harms(grid):
    fill(grid, dict.fromkeys(LEVELS, 2) | {"LM": 3, "OM": 2, "MM": 4})
    # The students are as good as OM, at a hundredth of its cost.
    assert outcomes(grid) == dict.fromkeys(["premise", "distillation", "attention", "best", "mm"],
                                           "contradicted") | {"efficiency": "holds"}  # fmt: skip


def test_what_the_data_cannot_tell_is_undecided(grid):
    """Each variant is better than LM for some subjects and worse for others, by as much."""
    for number, variant in enumerate(LEVELS):
        levels = [(number + subject) % 5 for subject in range(5)]
        grid.seeds(variant, 0.6, 0.6, predictions=predictions(*levels), row={"val_f1_macro": 0.6 + number / 100})
    assert outcomes(grid) == dict.fromkeys(
        ["premise", "distillation", "attention", "efficiency", "best", "mm"], "undecided"
    )


def test_under_five_subjects_there_are_numbers_but_no_verdict(grid):
    fill(grid, LEVELS, subjects=3)
    found = verdicts(grid)
    few = "not tested (3 test subjects; a verdict takes 5)"
    assert {str(verdict.outcome) for verdict in found.values()} == {few}
    assert found["distillation"].evidence.startswith("RB-KD − LM: +28.8 points per subject, 95 % interval +28.8 to")


def test_a_gain_gives_its_numbers(grid):
    fill(grid, {"LM": 0, "RB-KD": 1})
    verdict = verdicts(grid)["distillation"]
    # 2·4/14 − 2·3/13 = 0.1099 for each subject
    assert verdict.evidence == (
        "RB-KD − LM: +11.0 points per subject, 95 % interval +11.0 to +11.0 "
        "(in the table of results +2.0; detectable from 0.0 on; 2 seeds; 5 test subjects)."
    )


def test_what_is_absent_is_not_tested_and_says_why(grid):
    fill(grid, {"LM": 0, "LM-Att": 2})
    grid.expect("OM", 0)
    assert outcomes(grid) == {
        "premise": "not tested (OM has no completed seed (0/1, 1 missing))",
        "distillation": "not tested (RB-KD is not in the grid)",
        "attention": "not tested (RB-KD-Att is not in the grid; RB-KD is not in the grid)",
        "efficiency": "not tested (no distilled student has a completed seed)",
        "best": "not tested (RAB-KD is not in the grid)",
        "mm": "not tested (MM is not in the grid)",
    }


def test_one_contradicted_comparison_settles_a_claim_of_several(grid):
    fill(grid, {"LM": 3, "LM-Att": 2})
    assert outcomes(grid)["attention"] == "contradicted"


def test_variants_that_were_still_improving_are_marked_in_the_evidence_and_explained_once(grid):
    fill(grid, {"LM": 0})
    grid.seeds("RB-KD", 0.7, 0.7, predictions=predictions(*[3] * 5), row={"converged": False})
    assert verdicts(grid)["distillation"].evidence.startswith("RB-KD‡ − LM: ")
    notes = takeaways_table(grid.load()).notes
    assert [note.partition(",")[0] for note in notes if "‡" in note] == [
        "‡ some cells were still improving when their epochs ran out"
    ]


def test_without_such_variants_no_mark_is_explained(grid):
    fill(grid, {"LM": 0, "RB-KD": 3})
    assert "‡" not in "".join(takeaways_table(grid.load()).notes)


def test_the_student_is_chosen_on_validation_data(grid):
    fill(grid, {"LM": 0, "MM": 2, "OM": 3})
    grid.seeds("RB-KD", 0.61, 0.61, predictions=predictions(*[1] * 5), row={"val_f1_macro": 0.9})
    grid.seeds("RAB-KD", 0.70, 0.70, predictions=predictions(*[5] * 5), row={"val_f1_macro": 0.8})
    verdict = verdicts(grid)["mm"]
    assert str(verdict.outcome) == "contradicted"
    assert verdict.evidence.startswith("RB-KD was chosen on validation data.")


def test_a_distilled_student_is_small(grid):
    """A variant of OM's size that learns from a teacher scores best here, but is no candidate for the watch."""
    grid.traits["Big-KD"] = Traits(name="Big-KD", large=True, losses=("distillation",), taught=True)
    grid.traits["Own-KD"] = Traits(name="Own-KD", losses=("distillation",), taught=True)
    fill(grid, {"OM": 5, "Big-KD": 6, "Own-KD": 5})
    verdict = verdicts(grid)["efficiency"]
    assert str(verdict.outcome) == "holds"
    assert verdict.evidence.startswith("Own-KD was chosen on validation data")


def test_a_loss_that_may_be_above_the_margin_is_not_minimal(grid):
    """OM is ahead by 0 to 2 windows of ten: no point estimate decides."""
    fill(grid, {"OM": 5})
    grid.seeds("RB-KD", 0.7, 0.7, predictions=predictions(5, 5, 5, 5, 4))
    assert outcomes(grid)["efficiency"] == "undecided"


def test_a_student_that_is_not_cheap_contradicts_the_claim_however_good_it_is(grid):
    fill(grid, {"OM": 3})
    grid.seeds("RB-KD", 0.9, 0.9, predictions=predictions(*[6] * 5), row={"macs": 500_000})
    assert outcomes(grid)["efficiency"] == "contradicted"


def test_a_variant_that_costs_no_more_and_scores_higher_is_named(grid):
    fill(grid, LEVELS | {"LM": 6})
    verdict = verdicts(grid)["best"]
    assert str(verdict.outcome) == "contradicted"
    named = "not on the Pareto front of F1 and MACs (what costs no more and scores higher: LM beyond chance)"
    assert named in verdict.evidence


def test_a_cheaper_variant_that_is_ahead_by_chance_leaves_it_undecided(grid):
    fill(grid, {name: level for name, level in LEVELS.items() if name != "LM"})
    grid.seeds("LM", 0.9, 0.9, predictions=predictions(6, 6, 6, 4, 4))
    verdict = verdicts(grid)["best"]
    assert str(verdict.outcome) == "undecided"
    assert "scores higher: LM could be chance" in verdict.evidence


def test_a_student_that_is_not_small_does_not_beat_mm(grid):
    fill(grid, {"LM": 0, "MM": 2})
    grid.seeds("LM-Att", 0.8, 0.8, predictions=predictions(*[5] * 5), row={"flops_published": 20_000})
    assert outcomes(grid)["mm"] == "contradicted"


@pytest.mark.parametrize(("gain", "outcome"), [(3, "holds"), (1, "contradicted")])
def test_attention_especially_on_wisdm(grid, gain, outcome):
    fill(grid, {"LM": 0, "LM-Att": gain}, dataset="wisdm")
    fill(grid, {"LM": 0, "LM-Att": 2})
    found = verdicts(grid)["attention-wisdm"]
    assert str(found.outcome) == outcome
    # 2·(3 + level) / (13 + level): 46.2, 57.1, 66.7, 75.0
    assert f"wisdm − sensors: {'+8.3' if gain == 3 else '−9.5'} points, 95 % interval" in found.evidence


def test_a_gain_on_wisdm_that_differs_by_chance_is_undecided(grid):
    for dataset, levels in {"wisdm": (0, 1, 2, 3, 4), "sensors": (1, 0, 1, 2, 3)}.items():
        fill(grid, {"LM": 0}, dataset=dataset)
        grid.seeds("LM-Att", 0.7, 0.7, predictions=predictions(*levels), dataset=dataset)
    assert outcomes(grid)["attention-wisdm"] == "undecided"


def test_wisdm_with_few_subjects_elsewhere_is_not_tested(grid):
    fill(grid, {"LM": 0, "LM-Att": 3}, dataset="wisdm")
    fill(grid, {"LM": 0, "LM-Att": 2}, subjects=2)
    assert outcomes(grid)["attention-wisdm"] == "not tested (2 test subjects; a verdict takes 5)"


def test_wisdm_alone_cannot_be_compared(grid):
    fill(grid, {"LM": 0, "LM-Att": 1}, dataset="wisdm")
    assert outcomes(grid)["attention-wisdm"].startswith("not tested (needs LM-Att and LM on WISDM and another")


def test_table_and_csv_name_the_source_and_the_leak_and_agree(grid):
    fill(grid, LEVELS, protocol="random")
    fill(grid, {"LM": 0, "RB-KD": 0}, subjects=2)
    results = grid.load()
    assert results.settings() == [Setting("sensors", "wrist", "random"), Setting("sensors", "wrist", "subject-holdout")]
    table = takeaways_table(results)
    assert ["LEAKS" in row[1].text for row in table.rows] == [True, False] * 6
    assert DOI in table.notes[0]
    records = list(csv.DictReader(io.StringIO(takeaways_csv(results))))
    shown = [f"{record['verdict']} ({record['why']})" if record["why"] else record["verdict"] for record in records]
    assert shown == [row[2].text for row in table.rows]
    assert {record["verdict"] for record in records} == {"holds", "not tested"}
