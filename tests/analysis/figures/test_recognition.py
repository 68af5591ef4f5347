"""Change in recognition: each variant minus the baseline, with the interval of the table of differences."""

import pytest

from analysis.figures.recognition import change_in_recognition
from analysis.statistics import against_baseline
from tests.analysis.figures.conftest import caption_of, marks_of

PEOPLE = [str(number) for number in range(6)]


def predictions(*wrong):
    """Six people of three classes; those named have class 0 alone right: their macro F1 is 1/6, else 1."""
    return [(name, k, 0 if name in wrong else k) for name in PEOPLE for k in range(3)]


def test_a_row_has_the_difference_in_points_and_its_interval(grid, draw):
    grid.completed("LM", 0, 0.5, predictions=predictions("0", "1", "2"))
    grid.completed("MM", 0, 0.5, predictions=predictions("0"))
    figure = draw(change_in_recognition)
    (panel,) = figure.axes
    (found,) = against_baseline(results := grid.load(), results.settings()[0])
    assert marks_of(panel) == [(pytest.approx(100 * (5 / 6) * 2 / 6), 0)]
    assert found.estimate is not None
    segment = panel.collections[0].get_segments()[0]
    assert segment[:, 0] == pytest.approx([100 * found.estimate.low, 100 * found.estimate.high])
    assert [label.get_text() for label in panel.get_yticklabels()] == ["MM"]
    assert "macro F1 per test subject,\nminus LM (points)" in panel.get_xlabel()


def test_a_mark_is_hollow_where_the_difference_could_be_chance(grid, draw):
    grid.completed("LM", 0, 0.5, predictions=predictions(*PEOPLE))
    grid.completed("MM", 0, 0.5, predictions=predictions("0"))
    grid.completed("RB-KD", 0, 0.5, predictions=predictions(*PEOPLE[:5]))
    panel = draw(change_in_recognition).axes[0]
    faces = [line.get_markerfacecolor() for line in panel.lines[1:]]
    assert faces[0] == panel.lines[1].get_color()
    assert faces[1] == "white"


def test_published_changes_stand_beside_ours_only_under_the_published_protocol(grid, draw):
    """Sensors, windows split at random: RAB-KD +2.00 against LM."""
    published = {"preset": "paper", "protocol": "random"}
    for variant in ("LM", "RAB-KD"):
        grid.completed(variant, 0, 0.5, **published)
    figure = draw(change_in_recognition)
    assert [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "|"] == [2.00]
    assert "Upright tick: the published change." in caption_of(figure)


def test_no_published_change_under_another_protocol(grid, draw):
    for variant in ("LM", "RAB-KD"):
        grid.completed(variant, 0, 0.5)
    figure = draw(change_in_recognition)
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "|"]
    assert "published" not in caption_of(figure)


def test_one_variant_has_nothing_to_differ_from(grid, draw):
    grid.completed("LM", 0, 0.5)
    assert draw(change_in_recognition) is None


def test_what_could_not_be_compared_is_named(grid, draw):
    grid.completed("LM", 0, 0.5)
    grid.completed("MM", 0, 0.5)
    grid.failed("OM", 0, "out of memory")
    assert "Not shown: OM (OM has no completed seed (0/1, 1 failed))." in caption_of(draw(change_in_recognition))


@pytest.mark.parametrize(("protocol", "said"), [
    ("random", "who also trained, so that it says nothing about new people"),
    ("loso", "95 % interval for new people; one seed, so nothing is said about others"),
])  # fmt: skip
def test_an_interval_speaks_of_new_people_only_where_the_test_people_are_new(grid, draw, protocol, said):
    for variant in ("LM", "MM"):
        grid.completed(variant, 0, 0.5, protocol=protocol)
    assert said in caption_of(draw(change_in_recognition))
