"""The best model within a budget: chosen by validation score, with what the next and a larger one would give."""

from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.budget import budget_lines, parse
from har_ray.errors import HarRayError
from tests.analysis.test_student import fill, predictions

COSTS = {"OM": (400_000, 5_000_000), "MM": (7_000, 80_000), "LM": (2_000, 20_000), "RB-KD": (2_100, 20_000)}


@pytest.fixture
def filled(grid):
    """OM has the best validation score, then RB-KD, MM and LM; on test data MM is ahead of RB-KD."""
    for variant, (validation, found) in {
        "OM": (0.9, [9, 9, 8, 9, 9]), "MM": (0.6, [8, 9, 8, 9, 8]),
        "LM": (0.5, [4, 4, 4, 4, 5]), "RB-KD": (0.7, [7, 8, 7, 8, 7]),
    }.items():  # fmt: skip
        params, macs = COSTS[variant]
        row = {"val_f1_macro": validation, "params": params, "macs": macs}
        grid.completed(variant, 0, sum(found) / 100, predictions=predictions(*found), row=row)
    return grid


def lines(grid, budget):
    return [line.strip() for line in budget_lines(grid.load(), parse(budget))]


def test_validation_data_choose_among_what_fits(filled):
    title, best, runner_up, larger = lines(filled, "params=10000,macs=300000")
    assert title.endswith(": within 10,000 params, 300,000 MACs")
    # 7 of 10 is F1 14/17, 8 of 10 16/18; the table's own score is what the grid's row says.
    assert best.startswith(
        "best: RB-KD, 2,100 params, 20,000 MACs; validation 70.0 %, test 37.0 % macro F1, 85.0 % per s"
    )
    assert runner_up.startswith("runner-up: MM, 7,000 params, 80,000 MACs; validation 60.0 %, test 42.0 % macro F1")
    assert larger.startswith("a larger budget: OM, 400,000 params, 5,000,000 MACs; validation 90.0 %")
    assert "RB-KD minus it −1" in larger
    assert "points per subject (95 % interval" in larger


def test_every_limit_counts_and_the_only_one_that_fits_has_no_runner_up(filled):
    _, best, larger = lines(filled, "params=2050,macs=300000")
    assert best.startswith("best: LM, 2,000 params")
    assert larger.startswith("a larger budget: OM")


def test_nothing_that_fits_is_said_with_what_the_nearest_cost(filled):
    assert lines(filled, "macs=10")[1:] == [
        "nothing: OM has 5,000,000 MACs", "nothing: RB-KD has 20,000 MACs",
        "nothing: MM has 80,000 MACs", "nothing: LM has 20,000 MACs",
    ]  # fmt: skip


def test_enough_for_the_best_needs_no_more(filled):
    assert lines(filled, "params=1000000")[-1] == (
        "a larger budget: buys nothing, no other variant of the grid has a better validation score"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("param=10", "--budget param=10: cost 'param' is unknown; did you mean 'params'?"),
        ("params=many", "--budget params=many: params=many: expected a whole number above 0"),
        ("params=0", "--budget params=0: params=0: expected a whole number above 0"),
    ],
)
def test_a_budget_that_is_none_is_refused(text, message):
    with pytest.raises(HarRayError, match=message.replace("?", r"\?")):
        parse(text)


def test_the_command_prints_it_instead_of_a_report(filled, capsys):
    filled.load()  # which writes the plan
    assert main([filled.path, "--budget", "params=10000"]) == 0
    assert "best: RB-KD, 2,100 params; validation 70.0 %" in capsys.readouterr().out
    assert not (Path(filled.path) / "report").exists()
    for nonsense in ("flops=1", ""):
        assert main([filled.path, "--budget", nonsense]) == 2
    assert "--budget flops=1: cost 'flops' is unknown" in capsys.readouterr().err


def test_costs_are_named_in_one_order_whatever_the_order_of_the_budget(filled):
    assert lines(filled, "macs=300000,params=10000") == lines(filled, "params=10000,macs=300000")


def test_an_unknown_cost_is_within_no_budget_and_is_not_described(grid):
    grid.completed("OM", 0, 0.9, row={"params": None})
    grid.completed("LM", 0, 0.5, row={"params": 1000})
    _, best, larger, left_out = lines(grid, "params=2000")
    assert best.startswith("best: LM, 1,000 params; validation 50.0 %")
    assert left_out == "left out, because not every cost of the budget is known of them: OM"
    assert larger.startswith("a larger budget: OM; validation 90.0 %")
    _, *nothing = lines(grid, "params=1")
    assert nothing == ["nothing: OM has an unknown number of params", "nothing: LM has 1,000 params"]


def test_what_is_said_together_is_adjusted_together(grid):
    # Per subject OM is ahead of LM by 0 once, 8/9 − 14/17 thrice and 18/19 − 14/17 once: a paired t test has p = 0.03.
    fill(grid, OM=(0.9, [7, 8, 8, 8, 9]), LM=(0.8, [7, 7, 7, 7, 7]), MM=(0.7, [7, 7, 7, 7, 8]))
    assert lines(grid, "params=1000")[-1].endswith("points per subject (95 % interval)")
    # With MM, which is within too, OM is one of two: by Holm p = 0.06.
    _, _, runner_up, larger = lines(grid, "params=4000")
    assert runner_up.endswith("(95 % interval, could be chance)")
    assert larger.endswith("(95 % interval, could be chance)")
