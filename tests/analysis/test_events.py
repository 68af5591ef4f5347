"""Events of stored test predictions, by hand: what goes on, what begins anew, what is said by a majority."""

import doctest

import numpy as np
import pyarrow as pa
import pytest

from analysis import events as module
from analysis.event_table import event_table
from analysis.events import VOTES, event_scores, voted
from har_ray.groups import Setting
from har_ray.streaming import majority


def scores(text, votes=1):
    """Of windows written `recording:start true said`, classes as letters."""
    ids, truth, said = zip(*(line.split() for line in text.strip().splitlines()), strict=True)
    return event_scores(pa.array(ids), np.array(list(map(ord, truth))), np.array(list(map(ord, said))))[votes]


def test_a_recording_is_put_in_order_and_ends_with_itself():
    """Window 9 comes before 10 though it is stored behind it; the second recording's event is one of its own."""
    found = scores("r:10 a b\nr:9 a a\nr:8 a a\ns:0 a a")
    assert (found.events, found.breaks, found.underfill, found.late) == (2, 0.0, 1 / 4, 0.0)


def test_where_windows_were_left_out_another_event_begins():
    """A stride of 5: between 5 and 30 something else went on, whatever it was."""
    found = scores("r:0 a a\nr:5 a a\nr:30 a b\nr:35 a a")
    assert (found.events, found.late, found.breaks) == (2, 0.5, 0.0)
    assert scores("r:0 a a\nr:5 a a\nr:10 a b\nr:15 a a").breaks == 1.0


def test_a_change_of_activity_goes_on_though_no_window_holds_it():
    """Strides of 5, windows of 20: the first one of b begins 20 behind the last one of a, which is said on into it."""
    found = scores("r:0 a a\nr:5 a a\nr:25 b a\nr:30 b b")
    assert (found.events, found.overfill, found.underfill, found.insertions, found.late) == (2, 1 / 4, 1 / 4, 0, 0.5)


def test_two_events_flow_together_over_one_that_is_missed():
    found = scores("r:0 a a\nr:5 b a\nr:10 a a")
    assert (found.merges, found.merge, found.missed, found.deletion) == (1 / 3, 1 / 3, 1 / 3, 1 / 3)


def test_nothing_recognised_is_late_by_nothing():
    found = scores("r:0 a b\nr:5 a b")
    assert (found.missed, found.late, found.late_90, found.insertions) == (1.0, None, None, 1.0)


def test_a_vote_takes_out_a_single_slip():
    assert scores("r:0 a a\nr:5 a a\nr:10 a b\nr:15 a a", votes=3).correct == 1.0


def test_a_vote_is_that_of_a_stream():
    """Of random labels in stretches of random length, by `har_ray.streaming`."""
    rng = np.random.default_rng(0)
    predicted, begins = rng.integers(3, size=500), rng.random(500) < 0.2
    begins[0] = True
    expected = []
    for i in range(500):
        first = max(np.flatnonzero(begins[: i + 1])[-1], i + 1 - VOTES[-1])
        expected.append(majority(predicted[first : i + 1].tolist()))
    assert voted(predicted, begins).tolist() == expected


@pytest.mark.parametrize("ids", [["a", "b"], ["a:0", "b"], ["a:0", "a:x"], ["a:0", "a:"]])
def test_ids_that_say_no_order_have_no_events(ids):
    assert event_scores(pa.array(ids), np.array([0, 1]), np.array([0, 1])) == {}


def test_a_recording_may_have_a_colon_in_its_name():
    assert scores("a:1:5 a b\na:1:0 a a\na:2:0 a a").events == 2


@pytest.mark.parametrize(("protocol", "rows", "said"), [
    ("random", 0, "No test recording is whole"), ("subject-holdout", 2, "A user sees events"),
])  # fmt: skip
def test_a_split_that_leaks_has_no_whole_recordings(grid, protocol, rows, said):
    grid.completed("LM", 0, 0.9, protocol=protocol)
    table = event_table(grid.load(), Setting("sensors", "wrist", protocol))
    assert table is not None
    assert len(table.rows) == rows
    assert table.notes[0].startswith(said)


def test_how_long_a_window_is_is_said_where_it_is_known(grid):
    grid.info["data"] = [grid.data(stride_s=1.0)]
    grid.completed("LM", 0, 0.9)
    table = event_table(grid.load(), Setting("sensors", "wrist", "subject-holdout"))
    assert table is not None
    assert "A window takes 2 s, and another begins every 1 s." in table.notes[-1]


def test_without_a_complete_seed_there_is_no_table(grid):
    grid.failed("LM", 0, "out of memory")
    assert event_table(grid.load(), Setting("sensors", "wrist", "subject-holdout")) is None


def test_the_example_is_true():
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0
