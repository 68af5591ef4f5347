"""The Pareto front, by hand."""

from analysis.pareto import front


def test_a_member_scores_higher_than_all_that_cost_as_much_or_less():
    assert front([3, 1, 2, 2, 4], [0.7, 0.5, 0.6, 0.4, 0.7]) == [1, 2, 0]


def test_of_equals_the_first_is_taken():
    assert front([1, 1], [0.5, 0.5]) == [0]


def test_of_nothing_there_is_no_front():
    assert front([], []) == []
