"""Strip plot: every test subject where it stands, none moved."""

import pytest

from analysis.figures.subjects import subject_strips
from tests.analysis.figures.conftest import marks_of


def test_each_subject_has_a_tick_at_its_score_in_the_variants_row(grid, draw):
    """Subject 4 has all right; subject 5 class 0 alone: macro F1 1/6."""
    half = [("4", k, k) for k in range(3)] + [("5", k, 0) for k in range(3)]
    grid.completed("MM", 0, 0.5)
    grid.completed("LM", 0, 0.5, predictions=half)
    (panel,) = draw(subject_strips).axes
    ticks = [line.get_xydata().tolist() for line in panel.lines if line.get_marker() == "|"]
    assert ticks[0] == [[100, 0], [100, 0]]
    assert ticks[1] == [[100, 1], [pytest.approx(100 / 6), 1]]
    assert marks_of(panel)[1] == (pytest.approx(350 / 6), 1)
    assert [text.get_text() for text in panel.texts] == ["4", "5"]
    assert panel.get_xlim()[1] == 100


def test_one_subject_is_no_strip(grid, draw):
    grid.completed("LM", 0, 0.5, predictions=[("4", k, k) for k in range(3)])
    assert draw(subject_strips) is None
