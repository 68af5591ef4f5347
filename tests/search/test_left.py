"""How long a grid still takes: by hand from cells that ended and cells that run."""

import pytest

from har_ray.search.left import Running, TimeLeft

LM, OM = ("confirm", "LM"), ("confirm", "OM")


@pytest.fixture
def left():
    """LM took 10 and 20 seconds."""
    known = TimeLeft()
    known.ended(LM, 10.0)
    known.ended(LM, 20.0)
    return known


def test_nothing_is_said_while_nothing_is_known():
    assert TimeLeft().seconds({LM: 3}, []) is None
    assert TimeLeft().seconds({}, [Running(LM, 5.0, 0.0)]) is None
    assert TimeLeft().seconds({OM: 1}, [Running(LM, 5.0, 0.0)]) is None


def test_before_any_cell_has_ended_its_own_pace_counts():
    # 5 s for a quarter: 15 s are left, and 20 s for each of the two that wait
    assert TimeLeft().seconds({LM: 2}, [Running(LM, 5.0, 0.25)]) == 55.0


def test_what_runs_is_counted_by_how_long_such_cells_took(left):
    # 15 s as the two that ended; 5 and 11 s are left of those that run, 30 s of those that wait, on two slots
    assert left.seconds({LM: 2}, [Running(LM, 10.0, 0.1), Running(LM, 4.0, 0.1)]) == (5 + 11 + 30) / 2


def test_it_is_never_less_than_the_longest_cell_that_runs(left):
    # OM: half of its epochs took 100 s, so that 100 s are left, whatever the other slot does
    assert left.seconds({LM: 1}, [Running(OM, 100.0, 0.5), Running(LM, 14.0, 0.9)]) == 100.0


def test_a_cell_that_takes_longer_than_the_others_has_its_own_pace_left(left):
    assert left.seconds({}, [Running(LM, 30.0, 0.75)]) == 10.0


def test_a_cell_at_its_last_epochs_has_no_more_left_than_those(left):
    assert left.seconds({}, [Running(LM, 9.0, 0.9)]) == pytest.approx(1.0)


def test_kinds_differ_and_an_unknown_one_is_as_its_variant_in_another_stage(left):
    left.ended(("search", "OM"), 50.0)
    assert left.seconds({OM: 2, LM: 1}, []) == 2 * 50 + 15
    assert left.seconds({("confirm", "MM"): 1}, []) == pytest.approx((10 + 20 + 50) / 3)


def test_of_a_cell_that_has_paused_the_rest_counts(left):
    assert left.seconds({LM: 0.4}, []) == 6.0


def test_slots_that_were_seen_busy_stay_counted(left):
    left.seconds({}, [Running(LM, 5.0, 0.5)] * 3)
    assert left.seconds({LM: 3}, []) == 15.0


def test_nothing_is_left_of_nothing(left):
    assert left.seconds({}, []) == 0.0
