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
    assert [text.get_text() for text in panel.texts] == ["4", "5", "lowest"]
    assert panel.get_xlim()[1] == 100


def test_one_subject_is_no_strip(grid, draw):
    grid.completed("LM", 0, 0.5, predictions=[("4", k, k) for k in range(3)])
    assert draw(subject_strips) is None


def test_who_is_lowest_is_named_beside_the_panel_and_not_over_it(grid, draw):
    """At 0 % there is no room left of the tick."""
    grid.completed(
        "LM", 0, 0.5, predictions=[("4", k, k) for k in range(3)] + [("1636", k, (k + 1) % 3) for k in range(3)]
    )
    (panel,) = draw(subject_strips).axes
    name = next(text for text in panel.texts if text.get_text() == "1636").get_window_extent()
    assert panel.get_window_extent().x1 < name.x0
    assert name.x1 <= panel.figure.bbox.x1
