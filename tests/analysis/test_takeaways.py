"""Each published claim on rows for which the verdict is known."""

import pytest

from analysis.published import DOI
from analysis.takeaways import judge, takeaways_csv, takeaways_table
from har_ray.groups import Setting
from har_ray.variants import Traits

LEVELS = {"LM": 0, "LM-Att": 2, "RB-KD": 3, "RB-KD-Att": 4, "MM": 4, "RAB-KD": 5, "OM": 5}
"""Steps of five points; a variant finds that many more windows of each of two subjects."""


def predictions(level):
    """The better the level, the more of ten windows of each subject are found."""
    return [(name, 0, 0 if window < 3 + level else 1) for name in ("1", "2") for window in range(10)]


def fill(grid, levels, **setting):
    for variant, level in levels.items():
        grid.seeds(variant, *[0.6 + 0.02 * level] * 2, predictions=predictions(level), **setting)


def verdicts(grid):
    return {name: verdict for name, _, _, verdict in judge(grid.load())}


def test_all_claims_hold_where_the_rows_say_so(grid):
    fill(grid, LEVELS)
    assert {name: verdict.verdict for name, verdict in verdicts(grid).items()} == dict.fromkeys(
        ["premise", "distillation", "attention", "efficiency", "best", "mm"], "holds"
    )


def test_no_claim_holds_where_nothing_helps(grid):
    fill(grid, dict.fromkeys(LEVELS, 2) | {"LM": 3, "OM": 2, "MM": 4})
    found = {name: verdict.verdict for name, verdict in verdicts(grid).items()}
    assert found["efficiency"] == "holds"  # the students are as good as OM, at a hundredth of its cost
    assert {name for name, verdict in found.items() if verdict == "does not hold"} == {
        "premise", "distillation", "attention", "best", "mm",
    }  # fmt: skip


def test_a_gain_below_the_claimed_one_does_not_hold_and_gives_the_numbers(grid):
    fill(grid, {"LM": 0, "RB-KD": 1})
    verdict = verdicts(grid)["distillation"]
    assert verdict.verdict == "does not hold"
    # 2·4/14 − 2·3/13 = 0.1099 for both subjects
    assert verdict.evidence == (
        "RB-KD − LM: +2.0 points; per subject +11.0, 95 % interval +11.0 to +11.0 (2 seeds, 2 test subjects)."
    )


def test_a_gain_that_may_be_chance_does_not_hold(grid):
    for seed in (0, 1):
        grid.completed("LM", seed, 0.6, predictions=[("1", 0, 0), ("2", 0, 1), ("2", 0, 0)])
        grid.completed("RB-KD", seed, 0.65, predictions=[("1", 0, 1), ("2", 0, 0), ("2", 0, 0)])
    assert verdicts(grid)["distillation"].verdict == "does not hold"


def test_what_is_absent_is_not_tested_and_says_why(grid):
    fill(grid, {"LM": 0, "LM-Att": 2})
    grid.expect("OM", 0)
    found = {name: verdict.verdict for name, verdict in verdicts(grid).items()}
    assert found == {
        "premise": "not tested (OM has no completed seed (0/1, 1 missing))",
        "distillation": "not tested (RB-KD is not in the grid)",
        "attention": "not tested (RB-KD-Att is not in the grid; RB-KD is not in the grid)",
        "efficiency": "not tested (no distilled student has a completed seed)",
        "best": "not tested (RAB-KD is not in the grid)",
        "mm": "not tested (MM is not in the grid)",
    }


def test_one_failed_comparison_settles_a_claim_of_several(grid):
    fill(grid, {"LM": 3, "LM-Att": 2})
    assert verdicts(grid)["attention"].verdict == "does not hold"


def test_premise_is_about_the_means(grid):
    fill(grid, {"LM": 1, "OM": 0})
    verdict = verdicts(grid)["premise"]
    assert (verdict.verdict, verdict.evidence) == (
        "does not hold", "Mean macro F1: OM 60.0 %, LM 62.0 % (−2.0 points).",
    )  # fmt: skip


def test_the_student_is_chosen_on_validation_data(grid):
    fill(grid, {"LM": 0, "MM": 2, "OM": 3})
    grid.seeds("RB-KD", 0.61, 0.61, predictions=predictions(1), row={"val_f1_macro": 0.9})
    grid.seeds("RAB-KD", 0.70, 0.70, predictions=predictions(5), row={"val_f1_macro": 0.8})
    verdict = verdicts(grid)["mm"]
    assert verdict.verdict == "does not hold"
    assert "RB-KD was chosen on validation data" in verdict.evidence


def test_a_distilled_student_is_small(grid):
    """A variant of OM's size that learns from a teacher scores best here, but is no candidate for the watch."""
    grid.traits["Big-KD"] = Traits(name="Big-KD", large=True, losses=("distillation",), taught=True)
    grid.traits["Own-KD"] = Traits(name="Own-KD", losses=("distillation",), taught=True)
    fill(grid, {"OM": 5, "Big-KD": 6, "Own-KD": 5})
    verdict = verdicts(grid)["efficiency"]
    assert verdict.verdict == "holds"
    assert verdict.evidence.startswith("Own-KD (chosen on validation data)")


def test_a_variant_that_costs_no_more_and_scores_higher_is_named(grid):
    fill(grid, LEVELS | {"RB-KD": 6})
    verdict = verdicts(grid)["best"]
    assert verdict.verdict == "does not hold"
    assert "not on the Pareto front of F1 and MACs (RB-KD cost no more and score higher)" in verdict.evidence


def test_a_student_that_is_not_small_does_not_beat_mm(grid):
    fill(grid, {"LM": 0, "MM": 2})
    grid.seeds("LM-Att", 0.8, 0.8, predictions=predictions(5), row={"flops_published": 20_000})
    assert verdicts(grid)["mm"].verdict == "does not hold"


@pytest.mark.parametrize(("gain", "verdict"), [(3, "holds"), (1, "does not hold")])
def test_attention_especially_on_wisdm(grid, gain, verdict):
    fill(grid, {"LM": 0, "LM-Att": gain}, dataset="wisdm")
    fill(grid, {"LM": 0, "LM-Att": 2})
    found = verdicts(grid)["attention-wisdm"]
    assert found.verdict == verdict
    assert found.evidence == f"LM-Att − LM: wisdm +{2 * gain}.0, sensors +4.0 points."


def test_wisdm_alone_cannot_be_compared(grid):
    fill(grid, {"LM": 0, "LM-Att": 1}, dataset="wisdm")
    assert verdicts(grid)["attention-wisdm"].verdict.startswith("not tested (needs LM-Att and LM on WISDM and another")


def test_table_and_csv_name_the_source_and_the_leak(grid):
    fill(grid, LEVELS, protocol="random")
    results = grid.load()
    assert results.settings() == [Setting("sensors", "wrist", "random")]
    table = takeaways_table(results)
    assert all("LEAKS" in row[1].text for row in table.rows)
    assert DOI in table.notes[0]
    assert takeaways_csv(results).startswith("id,claim,dataset,preset,protocol,leaks,verdict,evidence,command")
