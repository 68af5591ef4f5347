"""Mean ranks and cliques, against the example of Demšar 2006 and scipy."""

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from analysis.figures.ranks import critical_differences
from analysis.ranks import is_enough, ranked, ranking
from tests.analysis.figures.conftest import draw  # noqa: F401

NAMES = ["C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"]
DEMSAR = np.array([
    [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
    [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
    [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
])  # fmt: skip
"""Table 6 of Demšar, JMLR 7, 2006: four learners on fourteen data sets. Two scores of the last but
one are printed alike and ranked apart, so one has a digit more here."""


def test_ranks_are_those_that_demsar_publishes():
    found = ranked(NAMES, DEMSAR)
    assert found.variants == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    assert found.ranks == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert found.p_value == pytest.approx(friedmanchisquare(*DEMSAR.T).pvalue)


def test_variants_that_always_differ_are_in_no_clique():
    """Twelve subjects, for each of whom a is far above b, and b far above c."""
    random = np.random.default_rng(0)
    scores = np.array([0.3, 0.9, 0.6]) + random.normal(0, 0.01, (12, 3))
    found = ranked(["c", "a", "b"], scores)
    assert (found.variants, found.ranks, found.cliques) == (["a", "b", "c"], [1, 2, 3], [])


def test_neighbours_that_are_not_shown_to_differ_are_a_clique():
    random = np.random.default_rng(0)
    scores = np.array([0.9, 0.9, 0.3]) + random.normal(0, 0.01, (12, 3))
    assert ranked(["a", "b", "c"], scores).cliques == [(0, 1)]


def test_without_any_difference_all_are_one_clique():
    found = ranked(["a", "b", "c"], np.full((12, 3), 0.5))
    assert (found.p_value, found.cliques) == (1.0, [(0, 2)])


def test_a_test_that_could_find_nothing_is_not_made():
    """Six of six subjects give p = 1/32, which Holm triples for three pairs; seven give 3/64."""
    assert [is_enough(subjects, 3) for subjects in (6, 7)] == [False, True]
    assert [is_enough(subjects, 9) for subjects in (10, 11)] == [False, True]


def people(count, *, right):
    return [(str(n), k, k if right else 0) for n in range(count) for k in range(3)]


def test_no_diagram_of_two_variants_or_of_too_few_subjects(grid, draw):  # noqa: F811
    for variant in ("LM", "MM"):
        grid.completed(variant, 0, 0.5, predictions=people(7, right=True))
    assert draw(critical_differences) is None
    grid.completed("OM", 0, 0.5, predictions=people(6, right=True))
    assert draw(critical_differences) is None


def test_a_diagram_has_marks_at_the_mean_ranks(grid, draw):  # noqa: F811
    """LM is wrong for all seven subjects, MM and OM are right: they share ranks 1 and 2."""
    for variant, right in {"OM": True, "MM": True, "LM": False}.items():
        grid.completed(variant, 0, 0.5, predictions=people(7, right=right))
    results = grid.load()
    found = ranking(results, results.settings()[0])
    assert found is not None
    assert found.ranks == pytest.approx([1.5, 1.5, 3])
    panel = draw(critical_differences).axes[0]
    marks = [line for line in panel.lines if line.get_marker() in ("o", "s", "^")]
    assert [tuple(line.get_xydata()[0]) for line in marks] == [(1.5, 0), (1.5, 0), (3, 0)]
    assert [text.get_text() for text in panel.texts] == ["OM  1.5", "MM  1.5", "3.0  LM†"]
    bars = [line for line in panel.lines if line.get_linewidth() == 3.2]
    assert [bar.get_xdata() for bar in bars] == [pytest.approx((1.45, 1.55))]
