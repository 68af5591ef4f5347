"""Which cell ran when: slots as few as hold the cells, and how much of them was used."""

from datetime import datetime, timedelta

import pytest

from har_ray.timeline import busy, length_s, slots_of

BEGUN = datetime(2026, 1, 1)


def spans(*cells):
    """Rows from node, start and end in seconds."""
    return [
        {
            "node": node,
            "stage": "search",
            "started_at": f"{start:%Y-%m-%dT%H:%M:%S}",
            "finished_at": f"{end:%Y-%m-%dT%H:%M:%S}",
            "legs": None,
        }
        for node, first, last in cells
        for start, end in [[BEGUN + timedelta(seconds=s) for s in (first, last)]]
    ]


def test_cells_share_as_few_slots_as_hold_them_without_overlap():
    slots = slots_of(spans(("b", 0, 10), ("a", 0, 4), ("a", 2, 6), ("a", 4, 5), ("a", 6, 7)))
    assert {name: [(span.start, span.end) for span in found] for name, found in slots.items()} == {
        "a #1": [(0, 4), (4, 5), (6, 7)],
        "a #2": [(2, 6)],
        "b #1": [(0, 10)],
    }


def test_a_cell_that_paused_has_a_stretch_for_each_time_that_it_was_trained():
    rows = spans(("a", 10, 12), ("b", 3, 5))
    times = [f"2026-01-01T00:00:0{second}" for second in (0, 2, 5, 6)]
    rows[0]["legs"] = [["a", *times[:2]], ["b", *times[2:]]]
    assert {name: [(span.start, span.end) for span in found] for name, found in slots_of(rows).items()} == {
        "a #1": [(0, 2), (10, 12)],
        "b #1": [(3, 5), (5, 6)],
    }


def test_slots_are_in_the_order_of_their_numbers():
    assert list(slots_of(spans(*[("a", i, 20) for i in range(11)]))) == [f"a #{i}" for i in range(1, 12)]


def test_cells_that_have_not_ended_are_left_out():
    assert slots_of([*spans(("a", 0, 4)), {"started_at": None}, {"started_at": float("nan")}]).keys() == {"a #1"}


def test_slots_are_busy_while_they_hold_cells():
    """Of two slots for 10 s each, one is used for 10 and one for 5."""
    slots = slots_of(spans(("a", 0, 10), ("a", 5, 10)))
    assert length_s(slots) == 10
    assert busy(slots) == pytest.approx(0.75)
