"""Intervals against scipy where subjects or seeds stand alone, and by hand where both vary."""

import numpy as np
import pytest
from scipy.stats import nct, t, ttest_1samp, ttest_ind

from analysis.intervals import Estimate, estimate

VALUES = np.array([0.02, 0.05, -0.01, 0.04, 0.03])


def known(values):
    found = estimate(values)
    assert found is not None
    return found


@pytest.mark.parametrize("values", [VALUES[:, None], VALUES[None]])
def test_with_one_seed_or_one_subject_it_is_the_t_interval(values):
    found, expected = known(values), ttest_1samp(VALUES, 0)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.df == 4


def test_the_variance_is_a_sum_of_mean_squares():
    # Rows 1.5 and 4.5, columns 2 and 4, mean 3, rest ±0.5: mean squares 9, 4 and 1 with one degree of freedom each.
    found = known(np.array([[1.0, 2.0], [3.0, 6.0]]))
    assert found.mean == 3
    assert found.error == pytest.approx(((9 + 4 - 1) / 4) ** 0.5)
    assert found.df == pytest.approx(12**2 / (9**2 + 4**2 + 1**2))


def test_without_a_share_of_the_seeds_only_subjects_count():
    # The columns' means are equal, so their mean square, 0, is below that of the rest.
    values = VALUES[:, None] + np.array([[-1, 1], [1, -1], [-1, 1], [1, -1], [0, 0]]) / 100
    assert known(values) == known(VALUES[:, None])


def test_a_lucky_seed_makes_it_wider_however_many_subjects_there_are():
    values = np.random.default_rng(1).normal(0.05, 0.02, (50, 3))
    plain, lucky = known(values), known(values + [0, 0, 0.09])
    assert plain.low > 0.035
    assert lucky.low < 0  # three models: their mean is known to ± 4.3 × 0.09 / 3, whoever is tested
    assert lucky.df == pytest.approx(2, abs=0.1)


def test_degrees_of_freedom_are_not_fewer_than_the_smaller_sample_has():
    # Mean squares 0, 4/3 and 5/6 with 2, 2 and 4 degrees of freedom: Satterthwaite's are 0.24.
    found = known(np.array([[1.0, 0.0, 2.0], [2.0, 0.0, 1.0], [2.0, 1.0, 0.0]]))
    assert found.error == pytest.approx(((4 / 3 - 5 / 6) / 9) ** 0.5)
    assert found.df == 2


def test_values_that_are_all_equal_leave_no_doubt():
    zero, one = known(np.zeros((5, 2))), known(np.full((5, 2), 0.5))
    assert (zero.low, zero.high, zero.p_value, zero.detectable) == (0, 0, 1, 0)
    assert (one.low, one.high, one.p_value) == (0.5, 0.5, 0)


def test_a_single_value_has_no_interval():
    assert estimate(np.array([[0.3]])) is None


def test_what_is_detectable_is_found_with_80_percent_power():
    found = Estimate(0.0, 0.01, 9)
    limit, shift = t.ppf(0.975, 9), found.detectable / 0.01
    assert nct.sf(limit, 9, shift) + nct.cdf(-limit, 9, shift) == pytest.approx(0.8, abs=0.005)


def test_the_difference_of_independent_estimates_is_welchs():
    other = np.array([0.00, 0.02, -0.04, 0.01])
    found, expected = (
        known(VALUES[:, None]).minus(known(other[:, None])),
        ttest_ind(VALUES, other, equal_var=False),
    )
    assert (found.p_value, found.df) == pytest.approx((expected.pvalue, expected.df))
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
