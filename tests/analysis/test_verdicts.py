"""The rules of the verdicts on intervals written down by hand: ± 2.776 standard errors at 4 degrees of freedom."""

import pytest

from analysis.intervals import Estimate
from analysis.statistics import Comparison
from analysis.verdicts import CONTRADICTED, HOLDS, UNDECIDED, Outcome, all_of, is_above, is_within, untested


def compared(mean, error=0.01, subjects=5, note=""):
    """A difference whose interval is `mean` ± 0.028."""
    return Comparison("A", "B", 3, subjects, mean, mean, Estimate(mean, error, 4), note=note)


@pytest.mark.parametrize(("mean", "at_least", "outcome"), [
    (0.029, 0, HOLDS),
    (0.027, 0, UNDECIDED),  # from −0.1 on
    (-0.027, 0, UNDECIDED),
    (-0.029, 0, CONTRADICTED),
    (0.041, 0.04, HOLDS),  # 1.3 to 6.9: above 0, and the estimate is at least 4
    (0.0396, 0.04, HOLDS),  # printed as 4.0
    (0.039, 0.04, UNDECIDED),  # 1.1 to 6.7
    (0.013, 0.04, UNDECIDED),  # −1.5 to 4.1
    (0.011, 0.04, CONTRADICTED),  # −1.7 to 3.9
])  # fmt: skip
def test_a_gain_takes_the_whole_interval(mean, at_least, outcome):
    assert is_above(compared(mean), at_least) == Outcome(outcome)


@pytest.mark.parametrize(("loss", "outcome"), [
    (-0.01, HOLDS),  # −3.8 to 1.8
    (-0.005, UNDECIDED),  # −3.3 to 2.3: a loss of 2 can't be excluded, though none is seen
    (0.047, UNDECIDED),
    (0.049, CONTRADICTED),  # 2.1 to 7.7
])  # fmt: skip
def test_a_loss_is_minimal_if_the_whole_interval_is_within_the_margin(loss, outcome):
    assert is_within(compared(loss), 0.02) == Outcome(outcome)


def test_few_subjects_give_no_verdict():
    few = compared(0.5, subjects=3, note="3 test subjects; a verdict takes 5")
    assert str(is_above(few)) == str(is_within(few, 0.02)) == "not tested (3 test subjects; a verdict takes 5)"


@pytest.mark.parametrize(("parts", "outcome"), [
    ([Outcome(HOLDS), Outcome(HOLDS)], HOLDS),
    ([Outcome(HOLDS), Outcome(UNDECIDED)], UNDECIDED),
    ([Outcome(UNDECIDED), Outcome(CONTRADICTED)], CONTRADICTED),
    ([untested("LM is away"), Outcome(CONTRADICTED)], CONTRADICTED),
    ([untested("LM is away"), Outcome(UNDECIDED), untested("LM is away"), untested("OM is away")],
     "not tested (LM is away; OM is away)"),
])  # fmt: skip
def test_a_claim_of_several_parts(parts, outcome):
    assert str(all_of(parts)) == outcome
